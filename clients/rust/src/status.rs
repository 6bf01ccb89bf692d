//! From a gRPC status to an [`Error`].
//!
//! The server's reason decides, and its typed detail gives the values; without them the code decides.
//! A status that the transport made, rather than the server, means that the connection broke,
//! whatever its code says: tonic reports breaks in mid-call as UNKNOWN, CANCELLED or INTERNAL.

use std::error::Error as _;

use prost::Message;
use tonic::{Code, Status};
use tonic_types::pb;
use uuid::Uuid;

use crate::error::Fault;
use crate::proto::ErrorReason;
use crate::{Error, proto};

/// What the names of [`ErrorReason`] have before the reason itself.
pub(crate) const REASON_PREFIX: &str = "ERROR_REASON_";

const DOMAIN: &str = "quipu";

/// tonic's own words for an answer cut short, which it gives the code INTERNAL and no source.
const CUT_SHORT: [&str; 2] = ["Missing response message.", "Unexpected EOF decoding stream."];

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        if is_broken_connection(&status) {
            return Self::unavailable(with_sources(&status));
        }
        let details = details(&status);
        let reason = reason_in(&details);
        reason
            .as_deref()
            .and_then(|reason| ErrorReason::from_str_name(&format!("{REASON_PREFIX}{reason}")))
            .and_then(|known| by_reason(known, &status).or_else(|| by_detail(known, &details)))
            .unwrap_or_else(|| by_code(status, reason))
    }
}

impl From<proto::AppendFailure> for Error {
    fn from(failure: proto::AppendFailure) -> Self {
        Status::with_details(Code::from_i32(failure.code), failure.message, failure.status).into()
    }
}

/// The server's reason, if the status has one.
pub(crate) fn reason_of(status: &Status) -> Option<String> {
    reason_in(&details(status))
}

/// The error of a reason that has a variant of its own and no detail.
fn by_reason(reason: ErrorReason, status: &Status) -> Option<Error> {
    Some(match reason {
        ErrorReason::InvalidArgument => Error::InvalidArgument(status.message().to_owned()),
        ErrorReason::SnapshotAhead => Error::SnapshotAhead,
        ErrorReason::StreamNotFound => Error::StreamNotFound,
        ErrorReason::StreamDeleted => Error::StreamDeleted,
        ErrorReason::StreamTombstoned => Error::StreamTombstoned { code: status.code() },
        ErrorReason::CheckpointNotFound => Error::CheckpointNotFound,
        ErrorReason::EventNotFound => Error::EventNotFound,
        ErrorReason::SnapshotNotFound => Error::SnapshotNotFound,
        ErrorReason::TenantNotFound => Error::TenantNotFound,
        ErrorReason::GroupNotFound => Error::GroupNotFound,
        ErrorReason::GroupExists => Error::GroupExists,
        ErrorReason::MemberExists => Error::MemberExists,
        ErrorReason::NotParked => Error::NotParked,
        ErrorReason::ReadModelNotFound => Error::ReadModelNotFound,
        ErrorReason::PolicyNotFound => Error::PolicyNotFound,
        ErrorReason::LimitExceeded
        | ErrorReason::WrongExpectedRevision
        | ErrorReason::GuardNotMet
        | ErrorReason::WrongCheckpoint
        | ErrorReason::EventIdConflict
        | ErrorReason::BeyondEnd
        | ErrorReason::WrongReadModelPosition
        | ErrorReason::NotFoldable
        | ErrorReason::Unspecified
        | ErrorReason::QueueFull
        | ErrorReason::DiskFull
        | ErrorReason::TooManyTenants
        | ErrorReason::ShuttingDown
        | ErrorReason::Poisoned
        | ErrorReason::Damaged
        | ErrorReason::TooManyCheckpoints
        | ErrorReason::TooManyGroups
        | ErrorReason::Internal => return None,
    })
}

/// The error of a reason whose values are in a detail; none when that is missing.
#[expect(clippy::wildcard_enum_match_arm, reason = "the reasons without a detail are told apart above")]
fn by_detail(reason: ErrorReason, details: &[prost_types::Any]) -> Option<Error> {
    Some(match reason {
        ErrorReason::WrongExpectedRevision => {
            let detail: proto::WrongExpectedRevision = typed(details, "WrongExpectedRevision")?;
            Error::WrongExpectedRevision {
                stream: detail.stream,
                expected: detail.expected.unwrap_or_default().into(),
                actual: detail.actual_revision,
                head: detail.head,
            }
        }
        ErrorReason::GuardNotMet => {
            let detail: proto::GuardNotMet = typed(details, "GuardNotMet")?;
            let index = usize::try_from(detail.index).ok()?;
            Error::GuardNotMet { index, actual: detail.actual.into(), head: detail.head }
        }
        ErrorReason::WrongCheckpoint => {
            let detail: proto::WrongCheckpoint = typed(details, "WrongCheckpoint")?;
            let (expected, actual) = (detail.expected_position, detail.actual_position);
            Error::WrongCheckpoint { name: detail.name, expected, actual }
        }
        ErrorReason::EventIdConflict => {
            let detail: proto::EventIdConflict = typed(details, "EventIdConflict")?;
            let id = Uuid::try_parse(&detail.id).ok()?;
            Error::EventIdConflict { id, stream: detail.stream, position: detail.position }
        }
        ErrorReason::BeyondEnd => {
            let detail: proto::BeyondEnd = typed(details, "BeyondEnd")?;
            Error::BeyondEnd { asked: detail.asked, last: detail.last }
        }
        ErrorReason::LimitExceeded => {
            let detail: proto::LimitExceeded = typed(details, "LimitExceeded")?;
            Error::LimitExceeded { limit: detail.limit, maximum: detail.maximum, actual: detail.actual }
        }
        ErrorReason::WrongReadModelPosition => {
            let detail: proto::WrongReadModelPosition = typed(details, "WrongReadModelPosition")?;
            let (expected, actual) = (detail.expected_position, detail.actual_position);
            Error::WrongReadModelPosition { model: detail.model, generation: detail.generation, expected, actual }
        }
        ErrorReason::NotFoldable => {
            let detail: proto::NotFoldable = typed(details, "NotFoldable")?;
            let (revision, is_snapshot) = (detail.revision, detail.is_snapshot);
            Error::NotFoldable { stream: detail.stream, revision, is_snapshot }
        }
        _ => return None,
    })
}

/// The error of a code, for reasons without a variant of their own.
fn by_code(status: Status, reason: Option<String>) -> Error {
    let code = status.code();
    let fault = Fault { reason, message: status.message().to_owned() };
    if code == Code::Unavailable {
        Error::Unavailable(fault)
    } else if code == Code::DataLoss {
        Error::DataLoss(fault)
    } else if code == Code::ResourceExhausted && fault.reason.is_some() {
        Error::ResourceExhausted(fault)
    } else {
        // Among them RESOURCE_EXHAUSTED without a reason, which tonic gives for a message over the size limit.
        Error::Other(Box::new(status))
    }
}

/// Whether the status tells of the connection and not of the server.
fn is_broken_connection(status: &Status) -> bool {
    if CUT_SHORT.contains(&status.message()) && status.details().is_empty() {
        return true;
    }
    // Only statuses made on this side have a source. One that has a status for a source comes from
    // encoding the request, and would come again.
    let mut sources = sources(status).peekable();
    sources.peek().is_some() && !sources.any(|error| error.is::<Status>())
}

/// The message with those of the sources, since [`Error::Unavailable`] keeps no source.
fn with_sources(status: &Status) -> String {
    let mut text = status.message().to_owned();
    for source in sources(status) {
        let source = source.to_string();
        if !text.contains(&source) {
            text.push_str(": ");
            text.push_str(&source);
        }
    }
    text
}

/// What the status comes from, nearest first.
fn sources(status: &Status) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    let nearest = status.source();
    std::iter::successors(nearest, |error: &&(dyn std::error::Error + 'static)| (*error).source())
}

fn details(status: &Status) -> Vec<prost_types::Any> {
    pb::Status::decode(status.details()).unwrap_or_default().details
}

fn reason_in(details: &[prost_types::Any]) -> Option<String> {
    details
        .iter()
        .filter(|any| any.type_url.ends_with("/google.rpc.ErrorInfo"))
        .filter_map(|any| pb::ErrorInfo::decode(any.value.as_slice()).ok())
        .find(|info| info.domain == DOMAIN)
        .map(|info| info.reason)
}

fn typed<M: Message + Default>(details: &[prost_types::Any], name: &str) -> Option<M> {
    let any = details.iter().find(|any| any.type_url.rsplit_once("quipu.v1.").is_some_and(|it| it.1 == name))?;
    M::decode(any.value.as_slice()).ok()
}
