//! A sled database that holds what nobody can make again.
//!
//! sled 0.34 is hardened here from outside. Its `flush` hands bytes to the drive but neither commits the size
//! of its file nor empties the drive's cache, so a sync ends with `fdatasync` on a descriptor of our own: that
//! one also sees an error that sled's own thread met first. Pages that an earlier process failed to sync may
//! look clean, so before sled reads its file, what the system remembers of it is written out and forgotten.
//! After an error of a change or a sync, and after any panic, nothing is tried again.
//!
//! sled writes over a segment of its file once all of it has been moved, and a whole segment was written behind
//! those that it was moved to. So that these are durable by then, never more than [`UNSYNCED_BYTES_MAX`] are
//! changed between two syncs. sled's own thread, which moves what is left of old segments at any time, is off.

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rustix::fs::{Advice, fadvise};

use super::opening::{DATA, open_guarded, remove_unfinished, told};
use crate::disk::{Disk, Error, Operation};

/// How long sled may take to open: it reads what was written since the last start.
const OPEN_TIME_MAX: Duration = Duration::from_secs(1800);

/// sled's page cache, in bytes.
const CACHE_BYTES: u64 = 64 << 20;

/// sled's unit of allocation on disk, and of what it keeps in one page: see [`super::rows::CHUNK_BYTES_MAX`].
const SEGMENT_BYTES: usize = 1 << 20;

/// The most bytes of chunks that are changed between two syncs. sled writes up to eight times as many, for it writes
/// a page again when it has changed ten times and when it is divided: half of a segment.
const UNSYNCED_BYTES_MAX: u64 = SEGMENT_BYTES as u64 / 16;

/// A database that is open.
#[derive(Debug)]
pub(super) struct Database {
    rows: sled::Db,
    /// sled's data file, to be synced.
    data: fs::File,
    directory: PathBuf,
    /// Bytes of chunks that were changed since the last sync.
    unsynced: AtomicU64,
    is_broken: AtomicBool,
}

impl Database {
    /// Opens the database in a directory, or makes it. One that can not be opened is left as it is.
    pub(super) fn open(ground: &dyn Disk, directory: &Path) -> Result<Self, Error> {
        ground.create_dir(directory)?;
        remove_unfinished(ground, directory)?;
        let failed = |source| Error::new(Operation::Open, directory, source);
        forget_cached(&directory.join(DATA)).map_err(failed)?;
        let config = sled::Config::new()
            .path(directory)
            .cache_capacity(CACHE_BYTES)
            .segment_size(SEGMENT_BYTES)
            .flush_every_ms(None);
        let rows = open_guarded(directory, OPEN_TIME_MAX, move || config.open());
        let rows = rows.map_err(failed)?;
        // sled syncs neither what it made now nor the names of it.
        for name in ground.list(directory)? {
            fs::File::open(directory.join(name)).and_then(|file| file.sync_all()).map_err(failed)?;
        }
        ground.sync_dir(directory)?;
        let data = fs::OpenOptions::new().write(true).open(directory.join(DATA)).map_err(failed)?;
        Ok(Self {
            rows,
            data,
            directory: directory.into(),
            unsynced: AtomicU64::new(0),
            is_broken: AtomicBool::new(false),
        })
    }

    /// Reads. `path` is the file that is told when sled fails.
    pub(super) fn read<T>(&self, path: &Path, read: impl FnOnce(&sled::Tree) -> sled::Result<T>) -> Result<T, Error> {
        self.run(Operation::Read, path, || read(&self.rows))
    }

    /// Changes rows. They are durable after the next [`Self::sync`].
    pub(super) fn change<T>(
        &self,
        operation: Operation,
        path: &Path,
        change: impl FnOnce(&sled::Tree) -> sled::Result<T>,
    ) -> Result<T, Error> {
        self.or_break(self.run(operation, path, || change(&self.rows)))
    }

    /// Comes before a chunk of so many bytes is changed: syncs what was changed before it, if that is enough.
    pub(super) fn make_way(&self, bytes: usize) -> Result<(), Error> {
        let bytes = bytes as u64;
        if self.unsynced.fetch_add(bytes, Ordering::Relaxed) + bytes > UNSYNCED_BYTES_MAX {
            self.sync()?;
            self.unsynced.store(bytes, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Makes all changes durable.
    pub(super) fn sync(&self) -> Result<(), Error> {
        self.unsynced.store(0, Ordering::Relaxed);
        let flushed = self.run(Operation::Sync, &self.directory, || self.rows.flush());
        let synced = flushed
            .and_then(|_| self.data.sync_data().map_err(|source| Error::new(Operation::Sync, &self.directory, source)));
        self.or_break(synced)
    }

    fn run<T>(&self, operation: Operation, path: &Path, work: impl FnOnce() -> sled::Result<T>) -> Result<T, Error> {
        let failed = |source| Error::new(operation, path, source);
        if self.is_broken.load(Ordering::Acquire) {
            return Err(failed(io::Error::other("sled failed before")));
        }
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(failed(told(error))),
            Err(_) => self.or_break(Err(failed(io::Error::other("sled panicked")))),
        }
    }

    fn or_break<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        if outcome.is_err() {
            self.is_broken.store(true, Ordering::Release);
        }
        outcome
    }
}

/// Has the next reader of a file read what the drive holds.
fn forget_cached(path: &Path) -> io::Result<()> {
    match fs::OpenOptions::new().write(true).open(path) {
        Ok(file) => {
            file.sync_all()?;
            Ok(fadvise(&file, 0, None, Advice::DontNeed)?)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
