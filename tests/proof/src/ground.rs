//! Where a life has its data: a directory, or a file system of its own. It stays when the life failed.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::image::Image;

/// A place for a data directory.
#[derive(Debug)]
pub(crate) enum Ground {
    /// A directory of the machine's own file system.
    Directory(TempDir),
    /// A mounted image.
    Image(Image),
}

impl Ground {
    /// A new directory.
    pub(crate) fn directory() -> Result<Self, String> {
        let made = tempfile::Builder::new().prefix("quipu-proof-").tempdir();
        made.map(Self::Directory).map_err(|error| error.to_string())
    }

    /// The data directory.
    pub(crate) fn data(&self) -> PathBuf {
        match self {
            Self::Directory(directory) => directory.path().join("data"),
            Self::Image(image) => image.mount_point().join("data"),
        }
    }

    /// Lets an image recover from a cut; a directory is left alone.
    pub(crate) fn recover(&mut self) -> Result<(), String> {
        match self {
            Self::Directory(_) => Ok(()),
            Self::Image(image) => image.remount(),
        }
    }

    /// Leaves everything where it is and tells where.
    pub(crate) fn keep(self) -> PathBuf {
        match self {
            Self::Directory(directory) => directory.keep(),
            Self::Image(image) => image.keep(),
        }
    }
}
