//! The loop of a workload: many callers, each with one call at a time.
//!
//! Owns how callers follow a [`Schedule`] and enter what comes of it into a [`Tally`]. A caller whose calls fail
//! goes on, so a server that comes back finds its load again.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::failure::Failure;
use super::load::Done;
use super::mix::Operation;
use super::schedule::Schedule;
use super::tally::Tally;

/// How long an answer may take.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Makes the calls of a workload.
pub(super) trait Caller: Send + 'static {
    /// Decides what comes next.
    fn decide(&mut self) -> Operation;

    /// Makes one call, whose latency counts from `since`.
    fn call(&mut self, operation: Operation, since: Instant) -> impl Future<Output = Result<Done, Failure>> + Send;
}

/// Has all callers call until the schedule ends and the last answer is there. So many callers, so many calls in
/// flight at most.
pub(super) async fn drive<C: Caller>(callers: Vec<C>, schedule: &Arc<Schedule>, tally: &Arc<Tally>) {
    let mut tasks = JoinSet::new();
    for (number, caller) in callers.into_iter().enumerate() {
        tasks.spawn(follow(number, caller, schedule.clone(), tally.clone()));
    }
    while let Some(ended) = tasks.join_next().await {
        if let Err(panic) = ended {
            std::panic::resume_unwind(panic.into_panic());
        }
    }
}

async fn follow<C: Caller>(number: usize, mut caller: C, schedule: Arc<Schedule>, tally: Arc<Tally>) {
    while let Some(turn) = schedule.next().await {
        let operation = caller.decide();
        tally.begin();
        let answer = timeout(ANSWER_TIMEOUT, caller.call(operation, turn.since)).await;
        let outcome = answer.unwrap_or_else(|_| Err("no answer in time".into()));
        let end = Instant::now();
        let failed = outcome.as_ref().is_err_and(|failure| !failure.is_conflict);
        tally.end(number, operation, end - turn.since, outcome, schedule.measures(turn, end));
        if failed {
            schedule.recover().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::super::load::Span;
    use super::super::schedule::OpenLoop;
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Answers after this time.
    struct Slow(Duration);

    impl Caller for Slow {
        fn decide(&mut self) -> Operation {
            Operation::Append
        }

        async fn call(&mut self, _: Operation, _: Instant) -> Result<Done, Failure> {
            sleep(self.0).await;
            Ok(Done { count: 1, bytes: 0 })
        }
    }

    /// Fails at once.
    struct Failing;

    impl Caller for Failing {
        fn decide(&mut self) -> Operation {
            Operation::ReadAll
        }

        async fn call(&mut self, _: Operation, _: Instant) -> Result<Done, Failure> {
            Err(tonic::Status::unavailable("away").into())
        }
    }

    /// Latencies in milliseconds, and what became of the schedule.
    async fn driven<C: Caller>(callers: Vec<C>, span: Span, rate: Option<u64>) -> (Vec<u64>, Option<OpenLoop>, Tally) {
        let (schedule, tally) = (Arc::new(Schedule::new(span, rate)), Arc::new(Tally::new()));
        drive(callers, &schedule, &tally).await;
        let latencies = tally.of(Operation::Append).latencies;
        let millis = |nanos: u64| (nanos as f64 / 1e6).round() as u64;
        let mut all = Vec::new();
        for value in latencies.iter_recorded() {
            all.extend(std::iter::repeat_n(millis(value.value_iterated_to()), value.count_at_value() as usize));
        }
        let outcome = schedule.outcome();
        (all, outcome, Arc::into_inner(tally).expect("the callers have ended"))
    }

    #[tokio::test(start_paused = true)]
    async fn the_latency_of_an_open_loop_counts_from_when_a_call_was_due() {
        // Due at 0, 10, 20, 30, 40. One caller begins at 0 and 25, and at 50 the span is over.
        let span = Span::after(Duration::ZERO, 50 * MS);
        let (latencies, outcome, _) = driven(vec![Slow(25 * MS)], span, Some(100)).await;
        assert_eq!(latencies, [25, 40]);
        assert_eq!(outcome, Some(OpenLoop { rate: 100, due: 5, began_late: 1, not_begun: 3 }));
    }

    #[tokio::test(start_paused = true)]
    async fn an_open_loop_with_callers_enough_begins_in_time() {
        let callers = || (0..4).map(|_| Slow(25 * MS)).collect();
        let span = Span::after(Duration::ZERO, 100 * MS);
        let (latencies, outcome, _) = driven(callers(), span, Some(100)).await;
        assert_eq!(latencies, [25; 10]);
        assert_eq!(outcome, Some(OpenLoop { rate: 100, due: 10, began_late: 0, not_begun: 0 }));
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_loop_waits_for_its_answers() {
        let span = Span::after(Duration::ZERO, 100 * MS);
        let (latencies, outcome, _) = driven(vec![Slow(25 * MS)], span, None).await;
        assert_eq!((latencies, outcome), (vec![25; 4], None));
    }

    #[tokio::test(start_paused = true)]
    async fn the_warm_up_is_not_measured() {
        let span = Span::after(50 * MS, 50 * MS);
        let callers = || (0..4).map(|_| Slow(5 * MS)).collect();
        let (latencies, outcome, _) = driven(callers(), span, Some(100)).await;
        assert_eq!(latencies, [5; 5]);
        assert_eq!(outcome, Some(OpenLoop { rate: 100, due: 5, began_late: 0, not_begun: 0 }));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_never_answered_is_an_error() {
        let span = Span::after(Duration::ZERO, 50 * MS);
        let (latencies, _, tally) = driven(vec![Slow(ANSWER_TIMEOUT * 2)], span, None).await;
        assert_eq!((latencies.len(), tally.of(Operation::Append).errors, tally.in_flight()), (0, 1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn failures_are_counted_by_code_and_do_not_end_the_load() {
        let span = Span::after(Duration::ZERO, 100 * MS);
        let (_, _, tally) = driven(vec![Failing], span, None).await;
        let measured = tally.of(Operation::ReadAll);
        assert_eq!(measured.codes.get("UNAVAILABLE"), Some(&measured.errors));
        assert!((2..=6).contains(&measured.errors), "one every 20 ms: {}", measured.errors);
    }
}
