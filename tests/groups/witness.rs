//! Who dealt with which event, and whether it should have.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};

use tokio::sync::watch;

/// Everything that was seen, by all members.
#[derive(Debug)]
pub(crate) struct Witness {
    seen: Mutex<Seen>,
    /// How many different events were dealt with.
    events: watch::Sender<u64>,
}

#[derive(Debug)]
struct Seen {
    /// By stream: the revision that was dealt with last, of those that go on from the one before.
    last: HashMap<String, u64>,
    dealt_with: HashMap<u64, u64>,
    confirmed: HashSet<u64>,
    by_member: HashMap<String, u64>,
    out_of_order: u64,
    after_confirmation: u64,
}

impl Witness {
    pub(crate) fn new(streams: u64) -> Self {
        let capacity = usize::try_from(streams).expect("a small number");
        let seen = Seen {
            last: HashMap::with_capacity(capacity),
            dealt_with: HashMap::new(),
            confirmed: HashSet::new(),
            by_member: HashMap::new(),
            out_of_order: 0,
            after_confirmation: 0,
        };
        Self { seen: Mutex::new(seen), events: watch::channel(0).0 }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("no panic under this lock")
    }

    /// A member deals with an event.
    pub(crate) fn deals(&self, member: &str, stream: &str, revision: u64, position: u64) {
        let mut seen = self.lock();
        *seen.dealt_with.entry(position).or_default() += 1;
        *seen.by_member.entry(member.to_owned()).or_default() += 1;
        if seen.confirmed.contains(&position) {
            seen.after_confirmation += 1;
        }
        // It is the next of its stream, or the last one once more.
        let next = seen.last.get(stream).map_or(0, |last| last + 1);
        if revision == next {
            seen.last.insert(stream.to_owned(), revision);
        } else if revision + 1 != next {
            seen.out_of_order += 1;
        }
        let events = seen.dealt_with.len() as u64;
        drop(seen);
        self.events.send_replace(events);
    }

    /// A member hears that its settlements are durable.
    pub(crate) fn confirmed(&self, positions: impl IntoIterator<Item = u64>) {
        self.lock().confirmed.extend(positions);
    }

    /// How many different events were dealt with.
    pub(crate) fn events(&self) -> u64 {
        *self.events.borrow()
    }

    /// Waits until so many were.
    pub(crate) async fn reached(&self, events: u64) {
        self.events.subscribe().wait_for(|so_many| *so_many >= events).await.expect("the witness lives");
    }

    pub(crate) fn by(&self, member: &str) -> u64 {
        self.lock().by_member.get(member).copied().unwrap_or_default()
    }

    pub(crate) fn repeated(&self) -> usize {
        self.lock().dealt_with.values().filter(|times| **times > 1).count()
    }

    pub(crate) fn after_confirmation(&self) -> u64 {
        self.lock().after_confirmation
    }

    pub(crate) fn out_of_order(&self) -> u64 {
        self.lock().out_of_order
    }

    #[track_caller]
    pub(crate) fn assert_well(&self, events: u64) {
        let seen = self.lock();
        assert_eq!(seen.dealt_with.len() as u64, events, "every event was dealt with");
        assert_eq!(seen.after_confirmation, 0, "what is confirmed does not come again");
        assert_eq!(seen.out_of_order, 0, "the order of each stream is kept");
    }
}
