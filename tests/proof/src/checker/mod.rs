//! Judges a history against the log that was found in the end. A function of the two, nothing else.
//!
//! The log gives the order, so nothing is searched for: every operation is held against its place in the log,
//! every view against the part of the log that it claims to show. Streams that are deleted or truncated are no
//! part of it. Each file below holds some of the invariants:
//!
//! | file | invariants |
//! |---|---|
//! | `order` | positions and revisions are dense; time and the order of requests are kept |
//! | `appends` | kept, whole, one copy, and out when refused |
//! | `guards` | expectations and guards |
//! | `views` | what readers and subscribers are shown |
//! | `shelf` | snapshots and checkpoints |

mod appends;
mod guards;
mod ledger;
mod matching;
mod order;
mod shelf;
#[cfg(test)]
mod tests;
mod views;

use std::fmt;

use crate::history::{Event, History};
use ledger::Ledger;

/// What must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Invariant {
    /// I1: what was acknowledged is there, to the byte and at its place.
    Kept,
    /// I2: positions and revisions have no gaps, from the beginning.
    Dense,
    /// I3: of those that expect the same revision of a stream one goes in, and the others are told the truth.
    OneWinner,
    /// I4: all readers see the same events in the same order.
    SameOrder,
    /// I5: an append that is sent again has one copy and one answer.
    OneCopy,
    /// I6: a subscriber is shown each match once and in order.
    EachOnce,
    /// I7: a snapshot is never ahead of its stream, and what was acknowledged is there.
    Snapshots,
    /// I8: a checkpoint is never ahead of the head, and is where it was last moved to.
    Checkpoints,
    /// I9: an append is whole and contiguous, for every reader.
    Whole,
    /// I10: what was refused, or never asked for, is not there.
    StaysOut,
    /// I11: guards held for what went in, and did not for what they kept out.
    GuardsSound,
    /// I12: what was answered before something else was asked lies before it.
    TimeOrder,
    /// I16: bytes that differ are never served.
    Intact,
}

/// A breach of an invariant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which one.
    pub invariant: Invariant,
    /// What and where, in words.
    pub what: String,
}

impl Violation {
    fn new(invariant: Invariant, what: impl Into<String>) -> Self {
        Self { invariant, what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.invariant, self.what)
    }
}

/// Everything that is wrong with what clients were told and shown, given the whole log in its order.
#[must_use]
pub fn check(history: &History, log: &[Event]) -> Vec<Violation> {
    let ledger = Ledger::of(history, log);
    let mut violations = order::dense(log);
    // Places mean nothing in a log with gaps.
    if violations.is_empty() {
        violations.extend(appends::check(&ledger));
        violations.extend(guards::check(&ledger));
        violations.extend(order::in_time(&ledger));
        violations.extend(views::check(&ledger));
        violations.extend(shelf::snapshots(&ledger));
        violations.extend(shelf::checkpoints(&ledger));
    }
    violations
}
