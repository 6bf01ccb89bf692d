//! Expectations and guards: what went in was allowed to, and what was refused was told the truth.

use super::ledger::Ledger;
use super::{Invariant, Violation};
use crate::history::{Actual, Append, Expected, Guard, Outcome, Query, Refusal};

/// What is wrong with the verdicts on the appends of a history.
pub(super) fn check(ledger: &Ledger<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (number, append) in ledger.history.appends.iter().enumerate() {
        let told = |(invariant, what)| Violation::new(invariant, format!("append {number}: {what}"));
        if let Some(first) = ledger.places[number].first() {
            violations.extend(accepted(ledger, append, *first).into_iter().map(told));
        }
        for attempt in &append.attempts {
            if let Outcome::Refused(refusal) = &attempt.outcome {
                violations.extend(refused(ledger, append, refusal).map(told));
            }
        }
    }
    violations
}

/// A fault before it is known whose it is.
type Fault = (Invariant, String);

/// What an append at this place of the log did not meet.
fn accepted(ledger: &Ledger<'_>, append: &Append, first: usize) -> Vec<Fault> {
    let mut faults = Vec::new();
    for part in &append.parts {
        let last = ledger.last_revision(&part.stream, first);
        if !part.expected.holds(last) {
            let what = format!("went in although {} was at {last:?}, expected {:?}", part.stream, part.expected);
            faults.push((Invariant::OneWinner, what));
        }
    }
    for guard in &append.guards {
        let unmet = match guard {
            Guard::Stream { stream, expected } => !expected.holds(ledger.last_revision(stream, first)),
            Guard::NoneMatch { query, after } => newest(ledger, query, *after, first).is_some(),
            Guard::SomeMatch { query, after } => newest(ledger, query, *after, first).is_none(),
            // Judged by time, with everything else about checkpoints.
            Guard::Checkpoint { .. } => false,
        };
        if unmet {
            faults.push((Invariant::GuardsSound, format!("went in behind {first} events against {guard:?}")));
        }
    }
    faults
}

/// What is untrue about a refusal.
fn refused(ledger: &Ledger<'_>, append: &Append, refusal: &Refusal) -> Option<Fault> {
    match refusal {
        Refusal::WrongRevision { stream, actual, head } => {
            let part = append.parts.iter().find(|part| part.stream == *stream)?;
            let fault = wrong_revision(ledger, stream, part.expected, *actual, *head)?;
            Some((Invariant::OneWinner, fault))
        }
        Refusal::Guard { index, actual, head } => {
            let fault = match append.guards.get(*index) {
                Some(guard) => wrong_guard(ledger, guard, *actual, *head)?,
                None => format!("refused for guard {index}, which there is not"),
            };
            Some((Invariant::GuardsSound, fault))
        }
        Refusal::WrongCheckpoint { .. } | Refusal::NoRoom | Refusal::Invalid(_) => None,
    }
}

fn wrong_revision(
    ledger: &Ledger<'_>,
    stream: &str,
    expected: Expected,
    actual: Option<u64>,
    head: u64,
) -> Option<String> {
    let found = ledger.last_revision(stream, events_until(ledger, head)?);
    if expected.holds(actual) {
        return Some(format!("refused although {stream} at {actual:?} is as expected, {expected:?}"));
    }
    (found != actual).then(|| format!("told that {stream} is at {actual:?} under head {head}, found {found:?}"))
}

fn wrong_guard(ledger: &Ledger<'_>, guard: &Guard, actual: Actual, head: u64) -> Option<String> {
    let Some(events) = events_until(ledger, head) else {
        return Some(format!("told a head of {head}, where the log ends at {}", ledger.log.len()));
    };
    match (guard, actual) {
        (Guard::Stream { stream, expected }, Actual::Stream(actual)) => {
            wrong_revision(ledger, stream, *expected, actual, head)
        }
        (Guard::NoneMatch { query, after }, Actual::Event(position)) => {
            let found = newest(ledger, query, *after, events);
            (found != Some(position))
                .then(|| format!("told of a match at {position} under head {head}, found {found:?}"))
        }
        (Guard::SomeMatch { query, after }, Actual::NoEvent) => {
            let found = newest(ledger, query, *after, events);
            found.map(|found| format!("told of no match under head {head}, found one at {found}"))
        }
        (Guard::Checkpoint { .. }, Actual::Checkpoint(_)) => None,
        (guard, actual) => Some(format!("told {actual:?} of {guard:?}")),
    }
}

/// The position of the newest match behind a position, with so many events in the log.
fn newest(ledger: &Ledger<'_>, query: &Query, after: u64, events: usize) -> Option<u64> {
    let from = usize::try_from(after).ok()?.min(events);
    ledger.newest(query, &(from..events)).map(|place| ledger.log[place].position)
}

/// How many events lie up to a head; `None` when it lies beyond the log.
fn events_until(ledger: &Ledger<'_>, head: u64) -> Option<usize> {
    usize::try_from(head).ok().filter(|events| *events <= ledger.log.len())
}
