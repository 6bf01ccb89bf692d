//! Compares a log that was found with what the clients were told. A function of the two, nothing else.

use std::collections::HashMap;

use quipu_client::{Appended, Expected};

use crate::events::Found;
use crate::witness::{Outcome, Tried};

/// What is wrong with a log. An append is named by its number, a place by its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It was acknowledged and is not there.
    Lost { append: u64 },
    /// Some of its events are there, not all.
    Half { append: u64, found: usize, size: u64 },
    /// One of its events is there twice.
    Duplicate { append: u64, index: u64 },
    /// Its events are not beside each other in the order they were sent in.
    Scattered { append: u64 },
    /// It is not where its acknowledgement said: revision and position of its first event.
    Moved { append: u64, told: (u64, u64), found: (u64, u64) },
    /// It was refused and is there.
    RefusedButThere { append: u64 },
    /// It went in although its stream was not as it expected.
    Unguarded { append: u64 },
    /// Sent again it did not get its first answer: revision and position, and whether it is told as new.
    AnotherAnswer { append: u64, again: Option<(u64, u64, bool)> },
    /// Of the appends of its transaction some are there and some are not, or not one after another.
    Torn { append: u64 },
    /// It holds events that were not sent so, or in another stream.
    Changed { append: u64, position: u64 },
    /// Nobody sent this event.
    Stranger { position: u64 },
    /// Positions are not dense here.
    Gap { expected: u64, found: u64 },
    /// The revisions of a stream are not dense here.
    RevisionGap { stream: String, expected: u64, found: u64 },
    /// One reader found something else here than another, or nothing.
    Disagreement { reader: String, position: u64 },
    /// An acknowledged snapshot is not found.
    SnapshotLost { stream: String, revision: u64 },
}

/// The faults of a whole log, given every append that was tried.
pub(crate) fn check(tried: &[Tried], log: &[Found]) -> Vec<Fault> {
    let mut faults = gaps(log);
    let mut found: HashMap<u64, Vec<&Found>> = HashMap::new();
    for event in log {
        if usize::try_from(event.append).is_ok_and(|append| append < tried.len()) {
            found.entry(event.append).or_default().push(event);
        } else {
            faults.push(Fault::Stranger { position: event.position });
        }
    }
    for (append, tried) in (0..).zip(tried) {
        faults.extend(fault_of(append, tried, found.get(&append).map_or(&[], Vec::as_slice)));
        let next = append + 1;
        if tried.parts.contains(&next) {
            let end = found.get(&append).map(|events| events[0].position + tried.size);
            let begin = found.get(&next).map(|events| events[0].position);
            faults.extend((end != begin).then_some(Fault::Torn { append: next }));
        }
    }
    faults
}

/// What is wrong with the answer to an append that was in, and was sent again.
pub(crate) fn same_answer(append: u64, tried: &Tried, answer: Option<&Appended>) -> Option<Fault> {
    let again = answer.map(|it| (it.first_revision, it.first_position, !it.deduplicated));
    let is_whole = answer.is_some_and(|it| it.last_revision + 1 - it.first_revision == tried.size);
    let is_first = matches!(tried.outcome, Outcome::In { first_revision, first_position }
        if again == Some((first_revision, first_position, false)));
    (!is_first || !is_whole).then_some(Fault::AnotherAnswer { append, again })
}

/// Where a reader found something else than the log. Its events must follow each other in the log
/// unless they are of one stream.
pub(crate) fn same_order(reader: &str, read: &[Found], log: &[&Found]) -> Option<Fault> {
    let differs = |(read, log): (&Found, &&Found)| read != *log;
    let disagreement = |position| Fault::Disagreement { reader: reader.into(), position };
    match read.iter().zip(log).position(differs) {
        Some(at) => Some(disagreement(log[at].position)),
        None if read.len() < log.len() => Some(disagreement(log[read.len()].position)),
        None => read.get(log.len()).map(|extra| disagreement(extra.position)),
    }
}

fn gaps(log: &[Found]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut next_revision: HashMap<&str, u64> = HashMap::new();
    let mut next = 1;
    for event in log {
        if event.position != next {
            faults.push(Fault::Gap { expected: next, found: event.position });
        }
        next = event.position + 1;
        let revision = next_revision.entry(&event.stream).or_default();
        if event.revision != *revision {
            let (expected, found) = (*revision, event.revision);
            faults.push(Fault::RevisionGap { stream: event.stream.clone(), expected, found });
        }
        *revision = event.revision + 1;
    }
    faults
}

/// What is wrong with one append, given its events in the order of the log.
fn fault_of(append: u64, tried: &Tried, found: &[&Found]) -> Option<Fault> {
    let Some(first) = found.first() else {
        return matches!(tried.outcome, Outcome::In { .. }).then_some(Fault::Lost { append });
    };
    let mut indices: Vec<u64> = found.iter().map(|event| event.index).collect();
    indices.sort_unstable();
    if let Some(twice) = indices.windows(2).find(|pair| pair[0] == pair[1]) {
        return Some(Fault::Duplicate { append, index: twice[0] });
    }
    if (found.len() as u64) < tried.size {
        return Some(Fault::Half { append, found: found.len(), size: tried.size });
    }
    let as_sent = |event: &&&Found| event.intact && event.stream == tried.stream && event.size == tried.size;
    if let Some(changed) = found.iter().find(|event| !as_sent(event)) {
        return Some(Fault::Changed { append, position: changed.position });
    }
    let in_order = |(event, index): (&&Found, u64)| {
        (event.index, event.position, event.revision) == (index, first.position + index, first.revision + index)
    };
    if !found.iter().zip(0..).all(in_order) {
        return Some(Fault::Scattered { append });
    }
    let place = (first.revision, first.position);
    match tried.outcome {
        Outcome::Out => return Some(Fault::RefusedButThere { append }),
        Outcome::In { first_revision, first_position } if (first_revision, first_position) != place => {
            return Some(Fault::Moved { append, told: (first_revision, first_position), found: place });
        }
        Outcome::In { .. } | Outcome::Unknown => {}
    }
    (!holds(tried.expected, first.revision)).then_some(Fault::Unguarded { append })
}

/// Whether an append with this expectation may begin at this revision.
fn holds(expected: Expected, first: u64) -> bool {
    match expected {
        Expected::Any => true,
        Expected::NoStream => first == 0,
        Expected::StreamExists => first > 0,
        Expected::Revision(revision) => revision.checked_add(1) == Some(first),
    }
}
