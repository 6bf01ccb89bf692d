//! What can go wrong, as values to act on.
//!
//! Owns [`Error`]. Each reason of the server that a program would act on is a variant of its own
//! with the values to act with; the rest stays a gRPC status. How a status becomes an error is in
//! `status.rs`.

use std::fmt;

use tonic::{Code, Status};
use uuid::Uuid;

use crate::conflict::{at_position, at_revision, wanted};
use crate::proto::ErrorReason;
use crate::{Conflict, Expected};

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The stream is not as expected. Read it and decide again.
    #[error("stream {stream:?} {}, expected {expected}", at_revision(*actual))]
    WrongExpectedRevision {
        /// The stream's name.
        stream: String,
        /// What was expected.
        expected: Expected,
        /// The revision of the stream's last event; none when it has no event.
        actual: Option<u64>,
        /// The head that the append was judged against.
        head: u64,
    },
    /// A guard does not hold. Read and decide again.
    #[error("guard {index} does not hold: {actual}; the head is {head}")]
    GuardNotMet {
        /// Which: its place among the guards, from 0.
        index: usize,
        /// What is so instead.
        actual: Conflict,
        /// The head that the guard was judged against: a place to count from next time, for one who has
        /// read up to here.
        head: u64,
    },
    /// The stream was deleted; an append revives it.
    #[error("the stream was deleted")]
    StreamDeleted,
    /// The stream was deleted for good.
    #[error("the stream was deleted for good")]
    StreamTombstoned {
        /// `FailedPrecondition` for one who writes, `NotFound` for one who reads.
        code: Code,
    },
    /// There is no checkpoint of this name.
    #[error("there is no such checkpoint")]
    CheckpointNotFound,
    /// The checkpoint is not where it was expected, or would not move forwards.
    #[error("checkpoint {name:?} {}, expected {}", at_position(*actual), wanted(*expected))]
    WrongCheckpoint {
        /// Its name.
        name: String,
        /// Where it was expected, or was to move; none when it was expected not to be there.
        expected: Option<u64>,
        /// Where it is; none when there is none of this name.
        actual: Option<u64>,
    },
    /// The snapshot's revision lies ahead of its stream.
    #[error("the snapshot lies ahead of its stream")]
    SnapshotAhead,
    /// The stream has no event.
    #[error("the stream has no event")]
    StreamNotFound,
    /// No event has this id or position.
    #[error("there is no such event")]
    EventNotFound,
    /// The stream has no such snapshot.
    #[error("the stream has no such snapshot")]
    SnapshotNotFound,
    /// The tenant holds nothing yet.
    #[error("the tenant holds nothing")]
    TenantNotFound,
    /// There is no consumer group of this name.
    #[error("there is no such consumer group")]
    GroupNotFound,
    /// There is a consumer group of this name with other settings.
    #[error("there is a consumer group of this name with other settings")]
    GroupExists,
    /// The consumer group has a member of this name.
    #[error("the consumer group has a member of this name")]
    MemberExists,
    /// The consumer group has not parked this event.
    #[error("the consumer group has not parked this event")]
    NotParked,
    /// There is no read model, generation or document of this name.
    #[error("there is no such read model, generation or document")]
    ReadModelNotFound,
    /// A generation of a read model is not where it was expected. Go on behind where it is.
    #[error("read model {model:?}, generation {generation}, is at position {actual}, expected {expected}")]
    WrongReadModelPosition {
        /// The read model's name.
        model: String,
        /// Which generation.
        generation: u64,
        /// Where it was expected.
        expected: u64,
        /// Where it is.
        actual: u64,
    },
    /// A state cannot be folded, since a snapshot or an event is not JSON.
    #[error("the {} of stream {stream:?} at revision {revision} is not JSON", of_fold(*is_snapshot))]
    NotFoldable {
        /// The stream's name.
        stream: String,
        /// The revision of what is not JSON.
        revision: u64,
        /// Whether that is a snapshot, and not an event.
        is_snapshot: bool,
    },
    /// There is no snapshot policy for this category.
    #[error("there is no snapshot policy for this category")]
    PolicyNotFound,
    /// An event id of the request is taken by another event.
    #[error("event id {id} is taken by the event at position {position}, in stream {stream:?}")]
    EventIdConflict {
        /// The id.
        id: Uuid,
        /// The stream that has the event of this id.
        stream: String,
        /// The position of that event.
        position: u64,
    },
    /// The place asked for lies beyond the end: the wrong store, or an older copy.
    #[error("{asked} lies beyond the end: {}", end(*last))]
    BeyondEnd {
        /// The position or revision asked for.
        asked: u64,
        /// The last there is; none when there is nothing.
        last: Option<u64>,
    },
    /// Something in the request is malformed.
    #[error("invalid argument: {0}")]
    InvalidArgument(String),
    /// A limit of the server is exceeded.
    #[error("{actual} exceeds the limit {limit} of {maximum}")]
    LimitExceeded {
        /// The limit's field name in [`Limits`](crate::proto::Limits).
        limit: String,
        /// The most allowed.
        maximum: u64,
        /// What was sent.
        actual: u64,
    },
    /// The server has no room just now: `QUEUE_FULL`, `DISK_FULL`, `TOO_MANY_TENANTS`,
    /// `TOO_MANY_CHECKPOINTS` or `TOO_MANY_GROUPS`. Not retried by the client, since piling on would make it
    /// worse.
    #[error("the server has no room: {0}")]
    ResourceExhausted(Fault),
    /// The server is away: stopping, stopped, or not to be reached.
    #[error("the server is unavailable: {0}")]
    Unavailable(Fault),
    /// Stored bytes do not match their checksum. Call the operator.
    #[error("stored data is damaged: {0}")]
    DataLoss(Fault),
    /// Any other failure, as it came.
    #[error("the call failed")]
    Other(#[source] Box<Status>),
    /// The server's answer makes no sense.
    #[error("invalid response: {0}")]
    InvalidResponse(String),
    /// The first connection could not be made.
    #[error("cannot connect to {endpoint}")]
    Connect {
        /// Where to.
        endpoint: String,
        /// Why not.
        #[source]
        source: tonic::transport::Error,
    },
    /// The endpoint is not a usable address.
    #[error("invalid endpoint {0:?}, expected one like http://127.0.0.1:2113")]
    InvalidEndpoint(String),
    /// A payload does not go into or out of JSON.
    #[error("the payload does not convert to or from JSON")]
    Json(#[source] serde_json::Error),
    /// The session, subscription or membership has ended before.
    #[error("it has ended already")]
    Ended,
    /// A chain of upcasters comes back to a version that it has been at.
    #[error("the upcasters of {event_type:?} come back to version {version}")]
    UpcastLoop {
        /// The type of the events.
        event_type: String,
        /// The version met twice.
        version: String,
    },
    /// An upcaster failed.
    #[error("the upcaster of {event_type:?} version {version} failed for the event at position {position}")]
    UpcastFailed {
        /// The event's type.
        event_type: String,
        /// The version that was to be lifted.
        version: String,
        /// The event's position.
        position: u64,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// What a program does with an event failed: the projection or the handler of a replay.
    #[error("the handler failed at the event at position {position}")]
    HandlerFailed {
        /// The position of the event, or of the first one of a batch.
        position: u64,
        /// Why.
        #[source]
        source: BoxError,
    },
}

/// A failure of a program's own code.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A failure in the server's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The server's reason, such as `QUEUE_FULL`; none when the fault is of the transport.
    pub reason: Option<String>,
    /// What went wrong, in words.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error {
    /// The gRPC status code; none for errors that arise in the client.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::WrongExpectedRevision { .. }
            | Self::GuardNotMet { .. }
            | Self::WrongCheckpoint { .. }
            | Self::WrongReadModelPosition { .. }
            | Self::NotFoldable { .. }
            | Self::SnapshotAhead => Some(Code::FailedPrecondition),
            Self::StreamNotFound
            | Self::StreamDeleted
            | Self::EventNotFound
            | Self::SnapshotNotFound
            | Self::CheckpointNotFound
            | Self::GroupNotFound
            | Self::NotParked
            | Self::ReadModelNotFound
            | Self::PolicyNotFound
            | Self::TenantNotFound => Some(Code::NotFound),
            Self::StreamTombstoned { code } => Some(*code),
            Self::EventIdConflict { .. } | Self::GroupExists | Self::MemberExists => Some(Code::AlreadyExists),
            Self::BeyondEnd { .. } => Some(Code::OutOfRange),
            Self::InvalidArgument(_) | Self::LimitExceeded { .. } => Some(Code::InvalidArgument),
            Self::ResourceExhausted(_) => Some(Code::ResourceExhausted),
            Self::Unavailable(_) | Self::Connect { .. } => Some(Code::Unavailable),
            Self::DataLoss(_) => Some(Code::DataLoss),
            Self::Other(status) => Some(status.code()),
            Self::InvalidResponse(_)
            | Self::InvalidEndpoint(_)
            | Self::Json(_)
            | Self::Ended
            | Self::UpcastLoop { .. }
            | Self::UpcastFailed { .. }
            | Self::HandlerFailed { .. } => None,
        }
    }

    /// The server's reason, such as `WRONG_EXPECTED_REVISION`; none when it gave none.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        let reason = match self {
            Self::WrongExpectedRevision { .. } => ErrorReason::WrongExpectedRevision,
            Self::GuardNotMet { .. } => ErrorReason::GuardNotMet,
            Self::StreamDeleted => ErrorReason::StreamDeleted,
            Self::StreamTombstoned { .. } => ErrorReason::StreamTombstoned,
            Self::CheckpointNotFound => ErrorReason::CheckpointNotFound,
            Self::WrongCheckpoint { .. } => ErrorReason::WrongCheckpoint,
            Self::SnapshotAhead => ErrorReason::SnapshotAhead,
            Self::StreamNotFound => ErrorReason::StreamNotFound,
            Self::EventNotFound => ErrorReason::EventNotFound,
            Self::SnapshotNotFound => ErrorReason::SnapshotNotFound,
            Self::TenantNotFound => ErrorReason::TenantNotFound,
            Self::GroupNotFound => ErrorReason::GroupNotFound,
            Self::GroupExists => ErrorReason::GroupExists,
            Self::MemberExists => ErrorReason::MemberExists,
            Self::NotParked => ErrorReason::NotParked,
            Self::ReadModelNotFound => ErrorReason::ReadModelNotFound,
            Self::WrongReadModelPosition { .. } => ErrorReason::WrongReadModelPosition,
            Self::NotFoldable { .. } => ErrorReason::NotFoldable,
            Self::PolicyNotFound => ErrorReason::PolicyNotFound,
            Self::EventIdConflict { .. } => ErrorReason::EventIdConflict,
            Self::BeyondEnd { .. } => ErrorReason::BeyondEnd,
            Self::InvalidArgument(_) => ErrorReason::InvalidArgument,
            Self::LimitExceeded { .. } => ErrorReason::LimitExceeded,
            Self::ResourceExhausted(fault) | Self::Unavailable(fault) | Self::DataLoss(fault) => {
                return fault.reason.clone();
            }
            Self::Other(status) => return crate::status::reason_of(status),
            Self::InvalidResponse(_)
            | Self::Connect { .. }
            | Self::InvalidEndpoint(_)
            | Self::Json(_)
            | Self::Ended
            | Self::UpcastLoop { .. }
            | Self::UpcastFailed { .. }
            | Self::HandlerFailed { .. } => return None,
        };
        reason.as_str_name().strip_prefix(crate::status::REASON_PREFIX).map(str::to_owned)
    }

    /// Whether the same call can succeed later because the server was merely away.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Connect { .. })
    }

    /// Whether somebody else was faster: read what is there and decide again.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(
            self,
            Self::WrongExpectedRevision { .. }
                | Self::GuardNotMet { .. }
                | Self::WrongCheckpoint { .. }
                | Self::WrongReadModelPosition { .. }
        )
    }

    /// Whether a reader found nothing under the stream's name.
    pub(crate) fn is_absent_stream(&self) -> bool {
        matches!(
            self,
            Self::StreamNotFound
                | Self::StreamDeleted
                | Self::StreamTombstoned { code: Code::NotFound }
                | Self::TenantNotFound
        )
    }

    /// The transport's word that the server is away.
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::Unavailable(Fault { reason: None, message: message.into() })
    }
}

/// What cannot be folded, in words.
fn of_fold(is_snapshot: bool) -> &'static str {
    if is_snapshot { "snapshot" } else { "event" }
}

/// Where the end is, in words.
fn end(last: Option<u64>) -> String {
    last.map_or_else(|| "there is no event".to_owned(), |last| format!("the last is {last}"))
}
