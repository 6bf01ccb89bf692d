//! The schema of the shelf. Integers are big-endian, so keys sort as numbers do.
//!
//! | byte | key behind it | value | made from |
//! |---|---|---|---|
//! | 0 | nothing | log id `u128`, slot `u64`: the last block whose control records are in | each batch |
//! | 1 | stream name, 0, revision `u64` | segment, byte and size `u32`, seconds `u64`, nanos `u32` | control records |
//! | 2 | a checkpoint's name | position `u64`, seconds `u64`, nanos `u32` | control records |
//! | 3 | a note's key | the note | control records |
//!
//! Stream names have no control characters, so the zero behind a name ends it.

use crate::log::{Place, Slot};
use crate::model::{CheckpointName, Position, Revision, StreamName, Timestamp};

/// What a key is of. Stored: the numbers are for ever.
#[repr(u8)]
enum Kind {
    Applied = 0,
    Snapshot = 1,
    Checkpoint = 2,
    Note = 3,
}

/// The key of the applied slot.
pub(super) fn applied() -> Vec<u8> {
    vec![Kind::Applied as u8]
}

pub(super) fn encode_applied(log_id: u128, slot: Slot) -> Vec<u8> {
    [&log_id.to_be_bytes()[..], &slot.0.to_be_bytes()].concat()
}

pub(super) fn decode_applied(value: &[u8]) -> Option<(u128, Slot)> {
    let (log_id, slot) = value.split_first_chunk()?;
    Some((u128::from_be_bytes(*log_id), Slot(u64::from_be_bytes(slot.try_into().ok()?))))
}

/// What the keys of all snapshots of a stream begin with.
pub(super) fn snapshots_of(stream: &StreamName) -> Vec<u8> {
    [&[Kind::Snapshot as u8], stream.as_str().as_bytes(), &[0]].concat()
}

/// The key of a snapshot.
pub(super) fn snapshot(stream: &StreamName, revision: Revision) -> Vec<u8> {
    [&snapshots_of(stream)[..], &revision.0.to_be_bytes()].concat()
}

/// The revision in the key of a snapshot.
pub(super) fn revision_of(key: &[u8]) -> Option<Revision> {
    key.last_chunk().map(|revision| Revision(u64::from_be_bytes(*revision)))
}

pub(super) fn encode_snapshot(place: Place, size: u32, saved_at: Timestamp) -> Vec<u8> {
    let Place { segment, offset } = place;
    let place = [segment.to_be_bytes(), offset.to_be_bytes(), size.to_be_bytes()].concat();
    [&place[..], &saved_at.seconds.to_be_bytes(), &saved_at.nanos.to_be_bytes()].concat()
}

pub(super) fn decode_snapshot(value: &[u8]) -> Option<(Place, u32, Timestamp)> {
    let value: &[u8; 24] = value.try_into().ok()?;
    let u32_at = |at: usize| value[at..].first_chunk().map_or(0, |chunk| u32::from_be_bytes(*chunk));
    let seconds = u64::from(u32_at(12)) << 32 | u64::from(u32_at(16));
    let place = Place { segment: u32_at(0), offset: u32_at(4) };
    Some((place, u32_at(8), Timestamp { seconds, nanos: u32_at(20) }))
}

/// What the keys of all checkpoints begin with.
pub(super) fn checkpoints() -> Vec<u8> {
    vec![Kind::Checkpoint as u8]
}

/// The key of a checkpoint.
pub(super) fn checkpoint(name: &CheckpointName) -> Vec<u8> {
    [&checkpoints()[..], name.as_str().as_bytes()].concat()
}

pub(super) fn decode_checkpoint(value: &[u8]) -> Option<(Position, Timestamp)> {
    let (position, time, rest) = decode_moment(value)?;
    rest.is_empty().then_some((position, time))
}

/// A position and the time that it was set.
pub(super) fn encode_moment(position: Position, time: Timestamp) -> Vec<u8> {
    [&position.0.to_be_bytes()[..], &time.seconds.to_be_bytes(), &time.nanos.to_be_bytes()].concat()
}

/// What [`encode_moment`] wrote, and what stands behind it.
pub(super) fn decode_moment(value: &[u8]) -> Option<(Position, Timestamp, &[u8])> {
    let (position, rest) = value.split_first_chunk()?;
    let (seconds, rest) = rest.split_first_chunk()?;
    let (nanos, rest) = rest.split_first_chunk()?;
    let time = Timestamp { seconds: u64::from_be_bytes(*seconds), nanos: u32::from_be_bytes(*nanos) };
    Some((Position(u64::from_be_bytes(*position)), time, rest))
}

/// What the keys of all notes begin with whose own keys begin so.
pub(super) fn notes(prefix: &str) -> Vec<u8> {
    [&[Kind::Note as u8], prefix.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_as_they_were_written_and_nothing_else_is() {
        let stream = StreamName::from_log("a");
        let (low, high) = (snapshot(&stream, Revision(255)), snapshot(&stream, Revision(256)));
        assert!(low < high && low.starts_with(&snapshots_of(&stream)));
        assert!(!low.starts_with(&snapshots_of(&StreamName::from_log("ab"))));
        assert_eq!(revision_of(&high), Some(Revision(256)));

        let row = (Place { segment: 3, offset: 77 }, 1000, Timestamp { seconds: 1 << 33, nanos: 9 });
        let value = encode_snapshot(row.0, row.1, row.2);
        assert_eq!(decode_snapshot(&value), Some(row));
        assert_eq!(decode_snapshot(&value[1..]), None);

        let row = (Position(1 << 40), Timestamp { seconds: 5, nanos: 6 });
        let value = encode_moment(row.0, row.1);
        assert_eq!(decode_checkpoint(&value), Some(row));
        assert_eq!(decode_checkpoint(&value[1..]), None);
        assert!(checkpoint(&CheckpointName::from_log("a")).starts_with(&checkpoints()));

        let value = encode_applied(1 << 99, Slot(7));
        assert_eq!(decode_applied(&value), Some((1 << 99, Slot(7))));
        assert_eq!(decode_applied(&value[1..]), None);
    }
}
