//! Opens a data directory and compares everything in it with what is expected.

use std::path::Path;

use prost::Message;
use quipu::log::StoredEvent;
use quipu::model::{EventId, Position, Revision, StreamName};
use quipu::store::read::PageSize;
use quipu::store::{Home, Store};
use quipu_client::proto;

use crate::expected::{EVENT_4, EVENTS, Event, NANOS, SNAPSHOT};
use crate::making;

const PAGE: PageSize = PageSize { bytes: 1 << 20, events: usize::MAX };

/// Opens it, reads it by every way there is, and closes it.
pub(crate) fn assert_holds_what_was_written(directory: &Path) {
    let home = Home::take(crate::disk(), directory).expect("a directory of a known format");
    let store = making::open(&home);
    assert_log(&store);
    assert_streams(&store);
    assert_snapshots(&store);
    store.close();
}

fn assert_log(store: &Store) {
    assert_eq!(store.head(), Position(9));
    let forwards = store.reader().log_forwards(Position(1), Position(9), PAGE).expect("it can be read");
    assert_eq!(forwards.len(), EVENTS.len());
    for (stored, expected) in forwards.iter().zip(&EVENTS) {
        assert_event(stored, expected);
        let id = EventId::parse(expected.id).expect("an id");
        assert_eq!(&store.event_by_id(id).expect("it can be read"), stored);
        assert_eq!(&store.event_at(Position(expected.position)).expect("it can be read"), stored);
    }
    let mut backwards = store.reader().log_backwards(Position(9), PAGE).expect("it can be read");
    while backwards.len() < EVENTS.len() {
        let before = backwards.last().expect("a page has an event").position().before();
        backwards.extend(store.reader().log_backwards(before, PAGE).expect("it can be read"));
    }
    backwards.reverse();
    assert_eq!(backwards, forwards);
    assert_eq!(hex(forwards[3].bytes()), EVENT_4);
}

fn assert_streams(store: &Store) {
    let names = ["order-1", "order-2", "order-3", "påminnelse/ü 1"];
    assert_eq!(store.stream_names("", 100).expect("it can be read"), names);
    for (name, positions) in names.iter().zip([&[1, 2, 4, 6, 7, 8][..], &[5], &[9], &[3]]) {
        let name = StreamName::from_log(name);
        let mut found = Vec::new();
        while found.len() < positions.len() {
            // A page ends with its segment.
            let from = Revision(found.len() as u64);
            let page = store.reader().stream_forwards(&name, from, Position(9), PAGE).expect("it can be read");
            assert!(!page.is_empty(), "{name} ends after {found:?}");
            found.extend(page.iter().map(|event| event.position().0));
        }
        assert_eq!(found, positions, "{name}");
        let head = store.stream_info(&name).expect("it can be read").head.expect("it has events");
        assert_eq!(head.revision, Revision(positions.len() as u64 - 1));
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

#[track_caller]
fn assert_event(stored: &StoredEvent, expected: &Event) {
    let time = stored.recorded_at();
    assert_eq!((stored.position().0, stored.revision().0), (expected.position, expected.revision));
    assert_eq!((stored.stream(), time.seconds, time.nanos), (expected.stream, expected.recorded_at, NANOS));
    assert_eq!(stored.id().expect("an id").to_string(), expected.id);
    let text = |text: &&str| (*text).to_owned();
    let decoded = proto::RecordedEvent::decode(stored.bytes().clone()).expect("an event in protobuf");
    let seconds = expected.recorded_at.cast_signed();
    let wanted = proto::RecordedEvent {
        id: expected.id.into(),
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
