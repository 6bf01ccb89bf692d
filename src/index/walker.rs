//! Walks over ordered lists: one, the union of some, the intersection of some; in either direction.
//!
//! Every walker answers one question, [`Walker::seek`]: the first ordinal at a place or beyond it. An
//! intersection leaps: whoever is furthest says where the others go on.

use std::sync::Arc;

use super::part::{Part, Postings};
use super::plan::Plan;
use super::{Error, Index};
use crate::model::Walk;

/// How many ordinals are read at first; then twice as many each time.
const CHUNK_MIN: usize = 16;
const CHUNK_MAX: usize = 4096;

/// What is walked over, in one part of the index.
#[derive(Debug)]
pub(super) enum Walker {
    /// Every ordinal.
    Every,
    /// One list.
    List(List),
    /// What is in any.
    Any(Vec<Walker>),
    /// What is in all.
    All(Vec<Walker>),
}

/// A list, and the piece of it that is at hand.
#[derive(Debug)]
pub(super) struct List {
    part: Arc<dyn Part>,
    postings: Postings,
    chunk: Vec<u32>,
    /// The place of the chunk's first ordinal in the list.
    start: usize,
    /// Nothing of the list lies between this and the chunk, so the chunk answers what is asked from here on.
    reach: u32,
    size: usize,
}

impl Walker {
    /// The candidates of a plan in a part; `None` when there are none.
    pub(super) fn of(plan: &Plan, index: &Index, part: &Arc<dyn Part>, walk: Walk) -> Result<Option<Self>, Error> {
        let mut items = Vec::new();
        'items: for item in &plan.items {
            let mut sets = Vec::new();
            for set in item {
                let mut lists = Vec::new();
                for term in set {
                    let postings = index.ask(part, |part| part.postings(*term))?;
                    lists.extend(postings.map(|postings| Self::List(List::new(part.clone(), postings, walk))));
                }
                match one_or(lists, Self::Any) {
                    Some(walker) => sets.push(walker),
                    None => continue 'items,
                }
            }
            items.push(one_or(sets, Self::All).unwrap_or(Self::Every));
        }
        Ok(one_or(items, Self::Any))
    }

    /// The first ordinal at `from` or beyond it.
    pub(super) fn seek(&mut self, index: &Index, from: u32, walk: Walk) -> Result<Option<u32>, Error> {
        match self {
            Self::Every => Ok(Some(from)),
            Self::List(list) => list.seek(index, from, walk),
            Self::Any(walkers) => {
                let mut nearest = None;
                for walker in walkers {
                    let found = walker.seek(index, from, walk)?;
                    nearest = match (nearest, found) {
                        (Some(one), Some(other)) if is_beyond(other, one, walk) => Some(one),
                        (one, None) => one,
                        (_, found) => found,
                    };
                }
                Ok(nearest)
            }
            Self::All(walkers) => {
                let mut at = from;
                'agree: loop {
                    for walker in walkers.iter_mut() {
                        let Some(found) = walker.seek(index, at, walk)? else { return Ok(None) };
                        if found != at {
                            at = found;
                            continue 'agree;
                        }
                    }
                    return Ok(Some(at));
                }
            }
        }
    }
}

fn one_or(mut walkers: Vec<Walker>, several: impl FnOnce(Vec<Walker>) -> Walker) -> Option<Walker> {
    match walkers.len() {
        0 | 1 => walkers.pop(),
        _ => Some(several(walkers)),
    }
}

fn is_beyond(one: u32, other: u32, walk: Walk) -> bool {
    match walk {
        Walk::Forwards => one > other,
        Walk::Backwards => one < other,
    }
}

impl List {
    fn new(part: Arc<dyn Part>, postings: Postings, walk: Walk) -> Self {
        let (start, reach) = match walk {
            Walk::Forwards => (0, 0),
            Walk::Backwards => (postings.count, u32::MAX),
        };
        Self { part, postings, chunk: Vec::new(), start, reach, size: CHUNK_MIN }
    }

    fn seek(&mut self, index: &Index, from: u32, walk: Walk) -> Result<Option<u32>, Error> {
        if let Some(found) = self.at_hand(from, walk) {
            return Ok(found);
        }
        // Most often the next chunk has it; a leap far ahead is searched for.
        if !is_beyond(self.reach, from, walk) {
            let (next, reach) = match walk {
                Walk::Forwards => (self.start + self.chunk.len(), self.chunk.last().map(|last| last + 1)),
                Walk::Backwards => (self.start, self.chunk.first().map(|first| first.saturating_sub(1))),
            };
            self.reach = reach.unwrap_or(self.reach);
            self.load(index, next, walk)?;
            if let Some(found) = self.at_hand(from, walk) {
                return Ok(found);
            }
        }
        let below = index.ask(&self.part, |part| part.rank(&self.postings, from))?;
        let bound = match walk {
            Walk::Forwards => below,
            Walk::Backwards => below + usize::from(self.nth(index, below)? == Some(from)),
        };
        self.size = CHUNK_MIN;
        self.reach = from;
        self.load(index, bound.min(self.postings.count), walk)?;
        Ok(self.at_hand(from, walk).flatten())
    }

    /// The answer, when the chunk at hand has it: outer `None` when it does not tell.
    fn at_hand(&self, from: u32, walk: Walk) -> Option<Option<u32>> {
        if is_beyond(self.reach, from, walk) {
            return None;
        }
        let (found, reaches_end) = match walk {
            Walk::Forwards => {
                let at = self.chunk.partition_point(|one| *one < from);
                (self.chunk.get(at), self.start + self.chunk.len() == self.postings.count)
            }
            Walk::Backwards => {
                let end = self.chunk.partition_point(|one| *one <= from);
                (end.checked_sub(1).and_then(|at| self.chunk.get(at)), self.start == 0)
            }
        };
        match found {
            Some(found) => Some(Some(*found)),
            None => reaches_end.then_some(None),
        }
    }

    /// Takes the chunk that begins at a place of the list, or ends before it when walking backwards.
    fn load(&mut self, index: &Index, place: usize, walk: Walk) -> Result<(), Error> {
        let (start, most) = match walk {
            Walk::Forwards => (place, self.size),
            Walk::Backwards => (place.saturating_sub(self.size), self.size.min(place)),
        };
        self.size = (self.size * 2).min(CHUNK_MAX);
        self.chunk = index.ask(&self.part, |part| part.ordinals(&self.postings, start, most))?;
        // An active part's list may have grown since its length was asked for.
        self.chunk.truncate(self.postings.count.saturating_sub(start));
        self.start = start;
        Ok(())
    }

    fn nth(&self, index: &Index, place: usize) -> Result<Option<u32>, Error> {
        Ok(index.ask(&self.part, |part| part.ordinals(&self.postings, place, 1))?.first().copied())
    }
}
