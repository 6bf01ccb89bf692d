//! The one place where an error becomes a status.
//!
//! | failure | code | the caller should |
//! |---|---|---|
//! | malformed, or beyond a limit of requests | `INVALID_ARGUMENT` | mend the request |
//! | expectation or guard not met, snapshot ahead, not foldable | `FAILED_PRECONDITION` | read and decide again |
//! | no such stream, event, snapshot, tenant, group, read model | `NOT_FOUND` | |
//! | event ids taken by other events, names taken in a group | `ALREADY_EXISTS` | make new ids or names |
//! | beyond the end | `OUT_OF_RANGE` | ask whether this is the right store |
//! | queue full, disk full, too many tenants | `RESOURCE_EXHAUSTED` | back off |
//! | stopping, poisoned | `UNAVAILABLE` | connect again |
//! | stored bytes damaged | `DATA_LOSS` | call the operator |
//! | ours | `INTERNAL` | report; the log has the chain |
//!
//! Every status carries `google.rpc.ErrorInfo` and, where a program would want values, a message of
//! `errors.proto`.

use std::collections::HashMap;
use std::error::Error as _;

use axum::http::{HeaderValue, Response};
use prost::Message;
use prost_types::Any;
use tonic::{Code, Status};
use tonic_types::pb;

use crate::model::{CheckpointName, ExpectedRevision, Invalid, Position, Revision, StreamName};
use crate::proto::{self, ErrorReason};
use crate::store::{Actual, Error};

/// The domain of `google.rpc.ErrorInfo`.
const DOMAIN: &str = "quipu";

const TYPE_PREFIX: &str = "type.googleapis.com";

/// The status of an error.
pub fn status(error: &Error) -> Status {
    let (code, reason) = code_and_reason(error);
    if matches!(code, Code::Internal | Code::DataLoss) {
        tracing::error!(error = %chain(error), "a request failed");
    }
    build(code, reason, error.to_string(), metadata(error), detail(error))
}

/// The status of something malformed.
pub(super) fn invalid(error: Invalid) -> Status {
    status(&Error::Invalid(error))
}

/// Gives a failure of the transport's decoder the form that every other failure has.
pub(super) fn of_request(failure: Status) -> Status {
    let Some(cause) = malformed_request(failure.code() as i32, failure.message()) else { return failure };
    invalid(cause)
}

/// Does the same for a response that is a failure already: a unary request is decoded before a handler
/// sees it.
pub fn of_response<B>(mut response: Response<B>) -> Response<B> {
    let headers = response.headers();
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let code = text(Status::GRPC_STATUS).and_then(|code| code.parse().ok());
    let Some((code, message)) = code.zip(text(Status::GRPC_MESSAGE)) else { return response };
    let message = message.replace("%20", " ");
    if let Some(cause) = malformed_request(code, &message) {
        let named = invalid(cause).into_http::<()>();
        for name in [Status::GRPC_STATUS, Status::GRPC_MESSAGE, Status::GRPC_STATUS_DETAILS] {
            if let Some(value) = named.headers().get(&name) {
                response.headers_mut().insert(name, value.clone());
            }
        }
    }
    response
}

fn malformed_request(code: i32, message: &str) -> Option<Invalid> {
    if code == Code::OutOfRange as i32 && message.contains("message length too large") {
        let numbers: Vec<u64> = message.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
        let [actual, maximum] = numbers[..] else { return None };
        return Some(Invalid::TooMuch { limit: "request_bytes", maximum, actual });
    }
    let undecodable = code == Code::Internal as i32 && message.contains("failed to decode Protobuf message");
    undecodable.then(|| Invalid::malformed("the request is not a well-formed protobuf message of its type"))
}

fn code_and_reason(error: &Error) -> (Code, ErrorReason) {
    match error {
        Error::Invalid(Invalid::Malformed(_)) => (Code::InvalidArgument, ErrorReason::InvalidArgument),
        Error::Invalid(Invalid::TooMuch { .. }) => (Code::InvalidArgument, ErrorReason::LimitExceeded),
        Error::WrongExpectedRevision { .. } => (Code::FailedPrecondition, ErrorReason::WrongExpectedRevision),
        Error::GuardNotMet { .. } => (Code::FailedPrecondition, ErrorReason::GuardNotMet),
        Error::WrongCheckpoint { .. } => (Code::FailedPrecondition, ErrorReason::WrongCheckpoint),
        Error::StreamTombstoned(_) => (Code::FailedPrecondition, ErrorReason::StreamTombstoned),
        Error::StreamGone(_) => (Code::NotFound, ErrorReason::StreamTombstoned),
        Error::StreamDeleted(_) => (Code::NotFound, ErrorReason::StreamDeleted),
        Error::CheckpointNotFound(_) => (Code::NotFound, ErrorReason::CheckpointNotFound),
        Error::TooManyCheckpoints => (Code::ResourceExhausted, ErrorReason::TooManyCheckpoints),
        Error::SnapshotAhead { .. } => (Code::FailedPrecondition, ErrorReason::SnapshotAhead),
        Error::StreamNotFound(_) => (Code::NotFound, ErrorReason::StreamNotFound),
        Error::EventNotFound => (Code::NotFound, ErrorReason::EventNotFound),
        Error::SnapshotNotFound(_) => (Code::NotFound, ErrorReason::SnapshotNotFound),
        Error::TenantNotFound(_) => (Code::NotFound, ErrorReason::TenantNotFound),
        Error::EventIdConflict { .. } => (Code::AlreadyExists, ErrorReason::EventIdConflict),
        Error::BeyondEnd { .. } => (Code::OutOfRange, ErrorReason::BeyondEnd),
        Error::GroupNotFound(_) => (Code::NotFound, ErrorReason::GroupNotFound),
        Error::GroupExists(_) => (Code::AlreadyExists, ErrorReason::GroupExists),
        Error::MemberExists(..) => (Code::AlreadyExists, ErrorReason::MemberExists),
        Error::NotParked(..) => (Code::NotFound, ErrorReason::NotParked),
        Error::TooManyGroups => (Code::ResourceExhausted, ErrorReason::TooManyGroups),
        Error::ReadModelNotFound { .. } => (Code::NotFound, ErrorReason::ReadModelNotFound),
        Error::WrongReadModelPosition { .. } => (Code::FailedPrecondition, ErrorReason::WrongReadModelPosition),
        Error::NotFoldable { .. } => (Code::FailedPrecondition, ErrorReason::NotFoldable),
        Error::PolicyNotFound(_) => (Code::NotFound, ErrorReason::PolicyNotFound),
        Error::QueueFull => (Code::ResourceExhausted, ErrorReason::QueueFull),
        Error::DiskFull => (Code::ResourceExhausted, ErrorReason::DiskFull),
        Error::TooManyTenants => (Code::ResourceExhausted, ErrorReason::TooManyTenants),
        Error::ShuttingDown => (Code::Unavailable, ErrorReason::ShuttingDown),
        Error::Poisoned => (Code::Unavailable, ErrorReason::Poisoned),
        Error::Damaged(_) => (Code::DataLoss, ErrorReason::Damaged),
        Error::Internal(_) => (Code::Internal, ErrorReason::Internal),
    }
}

fn metadata(error: &Error) -> HashMap<String, String> {
    let pairs: Vec<(&str, String)> = match error {
        Error::Invalid(Invalid::TooMuch { limit, maximum, actual }) => {
            vec![("limit", (*limit).into()), ("maximum", maximum.to_string()), ("actual", actual.to_string())]
        }
        Error::WrongExpectedRevision { stream, expected, actual, head } => vec![
            ("stream", stream.to_string()),
            ("expected", expected.to_string()),
            ("actual_revision", or_none(actual.as_ref())),
            ("head", head.to_string()),
        ],
        Error::GuardNotMet { index, actual, head } => {
            let mut pairs = vec![("guard", index.to_string()), ("head", head.to_string())];
            if let Actual::Event(found) = actual {
                pairs.push(("position", found.position.to_string()));
                pairs.push(("type", found.event_type.clone()));
            }
            pairs
        }
        Error::WrongCheckpoint { name, expected, actual } => vec![
            ("checkpoint", name.to_string()),
            ("expected_position", or_none(expected.as_ref())),
            ("actual_position", or_none(actual.as_ref())),
        ],
        Error::CheckpointNotFound(name) => vec![("checkpoint", name.to_string())],
        Error::SnapshotAhead { stream, revision, actual } => vec![
            ("stream", stream.to_string()),
            ("revision", revision.to_string()),
            ("actual_revision", actual.to_string()),
        ],
        Error::StreamNotFound(stream)
        | Error::StreamDeleted(stream)
        | Error::StreamGone(stream)
        | Error::StreamTombstoned(stream)
        | Error::SnapshotNotFound(stream) => vec![("stream", stream.to_string())],
        Error::TenantNotFound(tenant) => vec![("tenant", tenant.clone())],
        Error::GroupNotFound(group) | Error::GroupExists(group) => vec![("group", group.to_string())],
        Error::MemberExists(group, member) => vec![("group", group.to_string()), ("member", member.to_string())],
        Error::NotParked(group, position) => vec![("group", group.to_string()), ("position", position.to_string())],
        Error::ReadModelNotFound { model, .. } => vec![("model", model.to_string())],
        Error::WrongReadModelPosition { model, generation, expected, actual } => vec![
            ("model", model.to_string()),
            ("generation", generation.to_string()),
            ("expected_position", expected.to_string()),
            ("actual_position", actual.to_string()),
        ],
        Error::NotFoldable { stream, revision, .. } => {
            vec![("stream", stream.to_string()), ("revision", revision.to_string())]
        }
        Error::PolicyNotFound(category) => vec![("category", category.clone())],
        Error::EventIdConflict { id, stream, position } => {
            vec![("id", id.to_string()), ("stream", stream.to_string()), ("position", position.to_string())]
        }
        Error::BeyondEnd { asked, last } => {
            vec![("asked", asked.to_string()), ("last", or_none(last.as_ref()))]
        }
        Error::Invalid(Invalid::Malformed(_))
        | Error::EventNotFound
        | Error::QueueFull
        | Error::DiskFull
        | Error::TooManyTenants
        | Error::TooManyCheckpoints
        | Error::TooManyGroups
        | Error::ShuttingDown
        | Error::Poisoned
        | Error::Damaged(_)
        | Error::Internal(_) => Vec::new(),
    };
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn or_none(value: Option<&impl ToString>) -> String {
    value.map_or("none".into(), ToString::to_string)
}

fn wrong_revision(
    stream: &StreamName,
    expected: ExpectedRevision,
    actual: Option<Revision>,
    head: Position,
) -> proto::WrongExpectedRevision {
    proto::WrongExpectedRevision {
        stream: stream.to_string(),
        expected: Some(super::convert::expected_out(expected)),
        actual_revision: actual.map(|revision| revision.0),
        head: head.0,
    }
}

fn wrong_checkpoint(
    name: &CheckpointName,
    expected: Option<Position>,
    actual: Option<Position>,
) -> proto::WrongCheckpoint {
    proto::WrongCheckpoint {
        name: name.to_string(),
        expected_position: expected.map(|position| position.0),
        actual_position: actual.map(|position| position.0),
    }
}

fn guard_not_met(index: usize, actual: &Actual, head: Position) -> proto::GuardNotMet {
    use proto::guard_not_met::{Actual as Told, MatchingEvent};
    let actual = match actual {
        Actual::Stream { stream, expected, actual } => {
            Some(Told::Stream(wrong_revision(stream, *expected, *actual, head)))
        }
        Actual::Event(found) => {
            Some(Told::Event(MatchingEvent { position: found.position.0, r#type: found.event_type.clone() }))
        }
        Actual::NoEvent => None,
        Actual::Checkpoint { name, expected, actual } => {
            Some(Told::Checkpoint(wrong_checkpoint(name, *expected, *actual)))
        }
    };
    proto::GuardNotMet { index: index as u32, actual, head: head.0 }
}

fn detail(error: &Error) -> Option<Any> {
    match error {
        Error::WrongExpectedRevision { stream, expected, actual, head } => {
            any("WrongExpectedRevision", &wrong_revision(stream, *expected, *actual, *head))
        }
        Error::GuardNotMet { index, actual, head } => any("GuardNotMet", &guard_not_met(*index, actual, *head)),
        Error::WrongCheckpoint { name, expected, actual } => {
            any("WrongCheckpoint", &wrong_checkpoint(name, *expected, *actual))
        }
        Error::EventIdConflict { id, stream, position } => any(
            "EventIdConflict",
            &proto::EventIdConflict { id: id.to_string(), stream: stream.to_string(), position: *position },
        ),
        Error::BeyondEnd { asked, last } => any("BeyondEnd", &proto::BeyondEnd { asked: *asked, last: *last }),
        Error::Invalid(Invalid::TooMuch { limit, maximum, actual }) => {
            any("LimitExceeded", &proto::LimitExceeded { limit: (*limit).into(), maximum: *maximum, actual: *actual })
        }
        Error::WrongReadModelPosition { model, generation, expected, actual } => any(
            "WrongReadModelPosition",
            &proto::WrongReadModelPosition {
                model: model.to_string(),
                generation: *generation,
                expected_position: expected.0,
                actual_position: actual.0,
            },
        ),
        Error::NotFoldable { stream, revision, is_snapshot } => any(
            "NotFoldable",
            &proto::NotFoldable { stream: stream.to_string(), revision: revision.0, is_snapshot: *is_snapshot },
        ),
        Error::Invalid(Invalid::Malformed(_))
        | Error::GroupNotFound(_)
        | Error::GroupExists(_)
        | Error::MemberExists(..)
        | Error::NotParked(..)
        | Error::TooManyGroups
        | Error::ReadModelNotFound { .. }
        | Error::PolicyNotFound(_)
        | Error::SnapshotAhead { .. }
        | Error::StreamNotFound(_)
        | Error::StreamDeleted(_)
        | Error::StreamGone(_)
        | Error::StreamTombstoned(_)
        | Error::CheckpointNotFound(_)
        | Error::EventNotFound
        | Error::SnapshotNotFound(_)
        | Error::TenantNotFound(_)
        | Error::QueueFull
        | Error::DiskFull
        | Error::TooManyTenants
        | Error::TooManyCheckpoints
        | Error::ShuttingDown
        | Error::Poisoned
        | Error::Damaged(_)
        | Error::Internal(_) => None,
    }
}

fn any(name: &str, message: &impl Message) -> Option<Any> {
    Some(Any { type_url: format!("{TYPE_PREFIX}/quipu.v1.{name}"), value: message.encode_to_vec() })
}

fn build(
    code: Code,
    reason: ErrorReason,
    message: String,
    metadata: HashMap<String, String>,
    detail: Option<Any>,
) -> Status {
    let reason = reason.as_str_name().trim_start_matches("ERROR_REASON_").to_owned();
    let info = pb::ErrorInfo { reason, domain: DOMAIN.into(), metadata };
    let info = Any { type_url: format!("{TYPE_PREFIX}/google.rpc.ErrorInfo"), value: info.encode_to_vec() };
    let details = [info].into_iter().chain(detail).collect();
    let encoded = pb::Status { code: code as i32, message: message.clone(), details }.encode_to_vec();
    Status::with_details(code, message, encoded.into())
}

/// An error and what it came from, in one line.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
