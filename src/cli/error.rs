//! What a command can fail with, how it is told, and the exit code of it.
//!
//! A failure is told in one line: what was being done, then the causes. A reader that went away, as in
//! `quipu read-all | head`, is no failure.

use std::io::{self, Write};
use std::process::ExitCode;

use tonic::Code;

use super::backup::BackupError;
use super::event_line::LineError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server could not be reached or said no.
    #[error(transparent)]
    Client(#[from] quipu_client::Error),
    /// The same, with what was being done.
    #[error("{doing}")]
    Call {
        /// Such as `cannot append to "order-1"`.
        doing: String,
        /// Why not.
        #[source]
        source: quipu_client::Error,
    },
    /// What was asked for is not there.
    #[error("{0}")]
    NotFound(String),
    /// Something is not as the command was told to expect.
    #[error("{0}")]
    Precondition(String),
    /// An argument or its content is of no use.
    #[error("{0}")]
    Invalid(String),
    /// A line of the input is malformed.
    #[error("line {line}")]
    Line {
        /// The line's number; the first is 1.
        line: u64,
        /// What is wrong with it.
        #[source]
        source: LineError,
    },
    /// Input cannot be read.
    #[error("cannot read {from}")]
    Input {
        /// The file, or standard input.
        from: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Output cannot be written.
    #[error("cannot write to {to}")]
    Output {
        /// The file, or standard output.
        to: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A backup can not be kept.
    #[error(transparent)]
    Backup(BackupError),
    /// The runtime does not start.
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
}

impl Error {
    /// Says what was being done when a call failed.
    pub(crate) fn call(doing: impl Into<String>) -> impl FnOnce(quipu_client::Error) -> Self {
        let doing = doing.into();
        |source| Self::Call { doing, source }
    }

    /// The failure to write to standard output.
    pub(crate) fn stdout(source: io::Error) -> Self {
        Self::Output { to: "standard output".to_owned(), source }
    }

    /// Whether the reader of standard output went away: it has seen what it wanted.
    fn is_reader_gone(&self) -> bool {
        matches!(self, Self::Output { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Client(source) | Self::Call { source, .. } => match source.code() {
                Some(Code::NotFound) => 3,
                Some(Code::FailedPrecondition | Code::AlreadyExists) => 4,
                Some(Code::Unavailable) => 5,
                _ => 1,
            },
            Self::NotFound(_) => 3,
            Self::Precondition(_) => 4,
            Self::Output { .. } if self.is_reader_gone() => 0,
            Self::Invalid(_)
            | Self::Line { .. }
            | Self::Input { .. }
            | Self::Output { .. }
            | Self::Backup(_)
            | Self::Runtime(_) => 1,
        }
    }
}

/// Tells of a failure on standard error; returns its exit code.
pub(super) fn report(error: &Error) -> ExitCode {
    if !error.is_reader_gone() {
        print_chain(error);
    }
    ExitCode::from(error.exit_code())
}

/// Tells of a failure and all its causes on standard error.
pub(super) fn print_chain(error: &dyn std::error::Error) {
    // When standard error is closed too, nobody is left to be told.
    let _ = writeln!(io::stderr(), "quipu: {}", in_one_line(error));
}

fn in_one_line(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Some causes already tell their own cause.
        if !line.ends_with(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        cause = error.source();
    }
    line.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use quipu_client::{Expected, RetryPolicy};

    use super::*;

    fn called(source: quipu_client::Error) -> Error {
        Error::call("cannot append")(source)
    }

    fn wrong_revision() -> quipu_client::Error {
        quipu_client::Error::WrongExpectedRevision {
            stream: "s".to_owned(),
            expected: Expected::NoStream,
            actual: Some(2),
            head: 9,
        }
    }

    #[test]
    fn the_exit_code_tells_what_kind_of_failure_it_was() {
        let conflict =
            quipu_client::Error::EventIdConflict { id: uuid::Uuid::nil(), stream: "s".to_owned(), position: 1 };
        let codes = [
            (called(wrong_revision()), 4),
            (called(conflict), 4),
            (quipu_client::Error::SnapshotAhead.into(), 4),
            (quipu_client::Error::StreamTombstoned { code: Code::FailedPrecondition }.into(), 4),
            (quipu_client::Error::StreamTombstoned { code: Code::NotFound }.into(), 3),
            (quipu_client::Error::StreamDeleted.into(), 3),
            (quipu_client::Error::CheckpointNotFound.into(), 3),
            (quipu_client::Error::StreamNotFound.into(), 3),
            (quipu_client::Error::TenantNotFound.into(), 3),
            (Error::NotFound("no snapshot".to_owned()), 3),
            (quipu_client::Error::InvalidArgument("x".to_owned()).into(), 1),
            (quipu_client::Error::Ended.into(), 1),
            (Error::Invalid("x".to_owned()), 1),
            (Error::stdout(io::ErrorKind::StorageFull.into()), 1),
            (Error::stdout(io::ErrorKind::BrokenPipe.into()), 0),
        ];
        for (error, code) in codes {
            assert_eq!(error.exit_code(), code, "{error:?}");
        }
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_unavailable_and_told_with_all_causes() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a free port");
        let nobody = quipu_client::Client::builder(format!("http://{free}")).retry(RetryPolicy::none());
        let error = Error::from(nobody.connect().await.expect_err("nobody listens"));
        assert_eq!(error.exit_code(), 5);
        let told = in_one_line(&error);
        assert!(told.starts_with("cannot connect to http://127.0.0.1:") && told.contains("refused"), "{told}");
    }

    #[test]
    fn a_failure_is_told_in_one_line() {
        let told = in_one_line(&called(wrong_revision()));
        assert_eq!(told, r#"cannot append: stream "s" is at revision 2, expected no event"#);
    }
}
