//! Snapshots: saved, found, listed and deleted; the newest few of a stream are kept.

use bytes::Bytes;
use quipu::model::wire::put_bytes;
use quipu::model::{ProposedSnapshot, Revision, StreamName};
use quipu::store::Error;

use crate::appends::any_stream;
use crate::checked::{Checked, holds, same};
use crate::offers::any_data;
use crate::plain::{Plain, Saved};
use crate::run::Run;

fn told(error: &Error) -> String {
    format!("the snapshots failed: {error:?}")
}

/// An encoded snapshot, as a client hands it in.
fn encoded(stream: &str, revision: u64, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_bytes(&mut bytes, 1, stream.as_bytes());
    bytes.push(2 << 3);
    let mut rest = revision;
    while rest >= 0x80 {
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    put_bytes(&mut bytes, 3, data);
    bytes
}

impl Plain {
    fn save(&mut self, stream: &str, revision: u64, bytes: &[u8]) {
        let bytes = [bytes, &self.time.encode_field(7)].concat();
        let kept = self.snapshots.entry(stream.to_owned()).or_default();
        kept.insert(revision, Saved { bytes, at: self.time });
        while kept.len() > self.kept {
            kept.pop_first();
        }
    }

    fn delete(&mut self, stream: &str, revision: Option<u64>) -> usize {
        let Some(kept) = self.snapshots.get_mut(stream) else { return 0 };
        let before = kept.len();
        kept.retain(|at, _| revision.is_some_and(|revision| revision != *at));
        before - kept.len()
    }
}

impl Run {
    /// Saves, deletes or looks.
    pub(crate) fn snapshot(&mut self) -> Checked {
        let name = any_stream(&mut self.chance);
        let length = self.plain.stream(&name).len() as u64;
        let revision = match self.chance.below(8) {
            0 => u64::MAX,
            1 => length,
            _ => self.chance.below(length + 1).min(length.saturating_sub(1)),
        };
        match self.chance.below(6) {
            0..3 => self.save_snapshot(&name, revision)?,
            3 => {
                let all = self.chance.once_in(4);
                self.delete_snapshots(&name, (!all).then_some(revision))?;
            }
            _ => {}
        }
        self.note(format!("look at the snapshots of `{name}` around {revision}"));
        self.snapshots_of(&name)?;
        self.snapshot_until(&name, Some(revision))
    }

    fn save_snapshot(&mut self, name: &str, revision: u64) -> Checked {
        self.note(format!("save a snapshot of `{name}` at {revision}"));
        let bytes = encoded(name, revision, &any_data(&mut self.chance));
        let (stream, revision) = (StreamName::from_log(name), Revision(revision));
        let proposed = ProposedSnapshot { stream, revision, bytes: Bytes::from(bytes.clone()) };
        let answer = self.runtime.block_on(self.store.save_snapshot(proposed));
        self.plain.tick(self.time.now());
        let last = self.plain.last(name).filter(|_| !self.plain.is_deleted(name));
        match (last, answer) {
            (None, Err(Error::StreamNotFound(stream))) => same("a missing stream", &stream.as_str(), &name),
            (Some(_), Err(Error::StreamDeleted(stream))) => {
                let hidden = self.plain.life(name).deleted_before.unwrap_or(0);
                holds(revision.0 < hidden, || format!("revision {revision} is shown, from {hidden} on"))?;
                same("a stream that was deleted", &stream.as_str(), &name)
            }
            (Some(last), Err(Error::SnapshotAhead { stream, revision: told, actual })) if revision > last => {
                same("a snapshot ahead", &(stream.as_str(), told, actual), &(name, revision, last))
            }
            (Some(last), Ok(saved_at))
                if (self.plain.life(name).deleted_before.unwrap_or(0)..=last.0).contains(&revision.0) =>
            {
                self.plain.save(name, revision.0, &bytes);
                same("the time of a snapshot", &saved_at, &self.plain.time)
            }
            (last, answer) => Err(format!("a snapshot of a stream at {last:?}: the store says {answer:?}")),
        }
    }

    fn delete_snapshots(&mut self, name: &str, revision: Option<u64>) -> Checked {
        self.note(format!("delete snapshots of `{name}`: {revision:?}"));
        let deleting = self.store.delete_snapshots(StreamName::from_log(name), revision.map(Revision));
        let answer = self.runtime.block_on(deleting);
        self.plain.tick(self.time.now());
        match (self.plain.delete(name, revision), answer) {
            (0, Err(Error::SnapshotNotFound(stream))) => same("a missing snapshot", &stream.as_str(), &name),
            (deleted, Ok(answer)) if deleted > 0 => same("how many were deleted", &answer, &deleted),
            (deleted, answer) => Err(format!("{deleted} snapshots to delete: the store says {answer:?}")),
        }
    }

    pub(crate) fn snapshots_of(&self, name: &str) -> Checked {
        let rows = self.store.snapshots(&StreamName::from_log(name)).map_err(|error| told(&error))?;
        let rows: Vec<_> = rows.iter().map(|row| (row.revision.0, row.size as usize, row.saved_at)).collect();
        let kept = self.plain.snapshots.get(name).into_iter().flatten().rev();
        let model = kept.map(|(revision, saved)| (*revision, saved.bytes.len(), saved.at)).collect();
        same(&format!("the snapshots of `{name}`"), &rows, &model)
    }

    fn snapshot_until(&self, name: &str, until: Option<u64>) -> Checked {
        let found =
            self.store.snapshot(&StreamName::from_log(name), until.map(Revision)).map_err(|error| told(&error))?;
        let found = found.map(|(revision, bytes)| (revision.0, bytes.to_vec()));
        let kept = self.plain.snapshots.get(name);
        let newest = kept.and_then(|kept| kept.range(..=until.unwrap_or(u64::MAX)).next_back());
        let model = newest.map(|(revision, saved)| (*revision, saved.bytes.clone()));
        holds(found == model, || format!("the snapshot of `{name}` until {until:?}: {found:?}, the model {model:?}"))
    }

    /// Compares the snapshots of every stream.
    pub(crate) fn all_snapshots(&self) -> Checked {
        for name in self.plain.streams.keys() {
            self.snapshots_of(name)?;
            self.snapshot_until(name, None)?;
        }
        Ok(())
    }
}
