//! Why a single call failed.
//!
//! Owns [`Failure`]: the name it is counted under, which is that of its gRPC code, and its words. What the
//! server never said, such as an answer that does not fit, is counted under [`BY_CLIENT`].

use quipu_client::Error;
use tonic::{Code, Status};

use super::error::told;

/// What failures are counted under that have no gRPC code.
pub(super) const BY_CLIENT: &str = "CLIENT";

/// A failed call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// The name of its gRPC code, or [`BY_CLIENT`].
    pub(super) code: &'static str,
    /// What happened, in one line.
    pub(super) text: String,
    /// Whether somebody else was merely faster, which is what guards are for.
    pub(super) is_conflict: bool,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let code = error.code().map_or(BY_CLIENT, code_name);
        Self { code, text: told(error), is_conflict: error.is_conflict() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::from(Error::from(status))
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self { code: BY_CLIENT, text, is_conflict: false }
    }
}

impl From<&str> for Failure {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

/// A code as the specification of gRPC spells it.
fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use quipu_client::Expected;

    use super::*;

    #[test]
    fn a_failure_is_counted_under_its_code() {
        let full = Failure::from(Status::resource_exhausted("no room"));
        assert_eq!((full.code, full.is_conflict), ("RESOURCE_EXHAUSTED", false));
        assert!(full.text.contains("no room"), "{full:?}");
        let stream = "s".to_owned();
        let conflict = Error::WrongExpectedRevision { stream, expected: Expected::NoStream, actual: Some(0), head: 1 };
        let conflict = Failure::from(conflict);
        assert_eq!((conflict.code, conflict.is_conflict), ("FAILED_PRECONDITION", true));
        assert_eq!(Failure::from("no answer").code, BY_CLIENT);
    }
}
