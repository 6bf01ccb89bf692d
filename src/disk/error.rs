//! What can go wrong below: which call, on which file.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// A call of the file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Opening or creating a file.
    Open,
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Making data or names durable.
    Sync,
    /// Changing a length.
    Resize,
    /// Renaming.
    Rename,
    /// Removing.
    Remove,
    /// Listing or making a directory.
    Directory,
    /// Asking for free space.
    Space,
    /// Locking.
    Lock,
}

/// A failed call.
#[derive(Debug, Error)]
#[error("{operation:?} failed on {}", path.display())]
pub struct Error {
    /// The call.
    pub operation: Operation,
    /// The file or directory.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

impl Error {
    /// Says where `source` happened.
    pub fn new(operation: Operation, path: &Path, source: io::Error) -> Self {
        Self { operation, path: path.into(), source }
    }

    /// Whether what lies there is not what was written.
    pub fn is_damage(&self) -> bool {
        self.source.kind() == io::ErrorKind::InvalidData
    }

    /// Whether what was read ends too early.
    pub fn is_cut_short(&self) -> bool {
        self.source.kind() == io::ErrorKind::UnexpectedEof
    }

    /// Whether what was read ends too early, or is not there.
    pub fn is_missing(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound || self.is_cut_short()
    }
}
