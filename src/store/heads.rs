//! The last revision and the life of each stream, as far as it was asked for lately.
//!
//! Bounded maps in two generations: what is used moves to the young one; when that is full, the old
//! one is forgotten. Streams that were asked for once are kept apart from those that were asked for again, so
//! that many short-lived ones do not drive those out that are in use. What is not here is looked up in the
//! index.

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

/// The streams that are known.
#[derive(Debug)]
pub(super) struct Heads {
    /// Asked for again while they were known.
    proven: Generations,
    /// Asked for once.
    fresh: Generations,
}

/// A bounded map.
#[derive(Debug)]
struct Generations {
    young: HashMap<StreamName, Known, RandomState>,
    old: HashMap<StreamName, Known, RandomState>,
    /// How many each of the two holds at most.
    size: usize,
}

impl Heads {
    /// What is known of at most so many streams.
    pub(super) fn new(streams: usize) -> Self {
        let fresh = streams / 8;
        Self { proven: Generations::new(streams / 2 - fresh), fresh: Generations::new(fresh) }
    }

    /// What is known of a stream; `None` when nothing is.
    pub(super) fn get(&mut self, stream: &StreamName) -> Option<Known> {
        if let Some(known) = self.proven.get(stream) {
            return Some(known);
        }
        let (name, known) = self.fresh.take(stream)?;
        self.proven.put(name, known.clone());
        Some(known)
    }

    /// Notes where a stream ends.
    pub(super) fn put(&mut self, stream: StreamName, known: Known) {
        let kept = if self.proven.has(&stream) { &mut self.proven } else { &mut self.fresh };
        kept.put(stream, known);
    }
}

impl Generations {
    fn new(size: usize) -> Self {
        Self { young: HashMap::default(), old: HashMap::default(), size }
    }

    fn has(&self, stream: &StreamName) -> bool {
        self.young.contains_key(stream) || self.old.contains_key(stream)
    }

    fn get(&mut self, stream: &StreamName) -> Option<Known> {
        if let Some(known) = self.young.get(stream) {
            return Some(known.clone());
        }
        let (name, known) = self.old.remove_entry(stream)?;
        self.put(name, known.clone());
        Some(known)
    }

    fn take(&mut self, stream: &StreamName) -> Option<(StreamName, Known)> {
        // A note in the old generation may be outdated by one in the young.
        let old = self.old.remove_entry(stream);
        self.young.remove_entry(stream).or(old)
    }

    fn put(&mut self, stream: StreamName, known: Known) {
        if self.young.len() >= self.size {
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
        let mut heads = Heads::new(80);
        heads.put(name(0), head(0));
        for number in 1..1000 {
            heads.put(name(number), head(number));
            assert_eq!(heads.get(&name(0)), Some(head(number - 1)), "used again and again, so kept");
            heads.put(name(0), head(number));
            assert!(held(&heads) <= 80 + 4);
        }
        assert_eq!(heads.get(&name(5)), None);
    }

    #[test]
    fn streams_that_are_asked_for_once_do_not_drive_out_those_that_are_in_use() {
        let known = Known::default();
        let name = |number: u64| StreamName::from_log(&number.to_string());
        let mut heads = Heads::new(80);
        for number in 0..30 {
            heads.put(name(number), known.clone());
            assert_eq!(heads.get(&name(number)), Some(known.clone()));
        }
        (100..10_000).for_each(|number| heads.put(name(number), known.clone()));
        assert!((0..30).all(|number| heads.get(&name(number)).is_some()));
        assert_eq!((100..9_000).filter(|number| heads.get(&name(*number)).is_some()).count(), 0);
    }

    fn held(heads: &Heads) -> usize {
        let all = [&heads.proven, &heads.fresh].into_iter();
        all.map(|kept| kept.young.len() + kept.old.len()).sum()
    }
}
