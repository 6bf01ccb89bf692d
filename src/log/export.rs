//! A pinned log, read a piece at a time for a copy elsewhere.
//!
//! Of what the copy has already, only what is not at hand is read: a sealed segment's hash stands in the header
//! of the one behind it. What is sent is checked on the way: a sealed segment against that hash, the newest
//! block by block. So a copy that comes to its end is a good one.

use std::ops::ControlFlow;

use bytes::Bytes;

use super::segment::Segment;
use super::{Error, Pinned};

/// How much is read at once.
pub const PIECE_BYTES: u64 = 1 << 20;

/// A BLAKE3 hash.
pub type Hash = [u8; 32];

/// What the copy has of a segment: so many bytes from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The segment's number.
    pub number: u32,
    /// How many bytes.
    pub bytes: u64,
    /// Their hash.
    pub hash: Hash,
}

/// What became of a step.
#[derive(Debug)]
pub enum Piece {
    /// These bytes belong into the copy.
    Bytes {
        /// The segment's number.
        number: u32,
        /// Where in the segment.
        offset: u64,
        /// The bytes.
        bytes: Bytes,
    },
    /// Something was read that the copy has.
    Known,
    /// The copy is complete. The hashes of its segments, in order.
    End(Vec<Hash>),
}

/// A copy in the making.
#[derive(Debug)]
pub struct Export {
    pinned: Pinned,
    held: Vec<Held>,
    current: Option<Current>,
    hashes: Vec<Hash>,
}

/// The segment that is being read.
#[derive(Debug)]
struct Current {
    bytes: u64,
    offset: u64,
    hash: blake3::Hasher,
    /// What the copy seems to have, until it was compared.
    claimed: Option<Held>,
}

impl Export {
    /// A copy of this log, for somebody who has these parts of it.
    pub fn new(pinned: Pinned, held: Vec<Held>) -> Self {
        Self { pinned, held, current: None, hashes: Vec::new() }
    }

    /// Reads the next piece.
    ///
    /// # Errors
    /// When the disk fails, or a segment is not what was written.
    pub fn step(&mut self) -> Result<Piece, Error> {
        let index = self.hashes.len();
        let Some(segment) = self.pinned.segments.get(index).cloned() else {
            return Ok(Piece::End(self.hashes.clone()));
        };
        let mut current = match self.current.take() {
            Some(current) => current,
            None => match self.begin(index, &segment) {
                Some(current) => current,
                None => return Ok(Piece::Known),
            },
        };
        if current.offset == current.bytes {
            self.hashes.push(self.finish(index, &segment, &current)?);
            return Ok(Piece::Known);
        }
        let until = current.claimed.map_or(current.bytes, |claimed| claimed.bytes);
        let bytes = segment.read(current.offset, (until - current.offset).min(PIECE_BYTES) as usize)?;
        let offset = current.offset;
        current.take(&bytes);
        let is_known = current.claimed.is_some();
        current.compare();
        self.current = Some(current);
        let number = segment.header.number;
        Ok(if is_known { Piece::Known } else { Piece::Bytes { number, offset, bytes } })
    }

    /// Looks at what the copy has of a segment. `None` when that is all of it.
    fn begin(&mut self, index: usize, segment: &Segment) -> Option<Current> {
        let bytes = self.pinned.bytes_of(index);
        let held = self.held.iter().find(|held| held.number == segment.header.number).copied();
        if let (Some(held), Some(sealed)) = (held, self.sealed_hash(index))
            && held.bytes == bytes
            && held.hash == sealed
        {
            self.hashes.push(sealed);
            return None;
        }
        let claimed = held.filter(|held| (1..=bytes).contains(&held.bytes));
        Some(Current { bytes, offset: 0, hash: blake3::Hasher::new(), claimed })
    }

    /// The hash of a segment that has a successor.
    fn sealed_hash(&self, index: usize) -> Option<Hash> {
        self.pinned.segments.get(index + 1).map(|next| next.header.previous_hash)
    }

    fn finish(&self, index: usize, segment: &Segment, current: &Current) -> Result<Hash, Error> {
        let hash: Hash = current.hash.finalize().into();
        let sealed = self.sealed_hash(index);
        if sealed == Some(hash) {
            return Ok(hash);
        }
        // Of the newest, whose hash stands nowhere, and to say where another one is damaged.
        let mut blocks = segment.blocks_within(current.bytes);
        blocks.each(&mut |_| ControlFlow::Continue(()))?;
        match sealed {
            None => Ok(hash),
            Some(_) => Err(segment.damaged(0, "the segment is not the one that its successor follows")),
        }
    }
}

impl Current {
    fn take(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.offset += bytes.len() as u64;
    }

    /// Once as much was read as the copy claims to have: goes on behind it, or begins again.
    fn compare(&mut self) {
        let Some(claimed) = self.claimed.filter(|claimed| claimed.bytes == self.offset) else { return };
        self.claimed = None;
        if self.hash.finalize() != claimed.hash {
            self.hash = blake3::Hasher::new();
            self.offset = 0;
        }
    }
}
