//! The shelf in sled 0.34.
//!
//! sled may fail to open after a crash, and its files may be damaged in ways it does not see. Whatever goes wrong
//! ends the same way: the directory is moved aside and an empty one is made. The log has everything.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::shelf::Row;
use super::{Change, Error, Shelf};
use crate::disk::Disk;
use crate::disk::sled::opening::{open_guarded, remove_unfinished};

/// sled's unit of allocation on disk: small, so that an empty store is.
const SEGMENT_BYTES: usize = 64 << 10;

/// How a shelf is kept.
#[derive(Debug, Clone, Copy)]
pub struct Keeping {
    /// How long sled may take to open.
    pub open_time_max: Duration,
    /// sled's page cache, in bytes.
    pub cache_bytes: u64,
    /// How often sled writes out what it has, in milliseconds: so much of what was not flushed is lost when the
    /// process is killed.
    pub flush_every_ms: u64,
    /// Whether every row is looked at when the shelf is opened.
    pub walks_rows: bool,
}

impl Keeping {
    /// Of rows that are few and small, and made again from the log.
    pub const DIRECTORY: Self =
        Self { open_time_max: Duration::from_secs(20), cache_bytes: 16 << 20, flush_every_ms: 2000, walks_rows: true };
    /// Of rows that may be many and large.
    pub const READ_MODELS: Self =
        Self { open_time_max: Duration::from_secs(600), cache_bytes: 64 << 20, flush_every_ms: 200, walks_rows: false };
}

#[derive(Debug)]
struct SledShelf {
    tree: sled::Db,
}

/// Opens the shelf in a directory; moves it to `aside` and begins an empty one when it can not be.
pub fn open_sled(disk: &dyn Disk, directory: &Path, aside: &Path, keeping: Keeping) -> Result<Arc<dyn Shelf>, Error> {
    disk.create_dir(directory).map_err(told)?;
    remove_unfinished(disk, directory).map_err(told)?;
    match open_within(directory, keeping) {
        Ok(shelf) => Ok(shelf),
        Err(error) => {
            tracing::warn!(%error, directory = %directory.display(), "setting a damaged state directory aside");
            set_aside(disk, directory, aside)?;
            open_within(directory, keeping)
        }
    }
}

/// Moves the directory to a free name below `aside`, and makes an empty one.
fn set_aside(disk: &dyn Disk, directory: &Path, aside: &Path) -> Result<(), Error> {
    disk.create_dir(aside).map_err(told)?;
    let taken = disk.list(aside).map_err(told)?;
    let name = directory.file_name().unwrap_or_default().display().to_string();
    let free = (1..).map(|number| format!("{name}.{number}")).find(|name| !taken.contains(name));
    disk.rename(directory, &aside.join(free.expect("numbers do not end"))).map_err(told)?;
    disk.create_dir(directory).map_err(told)
}

fn open_within(directory: &Path, keeping: Keeping) -> Result<Arc<dyn Shelf>, Error> {
    let path = PathBuf::from(directory);
    let opened = open_guarded(directory, keeping.open_time_max, move || open(&path, keeping));
    opened.map_err(|error| Error(error.to_string()))
}

fn open(directory: &Path, keeping: Keeping) -> sled::Result<Arc<dyn Shelf>> {
    let config = sled::Config::new()
        .path(directory)
        .cache_capacity(keeping.cache_bytes)
        .segment_size(SEGMENT_BYTES)
        .flush_every_ms(Some(keeping.flush_every_ms));
    let tree = config.open()?;
    // A walk over every row finds damage now rather than under a request.
    if keeping.walks_rows {
        for row in &*tree {
            row?;
        }
    }
    Ok(Arc::new(SledShelf { tree }))
}

fn told(error: impl std::error::Error) -> Error {
    Error(error.to_string())
}

impl Shelf for SledShelf {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.tree.get(key).map_err(told)?.map(|value| value.to_vec()))
    }

    fn rows(&self, prefix: &[u8]) -> Result<Vec<Row>, Error> {
        let rows = self.tree.scan_prefix(prefix);
        rows.map(|row| row.map(|(key, value)| (key.to_vec(), value.to_vec())).map_err(told)).collect()
    }

    fn rows_from(&self, prefix: &[u8], from: &[u8], most: usize) -> Result<Vec<Row>, Error> {
        let is_inside = |row: &Result<Row, Error>| row.as_ref().map_or(true, |(key, _)| key.starts_with(prefix));
        let rows = self.tree.range(prefix.max(from)..);
        let rows = rows.map(|row| row.map(|(key, value)| (key.to_vec(), value.to_vec())).map_err(told));
        rows.take_while(is_inside).take(most).collect()
    }

    fn apply(&self, changes: Vec<Change>) -> Result<(), Error> {
        let mut batch = sled::Batch::default();
        for change in changes {
            match change {
                Change::Put(key, value) => batch.insert(key, value),
                Change::Remove(key) => batch.remove(key),
            }
        }
        self.tree.apply_batch(batch).map_err(told)
    }

    fn clear(&self) -> Result<(), Error> {
        self.tree.clear().map_err(told)
    }

    fn flush(&self) -> Result<(), Error> {
        self.tree.flush().map(drop).map_err(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Open;
    use crate::disk::real::RealDisk;

    #[test]
    fn a_damaged_directory_is_set_aside_and_begun_anew() {
        let root = tempfile::tempdir().unwrap();
        let (directory, aside) = (root.path().join("state"), root.path().join("quarantine"));
        let shelf = open_sled(&RealDisk, &directory, &aside, Keeping::DIRECTORY).unwrap();
        shelf.apply(vec![Change::Put(b"k".to_vec(), b"v".to_vec())]).unwrap();
        shelf.flush().unwrap();
        drop(shelf);
        assert_eq!(
            open_sled(&RealDisk, &directory, &aside, Keeping::DIRECTORY).unwrap().get(b"k").unwrap(),
            Some(b"v".to_vec())
        );

        let configuration = RealDisk.open(&directory.join("conf"), Open::Write).unwrap();
        configuration.write_at(b"garbage", 0).unwrap();
        RealDisk.open(&directory.join("snap.1.generating"), Open::Create).unwrap();

        let shelf = open_sled(&RealDisk, &directory, &aside, Keeping::DIRECTORY).unwrap();
        assert_eq!(shelf.get(b"k").unwrap(), None);
        assert_eq!(RealDisk.list(&aside).unwrap(), ["state.1"]);
    }
}
