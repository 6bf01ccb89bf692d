//! When calls begin, and from when their latency counts.
//!
//! Owns [`Schedule`]. In a closed loop a caller begins its next call when the last one was answered, so a slow
//! server gets fewer calls. In an open loop calls are due at fixed times, answered or not: a call that begins
//! late, because all callers wait for answers, counts from when it was due. Otherwise a server that stalls for
//! a second would show one slow call instead of all those that wanted to begin within that second.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::load::Span;

/// Timers wake up to so much after they were to; that is not the server's doing.
pub(super) const TIMER_GRAIN: Duration = Duration::from_millis(2);

/// A call that begins so much after it was due began late.
const LATE: Duration = Duration::from_millis(10);

/// After a failed call of a closed loop: a server that is away is not asked a million times a second.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(20);

/// When a call is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    /// When it was due; in a closed loop, when it began.
    pub(super) due: Instant,
    /// What its latency counts from: `due`, apart from the grain of timers.
    pub(super) since: Instant,
}

/// What became of an open loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OpenLoop {
    /// Calls a second that were to begin.
    pub(super) rate: u64,
    /// Calls that were due in the measured span.
    pub(super) due: u64,
    /// Of them, those that began more than 10 ms late.
    pub(super) began_late: u64,
    /// Of them, those that could not begin before its end.
    pub(super) not_begun: u64,
}

/// Gives out turns to any number of callers.
#[derive(Debug)]
pub(super) struct Schedule {
    origin: Instant,
    span: Span,
    /// Calls a second; none for a closed loop.
    rate: Option<u64>,
    given: AtomicU64,
    begun: AtomicU64,
    began_late: AtomicU64,
}

impl Schedule {
    /// From now to the end of the span, open when a rate is named.
    pub(super) fn new(span: Span, rate: Option<u64>) -> Self {
        let [given, begun, began_late] = [0, 0, 0].map(AtomicU64::new);
        Self { origin: Instant::now(), span, rate, given, begun, began_late }
    }

    /// Waits for the next turn; none when the span is over.
    pub(super) async fn next(&self) -> Option<Turn> {
        let Some(rate) = self.rate else {
            let now = Instant::now();
            return (now < self.span.until).then_some(Turn { due: now, since: now });
        };
        let due = self.origin + due_after(self.given.fetch_add(1, Ordering::Relaxed), rate);
        let now = Instant::now();
        if due >= self.span.until || now >= self.span.until {
            return None;
        }
        let mut since = due;
        if now < due {
            sleep_until(due).await;
            // This caller was free: what the timer took is not what the server took.
            since = Some(Instant::now()).filter(|woken| *woken - due <= TIMER_GRAIN).unwrap_or(due);
        } else if now - due > LATE && due >= self.span.from {
            self.began_late.fetch_add(1, Ordering::Relaxed);
        }
        self.begun.fetch_add(1, Ordering::Relaxed);
        Some(Turn { due, since })
    }

    /// Whether a call that was answered at `end` is measured: in an open loop those that were due within the
    /// span, however long they took; in a closed one those that ended in it.
    pub(super) fn measures(&self, turn: Turn, end: Instant) -> bool {
        match self.rate {
            Some(_) => turn.due >= self.span.from && turn.due < self.span.until,
            None => end >= self.span.from && end <= self.span.until,
        }
    }

    /// What a caller does after a failure before it asks for its next turn.
    pub(super) async fn recover(&self) {
        if self.rate.is_none() {
            sleep(PAUSE_AFTER_FAILURE).await;
        }
    }

    /// What became of it, if it is an open loop.
    pub(super) fn outcome(&self) -> Option<OpenLoop> {
        let rate = self.rate?;
        let [before, all] = [self.span.from, self.span.until].map(|end| turns_before(end - self.origin, rate));
        let not_begun = all.saturating_sub(before.max(self.begun.load(Ordering::Relaxed)));
        Some(OpenLoop { rate, due: all - before, began_late: self.began_late.load(Ordering::Relaxed), not_begun })
    }
}

/// When a turn is due; the first is 0.
fn due_after(turn: u64, rate: u64) -> Duration {
    let nanos = u128::from(turn) * 1_000_000_000 / u128::from(rate);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// How many turns are due before a time.
fn turns_before(end: Duration, rate: u64) -> u64 {
    u64::try_from((end.as_nanos() * u128::from(rate)).div_ceil(1_000_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_before_a_time_are_those_that_are_due_before_it() {
        for rate in [1, 3, 7, 1_000, 999_999] {
            for nanos in [0, 1, 999_999, 1_000_000, 333_333_334, 1_000_000_000] {
                let end = Duration::from_nanos(nanos);
                let turns = turns_before(end, rate);
                assert!(due_after(turns, rate) >= end, "{rate} {nanos}");
                assert!(turns == 0 || due_after(turns - 1, rate) < end, "{rate} {nanos}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_open_loop_gives_turns_at_their_times() {
        let origin = Instant::now();
        let schedule = Schedule::new(Span::after(Duration::ZERO, Duration::from_millis(30)), Some(100));
        let mut turns = Vec::new();
        while let Some(turn) = schedule.next().await {
            assert_eq!(Instant::now() - origin, turn.due - origin);
            turns.push((turn.since - origin).as_millis());
        }
        assert_eq!(turns, [0, 10, 20]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_loop_measures_what_ends_in_the_span() {
        let schedule = Schedule::new(Span::after(Duration::from_millis(10), Duration::from_millis(10)), None);
        let turn = schedule.next().await.expect("the span is not over");
        let at = |millis| turn.since + Duration::from_millis(millis);
        assert_eq!([9, 10, 20, 21].map(|end| schedule.measures(turn, at(end))), [false, true, true, false]);
        assert_eq!(schedule.outcome(), None);
        tokio::time::advance(Duration::from_millis(20)).await;
        assert_eq!(schedule.next().await, None);
    }
}
