//! One group commit in the making: the verdict on each request, in order.
//!
//! A request is decided against what is committed *and* what the group holds so far, so two appends
//! of one group can build on each other. A request that is refused leaves no trace in the group. No
//! verdict is told before the group is durable: a refusal may rest on it as well.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::Error;
use super::checkpoints::Checkpoints;
use super::controls::{checkpoint_bytes, encode_checkpoint};
use super::guards::Judged;
use super::heads::{Heads, Known, StreamHead};
use super::idempotency::RecentIds;
use super::life_cycle::life_told;
use super::notes::Note;
use super::read::Reader;
use super::repeats;
use super::staged::Staged;
use super::transaction::{Append, Appended, Checkpoint, CheckpointChange, LifeChange, Transacted, Transaction};
use crate::log::record::{self, Kind, Stamp};
use crate::log::{Draft, DraftSize, StoredEvent};
use crate::model::{
    CheckpointName, EventId, ExpectedRevision, Position, ProposedEvent, ProposedSnapshot, Revision, StreamName,
    Timestamp,
};
use crate::seeded::{Bug, is_planted};

/// Where an answer goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, Error>>;

/// What the writer is asked to write.
#[derive(Debug)]
pub(super) enum Request {
    /// Events, with what was found out about the guards.
    Transact { transaction: Transaction, judged: Vec<Judged>, reply: Reply<Transacted>, permit: OwnedSemaphorePermit },
    /// A snapshot. The answer is when it was saved.
    Save { snapshot: ProposedSnapshot, reply: Reply<Timestamp>, permit: OwnedSemaphorePermit },
    /// The end of snapshots. The answer is how many.
    Delete { stream: StreamName, revision: Option<Revision>, reply: Reply<usize> },
    /// A turn in a stream's life. The answer is the position of the event that tells it.
    Live { change: LifeChange, reply: Reply<Position> },
    /// A checkpoint. The answer is where it is then.
    Mark { change: CheckpointChange, reply: Reply<Option<Checkpoint>> },
    /// Notes: they need no verdict.
    Note { notes: Vec<Note>, reply: Reply<()> },
    /// The end of the store, after everything asked for before.
    Close,
}

/// What the writer knows, which a verdict rests on.
#[derive(Debug)]
pub(super) struct Knowledge {
    pub(super) heads: Heads,
    pub(super) ids: RecentIds,
    pub(super) reader: Reader,
    pub(super) checkpoints: Arc<Checkpoints>,
    pub(super) checkpoints_max: usize,
}

impl Knowledge {
    /// Where a stream ends, and how it lives.
    fn state(&mut self, stream: &StreamName) -> Result<Known, Error> {
        if let Some(known) = self.heads.get(stream) {
            return Ok(known);
        }
        let life = self.reader.life_cycle(stream, Position(u64::MAX))?;
        let known = Known { head: self.reader.stream_head(stream)?, life };
        self.heads.put(stream.clone(), known.clone());
        Ok(known)
    }

    /// Takes in an event that somebody else appended. What is not known of its stream is looked up later.
    pub(super) fn learn(&mut self, event: &StoredEvent) {
        let stream = StreamName::from_log(event.stream());
        if let Some(known) = self.heads.get(&stream) {
            let head = StreamHead { revision: event.revision(), position: event.position() };
            self.heads.put(stream, Known { head: Some(head), ..known });
        }
        if let Some((stream, life)) = life_told(event) {
            self.reader.note_life();
            if let Some(known) = self.heads.get(&stream) {
                self.heads.put(stream, Known { life: Some(Arc::new(life)), ..known });
            }
        }
    }
}

/// A group in the making.
pub(super) struct Group {
    pub(super) draft: Draft,
    /// Bytes that the disk still takes.
    room: u64,
    pub(super) first_position: Position,
    pub(super) now: Timestamp,
    /// The ids of this group that are in the window.
    ids: Vec<EventId>,
    pub(super) staged: Staged,
    pub(super) decided: Vec<Decided>,
    /// Requests that must wait until this group is durable.
    pub(super) deferred: Vec<Request>,
}

/// Whether a transaction can be decided already.
enum Verdict {
    Now(Result<Transacted, Error>),
    /// When this group is durable: it may be a repeat of what is in it.
    Later,
}

/// Where a turn in a stream's life is told.
pub(super) struct LifeTold {
    pub(super) position: Position,
    /// The place among the group's control records of the one that ends the stream's snapshots.
    pub(super) control: Option<usize>,
}

/// A request and the verdict on it.
pub(super) enum Decided {
    Transact {
        transaction: Transaction,
        judged: Vec<Judged>,
        reply: Reply<Transacted>,
        verdict: Result<Transacted, Error>,
        permit: OwnedSemaphorePermit,
    },
    Save {
        snapshot: ProposedSnapshot,
        reply: Reply<Timestamp>,
        /// The place of its record among the group's control records.
        verdict: Result<usize, Error>,
        permit: OwnedSemaphorePermit,
    },
    Delete {
        stream: StreamName,
        revision: Option<Revision>,
        reply: Reply<usize>,
        /// The place of its record among the group's control records.
        control: usize,
    },
    Live {
        change: LifeChange,
        reply: Reply<Position>,
        verdict: Result<LifeTold, Error>,
    },
    Mark {
        change: CheckpointChange,
        reply: Reply<Option<Checkpoint>>,
        verdict: Result<Option<Checkpoint>, Error>,
    },
    Note {
        notes: Vec<Note>,
        reply: Reply<()>,
        verdict: Result<(), Error>,
    },
}

impl Group {
    /// A group that will be of about this size.
    pub(super) fn new(first_position: Position, size: DraftSize, room: u64, now: Timestamp) -> Self {
        Self {
            draft: Draft::sized(first_position, size),
            room,
            first_position,
            now,
            ids: Vec::new(),
            staged: Staged::default(),
            decided: Vec::new(),
            deferred: Vec::new(),
        }
    }

    /// Decides a transaction and takes its events in.
    pub(super) fn transact(
        &mut self,
        known: &mut Knowledge,
        transaction: Transaction,
        judged: Vec<Judged>,
        reply: Reply<Transacted>,
        permit: OwnedSemaphorePermit,
    ) {
        match self.decide(known, &transaction, &judged).unwrap_or_else(|error| Verdict::Now(Err(error))) {
            Verdict::Now(verdict) => {
                self.decided.push(Decided::Transact { transaction, judged, reply, verdict, permit });
            }
            Verdict::Later => self.deferred.push(Request::Transact { transaction, judged, reply, permit }),
        }
    }

    /// Lets the caches know what is so, now that this is durable.
    pub(super) fn settle(&mut self, known: &mut Knowledge) {
        self.staged.streams.drain(..).for_each(|(stream, state)| known.heads.put(stream, state));
        known.checkpoints.change(std::mem::take(&mut self.staged.checkpoints));
    }

    /// Undoes what this group changed in what is known, and gives the requests back in their order.
    pub(super) fn take_back(self, known: &mut Knowledge) -> Vec<Request> {
        known.ids.take_back(&self.ids);
        let again = self.decided.into_iter().map(|decided| match decided {
            Decided::Transact { transaction, judged, reply, permit, .. } => {
                Request::Transact { transaction, judged, reply, permit }
            }
            Decided::Save { snapshot, reply, permit, .. } => Request::Save { snapshot, reply, permit },
            Decided::Delete { stream, revision, reply, .. } => Request::Delete { stream, revision, reply },
            Decided::Live { change, reply, .. } => Request::Live { change, reply },
            Decided::Mark { change, reply, .. } => Request::Mark { change, reply },
            Decided::Note { notes, reply, .. } => Request::Note { notes, reply },
        });
        again.chain(self.deferred).collect()
    }

    /// The position of the last event, this group included.
    pub(super) fn head(&self) -> Position {
        self.draft.next_position().before()
    }

    /// Where a stream ends and how it lives, this group included.
    pub(super) fn state(&self, known: &mut Knowledge, stream: &StreamName) -> Result<Known, Error> {
        match self.staged.streams.get(stream) {
            Some(state) => Ok(state.clone()),
            None => known.state(stream),
        }
    }

    /// Where a checkpoint is, this group included.
    pub(super) fn checkpoint(&self, known: &Knowledge, name: &CheckpointName) -> Option<Checkpoint> {
        self.staged.checkpoints.get(name).copied().unwrap_or_else(|| known.checkpoints.get(name))
    }

    /// Whether one of the ids is in this very group: a retry that came close behind its first try.
    fn has_an_id_of(&self, known: &Knowledge, transaction: &Transaction) -> bool {
        let mut given = transaction.events().filter(|event| event.id_is_given);
        given.any(|event| known.ids.get(event.id).is_some_and(|position| position >= self.first_position))
    }

    fn decide(
        &mut self,
        known: &mut Knowledge,
        transaction: &Transaction,
        judged: &[Judged],
    ) -> Result<Verdict, Error> {
        let seen = transaction.events().find_map(|event| known.ids.get(event.id));
        let seen = seen.filter(|_| !is_planted(Bug::RepeatTakenAsNew));
        if seen.is_some() && self.has_an_id_of(known, transaction) {
            return Ok(Verdict::Later);
        }
        let states = transaction.appends.iter().map(|append| self.state(known, &append.stream));
        let states = states.collect::<Result<Vec<_>, _>>()?;
        if let Some(first) = seen {
            return Ok(Verdict::Now(repeats::lately(known, transaction, &states, first)));
        }
        if let Err(refusal) = self.check(known, transaction, &states, judged) {
            // Also where the window of ids is shorter than a group, a repeat is told by its revision.
            let mut appends = transaction.appends.iter();
            if appends.any(|append| self.is_staged(append)) {
                return Ok(Verdict::Later);
            }
            return Ok(Verdict::Now(repeats::long_ago(known, transaction, &states)?.ok_or(refusal)));
        }
        self.check_room(transaction)?;
        Ok(Verdict::Now(Ok(self.take_in(known, transaction, states))))
    }

    /// Whether this group holds an append's first event.
    fn is_staged(&self, append: &Append) -> bool {
        self.staged.streams.contains_key(&append.stream) && self.draft.has(append.events[0].id)
    }

    /// Whether everything holds that a transaction asks for.
    fn check(
        &mut self,
        known: &mut Knowledge,
        transaction: &Transaction,
        states: &[Known],
        judged: &[Judged],
    ) -> Result<(), Error> {
        for (append, state) in transaction.appends.iter().zip(states) {
            self.check_stream(&append.stream, state, append.expected)?;
            if state.is_tombstoned() {
                return Err(Error::StreamTombstoned(append.stream.clone()));
            }
        }
        self.check_guards(known, &transaction.guards, judged)?;
        let mut new = 0;
        for advance in &transaction.advances {
            let name = &advance.name;
            let actual = self.checkpoint(known, name).map(|checkpoint| checkpoint.position);
            if actual.is_some_and(|actual| actual >= advance.position) {
                let (name, expected) = (name.clone(), Some(advance.position));
                return Err(Error::WrongCheckpoint { name, expected, actual });
            }
            new += usize::from(actual.is_none());
            self.check_checkpoint(known, name, advance.position, if actual.is_none() { new } else { 0 })?;
        }
        Ok(())
    }

    pub(super) fn check_stream(
        &self,
        stream: &StreamName,
        state: &Known,
        expected: ExpectedRevision,
    ) -> Result<(), Error> {
        if state.holds(expected) || is_planted(Bug::RevisionUnchecked) {
            return Ok(());
        }
        let (stream, actual, head) = (stream.clone(), state.last(), self.head());
        Err(Error::WrongExpectedRevision { stream, expected, actual, head })
    }

    /// Refuses a position that this log has not reached, and one checkpoint too many: the last of `new` ones.
    pub(super) fn check_checkpoint(
        &self,
        known: &Knowledge,
        name: &CheckpointName,
        position: Position,
        new: usize,
    ) -> Result<(), Error> {
        if position > self.head() && !name.is_system() {
            return Err(Error::BeyondEnd { asked: position.0, last: Some(self.head().0) });
        }
        // Counted one by one only where it matters.
        let at_most = known.checkpoints.len() + self.staged.checkpoints.len() + new;
        if new > 0 && at_most > known.checkpoints_max && self.checkpoints(known) + new > known.checkpoints_max {
            return Err(Error::TooManyCheckpoints);
        }
        Ok(())
    }

    /// How many checkpoints there are, this group included.
    fn checkpoints(&self, known: &Knowledge) -> usize {
        let staged = &self.staged.checkpoints;
        let replaced = staged.keys().filter(|name| known.checkpoints.get(name).is_some()).count();
        known.checkpoints.len() - replaced + staged.values().flatten().count()
    }

    fn check_room(&self, transaction: &Transaction) -> Result<(), Error> {
        let events = |append: &Append| {
            let stream = append.stream.as_str();
            append.events.iter().map(|event| record::HEADER_BYTES + record::event_bytes(event, stream)).sum::<usize>()
        };
        let advances = transaction.advances.iter().map(|advance| checkpoint_bytes(&advance.name)).sum::<usize>();
        self.check_bytes(transaction.appends.iter().map(events).sum::<usize>() + advances)
    }

    pub(super) fn check_bytes(&self, bytes: usize) -> Result<(), Error> {
        let needed = (self.draft.len() + bytes) as u64;
        if needed <= self.room { Ok(()) } else { Err(Error::DiskFull) }
    }

    fn take_in(&mut self, known: &mut Knowledge, transaction: &Transaction, states: Vec<Known>) -> Transacted {
        let mut appends = Vec::with_capacity(states.len());
        for (append, state) in transaction.appends.iter().zip(states) {
            if let (true, Some(first)) = (is_planted(Bug::TransactionHalved), appends.first().copied()) {
                appends.push(first);
                continue;
            }
            appends.push(self.put_events(known, &append.stream, &append.events, state));
        }
        for advance in &transaction.advances {
            self.put_checkpoint(&advance.name, advance.position);
        }
        Transacted { appends, deduplicated: false }
    }

    pub(super) fn put_events(
        &mut self,
        known: &mut Knowledge,
        stream: &StreamName,
        events: &[ProposedEvent],
        state: Known,
    ) -> Appended {
        let first_revision = Revision::following(state.last());
        let first_position = self.draft.next_position();
        let mut revision = first_revision;
        for event in events {
            let stamp = Stamp { revision, position: self.draft.next_position(), recorded_at: self.now };
            self.draft.put_event(event, stream.as_str(), &stamp);
            known.ids.push(event.id, stamp.position);
            revision = Revision::following(Some(revision));
        }
        self.ids.extend(events.iter().map(|event| event.id));
        let last_revision = Revision(revision.0 - 1);
        let last_position = self.head();
        let head = StreamHead { revision: last_revision, position: last_position };
        self.staged.streams.insert(stream.clone(), Known { head: Some(head), life: state.life });
        Appended { first_revision, last_revision, first_position, last_position, deduplicated: false }
    }

    pub(super) fn put_checkpoint(&mut self, name: &CheckpointName, position: Position) -> Checkpoint {
        let checkpoint = Checkpoint { position, updated_at: self.now };
        if !is_planted(Bug::CheckpointNotLogged) {
            self.draft.put_control(Kind::CheckpointSet, name.as_str(), &encode_checkpoint(name, checkpoint));
        }
        self.staged.checkpoints.insert(name.clone(), Some(checkpoint));
        checkpoint
    }
}
