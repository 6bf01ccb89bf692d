//! A shelf in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use super::shelf::Row;
use super::{Change, Error, Shelf};

/// A shelf that ends with the process: filled from the log at start.
#[derive(Debug, Default)]
pub struct MemoryShelf {
    rows: Mutex<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl MemoryShelf {
    fn map(&self) -> MutexGuard<'_, BTreeMap<Vec<u8>, Vec<u8>>> {
        self.rows.lock().expect("no panic under this lock")
    }
}

impl Shelf for MemoryShelf {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.map().get(key).cloned())
    }

    fn rows(&self, prefix: &[u8]) -> Result<Vec<Row>, Error> {
        let map = self.map();
        let rows = map.range(prefix.to_vec()..).take_while(|(key, _)| key.starts_with(prefix));
        Ok(rows.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn rows_from(&self, prefix: &[u8], from: &[u8], most: usize) -> Result<Vec<Row>, Error> {
        let map = self.map();
        let rows = map.range(prefix.max(from).to_vec()..).take_while(|(key, _)| key.starts_with(prefix)).take(most);
        Ok(rows.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn apply(&self, changes: Vec<Change>) -> Result<(), Error> {
        let mut map = self.map();
        for change in changes {
            match change {
                Change::Put(key, value) => drop(map.insert(key, value)),
                Change::Remove(key) => drop(map.remove(&key)),
            }
        }
        Ok(())
    }

    fn clear(&self) -> Result<(), Error> {
        self.map().clear();
        Ok(())
    }

    fn flush(&self) -> Result<(), Error> {
        Ok(())
    }
}
