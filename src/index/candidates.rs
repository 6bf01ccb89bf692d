//! The events of one segment that may match, found piece by piece.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::lookup::offsets_of;
use super::part::Part;
use super::plan::Plan;
use super::walker::Walker;
use super::{Error, Index};
use crate::log::Place;
use crate::model::{Position, Walk};

/// A walk over one part of the index. A question that goes on looks at the same part, also when another has
/// taken its place meanwhile.
#[derive(Debug)]
pub struct Candidates<'a> {
    index: &'a Index,
    part: Arc<dyn Part>,
    walker: Walker,
    walk: Walk,
    /// The next ordinal to look at, and the last.
    next: Option<u32>,
    last: u32,
}

impl<'a> Candidates<'a> {
    /// The candidates of a plan in a part, between two positions; `None` when there are none for certain.
    pub(super) fn of(
        index: &'a Index,
        plan: &Plan,
        part: Arc<dyn Part>,
        range: &RangeInclusive<Position>,
        walk: Walk,
    ) -> Result<Option<Self>, Error> {
        let (first, events) = (part.first_position().0, part.events());
        let low = range.start().0.saturating_sub(first);
        let high = (range.end().0 + 1).saturating_sub(first).min(u64::from(events));
        if low >= high {
            return Ok(None);
        }
        let (low, high) = (low as u32, (high - 1) as u32);
        let (next, last) = match walk {
            Walk::Forwards => (low, high),
            Walk::Backwards => (high, low),
        };
        let walker = Walker::of(plan, index, &part, walk)?;
        Ok(walker.map(|walker| Self { index, part, walker, walk, next: Some(next), last }))
    }

    /// The segment's number.
    pub fn segment(&self) -> u32 {
        self.part.segment()
    }

    /// The position behind this segment's part of the walk.
    pub fn beyond(&self) -> Position {
        let first = self.part.first_position();
        match self.walk {
            Walk::Forwards => Position(first.0 + u64::from(self.last) + 1),
            Walk::Backwards => first.before(),
        }
    }

    /// The next candidates, in the order of the walk, at most `most`; none at the end.
    pub fn next(&mut self, most: usize) -> Result<Vec<(Position, Place)>, Error> {
        let ordinals = self.ordinals(most)?;
        let mut ascending = ordinals.clone();
        ascending.sort_unstable();
        let mut offsets = self.index.ask(&self.part, |part| offsets_of(part, &ascending))?;
        if self.walk == Walk::Backwards {
            offsets.reverse();
        }
        let (first, segment) = (self.part.first_position().0, self.segment());
        let found = ordinals.iter().zip(offsets);
        Ok(found.map(|(at, offset)| (Position(first + u64::from(*at)), Place { segment, offset })).collect())
    }

    pub(super) fn ordinals(&mut self, most: usize) -> Result<Vec<u32>, Error> {
        let mut ordinals = Vec::new();
        while ordinals.len() < most
            && let Some(next) = self.next
        {
            let found = self.walker.seek(self.index, next, self.walk)?;
            let is_inside = |found: &u32| match self.walk {
                Walk::Forwards => *found <= self.last,
                Walk::Backwards => *found >= self.last,
            };
            let Some(found) = found.filter(is_inside) else {
                self.next = None;
                break;
            };
            ordinals.push(found);
            self.next = match self.walk {
                Walk::Forwards => Some(found + 1),
                Walk::Backwards => found.checked_sub(1),
            };
        }
        Ok(ordinals)
    }
}
