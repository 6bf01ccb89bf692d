//! The index of a complete segment: an immutable file.
//!
//! ```text
//!   header      magic format log_id salt segment first_position events bucket_bits first_time, the lengths
//!               of the sections, last_block
//!   offsets     u32 an event: where its record begins
//!   directory   u32 a bucket: how many entries lie in the buckets before it; one more at the end
//!   entries     by hash: u32 low half of the hash, u32 an ordinal, or LIST | where its list begins
//!   lists       u32 a count, then that many ordinals, ascending; addressed in units of four bytes
//!   filter      over all terms but the ids of events
//!   controls    u64 slot, u32 where the record begins
//!   milestones  u32 for every 64th name: where it begins among the names
//!   names       u16 length and bytes: streams that begin in this segment, sorted
//!   times       u64 seconds, u32 nanoseconds: when every 1,024th event was committed
//!   tally       how many events there are, by type, category and day
//! ```
//!
//! Integers are big-endian; the whole lies in checked pages. The bucket is the top of the hash, so
//! directory and entry together hold at least 32 bits of it. A term of one event costs 10.3 to 12 bytes: 8
//! for its entry, half a byte of the directory, 1.8 to 3.5 of the filter. Directory and filter are held in
//! memory where the index has room for them; everything else is read when asked for.
//!
//! `last_block` is the header checksum of the segment's last block, which chains all before it: an index
//! that was made before somebody put back an older copy of the log is not taken for that of today's.

use std::path::Path;
use std::sync::Arc;

use super::filter;
use super::pages::Pages;
use super::part::{self, Control, FEW, Part, Postings};
use super::sieve::Sieve;
use super::tally::Tally;
use super::{Error, Term, TermKind};
use crate::disk::Disk;
use crate::log::segment::Segment;
use crate::log::{Place, Slot};
use crate::model::{Position, Timestamp};

pub(super) const MAGIC: [u8; 4] = *b"QIDX";
pub(super) const FORMAT: u32 = 3;
pub(super) const HEADER_BYTES: usize = 144;
pub(super) const LIST: u32 = 1 << 31;
pub(super) const NAMES_PER_MILESTONE: usize = 64;
pub(super) const SECTIONS: usize = 9;

/// Where the lengths of the sections stand in the header.
const LENGTHS: usize = 64;
const LAST_BLOCK: usize = LENGTHS + 8 * SECTIONS;

/// How many ordinals are worth reading rather than searching on: about a page.
const ORDINALS_AT_ONCE: usize = 1024;

/// How many names are read at once.
const NAME_CHUNK_BYTES: u64 = 16 << 10;

/// What the header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) log_id: u128,
    pub(super) salt: u64,
    pub(super) segment: u32,
    pub(super) first_position: Position,
    pub(super) events: u32,
    pub(super) bucket_bits: u32,
    /// When the first event was committed.
    pub(super) first_time: Timestamp,
    /// Of directory, entries, lists, filter, controls, milestones, names, times, tally.
    pub(super) lengths: [u64; SECTIONS],
    /// The header checksum of the segment's last block.
    pub(super) last_block: u32,
}

impl Header {
    pub(super) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..8].copy_from_slice(&FORMAT.to_be_bytes());
        bytes[8..24].copy_from_slice(&self.log_id.to_be_bytes());
        bytes[24..32].copy_from_slice(&self.salt.to_be_bytes());
        bytes[32..36].copy_from_slice(&self.segment.to_be_bytes());
        bytes[36..44].copy_from_slice(&self.first_position.0.to_be_bytes());
        bytes[44..48].copy_from_slice(&self.events.to_be_bytes());
        bytes[48..52].copy_from_slice(&self.bucket_bits.to_be_bytes());
        bytes[52..60].copy_from_slice(&self.first_time.seconds.to_be_bytes());
        bytes[60..64].copy_from_slice(&self.first_time.nanos.to_be_bytes());
        for (slot, length) in bytes[LENGTHS..].chunks_exact_mut(8).zip(self.lengths) {
            slot.copy_from_slice(&length.to_be_bytes());
        }
        bytes[LAST_BLOCK..LAST_BLOCK + 4].copy_from_slice(&self.last_block.to_be_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let u32_at = |at: usize| bytes.get(at..)?.first_chunk().map(|chunk| u32::from_be_bytes(*chunk));
        let u64_at = |at: usize| bytes.get(at..)?.first_chunk().map(|chunk| u64::from_be_bytes(*chunk));
        if !bytes.starts_with(&MAGIC) || u32_at(4)? != FORMAT {
            return None;
        }
        let mut lengths = [0; SECTIONS];
        for (index, length) in lengths.iter_mut().enumerate() {
            *length = u64_at(LENGTHS + 8 * index)?;
        }
        Some(Self {
            log_id: u128::from(u64_at(8)?) << 64 | u128::from(u64_at(16)?),
            salt: u64_at(24)?,
            segment: u32_at(32)?,
            first_position: Position(u64_at(36)?),
            events: u32_at(44)?,
            bucket_bits: u32_at(48)?,
            first_time: Timestamp { seconds: u64_at(52)?, nanos: u32_at(60)? },
            lengths,
            last_block: u32_at(LAST_BLOCK)?,
        })
    }

    /// Where a section begins; the offsets begin behind the header.
    fn section(&self, number: usize) -> u64 {
        let before: u64 = self.lengths[..number].iter().sum();
        HEADER_BYTES as u64 + u64::from(self.events) * 4 + before
    }
}

/// The bucket of a hash.
pub(super) fn bucket(hash: u64, bits: u32) -> usize {
    if bits == 0 { 0 } else { (hash >> (64 - bits)) as usize }
}

/// A sealed part, open for reading.
#[derive(Debug)]
pub(super) struct Sealed {
    header: Header,
    pages: Pages,
    /// Held where there is room, and then so is the filter.
    directory: Option<Vec<u32>>,
}

impl Sealed {
    /// Opens the index file of a segment that has a successor, holding nothing of it.
    pub(super) fn open(disk: &dyn Disk, path: &Path, segment: &Segment, next: &Segment) -> Result<Self, Error> {
        let pages = Pages::open(disk, path, segment.header.salt)?;
        let header =
            Header::decode(&pages.read(0, HEADER_BYTES)?).ok_or_else(|| pages.damaged("this is not an index"))?;
        let of = &segment.header;
        let is_its = header.log_id == of.log_id
            && header.salt == of.salt
            && next.header.first_position.0.checked_sub(of.first_position.0) == Some(u64::from(header.events))
            && header.last_block == next.header.previous_block
            && header.segment == of.number
            && header.first_position == of.first_position;
        if !is_its || header.bucket_bits > 31 || header.lengths[0] != ((1 << header.bucket_bits) + 1) * 4 {
            return Err(pages.damaged("this is not the index of its segment"));
        }
        if !filter::is_length(header.lengths[3]) {
            return Err(pages.damaged("the filter is no filter"));
        }
        Ok(Self { header, pages, directory: None })
    }

    /// Takes the directory into memory, and gives the filter, when both need at most `room` bytes. Whoever
    /// asks for terms asks that filter first.
    pub(super) fn hold(&mut self, room: u64) -> Result<Option<Sieve>, Error> {
        if self.holdable_bytes() > room {
            return Ok(None);
        }
        let header = &self.header;
        let filter = self.pages.read(header.section(3), header.lengths[3] as usize)?;
        self.directory = Some(numbers(&self.pages.read(header.section(0), header.lengths[0] as usize)?));
        Ok(Some(Sieve::of(&filter)))
    }

    /// What directory and filter need in memory.
    pub(super) fn holdable_bytes(&self) -> u64 {
        self.header.lengths[0] + self.header.lengths[3]
    }

    /// Reads and checks every page of the file.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.pages.check()
    }

    /// Whether the filter lets a term through, if nobody has asked it before.
    fn passes_filter(&self, term: Term) -> Result<bool, Error> {
        if self.directory.is_some() || term.kind == TermKind::EventId {
            return Ok(true);
        }
        let blocks = self.header.lengths[3] as usize / filter::BLOCK_BYTES;
        let at = filter::block_of(term.hash, blocks) * filter::BLOCK_BYTES;
        let block = self.pages.read(self.header.section(3) + at as u64, filter::BLOCK_BYTES)?;
        Ok(filter::block_may_have(&block, term.hash))
    }

    /// Where the entries of a hash's bucket lie.
    fn bucket(&self, hash: u64) -> Result<(u32, u32), Error> {
        let bucket = bucket(hash, self.header.bucket_bits);
        if let Some(directory) = &self.directory {
            return Ok((directory[bucket], directory[bucket + 1]));
        }
        let bounds = numbers(&self.pages.read(self.header.section(0) + bucket as u64 * 4, 8)?);
        Ok((bounds[0], bounds[1]))
    }

    fn milestone(&self, number: u64) -> Result<u64, Error> {
        let bytes = self.pages.read(self.header.section(5) + number * 4, 4)?;
        Ok(u64::from(numbers(&bytes)[0]))
    }

    fn names_at(&self, at: u64) -> Names<'_> {
        Names { sealed: self, at, chunk: Vec::new(), used: 0 }
    }

    /// Where to begin to look for names not below `from`: the last milestone whose name is.
    fn seek(&self, from: &str) -> Result<u64, Error> {
        let (mut low, mut high) = (0, self.header.lengths[5] / 4);
        while low < high {
            let middle = low + (high - low) / 2;
            let name = self.names_at(self.milestone(middle)?).next()?;
            if name.is_some_and(|name| name.as_str() < from) { low = middle + 1 } else { high = middle }
        }
        if low == 0 { Ok(0) } else { self.milestone(low - 1) }
    }
}

impl Part for Sealed {
    fn segment(&self) -> u32 {
        self.header.segment
    }

    fn first_position(&self) -> Position {
        self.header.first_position
    }

    fn events(&self) -> u32 {
        self.header.events
    }

    fn first_time(&self) -> Option<Timestamp> {
        (self.header.events > 0).then_some(self.header.first_time)
    }

    fn is_in_memory(&self) -> bool {
        false
    }

    fn held_bytes(&self) -> u64 {
        self.directory.as_ref().map_or(0, |_| self.header.lengths[0])
    }

    fn lean(&self) -> Option<Arc<dyn Part>> {
        Some(Arc::new(Self { header: self.header.clone(), pages: self.pages.clone(), directory: None }))
    }

    fn postings(&self, term: Term) -> Result<Option<Postings>, Error> {
        if !self.passes_filter(term)? {
            return Ok(None);
        }
        let (from, until) = self.bucket(term.hash)?;
        let length = until.checked_sub(from).ok_or_else(|| self.pages.damaged("the directory goes back"))?;
        let entries = self.pages.read(self.header.section(1) + u64::from(from) * 8, length as usize * 8)?;
        let entries = numbers(&entries);
        let (pairs, _) = entries.as_chunks::<2>();
        let Some([_, value]) = pairs.iter().find(|[low, _]| *low == term.hash as u32) else { return Ok(None) };
        if value & LIST == 0 {
            return Ok(Some(Postings { term, count: 1, at: 0, few: Some([*value; FEW]) }));
        }
        let at = self.header.section(2) + u64::from(value & !LIST) * 4;
        let ahead = self.header.section(3).saturating_sub(at).min((1 + FEW as u64) * 4);
        let list = numbers(&self.pages.read(at, ahead as usize)?);
        let [count, ordinals @ ..] = &list[..] else { return Err(self.pages.damaged("a list without its length")) };
        let count = *count as usize;
        let mut few = [0; FEW];
        few[..ordinals.len()].copy_from_slice(ordinals);
        Ok(Some(Postings { term, count, at: at + 4, few: (count <= ordinals.len()).then_some(few) }))
    }

    fn ordinals(&self, of: &Postings, skip: usize, most: usize) -> Result<Vec<u32>, Error> {
        if let Some(few) = of.few {
            return Ok(few[..of.count].iter().skip(skip).take(most).copied().collect());
        }
        let wanted = of.count.saturating_sub(skip).min(most);
        Ok(numbers(&self.pages.read(of.at + skip as u64 * 4, wanted * 4)?))
    }

    fn rank(&self, of: &Postings, ordinal: u32) -> Result<usize, Error> {
        let (mut low, mut high) = (0, of.count);
        // A page of ordinals is read at once, so the search ends as soon as one holds what is left.
        while high - low > ORDINALS_AT_ONCE {
            let middle = low + (high - low) / 2;
            if self.ordinals(of, middle, 1)?.first().is_some_and(|one| *one < ordinal) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low + self.ordinals(of, low, high - low)?.partition_point(|one| *one < ordinal))
    }

    fn offsets(&self, ordinal: u32, most: usize) -> Result<Vec<u32>, Error> {
        let count = (self.header.events.saturating_sub(ordinal) as usize).min(most);
        Ok(numbers(&self.pages.read(HEADER_BYTES as u64 + u64::from(ordinal) * 4, count * 4)?))
    }

    fn around(&self, time: Timestamp) -> Result<(u32, u32), Error> {
        let bytes = numbers(&self.pages.read(self.header.section(7), self.header.lengths[7] as usize)?);
        let (kept, _) = bytes.as_chunks::<3>();
        let kept = kept.iter().map(|[high, low, nanos]| Timestamp { seconds: wide(*high, *low), nanos: *nanos });
        Ok(part::around(&kept.collect::<Vec<_>>(), self.header.events, time))
    }

    fn names(&self, from: &str, most: usize) -> Result<Vec<String>, Error> {
        let mut found = Vec::new();
        let mut names = self.names_at(self.seek(from)?);
        while found.len() < most {
            match names.next()? {
                None => break,
                Some(name) if name.as_str() < from => {}
                Some(name) => found.push(name),
            }
        }
        Ok(found)
    }

    fn tally(&self) -> Result<Tally, Error> {
        let bytes = self.pages.read(self.header.section(8), self.header.lengths[8] as usize)?;
        Tally::decode(&bytes).ok_or_else(|| self.pages.damaged("the tally is no tally"))
    }

    fn controls(&self, slot: Slot) -> Result<Vec<Control>, Error> {
        let bytes = self.pages.read(self.header.section(4), self.header.lengths[4] as usize)?;
        let all = numbers(&bytes);
        let (controls, _) = all.as_chunks::<3>();
        let control = |[high, low, offset]: &[u32; 3]| Control {
            slot: Slot(wide(*high, *low)),
            place: Place { segment: self.header.segment, offset: *offset },
        };
        Ok(controls.iter().map(control).filter(|control| control.slot > slot).collect())
    }
}

fn wide(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

fn numbers(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks::<4>().0.iter().map(|chunk| u32::from_be_bytes(*chunk)).collect()
}

/// A walk over names.
struct Names<'a> {
    sealed: &'a Sealed,
    at: u64,
    chunk: Vec<u8>,
    used: usize,
}

impl Names<'_> {
    fn next(&mut self) -> Result<Option<String>, Error> {
        if let Some(name) = self.take() {
            return Ok(Some(name));
        }
        self.at += self.used as u64;
        let header = &self.sealed.header;
        let left = header.lengths[6].saturating_sub(self.at).min(NAME_CHUNK_BYTES);
        self.chunk = self.sealed.pages.read(header.section(6) + self.at, left as usize)?;
        self.used = 0;
        Ok(self.take())
    }

    fn take(&mut self) -> Option<String> {
        let rest = &self.chunk[self.used..];
        let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
        let name = rest.get(2..2 + length)?;
        self.used += 2 + length;
        Some(String::from_utf8_lossy(name).into_owned())
    }
}
