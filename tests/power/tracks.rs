//! Values that one client changes, one request at a time: what it was told of each, and what may have become
//! of a request that was not answered. What a store has shown counts as told.

use std::collections::BTreeMap;
use std::fmt::Debug;

use quipu::model::{CheckpointName, StreamName};
use quipu::store::{Error, Store};

/// How a stream that is deleted now and then looks to a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    Absent,
    /// It is read from this revision on.
    Alive(u64),
    Deleted,
    Tombstoned,
}

/// A value, as far as it was told.
#[derive(Debug, Clone)]
pub(crate) struct Track<T> {
    pub(crate) told: T,
    asked: Option<T>,
}

impl<T: Copy + PartialEq + Debug> Track<T> {
    pub(crate) fn of(told: T) -> Self {
        Self { told, asked: None }
    }

    /// A client asks for a change.
    pub(crate) fn ask(&mut self, value: T) {
        self.asked = Some(value);
    }

    /// It was answered: whether the change went in.
    pub(crate) fn answered(&mut self, is_in: bool) {
        if let Some(asked) = self.asked.take().filter(|_| is_in) {
            self.told = asked;
        }
    }

    /// Compares what is there with what was told.
    fn settle(&mut self, found: T, of: &str) -> Option<String> {
        let fits = found == self.told || Some(found) == self.asked;
        let fault = format!("lost: {of} is {found:?}; told was {:?}, asked {:?}", self.told, self.asked);
        (self.told, self.asked) = (found, None);
        (!fits).then_some(fault)
    }
}

/// Whether a request that was not answered with what it asked for may still be in.
pub(crate) fn is_unknown<T>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(Error::Poisoned | Error::ShuttingDown | Error::Internal(_)))
}

/// All checkpoints and lives that clients were told of.
#[derive(Debug, Default)]
pub(crate) struct Tracks {
    pub(crate) checkpoints: BTreeMap<CheckpointName, Track<Option<u64>>>,
    pub(crate) lives: BTreeMap<StreamName, Track<Life>>,
}

impl Tracks {
    /// Compares a store with what was told.
    pub(crate) fn check(&mut self, store: &Store) -> Vec<String> {
        let mut faults = Vec::new();
        for (name, track) in &mut self.checkpoints {
            let found = store.checkpoint(name).map(|checkpoint| checkpoint.position.0);
            faults.extend(track.settle(found, name.as_str()));
        }
        for (stream, track) in &mut self.lives {
            let found = match store.stream_info(stream) {
                Ok(info) => Life::Alive(info.first.0),
                Err(Error::StreamNotFound(_)) => Life::Absent,
                Err(Error::StreamDeleted(_)) => Life::Deleted,
                Err(Error::StreamGone(_)) => Life::Tombstoned,
                Err(error) => {
                    faults.push(format!("{stream} can not be looked at: {error:?}"));
                    continue;
                }
            };
            faults.extend(track.settle(found, stream.as_str()));
        }
        let shown = store.checkpoint_page("", "", usize::MAX).len();
        let told = self.checkpoints.values().filter(|track| track.told.is_some()).count();
        if shown != told {
            faults.push(format!("{shown} checkpoints are shown instead of {told}"));
        }
        faults
    }
}
