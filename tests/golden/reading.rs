//! Opens a data directory and compares everything in it with what is expected.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use prost::Message;
use quipu::log::StoredEvent;
use quipu::model::{
    CheckpointName, GroupSettings, GroupWishes, Limits, Position, Query, QueryItem, Revision, StreamName, Timestamp,
    Walk,
};
use quipu::store::consumers::Parked;
use quipu::store::read::PageSize;
use quipu::store::{Checkpoint, Error, Home, Store};
use quipu_client::proto;

use crate::expected::{EVENT_4, EVENTS, Event, NANOS, SNAPSHOT};
use crate::fixtures::{Fixture, Stream};
use crate::making;

/// A plain answer to a query.
type IsMeant = fn(&Event) -> bool;

const PAGE: PageSize = PageSize { bytes: 1 << 20, events: usize::MAX };

/// Opens a directory that holds what a fixture does, reads it by every way there is, and closes it.
pub(crate) fn assert_holds(directory: &Path, fixture: &Fixture) {
    let home = Home::take(crate::disk(), directory).expect("a directory of a known format");
    let store = making::open(&home, Arc::new(AtomicU64::new(fixture.requests as u64 + 1)));
    let events = &EVENTS[..fixture.events];
    assert_log(&store, events);
    assert_queries(&store, events);
    assert_streams(&store, fixture.streams);
    assert_snapshots(&store);
    for (name, position, request) in fixture.checkpoints {
        let checkpoint = store.checkpoint(&CheckpointName::from_log(name)).expect(name);
        let updated_at = Timestamp { seconds: 1_800_000_001 + request, nanos: NANOS };
        assert_eq!(checkpoint, Checkpoint { position: Position(*position), updated_at });
    }
    let shown = fixture.checkpoints.iter().filter(|(name, ..)| !name.starts_with('$')).count();
    assert_eq!(store.checkpoint_page("", "", 100).len(), shown);
    if fixture.format >= 3 {
        assert_groups(&store);
        assert_eq!(store.policies(), [("order".to_owned(), 100)]);
    } else {
        assert_eq!((store.group_page("", "", 100).len(), store.policies()), (0, Vec::new()));
    }
    store.close();
}

fn assert_log(store: &Store, events: &[Event]) {
    let head = Position(events.len() as u64);
    assert_eq!(store.head(), head);
    let forwards = store.reader().log_forwards(Position(1), head, PAGE).expect("it can be read");
    assert_eq!(forwards.len(), events.len());
    for (stored, expected) in forwards.iter().zip(events) {
        assert_event(stored, expected);
        assert_eq!(&store.event_by_id(stored.id().expect("an id")).expect("it can be read"), stored);
        assert_eq!(&store.event_at(Position(expected.position)).expect("it can be read"), stored);
    }
    let mut backwards = store.reader().log_backwards(head, PAGE).expect("it can be read");
    while backwards.len() < events.len() {
        let before = backwards.last().expect("a page has an event").position().before();
        backwards.extend(store.reader().log_backwards(before, PAGE).expect("it can be read"));
    }
    backwards.reverse();
    assert_eq!(backwards, forwards);
    assert_eq!(hex(forwards[3].bytes()), EVENT_4);
}

fn assert_queries(store: &Store, events: &[Event]) {
    let item = QueryItem::default;
    let text = |text: &str| vec![text.to_owned()];
    let asked: [(QueryItem, IsMeant); 5] = [
        (QueryItem { types: text("OrderPlaced"), ..item() }, |event| event.event_type == "OrderPlaced"),
        (QueryItem { tags: text("customer:7"), ..item() }, |event| event.tags.contains(&"customer:7")),
        (QueryItem { categories: text("order"), ..item() }, |event| event.stream.starts_with("order-")),
        (QueryItem { correlation_id: Some("c-1".into()), ..item() }, |event| event.correlation_id == "c-1"),
        (QueryItem { categories: text("$streams"), ..item() }, |event| event.stream.starts_with("$streams-")),
    ];
    for (item, is_meant) in asked {
        let query = Query::of(vec![item], &Limits::default()).expect("a query").with_system(true);
        let (mut found, mut rest) = (Vec::new(), Some(Position(1)..=store.head()));
        while let Some(range) = rest {
            let page = store.reader().select(&query, range, Walk::Forwards, PAGE).expect("it can be read");
            found.extend(page.events.iter().map(|event| event.position().0));
            rest = page.rest;
        }
        let expected: Vec<_> = events.iter().filter(|event| is_meant(event)).map(|event| event.position).collect();
        assert_eq!(found, expected, "{query:?}");
    }
    let clients = events.iter().filter(|event| !event.stream.starts_with('$')).count();
    assert_eq!(store.tally().expect("it can be read").events, clients as u64);
}

fn assert_streams(store: &Store, streams: &[Stream]) {
    assert!(store.stream_names("", 100).expect("it can be read").iter().eq(streams.iter().map(|stream| stream.name)));
    for Stream { name, positions, first } in streams {
        let name = StreamName::from_log(name);
        let mut found = Vec::new();
        while found.len() < positions.len() {
            // A page ends with its segment.
            let from = Revision(found.len() as u64);
            let page = store.reader().stream_forwards(&name, from, store.head(), PAGE).expect("it can be read");
            assert!(!page.is_empty(), "{name} ends after {found:?}");
            found.extend(page.iter().map(|event| event.position().0));
        }
        assert_eq!(found, *positions, "{name}");
        match (store.stream_info(&name), first) {
            (Ok(info), Some(first)) => {
                assert_eq!(
                    (info.first.0, info.head.expect("it has events").revision.0),
                    (*first, positions.len() as u64 - 1),
                    "{name}"
                );
                // Of all streams, one has bounds on what is shown.
                assert_eq!(info.metadata.is_some_and(|told| told == making::metadata()), *first == 2, "{name}");
            }
            (Err(Error::StreamGone(_)), None) => {}
            (found, _) => panic!("{name}: {found:?} instead of {first:?}"),
        }
    }
}

fn assert_snapshots(store: &Store) {
    let (stream, revision, seconds, state) = SNAPSHOT;
    let name = StreamName::from_log(stream);
    let rows = store.snapshots(&name).expect("it can be read");
    assert_eq!(rows.iter().map(|row| row.revision).collect::<Vec<_>>(), [Revision(revision)]);
    let (found, bytes) = store.snapshot(&name, None).expect("it can be read").expect("it is there");
    let snapshot = proto::Snapshot::decode(bytes).expect("a snapshot in protobuf");
    assert_eq!((found.0, snapshot.revision, snapshot.stream.as_str()), (revision, Some(revision), stream));
    assert_eq!(snapshot.data, state);
    let saved_at = snapshot.saved_at.expect("a time");
    assert_eq!((saved_at.seconds.cast_unsigned(), saved_at.nanos.cast_unsigned()), (seconds, NANOS));
    assert_eq!(store.snapshots(&StreamName::from_log("order-2")).expect("it can be read"), []);
}

fn assert_groups(store: &Store) {
    let groups = store.group_page("", "", 100);
    let [mailer, other] = &groups[..] else { panic!("{groups:?}") };
    let made = |request: u64| Timestamp { seconds: 1_800_000_001 + request, nanos: NANOS };
    assert_eq!((mailer.name.as_str(), mailer.created_at, mailer.is_paused), ("mailer", made(23), false));
    assert_eq!(mailer.settings, GroupSettings::of(GroupWishes::default()).expect("good settings"));
    assert_eq!((mailer.settled.0, mailer.read.0, mailer.outstanding, mailer.parked), (14, 15, 1, 1));
    let parked = store.parked_page(&mailer.name, Position(1), 100, 1 << 20).expect("it can be read");
    let told = Parked { reason: making::REASON.to_owned(), tries: 1, parked_at: made(24) };
    assert_eq!(parked.iter().map(|it| (it.event.position().0, &it.parked)).collect::<Vec<_>>(), [(11, &told)]);
    assert_eq!((other.name.as_str(), other.created_at, other.is_paused), ("påminnare", made(25), true));
    assert_eq!(other.settings, making::everything());
    // It had read up to 15; nothing behind that is meant for it.
    let head = store.head();
    assert_eq!((other.settled, other.read, other.outstanding, other.parked), (head, head, 0, 0));
}

#[track_caller]
fn assert_event(stored: &StoredEvent, expected: &Event) {
    let time = stored.recorded_at();
    assert_eq!((stored.position().0, stored.revision().0), (expected.position, expected.revision));
    assert_eq!((stored.stream(), time.seconds, time.nanos), (expected.stream, expected.recorded_at, NANOS));
    let id = stored.id().expect("an id").to_string();
    assert!(id == expected.id || expected.id.is_empty(), "{id} at {}", expected.position);
    let text = |text: &&str| (*text).to_owned();
    let decoded = proto::RecordedEvent::decode(stored.bytes().clone()).expect("an event in protobuf");
    let seconds = expected.recorded_at.cast_signed();
    let wanted = proto::RecordedEvent {
        id,
        r#type: expected.event_type.into(),
        data: expected.data.into(),
        content_type: expected.content_type.into(),
        metadata: expected.metadata.iter().map(|(key, value)| (text(key), text(value))).collect(),
        schema_version: expected.schema_version.into(),
        correlation_id: expected.correlation_id.into(),
        causation_id: expected.causation_id.into(),
        tags: expected.tags.iter().map(text).collect(),
        occurred_at: expected.occurred_at.map(|(seconds, nanos)| prost_types::Timestamp { seconds, nanos }),
        stream: expected.stream.into(),
        revision: Some(expected.revision),
        position: expected.position,
        recorded_at: Some(prost_types::Timestamp { seconds, nanos: NANOS.cast_signed() }),
    };
    assert_eq!(decoded, wanted);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
