//! The model: a list of everything that went in, searched from one end to the other.
//!
//! It has no index, no window of ids and no cache: each answer is computed from the list, by the words
//! of the guarantees. What the store does otherwise is the store's fault or the model's; both matter.

use std::collections::BTreeMap;

use quipu::log::StoredEvent;
use quipu::model::wire::{fixed64_field, put_bytes};
use quipu::model::{EventId, ExpectedRevision, Position, Revision, Timestamp};
use quipu::store::Appended;

use crate::checked::{Checked, same};
use crate::offers::Tried;

/// An event that went in. Its place in the list is its position less one.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) stream: String,
    pub(crate) revision: u64,
    pub(crate) id: u128,
    pub(crate) data: Vec<u8>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) at: Timestamp,
}

/// A snapshot that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Saved {
    pub(crate) bytes: Vec<u8>,
    pub(crate) at: Timestamp,
}

/// Why an append is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The stream is not as expected; it is at this revision.
    Guard(Option<Revision>),
    /// An id is taken.
    Taken,
}

/// The model.
#[derive(Debug, Default)]
pub(crate) struct Plain {
    pub(crate) log: Vec<Entry>,
    /// The places in the log of each stream's events.
    pub(crate) streams: BTreeMap<String, Vec<usize>>,
    pub(crate) snapshots: BTreeMap<String, BTreeMap<u64, Saved>>,
    /// What the store takes for the time: it never steps back.
    pub(crate) time: Timestamp,
    /// How many of the newest events are searched for ids.
    pub(crate) window: usize,
    /// How many snapshots of a stream are kept.
    pub(crate) kept: usize,
}

impl Plain {
    pub(crate) fn head(&self) -> u64 {
        self.log.len() as u64
    }

    pub(crate) fn stream(&self, name: &str) -> &[usize] {
        self.streams.get(name).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn last(&self, stream: &str) -> Option<Revision> {
        (self.stream(stream).len() as u64).checked_sub(1).map(Revision)
    }

    /// The clock says `now`.
    pub(crate) fn tick(&mut self, now: Timestamp) {
        self.time = self.time.max(now);
    }

    /// The store was closed and opened.
    pub(crate) fn reopened(&mut self) {
        self.time = self.log.last().map_or(Timestamp::default(), |entry| entry.at);
    }

    /// Decides an append, and takes it in if it goes in.
    pub(crate) fn append(&mut self, tried: &Tried) -> Result<Appended, Refusal> {
        let place = self.place_named(tried);
        if let Some(first) = place.filter(|first| self.says_the_same(tried, *first) == Some(true)) {
            return Ok(self.repeated(tried, first));
        }
        let window = self.log.len().saturating_sub(self.window);
        let recent = |id: u128| (window..self.log.len()).rfind(|at| self.log[*at].id == id);
        let found: Vec<_> = tried.offers.iter().map(|offer| recent(offer.id())).collect();
        if found.iter().any(Option::is_some) {
            return self.lately(tried, &found).map(|first| self.repeated(tried, first)).ok_or(Refusal::Taken);
        }
        let last = self.last(&tried.stream);
        if !tried.expected.holds(last) {
            let is_taken = place.is_some_and(|first| self.says_the_same(tried, first) == Some(false));
            return Err(if is_taken { Refusal::Taken } else { Refusal::Guard(last) });
        }
        Ok(self.take_in(tried))
    }

    /// The revision that an append's first event has if it went in as it expected.
    fn place_named(&self, tried: &Tried) -> Option<usize> {
        let first = match tried.expected {
            ExpectedRevision::NoStream => 0,
            ExpectedRevision::Exactly(revision) => usize::try_from(revision.0).ok()?.checked_add(1)?,
            ExpectedRevision::Any | ExpectedRevision::StreamExists => return None,
        };
        let end = first.checked_add(tried.offers.len())?;
        (end <= self.stream(&tried.stream).len()).then_some(first)
    }

    /// Whether the stream's events from a revision on are those of the append. The first that is not
    /// decides: `None` when it has another id, `false` when it has the same and says something else.
    fn says_the_same(&self, tried: &Tried, first: usize) -> Option<bool> {
        for (offer, at) in tried.offers.iter().zip(&self.stream(&tried.stream)[first..]) {
            let entry = &self.log[*at];
            if entry.id != offer.id() {
                return None;
            }
            if entry.data != offer.data {
                return Some(false);
            }
        }
        Some(true)
    }

    /// The revision of the first event, if all were found, in this stream, one after another, and the
    /// append expected no place or this one.
    fn lately(&self, tried: &Tried, found: &[Option<usize>]) -> Option<usize> {
        let first = self.log[(*found.first()?)?].revision as usize;
        for (index, (offer, at)) in tried.offers.iter().zip(found).enumerate() {
            let entry = &self.log[(*at)?];
            let is_there = entry.stream == tried.stream && entry.revision as usize == first + index;
            if !is_there || entry.data != offer.data {
                return None;
            }
        }
        matches!(tried.expected, ExpectedRevision::Any | ExpectedRevision::StreamExists).then_some(first)
    }

    fn repeated(&self, tried: &Tried, first: usize) -> Appended {
        let places = &self.stream(&tried.stream)[first..first + tried.offers.len()];
        Appended {
            first_revision: Revision(first as u64),
            last_revision: Revision((first + places.len() - 1) as u64),
            first_position: Position(places[0] as u64 + 1),
            last_position: Position(places[places.len() - 1] as u64 + 1),
            deduplicated: true,
        }
    }

    fn take_in(&mut self, tried: &Tried) -> Appended {
        let first = self.stream(&tried.stream).len();
        for offer in &tried.offers {
            let (position, revision) = (self.head() + 1, self.stream(&tried.stream).len() as u64);
            let mut bytes = [&offer.event.bytes[..], &offer.added].concat();
            put_bytes(&mut bytes, 11, tried.stream.as_bytes());
            bytes.extend(fixed64_field(12, revision));
            bytes.extend(fixed64_field(13, position));
            bytes.extend(self.time.encode_field(14));
            self.streams.entry(tried.stream.clone()).or_default().push(self.log.len());
            self.log.push(Entry {
                stream: tried.stream.clone(),
                revision,
                id: offer.id(),
                data: offer.data.clone(),
                bytes,
                at: self.time,
            });
        }
        Appended { deduplicated: false, ..self.repeated(tried, first) }
    }

    /// Compares an event that the store showed with the one at a place in the list.
    pub(crate) fn is_at(&self, at: usize, event: &StoredEvent) -> Checked {
        let entry = self.log.get(at).ok_or_else(|| format!("an event that nobody appended: {event:?}"))?;
        let position = at as u64 + 1;
        same("the position of an event", &event.position().0, &position)?;
        same("the stream of an event", &event.stream(), &entry.stream.as_str())?;
        same(&format!("the revision of the event at {position}"), &event.revision().0, &entry.revision)?;
        same(&format!("the id of the event at {position}"), &event.id(), &Some(EventId(entry.id)))?;
        same(&format!("the time of the event at {position}"), &event.recorded_at(), &entry.at)?;
        same(&format!("the bytes of the event at {position}"), &&event.bytes()[..], &&entry.bytes[..])
    }
}
