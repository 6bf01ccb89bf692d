//! The index of the segment that is being written, in memory.
//!
//! Bounded by the size of a segment. A term with one event costs one map entry; only terms with more
//! own a list. The map is divided, so that growing never moves much of it at once.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Bound;
use std::sync::{Arc, RwLock};

use super::part::{self, Control, EVENTS_PER_TIME, Part, Postings};
use super::tally::Tally;
use super::{Error, Term, TermKind, Terms};
use crate::log::{Place, Placed, Slot};
use crate::model::{Position, Revision, StreamName, Timestamp};

/// Marks a map value as the number of a list.
const LIST: u32 = 1 << 31;

/// The map is divided by so many bits of the hash.
const SHARD_BITS: u32 = 8;

/// How many events are taken in while readers wait.
const EVENTS_AT_ONCE: usize = 256;

/// A growing part.
#[derive(Debug)]
pub(super) struct Active {
    terms: Terms,
    segment: u32,
    first_position: Position,
    state: RwLock<State>,
}

/// What an active part knows; the sealed file is built from it.
#[derive(Debug)]
pub(super) struct State {
    pub(super) offsets: Vec<u32>,
    /// The time of every [`EVENTS_PER_TIME`]th event.
    pub(super) times: Vec<Timestamp>,
    /// From a term's hash to an ordinal, or to a list of them; by the top of the hash.
    shards: Vec<HashMap<u64, u32, BuildHasherDefault<Hashed>>>,
    lists: Vec<Vec<u32>>,
    /// The hashes of terms that the filter must let through: each where it was new in this segment.
    pub(super) filtered: Vec<u64>,
    pub(super) names: BTreeSet<StreamName>,
    pub(super) tally: Tally,
    pub(super) controls: Vec<(Slot, u32)>,
    /// The header checksum of the last block taken in.
    pub(super) last_block: u32,
}

impl Default for State {
    fn default() -> Self {
        Self {
            offsets: Vec::new(),
            times: Vec::new(),
            shards: (0..1 << SHARD_BITS).map(|_| HashMap::default()).collect(),
            lists: Vec::new(),
            filtered: Vec::new(),
            names: BTreeSet::new(),
            tally: Tally::default(),
            controls: Vec::new(),
            last_block: 0,
        }
    }
}

impl State {
    /// The ordinals that have a term, by hash.
    pub(super) fn ordinals(&self, hash: u64) -> &[u32] {
        match self.shards[shard(hash)].get(&hash) {
            None => &[],
            Some(value) if value & LIST != 0 => &self.lists[(value & !LIST) as usize],
            Some(value) => std::slice::from_ref(value),
        }
    }

    /// The hashes of all terms.
    pub(super) fn hashes(&self) -> impl Iterator<Item = u64> {
        self.shards.iter().flat_map(|shard| shard.keys().copied())
    }

    fn post(&mut self, term: Term, ordinal: u32) {
        let hash = term.hash;
        let value = match self.shards[shard(hash)].entry(hash) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                entry.insert(ordinal);
                if term.kind != TermKind::EventId {
                    self.filtered.push(hash);
                }
                return;
            }
        };
        if *value & LIST != 0 {
            let list = &mut self.lists[(*value & !LIST) as usize];
            // Two terms of one event may have the same hash.
            if list.last() != Some(&ordinal) {
                list.push(ordinal);
            }
        } else if *value != ordinal {
            self.lists.push(vec![*value, ordinal]);
            *value = LIST | (self.lists.len() - 1) as u32;
        }
    }
}

fn shard(hash: u64) -> usize {
    (hash >> (64 - SHARD_BITS)) as usize
}

impl Active {
    pub(super) fn new(terms: Terms, segment: u32, first_position: Position) -> Self {
        Self { terms, segment, first_position, state: RwLock::default() }
    }

    /// Takes in a block of this segment, and shows every term of it but ids to `seen`.
    pub(super) fn learn(&self, placed: &Placed, seen: &mut dyn FnMut(Term)) {
        let block = &placed.block;
        let mut events = block.events().peekable();
        // Readers get in between: what they see of a block that is not published yet lies beyond their head.
        while events.peek().is_some() {
            let mut state = self.state.write().expect("no panic under this lock");
            for (entry, event) in events.by_ref().take(EVENTS_AT_ONCE) {
                let ordinal = state.offsets.len() as u32;
                assert_eq!(event.position().0, self.first_position.0 + u64::from(ordinal), "positions are dense");
                state.offsets.push(placed.place.offset + entry.offset);
                if ordinal.is_multiple_of(EVENTS_PER_TIME) {
                    state.times.push(event.recorded_at());
                }
                let labels = event.labels();
                self.terms.each(&labels, |term| {
                    state.post(term, ordinal);
                    seen(term);
                });
                state.post(self.terms.event_id(entry.id), ordinal);
                let is_first = event.revision() == Revision::FIRST;
                if is_first {
                    state.names.insert(StreamName::from_log(labels.stream));
                }
                if !event.is_system() {
                    state.tally.add(&labels, event.recorded_at(), is_first);
                }
            }
        }
        let mut state = self.state.write().expect("no panic under this lock");
        for entry in block.controls() {
            state.controls.push((block.header.slot, placed.place.offset + entry.offset));
        }
        state.last_block = block.header.crc;
    }

    /// Lets `look` see everything.
    pub(super) fn with_state<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state.read().expect("no panic under this lock"))
    }
}

impl Part for Active {
    fn segment(&self) -> u32 {
        self.segment
    }

    fn first_position(&self) -> Position {
        self.first_position
    }

    fn events(&self) -> u32 {
        self.with_state(|state| state.offsets.len() as u32)
    }

    fn first_time(&self) -> Option<Timestamp> {
        self.with_state(|state| state.times.first().copied())
    }

    fn is_in_memory(&self) -> bool {
        true
    }

    fn held_bytes(&self) -> u64 {
        0
    }

    fn lean(&self) -> Option<Arc<dyn Part>> {
        None
    }

    fn postings(&self, term: Term) -> Result<Option<Postings>, Error> {
        let count = self.with_state(|state| state.ordinals(term.hash).len());
        Ok((count > 0).then_some(Postings { term, count, at: 0, few: None }))
    }

    fn ordinals(&self, of: &Postings, skip: usize, most: usize) -> Result<Vec<u32>, Error> {
        self.with_state(|state| {
            let list = state.ordinals(of.term.hash);
            // Lists grow. One that was longer is a sealed part's, with the ordinals of another term in it.
            if list.len() < of.count {
                return Err(Error::Replaced);
            }
            Ok(list.iter().skip(skip).take(most).copied().collect())
        })
    }

    fn rank(&self, of: &Postings, ordinal: u32) -> Result<usize, Error> {
        Ok(self.with_state(|state| state.ordinals(of.term.hash).partition_point(|one| *one < ordinal)))
    }

    fn offsets(&self, ordinal: u32, most: usize) -> Result<Vec<u32>, Error> {
        Ok(self.with_state(|state| state.offsets.iter().skip(ordinal as usize).take(most).copied().collect()))
    }

    fn around(&self, time: Timestamp) -> Result<(u32, u32), Error> {
        Ok(self.with_state(|state| part::around(&state.times, state.offsets.len() as u32, time)))
    }

    fn names(&self, from: &str, most: usize) -> Result<Vec<String>, Error> {
        let range = (Bound::Included(from), Bound::Unbounded);
        Ok(self.with_state(|state| state.names.range::<str, _>(range).take(most).map(ToString::to_string).collect()))
    }

    fn tally(&self) -> Result<Tally, Error> {
        Ok(self.with_state(|state| state.tally.clone()))
    }

    fn controls(&self, slot: Slot) -> Result<Vec<Control>, Error> {
        let place = |offset| Place { segment: self.segment, offset };
        Ok(self.with_state(|state| {
            let after = state.controls.iter().filter(|(at, _)| *at > slot);
            after.map(|(slot, offset)| Control { slot: *slot, place: place(*offset) }).collect()
        }))
    }
}

/// Takes a hash as it is: terms are hashed already, with a seed that clients do not know.
#[derive(Debug, Default)]
pub(super) struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        // The map looks at the top bits, which all entries of a shard share.
        self.0.rotate_left(SHARD_BITS)
    }

    fn write(&mut self, _bytes: &[u8]) {
        unreachable!("only 64-bit numbers are hashed here");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
