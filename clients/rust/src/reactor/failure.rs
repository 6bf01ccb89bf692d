//! Why a handler did not deal with an event, and what is to become of it.
//!
//! Owns [`Failure`]. Any error of a handler is one: `?` makes it a reason to try again, told by its type and
//! its message. The event's payload never gets into a reason by itself.

use std::any::type_name;
use std::fmt::Display;
use std::time::Duration;

/// What a handler answers when it did not deal with an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The event is to be tried again later, as long as the group has tries left.
    Retry {
        /// Why.
        reason: String,
        /// When; by the group's backoff when unset.
        delay: Option<Duration>,
    },
    /// The event is to be kept aside at once.
    Park {
        /// Why.
        reason: String,
    },
    /// The event is to be passed over, as if it had been dealt with.
    Skip,
}

impl Failure {
    /// To be tried again by the group's backoff, for this reason.
    pub fn retry(reason: impl Display) -> Self {
        Self::Retry { reason: reason.to_string(), delay: None }
    }

    /// To be tried again after this delay, for this reason.
    pub fn retry_after(delay: Duration, reason: impl Display) -> Self {
        Self::Retry { reason: reason.to_string(), delay: Some(delay) }
    }

    /// To be kept aside at once, for this reason.
    pub fn park(reason: impl Display) -> Self {
        Self::Park { reason: reason.to_string() }
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::retry(format_args!("{}: {error}", type_name::<E>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_by_its_type_and_message() {
        let failing = || -> Result<u8, Failure> { Ok("x".parse::<u8>()?) };
        let words = "core::num::error::ParseIntError: invalid digit found in string";
        assert_eq!(failing(), Err(Failure::retry(words)));
    }
}
