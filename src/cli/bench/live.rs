//! How a workload is doing, second by second, on a terminal.
//!
//! Owns the line that is drawn over and over, where standard error is one.

use std::convert::Infallible;
use std::time::Duration;

use indicatif::HumanCount;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::super::progress::Progress;
use super::load::Measured;
use super::report::in_words;
use super::tally::Tally;

const EVERY: Duration = Duration::from_secs(1);

/// Tells of the tally each second, for as long as it is polled.
pub(super) async fn watch(tally: &Tally, progress: &Progress) -> Infallible {
    if !progress.is_seen() {
        return std::future::pending().await;
    }
    let mut ticks = interval_at(Instant::now() + EVERY, EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut before, mut errors) = (Instant::now(), 0);
    loop {
        let now = ticks.tick().await.max(before);
        let mut lately = tally.lately();
        lately.elapsed = now - before;
        errors += lately.errors;
        before = now;
        progress.say(line(&lately, tally.in_flight(), errors));
    }
}

/// What is drawn.
fn line(lately: &Measured, in_flight: u64, errors: u64) -> String {
    let quantile = |quantile| in_words(Duration::from_nanos(lately.latencies.value_at_quantile(quantile)));
    format!(
        "{}/s   p50 {}   p99 {}   {} in flight   {} errors",
        HumanCount(lately.rate().round() as u64),
        quantile(0.5),
        quantile(0.99),
        HumanCount(in_flight),
        HumanCount(errors),
    )
}

#[cfg(test)]
mod tests {
    use super::super::load::Done;
    use super::*;

    #[test]
    fn the_line_tells_of_the_last_second() {
        let mut lately = Measured::new();
        for micros in 1..=3000_u64 {
            lately.done(Duration::from_micros(micros), Done { count: 1, bytes: 0 });
        }
        lately.elapsed = Duration::from_secs(2);
        assert_eq!(line(&lately, 16, 1234), "1,500/s   p50 1.50 ms   p99 2.97 ms   16 in flight   1,234 errors");
        let nothing = line(&Measured::new(), 0, 0);
        assert!(nothing.starts_with("0/s   p50 0 µs"), "{nothing}");
    }
}
