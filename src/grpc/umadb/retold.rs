//! Failures, as UmaDB's clients understand them.
//!
//! Which failure gets which code is decided in `grpc/status`; here a code finds its kind. Some clients
//! look into the details and some at the code, so a conflict has one code, whatever was in conflict.

use prost::Message;
use tonic::{Code, Status};

use crate::proto::umadb::ErrorResponse;
use crate::proto::umadb::error_response::ErrorType;

/// A status of ours with the details that UmaDB's clients read.
pub(super) fn retold(told: &Status) -> Status {
    let (code, kind) = match told.code() {
        Code::FailedPrecondition | Code::AlreadyExists | Code::Aborted => {
            (Code::FailedPrecondition, ErrorType::Integrity)
        }
        code @ (Code::InvalidArgument | Code::OutOfRange | Code::NotFound) => (code, ErrorType::InvalidArgument),
        code @ Code::ResourceExhausted => (code, ErrorType::Io),
        code @ Code::DataLoss => (code, ErrorType::Corruption),
        code @ (Code::Unauthenticated | Code::PermissionDenied) => (code, ErrorType::Authentication),
        // Without details, this is a broken connection to them: what they try again after.
        Code::Unavailable => return Status::unavailable(told.message()),
        code @ (Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::Unimplemented
        | Code::Internal) => (code, ErrorType::Internal),
    };
    let message = told.message().to_owned();
    let details = ErrorResponse { message: message.clone(), error_type: kind.into() }.encode_to_vec();
    Status::with_details(code, message, details.into())
}
