//! A shelf that outlives its process as sled's does: whole changes, up to some point behind the last flush.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard};

use quipu::state::{Change, Error, Row, Shelf};

use crate::chance::Chance;

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// A shelf. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct SimulatedShelf {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    rows: Rows,
    flushed: Rows,
    /// What was applied since the last flush, oldest first.
    since: Vec<Vec<Change>>,
}

impl SimulatedShelf {
    /// The process or the machine went: what was applied since the last flush is there up to some point, or nothing
    /// is there at all.
    pub(super) fn cut(&self, chance: &mut Chance) {
        let mut inner = self.inner();
        let Inner { flushed, since, .. } = mem::take(&mut *inner);
        if chance.once_in(8) {
            return;
        }
        inner.rows = flushed;
        let kept = chance.below(since.len() as u64 + 1) as usize;
        since.into_iter().take(kept).for_each(|changes| apply(&mut inner.rows, changes));
        inner.flushed = inner.rows.clone();
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no panic under this lock")
    }
}

fn apply(rows: &mut Rows, changes: Vec<Change>) {
    for change in changes {
        match change {
            Change::Put(key, value) => drop(rows.insert(key, value)),
            Change::Remove(key) => drop(rows.remove(&key)),
        }
    }
}

impl Shelf for SimulatedShelf {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.inner().rows.get(key).cloned())
    }

    fn rows(&self, prefix: &[u8]) -> Result<Vec<Row>, Error> {
        self.rows_from(prefix, prefix, usize::MAX)
    }

    fn rows_from(&self, prefix: &[u8], from: &[u8], most: usize) -> Result<Vec<Row>, Error> {
        let inner = self.inner();
        let rows = inner.rows.range(prefix.max(from).to_vec()..).take_while(|(key, _)| key.starts_with(prefix));
        Ok(rows.take(most).map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn apply(&self, changes: Vec<Change>) -> Result<(), Error> {
        let mut inner = self.inner();
        apply(&mut inner.rows, changes.clone());
        inner.since.push(changes);
        Ok(())
    }

    fn clear(&self) -> Result<(), Error> {
        *self.inner() = Inner::default();
        Ok(())
    }

    fn flush(&self) -> Result<(), Error> {
        let mut inner = self.inner();
        inner.flushed = inner.rows.clone();
        inner.since.clear();
        Ok(())
    }
}
