//! A shelf that outlives its process as sled's does: whole changes, up to some point behind the last flush.

use std::sync::{Arc, Mutex, MutexGuard};

use quipu::state::{Change, Error, MemoryShelf, Row, Shelf};

use crate::chance::Chance;

/// A shelf. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct SimulatedShelf {
    seen: Arc<MemoryShelf>,
    applied: Arc<Mutex<Applied>>,
}

/// Changes, oldest first.
#[derive(Debug, Default)]
struct Applied {
    flushed: Vec<Vec<Change>>,
    since: Vec<Vec<Change>>,
}

impl SimulatedShelf {
    /// The process or the machine went: what was applied since the last flush is there up to some point, or nothing
    /// is there at all.
    pub(super) fn cut(&self, chance: &mut Chance) {
        let mut applied = self.applied();
        let kept = match chance.once_in(8) {
            true => Vec::new(),
            false => {
                let since = chance.below(applied.since.len() as u64 + 1) as usize;
                applied.flushed.iter().chain(&applied.since[..since]).cloned().collect()
            }
        };
        self.seen.clear().expect("memory does not fail");
        kept.iter().cloned().for_each(|changes| self.seen.apply(changes).expect("memory does not fail"));
        *applied = Applied { flushed: kept, since: Vec::new() };
    }

    fn applied(&self) -> MutexGuard<'_, Applied> {
        self.applied.lock().expect("no panic under this lock")
    }
}

impl Shelf for SimulatedShelf {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.seen.get(key)
    }

    fn rows(&self, prefix: &[u8]) -> Result<Vec<Row>, Error> {
        self.seen.rows(prefix)
    }

    fn rows_from(&self, prefix: &[u8], from: &[u8], most: usize) -> Result<Vec<Row>, Error> {
        self.seen.rows_from(prefix, from, most)
    }

    fn apply(&self, changes: Vec<Change>) -> Result<(), Error> {
        self.applied().since.push(changes.clone());
        self.seen.apply(changes)
    }

    fn clear(&self) -> Result<(), Error> {
        *self.applied() = Applied::default();
        self.seen.clear()
    }

    fn flush(&self) -> Result<(), Error> {
        let mut applied = self.applied();
        let since = std::mem::take(&mut applied.since);
        applied.flushed.extend(since);
        self.seen.flush()
    }
}
