//! Each append against the log: there when it was acknowledged, whole, once, and out when it was refused.

use super::ledger::Ledger;
use super::{Invariant, Violation};
use crate::history::{Append, Attempt, Event, NEVER, Outcome, Proposed};

/// What is wrong with the appends of a history.
pub(super) fn check(ledger: &Ledger<'_>) -> Vec<Violation> {
    let mut violations: Vec<Violation> = (ledger.log.iter().zip(&ledger.owners))
        .filter(|(event, owner)| owner.is_none() && !event.stream.starts_with('$'))
        .map(|(event, _)| {
            Violation::new(Invariant::StaysOut, format!("nobody proposed the event at {}", event.position))
        })
        .collect();
    for (number, append) in ledger.history.appends.iter().enumerate() {
        let told = |(invariant, what): (Invariant, String)| {
            let stream = append.parts.first().map_or("", |part| &part.stream);
            Violation::new(invariant, format!("append {number} to {stream}: {what}"))
        };
        violations.extend(presence(ledger, number, append).map(told));
        violations.extend(answers(append).map(told));
    }
    violations
}

/// What is wrong with the events of an append.
fn presence(ledger: &Ledger<'_>, number: usize, append: &Append) -> Option<(Invariant, String)> {
    let found: Vec<&Event> = ledger.places[number].iter().map(|place| &ledger.log[*place]).collect();
    let size = append.events().count();
    let Some(first) = found.first() else {
        return append.placed().filter(|_| size > 0).map(|_| (Invariant::Kept, "acknowledged, and not there".into()));
    };
    if let Some(twice) = repeated(&found) {
        return Some((Invariant::OneCopy, format!("one of its events is also at {}", twice.position)));
    }
    if found.len() < size {
        return Some((
            Invariant::Whole,
            format!("{} of {size} events are there, from {}", found.len(), first.position),
        ));
    }
    let asked = append.parts.iter().flat_map(|part| part.events.iter().map(|event| (part.stream.as_str(), event)));
    for ((stream, proposed), (event, position)) in asked.zip(found.iter().zip(first.position..)) {
        if event.id != proposed.id || event.position != position {
            return Some((Invariant::Whole, format!("out of its order or place at {}", event.position)));
        }
        if event.stream != stream || !is_same(event, proposed) {
            let invariant = if append.placed().is_some() { Invariant::Kept } else { Invariant::Intact };
            return Some((invariant, format!("not what was proposed at {}", event.position)));
        }
    }
    if is_out(ledger, append) {
        return Some((Invariant::StaysOut, format!("refused, and at {}", first.position)));
    }
    let told = append.placed()?;
    let firsts = places_of_parts(append, &found);
    (told.firsts != firsts).then(|| (Invariant::Kept, format!("told {:?}, found {firsts:?}", told.firsts)))
}

fn is_same(event: &Event, proposed: &Proposed) -> bool {
    event.digest == proposed.digest && event.event_type == proposed.event_type && event.tags == proposed.tags
}

fn repeated<'e>(found: &[&'e Event]) -> Option<&'e Event> {
    let mut sorted = found.to_vec();
    sorted.sort_by_key(|event| (event.id, event.position));
    sorted.windows(2).find(|pair| pair[0].id == pair[1].id).map(|pair| pair[1])
}

/// The revision and position of each part's first event.
fn places_of_parts(append: &Append, found: &[&Event]) -> Vec<(u64, u64)> {
    let mut rest = found;
    append
        .parts
        .iter()
        .map(|part| {
            let (these, others) = rest.split_at(part.events.len());
            rest = others;
            (these[0].revision, these[0].position)
        })
        .collect()
}

/// Whether an append is known not to be in: it has a refusal, and no other try can have had it in.
fn is_out(ledger: &Ledger<'_>, append: &Append) -> bool {
    let refused = |attempt: &&Attempt| matches!(attempt.outcome, Outcome::Refused(_));
    let judged = |attempt: &&Attempt| matches!(&attempt.outcome, Outcome::Refused(refusal) if refusal.is_judged());
    let last_judged = append.attempts.iter().filter(judged).map(|attempt| attempt.invoked).max();
    let is_settled = |attempt: &Attempt| match &attempt.outcome {
        Outcome::Ok(_) => false,
        Outcome::Refused(_) => true,
        Outcome::Unknown => {
            let bound = ledger.history.bound(attempt.invoked, attempt.returned);
            bound != NEVER && last_judged.is_some_and(|judged| bound < judged)
        }
    };
    append.attempts.iter().any(|attempt| refused(&attempt)) && append.attempts.iter().all(is_settled)
}

/// What is wrong with the answers to the tries of one append, held against each other.
fn answers(append: &Append) -> Option<(Invariant, String)> {
    let fault = |what: String| Some((Invariant::OneCopy, what));
    let first = append.placed()?;
    let mut is_new = false;
    let answered = append.attempts.iter().filter(|attempt| matches!(attempt.outcome, Outcome::Ok(_)));
    let earliest = answered.map(|attempt| attempt.returned).min()?;
    for attempt in &append.attempts {
        match &attempt.outcome {
            Outcome::Ok(placed) if placed.firsts != first.firsts => {
                return fault(format!("answered with {:?} and with {:?}", first.firsts, placed.firsts));
            }
            Outcome::Ok(placed) if placed.deduplicated => {
                let others = append.attempts.iter().filter(|other| other.invoked < attempt.returned).count();
                if others < 2 {
                    return fault("its first try was answered as a repetition".into());
                }
            }
            Outcome::Ok(_) => {
                if attempt.invoked > earliest || is_new {
                    return fault("a repetition was answered as new".into());
                }
                is_new = true;
            }
            Outcome::Refused(refusal) if refusal.is_judged() && attempt.invoked > earliest => {
                return fault(format!("in, and refused when it was sent again: {refusal:?}"));
            }
            Outcome::Refused(_) | Outcome::Unknown => {}
        }
    }
    None
}
