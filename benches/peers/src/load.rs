//! The load generator: a closed loop of many workers, and an open loop at a fixed rate.
//!
//! Owns [`Measured`] and the loops. In the closed loop a worker starts its next call when the last one
//! has been answered, so the number of workers is the number of calls in flight; only what ends within the
//! measured span counts, unless calls take longer than that. In the open loop events are due at their time,
//! whether or not the server keeps up, and a latency counts from then, so that a server that falls behind can
//! not hide it.

use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock};
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

/// How long work may take that is done to its end.
const WORK_LIMIT: Duration = Duration::from_secs(3600);

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

    /// From now on, without a warm-up.
    pub(crate) fn at_once(length: Duration) -> Self {
        let from = Instant::now();
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

    /// Counts what came now, if that is within the span, and its latency, if it was due within the span.
    fn came(&mut self, due: Instant, span: Span) {
        let now = Instant::now();
        self.count += u64::from(span.has(now));
        if span.has(due) {
            self.took(now.saturating_duration_since(due));
        }
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

/// Has all workers work until a call counts for nothing, and counts everything.
pub(crate) async fn to_the_end<W: Work>(workers: Vec<W>) -> Result<Measured> {
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for mut worker in workers {
        tasks.spawn(async move {
            let mut measured = Measured::new();
            loop {
                let start = Instant::now();
                let count = worker.once().await?;
                if count == 0 {
                    return Ok(measured);
                }
                measured.done(start.elapsed(), count);
            }
        });
    }
    let mut all = Measured::new();
    for measured in gather(tasks, begin + WORK_LIMIT).await? {
        all.add(&measured);
    }
    all.elapsed = begin.elapsed();
    Ok(all)
}

async fn gather<T: 'static>(mut tasks: JoinSet<Result<T>>, deadline: Instant) -> Result<Vec<T>> {
    let mut all = Vec::with_capacity(tasks.len());
    while let Some(joined) = timeout_at(deadline, tasks.join_next()).await.context("no answer in time")? {
        all.push(joined.context("a worker")??);
    }
    Ok(all)
}

/// What is offered at a fixed rate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer<'a> {
    /// What the names of the streams begin with.
    pub(crate) stream: &'a str,
    /// Events that are due at once.
    pub(crate) events: usize,
    /// How often they are.
    pub(crate) every: Duration,
}

/// What became of an offer.
pub(crate) struct Offered {
    /// From when an event was due to the answer, of all that were due within the span.
    pub(crate) appends: Measured,
    /// From when an event was due to each of the subscribers.
    pub(crate) deliveries: Measured,
    /// Who got everything, and is subscribed as before.
    pub(crate) subscribers: Vec<Box<dyn Subscriber>>,
}

/// Offers events through the producers in turn, and measures when each of them is acknowledged and when it reaches
/// each subscriber.
pub(crate) async fn open_loop(
    producers: &[Arc<dyn Client>],
    subscribers: Vec<Box<dyn Subscriber>>,
    offer: Offer<'_>,
    span: Span,
) -> Result<Offered> {
    let origin = Instant::now();
    // How many events there are, as soon as it is known.
    let (tell_total, total) = watch::channel(None);
    let mut listeners = JoinSet::new();
    for subscriber in subscribers {
        listeners.spawn(listen(subscriber, origin, span, total.clone()));
    }
    let (sent, appends) = produce(producers, offer, origin, span).await?;
    tell_total.send_replace(Some(sent));
    let mut all = Offered { appends, deliveries: Measured::new(), subscribers: Vec::new() };
    for (delivered, subscriber) in gather(listeners, span.until + 2 * GRACE).await? {
        all.deliveries.add(&delivered);
        all.subscribers.push(subscriber);
    }
    all.deliveries.elapsed = span.until - span.from;
    Ok(all)
}

/// Appends until the span is over and all are answered; returns how many, and how long they took.
async fn produce(
    producers: &[Arc<dyn Client>],
    offer: Offer<'_>,
    origin: Instant,
    span: Span,
) -> Result<(u64, Measured)> {
    let mut ticks = interval_at(origin + offer.every, offer.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let filler = payload::filler();
    let places = Arc::new(Semaphore::new(OPEN_LOOP_IN_FLIGHT));
    let failure = Arc::new(OnceLock::new());
    let measured = Arc::new(Mutex::new(Measured::new()));
    let mut sent = 0_u64;
    loop {
        let due = ticks.tick().await;
        if due >= span.until || Instant::now() >= span.until + GRACE {
            break;
        }
        for _ in 0..offer.events {
            let place = Arc::clone(&places).acquire_owned().await.context("the places")?;
            let now = Instant::now();
            let start = if now - due > TIMER_GRAIN { due } else { now };
            let event = Bytes::from(payload::stamped(start - origin, &filler));
            let producer = Arc::clone(&producers[sent as usize % producers.len()]);
            // Streams enough for the appends to have no order among themselves.
            let stream = format!("{}-{}", offer.stream, sent % 64);
            let (failure, measured) = (Arc::clone(&failure), Arc::clone(&measured));
            tokio::spawn(async move {
                match producer.append(&stream, Guard::Nothing, vec![event]).await {
                    Ok(_) if span.has(start) => {
                        measured.lock().expect("no panic under this lock").done(start.elapsed(), 1);
                    }
                    Ok(_) => {}
                    // Only the first is told.
                    Err(error) => drop(failure.set(error)),
                }
                drop(place);
            });
            sent += 1;
        }
    }
    let all = u32::try_from(OPEN_LOOP_IN_FLIGHT).expect("it is small");
    let done = timeout_at(Instant::now() + GRACE, places.acquire_many(all)).await;
    drop(done.context("appends were not answered in time")?.context("the places")?);
    if let Some(error) = failure.get() {
        return Err(anyhow!("an append failed: {error:#}"));
    }
    let mut measured = measured.lock().expect("no panic under this lock").clone();
    measured.elapsed = span.until - span.from;
    Ok((sent, measured))
}

/// Receives until nothing is missing. Latencies are of events that were due within the span, whenever they
/// came; counted is what came within it. Returns the subscriber too, who goes on.
async fn listen(
    mut subscriber: Box<dyn Subscriber>,
    origin: Instant,
    span: Span,
    mut total: watch::Receiver<Option<u64>>,
) -> Result<(Measured, Box<dyn Subscriber>)> {
    let mut measured = Measured::new();
    let mut received = 0_u64;
    let mut expected = None;
    let deadline = sleep_until(span.until + 2 * GRACE);
    tokio::pin!(deadline);
    while expected.is_none_or(|expected| received < expected) {
        let mut each = |event: &[u8]| {
            let Some(stamp) = payload::stamp_of(event) else { return };
            received += 1;
            measured.came(origin + stamp, span);
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
    Ok((measured, subscriber))
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

    struct CountsDown(u64);

    impl Work for CountsDown {
        async fn once(&mut self) -> Result<u64> {
            self.0 = self.0.saturating_sub(1);
            Ok(self.0)
        }
    }

    #[tokio::test]
    async fn work_is_done_to_its_end() {
        let measured = to_the_end(vec![CountsDown(4), CountsDown(3)]).await.expect("works");
        assert_eq!((measured.count, measured.latencies.len()), (3 + 2 + 1 + 2 + 1, 5));
    }

    #[test]
    fn what_comes_counts_when_it_came_and_takes_since_it_was_due() {
        let now = Instant::now();
        let (past, hour) = (now - Duration::from_secs(10), Duration::from_secs(3600));
        let mut measured = Measured::new();
        measured.came(past, Span { from: now, until: now + hour });
        assert_eq!((measured.count, measured.latencies.len()), (1, 0));
        measured.came(past, Span { from: past, until: now - Duration::from_secs(5) });
        assert_eq!((measured.count, measured.latencies.len()), (1, 1));
        assert!(measured.latencies.max() >= 9_000_000_000);
    }

    #[tokio::test]
    async fn an_error_ends_the_row() {
        let error = closed_loop(vec![Counts(0)], Span::of(Duration::ZERO)).await.expect_err("it fails");
        assert_eq!(error.to_string(), "no");
    }
}
