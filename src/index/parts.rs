//! The parts of an index, and their filters.

use std::ops::{Deref, Range};
use std::sync::Arc;

use super::part::Part;
use super::places::Places;
use super::sieve::{Sieve, TOGETHER};
use super::{Term, TermKind};

/// The parts, in the order of the log. Replaced as a whole, so that a question holds one of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Parts {
    list: Vec<Arc<dyn Part>>,
    /// The filters that are held in memory, each with the place of its first part; ascending.
    sieves: Vec<(usize, Sieve)>,
    /// The places of parts that are in memory.
    in_memory: Vec<usize>,
}

impl Parts {
    pub(super) fn push(&mut self, part: Arc<dyn Part>, sieve: Option<Sieve>) {
        let place = self.list.len();
        self.list.push(part.clone());
        self.put(place, part, sieve);
    }

    /// Puts a part in the place of another one of the same segment. The filter of that one stays, if there is
    /// one: it is of the same terms.
    pub(super) fn put(&mut self, place: usize, part: Arc<dyn Part>, sieve: Option<Sieve>) {
        self.in_memory.retain(|other| *other != place);
        if part.is_in_memory() {
            self.in_memory.push(place);
        }
        self.list[place] = part;
        let at = self.sieves.partition_point(|(first, _)| *first <= place);
        let is_covered = at > 0 && place < columns(&self.sieves[at - 1]).end;
        if let Some(sieve) = sieve.filter(|_| !is_covered) {
            self.sieves.insert(at, (place, sieve));
        }
    }

    /// What is held of sealed parts, in bytes.
    pub(super) fn held_bytes(&self) -> u64 {
        let parts: u64 = self.list.iter().map(|part| part.held_bytes()).sum();
        parts + self.sieves.iter().map(|(_, sieve)| sieve.bytes()).sum::<u64>()
    }

    /// Gives up what is held of the oldest parts, until the rest takes at most `bytes`.
    pub(super) fn lighten(&mut self, bytes: u64) {
        while self.held_bytes() > bytes && !self.sieves.is_empty() {
            let oldest = self.sieves.remove(0);
            for part in &mut self.list[columns(&oldest)] {
                if let Some(lean) = part.lean() {
                    *part = lean;
                }
            }
        }
    }

    /// Filters of neighbours put together, with the place of the first part; `None` when no more can be.
    pub(super) fn together(&self) -> Option<(usize, Sieve)> {
        self.sieves.windows(TOGETHER).find_map(|some| {
            let ((first, sieve), (last, _)) = (&some[0], &some[TOGETHER - 1]);
            let width = sieve.columns();
            let are_alike = some.iter().all(|(_, other)| other.columns() == width);
            let are_neighbours = are_alike && last - first == width * (TOGETHER - 1);
            let can_be = are_neighbours && sieve.can_grow() && first.is_multiple_of(width * TOGETHER);
            can_be.then(|| (*first, Sieve::together(&std::array::from_fn(|column| some[column].1.clone()))))
        })
    }

    /// Puts a filter in the place of those it is made of.
    pub(super) fn put_together(&mut self, first: usize, sieve: Sieve) {
        let columns = first..first + sieve.columns();
        self.sieves.retain(|(place, _)| !columns.contains(place));
        let at = self.sieves.partition_point(|(place, _)| *place < first);
        self.sieves.insert(at, (first, sieve));
    }

    /// The parts of a range that may have a term, as far as memory tells; never asks the disk.
    pub(super) fn with(&self, term: Term, range: Range<usize>) -> Places {
        let mut places = Places::all(range.clone());
        if term.kind != TermKind::EventId {
            let from = self.sieves.partition_point(|sieve| columns(sieve).end <= range.start);
            for (first, sieve) in self.sieves[from..].iter().take_while(|(first, _)| *first < range.end) {
                places.keep(*first, sieve.columns(), sieve.may_have(term.hash));
            }
        }
        for place in self.in_memory.iter().filter(|place| range.contains(place)) {
            // Such a part has the lists themselves at hand.
            let has_none = matches!(self.list[*place].postings(term), Ok(None));
            places.keep(*place, 1, (!has_none).into());
        }
        places
    }
}

impl Deref for Parts {
    type Target = [Arc<dyn Part>];

    fn deref(&self) -> &Self::Target {
        &self.list
    }
}

fn columns((first, sieve): &(usize, Sieve)) -> Range<usize> {
    *first..first + sieve.columns()
}
