//! What clients were told, and whether a store keeps to it.
//!
//! A witness outlives the store's lives. What a store has shown once counts as told: a reader may have
//! acted on it. What a start has not shown is gone, and must not come back.

use std::collections::HashMap;

use bytes::Bytes;
use quipu::log::StoredEvent;
use quipu::model::{CheckpointName, EventId, Position, ProposedEvent, Revision, StreamName};
use quipu::store::read::PageSize;
use quipu::store::{Appended, Error, Store};

use crate::questions::wrong_answers;
use crate::tracks::{Tracks, is_unknown};

/// What a client knows of its append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is at this revision and this position.
    In(Revision, Position),
    /// It is not in.
    Out,
    /// No answer came.
    Unknown,
}

/// An append that was tried.
#[derive(Debug)]
pub(crate) struct Tried {
    pub(crate) stream: StreamName,
    pub(crate) events: Vec<ProposedEvent>,
    pub(crate) outcome: Outcome,
}

/// A snapshot that was acknowledged: its stream, its revision, and how its bytes begin.
pub(crate) type Saved = (StreamName, Revision, Bytes);

/// A transaction that was not answered: two appends, and where it moves whose checkpoint.
pub(crate) type Unanswered = ([usize; 2], CheckpointName, u64);

/// Everything that clients were told.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    pub(crate) appends: Vec<Tried>,
    pub(crate) snapshots: Vec<Saved>,
    pub(crate) tracks: Tracks,
    pub(crate) unanswered: Vec<Unanswered>,
}

impl Tried {
    /// What the answer says.
    pub(crate) fn answered(&mut self, answer: &Result<Appended, Error>) {
        self.outcome = match answer {
            Ok(appended) => Outcome::In(appended.first_revision, appended.first_position),
            answer if is_unknown(answer) => Outcome::Unknown,
            Err(_) => Outcome::Out,
        };
    }

    /// Compares what was told with what is there, and takes what is there for told.
    fn settle(&mut self, found: &HashMap<EventId, &StoredEvent>, faults: &mut Vec<String>) {
        let here: Vec<&StoredEvent> = self.events.iter().filter_map(|event| found.get(&event.id).copied()).collect();
        let first = self.events[0].id;
        if !here.is_empty() && here.len() < self.events.len() {
            faults.push(format!("half an append: {} of {} events of {first}", here.len(), self.events.len()));
            return;
        }
        let place = here.first().map(|event| (event.revision(), event.position()));
        match (self.outcome, place) {
            (Outcome::In(revision, position), None) => {
                faults.push(format!("lost: append {first} at revision {revision}, position {position}"));
            }
            (Outcome::In(revision, position), Some(found)) if found != (revision, position) => {
                faults.push(format!("moved: append {first} was at {revision}, {position}, is at {found:?}"));
            }
            (Outcome::Out, Some(found)) => faults.push(format!("refused or gone, but there: {first} at {found:?}")),
            (_, Some((revision, position))) => self.outcome = Outcome::In(revision, position),
            (_, None) => self.outcome = Outcome::Out,
        }
        for (index, (event, proposed)) in here.iter().zip(&self.events).enumerate() {
            let place = place.map(|(revision, position)| (revision.0 + index as u64, position.0 + index as u64));
            let is_right = Some((event.revision().0, event.position().0)) == place
                && event.stream() == self.stream.as_str()
                && event.bytes().starts_with(&proposed.bytes);
            if !is_right {
                faults.push(format!("changed: event {index} of append {first}"));
            }
        }
    }
}

impl Witness {
    /// Compares a store with what was told. What it shows counts as told from now on.
    pub(crate) fn check(&mut self, store: &Store) -> Vec<String> {
        let mut faults = Vec::new();
        let events = match whole_log(store) {
            Ok(events) => events,
            Err(error) => return vec![format!("the log can not be read: {error}")],
        };
        let mut found = HashMap::new();
        let mut next: HashMap<&str, u64> = HashMap::new();
        for (event, position) in events.iter().zip(1..) {
            let revision = next.entry(event.stream()).or_default();
            if (event.position().0, event.revision().0) != (position, *revision) {
                faults.push(format!("not dense: position {position}, revision {revision} of {}", event.stream()));
            }
            *revision += 1;
            found.insert(event.id().expect("an event has an id"), event);
        }
        if found.len() != events.len() {
            faults.push("an event id is there twice".into());
        }
        let tried: usize = self
            .appends
            .iter_mut()
            .map(|tried| {
                tried.settle(&found, &mut faults);
                tried.events.iter().filter(|event| found.contains_key(&event.id)).count()
            })
            .sum();
        let appended = events.iter().filter(|event| !event.is_system()).count();
        if tried != appended {
            faults.push(format!("{} events that nobody appended", appended - tried));
        }
        faults.extend(self.tracks.check(store));
        faults.extend(self.unanswered.iter().filter_map(|transaction| self.half_of(transaction)));
        faults.extend(wrong_answers(store, &events));
        faults.extend(next.iter().filter_map(|(stream, count)| wrong_head(store, stream, *count)));
        faults.extend(found.iter().filter_map(|(id, event)| not_found(store, *id, event)));
        faults.extend(self.snapshots.iter().filter_map(|saved| lost_snapshot(store, saved)));
        faults
    }
}

impl Witness {
    /// Says when one part of a transaction is in and another is not.
    fn half_of(&self, (appends, reader, to): &Unanswered) -> Option<String> {
        let is_in = |number: usize| matches!(self.appends[number].outcome, Outcome::In(..));
        let has_moved = self.tracks.checkpoints[reader].told == Some(*to);
        let parts = [is_in(appends[0]), is_in(appends[1]), has_moved];
        (parts != [true; 3] && parts != [false; 3]).then(|| format!("half a transaction of {reader}: {parts:?}"))
    }
}

fn wrong_head(store: &Store, stream: &str, count: u64) -> Option<String> {
    let head = store.reader().stream_head(&StreamName::from_log(stream));
    let head = head.map(|head| head.map_or(0, |head| head.revision.0 + 1));
    (head.as_ref().ok() != Some(&count)).then(|| format!("stream {stream} has {count} events, its head says {head:?}"))
}

fn not_found(store: &Store, id: EventId, event: &StoredEvent) -> Option<String> {
    let by_id = store.event_by_id(id);
    (by_id.as_ref().ok() != Some(event)).then(|| format!("event {id} is not found by its id: {by_id:?}"))
}

fn lost_snapshot(store: &Store, (stream, revision, bytes): &Saved) -> Option<String> {
    let found = store.snapshot(stream, Some(*revision));
    let is_there = matches!(&found, Ok(Some((at, found))) if at == revision && found.starts_with(bytes));
    (!is_there).then(|| format!("lost: the snapshot of {stream} at revision {revision}"))
}

/// All events, page by page.
pub(crate) fn whole_log(store: &Store) -> Result<Vec<StoredEvent>, Error> {
    let mut events = Vec::new();
    while (events.len() as u64) < store.head().0 {
        let from = Position(events.len() as u64 + 1);
        let page = store.reader().log_forwards(from, store.head(), PageSize { bytes: 1 << 20, events: usize::MAX })?;
        if page.is_empty() {
            return Err(Error::EventNotFound);
        }
        events.extend(page);
    }
    Ok(events)
}
