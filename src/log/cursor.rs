//! Reads single records out of a segment, a window of bytes at a time.
//!
//! Records that lie close together are served from one read of the file. Every record is checked
//! against its checksum before it is given out.

use std::sync::Arc;

use bytes::Bytes;

use super::block::{HEADER_BYTES as BLOCK_HEADER_BYTES, Header as BlockHeader, MAGIC};
use super::record::{HEADER_BYTES as RECORD_HEADER_BYTES, Header as RecordHeader};
use super::segment::Segment;
use super::{Error, Kind, StoredEvent};

/// The least that is read at once.
const WINDOW_BYTES_MIN: u64 = 2 << 10;

/// A place in a segment, and the bytes around it.
#[derive(Debug)]
pub struct Cursor {
    segment: Arc<Segment>,
    end: u64,
    window: Bytes,
    window_start: u64,
}

/// What lies at a place.
#[derive(Debug)]
pub struct Found {
    /// What it is.
    pub what: What,
    /// Where the next one lies.
    pub next: u64,
}

/// A record or a block's header.
#[derive(Debug)]
pub enum What {
    /// An event.
    Event(StoredEvent),
    /// A control record and the length of its stream's name.
    Control(Kind, u16, Bytes),
    /// The header of a block.
    Block,
}

impl Cursor {
    /// A cursor over what the segment holds now.
    pub fn new(segment: Arc<Segment>) -> Self {
        Self { end: segment.end(), segment, window: Bytes::new(), window_start: 0 }
    }

    /// The segment's number.
    pub fn segment(&self) -> u32 {
        self.segment.header.number
    }

    /// Reads what lies at `offset`; if the file must be asked, about `ahead` bytes at once. `None` at
    /// the end of the segment.
    pub fn read(&mut self, offset: u64, ahead: u64) -> Result<Option<Found>, Error> {
        if offset >= self.end {
            return Ok(None);
        }
        let first = self.bytes(offset, RECORD_HEADER_BYTES, ahead)?;
        if first.starts_with(&MAGIC) {
            let header = self.bytes(offset, BLOCK_HEADER_BYTES, ahead)?;
            if header.first_chunk().and_then(BlockHeader::decode).is_none() {
                return Err(self.segment.damaged(offset, "a block's header does not match its checksum"));
            }
            return Ok(Some(Found { what: What::Block, next: offset + BLOCK_HEADER_BYTES as u64 }));
        }
        let header = first.first_chunk().and_then(RecordHeader::decode);
        let Some(header) = header else { return Err(self.segment.damaged(offset, "a record of an unknown kind")) };
        let start = offset + RECORD_HEADER_BYTES as u64;
        let bytes = self.bytes(start, header.length as usize, ahead)?;
        if !header.matches(&bytes) {
            return Err(self.segment.damaged(offset, "a record does not match its checksum"));
        }
        let next = start + u64::from(header.length);
        let what = match header.kind {
            Kind::Event => {
                let event = StoredEvent::new(bytes, header.name_bytes);
                What::Event(event.ok_or_else(|| self.segment.damaged(offset, "an event without its tail"))?)
            }
            kind @ (Kind::SnapshotSaved
            | Kind::SnapshotsDeleted
            | Kind::CheckpointSet
            | Kind::CheckpointDeleted
            | Kind::NoteSet
            | Kind::NoteDeleted) => What::Control(kind, header.name_bytes, bytes),
        };
        Ok(Some(Found { what, next }))
    }

    /// Says that the event expected at `offset` is not there.
    pub fn misplaced(&self, offset: u64) -> Error {
        self.segment.damaged(offset, "another record than the one expected")
    }

    fn bytes(&mut self, offset: u64, length: usize, ahead: u64) -> Result<Bytes, Error> {
        let end = offset + length as u64;
        if end > self.end {
            return Err(self.segment.damaged(offset, "a record reaches beyond its segment"));
        }
        if offset < self.window_start || end > self.window_start + self.window.len() as u64 {
            let wanted = ahead.max(length as u64).max(WINDOW_BYTES_MIN);
            self.window = self.segment.read(offset, wanted.min(self.end - offset) as usize)?;
            self.window_start = offset;
        }
        let start = (offset - self.window_start) as usize;
        Ok(self.window.slice(start..start + length))
    }
}
