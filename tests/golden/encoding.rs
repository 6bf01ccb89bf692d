//! Writes a fixture's bytes again with the encoders of today.
//!
//! What chance gave it (the log's id, the segments' salts, the ids of events by the store) is taken from it;
//! all else is written out here or in `expected`.

use std::sync::Arc;

use quipu::log::record::Stamp;
use quipu::log::segment::{Segment, Step};
use quipu::log::{Block, Draft, Kind};
use quipu::model::wire::put_bytes;
use quipu::model::{EventId, Position, ProposedEvent, Revision, Timestamp};
use quipu::store::LifeEvent;

use crate::expected::{EVENTS, Event, NANOS};
use crate::fixtures::Fixture;
use crate::making::{Request, requests};

/// The bytes of each segment, encoded anew.
pub(crate) fn encode_again(segments: &[Arc<Segment>], fixture: &Fixture) -> Vec<Vec<u8>> {
    let mut requests = requests().into_iter().take(fixture.requests).enumerate();
    let mut next = Position(1);
    let mut written = Vec::new();
    for segment in segments {
        let mut bytes = segment.header.encode().to_vec();
        let mut blocks = segment.blocks();
        while let Step::Block(placed) = blocks.step().expect("it can be read") {
            let (number, request) = requests.next().expect("as many blocks as requests");
            let mut draft = Draft::new(next);
            let ids: Vec<_> = placed.block.events().map(|(entry, _)| entry.id).collect();
            put(&mut draft, number, request, &ids);
            next = draft.next_position();
            let header = placed.block.header;
            assert_eq!((header.slot.0, header.durable_upto), (number as u64 + 1, number as u64));
            let block: Block = draft.finish(header.salt, header.slot, header.durable_upto, header.previous);
            bytes.extend_from_slice(block.bytes());
        }
        written.push(bytes);
    }
    assert!(requests.next().is_none(), "as many requests as blocks");
    written
}

/// What is noted of the first group.
const MAILER: &str = "{\"settings\":{\"query\":{\"include_system\":false,\"items\":null},\"order\":\"ByStream\",\
    \"ack_timeout\":{\"secs\":30,\"nanos\":0},\"max_tries\":10,\"backoff\":{\"secs\":0,\
    \"nanos\":200000000},\"backoff_max\":{\"secs\":30,\"nanos\":0},\"max_outstanding\":10000},\
    \"created_at\":[1800000024,123456789]}";

/// What is noted of the group that is deleted.
const GONE: &str = "{\"settings\":{\"query\":{\"include_system\":false,\"items\":null},\"order\":\"ByStream\",\
    \"ack_timeout\":{\"secs\":30,\"nanos\":0},\"max_tries\":10,\"backoff\":{\"secs\":0,\
    \"nanos\":200000000},\"backoff_max\":{\"secs\":30,\"nanos\":0},\"max_outstanding\":10000},\
    \"created_at\":[1800000031,123456789]}";

/// What is noted of the group whose settings say everything.
const OTHER: &str = "{\"settings\":{\"query\":{\"include_system\":false,\"items\":[{\"types\":[\"OrderPlaced\"],\
    \"tags\":[\"customer:7\"],\"categories\":[\"order\"],\"stream_prefix\":\"order-\",\
    \"correlation_id\":\"c-1\"},{\"types\":[\"Påmint\"],\"tags\":[],\"categories\":[],\
    \"stream_prefix\":null,\"correlation_id\":null}]},\"order\":{\"ByTag\":\"customer\"},\
    \"ack_timeout\":{\"secs\":1,\"nanos\":500000000},\"max_tries\":7,\"backoff\":{\"secs\":0,\
    \"nanos\":20000000},\"backoff_max\":{\"secs\":3600,\"nanos\":0},\"max_outstanding\":50},\
    \"created_at\":[1800000026,123456789]}";

/// What is noted of the event that is parked.
const PARKED: &str = "{\"reason\":\"no \\\"käufer\\\"\",\"tries\":1,\"parked_at\":[1800000025,123456789]}";

fn put(draft: &mut Draft, number: usize, request: Request, ids: &[EventId]) {
    let time = Timestamp { seconds: 1_800_000_001 + number as u64, nanos: NANOS }.encode_field(7);
    let checkpoint = |name: &str, position: u64| [&position.to_be_bytes()[..], &time, name.as_bytes()].concat();
    match request {
        Request::Append { stream, events, .. } => events.iter().for_each(|event| put_event(draft, stream, event)),
        Request::Save { stream, bytes, .. } => {
            draft.put_control(Kind::SnapshotSaved, stream, &[&bytes[..], &time].concat());
        }
        Request::Delete { stream: "order-1", revision: Some(1) } => {
            draft.put_control(Kind::SnapshotsDeleted, "order-1", b"\0\0\0\0\0\0\0\x01order-1");
        }
        Request::Delete { stream, .. } => {
            draft.put_control(Kind::SnapshotsDeleted, stream, b"order-2");
        }
        Request::Transact { appends, advance: (name, position) } => {
            appends.iter().for_each(|(stream, _, event)| put_event(draft, stream, event));
            draft.put_control(Kind::CheckpointSet, name, &checkpoint(name, position));
        }
        Request::Set { name, position } => {
            draft.put_control(Kind::CheckpointSet, name, &checkpoint(name, position));
        }
        Request::Unset { name } => {
            draft.put_control(Kind::CheckpointDeleted, name, name.as_bytes());
        }
        Request::Live { stream, what } => {
            let told = expected(draft);
            let mut bytes = Vec::new();
            put_bytes(&mut bytes, 2, told.event_type.as_bytes());
            put_bytes(&mut bytes, 3, told.data);
            let event = ProposedEvent { id: ids[0], ..ProposedEvent::by_store(bytes.into()) };
            put_event(draft, told.stream, &event);
            if !matches!(what, LifeEvent::MetadataSet(_)) {
                draft.put_control(Kind::SnapshotsDeleted, stream, stream.as_bytes());
            }
        }
        Request::MakeGroup { .. }
        | Request::Deal { .. }
        | Request::Pause { .. }
        | Request::EndGroup { .. }
        | Request::SetPolicy { .. }
        | Request::EndPolicy { .. } => put_notes(draft, &request),
    }
}

/// The notes that a request leaves, key by key. A value that is not there is one that was taken away.
fn put_notes(draft: &mut Draft, request: &Request) {
    let (settings, progress) = match request {
        Request::MakeGroup { name: "mailer", .. } => (MAILER, r#"{"read":9,"is_paused":false,"left":[]}"#),
        Request::MakeGroup { name: "gone", .. } => (GONE, r#"{"read":0,"is_paused":false,"left":[]}"#),
        _ => (OTHER, r#"{"read":15,"is_paused":false,"left":[]}"#),
    };
    let notes: Vec<(String, Option<&str>)> = match request {
        Request::MakeGroup { name, .. } => {
            vec![(format!("group\0{name}"), Some(settings)), (format!("progress\0{name}"), Some(progress))]
        }
        Request::Deal { .. } => vec![
            ("progress\0mailer".into(), Some(r#"{"read":15,"is_paused":false,"left":[[15,1]]}"#)),
            ("parked\u{0}mailer\u{0}00000000000000000011".into(), Some(PARKED)),
        ],
        Request::Pause { group } => {
            vec![(format!("progress\0{group}"), Some(r#"{"read":15,"is_paused":true,"left":[]}"#))]
        }
        Request::EndGroup { group } => vec![(format!("group\0{group}"), None), (format!("progress\0{group}"), None)],
        Request::SetPolicy { category: "order", .. } => vec![("policy\0order".into(), Some("100"))],
        Request::SetPolicy { category, .. } => vec![(format!("policy\0{category}"), Some("2"))],
        Request::EndPolicy { category } => vec![(format!("policy\0{category}"), None)],
        other => panic!("{other:?} leaves no notes"),
    };
    for (key, value) in notes {
        let kind = if value.is_some() { Kind::NoteSet } else { Kind::NoteDeleted };
        draft.put_control(kind, &key, &[value.unwrap_or_default().as_bytes(), key.as_bytes()].concat());
    }
}

/// The event that comes next.
fn expected(draft: &Draft) -> &'static Event {
    &EVENTS[usize::try_from(draft.next_position().0 - 1).expect("a small number")]
}

fn put_event(draft: &mut Draft, stream: &str, event: &ProposedEvent) {
    let expected = expected(draft);
    let recorded_at = Timestamp { seconds: expected.recorded_at, nanos: NANOS };
    let (revision, position) = (Revision(expected.revision), Position(expected.position));
    draft.put_event(event, stream, &Stamp { revision, position, recorded_at });
}

/// The mark of a log that ended with a fixture's last block.
pub(crate) fn mark(log_id: u128, fixture: &Fixture) -> Vec<u8> {
    let mut bytes = b"QMRK\0\0\0\x01".to_vec();
    bytes.extend(log_id.to_be_bytes());
    bytes.extend((fixture.requests as u64).to_be_bytes());
    bytes.extend((fixture.events as u64).to_be_bytes());
    let checksum = crc32c::crc32c(&bytes);
    bytes.extend(checksum.to_be_bytes());
    bytes
}

#[test]
fn a_time_is_written_to_the_byte_as_format_1_has_it() {
    let time = Timestamp { seconds: 1_800_000_001, nanos: NANOS };
    assert_eq!(time.encode_field(14), *b"\x72\x0c\x08\x81\xa4\xa7\xda\x06\x10\x95\x9a\xef\xba\x00");
}
