//! What can go wrong in the index.

use std::path::PathBuf;

use thiserror::Error;

use crate::{disk, log};

/// A failure of the index.
#[derive(Debug, Error)]
pub enum Error {
    /// The disk refused.
    #[error("the index's disk failed")]
    Disk(#[from] disk::Error),
    /// The segment that the index is made from could not be read.
    #[error("the log could not be read for the index")]
    Log(#[from] log::Error),
    /// An index file is not what was written. It can be made again.
    #[error("damage in the index file {}: {what}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What does not fit.
        what: &'static str,
    },
    /// The part that was asked has been replaced by one with other lists. Whoever asks anew is answered.
    #[error("a part of the index was replaced in the middle of a question")]
    Replaced,
}

impl Error {
    /// Whether making the index anew from the log helps.
    pub fn is_mendable(&self) -> bool {
        match self {
            Self::Damaged { .. } => true,
            Self::Disk(error) => error.is_missing(),
            Self::Log(_) | Self::Replaced => false,
        }
    }
}
