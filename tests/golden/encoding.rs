//! Writes the fixture's bytes again with the encoders of today.
//!
//! What chance gave the fixture (the log's id, the segments' salts) is taken from its headers; all
//! else is written out here or in `expected`.

use std::sync::Arc;

use quipu::log::record::Stamp;
use quipu::log::segment::{Segment, Step};
use quipu::log::{Block, Draft, Kind};
use quipu::model::{Position, Revision, Timestamp};

use crate::expected::{EVENTS, NANOS, SAVED_AT};
use crate::making::{Request, requests};

/// The bytes of each segment, encoded anew.
pub(crate) fn encode_again(segments: &[Arc<Segment>]) -> Vec<Vec<u8>> {
    let mut requests = requests().into_iter().enumerate();
    let mut next = Position(1);
    let mut written = Vec::new();
    for segment in segments {
        let mut bytes = segment.header.encode().to_vec();
        let mut blocks = segment.blocks().expect("it can be read");
        while let Step::Block(placed) = blocks.step().expect("it can be read") {
            let (number, request) = requests.next().expect("as many blocks as requests");
            let mut draft = Draft::new(next);
            put(&mut draft, number, request);
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

fn put(draft: &mut Draft, number: usize, request: Request) {
    match request {
        Request::Append { stream, events, .. } => {
            for event in events {
                let expected = &EVENTS[usize::try_from(draft.next_position().0 - 1).expect("a small number")];
                let recorded_at = Timestamp { seconds: expected.recorded_at, nanos: NANOS };
                let (revision, position) = (Revision(expected.revision), Position(expected.position));
                draft.put_event(&event, stream, &Stamp { revision, position, recorded_at });
            }
        }
        Request::Save { stream, bytes, .. } => {
            let (_, seconds) = SAVED_AT.into_iter().find(|(saved, _)| *saved == number).expect("a time for each");
            let saved_at = Timestamp { seconds, nanos: NANOS }.encode_field(7);
            draft.put_control(Kind::SnapshotSaved, stream, &[&bytes[..], &saved_at].concat());
        }
        Request::Delete { stream: "order-1", revision: Some(1) } => {
            draft.put_control(Kind::SnapshotsDeleted, "order-1", b"\0\0\0\0\0\0\0\x01order-1");
        }
        Request::Delete { stream, .. } => {
            draft.put_control(Kind::SnapshotsDeleted, stream, b"order-2");
        }
    }
}

/// The mark of a log that ended with the fixture's last block, slot 12 and position 9.
pub(crate) fn mark(log_id: u128) -> Vec<u8> {
    let mut bytes = b"QMRK\0\0\0\x01".to_vec();
    bytes.extend(log_id.to_be_bytes());
    bytes.extend(b"\0\0\0\0\0\0\0\x0c\0\0\0\0\0\0\0\x09");
    let checksum = crc32c::crc32c(&bytes);
    bytes.extend(checksum.to_be_bytes());
    bytes
}

#[test]
fn a_time_is_written_to_the_byte_as_format_1_has_it() {
    let time = Timestamp { seconds: 1_800_000_001, nanos: NANOS };
    assert_eq!(time.encode_field(14), *b"\x72\x0c\x08\x81\xa4\xa7\xda\x06\x10\x95\x9a\xef\xba\x00");
}
