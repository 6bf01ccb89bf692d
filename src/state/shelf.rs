//! An ordered map of bytes that applies changes together or not at all.

use thiserror::Error as ThisError;

/// A failure of the shelf. What it held can be made again from the log.
#[derive(Debug, ThisError)]
#[error("the state directory failed: {0}")]
pub struct Error(pub String);

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Puts a value under a key.
    Put(Vec<u8>, Vec<u8>),
    /// Removes a key.
    Remove(Vec<u8>),
}

/// A key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// A shelf.
pub trait Shelf: Send + Sync + std::fmt::Debug {
    /// The value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;
    /// All rows whose keys begin with `prefix`, in the order of their keys.
    fn rows(&self, prefix: &[u8]) -> Result<Vec<Row>, Error>;
    /// Rows whose keys begin with `prefix` and are not below `from`, in the order of their keys; at most `most`.
    fn rows_from(&self, prefix: &[u8], from: &[u8], most: usize) -> Result<Vec<Row>, Error>;
    /// Applies changes, all or none.
    fn apply(&self, changes: Vec<Change>) -> Result<(), Error>;
    /// Removes everything.
    fn clear(&self) -> Result<(), Error>;
    /// Writes out what is not on disk yet.
    fn flush(&self) -> Result<(), Error>;
}
