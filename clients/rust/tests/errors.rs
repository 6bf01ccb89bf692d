//! What a server's status becomes in the program.
//!
//! The statuses are made here as the contract in `errors.proto` says, without a server.

use std::error::Error as _;
use std::sync::Arc;

use prost::Message;
use quipu_client::proto;
use quipu_client::{Error, Expected};
use tonic::{Code, Status};
use tonic_types::pb;

/// A status with a reason and, if given, a typed detail.
fn status(code: Code, reason: &str, detail: Option<(&str, Vec<u8>)>) -> Status {
    let info = pb::ErrorInfo { reason: reason.to_owned(), domain: "quipu".to_owned(), ..Default::default() };
    let info = ("google.rpc.ErrorInfo", info.encode_to_vec());
    let details = [Some(info), detail]
        .into_iter()
        .flatten()
        .map(|(name, value)| prost_types::Any { type_url: format!("type.googleapis.com/{name}"), value })
        .collect();
    let message = "in words".to_owned();
    let whole = pb::Status { code: code as i32, message: message.clone(), details };
    Status::with_details(code, message, whole.encode_to_vec().into())
}

fn wrong_revision() -> Status {
    let detail = proto::WrongExpectedRevision {
        stream: "order-1".to_owned(),
        expected: Some(Expected::Revision(3).into()),
        actual_revision: Some(5),
        head: 9,
    };
    status(
        Code::FailedPrecondition,
        "WRONG_EXPECTED_REVISION",
        Some(("quipu.v1.WrongExpectedRevision", detail.encode_to_vec())),
    )
}

#[test]
fn a_failed_guard_tells_what_is_there() {
    let error = Error::from(wrong_revision());
    assert!(matches!(
        &error,
        Error::WrongExpectedRevision { stream, expected: Expected::Revision(3), actual: Some(5) }
            if stream == "order-1"
    ));
    assert_eq!(error.code(), Some(Code::FailedPrecondition));
    assert_eq!(error.reason().as_deref(), Some("WRONG_EXPECTED_REVISION"));
    assert_eq!(error.to_string(), "stream \"order-1\" is at revision 5, expected revision 3");
}

#[test]
fn a_failure_in_a_session_is_the_same_error() {
    let status = wrong_revision();
    let failure = proto::AppendFailure {
        code: status.code() as i32,
        message: status.message().to_owned(),
        status: status.details().to_vec().into(),
    };
    assert!(matches!(Error::from(failure), Error::WrongExpectedRevision { .. }));
}

#[test]
fn typed_details_become_values() {
    let id = "0190163d-8694-739b-aea5-966c26f8ad91";
    let taken = proto::EventIdConflict { id: id.to_owned(), stream: "s".to_owned(), position: 4 };
    let taken = ("quipu.v1.EventIdConflict", taken.encode_to_vec());
    let error = Error::from(status(Code::AlreadyExists, "EVENT_ID_CONFLICT", Some(taken)));
    assert!(matches!(error, Error::EventIdConflict { id: it, position: 4, .. } if it.to_string() == id));

    let beyond = proto::BeyondEnd { asked: 9, last: None }.encode_to_vec();
    let beyond = ("quipu.v1.BeyondEnd", beyond);
    let error = Error::from(status(Code::OutOfRange, "BEYOND_END", Some(beyond)));
    assert!(matches!(error, Error::BeyondEnd { asked: 9, last: None }));

    let limit = proto::LimitExceeded { limit: "data_bytes".to_owned(), maximum: 1, actual: 2 };
    let limit = ("quipu.v1.LimitExceeded", limit.encode_to_vec());
    let error = Error::from(status(Code::InvalidArgument, "LIMIT_EXCEEDED", Some(limit)));
    assert_eq!(error.to_string(), "2 exceeds the limit data_bytes of 1");
}

#[test]
fn a_missing_detail_leaves_the_status() {
    let error = Error::from(status(Code::OutOfRange, "BEYOND_END", None));
    assert!(matches!(error, Error::Other(_)));
    assert_eq!(error.code(), Some(Code::OutOfRange));
    assert_eq!(error.reason().as_deref(), Some("BEYOND_END"));
}

#[test]
fn every_reason_and_code_survives() {
    let cases = [
        (Code::InvalidArgument, "INVALID_ARGUMENT"),
        (Code::FailedPrecondition, "SNAPSHOT_AHEAD"),
        (Code::NotFound, "STREAM_NOT_FOUND"),
        (Code::NotFound, "EVENT_NOT_FOUND"),
        (Code::NotFound, "SNAPSHOT_NOT_FOUND"),
        (Code::NotFound, "TENANT_NOT_FOUND"),
        (Code::ResourceExhausted, "QUEUE_FULL"),
        (Code::ResourceExhausted, "DISK_FULL"),
        (Code::ResourceExhausted, "TOO_MANY_TENANTS"),
        (Code::Unavailable, "SHUTTING_DOWN"),
        (Code::Unavailable, "POISONED"),
        (Code::DataLoss, "DAMAGED"),
        (Code::Internal, "INTERNAL"),
        (Code::Internal, "NEWER_THAN_THIS_CLIENT"),
    ];
    for (code, reason) in cases {
        let error = Error::from(status(code, reason, None));
        assert_eq!(error.code(), Some(code), "{reason}");
        assert_eq!(error.reason().as_deref(), Some(reason));
        assert_eq!(error.is_retryable(), code == Code::Unavailable, "{reason}");
    }
}

#[test]
fn a_broken_connection_is_unavailable_whatever_its_code() {
    for code in [Code::Unknown, Code::Cancelled, Code::Internal, Code::Unavailable] {
        let mut broken = Status::new(code, "h2 protocol error");
        broken.set_source(Arc::new(std::io::Error::from(std::io::ErrorKind::ConnectionReset)));
        let error = Error::from(broken);
        assert!(error.is_retryable(), "{error:?}");
        assert_eq!(error.reason(), None);
        assert!(error.to_string().contains("connection reset"), "{error}");
    }
    assert!(Error::from(Status::internal("Missing response message.")).is_retryable());
}

#[test]
fn a_request_that_cannot_be_encoded_is_not_retried() {
    let mut refused = Status::out_of_range("too large");
    refused.set_source(Arc::new(Status::out_of_range("too large")));
    let error = Error::from(refused);
    assert!(!error.is_retryable());
    assert!(error.source().is_some());
}
