//! Which events were appended lately, by id.
//!
//! The window holds the ids of the newest events, so that a retry is recognised whatever it expected
//! of its stream. It is bounded, and filled from the end of the log at start.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::model::{EventId, Position};

/// The window. Ids are forgotten a generation at a time, since forgetting one by one costs as much as learning.
#[derive(Debug)]
pub(super) struct RecentIds {
    young: HashMap<EventId, Position, RandomState>,
    old: HashMap<EventId, Position, RandomState>,
    /// The position of the newest event.
    newest: Position,
    most: usize,
}

impl RecentIds {
    /// A window of the newest `most` events.
    pub(super) fn new(most: usize) -> Self {
        Self { young: HashMap::default(), old: HashMap::default(), newest: Position::ZERO, most }
    }

    /// The position of a recent event.
    pub(super) fn get(&self, id: EventId) -> Option<Position> {
        let position = self.young.get(&id).or_else(|| self.old.get(&id)).copied()?;
        (position.0 + self.most as u64 > self.newest.0).then_some(position)
    }

    /// Adds the newest event.
    pub(super) fn push(&mut self, id: EventId, position: Position) {
        self.newest = position;
        if self.most == 0 {
            return;
        }
        if self.young.len() >= self.most {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        self.young.insert(id, position);
    }

    /// Takes back the newest events: those with these ids.
    pub(super) fn take_back(&mut self, ids: &[EventId]) {
        self.newest = Position(self.newest.0 - ids.len() as u64);
        for id in ids {
            for generation in [&mut self.young, &mut self.old] {
                if generation.get(id).is_some_and(|position| *position > self.newest) {
                    generation.remove(id);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_forgets_the_oldest_and_can_take_back_the_newest() {
        let mut ids = RecentIds::new(3);
        (1..=5).for_each(|n| ids.push(EventId(n.into()), Position(n)));
        assert_eq!(ids.get(EventId(2)), None);
        assert_eq!(ids.get(EventId(3)), Some(Position(3)));
        ids.push(EventId(1), Position(6));
        ids.push(EventId(7), Position(7));
        assert_eq!(ids.get(EventId(1)), Some(Position(6)), "the newer of two counts, and outlives the older");
        (8..=10).for_each(|n| ids.push(EventId(n.into()), Position(n)));
        assert_eq!(ids.get(EventId(7)), None, "it is not forgotten yet, but too old");
        ids.take_back(&[EventId(9), EventId(10)]);
        assert_eq!((ids.get(EventId(8)), ids.get(EventId(9))), (Some(Position(8)), None));
        ids.push(EventId(11), Position(9));
        assert_eq!((ids.get(EventId(10)), ids.get(EventId(11))), (None, Some(Position(9))));
    }

    #[test]
    fn a_window_of_any_size_knows_the_newest_events_and_no_others() {
        for most in [0, 1, 2, 7, 100] {
            let mut ids = RecentIds::new(most);
            for newest in 1..=350_u64 {
                ids.push(EventId(newest.into()), Position(newest));
                let known = (1..=newest).filter(|n| ids.get(EventId((*n).into())) == Some(Position(*n))).count();
                assert_eq!(known, most.min(newest as usize), "of {newest}");
            }
        }
    }
}
