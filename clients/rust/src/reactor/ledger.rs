//! What this process has already done about events that are not settled yet.
//!
//! Owns [`Ledger`]: which handlers have succeeded, so that they are not called again when the event is
//! delivered again. It remembers over connections, since an acknowledgement may get lost with one.
//!
//! A first try is a new beginning: the group was reset, or the event replayed after it was parked. But a server
//! that was killed may count from one again, too. So what is known from an earlier connection still holds for
//! first tries soon after the next one was made.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use super::Failure;
use super::handlers::{Tried, Verdict};
use crate::{Delivery, Nack, NackAction, NotSettledReason, Settled, Settlement};

/// How long after a connection was made first tries may be repetitions.
const RECENT: Duration = Duration::from_secs(60);

/// The most events to remember; the oldest are forgotten first.
const EVENTS_MAX: usize = 10_000;

/// What is known of events, by position.
#[derive(Debug)]
pub(super) struct Ledger {
    known: BTreeMap<u64, Known>,
    /// The events in hand, and the connection by which they came.
    in_hand: HashMap<u64, u64>,
    /// What is to be said about deliveries.
    pub(super) pending: Settlement,
    connection: u64,
    connected_at: Instant,
}

#[derive(Debug)]
struct Known {
    /// The handlers that have succeeded.
    done: BTreeSet<usize>,
    /// Whether that was all: only the word that it is settled is missing.
    is_finished: bool,
    /// The connection by which the event came.
    connection: u64,
    /// How many times it was said on this connection that it is to be tried again, without an answer so far.
    unanswered: u32,
}

impl Ledger {
    pub(super) fn new() -> Self {
        Self {
            known: BTreeMap::new(),
            in_hand: HashMap::new(),
            pending: Settlement::new(),
            connection: 0,
            connected_at: Instant::now(),
        }
    }

    /// A connection is there. What was said on the one before may not have been heard: acknowledgements are
    /// said again, since they are taken at any time; what is to be tried again comes again by itself.
    pub(super) fn connected(&mut self, now: Instant) {
        self.connection += 1;
        self.connected_at = now;
        self.known.values_mut().for_each(|known| known.unanswered = 0);
        let finished = self.known.iter().filter(|(_, known)| known.is_finished);
        self.pending = Settlement { ack: finished.map(|(position, _)| *position).collect(), nack: Vec::new() };
    }

    /// Takes a delivery in hand: the handlers that are done with it already. None when there is nothing to do:
    /// it is in hand still, or finished.
    pub(super) fn begin(&mut self, delivery: &Delivery, now: Instant) -> Option<BTreeSet<usize>> {
        let position = delivery.event.position;
        if self.in_hand.contains_key(&position) {
            return None;
        }
        let is_recent = now.duration_since(self.connected_at) < RECENT;
        if let Some(known) = self.known.get(&position)
            && delivery.try_number <= 1
            && (known.connection == self.connection || !is_recent)
        {
            self.known.remove(&position);
        }
        if self.known.get(&position).is_some_and(|known| known.is_finished) {
            self.pending.ack.push(position);
            return None;
        }
        self.in_hand.insert(position, self.connection);
        Some(self.known.get(&position).map(|known| known.done.clone()).unwrap_or_default())
    }

    /// Takes note of what came of an event.
    pub(super) fn end(&mut self, position: u64, tried: Tried) {
        let connection = self.in_hand.remove(&position).unwrap_or(self.connection);
        let (action, reason, delay) = match tried.verdict {
            Verdict::Handled | Verdict::Unhandled => {
                self.remember(position, connection, tried.done, true);
                self.pending.ack.push(position);
                return;
            }
            Verdict::Failed(Failure::Retry { reason, delay }) => {
                self.remember(position, connection, tried.done, false);
                (NackAction::Retry, reason, delay)
            }
            Verdict::Failed(Failure::Park { reason }) => {
                self.known.remove(&position);
                (NackAction::Park, reason, None)
            }
            Verdict::Failed(Failure::Skip) => {
                self.known.remove(&position);
                (NackAction::Skip, String::new(), None)
            }
        };
        self.pending.nack.push(Nack { position, action, reason, delay });
    }

    /// Takes note of what the group says has become of it. It answers in the order of saying, so what was to be
    /// tried again is answered before what was dealt with then.
    pub(super) fn settled(&mut self, settled: &Settled) {
        let refused = settled.not_settled.iter().map(|it| (it.position, it.reason == NotSettledReason::AlreadySettled));
        let answers = settled.settled.iter().map(|position| (*position, true)).chain(refused);
        for (position, is_settled) in answers {
            let Some(known) = self.known.get_mut(&position) else { continue };
            if known.unanswered > 0 {
                known.unanswered -= 1;
            } else if is_settled && known.is_finished {
                self.known.remove(&position);
            }
        }
    }

    fn remember(&mut self, position: u64, connection: u64, done: BTreeSet<usize>, is_finished: bool) {
        let before = self.known.get(&position).map_or(0, |known| known.unanswered);
        let unanswered = before + u32::from(!is_finished);
        self.known.insert(position, Known { done, is_finished, connection, unanswered });
        if self.known.len() > EVENTS_MAX {
            self.known.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NotSettled, RecordedEvent, proto};

    fn delivery(try_number: u32) -> Delivery {
        let wire = proto::RecordedEvent {
            id: uuid::Uuid::nil().to_string(),
            revision: Some(0),
            position: 7,
            recorded_at: Some(prost_types::Timestamp::default()),
            ..Default::default()
        };
        Delivery { event: RecordedEvent::try_from(wire).expect("complete"), try_number }
    }

    fn tried(verdict: Verdict, done: &[usize]) -> Tried {
        Tried { event_type: "T".to_owned(), verdict, done: done.iter().copied().collect(), times: Vec::new() }
    }

    fn retry() -> Verdict {
        Verdict::Failed(Failure::retry("away"))
    }

    fn connected() -> (Ledger, Instant) {
        let (mut ledger, now) = (Ledger::new(), Instant::now());
        ledger.connected(now);
        (ledger, now)
    }

    #[test]
    fn handlers_that_succeeded_are_known_at_the_next_try() {
        let (mut ledger, now) = connected();
        assert_eq!(ledger.begin(&delivery(1), now), Some(BTreeSet::new()));
        assert_eq!(ledger.begin(&delivery(2), now), None, "it is in hand");
        ledger.end(7, tried(retry(), &[1]));
        assert_eq!(ledger.pending, Settlement::new().retry(7, "away"));
        assert_eq!(ledger.begin(&delivery(2), now), Some(BTreeSet::from([1])));
    }

    #[test]
    fn a_first_try_on_the_same_connection_is_a_new_beginning() {
        let (mut ledger, now) = connected();
        ledger.begin(&delivery(3), now);
        ledger.end(7, tried(retry(), &[1]));
        assert_eq!(ledger.begin(&delivery(1), now), Some(BTreeSet::new()));
    }

    #[test]
    fn an_acknowledgement_that_got_lost_is_said_again_and_nothing_else_is_done() {
        let (mut ledger, now) = connected();
        ledger.begin(&delivery(1), now);
        ledger.end(7, tried(Verdict::Handled, &[0]));
        ledger.connected(now);
        assert_eq!(ledger.pending, Settlement::new().ack(7));
        ledger.pending = Settlement::new();
        assert_eq!(ledger.begin(&delivery(1), now), None, "a killed server counts from one again");
        assert_eq!(ledger.pending, Settlement::new().ack(7));
        assert_eq!(ledger.begin(&delivery(1), now + RECENT), Some(BTreeSet::new()), "by now it was reset");
    }

    #[test]
    fn what_came_before_a_kill_and_ended_after_it_is_not_done_again() {
        let (mut ledger, now) = connected();
        ledger.begin(&delivery(1), now);
        ledger.connected(now);
        ledger.end(7, tried(Verdict::Handled, &[0]));
        assert_eq!(ledger.begin(&delivery(1), now), None);
        assert_eq!(ledger.pending, Settlement::new().ack(7).ack(7));
    }

    #[test]
    fn what_is_settled_is_forgotten() {
        for settled in [
            Settled { settled: vec![7], not_settled: Vec::new() },
            Settled {
                settled: Vec::new(),
                not_settled: vec![NotSettled { position: 7, reason: NotSettledReason::AlreadySettled }],
            },
        ] {
            let (mut ledger, now) = connected();
            ledger.begin(&delivery(1), now);
            ledger.end(7, tried(Verdict::Handled, &[0]));
            ledger.settled(&settled);
            ledger.connected(now);
            assert!(ledger.pending.is_empty());
        }
    }

    #[test]
    fn the_answer_to_an_earlier_try_is_not_taken_for_the_last_word() {
        let (mut ledger, now) = connected();
        for (try_number, verdict) in [(1, retry()), (2, Verdict::Handled)] {
            ledger.begin(&delivery(try_number), now);
            ledger.end(7, tried(verdict, &[0]));
        }
        ledger.settled(&Settled { settled: vec![7], not_settled: Vec::new() });
        ledger.connected(now);
        assert_eq!(ledger.pending, Settlement::new().ack(7), "the acknowledgement is still without an answer");
    }

    #[test]
    fn the_memory_has_a_limit() {
        let (mut ledger, _) = connected();
        for position in 0..EVENTS_MAX as u64 + 5 {
            ledger.end(position, tried(retry(), &[0]));
        }
        assert_eq!(ledger.known.len(), EVENTS_MAX);
        assert_eq!(ledger.known.first_key_value().map(|(position, _)| *position), Some(5));
    }
}
