//! Which events were appended lately, by id.
//!
//! The window holds the ids of the newest events, so that a retry is recognised whatever it expected
//! of its stream. It is bounded, and filled from the end of the log at start.

use std::collections::{HashMap, VecDeque};

use foldhash::fast::RandomState;

use crate::model::{EventId, Position};

/// The window.
#[derive(Debug)]
pub(super) struct RecentIds {
    positions: HashMap<EventId, Position, RandomState>,
    /// Oldest first. An id may be here twice, when the window was shorter once.
    order: VecDeque<(EventId, Position)>,
    most: usize,
}

impl RecentIds {
    /// A window of at most `most` events.
    pub(super) fn new(most: usize) -> Self {
        Self { positions: HashMap::default(), order: VecDeque::new(), most }
    }

    /// The position of a recent event.
    pub(super) fn get(&self, id: EventId) -> Option<Position> {
        self.positions.get(&id).copied()
    }

    /// Adds the newest event.
    pub(super) fn push(&mut self, id: EventId, position: Position) {
        if self.most == 0 {
            return;
        }
        if self.order.len() == self.most
            && let Some((oldest, at)) = self.order.pop_front()
        {
            self.forget(oldest, at);
        }
        self.positions.insert(id, position);
        self.order.push_back((id, position));
    }

    /// Takes back the newest `count` events.
    pub(super) fn take_back(&mut self, count: usize) {
        for _ in 0..count {
            if let Some((id, at)) = self.order.pop_back() {
                self.forget(id, at);
            }
        }
    }

    fn forget(&mut self, id: EventId, at: Position) {
        if self.positions.get(&id) == Some(&at) {
            self.positions.remove(&id);
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
        ids.push(EventId(4), Position(6));
        ids.push(EventId(7), Position(7));
        assert_eq!(ids.get(EventId(4)), Some(Position(6)), "the newer of two counts, and outlives the older");
        (8..=10).for_each(|n| ids.push(EventId(n.into()), Position(n)));
        ids.take_back(2);
        assert_eq!((ids.get(EventId(8)), ids.get(EventId(9))), (Some(Position(8)), None));
    }
}
