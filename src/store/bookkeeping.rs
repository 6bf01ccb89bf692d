//! The verdicts on requests that are not appends: snapshots, the lives of streams, checkpoints, notes.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use super::Error;
use super::controls::{checkpoint_bytes, encode_deleted, encode_saved};
use super::group::{Decided, Group, Knowledge, LifeTold, Reply};
use super::heads::Known;
use super::life_cycle::life_event;
use super::notes::Note;
use super::transaction::{Checkpoint, CheckpointChange, LifeChange, LifeEvent};
use crate::log::record::{self, Kind};
use crate::model::time::TIME_FIELD_BYTES;
use crate::model::{Position, ProposedSnapshot, Revision, StreamName, Timestamp};
use crate::seeded::{Bug, is_planted};

impl Group {
    /// Decides a snapshot and takes it in.
    pub(super) fn save(
        &mut self,
        known: &mut Knowledge,
        snapshot: ProposedSnapshot,
        reply: Reply<Timestamp>,
        permit: OwnedSemaphorePermit,
    ) {
        let verdict = self.decide_save(known, &snapshot).map(|()| {
            let bytes = encode_saved(&snapshot, self.now);
            self.draft.put_control(Kind::SnapshotSaved, snapshot.stream.as_str(), &bytes)
        });
        self.decided.push(Decided::Save { snapshot, reply, verdict, permit });
    }

    /// Takes a deletion of snapshots in.
    pub(super) fn delete(&mut self, stream: StreamName, revision: Option<Revision>, reply: Reply<usize>) {
        let control = self.put_deletion(&stream, revision);
        self.decided.push(Decided::Delete { stream, revision, reply, control });
    }

    /// Decides a turn in a stream's life and takes it in.
    pub(super) fn live(&mut self, known: &mut Knowledge, change: LifeChange, reply: Reply<Position>) {
        let verdict = self.decide_life(known, &change);
        self.decided.push(Decided::Live { change, reply, verdict });
    }

    /// Decides a change of a checkpoint and takes it in.
    pub(super) fn mark(&mut self, known: &Knowledge, change: CheckpointChange, reply: Reply<Option<Checkpoint>>) {
        let verdict = self.decide_mark(known, &change);
        self.decided.push(Decided::Mark { change, reply, verdict });
    }

    /// Takes notes in, all or none.
    pub(super) fn note(&mut self, notes: Vec<Note>, reply: Reply<()>) {
        let verdict = self.check_bytes(notes.iter().map(Note::bytes).sum());
        if verdict.is_ok() {
            for Note { key, value } in &notes {
                match value {
                    Some(value) => {
                        self.draft.put_control(Kind::NoteSet, key, &[value, key.as_bytes()].concat());
                    }
                    None => {
                        self.draft.put_control(Kind::NoteDeleted, key, key.as_bytes());
                    }
                }
            }
        }
        self.decided.push(Decided::Note { notes, reply, verdict });
    }

    fn decide_save(&mut self, known: &mut Knowledge, snapshot: &ProposedSnapshot) -> Result<(), Error> {
        let state = self.state(known, &snapshot.stream)?;
        let actual = state.last().filter(|_| !state.is_deleted());
        let actual = actual.ok_or_else(|| Error::StreamNotFound(snapshot.stream.clone()))?;
        // Its readers would go on from a state that the deletion took away.
        if state.life.as_ref().is_some_and(|life| life.deleted_before > Some(snapshot.revision.0)) {
            return Err(Error::StreamDeleted(snapshot.stream.clone()));
        }
        if snapshot.revision > actual && !is_planted(Bug::SnapshotAhead) {
            let (stream, revision) = (snapshot.stream.clone(), snapshot.revision);
            return Err(Error::SnapshotAhead { stream, revision, actual });
        }
        self.check_bytes(record::HEADER_BYTES + snapshot.bytes.len() + TIME_FIELD_BYTES)
    }

    fn decide_life(&mut self, known: &mut Knowledge, change: &LifeChange) -> Result<LifeTold, Error> {
        let LifeChange { stream, expected, what } = change;
        let state = self.state(known, stream)?;
        let teller = stream.life_stream();
        let told = self.state(known, &teller)?;
        let life = state.life.as_deref().cloned().unwrap_or_default();
        let is_so_already = match what {
            LifeEvent::MetadataSet(metadata) => life.metadata == *metadata && !life.is_tombstoned,
            LifeEvent::Deleted => state.is_deleted() && !life.is_tombstoned,
            LifeEvent::Tombstoned => life.is_tombstoned,
        };
        if is_so_already && let Some(head) = told.head {
            return Ok(LifeTold { position: head.position, control: None });
        }
        self.check_stream(stream, &state, *expected)?;
        if life.is_tombstoned {
            return Err(Error::StreamTombstoned(stream.clone()));
        }
        if matches!(what, LifeEvent::Deleted) && state.head.is_none() {
            return Err(Error::StreamNotFound(stream.clone()));
        }
        let life = what.applied_to(&life, state.last());
        let event = life_event(what, &life);
        self.check_bytes(2 * (record::HEADER_BYTES + record::event_bytes(&event, teller.as_str())))?;
        // Before anybody sees it; should the block not go in, readers look in vain.
        known.reader.note_life();
        let appended = self.put_events(known, &teller, &[event], told);
        self.staged.streams.insert(stream.clone(), Known { life: Some(Arc::new(life)), ..state });
        let ends_snapshots = !matches!(what, LifeEvent::MetadataSet(_));
        let control = ends_snapshots.then(|| self.put_deletion(stream, None));
        Ok(LifeTold { position: appended.last_position, control })
    }

    fn decide_mark(&mut self, known: &Knowledge, change: &CheckpointChange) -> Result<Option<Checkpoint>, Error> {
        match change {
            CheckpointChange::Set { name, position, expected } => {
                let there = self.checkpoint(known, name);
                let actual = there.map(|checkpoint| checkpoint.position);
                if let Some(expected) = *expected
                    && actual != expected
                    && actual != Some(*position)
                {
                    return Err(Error::WrongCheckpoint { name: name.clone(), expected, actual });
                }
                // Again: it is there already.
                if actual == Some(*position) {
                    return Ok(there);
                }
                self.check_checkpoint(known, name, *position, usize::from(actual.is_none()))?;
                self.check_bytes(checkpoint_bytes(name))?;
                Ok(Some(self.put_checkpoint(name, *position)))
            }
            CheckpointChange::Delete(name) => {
                if self.checkpoint(known, name).is_none() {
                    return Err(Error::CheckpointNotFound(name.clone()));
                }
                self.draft.put_control(Kind::CheckpointDeleted, name.as_str(), name.as_str().as_bytes());
                self.staged.checkpoints.insert(name.clone(), None);
                Ok(None)
            }
        }
    }

    fn put_deletion(&mut self, stream: &StreamName, revision: Option<Revision>) -> usize {
        let bytes = encode_deleted(stream, revision);
        self.draft.put_control(Kind::SnapshotsDeleted, stream.as_str(), &bytes)
    }
}
