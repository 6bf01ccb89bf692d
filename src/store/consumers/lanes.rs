//! Lanes: what must be dealt with one after the other.
//!
//! Each outstanding event stands in one lane, in the order of the log. Only the first of a lane may be with a
//! member; the others wait until it is settled, however long that takes. Lanes do not wait for each other.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::log::StoredEvent;
use crate::model::{Order, Position};

/// A lane. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Lane {
    /// The events of a stream, or with the same value of a tag.
    Named(Arc<str>),
    /// One event that stands for itself.
    Alone(Position),
}

impl Lane {
    /// The lane of an event.
    pub(super) fn of(order: &Order, event: &StoredEvent) -> Self {
        let named = match order {
            Order::ByStream => Some(event.stream().into()),
            Order::ByTag(key) => {
                let has_key = |tag: &&str| tag.strip_prefix(key.as_str()).is_some_and(|rest| rest.starts_with(':'));
                event.labels().tags.iter().copied().find(has_key).map(Arc::from)
            }
            Order::Unordered => None,
        };
        named.map_or(Self::Alone(event.position()), Self::Named)
    }
}

/// All lanes with outstanding events.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    lanes: HashMap<Lane, Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Ascending.
    positions: VecDeque<Position>,
    /// Whether a member has one of them.
    is_busy: bool,
}

impl Lanes {
    /// Puts an event in its lane, where its position belongs. When it is now the first, returns whom it stands
    /// before.
    pub(super) fn enter(&mut self, lane: &Lane, position: Position) -> Option<Position> {
        let positions = &mut self.lanes.entry(lane.clone()).or_default().positions;
        let at = positions.partition_point(|other| *other < position);
        positions.insert(at, position);
        positions.get(1).copied().filter(|_| at == 0)
    }

    /// The event of a lane that may go out next; none as long as a member has one of them.
    pub(super) fn next(&self, lane: &Lane) -> Option<Position> {
        self.lanes.get(lane).filter(|waiting| !waiting.is_busy)?.positions.front().copied()
    }

    /// Notes whether a member has an event of a lane.
    pub(super) fn set_busy(&mut self, lane: &Lane, is_busy: bool) {
        if let Some(waiting) = self.lanes.get_mut(lane) {
            waiting.is_busy = is_busy;
        }
    }

    /// Takes an event out of its lane.
    pub(super) fn leave(&mut self, lane: &Lane, position: Position) {
        let Some(Waiting { positions, .. }) = self.lanes.get_mut(lane) else { return };
        if let Ok(at) = positions.binary_search(&position) {
            positions.remove(at);
        }
        if positions.is_empty() {
            self.lanes.remove(lane);
        }
    }
}

#[cfg(test)]
impl Lanes {
    pub(super) fn len(&self) -> usize {
        self.lanes.len()
    }

    /// The events of a lane, and whether it is busy.
    pub(super) fn of(&self, lane: &Lane) -> Option<(Vec<Position>, bool)> {
        self.lanes.get(lane).map(|waiting| (waiting.positions.iter().copied().collect(), waiting.is_busy))
    }
}
