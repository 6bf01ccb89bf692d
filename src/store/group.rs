//! One group commit in the making: the verdict on each request, in order.
//!
//! A request is decided against what is committed *and* what the group holds so far, so two appends
//! of one group can build on each other. A request that is refused leaves no trace in the group. No
//! verdict is told before the group is durable: a refusal may rest on it as well.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::Error;
use super::heads::{Heads, StreamHead};
use super::idempotency::RecentIds;
use super::read::Reader;
use super::snapshots::{encode_deleted, encode_saved};
use super::store::{Append, Appended};
use crate::log::record::{self, Kind, Stamp};
use crate::log::{Draft, StoredEvent};
use crate::model::event::same_content;
use crate::model::time::TIME_FIELD_BYTES;
use crate::model::{
    EventId, ExpectedRevision, Position, ProposedEvent, ProposedSnapshot, Revision, StreamName, Timestamp,
};

/// Where an answer goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, Error>>;

/// What the writer is asked to write.
#[derive(Debug)]
pub(super) enum Request {
    /// Events.
    Append { append: Append, reply: Reply<Appended>, permit: OwnedSemaphorePermit },
    /// A snapshot. The answer is when it was saved.
    Save { snapshot: ProposedSnapshot, reply: Reply<Timestamp>, permit: OwnedSemaphorePermit },
    /// The end of snapshots. The answer is how many.
    Delete { stream: StreamName, revision: Option<Revision>, reply: Reply<usize> },
    /// The end of the store, after everything asked for before.
    Close { reply: oneshot::Sender<()> },
}

/// What the writer knows, which a verdict rests on.
#[derive(Debug)]
pub(super) struct Knowledge {
    pub(super) heads: Heads,
    pub(super) ids: RecentIds,
    pub(super) reader: Reader,
}

impl Knowledge {
    /// Where a stream ends.
    pub(super) fn head(&mut self, stream: &StreamName) -> Result<Option<StreamHead>, Error> {
        if let Some(known) = self.heads.get(stream) {
            return Ok(known);
        }
        let head = self.reader.stream_head(stream)?;
        self.heads.put(stream.clone(), head);
        Ok(head)
    }
}

/// A group in the making.
pub(super) struct Group {
    pub(super) draft: Draft,
    /// Bytes that the disk still takes.
    room: u64,
    first_position: Position,
    pub(super) now: Timestamp,
    /// How many ids of this group are in the window.
    ids: usize,
    /// Where the streams of this group end in it. Kept apart from the cache, which may forget.
    staged: HashMap<StreamName, StreamHead, RandomState>,
    pub(super) decided: Vec<Decided>,
    /// Requests that must wait until this group is durable.
    pub(super) deferred: Vec<Request>,
}

/// Whether an append can be decided already.
enum Verdict {
    Now(Result<Appended, Error>),
    /// When this group is durable: it may be a repeat of what is in it.
    Later,
}

/// A request and the verdict on it.
pub(super) enum Decided {
    Append {
        append: Append,
        reply: Reply<Appended>,
        verdict: Result<Appended, Error>,
        permit: OwnedSemaphorePermit,
    },
    Save {
        snapshot: ProposedSnapshot,
        reply: Reply<Timestamp>,
        verdict: Result<(), Error>,
        permit: OwnedSemaphorePermit,
    },
    Delete {
        stream: StreamName,
        revision: Option<Revision>,
        reply: Reply<usize>,
    },
}

impl Group {
    pub(super) fn new(first_position: Position, room: u64, now: Timestamp) -> Self {
        Self {
            draft: Draft::new(first_position),
            room,
            first_position,
            now,
            ids: 0,
            staged: HashMap::default(),
            decided: Vec::new(),
            deferred: Vec::new(),
        }
    }

    /// Decides an append and takes its events in.
    pub(super) fn append(
        &mut self,
        known: &mut Knowledge,
        append: Append,
        reply: Reply<Appended>,
        permit: OwnedSemaphorePermit,
    ) {
        let seen = append.events.iter().find_map(|event| known.ids.get(event.id));
        let verdict = if seen.is_some() && self.has_an_id_of(known, &append) {
            Verdict::Later
        } else {
            self.decide(known, &append, seen)
        };
        match verdict {
            Verdict::Now(verdict) => self.decided.push(Decided::Append { append, reply, verdict, permit }),
            Verdict::Later => self.deferred.push(Request::Append { append, reply, permit }),
        }
    }

    /// Decides a snapshot and takes it in.
    pub(super) fn save(
        &mut self,
        known: &mut Knowledge,
        snapshot: ProposedSnapshot,
        reply: Reply<Timestamp>,
        permit: OwnedSemaphorePermit,
    ) {
        let verdict = self.decide_save(known, &snapshot);
        if verdict.is_ok() {
            let bytes = encode_saved(&snapshot, self.now);
            self.draft.put_control(Kind::SnapshotSaved, snapshot.stream.as_str(), &bytes);
        }
        self.decided.push(Decided::Save { snapshot, reply, verdict, permit });
    }

    /// Takes a deletion of snapshots in.
    pub(super) fn delete(&mut self, stream: StreamName, revision: Option<Revision>, reply: Reply<usize>) {
        let bytes = encode_deleted(&stream, revision);
        self.draft.put_control(Kind::SnapshotsDeleted, stream.as_str(), &bytes);
        self.decided.push(Decided::Delete { stream, revision, reply });
    }

    /// Lets the cache know where the streams end, now that this is durable.
    pub(super) fn settle(&mut self, known: &mut Knowledge) {
        self.staged.drain().for_each(|(stream, head)| known.heads.put(stream, Some(head)));
    }

    /// Undoes what this group changed in what is known, and gives the requests back in their order.
    pub(super) fn take_back(self, known: &mut Knowledge) -> Vec<Request> {
        known.ids.take_back(self.ids);
        let again = self.decided.into_iter().map(|decided| match decided {
            Decided::Append { append, reply, permit, .. } => Request::Append { append, reply, permit },
            Decided::Save { snapshot, reply, permit, .. } => Request::Save { snapshot, reply, permit },
            Decided::Delete { stream, revision, reply } => Request::Delete { stream, revision, reply },
        });
        again.chain(self.deferred).collect()
    }

    /// Where a stream ends, this group included.
    fn head(&self, known: &mut Knowledge, stream: &StreamName) -> Result<Option<StreamHead>, Error> {
        match self.staged.get(stream) {
            Some(head) => Ok(Some(*head)),
            None => known.head(stream),
        }
    }

    /// Whether one of the ids is in this very group: a retry that came close behind its first try.
    fn has_an_id_of(&self, known: &Knowledge, append: &Append) -> bool {
        let mut given = append.events.iter().filter(|event| event.id_is_given);
        given.any(|event| known.ids.get(event.id).is_some_and(|position| position >= self.first_position))
    }

    /// The verdict on an append; `seen` is where one of its ids was seen lately.
    fn decide(&mut self, known: &mut Knowledge, append: &Append, seen: Option<Position>) -> Verdict {
        let last = match self.head(known, &append.stream) {
            Ok(head) => head.map(|head| head.revision),
            Err(error) => return Verdict::Now(Err(error)),
        };
        if let Some(first) = seen {
            let by_revision = repeated_long_ago(known, append, last, Error::EventNotFound);
            return Verdict::Now(by_revision.or_else(|_| repeated_lately(known, append, first)));
        }
        if !append.expected.holds(last) {
            // Also where the window of ids is shorter than a group, a repeat is told by its revision.
            if self.staged.contains_key(&append.stream) && self.draft.has(append.events[0].id) {
                return Verdict::Later;
            }
            let stream = append.stream.clone();
            let refusal = Error::WrongExpectedRevision { stream, expected: append.expected, actual: last };
            return Verdict::Now(repeated_long_ago(known, append, last, refusal));
        }
        let record_bytes = |event| record::HEADER_BYTES + record::event_bytes(event, append.stream.as_str());
        let room = self.check_room(append.events.iter().map(record_bytes).sum());
        Verdict::Now(room.map(|()| self.take_in(known, append, last)))
    }

    fn take_in(&mut self, known: &mut Knowledge, append: &Append, last: Option<Revision>) -> Appended {
        let first_revision = Revision::following(last);
        let first_position = self.draft.next_position();
        let mut revision = first_revision;
        for event in &append.events {
            let stamp = Stamp { revision, position: self.draft.next_position(), recorded_at: self.now };
            self.draft.put_event(event, append.stream.as_str(), &stamp);
            known.ids.push(event.id, stamp.position);
            revision = Revision::following(Some(revision));
        }
        self.ids += append.events.len();
        let last_revision = Revision(revision.0 - 1);
        let last_position = self.draft.next_position().before();
        let head = StreamHead { revision: last_revision, position: last_position };
        self.staged.insert(append.stream.clone(), head);
        Appended { first_revision, last_revision, first_position, last_position, deduplicated: false }
    }

    fn decide_save(&mut self, known: &mut Knowledge, snapshot: &ProposedSnapshot) -> Result<(), Error> {
        let head = self.head(known, &snapshot.stream)?;
        let head = head.ok_or_else(|| Error::StreamNotFound(snapshot.stream.clone()))?;
        if snapshot.revision > head.revision {
            return Err(Error::SnapshotAhead {
                stream: snapshot.stream.clone(),
                revision: snapshot.revision,
                actual: head.revision,
            });
        }
        self.check_room(record::HEADER_BYTES + snapshot.bytes.len() + TIME_FIELD_BYTES)
    }

    fn check_room(&self, bytes: usize) -> Result<(), Error> {
        let needed = (self.draft.len() + bytes) as u64;
        if needed <= self.room { Ok(()) } else { Err(Error::DiskFull) }
    }
}

/// The verdict on an append with an id that was appended lately, by an event at `first`.
fn repeated_lately(known: &Knowledge, append: &Append, first: Position) -> Result<Appended, Error> {
    let conflict = |event: &StoredEvent, id: EventId| {
        let stream = StreamName::from_log(event.stream());
        Err(Error::EventIdConflict { id, stream, position: event.position().0 })
    };
    let mut earlier = Vec::with_capacity(append.events.len());
    for proposed in &append.events {
        let Some(position) = known.ids.get(proposed.id) else {
            let event = known.reader.event_at(first)?;
            let id = event.id().unwrap_or(proposed.id);
            return conflict(&event, id);
        };
        let event = known.reader.event_at(position)?;
        let follows = earlier.last().is_none_or(|last: &StoredEvent| event.revision().0 == last.revision().0 + 1);
        let same = event.stream() == append.stream.as_str() && follows && is_repeat(proposed, &event);
        if !same {
            return conflict(&event, proposed.id);
        }
        earlier.push(event);
    }
    let (Some(first), Some(last)) = (earlier.first(), earlier.last()) else { return Err(Error::EventNotFound) };
    match append.expected {
        ExpectedRevision::Exactly(revision) if first.revision() != Revision::following(Some(revision)) => {
            conflict(first, append.events[0].id)
        }
        ExpectedRevision::NoStream if first.revision() != Revision::FIRST => conflict(first, append.events[0].id),
        ExpectedRevision::Any
        | ExpectedRevision::StreamExists
        | ExpectedRevision::NoStream
        | ExpectedRevision::Exactly(_) => Ok(original(first, last)),
    }
}

/// The verdict on an append whose expectation fails: its events may be what follows the revision that
/// it expected. The stream itself knows, however long ago that was.
fn repeated_long_ago(
    known: &Knowledge,
    append: &Append,
    last: Option<Revision>,
    refusal: Error,
) -> Result<Appended, Error> {
    let from = match append.expected {
        ExpectedRevision::NoStream => Revision::FIRST,
        ExpectedRevision::Exactly(revision) => Revision(revision.0.saturating_add(1)),
        ExpectedRevision::Any | ExpectedRevision::StreamExists => return Err(refusal),
    };
    let until = Revision(from.0.saturating_add(append.events.len() as u64 - 1));
    if last.is_none_or(|last| last < until) || !append.events[0].id_is_given {
        return Err(refusal);
    }
    let mut earlier: Vec<StoredEvent> = Vec::new();
    while earlier.len() < append.events.len() {
        let next = Revision(from.0 + earlier.len() as u64);
        let size = super::read::PageSize { bytes: 1 << 20, events: if earlier.is_empty() { 1 } else { 1000 } };
        let page = known.reader.stream_forwards(&append.stream, next, Position(u64::MAX), size)?;
        if page.is_empty() {
            return Err(refusal);
        }
        for event in page {
            let Some(proposed) = append.events.get(earlier.len()) else { break };
            if event.id() != Some(proposed.id) {
                return Err(refusal);
            }
            if !is_repeat(proposed, &event) {
                let stream = append.stream.clone();
                return Err(Error::EventIdConflict { id: proposed.id, stream, position: event.position().0 });
            }
            earlier.push(event);
        }
    }
    Ok(original(&earlier[0], &earlier[earlier.len() - 1]))
}

fn is_repeat(proposed: &ProposedEvent, stored: &StoredEvent) -> bool {
    let is_as_long = stored.bytes().len() == record::event_bytes(proposed, stored.stream());
    (is_as_long && stored.bytes().starts_with(&proposed.bytes)) || same_content(&proposed.bytes, stored.bytes())
}

fn original(first: &StoredEvent, last: &StoredEvent) -> Appended {
    Appended {
        first_revision: first.revision(),
        last_revision: last.revision(),
        first_position: first.position(),
        last_position: last.position(),
        deduplicated: true,
    }
}
