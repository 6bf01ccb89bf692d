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
        let mut blocks = segment.blocks().expect("it can be read");
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
