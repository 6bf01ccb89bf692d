//! The model: a list of everything that went in, searched from one end to the other.
//!
//! It has no index, no window of ids and no cache: each answer is computed from the list, by the words
//! of the guarantees. What the store does otherwise is the store's fault or the model's; both matter.

use std::collections::BTreeMap;

use quipu::log::StoredEvent;
use quipu::model::wire::{fixed64_field, put_bytes};
use quipu::model::{EventId, LifeCycle, Revision, Timestamp};

use crate::checked::{Checked, same};
use crate::offers::added_id;
use crate::run::Wrong;
use crate::wanted::{Signs, Wanted};

/// An event that went in. Its place in the list is its position less one.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) stream: String,
    pub(crate) revision: u64,
    /// Zero as long as nobody knows it: the store gave it.
    pub(crate) id: u128,
    pub(crate) signs: Signs,
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

/// The model.
#[derive(Debug)]
pub(crate) struct Plain {
    pub(crate) log: Vec<Entry>,
    /// The places in the log of each stream's events.
    pub(crate) streams: BTreeMap<String, Vec<usize>>,
    /// What was said of each stream's life, and at which place in the log.
    pub(crate) lives: BTreeMap<String, Vec<(usize, LifeCycle)>>,
    pub(crate) snapshots: BTreeMap<String, BTreeMap<u64, Saved>>,
    /// Where consumers are, and since when.
    pub(crate) marks: BTreeMap<String, (u64, Timestamp)>,
    /// What the store takes for the time: it never steps back.
    pub(crate) time: Timestamp,
    /// How many of the newest events are searched for ids.
    pub(crate) window: usize,
    /// How many snapshots of a stream are kept.
    pub(crate) kept: usize,
    /// How many checkpoints there may be.
    pub(crate) marks_most: usize,
    pub(crate) wrong: Wrong,
}

impl Plain {
    pub(crate) fn new(wrong: Wrong) -> Self {
        Self {
            log: Vec::new(),
            streams: BTreeMap::new(),
            lives: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            marks: BTreeMap::new(),
            time: Timestamp::default(),
            window: 0,
            kept: 0,
            marks_most: 0,
            wrong,
        }
    }

    pub(crate) fn head(&self) -> u64 {
        self.log.len() as u64
    }

    pub(crate) fn stream(&self, name: &str) -> &[usize] {
        self.streams.get(name).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn last(&self, stream: &str) -> Option<Revision> {
        (self.stream(stream).len() as u64).checked_sub(1).map(Revision)
    }

    /// The places of the events that a query means.
    pub(crate) fn meant(&self, wanted: &Wanted) -> impl DoubleEndedIterator<Item = usize> {
        let means = |at: &usize| wanted.means(&self.log[*at].stream, &self.log[*at].signs);
        (0..self.log.len()).filter(means)
    }

    /// The clock says `now`.
    pub(crate) fn tick(&mut self, now: Timestamp) {
        self.time = self.time.max(now);
    }

    /// The store was closed and opened.
    pub(crate) fn reopened(&mut self) {
        self.time = self.log.last().map_or(Timestamp::default(), |entry| entry.at);
    }

    /// Takes in an event: the bytes that the client sent and the id behind them.
    pub(crate) fn put(&mut self, stream: &str, id: u128, signs: &Signs, data: &[u8], sent: &[u8]) {
        let (position, revision) = (self.head() + 1, self.stream(stream).len() as u64);
        let mut bytes = sent.to_vec();
        put_bytes(&mut bytes, 11, stream.as_bytes());
        bytes.extend(fixed64_field(12, revision));
        bytes.extend(fixed64_field(13, position));
        bytes.extend(self.time.encode_field(14));
        self.streams.entry(stream.to_owned()).or_default().push(self.log.len());
        self.log.push(Entry {
            stream: stream.to_owned(),
            revision,
            id,
            signs: signs.clone(),
            data: data.to_vec(),
            bytes,
            at: self.time,
        });
    }

    /// Learns the ids that the store gave to events of its own. They stand between what such an event
    /// says and the fields of the server.
    pub(crate) fn learn_ids(&mut self, id_at: impl Fn(u64) -> Result<EventId, String>) -> Checked {
        for (at, entry) in self.log.iter_mut().enumerate().filter(|(_, entry)| entry.id == 0) {
            entry.id = id_at(at as u64 + 1)?.0;
            let mut said = Vec::new();
            put_bytes(&mut said, 2, entry.signs.event_type.as_bytes());
            put_bytes(&mut said, 3, &entry.data);
            let behind = entry.bytes.split_off(said.len());
            entry.bytes = [said, added_id(entry.id, true), behind].concat();
        }
        Ok(())
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
