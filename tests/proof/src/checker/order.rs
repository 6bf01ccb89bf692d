//! Places without gaps, and an order that agrees with time.

use std::collections::HashMap;

use super::ledger::Ledger;
use super::{Invariant, Violation};
use crate::history::{Event, NEVER, Scope};

/// Gaps and repetitions in positions and revisions.
pub(super) fn dense(log: &[Event]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut next_revision: HashMap<&str, u64> = HashMap::new();
    for (expected, event) in (1..).zip(log) {
        let Event { position, revision, stream, .. } = event;
        if *position != expected {
            violations.push(Violation::new(Invariant::Dense, format!("position {position}, not {expected}")));
        }
        let next = next_revision.entry(stream).or_default();
        if *revision != *next {
            let what = format!("position {position}: revision {revision} of {stream}, not {next}");
            violations.push(Violation::new(Invariant::Dense, what));
        }
        *next = revision + 1;
    }
    violations
}

/// Where the log disagrees with the order of requests, or with its own clock.
pub(super) fn in_time(ledger: &Ledger<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for pair in ledger.log.windows(2) {
        if pair[1].recorded_at < pair[0].recorded_at {
            let what = format!("position {} was recorded before the one in front of it", pair[1].position);
            violations.push(Violation::new(Invariant::TimeOrder, what));
        }
    }
    let spans = spans(ledger);
    violations.extend(appends(&spans));
    violations.extend(heads(ledger, &spans));
    violations
}

/// An append in the log: its span of time, its first place and its last.
#[derive(Debug, Clone, Copy)]
struct Span {
    append: usize,
    from: u64,
    until: u64,
    first: usize,
    last: usize,
}

/// In the order of the log.
fn spans(ledger: &Ledger<'_>) -> Vec<Span> {
    let mut spans: Vec<Span> = (ledger.places.iter().enumerate())
        .filter_map(|(append, places)| {
            let (from, until) = ledger.span(append);
            Some(Span { append, from, until, first: *places.first()?, last: *places.last()? })
        })
        .collect();
    spans.sort_unstable_by_key(|span| span.first);
    spans
}

/// Whether one that was over before another began lies behind it.
fn appends(spans: &[Span]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut soonest: Option<Span> = None;
    for span in spans.iter().rev() {
        if let Some(later) = soonest.filter(|later| later.until < span.from) {
            let (before, behind) = (later.append, span.append);
            let what = format!("append {before} was answered before append {behind} was sent, and lies behind it");
            violations.push(Violation::new(Invariant::TimeOrder, what));
        }
        if soonest.is_none_or(|later| span.until < later.until) {
            soonest = Some(*span);
        }
    }
    violations
}

/// Whether a head that a reader was told lacks what was over before it asked, or has what began after its answer.
fn heads(ledger: &Ledger<'_>, spans: &[Span]) -> Vec<Violation> {
    let mut over: Vec<(u64, u64)> = spans.iter().map(|span| (span.until, span.last as u64 + 1)).collect();
    over.sort_unstable();
    let mut furthest = 0;
    over.iter_mut().for_each(|(_, position)| {
        furthest = furthest.max(*position);
        *position = furthest;
    });
    let mut begun: Vec<(u64, u64)> = spans.iter().map(|span| (span.from, span.first as u64 + 1)).collect();
    begun.sort_unstable();
    let mut nearest = NEVER;
    begun.iter_mut().rev().for_each(|(_, position)| {
        nearest = nearest.min(*position);
        *position = nearest;
    });
    let mut violations = Vec::new();
    for view in &ledger.history.views {
        if !view.is_pinned || matches!(view.scope, Scope::Stream(_)) {
            continue;
        }
        let before = over.partition_point(|(until, _)| *until < view.invoked);
        let must = before.checked_sub(1).map_or(0, |last| over[last].1);
        let after = begun.partition_point(|(from, _)| *from <= view.returned);
        let must_not = begun.get(after).map_or(NEVER, |(_, position)| *position);
        if view.until <= must || view.until > must_not {
            let head = view.until.saturating_sub(1);
            let what = format!("{} was told the head {head}: at least {must}, less than {must_not}", view.reader);
            violations.push(Violation::new(Invariant::TimeOrder, what));
        }
    }
    violations
}
