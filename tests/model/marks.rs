//! Checkpoints of consumers: set, deleted, listed, and kept over a restart.

use std::time::Duration;

use quipu::model::{CheckpointName, Position};
use quipu::store::{Checkpoint, CheckpointChange, Error};

use crate::chance::Chance;
use crate::checked::{Checked, same};
use crate::guards::is_refused;
use crate::plain::Plain;
use crate::run::Run;
use crate::verdicts::Refusal;

const NAMES: [&str; 6] = ["m", "m-1", "mn", "n", "é", "M"];

/// A consumer, one of a few.
pub(crate) fn any_mark(chance: &mut Chance) -> String {
    NAMES[chance.below(NAMES.len() as u64) as usize].to_owned()
}

/// What becomes of a change: where the checkpoint is then, or why nothing changed.
type Verdict = Result<Option<Checkpoint>, Refusal>;

/// A change that is asked for, and the model's answer.
pub(crate) type Marked = (CheckpointChange, Verdict);

impl Plain {
    fn mark(&self, name: &str) -> Option<Checkpoint> {
        let there = self.marks.get(name);
        there.map(|(position, at)| Checkpoint { position: Position(*position), updated_at: *at })
    }

    fn set_mark(&mut self, name: &str, position: u64, expected: Option<Option<u64>>) -> Verdict {
        let actual = self.marks.get(name).map(|(position, _)| *position);
        // Where it is already it stays, whatever was expected: that is a retry.
        if actual != Some(position) {
            if expected.is_some_and(|expected| expected != actual) {
                return Err(Refusal::Mark(name.to_owned(), actual));
            }
            if position > self.head() {
                return Err(Refusal::Beyond(position));
            }
            if actual.is_none() && self.marks.len() >= self.marks_most {
                return Err(Refusal::TooMany);
            }
            self.marks.insert(name.to_owned(), (position, self.time));
        }
        Ok(self.mark(name))
    }

    fn delete_mark(&mut self, name: &str) -> Verdict {
        let removed = self.marks.remove(name);
        removed.map(|_| None).ok_or_else(|| Refusal::NoMark(name.to_owned()))
    }
}

/// Compares an answer with the model's.
pub(crate) fn compare_mark((change, model): &Marked, answer: &Result<Option<Checkpoint>, Error>) -> Checked {
    match (answer, model) {
        (Ok(answer), Ok(model)) => same("a checkpoint after a change", answer, model),
        (Err(error), Err(refusal)) if is_refused(error, refusal) => Ok(()),
        _ => Err(format!("{change:?}: the store says {answer:?}, the model {model:?}")),
    }
}

impl Run {
    /// A change of some checkpoint, and what the model makes of it.
    pub(crate) fn any_change_of_mark(&mut self) -> Marked {
        let name = any_mark(&mut self.chance);
        let checkpoint = CheckpointName::from_log(&name);
        self.plain.tick(self.time.now());
        if self.chance.once_in(6) {
            self.note(format!("delete checkpoint `{name}`"));
            return (CheckpointChange::Delete(checkpoint), self.plain.delete_mark(&name));
        }
        let there = self.plain.marks.get(&name).map(|(position, _)| *position);
        let position = match self.chance.below(8) {
            0 => self.plain.head() + 1 + self.chance.below(3),
            1 => there.unwrap_or(0),
            _ => self.chance.below(self.plain.head() + 1),
        };
        let expected = match self.chance.below(6) {
            0..3 => None,
            3 => Some(there),
            4 => Some(None),
            _ => Some(Some(self.chance.below(self.plain.head() + 1))),
        };
        self.note(format!("set checkpoint `{name}` to {position} expecting {expected:?}"));
        let model = self.plain.set_mark(&name, position, expected);
        let expected = expected.map(|expected| expected.map(Position));
        (CheckpointChange::Set { name: checkpoint, position: Position(position), expected }, model)
    }

    /// Changes a checkpoint, and looks at all of them.
    pub(crate) fn mark(&mut self) -> Checked {
        let marked = self.any_change_of_mark();
        let answer = self.runtime.block_on(self.store.change_checkpoint(marked.0.clone()));
        compare_mark(&marked, &answer)?;
        let (prefix, from) = (any_mark(&mut self.chance), any_mark(&mut self.chance));
        let most = 1 + self.chance.below(4) as usize;
        self.marks_from(&prefix, &from, most)?;
        self.waits(&prefix)?;
        self.all_marks()
    }

    fn marks_from(&self, prefix: &str, from: &str, most: usize) -> Checked {
        let rows = self.plain.marks.keys().filter(|name| name.as_str() >= from && name.starts_with(prefix));
        let rows = rows.take(most).map(|name| (CheckpointName::from_log(name), self.plain.mark(name)));
        let model: Vec<_> = rows.filter_map(|(name, row)| Some((name, row?))).collect();
        same("a page of checkpoints", &self.store.checkpoint_page(prefix, from, most), &model)
    }

    /// Whoever waits for a place that was reached is answered; whoever waits in vain for no time, as well.
    fn waits(&self, name: &str) -> Checked {
        let (checkpoint, model) = (CheckpointName::from_log(name), self.plain.mark(name));
        let reached = model.map_or(Position(1), |mark| mark.position);
        let patience = if model.is_some() { Duration::from_secs(3600) } else { Duration::ZERO };
        for (until, patience) in [(reached, patience), (Position(u64::MAX), Duration::ZERO)] {
            let waited = self.runtime.block_on(self.store.wait_for_checkpoint(&checkpoint, until, patience));
            same("a checkpoint that was waited for", &waited.map_err(|error| error.to_string()), &Ok(model))?;
        }
        Ok(())
    }

    /// Compares every checkpoint.
    pub(crate) fn all_marks(&self) -> Checked {
        for name in NAMES {
            same("a checkpoint", &self.store.checkpoint(&CheckpointName::from_log(name)), &self.plain.mark(name))?;
        }
        self.marks_from("", "", usize::MAX)
    }
}
