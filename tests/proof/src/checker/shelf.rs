//! Snapshots and checkpoints. They have no place in the log, so they are judged by time.

use std::collections::{BTreeMap, HashMap};

use super::ledger::Ledger;
use super::{Invariant, Violation};
use crate::history::{Actual, Guard, NEVER, Outcome, Refusal, SnapshotSave, SnapshotView};

/// What is wrong with snapshots.
pub(super) fn snapshots(ledger: &Ledger<'_>) -> Vec<Violation> {
    let history = ledger.history;
    let mut violations = Vec::new();
    let mut saves: HashMap<&str, Vec<&SnapshotSave>> = HashMap::new();
    for save in &history.saves {
        saves.entry(&save.stream).or_default().push(save);
        let revision = usize::try_from(save.revision).unwrap_or(usize::MAX);
        let begun = ledger.stream(&save.stream).get(revision).map(|place| ledger.owners[*place]);
        let is_ahead = match begun {
            None => true,
            Some(owner) => owner.is_some_and(|owner| ledger.span(owner).0 > save.returned),
        };
        if save.outcome == Outcome::Ok(()) && is_ahead {
            let what = format!("saved of {} at {}, where it was not yet", save.stream, save.revision);
            violations.push(Violation::new(Invariant::Snapshots, what));
        }
    }
    for view in &history.snapshots {
        let saves = saves.get(view.stream.as_str()).map_or(&[][..], Vec::as_slice);
        let fault = wrong_snapshot(saves, view, history.snapshots_kept);
        violations.extend(fault.map(|what| {
            let asked = format!("{} at or before {}", view.stream, view.at_or_before);
            Violation::new(Invariant::Snapshots, format!("{asked}: {what}"))
        }));
    }
    violations
}

fn wrong_snapshot(saves: &[&SnapshotSave], view: &SnapshotView, kept: usize) -> Option<String> {
    let can_be = |save: &&&SnapshotSave| !matches!(save.outcome, Outcome::Refused(_)) && save.invoked <= view.returned;
    if let Some((revision, digest)) = view.found {
        let is_saved = |save: &&SnapshotSave| save.revision == revision && save.digest == digest;
        if !saves.iter().filter(can_be).any(is_saved) {
            return Some(format!("nobody saved what was found at {revision}"));
        }
        if revision > view.at_or_before {
            return Some(format!("found at {revision}"));
        }
    }
    let is_due = |save: &&&SnapshotSave| {
        save.outcome == Outcome::Ok(()) && save.returned < view.invoked && save.revision <= view.at_or_before
    };
    let due = saves.iter().filter(is_due).map(|save| save.revision).max()?;
    let newer = saves.iter().filter(can_be).filter(|save| save.revision > due).count();
    let is_older = view.found.is_none_or(|(revision, _)| revision < due);
    (newer < kept && is_older).then(|| format!("acknowledged at {due}, found {:?}", view.found))
}

/// A checkpoint's place, from some moment between two on; set, or seen by somebody.
#[derive(Debug, Clone, Copy)]
struct Mark {
    at: Option<u64>,
    invoked: u64,
    returned: u64,
    is_known: bool,
}

/// What is wrong with checkpoints.
pub(super) fn checkpoints(ledger: &Ledger<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut names: BTreeMap<&str, (Vec<Mark>, Vec<Mark>)> = BTreeMap::new();
    gather_moves(ledger, &mut names);
    gather_appends(ledger, &mut names);
    for view in &ledger.history.checkpoints {
        let mark = Mark { at: view.found, invoked: view.invoked, returned: view.returned, is_known: true };
        names.entry(&view.name).or_default().1.push(mark);
    }
    let begun = begun(ledger);
    for (name, (mut set, mut seen)) in names {
        let told = |what: String| Violation::new(Invariant::Checkpoints, format!("checkpoint {name}: {what}"));
        for mark in &set {
            let next = begun.partition_point(|(from, _)| *from <= mark.returned);
            let beyond = begun.get(next).map_or(ledger.log.len() as u64 + 1, |(_, position)| *position);
            if mark.is_known && mark.at.is_some_and(|at| at >= beyond) {
                violations.push(told(format!("set to {:?} when the log was not there yet", mark.at)));
            }
        }
        set.push(Mark { at: None, invoked: 0, returned: 0, is_known: true });
        set.sort_by_key(|mark| mark.invoked);
        seen.sort_by_key(|mark| mark.returned);
        for seen in seen {
            if !may_be(&set, seen) {
                violations.push(told(format!("seen at {:?}, where it was not, at {}", seen.at, seen.invoked)));
            }
            // Whoever has seen it there may count on it, whether the one who set it was answered or not.
            let place = set.partition_point(|mark| mark.invoked <= seen.invoked);
            set.insert(place, seen);
        }
    }
    violations
}

/// Whether a checkpoint can have been where it was seen: set there, and not set elsewhere since.
fn may_be(set: &[Mark], seen: Mark) -> bool {
    let before = set.iter().filter(|mark| mark.is_known && mark.returned < seen.invoked);
    let newest = before.map(|mark| mark.invoked).max().unwrap_or_default();
    let asked = &set[..set.partition_point(|mark| mark.invoked <= seen.returned)];
    asked.iter().any(|mark| mark.at == seen.at && mark.returned >= newest)
}

type Marks<'a> = BTreeMap<&'a str, (Vec<Mark>, Vec<Mark>)>;

/// Moves, and where the server said that a checkpoint was.
fn gather_moves<'a>(ledger: &Ledger<'a>, names: &mut Marks<'a>) {
    for change in &ledger.history.moves {
        let (set, seen) = names.entry(&change.name).or_default();
        let mark = |at, is_known| {
            let returned = ledger.history.bound(change.invoked, change.returned);
            Mark { at, invoked: change.invoked, returned, is_known }
        };
        match &change.outcome {
            Outcome::Ok(()) => {
                set.push(mark(change.to, true));
                seen.extend(change.expected.map(|at| mark(at, true)));
            }
            Outcome::Refused(Refusal::WrongCheckpoint { actual, .. }) => seen.push(mark(*actual, true)),
            Outcome::Refused(_) => {}
            Outcome::Unknown => set.push(mark(change.to, false)),
        }
    }
}

/// What appends moved, and what guards saw.
fn gather_appends<'a>(ledger: &Ledger<'a>, names: &mut Marks<'a>) {
    for (number, append) in ledger.history.appends.iter().enumerate() {
        let is_in = !ledger.places[number].is_empty() || append.placed().is_some();
        let (invoked, returned) = ledger.span(number);
        let mark = |at| Mark { at, invoked, returned, is_known: true };
        if is_in {
            for (name, to) in &append.advances {
                names.entry(name).or_default().0.push(mark(Some(*to)));
            }
        }
        for attempt in &append.attempts {
            if let Outcome::Refused(Refusal::WrongCheckpoint { name, actual }) = &attempt.outcome {
                let (invoked, returned) = (attempt.invoked, attempt.returned);
                names.entry(name).or_default().1.push(Mark { at: *actual, invoked, returned, is_known: true });
            }
        }
        for (index, guard) in append.guards.iter().enumerate() {
            let Guard::Checkpoint { name, position } = guard else { continue };
            let seen = &mut names.entry(name).or_default().1;
            if is_in {
                seen.push(mark(*position));
            }
            for attempt in &append.attempts {
                if let Outcome::Refused(Refusal::Guard { index: refused, actual: Actual::Checkpoint(at), .. }) =
                    attempt.outcome
                    && refused == index
                {
                    let (invoked, returned) = (attempt.invoked, attempt.returned);
                    seen.push(Mark { at, invoked, returned, is_known: true });
                }
            }
        }
    }
}

/// When appends began, ascending, each with the nearest position of all that began then or later.
fn begun(ledger: &Ledger<'_>) -> Vec<(u64, u64)> {
    let placed = ledger.places.iter().enumerate();
    let mut begun: Vec<(u64, u64)> =
        placed.filter_map(|(append, places)| Some((ledger.span(append).0, *places.first()? as u64 + 1))).collect();
    begun.sort_unstable();
    let mut nearest = NEVER;
    begun.iter_mut().rev().for_each(|(_, position)| {
        nearest = nearest.min(*position);
        *position = nearest;
    });
    begun
}
