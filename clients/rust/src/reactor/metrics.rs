//! What a reactor has done.
//!
//! Owns [`ReactorMetrics`] and [`HandlerTime`]. Counted since the reactor was made, in this process.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Failure;
use super::handlers::{Tried, Verdict};

/// Counts of a reactor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReactorMetrics {
    /// Events that all their handlers dealt with.
    pub handled: u64,
    /// Tries that failed, the last one of an event among them.
    pub failed: u64,
    /// Events parked, by their handlers or after their last try.
    pub parked: u64,
    /// Events skipped by their handlers.
    pub skipped: u64,
    /// Events without a handler.
    pub unhandled: u64,
    /// Events in hand.
    pub in_flight: u64,
    /// How long handlers took, by the type of the event.
    pub by_type: BTreeMap<String, HandlerTime>,
}

/// How long the handlers of a type took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HandlerTime {
    /// How many calls there were.
    pub count: u64,
    /// How long they took together.
    pub sum: Duration,
    /// How long the longest took.
    pub max: Duration,
}

impl ReactorMetrics {
    /// Counts what became of an event; whether that was its last try.
    pub(super) fn tried(&mut self, tried: &Tried, was_last: bool) {
        match &tried.verdict {
            Verdict::Handled => self.handled += 1,
            Verdict::Unhandled => self.unhandled += 1,
            Verdict::Failed(Failure::Retry { .. }) => {
                self.failed += 1;
                self.parked += u64::from(was_last);
            }
            Verdict::Failed(Failure::Park { .. }) => self.parked += 1,
            Verdict::Failed(Failure::Skip) => self.skipped += 1,
        }
        if tried.times.is_empty() {
            return;
        }
        let of_type = self.by_type.entry(tried.event_type.clone()).or_default();
        for time in &tried.times {
            of_type.count += 1;
            of_type.sum += *time;
            of_type.max = of_type.max.max(*time);
        }
    }
}
