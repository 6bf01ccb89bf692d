//! The ground: what the rooms above need of a file system, and nothing more.
//!
//! Everything durable goes through [`Disk`] and [`File`], so the same engine runs on real files
//! ([`real::RealDisk`]), in a sled database ([`SledDisk`]), on memory ([`memory::MemoryDisk`]), and on a disk that
//! fails as a seed decides ([`simulated::SimulatedDisk`]). Calls block; they belong on threads of their own, never
//! on an async worker.
//!
//! **The contract.** Bytes are durable once [`File::sync_data`] returned; a name (created, renamed,
//! removed) is durable once [`Disk::sync_dir`] of its directory returned. A failed sync leaves the
//! state of everything written before it unknown: nobody may try again and believe the second answer.

pub mod error;
pub mod memory;
pub mod real;
pub mod simulated;
pub mod sled;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

pub use self::sled::SledDisk;
pub use error::{Error, Operation};

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// For reading; it must exist.
    Read,
    /// For reading and writing; it must exist.
    Write,
    /// For reading and writing; it must not exist.
    Create,
}

/// A place for files.
pub trait Disk: Send + Sync + std::fmt::Debug {
    /// Opens a file.
    fn open(&self, path: &Path, how: Open) -> Result<Arc<dyn File>, Error>;
    /// The names in a directory, sorted. Empty when there is no such directory.
    fn list(&self, directory: &Path) -> Result<Vec<String>, Error>;
    /// Makes a directory, and those above it that are not there. Its name is durable then, also when it
    /// was there before.
    fn create_dir(&self, directory: &Path) -> Result<(), Error>;
    /// Gives a file another name, atomically, replacing what had it.
    fn rename(&self, from: &Path, to: &Path) -> Result<(), Error>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> Result<(), Error>;
    /// Makes the names in a directory durable.
    fn sync_dir(&self, directory: &Path) -> Result<(), Error>;
    /// How many bytes may still be written below a directory.
    fn available(&self, directory: &Path) -> Result<u64, Error>;
    /// Takes a lock that ends with its guard or with the process. `None` when somebody has it.
    fn lock(&self, path: &Path) -> Result<Option<Box<dyn Lock>>, Error>;
    /// Whether what is synced outlives the process.
    fn is_durable(&self) -> bool;
    /// Whether a sync costs more when the file has grown since the last one.
    fn growing_is_dear(&self) -> bool {
        true
    }

    /// Whether a file exists.
    fn exists(&self, path: &Path) -> Result<bool, Error> {
        let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else { return Ok(false) };
        Ok(self.list(directory)?.iter().any(|found| name == found.as_str()))
    }

    /// Reads a whole, small file.
    fn read(&self, path: &Path) -> Result<Vec<u8>, Error> {
        let file = self.open(path, Open::Read)?;
        let length = usize::try_from(file.len()?).expect("a file that fits in memory");
        let mut bytes = vec![0; length];
        file.read_at(&mut bytes, 0)?;
        Ok(bytes)
    }

    /// Writes a whole, small file so that it is there as a whole or not at all, and durable.
    fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let directory = path.parent().expect("a file lies in a directory");
        let draft = path.with_extension("tmp");
        if self.exists(&draft)? {
            self.remove(&draft)?;
        }
        let file = self.open(&draft, Open::Create)?;
        file.write_at(bytes, 0)?;
        file.sync_data()?;
        self.rename(&draft, path)?;
        self.sync_dir(directory)
    }
}

/// An open file.
#[allow(clippy::len_without_is_empty, reason = "a file is asked how long it is")]
pub trait File: Send + Sync + std::fmt::Debug {
    /// Fills `buffer` from `offset`; fewer bytes there are an error.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), Error>;
    /// Writes all of `bytes` at `offset`.
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), Error>;
    /// Makes everything written, and the length, durable.
    fn sync_data(&self) -> Result<(), Error>;
    /// The length in bytes.
    fn len(&self) -> Result<u64, Error>;
    /// Cuts the file, or extends it with zeros.
    fn set_len(&self, length: u64) -> Result<(), Error>;
}

/// A lock that is held.
pub trait Lock: Send + Sync + std::fmt::Debug {}
