//! The layout of a record: one event, or one control record.
//!
//! ```text
//!   0      1          3         7          11
//!   kind   name_bytes length    crc32c     bytes…
//!   u8     u16        u32       u32        length
//! ```
//!
//! Integers are big-endian. The checksum covers the seven bytes before it and the bytes behind it. A
//! kind is never the first byte of a block's magic, so whoever walks records sees where a block ends.
//!
//! The bytes of an event are a valid `quipu.v1.RecordedEvent`: the client's `NewEvent` as it came,
//! then the server's fields, which have the last word. Their tail has a fixed shape, so name,
//! revision, position and time are found without a scan:
//!
//! ```text
//!   client's fields… [id]  stream                revision   position   recorded_at
//!                          tag len name_bytes    9 bytes    9 bytes    14 bytes
//! ```

use bytes::Bytes;

use crate::model::event::{ID_FIELD, ID_TEXT_BYTES, POSITION_FIELD, RECORDED_AT_FIELD, REVISION_FIELD, STREAM_FIELD};
use crate::model::name::is_system;
use crate::model::time::TIME_FIELD_BYTES;
use crate::model::wire::{field_bytes, fixed64_field, put_bytes, reversed};
use crate::model::{EventId, Labels, Position, ProposedEvent, Revision, Timestamp};
use crate::seeded::{Bug, is_planted};

/// The size of a record's header.
pub const HEADER_BYTES: usize = 11;

/// The size of an event's fixed tail: revision, position and time.
const TAIL_BYTES: usize = 9 + 9 + TIME_FIELD_BYTES;

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// An event: takes a position.
    Event = 1,
    /// A control record: a snapshot was saved. An encoded `quipu.v1.Snapshot`.
    SnapshotSaved = 2,
    /// A control record: snapshots were deleted. Eight bytes revision, or none for all; then the name.
    SnapshotsDeleted = 3,
    /// A control record: a checkpoint was set. Eight bytes position, its time as a field, then its name.
    CheckpointSet = 4,
    /// A control record: a checkpoint was deleted. Its name.
    CheckpointDeleted = 5,
    /// A control record: a note was put down. Its value, then its key.
    NoteSet = 6,
    /// A control record: a note was taken away. Its key.
    NoteDeleted = 7,
}

impl Kind {
    /// The kind with this number.
    pub fn of(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Event),
            2 => Some(Self::SnapshotSaved),
            3 => Some(Self::SnapshotsDeleted),
            4 => Some(Self::CheckpointSet),
            5 => Some(Self::CheckpointDeleted),
            6 => Some(Self::NoteSet),
            7 => Some(Self::NoteDeleted),
            _ => None,
        }
    }
}

/// What the server adds to an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Its place in its stream.
    pub revision: Revision,
    /// Its place in the log.
    pub position: Position,
    /// When it was committed.
    pub recorded_at: Timestamp,
}

/// A record's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What it is.
    pub kind: Kind,
    /// The length of the stream's name, or the checkpoint's.
    pub name_bytes: u16,
    /// The length of what follows.
    pub length: u32,
    crc: u32,
}

impl Header {
    /// Reads a header; `None` when its kind is not known.
    pub fn decode(bytes: &[u8; HEADER_BYTES]) -> Option<Self> {
        let [kind, n0, n1, l0, l1, l2, l3, c0, c1, c2, c3] = *bytes;
        Some(Self {
            kind: Kind::of(kind)?,
            name_bytes: u16::from_be_bytes([n0, n1]),
            length: u32::from_be_bytes([l0, l1, l2, l3]),
            crc: u32::from_be_bytes([c0, c1, c2, c3]),
        })
    }

    /// Whether these are the bytes that were written.
    pub fn matches(&self, bytes: &[u8]) -> bool {
        let is_right = checksum(&self.front(), bytes) == self.crc || is_planted(Bug::ChecksumIgnored);
        bytes.len() == self.length as usize && is_right
    }

    fn front(&self) -> [u8; 7] {
        let [n0, n1] = self.name_bytes.to_be_bytes();
        let [l0, l1, l2, l3] = self.length.to_be_bytes();
        [self.kind as u8, n0, n1, l0, l1, l2, l3]
    }
}

fn checksum(front: &[u8], bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(front), bytes)
}

/// Writes an event record behind what is in `out`.
pub fn put_event(out: &mut Vec<u8>, event: &ProposedEvent, stream: &str, stamp: &Stamp) {
    put(out, Kind::Event, stream, |out| {
        out.extend_from_slice(&event.bytes);
        if !event.id_is_canonical {
            put_bytes(out, ID_FIELD, &event.id.text());
        }
        put_bytes(out, STREAM_FIELD, stream.as_bytes());
        out.extend_from_slice(&fixed64_field(REVISION_FIELD, stamp.revision.0));
        out.extend_from_slice(&fixed64_field(POSITION_FIELD, stamp.position.0));
        out.extend_from_slice(&stamp.recorded_at.encode_field(RECORDED_AT_FIELD));
    });
}

/// Writes a record of any kind behind what is in `out`.
pub fn put(out: &mut Vec<u8>, kind: Kind, stream: &str, bytes: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    let body = start + HEADER_BYTES;
    out.resize(body, 0);
    bytes(out);
    let name_bytes = u16::try_from(stream.len()).expect("a stream name is at most 2048 bytes");
    let length = u32::try_from(out.len() - body).expect("a record is at most an append's limit");
    let mut header = Header { kind, name_bytes, length, crc: 0 };
    header.crc = checksum(&header.front(), &out[body..]);
    out[start..start + 7].copy_from_slice(&header.front());
    out[start + 7..body].copy_from_slice(&header.crc.to_be_bytes());
}

/// How many bytes this event takes in the log, without its record's header.
pub fn event_bytes(event: &ProposedEvent, stream: &str) -> usize {
    let id = if event.id_is_canonical { 0 } else { field_bytes(ID_TEXT_BYTES) };
    event.bytes.len() + id + field_bytes(stream.len()) + TAIL_BYTES
}

/// What an encoded event with this length of its stream's name can be found by.
pub fn labels(bytes: &[u8], name_bytes: u16) -> Labels<'_> {
    let tail = bytes.len() - TAIL_BYTES;
    let name = &bytes[tail - usize::from(name_bytes)..tail];
    Labels::of(bytes, std::str::from_utf8(name).expect("checked when it was made"))
}

/// An event as it lies in the log: a valid `quipu.v1.RecordedEvent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    bytes: Bytes,
    name_bytes: u16,
}

impl StoredEvent {
    /// Takes the bytes of an event record that matched its checksum. `None` when its tail does not
    /// have its shape.
    pub fn new(bytes: Bytes, name_bytes: u16) -> Option<Self> {
        let name = usize::from(name_bytes);
        let tail = bytes.len().checked_sub(TAIL_BYTES)?;
        let fits = tail > name
            && bytes[tail] == REVISION_FIELD << 3 | 1
            && bytes[tail + 9] == POSITION_FIELD << 3 | 1
            && bytes[tail + 18] == RECORDED_AT_FIELD << 3 | 2
            && std::str::from_utf8(&bytes[tail - name..tail]).is_ok();
        fits.then_some(Self { bytes, name_bytes })
    }

    fn tail(&self) -> usize {
        self.bytes.len() - TAIL_BYTES
    }

    /// The encoded event.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The encoded event, given away.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// The name of its stream.
    pub fn stream(&self) -> &str {
        let tail = self.tail();
        std::str::from_utf8(&self.bytes[tail - usize::from(self.name_bytes)..tail]).expect("checked when it was made")
    }

    /// What it can be found by.
    pub fn labels(&self) -> Labels<'_> {
        labels(&self.bytes, self.name_bytes)
    }

    /// Whether it belongs to a stream that only the store writes.
    pub fn is_system(&self) -> bool {
        is_system(self.stream())
    }

    /// Its place in its stream.
    pub fn revision(&self) -> Revision {
        let tail = self.tail();
        Revision(reversed(&self.bytes[tail + 1..tail + 9]))
    }

    /// Its place in the log.
    pub fn position(&self) -> Position {
        let tail = self.tail();
        Position(reversed(&self.bytes[tail + 10..tail + 18]))
    }

    /// When it was committed.
    pub fn recorded_at(&self) -> Timestamp {
        let field = self.bytes.last_chunk().expect("an event ends with its time");
        Timestamp::decode_field(field)
    }

    /// Its id.
    pub fn id(&self) -> Option<EventId> {
        crate::model::event::id_of(&self.bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Limits;

    fn proposed() -> ProposedEvent {
        let mut bytes = Vec::new();
        put_bytes(&mut bytes, 1, b"0192F0C1-2345-7ABC-8DEF-0123456789AB");
        put_bytes(&mut bytes, 2, b"Happened");
        ProposedEvent::parse(bytes.into(), &Limits::default()).unwrap()
    }

    fn stamp() -> Stamp {
        let recorded_at = Timestamp { seconds: 1_795_000_000, nanos: 123 };
        Stamp { revision: Revision(7), position: Position(99), recorded_at }
    }

    fn read(record: &[u8]) -> Option<StoredEvent> {
        let (header, bytes) = record.split_first_chunk()?;
        let header = Header::decode(header)?;
        let bytes = Bytes::copy_from_slice(bytes);
        header.matches(&bytes).then(|| StoredEvent::new(bytes, header.name_bytes)).flatten()
    }

    #[test]
    fn an_event_is_read_as_it_was_written() {
        let mut record = Vec::new();
        put_event(&mut record, &proposed(), "order-1", &stamp());
        let event = read(&record).unwrap();
        assert_eq!((event.stream(), event.revision(), event.position()), ("order-1", Revision(7), Position(99)));
        assert_eq!(event.recorded_at(), stamp().recorded_at);
        assert_eq!(event.id(), Some(proposed().id));
        assert_eq!(record.len(), HEADER_BYTES + event_bytes(&proposed(), "order-1"));
    }

    #[test]
    fn every_flipped_bit_of_a_record_is_seen() {
        let mut record = Vec::new();
        put_event(&mut record, &proposed(), "order-1", &stamp());
        for bit in 0..record.len() * 8 {
            let mut flipped = record.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read(&flipped), None, "bit {bit}");
        }
    }
}
