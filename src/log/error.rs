//! What can go wrong in the log.

use std::path::PathBuf;

use thiserror::Error;

use crate::disk;

/// A failure of the log.
#[derive(Debug, Error)]
pub enum Error {
    /// The disk refused.
    #[error("the log's disk failed")]
    Disk(#[from] disk::Error),
    /// Bytes that were acknowledged do not match their checksum or their neighbours.
    #[error("damage in {} at byte {offset}: {what}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Where in it.
        offset: u64,
        /// What does not fit.
        what: &'static str,
    },
    /// A newer program wrote this.
    #[error("{} has format {found}, this program reads up to {known}", file.display())]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its format.
        found: u16,
        /// The newest format known here.
        known: u16,
    },
    /// An earlier write or sync failed; what is on disk is not known.
    #[error("an earlier write to the log failed")]
    Poisoned,
}
