//! The index of the segment that is being written, in memory.
//!
//! Bounded by the size of a segment. A term with one event costs one map entry; only terms with more
//! own a list.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Bound;
use std::sync::RwLock;

use super::part::{Control, Part};
use super::{Error, Term, Terms};
use crate::log::{Place, Placed, Slot};
use crate::model::{Position, Revision, StreamName};

/// Marks a map value as the number of a list.
const LIST: u32 = 1 << 31;

/// A growing part.
#[derive(Debug)]
pub(super) struct Active {
    terms: Terms,
    segment: u32,
    first_position: Position,
    state: RwLock<State>,
}

/// What an active part knows; the sealed file is built from it.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) offsets: Vec<u32>,
    /// From a term's hash to an ordinal, or to a list of them.
    pub(super) postings: HashMap<u64, u32, BuildHasherDefault<Hashed>>,
    pub(super) lists: Vec<Vec<u32>>,
    /// The hashes of stream terms, for the filter: each stream's first event in this segment.
    pub(super) stream_hashes: Vec<u64>,
    pub(super) names: BTreeSet<StreamName>,
    pub(super) controls: Vec<(Slot, u32)>,
}

impl State {
    /// The ordinals that have a term, by hash.
    pub(super) fn ordinals(&self, hash: u64) -> &[u32] {
        match self.postings.get(&hash) {
            None => &[],
            Some(value) if value & LIST != 0 => &self.lists[(value & !LIST) as usize],
            Some(value) => std::slice::from_ref(value),
        }
    }

    /// Whether the term was new.
    fn post(&mut self, hash: u64, ordinal: u32) -> bool {
        let Some(value) = self.postings.get_mut(&hash) else {
            self.postings.insert(hash, ordinal);
            return true;
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
        false
    }
}

impl Active {
    pub(super) fn new(terms: Terms, segment: u32, first_position: Position) -> Self {
        Self { terms, segment, first_position, state: RwLock::default() }
    }

    /// Takes in a block of this segment.
    pub(super) fn learn(&self, placed: &Placed) {
        let block = &placed.block;
        let mut state = self.state.write().expect("no panic under this lock");
        for (entry, event) in block.events() {
            let ordinal = state.offsets.len() as u32;
            assert_eq!(event.position().0, self.first_position.0 + u64::from(ordinal), "positions are dense");
            state.offsets.push(placed.place.offset + entry.offset);
            let stream = self.terms.stream(event.stream()).hash;
            if state.post(stream, ordinal) {
                state.stream_hashes.push(stream);
            }
            state.post(self.terms.event_id(entry.id).hash, ordinal);
            if event.revision() == Revision::FIRST {
                state.names.insert(StreamName::from_log(event.stream()));
            }
        }
        for entry in block.controls() {
            state.controls.push((block.header.slot, placed.place.offset + entry.offset));
        }
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

    fn offsets(&self, ordinal: u32, most: usize) -> Result<Vec<u32>, Error> {
        Ok(self.with_state(|state| state.offsets.iter().skip(ordinal as usize).take(most).copied().collect()))
    }

    fn count(&self, term: Term) -> Result<usize, Error> {
        Ok(self.with_state(|state| state.ordinals(term.hash).len()))
    }

    fn ordinals(&self, term: Term, skip: usize, most: usize) -> Result<Vec<u32>, Error> {
        Ok(self.with_state(|state| state.ordinals(term.hash).iter().skip(skip).take(most).copied().collect()))
    }

    fn names(&self, from: &str, most: usize) -> Result<Vec<String>, Error> {
        let range = (Bound::Included(from), Bound::Unbounded);
        Ok(self.with_state(|state| state.names.range::<str, _>(range).take(most).map(ToString::to_string).collect()))
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
        self.0
    }

    fn write(&mut self, _bytes: &[u8]) {
        unreachable!("only 64-bit numbers are hashed here");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
