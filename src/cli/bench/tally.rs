//! What all callers of a workload measure together.
//!
//! Owns [`Tally`]: histograms in a few shards, each behind a lock of its own, since a thousand callers with
//! histograms of their own would need a gigabyte. Beside the whole it keeps what came since it was last
//! asked, for whoever watches.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::failure::Failure;
use super::load::{Done, Measured};
use super::mix::Operation;

const SHARDS: usize = 8;

#[derive(Debug)]
struct Shard {
    operations: [Measured; Operation::ALL.len()],
    lately: Measured,
}

/// What was measured so far.
#[derive(Debug)]
pub(super) struct Tally {
    shards: Vec<Mutex<Shard>>,
    in_flight: AtomicU64,
}

impl Tally {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        let shard = |_| Shard { operations: std::array::from_fn(|_| Measured::new()), lately: Measured::new() };
        Self { shards: (0..SHARDS).map(|place| Mutex::new(shard(place))).collect(), in_flight: AtomicU64::new(0) }
    }

    /// Takes note that a call begins.
    pub(super) fn begin(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes note of how a caller's call ended. A failure always counts, what went well only when it is
    /// `measured`.
    pub(super) fn end(
        &self,
        caller: usize,
        operation: Operation,
        took: Duration,
        outcome: Result<Done, Failure>,
        measured: bool,
    ) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.with(caller, |shard| {
            let whole = &mut shard.operations[operation.place()];
            match outcome {
                Ok(done) => {
                    shard.lately.done(took, done);
                    if measured {
                        whole.done(took, done);
                    }
                }
                Err(failure) => {
                    shard.lately.failed(1, failure.clone());
                    whole.failed(1, failure);
                }
            }
        });
    }

    /// How many calls are under way.
    pub(super) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// What came since this was last asked, measured or not.
    pub(super) fn lately(&self) -> Measured {
        let mut all = Measured::new();
        for caller in 0..SHARDS {
            all.add(&self.with(caller, |shard| std::mem::replace(&mut shard.lately, Measured::new())));
        }
        all
    }

    /// What was measured of an operation.
    pub(super) fn of(&self, operation: Operation) -> Measured {
        let mut all = Measured::new();
        for caller in 0..SHARDS {
            self.with(caller, |shard| all.add(&shard.operations[operation.place()]));
        }
        all
    }

    fn with<T>(&self, caller: usize, deal: impl FnOnce(&mut Shard) -> T) -> T {
        // Numbers are whole after each step, also if the one who added them panicked afterwards.
        deal(&mut self.shards[caller % SHARDS].lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DONE: Result<Done, Failure> = Ok(Done { count: 1, bytes: 10 });

    #[test]
    fn callers_add_up_by_operation() {
        let tally = Tally::new();
        for caller in 0..20 {
            tally.begin();
            tally.end(caller, Operation::Append, Duration::from_millis(1), DONE, caller % 2 == 0);
        }
        tally.begin();
        tally.end(3, Operation::Query, Duration::ZERO, Err("no".into()), true);
        tally.begin();
        let (appends, queries) = (tally.of(Operation::Append), tally.of(Operation::Query));
        assert_eq!((appends.count, appends.bytes, appends.errors), (10, 100, 0));
        assert_eq!((queries.count, queries.errors, tally.in_flight()), (0, 1, 1));
    }

    #[test]
    fn what_came_lately_is_told_once() {
        let tally = Tally::new();
        tally.begin();
        tally.end(0, Operation::Append, Duration::from_millis(1), DONE, false);
        assert_eq!((tally.lately().count, tally.lately().count), (1, 0));
    }
}
