//! The load generator: a closed loop of many workers, and an open loop at a fixed rate.
//!
//! Owns [`Measured`] and the two loops. In the closed loop a worker starts its next call when the last one
//! has been answered, so the number of workers is the number of calls in flight; only what ends within the
//! measured span counts, unless calls take longer than that. In the open loop events are due at their time,
//! whether or not the server keeps up, and a latency counts from then, so that a server that falls behind can
//! not hide it.

use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use bytes::Bytes;
use hdrhistogram::Histogram;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout_at};

use crate::payload;
use crate::peer::{Client, Guard, Subscriber};

/// Not measured: connections, caches and clocks get going.
const WARM_UP: Duration = Duration::from_millis(400);

/// How long calls may still take when the span is over.
const GRACE: Duration = Duration::from_secs(30);

/// Appends of the open loop that may wait for their answers.
const OPEN_LOOP_IN_FLIGHT: usize = 2048;

/// The timer's own grain is not the server's latency; a start later than this counts as it was due.
const TIMER_GRAIN: Duration = Duration::from_millis(2);

/// When is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    /// The first moment.
    pub(crate) from: Instant,
    /// The last.
    pub(crate) until: Instant,
}

impl Span {
    /// From after the warm-up, for so long.
    pub(crate) fn of(length: Duration) -> Self {
        let from = Instant::now() + WARM_UP;
        Self { from, until: from + length }
    }

    /// Whether a moment lies in it.
    pub(crate) fn has(&self, moment: Instant) -> bool {
        moment >= self.from && moment <= self.until
    }
}

/// What was measured.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    /// Of calls or deliveries, in nanoseconds.
    pub(crate) latencies: Histogram<u64>,
    /// Events, or whatever the row counts.
    pub(crate) count: u64,
    /// How long that took.
    pub(crate) elapsed: Duration,
}

impl Measured {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        // A microsecond to two minutes, to three digits.
        let latencies = Histogram::new_with_bounds(1_000, 120_000_000_000, 3).expect("the bounds are in order");
        Self { latencies, count: 0, elapsed: Duration::ZERO }
    }

    /// Counts a call.
    pub(crate) fn done(&mut self, took: Duration, count: u64) {
        self.took(took);
        self.count += count;
    }

    fn took(&mut self, took: Duration) {
        self.latencies.saturating_record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    fn add(&mut self, other: &Self) {
        self.latencies.add(&other.latencies).expect("the bounds are the same");
        self.count += other.count;
    }
}

/// Does the same call over and over.
pub(crate) trait Work: Send + 'static {
    /// One call; returns what it counts for.
    fn once(&mut self) -> impl Future<Output = Result<u64>> + Send;
}

/// Has all workers work for the span. Any error ends it: a row with errors is not a figure. When no call ends
/// within the span, all calls count, and the time until the last has ended.
pub(crate) async fn closed_loop<W: Work>(workers: Vec<W>, span: Span) -> Result<Measured> {
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for worker in workers {
        tasks.spawn(work_during(worker, span));
    }
    let [mut within, mut all] = [Measured::new(), Measured::new()];
    for [worker_within, worker_all] in gather(tasks, span.until + GRACE).await? {
        within.add(&worker_within);
        all.add(&worker_all);
    }
    within.elapsed = span.until - span.from;
    all.elapsed = begin.elapsed();
    Ok(if within.count > 0 { within } else { all })
}

/// What ended within the span, and everything.
async fn work_during<W: Work>(mut worker: W, span: Span) -> Result<[Measured; 2]> {
    let [mut within, mut all] = [Measured::new(), Measured::new()];
    let mut start = Instant::now();
    while start < span.until {
        let count = worker.once().await?;
        let end = Instant::now();
        all.done(end - start, count);
        if span.has(end) {
            within.done(end - start, count);
        }
        start = end;
    }
    Ok([within, all])
}

async fn gather<T: 'static>(mut tasks: JoinSet<Result<T>>, deadline: Instant) -> Result<Vec<T>> {
    let mut all = Vec::with_capacity(tasks.len());
    while let Some(joined) = timeout_at(deadline, tasks.join_next()).await.context("no answer in time")? {
        all.push(joined.context("a worker")??);
    }
    Ok(all)
}

/// Offers `per_tick` events each millisecond through the producers in turn, and measures when each of them
/// reaches each subscriber.
pub(crate) async fn open_loop(
    producers: &[Arc<dyn Client>],
    subscribers: Vec<Box<dyn Subscriber>>,
    stream: &str,
    per_tick: usize,
    span: Span,
) -> Result<Measured> {
    let origin = Instant::now();
    // How many events there are, as soon as it is known.
    let (tell_total, total) = watch::channel(None);
    let mut listeners = JoinSet::new();
    for subscriber in subscribers {
        listeners.spawn(listen(subscriber, origin, span, total.clone()));
    }
    let sent = produce(producers, stream, per_tick, origin, span).await?;
    tell_total.send_replace(Some(sent));
    let mut all = Measured::new();
    for listener in gather(listeners, span.until + 2 * GRACE).await? {
        all.add(&listener);
    }
    all.elapsed = span.until - span.from;
    Ok(all)
}

/// Appends until the span is over and all are answered; returns how many.
async fn produce(
    producers: &[Arc<dyn Client>],
    stream: &str,
    per_tick: usize,
    origin: Instant,
    span: Span,
) -> Result<u64> {
    const TICK: Duration = Duration::from_millis(1);
    let mut ticks = interval_at(origin + TICK, TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let filler = payload::filler();
    let places = Arc::new(Semaphore::new(OPEN_LOOP_IN_FLIGHT));
    let failure = Arc::new(OnceLock::new());
    let mut sent = 0_u64;
    loop {
        let due = ticks.tick().await;
        if due >= span.until || Instant::now() >= span.until + GRACE {
            break;
        }
        for _ in 0..per_tick {
            let place = Arc::clone(&places).acquire_owned().await.context("the places")?;
            let now = Instant::now();
            let start = if now - due > TIMER_GRAIN { due } else { now };
            let event = Bytes::from(payload::stamped(start - origin, &filler));
            let producer = Arc::clone(&producers[sent as usize % producers.len()]);
            // Streams enough for the appends to have no order among themselves.
            let stream = format!("{stream}-{}", sent % 64);
            let failure = Arc::clone(&failure);
            tokio::spawn(async move {
                if let Err(error) = producer.append(&stream, Guard::Nothing, vec![event]).await {
                    // Only the first is told.
                    let _ = failure.set(error);
                }
                drop(place);
            });
            sent += 1;
        }
    }
    let all = u32::try_from(OPEN_LOOP_IN_FLIGHT).expect("it is small");
    let done = timeout_at(Instant::now() + GRACE, places.acquire_many(all)).await;
    drop(done.context("appends were not answered in time")?.context("the places")?);
    match failure.get() {
        Some(error) => Err(anyhow!("an append failed: {error:#}")),
        None => Ok(sent),
    }
}

/// Receives until nothing is missing. Latencies are of events that were due within the span, whenever they
/// came; counted is what came within it.
async fn listen(
    mut subscriber: Box<dyn Subscriber>,
    origin: Instant,
    span: Span,
    mut total: watch::Receiver<Option<u64>>,
) -> Result<Measured> {
    let mut measured = Measured::new();
    let mut received = 0_u64;
    let mut expected = None;
    let deadline = sleep_until(span.until + 2 * GRACE);
    tokio::pin!(deadline);
    while expected.is_none_or(|expected| received < expected) {
        let mut each = |event: &[u8]| {
            let Some(stamp) = payload::stamp_of(event) else { return };
            let now = Instant::now();
            received += 1;
            measured.count += u64::from(span.has(now));
            if span.has(origin + stamp) {
                measured.took(now.saturating_duration_since(origin + stamp));
            }
        };
        tokio::select! {
            biased;
            outcome = subscriber.next(&mut each) => outcome?,
            changed = total.changed(), if expected.is_none() => {
                changed.context("the producer is gone")?;
                expected = *total.borrow();
            }
            () = &mut deadline => return Err(anyhow!("{received} events came in time, expected {expected:?}")),
        }
    }
    let expected = expected.unwrap_or_default();
    ensure!(received == expected, "{received} events came, {expected} were appended");
    Ok(measured)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counts(u64);

    impl Work for Counts {
        async fn once(&mut self) -> Result<u64> {
            tokio::task::yield_now().await;
            ensure!(self.0 > 0, "no");
            Ok(self.0)
        }
    }

    #[tokio::test]
    async fn only_the_span_is_measured() {
        let now = Instant::now();
        let soon = now + Duration::from_millis(5);
        let measured = closed_loop(vec![Counts(2), Counts(2)], Span { from: now, until: soon }).await.expect("works");
        assert!(measured.count > 0 && measured.count == 2 * measured.latencies.len());
        let later = now + Duration::from_secs(3600);
        let warming_up = Span { from: later, until: Instant::now() + Duration::from_millis(5) };
        let [within, all] = work_during(Counts(2), warming_up).await.expect("works");
        assert!(within.count == 0 && all.count > 0);
    }

    #[tokio::test]
    async fn calls_that_outlast_the_span_count_whole() {
        let now = Instant::now();
        let past = Span { from: now + Duration::from_secs(3600), until: now + Duration::from_millis(5) };
        let measured = closed_loop(vec![Counts(2)], past).await.expect("works");
        assert!(measured.count > 0 && measured.elapsed >= Duration::from_millis(5));
    }

    #[tokio::test]
    async fn an_error_ends_the_row() {
        let error = closed_loop(vec![Counts(0)], Span::of(Duration::ZERO)).await.expect_err("it fails");
        assert_eq!(error.to_string(), "no");
    }
}
