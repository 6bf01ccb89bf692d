//! Why a bench could not be run to its end.
//!
//! Owns [`Error`]. What goes wrong in a single call of a row is counted in that row and ends nothing;
//! here is what leaves nothing to measure. To the rest of the command line it is an error like others.

use std::io;

use crate::cli;

/// Why a bench could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The machine refused something.
    #[error("cannot {what}")]
    Io {
        /// What was tried.
        what: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Standard output is gone or full.
    #[error("cannot print")]
    Print(#[source] io::Error),
    /// A server of the bench's own ended, or kept silent, before it listened.
    #[error("the bench's own server ({0}) did not start; what it said is above")]
    NotStarted(String),
    /// The server that is measured failed outside of a row's calls.
    #[error(transparent)]
    Client(#[from] quipu_client::Error),
    /// What a row needs could not be put into the log.
    #[error("cannot prepare {row}: {cause}")]
    Prepare {
        /// The row.
        row: &'static str,
        /// What went wrong first.
        cause: String,
    },
    /// Some calls failed, so the numbers are not what they seem.
    #[error("{0} errors, see the table")]
    Errors(u64),
    /// The do-nothing server failed.
    #[error("cannot serve")]
    Serve(#[source] tonic::transport::Error),
    /// What was asked for makes no sense together, or a file is not what it is to be.
    #[error("{0}")]
    Unfit(String),
    /// Ctrl-C or SIGTERM.
    #[error("interrupted")]
    Interrupted,
}

/// Names what was tried when the machine refuses it.
pub(super) fn refused(what: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io { what: what.into(), source }
}

impl From<Error> for cli::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Client(error) => Self::Client(error),
            Error::Print(error) => Self::stdout(error),
            error @ (Error::Io { .. }
            | Error::NotStarted(_)
            | Error::Prepare { .. }
            | Error::Errors(_)
            | Error::Serve(_)
            | Error::Unfit(_)
            | Error::Interrupted) => Self::Invalid(told(&error)),
        }
    }
}

/// An error and its causes, in one line.
pub(super) fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        // Some errors tell their cause already.
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
