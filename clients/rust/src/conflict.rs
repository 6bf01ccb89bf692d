//! What is so where a guard wanted something else.
//!
//! Owns [`Conflict`], its words, and its making from the wire.

use std::fmt;

use crate::proto::guard_not_met::Actual;
use crate::{Expected, proto};

/// What is so instead of what a guard wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// The stream is not as expected.
    Stream {
        /// The stream's name.
        stream: String,
        /// What was expected.
        expected: Expected,
        /// The revision of the stream's last event; none when it has no event.
        actual: Option<u64>,
    },
    /// An event matches where none was to.
    Event {
        /// The position of the newest one.
        position: u64,
        /// The type of that event.
        event_type: String,
    },
    /// The checkpoint is not where it was expected.
    Checkpoint {
        /// Its name.
        name: String,
        /// Where it was expected; none when it was expected not to be there.
        expected: Option<u64>,
        /// Where it is; none when there is none of this name.
        actual: Option<u64>,
    },
    /// No event matches where one was to.
    Nothing,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream { stream, expected, actual } => {
                write!(f, "stream {stream:?} {}, expected {expected}", at_revision(*actual))
            }
            Self::Event { position, event_type } => write!(f, "an event of type {event_type:?} matches at {position}"),
            Self::Checkpoint { name, expected, actual } => {
                write!(f, "checkpoint {name:?} {}, expected {}", at_position(*actual), wanted(*expected))
            }
            Self::Nothing => f.write_str("no event matches"),
        }
    }
}

impl From<Option<Actual>> for Conflict {
    fn from(actual: Option<Actual>) -> Self {
        match actual {
            Some(Actual::Stream(it)) => Self::Stream {
                stream: it.stream,
                expected: it.expected.unwrap_or_default().into(),
                actual: it.actual_revision,
            },
            Some(Actual::Event(it)) => Self::Event { position: it.position, event_type: it.r#type },
            Some(Actual::Checkpoint(proto::WrongCheckpoint { name, expected_position, actual_position })) => {
                Self::Checkpoint { name, expected: expected_position, actual: actual_position }
            }
            None => Self::Nothing,
        }
    }
}

/// Where a stream is, in words.
pub(crate) fn at_revision(actual: Option<u64>) -> String {
    actual.map_or_else(|| "has no event".to_owned(), |revision| format!("is at revision {revision}"))
}

/// Where a checkpoint is, in words.
pub(crate) fn at_position(actual: Option<u64>) -> String {
    actual.map_or_else(|| "is not there".to_owned(), |position| format!("is at position {position}"))
}

/// Where a checkpoint was to be, in words.
pub(crate) fn wanted(expected: Option<u64>) -> String {
    expected.map_or_else(|| "none".to_owned(), |position| format!("position {position}"))
}
