//! The shelf: small views of the log that are kept between starts.
//!
//! Kept in sled, behind [`Shelf`], off the path of an append. **Nothing here is the truth.** Every key of the
//! directory says how it is made from the log, each change goes in together with the slot it comes from, and a
//! shelf that is missing, damaged, ahead of its log or of another log is emptied and filled again. Read models
//! (`read_models`) lie on a shelf of their own and are made again by their projectors.

mod directory;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod keys;
mod memory;
pub mod read_models;
mod shelf;
mod sled_shelf;

pub use directory::{ControlChange, Directory, SnapshotRow};
pub use memory::MemoryShelf;
pub use shelf::{Change, Error, Row, Shelf};
pub use sled_shelf::{Keeping, open_sled};
