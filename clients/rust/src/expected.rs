//! The guard of optimistic concurrency.
//!
//! Owns [`Expected`] and its way to and from the wire. The server checks it; nothing is checked here.
//! What may be expected of more than one stream is in `guard.rs`.

use std::fmt;

use crate::proto;
use crate::proto::expected_revision::{self, Kind};

/// What a stream must look like for an append to go in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Expected {
    /// No condition.
    #[default]
    Any,
    /// The stream has no event yet.
    NoStream,
    /// The stream has at least one event.
    StreamExists,
    /// The revision of the stream's last event, exactly.
    Revision(u64),
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("anything"),
            Self::NoStream => f.write_str("no event"),
            Self::StreamExists => f.write_str("at least one event"),
            Self::Revision(revision) => write!(f, "revision {revision}"),
        }
    }
}

impl From<Expected> for proto::ExpectedRevision {
    fn from(expected: Expected) -> Self {
        let kind = match expected {
            Expected::Any => Kind::Any(expected_revision::Any {}),
            Expected::NoStream => Kind::NoStream(expected_revision::NoStream {}),
            Expected::StreamExists => Kind::StreamExists(expected_revision::StreamExists {}),
            Expected::Revision(revision) => Kind::Revision(revision),
        };
        Self { kind: Some(kind) }
    }
}

impl From<proto::ExpectedRevision> for Expected {
    fn from(expected: proto::ExpectedRevision) -> Self {
        match expected.kind {
            None | Some(Kind::Any(_)) => Self::Any,
            Some(Kind::NoStream(_)) => Self::NoStream,
            Some(Kind::StreamExists(_)) => Self::StreamExists,
            Some(Kind::Revision(revision)) => Self::Revision(revision),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_over_the_wire_and_back() {
        for expected in [
            Expected::Any,
            Expected::NoStream,
            Expected::StreamExists,
            Expected::Revision(0),
            Expected::Revision(u64::MAX),
        ] {
            assert_eq!(Expected::from(proto::ExpectedRevision::from(expected)), expected);
        }
    }

    #[test]
    fn unset_is_any() {
        assert_eq!(Expected::from(proto::ExpectedRevision { kind: None }), Expected::Any);
    }
}
