//! The checkpoints of named consumers, all of them in memory.
//!
//! The writer changes them once a change is durable; readers look, and wait for a consumer to get somewhere.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::RwLock;
use std::time::Duration;

use tokio::sync::watch;

use super::transaction::Checkpoint;
use crate::model::{CheckpointName, Position};

/// The checkpoints of one store.
#[derive(Debug)]
pub(super) struct Checkpoints {
    rows: RwLock<BTreeMap<CheckpointName, Checkpoint>>,
    changed: watch::Sender<()>,
}

impl Checkpoints {
    /// The checkpoints as they are at start.
    pub(super) fn new(rows: impl IntoIterator<Item = (CheckpointName, Checkpoint)>) -> Self {
        Self { rows: RwLock::new(rows.into_iter().collect()), changed: watch::channel(()).0 }
    }

    /// A consumer's checkpoint.
    pub(super) fn get(&self, name: &CheckpointName) -> Option<Checkpoint> {
        self.rows.read().expect("no panic under this lock").get(name).copied()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.rows.read().expect("no panic under this lock").len()
    }

    /// Checkpoints whose names begin with `prefix` and are not below `from`, sorted; at most `most`. The
    /// store's own are left out.
    pub(super) fn page(&self, prefix: &str, from: &str, most: usize) -> Vec<(CheckpointName, Checkpoint)> {
        let rows = self.rows.read().expect("no panic under this lock");
        let range = (Bound::Included(from.max(prefix)), Bound::Unbounded);
        let inside = rows.range::<str, _>(range).take_while(|(name, _)| name.as_str().starts_with(prefix));
        inside.filter(|(name, _)| !name.is_system()).take(most).map(|(name, row)| (name.clone(), *row)).collect()
    }

    /// Takes in changes that are durable; `None` deletes.
    pub(super) fn change(&self, changes: HashMap<CheckpointName, Option<Checkpoint>>) {
        if changes.is_empty() {
            return;
        }
        let mut rows = self.rows.write().expect("no panic under this lock");
        for (name, row) in changes {
            match row {
                Some(row) => drop(rows.insert(name, row)),
                None => drop(rows.remove(&name)),
            }
        }
        drop(rows);
        self.changed.send_replace(());
    }

    /// Waits until a consumer is at a position or behind it, for so long. Returns where it is then.
    pub(super) async fn wait(&self, name: &CheckpointName, until: Position, most: Duration) -> Option<Checkpoint> {
        let mut changed = self.changed.subscribe();
        let reached = async {
            while self.get(name).is_none_or(|row| row.position < until) {
                // It can not fail: the sender lives as long as this does.
                if changed.changed().await.is_err() {
                    break;
                }
            }
        };
        // Whether it came in time shows in where the checkpoint is.
        drop(tokio::time::timeout(most, reached).await);
        self.get(name)
    }
}
