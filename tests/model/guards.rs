//! Transactions: appends to some streams, guards over everything, and checkpoints that move.

use std::sync::Arc;

use quipu::model::{CheckpointName, ExpectedRevision, Guard, Match, Position, StreamName};
use quipu::store::{Actual, CheckpointAdvance, Error, Transacted, Transaction};

use crate::appends::{any_expected, any_stream, fresh};
use crate::checked::{Checked, holds, same};
use crate::marks::any_mark;
use crate::offers::Tried;
use crate::plain::Plain;
use crate::run::Run;
use crate::verdicts::{Refusal, Seen, Verdict};
use crate::wanted::Wanted;

/// What is asked to go in together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    pub(crate) appends: Vec<Tried>,
    pub(crate) guards: Vec<Guarded>,
    pub(crate) advances: Vec<(String, u64)>,
}

/// A guard.
#[derive(Debug, Clone)]
pub(crate) enum Guarded {
    Stream(String, ExpectedRevision),
    None(Wanted, u64),
    Some(Wanted, u64),
    Mark(String, Option<u64>),
}

impl Guarded {
    fn guard(&self) -> Guard {
        let matching = |wanted: &Wanted, after| Match { query: Arc::new(wanted.query()), after: Position(after) };
        match self {
            Self::Stream(name, expected) => Guard::Stream { stream: StreamName::from_log(name), expected: *expected },
            Self::None(wanted, after) => Guard::NoneMatch(matching(wanted, *after)),
            Self::Some(wanted, after) => Guard::SomeMatch(matching(wanted, *after)),
            Self::Mark(name, position) => {
                Guard::Checkpoint { name: CheckpointName::from_log(name), position: position.map(Position) }
            }
        }
    }

    fn after(&self) -> u64 {
        match self {
            Self::None(_, after) | Self::Some(_, after) => *after,
            Self::Stream(..) | Self::Mark(..) => 0,
        }
    }
}

impl From<Tried> for Asked {
    fn from(tried: Tried) -> Self {
        Self { appends: vec![tried], ..Self::default() }
    }
}

impl Asked {
    pub(crate) fn transaction(&self) -> Transaction {
        let advance = |(name, position): &(String, u64)| CheckpointAdvance {
            name: CheckpointName::from_log(name),
            position: Position(*position),
        };
        Transaction {
            appends: self.appends.iter().map(Tried::append).collect(),
            guards: self.guards.iter().map(Guarded::guard).collect(),
            advances: self.advances.iter().map(advance).collect(),
        }
    }

    /// The first place that a guard asks about and that is beyond a head.
    fn beyond(&self, head: u64) -> Option<u64> {
        self.guards.iter().map(Guarded::after).find(|after| *after > head)
    }

    /// For a trace.
    pub(crate) fn told(&self) -> String {
        let appends: Vec<_> = self.appends.iter().map(Tried::told).collect();
        format!("{}; guards {:?}; advances {:?}", appends.join("; "), self.guards, self.advances)
    }
}

/// Whether an error says what the model says.
pub(crate) fn is_refused(error: &Error, model: &Refusal) -> bool {
    match (error, model) {
        (Error::WrongExpectedRevision { stream, actual, .. }, Refusal::Expected(name, last)) => {
            stream.as_str() == name && actual == last
        }
        (Error::StreamTombstoned(stream), Refusal::Gone(name))
        | (Error::StreamNotFound(stream), Refusal::Missing(name)) => stream.as_str() == name,
        (Error::EventIdConflict { .. }, Refusal::Taken) | (Error::TooManyCheckpoints, Refusal::TooMany) => true,
        (Error::GuardNotMet { index, actual, .. }, Refusal::Guard(at, seen)) => {
            let told = match actual {
                Actual::Stream { actual, .. } => Seen::Stream(*actual),
                Actual::Event(found) => Seen::Event(found.position.0, found.event_type.clone()),
                Actual::NoEvent => Seen::NoEvent,
                Actual::Checkpoint { actual, .. } => Seen::Mark(actual.map(|actual| actual.0)),
            };
            (*index, &told) == (*at, seen)
        }
        (Error::WrongCheckpoint { name, actual, .. }, Refusal::Mark(mark, there)) => {
            name.as_str() == mark && actual.map(|actual| actual.0) == *there
        }
        (Error::CheckpointNotFound(name), Refusal::NoMark(mark)) => name.as_str() == mark,
        (Error::BeyondEnd { asked, .. }, Refusal::Beyond(position)) => asked == position,
        _ => false,
    }
}

/// Compares an answer with the model's. `head` is where the log ended when it was judged.
pub(crate) fn compare(
    plain: &Plain,
    asked: &Asked,
    answer: &Result<Transacted, Error>,
    model: &Verdict,
    head: u64,
) -> Checked {
    match (answer, model) {
        (Ok(answer), Ok(appends)) => {
            same("where events went", &answer.appends, appends)?;
            let is_again = appends.first().is_some_and(|appended| appended.deduplicated);
            same("whether all went in before", &answer.deduplicated, &is_again)
        }
        (Err(error), Err(refusal)) if is_refused(error, refusal) => has_facts(plain, asked, error, head),
        _ => Err(format!("{}: the store says {answer:?}, the model {model:?}", asked.told())),
    }
}

/// What a refusal tells beyond its reason.
fn has_facts(plain: &Plain, asked: &Asked, error: &Error, head: u64) -> Checked {
    if let Error::GuardNotMet { head: told, .. } | Error::WrongExpectedRevision { head: told, .. } = error {
        same("the head that was judged against", &told.0, &head)?;
    }
    let Error::EventIdConflict { id, stream, position } = error else { return Ok(()) };
    let mut offers = asked.appends.iter().flat_map(|tried| &tried.offers);
    holds(offers.any(|offer| offer.event.id == *id), || format!("{id} is not in the append"))?;
    let entry = (*position as usize).checked_sub(1).and_then(|at| plain.log.get(at));
    let holder = entry.map(|entry| (entry.id, entry.stream.as_str()));
    same("who holds the id", &Some((id.0, stream.as_str())), &holder)
}

impl Run {
    /// A guard; one that asks about a place beyond the head only if it `may_leap`.
    fn any_guard(&mut self, settled: u64, may_leap: bool) -> Guarded {
        let head = self.plain.head();
        let after = match self.chance.below(10) {
            0 if may_leap => head + 1 + self.chance.below(3),
            0..3 => 0,
            3..7 => settled - self.chance.below(5).min(settled),
            _ => self.chance.below(settled + 1),
        };
        match self.chance.below(8) {
            0 => {
                let name = any_stream(&mut self.chance);
                let expected = any_expected(&mut self.chance, self.plain.last(&name));
                Guarded::Stream(name, expected)
            }
            1 => {
                let name = any_mark(&mut self.chance);
                let there = self.plain.marks.get(&name).map(|(position, _)| *position);
                let position = if self.chance.once_in(4) { Some(self.chance.below(head + 1)) } else { there };
                Guarded::Mark(name, position)
            }
            2..6 => Guarded::None(self.any_wanted(), after),
            _ => Guarded::Some(self.any_wanted(), after),
        }
    }

    /// Something to ask for that is new. Guards look back to `settled`, which all can see.
    pub(crate) fn any_asked(&mut self, settled: u64, may_leap: bool) -> Asked {
        let mut asked = Asked::default();
        for _ in 0..[1, 1, 1, 2, 2, 3, 0][self.chance.below(7) as usize] {
            let stream = any_stream(&mut self.chance);
            if !asked.appends.iter().any(|tried| tried.stream == stream) {
                asked.appends.push(fresh(&mut self.chance, &self.plain, stream));
            }
        }
        for _ in 0..[0, 1, 1, 1, 2, 3][self.chance.below(6) as usize] {
            let guard = self.any_guard(settled, may_leap);
            asked.guards.push(guard);
        }
        for _ in 0..self.chance.below(4).saturating_sub(1).max(u64::from(asked.appends.is_empty())) {
            let name = any_mark(&mut self.chance);
            let there = self.plain.marks.get(&name).map_or(0, |(position, _)| *position);
            let most = self.plain.head() + 1 + u64::from(self.chance.once_in(5));
            let position = (there + self.chance.below(8)).min(most);
            if !asked.advances.iter().any(|(other, _)| *other == name) {
                asked.advances.push((name, position));
            }
        }
        asked
    }

    /// A transaction, new or once more.
    pub(crate) fn transact(&mut self) -> Checked {
        let head = self.plain.head();
        let mut asked = match self.asked.len() as u64 {
            count if count > 0 && self.chance.once_in(4) => {
                let back = self.chance.below(count.min(6));
                self.asked[(count - 1 - back) as usize].clone()
            }
            _ => self.any_asked(head, true),
        };
        for tried in &mut asked.appends {
            *tried = tried.once_more(&mut self.chance);
        }
        self.ask(asked)
    }

    /// Asks for something to go in, and compares the answer.
    pub(crate) fn ask(&mut self, asked: Asked) -> Checked {
        self.note(asked.told());
        let head = self.plain.head();
        let answer = self.runtime.block_on(self.store.transact(asked.transaction()));
        let model = match asked.beyond(head) {
            Some(position) => Err(Refusal::Beyond(position)),
            None => {
                self.plain.tick(self.time.now());
                self.plain.transact(&asked)
            }
        };
        compare(&self.plain, &asked, &answer, &model, head)?;
        self.tried.extend(asked.appends.iter().cloned());
        self.asked.push(asked);
        Ok(())
    }
}
