//! What every part of the index can be asked, in memory or sealed.

use super::{Error, Term};
use crate::log::{Place, Slot};
use crate::model::Position;

/// The index of one segment. Events are counted by *ordinal*: the first event of the segment is 0.
pub(super) trait Part: Send + Sync + std::fmt::Debug {
    /// The segment's number.
    fn segment(&self) -> u32;
    /// The position of the segment's first event.
    fn first_position(&self) -> Position;
    /// Where the records of some events begin, from `ordinal` on; at most `most`.
    fn offsets(&self, ordinal: u32, most: usize) -> Result<Vec<u32>, Error>;
    /// How many events have the term.
    fn count(&self, term: Term) -> Result<usize, Error>;
    /// The ordinals of events that have the term, ascending: from the `skip`-th on, at most `most`.
    fn ordinals(&self, term: Term, skip: usize, most: usize) -> Result<Vec<u32>, Error>;
    /// The names of streams that begin in this segment, sorted: from `from` on, at most `most`.
    fn names(&self, from: &str, most: usize) -> Result<Vec<String>, Error>;
    /// The segment's control records in blocks after `slot`, in order.
    fn controls(&self, slot: Slot) -> Result<Vec<Control>, Error>;
}

/// A control record's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Control {
    /// The slot of its block.
    pub slot: Slot,
    /// Where the record begins.
    pub place: Place,
}
