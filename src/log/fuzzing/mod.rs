//! What fuzzers feed the readers of the log.

mod walking;

/// The header of a segment.
pub mod segment_header {
    use std::path::Path;

    use super::super::segment::{FORMAT, HEADER_BYTES, Header};
    use super::super::{Error, Slot};
    use crate::fuzzing::flipped;
    use crate::model::Position;

    /// What is read is written again and read the same; whatever bit is turned over, it is refused.
    pub fn check(bytes: &[u8]) {
        let Some(given) = bytes.first_chunk::<HEADER_BYTES>() else { return };
        let mut summed = *given;
        let crc = crc32c::crc32c(&summed[..124]);
        summed[124..].copy_from_slice(&crc.to_be_bytes());
        for bytes in [*given, summed] {
            let Ok(header) = decode(&bytes) else { continue };
            if header.format <= FORMAT {
                assert_eq!(decode(&header.encode()).ok(), Some(header));
            }
            let flipped = flipped(&bytes);
            let refused = flipped.first_chunk().map(decode);
            assert!(matches!(refused, Some(Err(Error::Damaged { offset: 0, .. }))), "{refused:?}");
        }
    }

    fn decode(bytes: &[u8; HEADER_BYTES]) -> Result<Header, Error> {
        Header::decode(bytes, Path::new("segment"))
    }

    /// Headers of each format.
    pub fn seeds() -> Vec<Vec<u8>> {
        let header = |format| Header {
            format,
            log_id: 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef,
            salt: 42,
            number: 7,
            first_slot: Slot(99),
            first_position: Position(1000),
            previous_hash: [3; 32],
            previous_block: 5,
        };
        (1..=FORMAT + 1).map(|format| header(format).encode().to_vec()).collect()
    }
}

/// A block: its header, and every record of its body.
pub mod block {
    use bytes::Bytes;

    use super::super::block::{Block, HEADER_BYTES, Header};
    use super::super::record;
    use super::super::{Draft, Kind, Slot};
    use super::event;
    use crate::fuzzing::flipped;
    use crate::model::Position;

    /// What is read has as many records as its header says, at their places, and every bit counts.
    pub fn check(bytes: &[u8]) {
        for bytes in [bytes.to_vec(), summed(bytes)] {
            let Some(block) = parse(&bytes) else { continue };
            assert_eq!(block.bytes(), &bytes[..]);
            let events: Vec<_> = block.events().collect();
            assert_eq!(events.len(), block.header.events as usize);
            assert_eq!(events.len() + block.controls().count(), block.header.records as usize);
            assert_eq!(block.end_position().0 - block.header.first_position.0, events.len() as u64);
            for ((entry, event), position) in events.iter().zip(block.header.first_position.0..) {
                assert_eq!((event.position().0, event.id()), (position, Some(entry.id)));
                assert_eq!(event.labels().stream, event.stream());
            }
            let ends = block.entries().iter().map(|entry| entry.offset + 11 + entry.length);
            let starts = block.entries().iter().map(|entry| entry.offset).skip(1).chain([bytes.len() as u32]);
            assert!(ends.eq(starts), "records lie one behind the other");
            assert!(parse(&flipped(&bytes)).is_none(), "a bit was turned over");
        }
    }

    fn parse(bytes: &[u8]) -> Option<Block> {
        let header = bytes.first_chunk().and_then(Header::decode)?;
        // Whoever walks a segment reads as much as the header says.
        let whole = bytes.len() == HEADER_BYTES + header.length as usize;
        whole.then(|| Block::parse(header, Bytes::copy_from_slice(bytes)).ok()).flatten()
    }

    /// The same with lengths and checksums that fit, as far as its records can be walked.
    fn summed(bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        let mut at = HEADER_BYTES;
        while let Some(header) = bytes.get(at..).and_then(<[u8]>::first_chunk).and_then(record::Header::decode) {
            let end = at + record::HEADER_BYTES + header.length as usize;
            let Some(record) = bytes.get_mut(at..end) else { break };
            let crc = crc32c::crc32c_append(crc32c::crc32c(&record[..7]), &record[11..]);
            record[7..11].copy_from_slice(&crc.to_be_bytes());
            at = end;
        }
        if at == HEADER_BYTES {
            return bytes;
        }
        bytes.truncate(at);
        let body_crc = crc32c::crc32c(&bytes[HEADER_BYTES..]);
        bytes[8..12].copy_from_slice(&((at - HEADER_BYTES) as u32).to_be_bytes());
        bytes[12..16].copy_from_slice(&body_crc.to_be_bytes());
        let crc = crc32c::crc32c(&bytes[8..HEADER_BYTES]);
        bytes[4..8].copy_from_slice(&crc.to_be_bytes());
        bytes
    }

    /// Blocks with events and control records.
    pub fn seeds() -> Vec<Vec<u8>> {
        let one = |events: u64, controls: u8| {
            let mut draft = Draft::new(Position(7));
            for number in 0..events {
                let position = draft.next_position();
                event::put(&mut draft, number, position);
            }
            for number in 0..controls {
                let kind = Kind::of(2 + number % 6).expect("there are six kinds of control records");
                draft.put_control(kind, "reader", b"12345678reader");
            }
            draft.finish(42, Slot(3), 2, 9).bytes().to_vec()
        };
        vec![one(1, 0), one(0, 1), one(3, 6)]
    }
}

/// A record alone, and an event put into one.
pub mod record {
    use arbitrary::Arbitrary;
    use bytes::Bytes;

    use super::super::record::{HEADER_BYTES, Header, Stamp, StoredEvent, event_bytes, put_event};
    use super::event;
    use crate::fuzzing::made;
    use crate::model::wire::put_bytes;
    use crate::model::{Limits, Position, ProposedEvent, Revision, Timestamp};

    /// An event and where it goes.
    #[derive(Debug, Arbitrary)]
    struct Meant {
        id: Option<u128>,
        event_type: String,
        tags: Vec<String>,
        data: Vec<u8>,
        stream: String,
        revision: u64,
        position: u64,
        seconds: u32,
        nanos: u32,
    }

    /// Bytes that pass for an event can be asked everything; an event is read as it was put.
    pub fn check(bytes: &[u8]) {
        if let Some((header, body)) = bytes.split_first_chunk().and_then(|(header, body)| {
            let header: &[u8; HEADER_BYTES] = header;
            Some((Header::decode(header)?, body))
        }) {
            let _ = header.matches(body);
            if let Some(event) = StoredEvent::new(Bytes::copy_from_slice(body), header.name_bytes) {
                let labels = event.labels();
                assert_eq!((labels.stream, event.is_system()), (event.stream(), event.stream().starts_with('$')));
                assert_eq!(event.stream().len(), usize::from(header.name_bytes));
                assert!(event.recorded_at().seconds < 1 << 35);
                assert!(body.ends_with(&event.bytes()[event.bytes().len() - 14..]));
            }
        }
        if let Some(meant) = made::<Meant>(bytes) {
            put_and_read(&meant);
        }
    }

    fn put_and_read(meant: &Meant) {
        let mut bytes = Vec::new();
        if let Some(id) = meant.id {
            put_bytes(&mut bytes, 1, &crate::model::EventId(id).text());
        }
        put_bytes(&mut bytes, 2, meant.event_type.as_bytes());
        put_bytes(&mut bytes, 3, &meant.data);
        meant.tags.iter().for_each(|tag| put_bytes(&mut bytes, 9, tag.as_bytes()));
        let Ok(proposed) = ProposedEvent::parse(bytes.into(), &Limits::default()) else { return };
        if meant.stream.is_empty() || meant.stream.len() > 512 {
            return;
        }
        let recorded_at = Timestamp { seconds: u64::from(meant.seconds), nanos: meant.nanos };
        let stamp = Stamp { revision: Revision(meant.revision), position: Position(meant.position), recorded_at };
        let mut record = Vec::new();
        put_event(&mut record, &proposed, &meant.stream, &stamp);
        assert_eq!(record.len(), HEADER_BYTES + event_bytes(&proposed, &meant.stream));
        let (header, body) = record.split_first_chunk().expect("a record has a header");
        let header = Header::decode(header).expect("an event is a kind of record");
        assert!(header.matches(body));
        let event = StoredEvent::new(Bytes::copy_from_slice(body), header.name_bytes).expect("an event");
        assert_eq!((event.stream(), event.revision()), (meant.stream.as_str(), stamp.revision));
        assert_eq!((event.position(), event.recorded_at()), (stamp.position, recorded_at));
        assert_eq!(event.id(), Some(proposed.id));
        let labels = event.labels();
        assert_eq!((labels.event_type, labels.tags.len()), (meant.event_type.as_str(), meant.tags.len()));
    }

    /// An event, and bytes to make some of.
    pub fn seeds() -> Vec<Vec<u8>> {
        let mut draft = super::super::Draft::new(Position(1));
        event::put(&mut draft, 5, Position(1));
        let block = draft.finish(1, super::super::Slot(1), 0, 0);
        vec![block.bytes()[64..].to_vec(), (0..=255).collect(), vec![b'a'; 200]]
    }
}

/// The mark of what was acknowledged.
pub mod mark {
    use super::super::Slot;
    use super::super::mark::Mark;
    use crate::fuzzing::{flipped, made};
    use crate::model::Position;

    /// What is read is written again and read the same; a bit turned over is seen, or one that means nothing.
    pub fn check(bytes: &[u8]) {
        let mut summed = bytes.to_vec();
        if let Some((front, sum)) = summed.split_at_mut_checked(40) {
            let crc = crc32c::crc32c(front).to_be_bytes();
            sum.iter_mut().zip(crc).for_each(|(byte, crc)| *byte = crc);
        }
        for bytes in [bytes, &summed] {
            let Some(mark) = Mark::decode(bytes) else { continue };
            assert_eq!(Mark::decode(&mark.encode()), Some(mark));
            assert_eq!(Mark::decode(&flipped(bytes)), None);
        }
        if let Some((log_id, slot, position)) = made(bytes) {
            let mark = Mark { log_id, slot: Slot(slot), position: Position(position) };
            assert_eq!(Mark::decode(&mark.encode()), Some(mark));
        }
    }

    /// A mark.
    pub fn seeds() -> Vec<Vec<u8>> {
        vec![Mark { log_id: 1 << 100 | 5, slot: Slot(3), position: Position(70) }.encode().to_vec()]
    }
}

/// A whole segment that has to be walked at a start.
pub mod segment_walk {
    pub use super::walking::{check, seeds};
}

/// An event like many.
mod event {
    use super::super::Draft;
    use super::super::record::Stamp;
    use crate::model::wire::put_bytes;
    use crate::model::{EventId, Limits, Position, ProposedEvent, Revision, Timestamp};

    pub(super) fn put(draft: &mut Draft, number: u64, position: Position) {
        let mut bytes = Vec::new();
        put_bytes(&mut bytes, 1, &EventId(u128::from(number) << 64 | 7).text());
        put_bytes(&mut bytes, 2, b"Happened");
        put_bytes(&mut bytes, 3, &number.to_be_bytes());
        put_bytes(&mut bytes, 9, b"tag:1");
        let event = ProposedEvent::parse(bytes.into(), &Limits::default()).expect("a good event");
        let recorded_at = Timestamp { seconds: 1_795_000_000, nanos: 5 };
        draft.put_event(&event, "order-1", &Stamp { revision: Revision(number), position, recorded_at });
    }
}
