//! Control records: the log keeps them, the directory on the shelf finds them.
//!
//! A snapshot and a checkpoint are control records: as durable as an event, in order with them, at no
//! position. Once their block is durable, a worker enters them in the directory. Whoever saved
//! or deleted a snapshot, or ended a stream, is answered after that: what was acknowledged is found, and
//! what is gone is not. When the shelf fails, the directory goes on in memory, filled from the log; the next
//! start mends the shelf.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, RwLock};

use bytes::Bytes;

use super::Error;
use super::group::Reply;
use super::read::Reader;
use super::transaction::Checkpoint;
use crate::crew::{self, Crew, Hired, Idle, Work, Worker};
use crate::index::Index;
use crate::log::record::{HEADER_BYTES, Kind};
use crate::log::{Place, Placed, Slot};
use crate::model::snapshot::SAVED_AT_FIELD;
use crate::model::time::TIME_FIELD_BYTES;
use crate::model::wire::{Fields, Value};
use crate::model::{CheckpointName, Position, ProposedSnapshot, Revision, StreamName, Timestamp};
use crate::seeded::{Bug, is_planted};
use crate::state::{self, ControlChange, Directory, MemoryShelf, SnapshotRow};

/// How many blocks with control records may wait to be entered.
const QUEUE: usize = 1024;

/// What is known of a snapshot.
pub type SnapshotInfo = SnapshotRow;

/// The snapshots and checkpoints of one store, as the directory has them.
#[derive(Debug)]
pub(super) struct Controls {
    directory: RwLock<Directory>,
    index: Arc<Index>,
    reader: Reader,
    log_id: u128,
    per_stream: usize,
}

/// The control records of a block, on their way into the directory.
pub(super) struct Entered {
    pub(super) slot: Slot,
    pub(super) changes: Vec<ControlChange>,
    /// Who wants to know of which change. Empty when they came from somebody else.
    pub(super) answers: Vec<(usize, Answer)>,
}

/// Who waits until a change is in the directory.
pub(super) enum Answer {
    /// Wants to hear when it was saved.
    Saved(Reply<Timestamp>, Timestamp),
    /// Wants to hear how many were deleted.
    Deleted(Reply<usize>),
    /// Wants to hear where it is told that the stream ended, with its snapshots.
    Ended(Reply<Position>, Position),
}

impl Controls {
    pub(super) fn new(
        directory: Directory,
        index: Arc<Index>,
        reader: Reader,
        log_id: u128,
        per_stream: usize,
    ) -> Self {
        Self { directory: RwLock::new(directory), index, reader, log_id, per_stream }
    }

    /// Enters what the log has and the shelf has not.
    pub(super) fn catch_up(&self, tail: Slot) -> Result<(), Error> {
        if is_planted(Bug::ViewsNotCaughtUp) {
            return Ok(());
        }
        let directory = self.directory();
        let applied = directory.applied(tail)?.unwrap_or(Slot(0));
        let controls = self.index.controls(applied)?;
        for block in controls.chunk_by(|one, next| one.slot == next.slot) {
            let changes: Result<Vec<_>, _> =
                block.iter().map(|control| change_at(&self.reader, control.place)).collect();
            directory.apply(block[0].slot, &changes?)?;
        }
        Ok(())
    }

    /// All checkpoints, as they are at start.
    pub(super) fn checkpoints(&self) -> Result<Vec<(CheckpointName, Checkpoint)>, Error> {
        let rows = self.directory().checkpoints()?.into_iter();
        Ok(rows.map(|(name, position, updated_at)| (name, Checkpoint { position, updated_at })).collect())
    }

    /// The notes whose keys begin with `prefix`, as they are at start.
    pub(super) fn notes(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        Ok(self.directory().notes(prefix)?)
    }

    /// The snapshots of a stream, newest first.
    pub(super) fn of(&self, stream: &StreamName) -> Result<Vec<SnapshotRow>, Error> {
        match self.directory().of(stream) {
            Ok(rows) => Ok(rows),
            Err(error) => {
                self.move_to_memory(&error)?;
                Ok(self.directory().of(stream)?)
            }
        }
    }

    /// The newest snapshot of a stream, at or before a revision if one is given: an encoded
    /// `quipu.v1.Snapshot` and its revision.
    pub(super) fn get(&self, stream: &StreamName, until: Option<Revision>) -> Result<Option<(Revision, Bytes)>, Error> {
        let rows = self.of(stream)?;
        let fits = |row: &&SnapshotRow| until.is_none_or(|until| row.revision <= until);
        let Some(row) = rows.iter().find(fits) else { return Ok(None) };
        let (_, _, bytes) = self.reader.control(row.place)?;
        Ok(Some((row.revision, bytes)))
    }

    fn directory(&self) -> Directory {
        self.directory.read().expect("no panic under this lock").clone()
    }

    fn enter(&self, entered: Entered) {
        let mut applied = self.directory().apply(entered.slot, &entered.changes).map_err(Error::from);
        if let Err(error) = &applied {
            applied = self.move_to_memory(error).map(|()| vec![1; entered.changes.len()]);
        }
        for (index, answer) in entered.answers {
            let deleted = applied.as_ref().map(|deleted| deleted[index]).map_err(Clone::clone);
            match answer {
                // Whoever asked may have gone away: the answers are dropped then.
                Answer::Saved(reply, saved_at) => drop(reply.send(deleted.map(|_| saved_at))),
                Answer::Deleted(reply) => drop(reply.send(deleted)),
                Answer::Ended(reply, position) => drop(reply.send(deleted.map(|_| position))),
            }
        }
    }

    /// Replaces a shelf that failed by one in memory, filled from the log.
    fn move_to_memory(&self, why: &impl std::error::Error) -> Result<(), Error> {
        tracing::error!(error = %why, "the state directory failed; memory stands in until the next start");
        let shelf = Arc::new(MemoryShelf::default());
        *self.directory.write().expect("no panic under this lock") =
            Directory::new(shelf, self.log_id, self.per_stream);
        self.catch_up(Slot(u64::MAX))
    }
}

/// Who enters control records in the directory.
struct Clerk {
    controls: Arc<Controls>,
    blocks: Receiver<Entered>,
}

impl Worker for Clerk {
    fn work(&mut self, idle: Idle) -> Work {
        let without = match crew::next(&self.blocks, idle) {
            Ok(entered) => {
                self.controls.enter(entered);
                return Work::Done;
            }
            Err(without) => without,
        };
        if without == Work::Over
            && let Err(error) = self.controls.directory().flush()
        {
            tracing::warn!(%error, "the state directory was not written out");
        }
        without
    }
}

/// Hires who enters control records in the directory, and tells how they get them.
pub(super) fn start(crew: &Crew, controls: Arc<Controls>) -> Result<(SyncSender<Entered>, Hired), Error> {
    let (sender, blocks) = sync_channel(QUEUE);
    let hired = crew.hire("quipu-state", Clerk { controls, blocks }).map_err(Error::internal)?;
    Ok((sender, hired))
}

/// The record of a saved snapshot: what the client sent, and when.
pub(super) fn encode_saved(snapshot: &ProposedSnapshot, saved_at: Timestamp) -> Vec<u8> {
    [&snapshot.bytes[..], &saved_at.encode_field(SAVED_AT_FIELD)].concat()
}

/// The record of deleted snapshots: one revision or all, then the stream's name.
pub(super) fn encode_deleted(stream: &StreamName, revision: Option<Revision>) -> Vec<u8> {
    let revision = revision.map(|revision| revision.0.to_be_bytes());
    [revision.as_ref().map_or(&[][..], |bytes| &bytes[..]), stream.as_str().as_bytes()].concat()
}

/// The record of a checkpoint that was set: its position, when, then its name.
pub(super) fn encode_checkpoint(name: &CheckpointName, checkpoint: Checkpoint) -> Vec<u8> {
    let time = checkpoint.updated_at.encode_field(SAVED_AT_FIELD);
    [&checkpoint.position.0.to_be_bytes()[..], &time, name.as_str().as_bytes()].concat()
}

/// How many bytes the record of a checkpoint takes in the log.
pub(super) fn checkpoint_bytes(name: &CheckpointName) -> usize {
    HEADER_BYTES + size_of::<u64>() + TIME_FIELD_BYTES + name.as_str().len()
}

/// What the control records of a block do to the directory.
pub(super) fn changes_in(placed: &Placed) -> Vec<ControlChange> {
    let changes = placed.block.controls().filter_map(|entry| {
        let place = Place { segment: placed.place.segment, offset: placed.place.offset + entry.offset };
        decode(entry.kind, entry.name_bytes, &placed.block.record(entry), place)
    });
    changes.collect()
}

/// What a block that somebody else proposed does to the checkpoints.
pub(super) fn checkpoints_in(placed: &Placed) -> HashMap<CheckpointName, Option<Checkpoint>> {
    let changes = changes_in(placed).into_iter().filter_map(|change| match change {
        ControlChange::CheckpointSet(name, position, updated_at) => {
            Some((name, Some(Checkpoint { position, updated_at })))
        }
        ControlChange::CheckpointDeleted(name) => Some((name, None)),
        ControlChange::Saved(..)
        | ControlChange::Deleted(..)
        | ControlChange::NoteSet(..)
        | ControlChange::NoteDeleted(..) => None,
    });
    changes.collect()
}

fn change_at(reader: &Reader, place: Place) -> Result<ControlChange, Error> {
    let (kind, name_bytes, bytes) = reader.control(place)?;
    decode(kind, name_bytes, &bytes, place)
        .ok_or_else(|| Error::internal(state::Error("a malformed control record".into())))
}

pub(super) fn decode(kind: Kind, name_bytes: u16, bytes: &[u8], place: Place) -> Option<ControlChange> {
    match kind {
        Kind::Event => None,
        Kind::SnapshotSaved => {
            let (mut stream, mut revision) = (None, Revision(0));
            for field in Fields::of(bytes) {
                let field = field.ok()?;
                match (field.number, field.value) {
                    (1, value) => stream = value.text("a stream").ok(),
                    (2, Value::Varint(number)) => revision = Revision(number),
                    _ => {}
                }
            }
            let saved_at = Timestamp::decode_field(bytes.last_chunk::<TIME_FIELD_BYTES>()?);
            let row = SnapshotRow { revision, place, size: bytes.len() as u32, saved_at };
            Some(ControlChange::Saved(StreamName::from_log(stream?), row))
        }
        Kind::CheckpointSet => {
            let (position, rest) = bytes.split_first_chunk()?;
            let (time, name) = rest.split_first_chunk()?;
            let name = CheckpointName::from_log(std::str::from_utf8(name).ok()?);
            let position = Position(u64::from_be_bytes(*position));
            Some(ControlChange::CheckpointSet(name, position, Timestamp::decode_field(time)))
        }
        Kind::CheckpointDeleted => {
            Some(ControlChange::CheckpointDeleted(CheckpointName::from_log(std::str::from_utf8(bytes).ok()?)))
        }
        Kind::NoteSet => {
            let (note, key) = bytes.split_at(bytes.len().checked_sub(usize::from(name_bytes))?);
            Some(ControlChange::NoteSet(std::str::from_utf8(key).ok()?.to_owned(), note.to_vec()))
        }
        Kind::NoteDeleted => Some(ControlChange::NoteDeleted(std::str::from_utf8(bytes).ok()?.to_owned())),
        Kind::SnapshotsDeleted => {
            let (revision, name) = bytes.split_at(bytes.len().checked_sub(usize::from(name_bytes))?);
            let revision = revision.first_chunk().map(|bytes| Revision(u64::from_be_bytes(*bytes)));
            Some(ControlChange::Deleted(StreamName::from_log(std::str::from_utf8(name).ok()?), revision))
        }
    }
}
