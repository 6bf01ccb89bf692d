//! Everything that a store can refuse or fail at.

use std::sync::Arc;

use thiserror::Error as ThisError;

use crate::model::{CheckpointName, EventId, ExpectedRevision, GivenName, Invalid, Position, Revision, StreamName};
use crate::{disk, index, log, state};

/// Why a request was refused or failed. Nothing was changed, unless [`Self::Poisoned`] says otherwise.
#[derive(Debug, Clone, ThisError)]
pub enum Error {
    /// Something in the request is malformed or beyond a limit.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The stream is not as expected.
    #[error("stream `{stream}` was expected to be at {expected}, it is at {}", at(*actual))]
    WrongExpectedRevision {
        /// The stream.
        stream: StreamName,
        /// What was expected.
        expected: ExpectedRevision,
        /// Its last revision; `None` when it has no event.
        actual: Option<Revision>,
        /// The position of the last event it was judged against.
        head: Position,
    },
    /// A guard does not hold.
    #[error("guard {index} does not hold: {actual}")]
    GuardNotMet {
        /// Its place among the guards; the first is 0.
        index: usize,
        /// What is so instead.
        actual: Actual,
        /// The position of the last event it was judged against.
        head: Position,
    },
    /// A checkpoint is not where it was expected, or would not move forwards.
    #[error("checkpoint `{name}` is at {}, which does not go with {}", place(*actual), place(*expected))]
    WrongCheckpoint {
        /// The consumer.
        name: CheckpointName,
        /// Where it was expected, or was to move.
        expected: Option<Position>,
        /// Where it is; `None` when there is none.
        actual: Option<Position>,
    },
    /// There is no such checkpoint.
    #[error("there is no checkpoint `{0}`")]
    CheckpointNotFound(CheckpointName),
    /// There are as many checkpoints as there may be.
    #[error("there are too many checkpoints")]
    TooManyCheckpoints,
    /// There is no such consumer group.
    #[error("there is no consumer group `{0}`")]
    GroupNotFound(GivenName),
    /// There is a consumer group of this name with other settings, or with another query or order.
    #[error("there is a consumer group `{0}` with other settings")]
    GroupExists(GivenName),
    /// The consumer group has a member of this name.
    #[error("consumer group `{0}` has a member `{1}`")]
    MemberExists(GivenName, GivenName),
    /// The consumer group has not parked this event.
    #[error("consumer group `{0}` has not parked an event at position {1}")]
    NotParked(GivenName, Position),
    /// There are as many consumer groups as there may be.
    #[error("there are too many consumer groups")]
    TooManyGroups,
    /// There is no such read model, or no such generation or document of it.
    #[error("there is no {what} `{model}`")]
    ReadModelNotFound {
        /// The read model.
        model: GivenName,
        /// What is missing: it, or what of it.
        what: &'static str,
    },
    /// A generation of a read model is not where it was expected.
    #[error("generation {generation} of read model `{model}` was expected at {expected}, it is at {actual}")]
    WrongReadModelPosition {
        /// The read model.
        model: GivenName,
        /// Which generation.
        generation: u64,
        /// Where it was expected.
        expected: Position,
        /// Where it is.
        actual: Position,
    },
    /// A state can not be folded.
    #[error("the {} at revision {revision} of stream `{stream}` is not JSON", what(*is_snapshot))]
    NotFoldable {
        /// The stream.
        stream: StreamName,
        /// The revision of what is not JSON.
        revision: Revision,
        /// Whether that is a snapshot.
        is_snapshot: bool,
    },
    /// There is no snapshot policy for this category.
    #[error("there is no snapshot policy for category `{0}`")]
    PolicyNotFound(String),
    /// The snapshot is of a state that the stream has not reached.
    #[error("the snapshot is of revision {revision}, stream `{stream}` is at revision {actual}")]
    SnapshotAhead {
        /// The stream.
        stream: StreamName,
        /// The snapshot's revision.
        revision: Revision,
        /// The stream's last revision.
        actual: Revision,
    },
    /// The stream has no event.
    #[error("stream `{0}` has no event")]
    StreamNotFound(StreamName),
    /// The stream was deleted; an append revives it.
    #[error("stream `{0}` was deleted")]
    StreamDeleted(StreamName),
    /// Whoever reads asks for a stream that was deleted for good.
    #[error("stream `{0}` was deleted for good")]
    StreamGone(StreamName),
    /// Whoever writes asks for a stream that was deleted for good.
    #[error("stream `{0}` was deleted for good, nothing can be appended")]
    StreamTombstoned(StreamName),
    /// No event has this id or position.
    #[error("there is no such event")]
    EventNotFound,
    /// The stream has no such snapshot.
    #[error("stream `{0}` has no such snapshot")]
    SnapshotNotFound(StreamName),
    /// The tenant holds nothing.
    #[error("tenant `{0}` holds nothing")]
    TenantNotFound(String),
    /// An event id is taken.
    #[error("event id {id} is taken by another event or another order of events")]
    EventIdConflict {
        /// The id.
        id: EventId,
        /// The stream with an event of this id.
        stream: StreamName,
        /// That event's position.
        position: u64,
    },
    /// A place beyond the end of the log or stream.
    #[error("{asked} lies beyond the end, which is {}", end(*last))]
    BeyondEnd {
        /// What was asked for.
        asked: u64,
        /// The last there is.
        last: Option<u64>,
    },
    /// The write queue is full.
    #[error("the write queue is full")]
    QueueFull,
    /// The disk is full; reads go on.
    #[error("the disk is full")]
    DiskFull,
    /// As many tenants are open as may be.
    #[error("too many tenants are open")]
    TooManyTenants,
    /// The store is stopping.
    #[error("the server is stopping")]
    ShuttingDown,
    /// A write to the log failed and the store has stopped. Whether a pending append went in is not
    /// known.
    #[error("the log refused a write, the store has stopped")]
    Poisoned,
    /// Stored bytes are damaged.
    #[error("stored data is damaged")]
    Damaged(#[source] Arc<log::Error>),
    /// Something below failed.
    #[error("an internal failure")]
    Internal(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

/// What is so where a guard wanted something else.
#[derive(Debug, Clone, ThisError)]
pub enum Actual {
    /// A stream is elsewhere.
    #[error("stream `{stream}` was expected to be at {expected}, it is at {}", at(*actual))]
    Stream {
        /// The stream.
        stream: StreamName,
        /// What was expected.
        expected: ExpectedRevision,
        /// Its last revision; `None` when it has no event.
        actual: Option<Revision>,
    },
    /// An event matches.
    #[error("the event at position {} matches", .0.position)]
    Event(Found),
    /// No event matches.
    #[error("no event matches")]
    NoEvent,
    /// A checkpoint is elsewhere.
    #[error("checkpoint `{name}` was expected to be at {}, it is at {}", place(*expected), place(*actual))]
    Checkpoint {
        /// The consumer.
        name: CheckpointName,
        /// Where it was expected; `None`: not to be there.
        expected: Option<Position>,
        /// Where it is; `None` when there is none.
        actual: Option<Position>,
    },
}

/// An event that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its position.
    pub position: Position,
    /// Its type.
    pub event_type: String,
}

impl Error {
    /// A failure that is nobody's fault but ours or the machine's.
    pub fn internal(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Internal(Arc::new(source))
    }
}

impl From<log::Error> for Error {
    fn from(error: log::Error) -> Self {
        match error {
            log::Error::Damaged { .. } => Self::Damaged(Arc::new(error)),
            log::Error::Disk(ref disk) if disk.is_damage() => Self::Damaged(Arc::new(error)),
            log::Error::Poisoned => Self::Poisoned,
            log::Error::Disk(_) | log::Error::Newer { .. } => Self::internal(error),
        }
    }
}

impl From<index::Error> for Error {
    fn from(error: index::Error) -> Self {
        match error {
            index::Error::Log(error) => error.into(),
            index::Error::Disk(_) | index::Error::Damaged { .. } | index::Error::Replaced => Self::internal(error),
        }
    }
}

impl From<disk::Error> for Error {
    fn from(error: disk::Error) -> Self {
        Self::internal(error)
    }
}

impl From<state::Error> for Error {
    fn from(error: state::Error) -> Self {
        Self::internal(error)
    }
}

fn what(is_snapshot: bool) -> &'static str {
    if is_snapshot { "snapshot" } else { "event" }
}

fn at(actual: Option<Revision>) -> String {
    actual.map_or("no stream".into(), |revision| format!("revision {revision}"))
}

fn place(position: Option<Position>) -> String {
    position.map_or("no position".into(), |position| format!("position {position}"))
}

fn end(last: Option<u64>) -> String {
    last.map_or("before the first".into(), |last| last.to_string())
}
