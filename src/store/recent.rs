//! A ring of the newest blocks, shared by everyone who follows the log live.
//!
//! A thousand subscribers read the same bytes. The ring is bounded in bytes: whoever is slower than
//! that reads from the segments.

use std::collections::VecDeque;
use std::sync::{Arc, RwLock};

use crate::log::{Block, StoredEvent};
use crate::model::Position;

/// The ring.
#[derive(Debug)]
pub(super) struct Recent {
    bytes_max: usize,
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    blocks: VecDeque<Arc<RecentBlock>>,
    bytes: usize,
    /// The position that the next block begins with.
    end: Position,
}

#[derive(Debug)]
struct RecentBlock {
    first: Position,
    bytes: usize,
    events: Vec<StoredEvent>,
}

impl Recent {
    /// An empty ring behind the events before `end`.
    pub(super) fn new(bytes_max: usize, end: Position) -> Self {
        Self { bytes_max, state: RwLock::new(State { blocks: VecDeque::new(), bytes: 0, end }) }
    }

    /// Adds the next block.
    pub(super) fn push(&self, block: &Block) {
        if block.header.events == 0 {
            return;
        }
        let events: Vec<StoredEvent> = block.events().map(|(_, event)| event).collect();
        let bytes = block.bytes().len() + size_of_val(&events[..]);
        let block = RecentBlock { first: block.header.first_position, bytes, events };
        let mut state = self.state.write().expect("no panic under this lock");
        assert_eq!(state.end, block.first, "blocks follow each other");
        state.end = Position(block.first.0 + block.events.len() as u64);
        state.bytes += bytes;
        state.blocks.push_back(Arc::new(block));
        while state.bytes > self.bytes_max
            && state.blocks.len() > 1
            && let Some(oldest) = state.blocks.pop_front()
        {
            state.bytes -= oldest.bytes;
        }
    }

    /// Events after a position up to `until`, about `bytes` of them. `None` when the ring does not
    /// reach back that far.
    pub(super) fn after(&self, cursor: Position, until: Position, bytes: usize) -> Option<Vec<StoredEvent>> {
        let blocks = self.blocks_from(cursor.next())?;
        let mut events = Vec::new();
        let mut taken = 0;
        for block in &blocks {
            let skip = (cursor.0 + 1).saturating_sub(block.first.0) as usize;
            let wanted = (until.0 + 1).saturating_sub(block.first.0) as usize;
            for event in block.events.iter().take(wanted).skip(skip) {
                if taken >= bytes {
                    return Some(events);
                }
                taken += event.bytes().len();
                events.push(event.clone());
            }
        }
        Some(events)
    }

    /// The event at a position; `None` when the ring does not have it.
    pub(super) fn event(&self, position: Position) -> Option<StoredEvent> {
        let state = self.state.read().expect("no panic under this lock");
        let index = state.blocks.partition_point(|block| block.first <= position).checked_sub(1)?;
        let block = state.blocks.get(index)?;
        block.events.get((position.0 - block.first.0) as usize).cloned()
    }

    fn blocks_from(&self, position: Position) -> Option<Vec<Arc<RecentBlock>>> {
        let state = self.state.read().expect("no panic under this lock");
        let index = state.blocks.partition_point(|block| block.first <= position).checked_sub(1)?;
        Some(state.blocks.range(index..).cloned().collect())
    }
}
