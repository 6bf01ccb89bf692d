//! What every part of the index can be asked, in memory or sealed.

use std::sync::Arc;

use super::tally::Tally;
use super::{Error, Term};
use crate::log::{Place, Slot};
use crate::model::{Position, Timestamp};

/// So many events lie between two of the times that a part keeps.
pub(super) const EVENTS_PER_TIME: u32 = 1024;

/// The index of one segment. Events are counted by *ordinal*: the first event of the segment is 0.
pub(super) trait Part: Send + Sync + std::fmt::Debug {
    /// The segment's number.
    fn segment(&self) -> u32;
    /// The position of the segment's first event.
    fn first_position(&self) -> Position;
    /// How many events it has so far.
    fn events(&self) -> u32;
    /// When its first event was committed; `None` when it has no event.
    fn first_time(&self) -> Option<Timestamp>;
    /// Whether everything it can be asked is in memory.
    fn is_in_memory(&self) -> bool;
    /// How much memory it holds, apart from what an active part needs.
    fn held_bytes(&self) -> u64;
    /// The same part, holding nothing; `None` when there is nothing to give up.
    fn lean(&self) -> Option<Arc<dyn Part>>;
    /// Where the list of a term lies; `None` when no event has the term.
    fn postings(&self, term: Term) -> Result<Option<Postings>, Error>;
    /// The ordinals of a list, ascending: from the `skip`-th on, at most `most`.
    fn ordinals(&self, of: &Postings, skip: usize, most: usize) -> Result<Vec<u32>, Error>;
    /// How many ordinals of a list are below `ordinal`.
    fn rank(&self, of: &Postings, ordinal: u32) -> Result<usize, Error>;
    /// Where the records of some events begin, from `ordinal` on; at most `most`.
    fn offsets(&self, ordinal: u32, most: usize) -> Result<Vec<u32>, Error>;
    /// Two ordinals between which the first event committed at `time` or later lies, both inclusive; the
    /// second may be one beyond the last event.
    fn around(&self, time: Timestamp) -> Result<(u32, u32), Error>;
    /// The names of streams that begin in this segment, sorted: from `from` on, at most `most`.
    fn names(&self, from: &str, most: usize) -> Result<Vec<String>, Error>;
    /// How many events there are, by type, category and day.
    fn tally(&self) -> Result<Tally, Error>;
    /// The segment's control records in blocks after `slot`, in order.
    fn controls(&self, slot: Slot) -> Result<Vec<Control>, Error>;
}

/// How many ordinals are few.
pub(super) const FEW: usize = 8;

/// The list of a term in one part.
#[derive(Debug, Clone, Copy)]
pub(super) struct Postings {
    pub(super) term: Term,
    /// How many ordinals it has, collisions among them.
    pub(super) count: usize,
    /// Where a sealed part has it.
    pub(super) at: u64,
    /// The ordinals, when there are few in a sealed part: they were read on the way.
    pub(super) few: Option<[u32; FEW]>,
}

/// A control record's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Control {
    /// The slot of its block.
    pub slot: Slot,
    /// Where the record begins.
    pub place: Place,
}

/// Where the first time at or behind `time` is among times kept every [`EVENTS_PER_TIME`] events.
pub(super) fn around(times: &[Timestamp], events: u32, time: Timestamp) -> (u32, u32) {
    let later = times.partition_point(|kept| *kept < time) as u32;
    let low = later.saturating_sub(1) * EVENTS_PER_TIME;
    let high = if (later as usize) < times.len() { later * EVENTS_PER_TIME } else { events };
    (low, high)
}
