//! The parts of an index, and their filters side by side.
//!
//! A question about what never was asks the filter of every part. They are listed next to each other here, so
//! that asking a hundred of them is one short loop, in which the processor fetches several blocks at once.

use std::ops::Deref;
use std::sync::Arc;

use super::part::Part;
use super::{Term, TermKind, filter};

/// The parts, in the order of the log. Replaced as a whole, so that a question holds one of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Parts {
    list: Vec<Arc<dyn Part>>,
    /// The filter of each part that holds one.
    filters: Vec<Option<Arc<[u8]>>>,
}

impl Parts {
    pub(super) fn of(list: Vec<Arc<dyn Part>>) -> Self {
        Self { filters: list.iter().map(|part| part.filter()).collect(), list }
    }

    /// The same with other parts.
    pub(super) fn changed(&self, change: impl FnOnce(&mut Vec<Arc<dyn Part>>)) -> Self {
        let mut list = self.list.clone();
        change(&mut list);
        Self::of(list)
    }

    /// Whether the part at a place may have a term, as far as memory tells; never asks the disk.
    pub(super) fn may_have(&self, place: usize, term: Term) -> bool {
        match &self.filters[place] {
            Some(bytes) if term.kind != TermKind::EventId => filter::may_have(bytes, term.hash),
            _ => self.list[place].may_have(term),
        }
    }
}

impl Deref for Parts {
    type Target = [Arc<dyn Part>];

    fn deref(&self) -> &Self::Target {
        &self.list
    }
}
