//! What readers and subscribers were shown, against the part of the log that they asked for.

use std::ops::Range;

use super::ledger::Ledger;
use super::{Invariant, Violation};
use crate::history::{Event, Scope, View, Walk};

/// What is wrong with the views of a history.
pub(super) fn check(ledger: &Ledger<'_>) -> Vec<Violation> {
    ledger.history.views.iter().filter_map(|view| difference(ledger, view).or_else(|| half(ledger, view))).collect()
}

/// The first difference between what was shown and what there is.
fn difference(ledger: &Ledger<'_>, view: &View) -> Option<Violation> {
    let mut places = match &view.scope {
        Scope::All => asked(view, ledger.log.len(), 1).collect(),
        Scope::Stream(name) => {
            let stream = ledger.stream(name);
            stream[asked(view, stream.len(), 0)].to_vec()
        }
        Scope::Query(query) => ledger.select(query, &asked(view, ledger.log.len(), 1)),
    };
    if view.walk == Walk::Backwards {
        places.reverse();
    }
    let shown = |at: usize| view.events.get(at);
    let meant = |at: usize| places.get(at).map(|place| &ledger.log[*place]);
    let at = (0..places.len().max(view.events.len())).find(|at| shown(*at) != meant(*at))?;
    let place =
        |event: Option<&Event>| event.map_or("nothing".into(), |event| format!("the event at {}", event.position));
    let same_place = shown(at).zip(meant(at)).is_some_and(|(shown, meant)| shown.position == meant.position);
    let (reader, shown, meant) = (&view.reader, place(shown(at)), place(meant(at)));
    if same_place {
        let what = format!("{reader} was shown other bytes or labels for {meant}");
        return Some(Violation::new(Invariant::Intact, what));
    }
    let invariant = match view.walk {
        Walk::Forwards | Walk::Backwards => Invariant::SameOrder,
        Walk::Following => Invariant::EachOnce,
    };
    let what = format!("{reader} was shown {shown} where {meant} is, as number {at} from {}", view.from);
    Some(Violation::new(invariant, what))
}

/// What was asked for as a range of a list whose first element has the place `first`.
fn asked(view: &View, length: usize, first: u64) -> Range<usize> {
    let index = |place: u64| usize::try_from(place.saturating_sub(first)).unwrap_or(length).min(length);
    let (from, until) = (index(view.from), index(view.until));
    from..until.max(from)
}

/// An append that was seen by halves: some of it under a head, the rest beyond.
fn half(ledger: &Ledger<'_>, view: &View) -> Option<Violation> {
    if !view.is_pinned {
        return None;
    }
    let (list, first): (Option<&[usize]>, u64) = match &view.scope {
        Scope::All | Scope::Query(_) => (None, 1),
        Scope::Stream(name) => (Some(ledger.stream(name)), 0),
    };
    let next = usize::try_from(view.until.saturating_sub(first)).ok()?;
    let place = |index: usize| match list {
        Some(list) => list.get(index).copied(),
        None => (index < ledger.log.len()).then_some(index),
    };
    let owner = |index: usize| place(index).and_then(|place| ledger.owners[place]);
    let (last, next) = (owner(next.checked_sub(1)?)?, owner(next)?);
    (last == next).then(|| {
        let what = format!("{} was told a head in the middle of append {last}, before {}", view.reader, view.until);
        Violation::new(Invariant::Whole, what)
    })
}
