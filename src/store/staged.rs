//! What a group in the making would change, once it is durable.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use indexmap::IndexMap;

use super::error::Found;
use super::heads::Known;
use super::read::Reader;
use super::transaction::Checkpoint;
use crate::log::Draft;
use crate::model::{CheckpointName, Position, Query, StreamName};

/// The changes of a group. Kept apart from the caches, which may forget.
#[derive(Debug, Default)]
pub(super) struct Staged {
    /// Where the streams of this group end in it, and how they live. In the order in which they came: which of them
    /// a full cache forgets does not depend on a hash.
    pub(super) streams: IndexMap<StreamName, Known, RandomState>,
    /// Checkpoints that were set, and deleted.
    pub(super) checkpoints: HashMap<CheckpointName, Option<Checkpoint>>,
    /// From a term's hash to the group's events that have it, for guards over queries.
    terms: HashMap<u64, Vec<usize>, RandomState>,
    /// How many events are in `terms`: filled when the first guard asks.
    indexed: usize,
}

impl Staged {
    /// The newest event of the group that matches.
    pub(super) fn newest_match(&mut self, draft: &Draft, query: &Query, reader: &Reader) -> Option<Found> {
        if draft.events() == 0 {
            return None;
        }
        self.index(draft, reader);
        let signs = reader.index.plan(query).signs();
        let newest = if signs.is_empty() {
            (0..self.indexed).rev().find(|event| is_match(draft, query, *event))
        } else {
            let lists = signs.iter().filter_map(|term| self.terms.get(&term.hash));
            lists.filter_map(|list| list.iter().rev().copied().find(|event| is_match(draft, query, *event))).max()
        };
        newest.map(|event| Found {
            position: Position(draft.first_position().0 + event as u64),
            event_type: draft.labels(event).event_type.to_owned(),
        })
    }

    fn index(&mut self, draft: &Draft, reader: &Reader) {
        for event in self.indexed..draft.events() {
            let terms = &mut self.terms;
            reader.index.terms().each(&draft.labels(event), |term| terms.entry(term.hash).or_default().push(event));
        }
        self.indexed = draft.events();
    }
}

fn is_match(draft: &Draft, query: &Query, event: usize) -> bool {
    query.matches(&draft.labels(event))
}
