//! The layout of a block: one batch of records, the unit of commit.
//!
//! ```text
//!    0      4           8        12        16    24    32              40      44       48            56        60
//!    magic  header_crc  length   body_crc  salt  slot  first_position  events  records  durable_upto  previous  flags
//!    u32    u32         u32      u32       u64   u64   u64             u32     u32      u64           u32       u32
//!   64: records, `length` bytes
//! ```
//!
//! Integers are big-endian. `header_crc` covers the header behind itself, so the length can be trusted
//! before the body is read; `body_crc` covers the records. `salt` is the segment's, so that bytes of a
//! deleted file never look alive. `previous` is the header checksum of the block before: a chain.
//! `durable_upto` is the newest slot known to be synced when this block was written: whatever lies at
//! or before it was acknowledged.
//!
//! One append lies wholly inside one block.

use std::ops::Range;

use bytes::Bytes;

use super::Slot;
use super::record::{self, HEADER_BYTES as RECORD_HEADER_BYTES, Kind, Stamp, StoredEvent};
use crate::model::{EventId, Labels, Position, ProposedEvent};
use crate::seeded::{Bug, is_planted};

/// The size of a block's header.
pub const HEADER_BYTES: usize = 64;

/// The first bytes of a block.
pub const MAGIC: [u8; 4] = *b"QBLK";

/// A block's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Its own checksum.
    pub crc: u32,
    /// The size of the records.
    pub length: u32,
    /// The checksum of the records.
    pub body_crc: u32,
    /// The segment's salt.
    pub salt: u64,
    /// Its place in the order of blocks.
    pub slot: Slot,
    /// The position of its first event, or of the next if it has none.
    pub first_position: Position,
    /// How many events it has.
    pub events: u32,
    /// How many records it has, events among them.
    pub records: u32,
    /// The newest slot known to be durable when this was written; 0 when none.
    pub durable_upto: u64,
    /// The header checksum of the block before; 0 for the first.
    pub previous: u32,
}

impl Header {
    /// Reads a header; `None` when it is none or does not match its checksum.
    pub fn decode(bytes: &[u8; HEADER_BYTES]) -> Option<Self> {
        let u32_at = |at: usize| bytes[at..].first_chunk().map(|chunk| u32::from_be_bytes(*chunk));
        let u64_at = |at: usize| bytes[at..].first_chunk().map(|chunk| u64::from_be_bytes(*chunk));
        let crc = u32_at(4)?;
        if bytes[..4] != MAGIC || crc32c::crc32c(&bytes[8..]) != crc {
            return None;
        }
        Some(Self {
            crc,
            length: u32_at(8)?,
            body_crc: u32_at(12)?,
            salt: u64_at(16)?,
            slot: Slot(u64_at(24)?),
            first_position: Position(u64_at(32)?),
            events: u32_at(40)?,
            records: u32_at(44)?,
            durable_upto: u64_at(48)?,
            previous: u32_at(56)?,
        })
    }

    fn encode(&mut self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&self.length.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.body_crc.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.salt.to_be_bytes());
        bytes[24..32].copy_from_slice(&self.slot.0.to_be_bytes());
        bytes[32..40].copy_from_slice(&self.first_position.0.to_be_bytes());
        bytes[40..44].copy_from_slice(&self.events.to_be_bytes());
        bytes[44..48].copy_from_slice(&self.records.to_be_bytes());
        bytes[48..56].copy_from_slice(&self.durable_upto.to_be_bytes());
        bytes[56..60].copy_from_slice(&self.previous.to_be_bytes());
        self.crc = crc32c::crc32c(&bytes[8..]);
        bytes[4..8].copy_from_slice(&self.crc.to_be_bytes());
        bytes
    }
}

/// One record inside a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// The length of its stream's name.
    pub name_bytes: u16,
    /// Where the record begins, counted from the block's first byte.
    pub offset: u32,
    /// The length of its bytes, without its header.
    pub length: u32,
    /// The event's id; zero for control records.
    pub id: EventId,
}

impl Entry {
    /// Where the record's bytes lie in the block.
    fn bytes(&self) -> Range<usize> {
        let start = self.offset as usize + RECORD_HEADER_BYTES;
        start..start + self.length as usize
    }
}

/// A batch of records in the making. Positions are given out here.
#[derive(Debug)]
pub struct Draft {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// Which of the entries are events.
    event_entries: Vec<u32>,
    first_position: Position,
}

/// How large a batch is, or may become.
#[derive(Debug, Clone, Copy, Default)]
pub struct DraftSize {
    /// Bytes, header included.
    bytes: usize,
    records: usize,
}

impl Draft {
    /// An empty batch whose first event gets `first_position`.
    pub fn new(first_position: Position) -> Self {
        Self::sized(first_position, DraftSize::default())
    }

    /// Such a batch, with room for one of this size.
    pub fn sized(first_position: Position, size: DraftSize) -> Self {
        let mut bytes = Vec::with_capacity(size.bytes.max(HEADER_BYTES));
        bytes.resize(HEADER_BYTES, 0);
        let entries = Vec::with_capacity(size.records);
        Self { bytes, entries, event_entries: Vec::with_capacity(size.records), first_position }
    }

    /// How large it is.
    pub fn size(&self) -> DraftSize {
        DraftSize { bytes: self.bytes.len(), records: self.entries.len() }
    }

    /// The position that the next event gets.
    pub fn next_position(&self) -> Position {
        Position(self.first_position.0 + self.events() as u64)
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The size so far, header included.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether an event of this id is in it.
    pub fn has(&self, id: EventId) -> bool {
        self.entries.iter().any(|entry| entry.kind == Kind::Event && entry.id == id)
    }

    /// The position of its first event.
    pub fn first_position(&self) -> Position {
        self.first_position
    }

    /// How many events are in it.
    pub fn events(&self) -> usize {
        self.event_entries.len()
    }

    /// What one of its events can be found by; the first is 0.
    pub fn labels(&self, event: usize) -> Labels<'_> {
        let entry = &self.entries[self.event_entries[event] as usize];
        record::labels(&self.bytes[entry.bytes()], entry.name_bytes)
    }

    /// Adds an event, stamped with [`Self::next_position`].
    pub fn put_event(&mut self, event: &ProposedEvent, stream: &str, stamp: &Stamp) {
        assert_eq!(stamp.position, self.next_position(), "positions are dense");
        let offset = self.bytes.len();
        record::put_event(&mut self.bytes, event, stream, stamp);
        self.event_entries.push(self.entries.len() as u32);
        self.note(Kind::Event, stream, offset, event.id);
    }

    /// Adds a control record. Returns its place among the control records; the first is 0.
    pub fn put_control(&mut self, kind: Kind, name: &str, bytes: &[u8]) -> usize {
        let offset = self.bytes.len();
        let place = self.entries.len() - self.events();
        record::put(&mut self.bytes, kind, name, |out| out.extend_from_slice(bytes));
        self.note(kind, name, offset, EventId(0));
        place
    }

    fn note(&mut self, kind: Kind, stream: &str, offset: usize, id: EventId) {
        let length = self.bytes.len() - offset - RECORD_HEADER_BYTES;
        self.entries.push(Entry {
            kind,
            name_bytes: stream.len() as u16,
            offset: u32::try_from(offset).expect("a block is far below 4 GiB"),
            length: length as u32,
            id,
        });
    }

    /// Completes the header: the block takes its place in the log.
    pub fn finish(mut self, salt: u64, slot: Slot, durable_upto: u64, previous: u32) -> Block {
        let body = &self.bytes[HEADER_BYTES..];
        let mut header = Header {
            crc: 0,
            length: u32::try_from(body.len()).expect("a block is far below 4 GiB"),
            body_crc: crc32c::crc32c(body),
            salt,
            slot,
            first_position: self.first_position,
            events: self.event_entries.len() as u32,
            records: self.entries.len() as u32,
            durable_upto,
            previous,
        };
        self.bytes[..HEADER_BYTES].copy_from_slice(&header.encode());
        if self.bytes.capacity() / 2 > self.bytes.len() {
            self.bytes.shrink_to_fit();
            self.entries.shrink_to_fit();
        }
        Block { header, bytes: self.bytes.into(), entries: self.entries }
    }
}

/// A block, whole and checked.
#[derive(Debug, Clone)]
pub struct Block {
    /// Its header.
    pub header: Header,
    bytes: Bytes,
    entries: Vec<Entry>,
}

impl Block {
    /// Checks a block's records against its header and takes them apart.
    ///
    /// # Errors
    /// What does not fit.
    pub fn parse(header: Header, bytes: Bytes) -> Result<Self, &'static str> {
        if crc32c::crc32c(&bytes[HEADER_BYTES..]) != header.body_crc && !is_planted(Bug::ChecksumIgnored) {
            return Err("the block does not match its checksum");
        }
        // No more than the bytes can hold, whatever the header says.
        let most = (bytes.len() - HEADER_BYTES) / RECORD_HEADER_BYTES;
        let mut entries = Vec::with_capacity(most.min(header.records as usize));
        let mut offset = HEADER_BYTES;
        let mut position = header.first_position;
        while offset < bytes.len() {
            let found = bytes[offset..].first_chunk().and_then(record::Header::decode);
            let found = found.ok_or("a record of an unknown kind")?;
            let mut entry = Entry {
                kind: found.kind,
                name_bytes: found.name_bytes,
                offset: offset as u32,
                length: found.length,
                id: EventId(0),
            };
            let range = entry.bytes();
            let body = bytes.get(range.clone()).ok_or("a record reaches beyond its block")?;
            if !found.matches(body) {
                return Err("a record does not match its checksum");
            }
            if found.kind == Kind::Event {
                let event = StoredEvent::new(bytes.slice(range.clone()), found.name_bytes);
                let event = event.ok_or("an event without its tail")?;
                entry.id = event.id().ok_or("an event without an id")?;
                if event.position() != position {
                    return Err("an event is not at its position");
                }
                position = position.next();
            }
            entries.push(entry);
            offset = range.end;
        }
        let events = position.0 - header.first_position.0;
        if entries.len() != header.records as usize || events != u64::from(header.events) {
            return Err("a block has not as many records as it says");
        }
        Ok(Self { header, bytes, entries })
    }

    /// The whole block as it lies in the segment.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Its records.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Its events, in order, each with where its record begins.
    pub fn events(&self) -> impl Iterator<Item = (&Entry, StoredEvent)> {
        self.entries.iter().filter(|entry| entry.kind == Kind::Event).map(|entry| {
            let event = StoredEvent::new(self.bytes.slice(entry.bytes()), entry.name_bytes);
            (entry, event.expect("checked when the block was made"))
        })
    }

    /// Its control records.
    pub fn controls(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.kind != Kind::Event)
    }

    /// The bytes of one of its records.
    pub fn record(&self, entry: &Entry) -> Bytes {
        self.bytes.slice(entry.bytes())
    }

    /// The position after its last event.
    pub fn end_position(&self) -> Position {
        Position(self.header.first_position.0 + u64::from(self.header.events))
    }
}
