//! What keeps an attempt from ending either way.
//!
//! Owns [`Failure`]. A refusal by the rule is none: see `decided.rs`.

/// Why it is not known how an attempt ended, or why it could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The server, or the way to it.
    #[error(transparent)]
    Client(#[from] quipu_client::Error),
    /// The log holds something under the tags of this program that it did not append.
    #[error("an event of type {0:?} is none of this program")]
    Foreign(String),
    /// A client of a load ended in the middle.
    #[error("a client of the load did not end well")]
    Load(#[from] tokio::task::JoinError),
}

impl Failure {
    /// Whether the server was merely away: the attempt may have gone in or not, and may be made again.
    #[must_use]
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::Client(error) if error.is_retryable())
    }
}
