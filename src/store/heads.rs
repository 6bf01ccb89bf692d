//! The last revision and the life of each stream, as far as it was asked for lately.
//!
//! A bounded map in two generations: what is used moves to the young one; when that is full, the old
//! one is forgotten. What is not here is looked up in the index.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::model::{ExpectedRevision, LifeCycle, Position, Revision, StreamName};

/// Where a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamHead {
    /// The revision of its last event.
    pub revision: Revision,
    /// The position of its last event.
    pub position: Position,
}

/// What is known of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// Where it ends; `None` when it has no event.
    pub(super) head: Option<StreamHead>,
    /// Its life, when anything was ever said of it.
    pub(super) life: Option<Arc<LifeCycle>>,
}

impl Known {
    /// The revision of its last event.
    pub(super) fn last(&self) -> Option<Revision> {
        self.head.map(|head| head.revision)
    }

    /// Whether it is as expected. A deleted stream looks as if it had no event, but its revisions go on.
    pub(super) fn holds(&self, expected: ExpectedRevision) -> bool {
        let seen = if self.is_deleted() { None } else { self.last() };
        expected.holds(seen) || (expected.holds(self.last()) && matches!(expected, ExpectedRevision::Exactly(_)))
    }

    /// Whether it was deleted, for now or for good.
    pub(super) fn is_deleted(&self) -> bool {
        self.life.as_ref().is_some_and(|life| life.is_deleted(self.last()))
    }

    /// Whether nothing may be appended any more.
    pub(super) fn is_tombstoned(&self) -> bool {
        self.life.as_ref().is_some_and(|life| life.is_tombstoned)
    }
}

/// The map.
#[derive(Debug)]
pub(super) struct Heads {
    young: HashMap<StreamName, Known, RandomState>,
    old: HashMap<StreamName, Known, RandomState>,
    generation: usize,
}

impl Heads {
    /// A map of at most twice `generation` streams.
    pub(super) fn new(generation: usize) -> Self {
        Self { young: HashMap::default(), old: HashMap::default(), generation }
    }

    /// What is known of a stream; `None` when nothing is.
    pub(super) fn get(&mut self, stream: &StreamName) -> Option<Known> {
        if let Some(known) = self.young.get(stream) {
            return Some(known.clone());
        }
        let (name, known) = self.old.remove_entry(stream)?;
        self.put(name, known.clone());
        Some(known)
    }

    /// Notes where a stream ends.
    pub(super) fn put(&mut self, stream: StreamName, known: Known) {
        if self.young.len() >= self.generation {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(stream, known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_note_counts_and_memory_is_bounded() {
        let head = |revision| {
            let head = Some(StreamHead { revision: Revision(revision), position: Position(1) });
            Known { head, life: None }
        };
        let name = |number: u64| StreamName::from_log(&number.to_string());
        let mut heads = Heads::new(10);
        heads.put(name(0), head(0));
        for number in 1..1000 {
            heads.put(name(number), head(number));
            assert_eq!(heads.get(&name(0)), Some(head(number - 1)), "used again and again, so kept");
            heads.put(name(0), head(number));
            assert!(heads.young.len() + heads.old.len() <= 21);
        }
        assert_eq!(heads.get(&name(5)), None);
    }
}
