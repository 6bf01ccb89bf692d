//! The truth: an append-only log of blocks, kept in segment files.
//!
//! One tenant has one log. What is in it happened; every other room holds views of it. The log knows
//! records, blocks and slots; it knows no rule, no stream and no index.
//!
//! | file | owns |
//! |---|---|
//! | `commit_log` | the boundary: compare-and-append a block at an expected tail |
//! | `record` | the layout of an event or control record |
//! | `block` | the layout of a batch of records, the unit of commit |
//! | `segment` | a file of blocks and its header |
//! | `segments` | the set of segments, for readers |
//! | `segment_log` | the writing side: append, sync, roll, poison |
//! | `cursor` | single records, read by place |
//! | `recovery` | what a crash left: torn tail or damage |
//! | `verify` | every byte of a log, checked |
//! | `export` | a log that is open, for a copy elsewhere |
//! | `survey` | what of a log can be kept, up to a place |
//! | `graft` | a log made of what can be kept |
//! | `repair` | what is wrong with a log, and what a cut would cost |
//! | `pace` | how fast a log is read by somebody in no hurry |
//! | `salt` | the numbers that tell logs and segments apart |
//! | `mark` | the low-water mark of what was acknowledged |

pub mod block;
pub mod commit_log;
pub mod cursor;
pub mod error;
pub mod export;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod graft;
mod mark;
pub mod pace;
pub mod record;
mod recovery;
pub mod repair;
pub mod salt;
pub mod segment;
pub mod segment_log;
pub mod segments;
pub mod survey;
pub mod verify;

pub use block::{Block, Draft, DraftSize, Entry};
pub use commit_log::{Appended, CommitLog, Place, Placed, Slot};
pub use cursor::{Cursor, Found, What};
pub use error::Error;
pub use record::{Kind, StoredEvent};
pub use salt::Salts;
pub use segment_log::{LogOptions, SegmentLog};
pub use segments::{Pinned, Reach, Segments};
