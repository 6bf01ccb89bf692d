//! Guards: what must hold for events to go in.

use std::sync::Arc;

use super::{CheckpointName, ExpectedRevision, Position, Query, StreamName};

/// A condition on everything committed before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    /// A stream is as expected.
    Stream {
        /// The stream.
        stream: StreamName,
        /// What it must look like.
        expected: ExpectedRevision,
    },
    /// No event after a position matches.
    NoneMatch(Match),
    /// Some event after a position matches.
    SomeMatch(Match),
    /// A checkpoint is exactly there, or is not there.
    Checkpoint {
        /// Its name.
        name: CheckpointName,
        /// Where it must be; `None`: it must not be.
        position: Option<Position>,
    },
}

/// Events that match a query and come after a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Which events.
    pub query: Arc<Query>,
    /// Only events after this position, exclusive; zero for all.
    pub after: Position,
}
