//! What a server's status becomes in the program.
//!
//! The statuses are made here as the contract in `errors.proto` says, without a server.

use std::error::Error as _;
use std::sync::Arc;

use prost::Message;
use quipu_client::proto;
use quipu_client::proto::guard_not_met::{Actual, MatchingEvent};
use quipu_client::{Conflict, Error, Expected};
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

fn wrong_revision_detail() -> proto::WrongExpectedRevision {
    proto::WrongExpectedRevision {
        stream: "order-1".to_owned(),
        expected: Some(Expected::Revision(3).into()),
        actual_revision: Some(5),
        head: 9,
    }
}

fn wrong_revision() -> Status {
    status(
        Code::FailedPrecondition,
        "WRONG_EXPECTED_REVISION",
        Some(("quipu.v1.WrongExpectedRevision", wrong_revision_detail().encode_to_vec())),
    )
}

#[test]
fn a_wrong_expectation_tells_what_is_there() {
    let error = Error::from(wrong_revision());
    assert!(matches!(
        &error,
        Error::WrongExpectedRevision { stream, expected: Expected::Revision(3), actual: Some(5), head: 9 }
            if stream == "order-1"
    ));
    assert_eq!(error.code(), Some(Code::FailedPrecondition));
    assert_eq!(error.reason().as_deref(), Some("WRONG_EXPECTED_REVISION"));
    assert_eq!(error.to_string(), "stream \"order-1\" is at revision 5, expected revision 3");
}

#[test]
fn a_guard_that_does_not_hold_tells_what_is_so_instead() {
    let unmet = |actual| {
        let detail = proto::GuardNotMet { index: 2, actual, head: 15 }.encode_to_vec();
        Error::from(status(Code::FailedPrecondition, "GUARD_NOT_MET", Some(("quipu.v1.GuardNotMet", detail))))
    };
    let checkpoint = proto::WrongCheckpoint { name: "c".to_owned(), expected_position: None, actual_position: Some(4) };
    let cases = [
        (
            Some(Actual::Stream(wrong_revision_detail())),
            Conflict::Stream { stream: "order-1".to_owned(), expected: Expected::Revision(3), actual: Some(5) },
            "stream \"order-1\" is at revision 5, expected revision 3",
        ),
        (
            Some(Actual::Event(MatchingEvent { position: 12, r#type: "SeatTaken".to_owned() })),
            Conflict::Event { position: 12, event_type: "SeatTaken".to_owned() },
            "an event of type \"SeatTaken\" matches at 12",
        ),
        (
            Some(Actual::Checkpoint(checkpoint)),
            Conflict::Checkpoint { name: "c".to_owned(), expected: None, actual: Some(4) },
            "checkpoint \"c\" is at position 4, expected none",
        ),
        (None, Conflict::Nothing, "no event matches"),
    ];
    for (wire, conflict, words) in cases {
        let error = unmet(wire);
        let Error::GuardNotMet { index, actual, head } = &error else { panic!("{error:?}") };
        assert_eq!((*index, actual, *head), (2, &conflict, 15));
        assert_eq!(error.to_string(), format!("guard 2 does not hold: {words}; the head is 15"));
        assert_eq!(error.code(), Some(Code::FailedPrecondition));
        assert_eq!(error.reason().as_deref(), Some("GUARD_NOT_MET"));
    }
}

#[test]
fn a_tombstone_keeps_the_code_of_its_call() {
    for code in [Code::FailedPrecondition, Code::NotFound] {
        let error = Error::from(status(code, "STREAM_TOMBSTONED", None));
        assert!(matches!(error, Error::StreamTombstoned { code: it } if it == code), "{error:?}");
        assert_eq!(error.code(), Some(code));
    }
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

    let wrong = proto::WrongCheckpoint { name: "c".to_owned(), expected_position: Some(7), actual_position: None };
    let wrong = ("quipu.v1.WrongCheckpoint", wrong.encode_to_vec());
    let error = Error::from(status(Code::FailedPrecondition, "WRONG_CHECKPOINT", Some(wrong)));
    assert!(matches!(&error, Error::WrongCheckpoint { name, expected: Some(7), actual: None } if name == "c"));
    assert_eq!(error.to_string(), "checkpoint \"c\" is not there, expected position 7");
    assert_eq!(error.reason().as_deref(), Some("WRONG_CHECKPOINT"));

    let elsewhere = proto::WrongReadModelPosition {
        model: "totals".to_owned(),
        generation: 2,
        expected_position: 4,
        actual_position: 9,
    };
    let elsewhere = ("quipu.v1.WrongReadModelPosition", elsewhere.encode_to_vec());
    let error = Error::from(status(Code::FailedPrecondition, "WRONG_READ_MODEL_POSITION", Some(elsewhere)));
    assert_eq!(error.to_string(), "read model \"totals\", generation 2, is at position 9, expected 4");
    assert_eq!(error.reason().as_deref(), Some("WRONG_READ_MODEL_POSITION"));

    let not_json = proto::NotFoldable { stream: "s".to_owned(), revision: 3, is_snapshot: true };
    let not_json = ("quipu.v1.NotFoldable", not_json.encode_to_vec());
    let error = Error::from(status(Code::FailedPrecondition, "NOT_FOLDABLE", Some(not_json)));
    assert_eq!(error.to_string(), "the snapshot of stream \"s\" at revision 3 is not JSON");

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
        (Code::NotFound, "STREAM_DELETED"),
        (Code::NotFound, "STREAM_TOMBSTONED"),
        (Code::FailedPrecondition, "STREAM_TOMBSTONED"),
        (Code::NotFound, "CHECKPOINT_NOT_FOUND"),
        (Code::FailedPrecondition, "GUARD_NOT_MET"),
        (Code::FailedPrecondition, "WRONG_CHECKPOINT"),
        (Code::NotFound, "GROUP_NOT_FOUND"),
        (Code::AlreadyExists, "GROUP_EXISTS"),
        (Code::AlreadyExists, "MEMBER_EXISTS"),
        (Code::NotFound, "NOT_PARKED"),
        (Code::NotFound, "READ_MODEL_NOT_FOUND"),
        (Code::FailedPrecondition, "WRONG_READ_MODEL_POSITION"),
        (Code::FailedPrecondition, "NOT_FOLDABLE"),
        (Code::NotFound, "POLICY_NOT_FOUND"),
        (Code::ResourceExhausted, "TOO_MANY_GROUPS"),
        (Code::NotFound, "EVENT_NOT_FOUND"),
        (Code::NotFound, "SNAPSHOT_NOT_FOUND"),
        (Code::NotFound, "TENANT_NOT_FOUND"),
        (Code::ResourceExhausted, "QUEUE_FULL"),
        (Code::ResourceExhausted, "DISK_FULL"),
        (Code::ResourceExhausted, "TOO_MANY_TENANTS"),
        (Code::ResourceExhausted, "TOO_MANY_CHECKPOINTS"),
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
fn a_conflict_is_what_somebody_else_was_faster_at() {
    let empty = |name: &'static str| Some((name, Vec::new()));
    for (reason, detail) in [
        ("WRONG_EXPECTED_REVISION", empty("quipu.v1.WrongExpectedRevision")),
        ("GUARD_NOT_MET", empty("quipu.v1.GuardNotMet")),
        ("WRONG_CHECKPOINT", empty("quipu.v1.WrongCheckpoint")),
        ("WRONG_READ_MODEL_POSITION", empty("quipu.v1.WrongReadModelPosition")),
    ] {
        assert!(Error::from(status(Code::FailedPrecondition, reason, detail)).is_conflict(), "{reason}");
    }
    for reason in ["SNAPSHOT_AHEAD", "STREAM_TOMBSTONED"] {
        assert!(!Error::from(status(Code::FailedPrecondition, reason, None)).is_conflict(), "{reason}");
    }
}

#[test]
fn a_server_without_room_says_so_in_its_words() {
    for reason in ["QUEUE_FULL", "DISK_FULL", "TOO_MANY_TENANTS", "TOO_MANY_CHECKPOINTS", "TOO_MANY_GROUPS"] {
        let error = Error::from(status(Code::ResourceExhausted, reason, None));
        assert!(matches!(error, Error::ResourceExhausted(_)), "{error:?}");
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
