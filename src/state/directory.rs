//! The directory: where in the log the last snapshots of each stream lie, the checkpoints, and the notes.

use std::sync::Arc;

use super::{Change, Error, Shelf, keys};
use crate::log::{Place, Slot};
use crate::model::{CheckpointName, Position, Revision, StreamName, Timestamp};

/// A snapshot that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotRow {
    /// The revision of the last event folded in.
    pub revision: Revision,
    /// Where its record lies.
    pub place: Place,
    /// Its size in bytes.
    pub size: u32,
    /// When it was saved.
    pub saved_at: Timestamp,
}

/// What a control record does to the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ControlChange {
    /// A snapshot was saved.
    Saved(StreamName, SnapshotRow),
    /// One snapshot of a stream was deleted, or all.
    Deleted(StreamName, Option<Revision>),
    /// A checkpoint was set.
    CheckpointSet(CheckpointName, Position, Timestamp),
    /// A checkpoint was deleted.
    CheckpointDeleted(CheckpointName),
    /// A note was put down under a key.
    NoteSet(String, Vec<u8>),
    /// A note was taken away.
    NoteDeleted(String),
}

/// The directory of one log.
#[derive(Debug, Clone)]
pub struct Directory {
    shelf: Arc<dyn Shelf>,
    log_id: u128,
    per_stream: usize,
}

impl Directory {
    /// The directory on a shelf, for the log with this id, keeping `per_stream` snapshots each.
    pub fn new(shelf: Arc<dyn Shelf>, log_id: u128, per_stream: usize) -> Self {
        Self { shelf, log_id, per_stream }
    }

    /// The last slot whose changes are in. `None` when the shelf is empty, of another log, or not
    /// readable: then it was emptied, and everything must be applied again.
    pub fn applied(&self, tail: Slot) -> Result<Option<Slot>, Error> {
        let value = self.shelf.get(&keys::applied())?;
        let applied = value.as_deref().and_then(keys::decode_applied);
        match applied {
            Some((log_id, slot)) if log_id == self.log_id && slot < tail => Ok(Some(slot)),
            _ => {
                self.shelf.clear()?;
                Ok(None)
            }
        }
    }

    /// Applies the changes of the block at `slot`, and drops snapshots beyond the number kept. Returns
    /// for each change how many snapshots it deleted by name.
    pub fn apply(&self, slot: Slot, changes: &[ControlChange]) -> Result<Vec<usize>, Error> {
        let mut deleted = Vec::with_capacity(changes.len());
        for (index, change) in changes.iter().enumerate() {
            let mut rows = match change {
                ControlChange::Saved(stream, row) => self.saved(stream, row)?,
                ControlChange::Deleted(stream, revision) => self.deleted(stream, *revision)?,
                ControlChange::CheckpointSet(name, position, time) => {
                    vec![Change::Put(keys::checkpoint(name), keys::encode_moment(*position, *time))]
                }
                ControlChange::CheckpointDeleted(name) => vec![Change::Remove(keys::checkpoint(name))],
                ControlChange::NoteSet(key, note) => vec![Change::Put(keys::notes(key), note.clone())],
                ControlChange::NoteDeleted(key) => vec![Change::Remove(keys::notes(key))],
            };
            deleted.push(if matches!(change, ControlChange::Deleted(..)) { rows.len() } else { 0 });
            if index + 1 == changes.len() {
                rows.push(Change::Put(keys::applied(), keys::encode_applied(self.log_id, slot)));
            }
            self.shelf.apply(rows)?;
        }
        Ok(deleted)
    }

    /// The snapshots of a stream, newest first.
    pub fn of(&self, stream: &StreamName) -> Result<Vec<SnapshotRow>, Error> {
        let mut rows = Vec::new();
        for (key, value) in self.shelf.rows(&keys::snapshots_of(stream))? {
            let (Some(revision), Some((place, size, saved_at))) =
                (keys::revision_of(&key), keys::decode_snapshot(&value))
            else {
                return Err(Error("a row of the snapshots' directory is malformed".into()));
            };
            rows.push(SnapshotRow { revision, place, size, saved_at });
        }
        rows.reverse();
        Ok(rows)
    }

    /// All checkpoints.
    pub fn checkpoints(&self) -> Result<Vec<(CheckpointName, Position, Timestamp)>, Error> {
        let rows = self.shelf.rows(&keys::checkpoints())?.into_iter();
        let decode = |(key, value): (Vec<u8>, Vec<u8>)| {
            let name = CheckpointName::from_log(std::str::from_utf8(&key[1..]).ok()?);
            keys::decode_checkpoint(&value).map(|(position, time)| (name, position, time))
        };
        rows.map(|row| decode(row).ok_or_else(|| Error("a checkpoint's row is malformed".into()))).collect()
    }

    /// The notes whose keys begin with `prefix`, in the order of their keys.
    pub fn notes(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let rows = self.shelf.rows(&keys::notes(prefix))?.into_iter();
        let key =
            |key: Vec<u8>| String::from_utf8(key[1..].to_vec()).map_err(|_| Error("a note's key is no text".into()));
        rows.map(|(bytes, note)| Ok((key(bytes)?, note))).collect()
    }

    /// Writes out what is not on disk yet.
    pub fn flush(&self) -> Result<(), Error> {
        self.shelf.flush()
    }

    fn saved(&self, stream: &StreamName, row: &SnapshotRow) -> Result<Vec<Change>, Error> {
        let value = keys::encode_snapshot(row.place, row.size, row.saved_at);
        let mut changes = vec![Change::Put(keys::snapshot(stream, row.revision), value)];
        let others = self.of(stream)?.into_iter().filter(|other| other.revision != row.revision);
        let mut revisions: Vec<Revision> = others.map(|other| other.revision).chain([row.revision]).collect();
        revisions.sort_unstable_by(|one, other| other.cmp(one));
        let surplus = revisions.into_iter().skip(self.per_stream);
        changes.extend(surplus.map(|revision| Change::Remove(keys::snapshot(stream, revision))));
        Ok(changes)
    }

    fn deleted(&self, stream: &StreamName, revision: Option<Revision>) -> Result<Vec<Change>, Error> {
        let rows = self.of(stream)?.into_iter();
        let gone = rows.filter(|row| revision.is_none_or(|revision| revision == row.revision));
        Ok(gone.map(|row| Change::Remove(keys::snapshot(stream, row.revision))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::MemoryShelf;
    use super::*;

    fn row(revision: u64) -> SnapshotRow {
        let place = Place { segment: 1, offset: revision as u32 };
        SnapshotRow { revision: Revision(revision), place, size: 10, saved_at: Timestamp::default() }
    }

    fn revisions(directory: &Directory, stream: &StreamName) -> Vec<u64> {
        directory.of(stream).unwrap().iter().map(|row| row.revision.0).collect()
    }

    #[test]
    fn the_newest_revisions_are_kept_and_deletion_is_exact() {
        let directory = Directory::new(Arc::new(MemoryShelf::default()), 7, 3);
        let (one, other) = (StreamName::from_log("s"), StreamName::from_log("s2"));
        let save = |stream: &StreamName, revision| ControlChange::Saved(stream.clone(), row(revision));
        let saves: Vec<_> = [5, 9, 7, 9, 300, 1].map(|revision| save(&one, revision)).into();
        directory.apply(Slot(4), &saves).unwrap();
        directory.apply(Slot(5), &[save(&other, 2)]).unwrap();
        assert_eq!(revisions(&directory, &one), [300, 9, 7]);

        directory.apply(Slot(6), &[ControlChange::Deleted(one.clone(), Some(Revision(9)))]).unwrap();
        assert_eq!(revisions(&directory, &one), [300, 7]);
        directory.apply(Slot(7), &[ControlChange::Deleted(one.clone(), None)]).unwrap();
        assert_eq!(revisions(&directory, &one), [0; 0]);
        assert_eq!(revisions(&directory, &other), [2]);
        assert_eq!(directory.applied(Slot(8)).unwrap(), Some(Slot(7)));
    }

    #[test]
    fn a_shelf_ahead_of_its_log_or_of_another_log_is_emptied() {
        let shelf = Arc::new(MemoryShelf::default());
        let stream = StreamName::from_log("s");
        let mine = Directory::new(shelf.clone(), 7, 3);
        mine.apply(Slot(4), &[ControlChange::Saved(stream.clone(), row(1))]).unwrap();
        assert_eq!(mine.applied(Slot(4)).unwrap(), None);
        assert_eq!(revisions(&mine, &stream), [0; 0]);

        mine.apply(Slot(4), &[ControlChange::Saved(stream.clone(), row(1))]).unwrap();
        assert_eq!(Directory::new(shelf, 8, 3).applied(Slot(9)).unwrap(), None);
    }
}
