//! The load generator: many workers, one call at a time each.
//!
//! Owns [`Measured`] and the loops that make it. A worker starts its next call when the last one has
//! been answered, so the number of workers is the number of calls in flight. Each worker has its own
//! histogram; they are added up at the end. Only what ends within the measured span counts.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::failure::Failure;

/// Not measured: connections, caches and clocks get going.
const WARM_UP: Duration = Duration::from_millis(300);

/// How long calls may still take when the span is over, before they are given up.
const GRACE: Duration = Duration::from_secs(30);

/// A worker that fails so often in a row stops.
const ERRORS_IN_A_ROW: u32 = 10;

/// What a call brought about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Done {
    /// How many events, or whatever the row counts.
    pub(super) count: u64,
    /// How many bytes of payload.
    pub(super) bytes: u64,
}

/// Does the same call over and over.
pub(super) trait Work: Send + 'static {
    /// One call.
    fn once(&mut self) -> impl Future<Output = Result<Done, Failure>> + Send;
}

/// When is measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) from: Instant,
    pub(super) until: Instant,
}

impl Span {
    /// From after the warm-up, for so long.
    pub(super) fn of(length: Duration) -> Self {
        Self::after(WARM_UP, length)
    }

    /// From after such a warm-up, for so long.
    pub(super) fn after(warm_up: Duration, length: Duration) -> Self {
        let from = Instant::now() + warm_up;
        Self { from, until: from + length }
    }

    /// Its length.
    pub(super) fn length(&self) -> Duration {
        self.until - self.from
    }
}

/// What was measured.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    /// In nanoseconds.
    pub(super) latencies: Histogram<u64>,
    pub(super) count: u64,
    pub(super) bytes: u64,
    pub(super) errors: u64,
    /// The same errors by the name of their code.
    pub(super) codes: BTreeMap<&'static str, u64>,
    /// How many of the errors say that somebody else was faster.
    pub(super) conflicts: u64,
    pub(super) first_error: Option<String>,
    pub(super) elapsed: Duration,
}

impl Measured {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        // Half a microsecond to two minutes, to three digits.
        let latencies = Histogram::new_with_bounds(1_000, 120_000_000_000, 3).expect("the bounds are in order");
        Self {
            latencies,
            count: 0,
            bytes: 0,
            errors: 0,
            codes: BTreeMap::new(),
            conflicts: 0,
            first_error: None,
            elapsed: Duration::ZERO,
        }
    }

    /// Counts a call.
    pub(super) fn done(&mut self, took: Duration, done: Done) {
        self.latencies.saturating_record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        self.count += done.count;
        self.bytes += done.bytes;
    }

    /// Counts what failed.
    pub(super) fn failed(&mut self, errors: u64, failure: impl Into<Failure>) {
        let Failure { code, text, is_conflict } = failure.into();
        self.errors += errors;
        *self.codes.entry(code).or_default() += errors;
        self.conflicts += if is_conflict { errors } else { 0 };
        self.first_error.get_or_insert(text);
    }

    /// Adds what another worker measured.
    pub(super) fn add(&mut self, other: &Self) {
        self.latencies.add(&other.latencies).expect("the bounds are the same");
        self.count += other.count;
        self.bytes += other.bytes;
        self.errors += other.errors;
        for (code, errors) in &other.codes {
            *self.codes.entry(code).or_default() += errors;
        }
        self.conflicts += other.conflicts;
        if self.first_error.is_none() {
            self.first_error.clone_from(&other.first_error);
        }
    }

    /// Counts a second.
    pub(super) fn rate(&self) -> f64 {
        self.count as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }
}

/// Has all workers work for the span, after a warm-up.
pub(super) async fn closed_loop<W: Work>(workers: Vec<W>, length: Duration) -> Measured {
    let span = Span::of(length);
    let mut tasks = JoinSet::new();
    for worker in workers {
        tasks.spawn(work_during(worker, span));
    }
    let mut all = gather(tasks, span.until + GRACE).await;
    all.elapsed = span.length();
    all
}

/// Has each worker make so many calls.
pub(super) async fn repeat<W: Work>(workers: Vec<W>, calls_each: u64, deadline: Duration) -> Measured {
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for worker in workers {
        tasks.spawn(work_times(worker, calls_each));
    }
    let mut all = gather(tasks, start + deadline).await;
    all.elapsed = start.elapsed();
    all
}

/// Adds up what the tasks measure. Those that are not done by `deadline` are given up.
pub(super) async fn gather(mut tasks: JoinSet<Measured>, deadline: Instant) -> Measured {
    let mut all = Measured::new();
    loop {
        match timeout_at(deadline, tasks.join_next()).await {
            Ok(None) => return all,
            Ok(Some(Ok(measured))) => all.add(&measured),
            Ok(Some(Err(panic))) => all.failed(1, panic.to_string()),
            Err(_) => {
                all.failed(tasks.len() as u64, "no answer in time");
                return all;
            }
        }
    }
}

async fn work_during<W: Work>(mut worker: W, span: Span) -> Measured {
    let mut measured = Measured::new();
    let mut errors_in_a_row = 0;
    let mut start = Instant::now();
    while start < span.until && errors_in_a_row < ERRORS_IN_A_ROW {
        let outcome = worker.once().await;
        let end = Instant::now();
        match outcome {
            Ok(done) => {
                errors_in_a_row = 0;
                if end >= span.from && end <= span.until {
                    measured.done(end - start, done);
                }
            }
            Err(error) => {
                errors_in_a_row += 1;
                measured.failed(1, error);
            }
        }
        start = end;
    }
    measured
}

async fn work_times<W: Work>(mut worker: W, calls: u64) -> Measured {
    let mut measured = Measured::new();
    for _ in 0..calls {
        let start = Instant::now();
        match worker.once().await {
            Ok(done) => measured.done(start.elapsed(), done),
            Err(error) => {
                measured.failed(1, error);
                break;
            }
        }
    }
    measured
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Answers(Result<Done, Failure>);

    impl Work for Answers {
        async fn once(&mut self) -> Result<Done, Failure> {
            tokio::task::yield_now().await;
            self.0.clone()
        }
    }

    const DONE: Done = Done { count: 2, bytes: 10 };

    #[tokio::test]
    async fn only_the_span_is_measured() {
        let now = Instant::now();
        let soon = now + Duration::from_millis(5);
        let measured = work_during(Answers(Ok(DONE)), Span { from: now, until: soon }).await;
        assert!(measured.count > 0 && measured.count == 2 * measured.latencies.len());
        let warming_up = Span { from: soon + Duration::from_secs(3600), until: soon };
        assert_eq!(work_during(Answers(Ok(DONE)), warming_up).await.count, 0);
    }

    #[tokio::test]
    async fn a_failing_worker_stops_and_is_counted() {
        let measured = closed_loop(vec![Answers(Err("no".into()))], Duration::ZERO).await;
        assert_eq!((measured.errors, measured.count), (u64::from(ERRORS_IN_A_ROW), 0));
        assert_eq!(measured.first_error.as_deref(), Some("no"));
    }

    #[test]
    fn errors_add_up_by_code() {
        let (mut one, mut other) = (Measured::new(), Measured::new());
        one.failed(2, "late");
        other.failed(3, tonic::Status::unavailable("away"));
        other.failed(1, "later");
        one.add(&other);
        assert_eq!((one.errors, one.first_error.as_deref()), (6, Some("late")));
        assert_eq!(one.codes, BTreeMap::from([("CLIENT", 3), ("UNAVAILABLE", 3)]));
    }

    #[tokio::test]
    async fn a_worker_that_hangs_is_given_up() {
        let mut tasks = JoinSet::new();
        tasks.spawn(std::future::pending());
        let measured = gather(tasks, Instant::now()).await;
        assert_eq!(measured.errors, 1);
    }

    #[tokio::test]
    async fn repeating_makes_exactly_so_many_calls() {
        let workers = (0..3).map(|_| Answers(Ok(DONE))).collect();
        let measured = repeat(workers, 5, Duration::from_secs(60)).await;
        assert_eq!((measured.latencies.len(), measured.count, measured.bytes), (15, 30, 150));
    }
}
