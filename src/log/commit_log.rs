//! The boundary behind which blocks are agreed on.
//!
//! ```text
//!   slot       1        2        3        4
//!   log     [block]  [block]  [block]            tail = 4: where the next block goes
//! ```
//!
//! Whoever appends names the tail it decided against. If another proposer was faster, nothing is
//! written and the blocks in between come back, so that the caller can take them in and decide anew.
//! The local [`super::SegmentLog`] has one proposer, so there the tail never moves; nothing above this
//! boundary may assume so.

use std::fmt;
use std::sync::Arc;

use super::{Block, Draft, Error};

/// A block's place in the order of blocks. The first is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot(pub u64);

impl Slot {
    /// The first.
    pub const FIRST: Self = Self(1);

    /// The one behind this.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A place in the segment files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The segment's number; the first is 1.
    pub segment: u32,
    /// The byte in its file.
    pub offset: u32,
}

/// A block and where it lies in the local segments.
#[derive(Debug, Clone)]
pub struct Placed {
    /// Where the block begins.
    pub place: Place,
    /// The block.
    pub block: Arc<Block>,
}

/// What became of a proposed block.
#[derive(Debug)]
pub enum Appended {
    /// It is durable, at the expected slot.
    Committed(Placed),
    /// Others came first: these blocks, in order. The proposed one is not in the log.
    TailMoved(Vec<Placed>),
}

/// An agreed order of blocks.
pub trait CommitLog: Send {
    /// The slot that the next block takes.
    fn tail(&self) -> Slot;

    /// Proposes a block for the slot `expected`.
    ///
    /// Once this returns [`Appended::Committed`], the block is durable and can be read from the local
    /// segments. After an error nothing is known of the block, and every later call fails.
    fn append(&mut self, expected: Slot, draft: Draft) -> Result<Appended, Error>;

    /// Visits the blocks from a slot on, in order, until the tail or until `visit` says false.
    fn read(&self, from: Slot, visit: &mut dyn FnMut(Placed) -> bool) -> Result<(), Error>;

    /// How many bytes the disk still takes.
    fn available(&self) -> Result<u64, Error>;

    /// Notes that everything so far was acknowledged, so that the next start can tell damage from a
    /// torn tail.
    fn close(&mut self) -> Result<(), Error>;
}
