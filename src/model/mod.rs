//! The words: values that cannot be wrong.
//!
//! A name, a position, an event or a limit is checked once, when it is made, and trusted from then
//! on. Every room may use this one; it uses none, does no I/O, and knows no clock.

pub mod consumer;
pub mod event;
pub mod expected;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod guard;
pub mod life_cycle;
pub mod limits;
pub mod merge_patch;
pub mod name;
pub mod position;
pub mod query;
pub mod snapshot;
pub mod time;
pub mod wire;

pub use consumer::{GroupSettings, GroupWishes, NackAction, Order};
pub use event::{EventId, Labels, ProposedEvent};
pub use expected::ExpectedRevision;
pub use guard::{Guard, Match};
pub use life_cycle::{LifeCycle, StreamMetadata};
pub use limits::Limits;
pub use name::{CheckpointName, GivenName, StreamName, TenantId};
pub use position::{Position, Revision, Walk};
pub use query::{Query, QueryItem};
pub use snapshot::ProposedSnapshot;
pub use time::Timestamp;

use thiserror::Error;

/// Why a value was refused at the door.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Invalid {
    /// Something is malformed; the text says what, without quoting payloads.
    #[error("{0}")]
    Malformed(String),
    /// A limit is exceeded.
    #[error("{limit} is {actual}, the most allowed is {maximum}")]
    TooMuch {
        /// The limit's field name in `Limits`.
        limit: &'static str,
        /// The most allowed.
        maximum: u64,
        /// What was found.
        actual: u64,
    },
}

impl Invalid {
    /// Something malformed, in words.
    pub fn malformed(what: impl Into<String>) -> Self {
        Self::Malformed(what.into())
    }

    /// Refuses `actual` when it is more than `maximum`.
    pub fn check(limit: &'static str, maximum: usize, actual: usize) -> Result<(), Self> {
        if actual <= maximum {
            return Ok(());
        }
        Err(Self::TooMuch { limit, maximum: maximum as u64, actual: actual as u64 })
    }
}
