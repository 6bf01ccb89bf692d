//! A segment: a header, then blocks, in one file.
//!
//! ```text
//!    0      8       10           12  16      32    40      48          56
//!    magic  format  min_reader   0   log_id  salt  number  first_slot  first_position
//!    8      u16     u16          u32 16      u64   u64     u64         u64
//!   64             96                  100    124
//!    previous_hash  previous_block      zeros  crc
//!    32             u32                        u32
//!  128: blocks
//! ```
//!
//! Integers are big-endian. `format` is what the file was written by, `min_reader` the oldest format
//! whose readers understand it. `previous_hash` is the BLAKE3 hash of the whole segment before, so the
//! segments are a chain; `previous_block` is the header checksum of its last block.
//!
//! Segments are named `<number>-<first position>.seg`, both padded with zeros, so names sort as
//! numbers. A segment that has a successor is never written again.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::block::{HEADER_BYTES as BLOCK_HEADER_BYTES, Header as BlockHeader};
use super::{Block, Error, Place, Placed, Slot};
use crate::disk::{self, Disk, File, Open};
use crate::model::Position;
use crate::seeded::{Bug, is_planted};

/// The size of a segment's header.
pub const HEADER_BYTES: usize = 128;

/// The format this program writes, and the newest it reads.
pub const FORMAT: u16 = 3;

/// The ending of a segment's file name.
pub const SUFFIX: &str = ".seg";

const MAGIC: [u8; 8] = *b"QUIPUSEG";

/// How much is read at once when a segment is walked.
const WINDOW_BYTES: usize = 1 << 20;

/// What a segment says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The format that the segment was begun in; nothing of another format is added to it.
    pub format: u16,
    /// Identifies the log.
    pub log_id: u128,
    /// Stands in every block of this segment and in no other segment's.
    pub salt: u64,
    /// The segment's number; the first is 1.
    pub number: u32,
    /// The slot of its first block.
    pub first_slot: Slot,
    /// The position of its first event.
    pub first_position: Position,
    /// The hash of the segment before; zeros for the first.
    pub previous_hash: [u8; 32],
    /// The header checksum of the last block before; 0 for the first.
    pub previous_block: u32,
}

impl Header {
    /// The header's bytes.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&self.format.to_be_bytes());
        bytes[10..12].copy_from_slice(&self.format.to_be_bytes());
        bytes[16..32].copy_from_slice(&self.log_id.to_be_bytes());
        bytes[32..40].copy_from_slice(&self.salt.to_be_bytes());
        bytes[40..48].copy_from_slice(&u64::from(self.number).to_be_bytes());
        bytes[48..56].copy_from_slice(&self.first_slot.0.to_be_bytes());
        bytes[56..64].copy_from_slice(&self.first_position.0.to_be_bytes());
        bytes[64..96].copy_from_slice(&self.previous_hash);
        bytes[96..100].copy_from_slice(&self.previous_block.to_be_bytes());
        let crc = crc32c::crc32c(&bytes[..124]);
        bytes[124..].copy_from_slice(&crc.to_be_bytes());
        bytes
    }

    /// Reads a header.
    ///
    /// # Errors
    /// When it is damaged, or of a format that is not known here.
    pub fn decode(bytes: &[u8; HEADER_BYTES], file: &Path) -> Result<Self, Error> {
        let damaged = |what| Error::Damaged { file: file.into(), offset: 0, what };
        let u64_at = |at: usize| bytes[at..].first_chunk().map_or(0, |chunk| u64::from_be_bytes(*chunk));
        let u32_at = |at: usize| bytes[at..].first_chunk().map_or(0, |chunk| u32::from_be_bytes(*chunk));
        if bytes[..8] != MAGIC {
            return Err(damaged("this is not a segment"));
        }
        if crc32c::crc32c(&bytes[..124]) != u32_at(124) {
            return Err(damaged("the segment's header does not match its checksum"));
        }
        let min_reader = u16::from_be_bytes([bytes[10], bytes[11]]);
        if min_reader > FORMAT {
            return Err(Error::Newer { file: file.into(), found: min_reader, known: FORMAT });
        }
        let mut previous_hash = [0; 32];
        previous_hash.copy_from_slice(&bytes[64..96]);
        Ok(Self {
            format: u16::from_be_bytes([bytes[8], bytes[9]]),
            log_id: u128::from(u64_at(16)) << 64 | u128::from(u64_at(24)),
            salt: u64_at(32),
            number: u32::try_from(u64_at(40)).map_err(|_| damaged("the segment's number is out of range"))?,
            first_slot: Slot(u64_at(48)),
            first_position: Position(u64_at(56)),
            previous_hash,
            previous_block: u32_at(96),
        })
    }

    /// The name of the segment's file.
    pub fn file_name(&self) -> String {
        format!("{:06}-{:020}{SUFFIX}", self.number, self.first_position.0)
    }
}

/// The files of the segments in a directory, oldest first.
pub fn files(disk: &dyn Disk, directory: &Path) -> Result<Vec<PathBuf>, disk::Error> {
    let mut names = disk.list(directory)?;
    names.retain(|name| name.ends_with(SUFFIX));
    Ok(names.into_iter().map(|name| directory.join(name)).collect())
}

/// What is said of a segment that does not follow.
pub const NOT_FOLLOWING: &str = "the segment does not follow the one before it";

/// Where a good segment ends: what the next one must say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    number: u32,
    slot: Slot,
    position: Position,
    block: u32,
    hash: [u8; 32],
}

impl End {
    /// Before the first segment.
    pub const NOTHING: Self = Self { number: 0, slot: Slot::FIRST, position: Position(1), block: 0, hash: [0; 32] };
}

/// A segment, open for reading.
#[derive(Debug)]
pub struct Segment {
    /// What it says of itself.
    pub header: Header,
    /// Where it lies.
    pub path: PathBuf,
    file: Arc<dyn File>,
    /// How many bytes of the file are blocks that are durable; all of them once it is sealed.
    end: AtomicU64,
}

impl Segment {
    /// Opens a segment and checks its header.
    pub fn open(disk: &dyn Disk, path: &Path, how: Open) -> Result<Self, Error> {
        let file = disk.open(path, how)?;
        let end = file.len()?;
        if end < HEADER_BYTES as u64 {
            return Err(Error::Damaged { file: path.into(), offset: 0, what: "the segment's header is cut short" });
        }
        let mut bytes = [0; HEADER_BYTES];
        file.read_at(&mut bytes, 0)?;
        Ok(Self { header: Header::decode(&bytes, path)?, path: path.into(), file, end: AtomicU64::new(end) })
    }

    /// Makes a segment: durable, name and all, when this returns.
    pub fn create(disk: &dyn Disk, directory: &Path, header: Header) -> Result<Self, Error> {
        let path = directory.join(header.file_name());
        let file = disk.open(&path, Open::Create)?;
        file.write_at(&header.encode(), 0)?;
        file.sync_data()?;
        if !is_planted(Bug::NameNotSynced) {
            disk.sync_dir(directory)?;
        }
        Ok(Self { header, path, file, end: AtomicU64::new(HEADER_BYTES as u64) })
    }

    /// Where it ends: behind its last block, or at the end of the file when that was not looked at yet.
    pub fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    /// Says where it ends now. What lies behind is room for blocks.
    pub(super) fn ends_at(&self, end: u64) {
        self.end.store(end, Ordering::Release);
    }

    /// The header as it lies in the file: a later format may have put more into it than is read here.
    pub fn header_bytes(&self) -> Result<Bytes, Error> {
        self.read(0, HEADER_BYTES)
    }

    /// The file.
    pub fn file(&self) -> &Arc<dyn File> {
        &self.file
    }

    /// Reads bytes that are known to be there.
    pub fn read(&self, offset: u64, length: usize) -> Result<Bytes, Error> {
        let mut bytes = vec![0; length];
        match self.file.read_at(&mut bytes, offset) {
            Ok(()) => Ok(bytes.into()),
            Err(error) if error.is_cut_short() => Err(self.damaged(offset, "the file was cut short")),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether it follows a segment that ends so.
    pub fn follows(&self, previous: &End) -> bool {
        let header = &self.header;
        header.number == previous.number + 1
            && header.first_slot == previous.slot
            && header.first_position == previous.position
            && header.previous_block == previous.block
            && header.previous_hash == previous.hash
    }

    /// Says that the bytes at `offset` are not what was written.
    pub fn damaged(&self, offset: u64, what: &'static str) -> Error {
        Error::Damaged { file: self.path.clone(), offset, what }
    }

    /// Walks the blocks from the beginning.
    pub fn blocks(&self) -> Blocks<'_> {
        self.blocks_within(self.end())
    }

    /// Walks the blocks from the beginning, as if the file had this many bytes.
    pub fn blocks_within(&self, bytes: u64) -> Blocks<'_> {
        Blocks {
            segment: self,
            file_bytes: bytes,
            offset: HEADER_BYTES as u64,
            next_slot: self.header.first_slot,
            next_position: self.header.first_position,
            previous_block: self.header.previous_block,
            window: Bytes::new(),
            window_start: 0,
        }
    }
}

/// A walk over the blocks of a segment, checking everything on the way.
#[derive(Debug)]
pub struct Blocks<'a> {
    segment: &'a Segment,
    file_bytes: u64,
    /// Where the next block begins.
    pub offset: u64,
    /// Its slot.
    pub next_slot: Slot,
    /// The position of its first event.
    pub next_position: Position,
    /// The header checksum of the block before.
    pub previous_block: u32,
    window: Bytes,
    window_start: u64,
}

/// What a walk comes upon.
#[derive(Debug)]
pub enum Step {
    /// A good block.
    Block(Placed),
    /// The end of the file.
    End,
    /// Bytes at `offset` that are no good block.
    Bad(&'static str),
}

impl Blocks<'_> {
    /// The size of the file.
    pub fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    /// Where the segment ends if it does so here; `hash` is that of everything before.
    pub fn end(&self, hash: [u8; 32]) -> End {
        End {
            number: self.segment.header.number,
            slot: self.next_slot,
            position: self.next_position,
            block: self.previous_block,
            hash,
        }
    }

    /// Goes on to the next block.
    pub fn step(&mut self) -> Result<Step, Error> {
        if self.offset == self.file_bytes {
            return Ok(Step::End);
        }
        let Some(bytes) = self.bytes(self.offset, BLOCK_HEADER_BYTES)? else {
            return Ok(Step::Bad("a block's header is cut short"));
        };
        let header = bytes.first_chunk().and_then(BlockHeader::decode);
        let Some(header) = header else { return Ok(Step::Bad("this is not a block's header")) };
        if let Some(what) = self.misfit(&header) {
            return Ok(Step::Bad(what));
        }
        let length = BLOCK_HEADER_BYTES + header.length as usize;
        let Some(bytes) = self.bytes(self.offset, length)? else {
            return Ok(Step::Bad("a block is cut short"));
        };
        let block = match Block::parse(header, bytes) {
            Ok(block) => block,
            Err(what) => return Ok(Step::Bad(what)),
        };
        let offset =
            u32::try_from(self.offset).map_err(|_| self.segment.damaged(self.offset, "a segment beyond 4 GiB"))?;
        let place = Place { segment: self.segment.header.number, offset };
        self.offset += length as u64;
        self.next_slot = header.slot.next();
        self.next_position = block.end_position();
        self.previous_block = header.crc;
        Ok(Step::Block(Placed { place, block: Arc::new(block) }))
    }

    /// Visits the blocks up to the end, or until `visit` breaks.
    ///
    /// # Errors
    /// When anything on the way is not what was written.
    pub fn each(&mut self, visit: &mut dyn FnMut(Placed) -> ControlFlow<()>) -> Result<(), Error> {
        loop {
            match self.step()? {
                Step::Block(placed) => {
                    if visit(placed).is_break() {
                        return Ok(());
                    }
                }
                Step::End => return Ok(()),
                Step::Bad(what) => return Err(self.segment.damaged(self.offset, what)),
            }
        }
    }

    fn misfit(&self, header: &BlockHeader) -> Option<&'static str> {
        if header.salt != self.segment.header.salt {
            return Some("a block of another segment");
        }
        if header.slot != self.next_slot || header.first_position != self.next_position {
            return Some("a block is not at its place in the order");
        }
        (header.previous != self.previous_block).then_some("a block does not follow the one before it")
    }

    /// Bytes of the file, read ahead; `None` when they reach beyond its end.
    pub fn bytes(&mut self, offset: u64, length: usize) -> Result<Option<Bytes>, Error> {
        let end = offset + length as u64;
        if end > self.file_bytes {
            return Ok(None);
        }
        if offset < self.window_start || end > self.window_start + self.window.len() as u64 {
            let ahead = (self.file_bytes - offset).min(WINDOW_BYTES.max(length) as u64);
            self.window = self.segment.read(offset, ahead as usize)?;
            self.window_start = offset;
        }
        let start = (offset - self.window_start) as usize;
        Ok(Some(self.window.slice(start..start + length)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_of_a_header_is_seen() {
        let header = Header {
            format: FORMAT,
            log_id: 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef,
            salt: 42,
            number: 7,
            first_slot: Slot(99),
            first_position: Position(1000),
            previous_hash: [3; 32],
            previous_block: 5,
        };
        let bytes = header.encode();
        assert_eq!(Header::decode(&bytes, Path::new("s")).unwrap(), header);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::decode(&flipped, Path::new("s")).is_err(), "bit {bit}");
        }
    }
}
