//! What the benchmarks by path stand on: events with known ids, and stores of a known shape.
//!
//! Nothing here is measured. Ids, times and salts are fixed, so that a run does what the run before did.
//!
//! ```text
//!   event number   0  1  2  …  stream `order-n`: the number, modulo the streams
//!                              tag `customer:n`: likewise, one further each time round
//!                              so ten events have a stream, and ten of ten streams a tag
//! ```

#![allow(dead_code, reason = "each benchmark takes what it needs")]

use std::path::Path;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use prost::Message;
use quipu::clock::Clock;
use quipu::crew::Crew;
use quipu::disk::Disk;
use quipu::disk::memory::MemoryDisk;
use quipu::log::record::Stamp;
use quipu::log::{Block, Draft, LogOptions, Salts, Slot};
use quipu::metrics::Metrics;
use quipu::model::{
    ExpectedRevision, Limits, Position, ProposedEvent, Query, QueryItem, Revision, StreamName, Timestamp,
};
use quipu::proto;
use quipu::store::read::PageSize;
use quipu::store::{Append, Store, StoreOptions, Transaction};
use quipu_client::NewEvent;
use uuid::Uuid;

/// How many events a filled store has.
pub(crate) const FILLED: u64 = 100_000;

/// How many events of a filled store have the same stream, and how many have the same tag.
pub(crate) const EVENTS_ALIKE: u64 = 10;

/// How many types events have, in turn.
pub(crate) const TYPES: u64 = 10;

/// A page as the server reads it.
pub(crate) const PAGE: PageSize = PageSize { bytes: 1 << 20, events: usize::MAX };

const PAYLOAD_BYTES: usize = 256;
const NOW: Timestamp = Timestamp { seconds: 1_700_000_000, nanos: 0 };

/// How many appends fill a store together.
const FILLED_AT_ONCE: u64 = 1000;

/// The stream of a number.
pub(crate) fn stream(number: u64) -> StreamName {
    StreamName::from_log(&format!("order-{number:06}"))
}

/// The tag of a number.
pub(crate) fn tag(number: u64) -> String {
    format!("customer:{number:06}")
}

/// The events with a tag.
pub(crate) fn tagged(tag: String) -> Query {
    let item = QueryItem { tags: vec![tag], ..QueryItem::default() };
    Query::of(vec![item], &Limits::default()).expect("a good query")
}

/// The events with the type of a number.
pub(crate) fn typed(number: u64) -> Query {
    let item = QueryItem { types: vec![event_type(number)], ..QueryItem::default() };
    Query::of(vec![item], &Limits::default()).expect("a good query")
}

fn event_type(number: u64) -> String {
    format!("OrderChanged{}", number % TYPES)
}

/// An event as clients send it. Its id is its number.
pub(crate) fn encoded(number: u64, tag: String) -> Bytes {
    let event = NewEvent::new(event_type(number), "x".repeat(PAYLOAD_BYTES));
    let event = event.with_id(Uuid::from_u128(u128::from(number))).with_tag(tag);
    quipu_client::proto::NewEvent::from(event).encode_to_vec().into()
}

/// A checked event.
pub(crate) fn proposed(number: u64, tag: String) -> ProposedEvent {
    ProposedEvent::parse(encoded(number, tag), &Limits::default()).expect("a client's event is sound")
}

/// Checked events with the numbers from `first` on, each with a tag of its own.
pub(crate) fn proposals(first: u64, events: u64) -> Vec<ProposedEvent> {
    (first..first + events).map(|number| proposed(number, tag(number))).collect()
}

/// The request for an append of so many events, as it comes over the wire.
pub(crate) fn request(events: u64) -> Bytes {
    let events = (0..events).map(|number| encoded(number, tag(number))).collect();
    let request = proto::AppendRequest { stream: stream(0).to_string(), events, ..proto::AppendRequest::default() };
    request.encode_to_vec().into()
}

/// Takes a request apart and checks its events.
pub(crate) fn propose(request: Bytes, limits: &Limits) -> Vec<ProposedEvent> {
    let request = proto::AppendRequest::decode(request).expect("a sound request");
    let parse = |bytes| ProposedEvent::parse(bytes, limits).expect("a client's event is sound");
    request.events.into_iter().map(parse).collect()
}

/// Lays events out as a block.
pub(crate) fn lay_out(events: &[ProposedEvent], stream: &str) -> Block {
    let mut draft = Draft::new(Position(1));
    for (revision, event) in (0..).zip(events) {
        let stamp = Stamp { revision: Revision(revision), position: draft.next_position(), recorded_at: NOW };
        draft.put_event(event, stream, &stamp);
    }
    draft.finish(7, Slot(1), 0, 0)
}

/// Reads a whole stream as a server does, from segment to segment; returns how many events it has.
pub(crate) fn read_stream(store: &Store, stream: &StreamName) -> u64 {
    let head = store.head();
    let view = store.stream_view(stream, head).expect("a stream");
    let mut next = view.first;
    while next <= view.head.revision {
        let page = store.reader().stream_forwards(stream, next, head, PAGE).expect("a read");
        assert!(!page.is_empty(), "the stream is cut short");
        next = Revision(next.0 + page.len() as u64);
    }
    next.0 - view.first.0
}

/// An append of these events, whatever the stream looks like.
pub(crate) fn append(stream: StreamName, events: Vec<ProposedEvent>) -> Append {
    Append { stream, expected: ExpectedRevision::Any, events }
}

/// Opens a store as a server does, but for time and chance.
pub(crate) fn open(disk: Arc<dyn Disk>, directory: &Path, crew: Crew, segment_events: u64) -> Arc<Store> {
    let drawn = AtomicU64::new(1);
    let salts = Salts::new(move || drawn.fetch_add(1, Ordering::Relaxed));
    let log = LogOptions { segment_events, salts, ..LogOptions::default() };
    let options = StoreOptions { log, crew, clock: Clock::new(|| NOW), ..StoreOptions::default() };
    let metrics = Arc::new(Metrics::new().expect("metrics with names of their own"));
    Store::open(disk, directory, &options, metrics).expect("a store that opens")
}

/// A store in memory without threads: its workers work while somebody waits for an answer, and what is
/// measured is work alone.
pub(crate) struct Solo {
    /// The store.
    pub(crate) store: Arc<Store>,
    disk: MemoryDisk,
    crew: Crew,
}

impl Solo {
    /// An empty store.
    pub(crate) fn empty() -> Self {
        Self::with_segments_of(LogOptions::default().segment_events)
    }

    /// A store with so many events. A segment has two thirds of them, so one is sealed and one is active; the
    /// latter has room for a third.
    pub(crate) fn filled(events: u64) -> Self {
        let solo = Self::with_segments_of(events * 2 / 3);
        let streams = events / EVENTS_ALIKE;
        for first in (0..events).step_by(FILLED_AT_ONCE as usize) {
            let append = |number| {
                let tag = tag((number + number / streams) % streams);
                append(stream(number % streams), vec![proposed(number, tag)])
            };
            let appends = (first..first + FILLED_AT_ONCE).map(append).collect();
            solo.answer(solo.store.transact(Transaction { appends, ..Transaction::default() })).expect("an append");
        }
        assert_eq!(solo.store.head(), Position(events));
        while solo.crew.turn(0) {}
        solo
    }

    fn with_segments_of(events: u64) -> Self {
        let (disk, crew) = (MemoryDisk::default(), Crew::turned());
        Self { store: open(Arc::new(disk.clone()), Path::new("/store"), crew.clone(), events), disk, crew }
    }

    /// Has the workers work until there is an answer.
    pub(crate) fn answer<T>(&self, asked: impl Future<Output = T>) -> T {
        let mut asked = pin!(asked);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(answer) = asked.as_mut().poll(&mut context) {
                return answer;
            }
            assert!(self.crew.turn(0), "somebody works on the answer");
        }
    }

    /// The same log, served by threads.
    pub(crate) fn on_threads(self) -> Arc<Store> {
        self.store.close();
        let segment_events = LogOptions::default().segment_events;
        open(Arc::new(self.disk), Path::new("/store"), Crew::threads(), segment_events)
    }
}

/// Stores of a kind, one after the other, so that none grows much while it is measured.
pub(crate) struct Supply<S> {
    make: fn() -> S,
    now: Rc<S>,
    taken: u64,
    most: u64,
}

impl<S> Supply<S> {
    /// Stores that `make` makes, for `most` events each.
    pub(crate) fn new(make: fn() -> S, most: u64) -> Self {
        Self { make, now: Rc::new(make()), taken: 0, most }
    }

    /// The store for so many more events, and how many it was given before.
    pub(crate) fn take(&mut self, events: u64) -> (Rc<S>, u64) {
        if self.taken + events > self.most {
            self.now = Rc::new((self.make)());
            self.taken = 0;
        }
        let before = self.taken;
        self.taken += events;
        (self.now.clone(), before)
    }
}
