//! How a consumer group works, and what can become of an event that one was given.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Invalid, Query};

/// The most events that a member may want to have in flight.
pub const CREDITS_MAX: u32 = 10_000;

/// How many events a member has in flight that says nothing about it.
pub const CREDITS_DEFAULT: u32 = 100;

/// What is kept of a reason, in bytes.
pub const REASON_BYTES_MAX: usize = 4 << 10;

const ACK_TIMEOUT: Duration = Duration::from_secs(30);
const ACK_TIMEOUT_MIN: Duration = Duration::from_millis(100);
const WAIT_MAX: Duration = Duration::from_secs(12 * 60 * 60);
const TRIES: u32 = 10;
const TRIES_MAX: u32 = 1000;
const BACKOFF: Duration = Duration::from_millis(200);
const BACKOFF_MAX: Duration = Duration::from_secs(30);
const OUTSTANDING: u32 = 10_000;
const OUTSTANDING_MAX: u32 = 100_000;
const TAG_KEY_BYTES_MAX: usize = 256;

/// How a group works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupSettings {
    /// Which events.
    pub query: Query,
    /// What is delivered in order.
    pub order: Order,
    /// How long a member may take to settle an event.
    pub ack_timeout: Duration,
    /// After so many tries an event is parked.
    pub max_tries: u32,
    /// How long to wait before the second try.
    pub backoff: Duration,
    /// The longest wait between tries.
    pub backoff_max: Duration,
    /// How many events may be read and not settled.
    pub max_outstanding: u32,
}

/// What is delivered in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// The events of each stream.
    ByStream,
    /// Events with the same value of the tag with this key.
    ByTag(String),
    /// Nothing.
    Unordered,
}

/// What a client says about how a group is to work; what it leaves open gets a default.
#[derive(Debug, Clone, Default)]
pub struct GroupWishes {
    /// See [`GroupSettings::query`].
    pub query: Query,
    /// See [`GroupSettings::order`].
    pub order: Option<Order>,
    /// See [`GroupSettings::ack_timeout`].
    pub ack_timeout: Option<Duration>,
    /// See [`GroupSettings::max_tries`].
    pub max_tries: Option<u32>,
    /// See [`GroupSettings::backoff`].
    pub backoff: Option<Duration>,
    /// See [`GroupSettings::backoff_max`].
    pub backoff_max: Option<Duration>,
    /// See [`GroupSettings::max_outstanding`].
    pub max_outstanding: Option<u32>,
}

/// What is to be done with an event that was not dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NackAction {
    /// Try again, after so long or the group's backoff.
    Retry(Option<Duration>),
    /// Keep it aside.
    Park,
    /// Pass over it.
    Skip,
}

impl GroupSettings {
    /// The settings that a client wishes.
    ///
    /// # Errors
    /// When one of them is beyond what is allowed.
    pub fn of(wishes: GroupWishes) -> Result<Self, Invalid> {
        let order = wishes.order.unwrap_or(Order::ByStream);
        if let Order::ByTag(key) = &order {
            if key.is_empty() || key.contains(':') {
                return Err(Invalid::malformed("the key of a tag is not empty and has no `:`"));
            }
            Invalid::check("tag_key_bytes", TAG_KEY_BYTES_MAX, key.len())?;
        }
        let settings = Self {
            query: wishes.query,
            order,
            ack_timeout: wishes.ack_timeout.unwrap_or(ACK_TIMEOUT),
            max_tries: wishes.max_tries.unwrap_or(TRIES),
            backoff: wishes.backoff.unwrap_or(BACKOFF),
            backoff_max: wishes.backoff_max.unwrap_or(BACKOFF_MAX),
            max_outstanding: wishes.max_outstanding.unwrap_or(OUTSTANDING),
        };
        if settings.ack_timeout < ACK_TIMEOUT_MIN || settings.ack_timeout > WAIT_MAX {
            return Err(Invalid::malformed("an ack timeout lasts 100 milliseconds to 12 hours"));
        }
        check_wait(settings.backoff)?;
        check_wait(settings.backoff_max)?;
        Invalid::check("max_tries", TRIES_MAX as usize, settings.max_tries as usize)?;
        Invalid::check("max_outstanding", OUTSTANDING_MAX as usize, settings.max_outstanding as usize)?;
        Ok(settings)
    }

    /// Whether these go on where the others were: query and order are what deliveries so far rest on.
    pub fn continues(&self, other: &Self) -> bool {
        self.query == other.query && self.order == other.order
    }

    /// How long to wait after so many tries.
    pub fn backoff_after(&self, tries: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(tries.saturating_sub(1));
        self.backoff.saturating_mul(doubled).min(self.backoff_max.max(self.backoff))
    }
}

/// Checks how long a client wants an event to wait.
///
/// # Errors
/// When it is more than 12 hours.
pub fn check_wait(wait: Duration) -> Result<(), Invalid> {
    if wait > WAIT_MAX {
        return Err(Invalid::malformed("between two tries lie at most 12 hours"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_its_most() {
        let settings = GroupSettings::of(GroupWishes::default()).unwrap();
        let millis = |tries| settings.backoff_after(tries).as_millis();
        assert_eq!([1, 2, 3, 8, 9, 1000].map(millis), [200, 400, 800, 25_600, 30_000, 30_000]);
    }

    #[test]
    fn settings_are_checked_at_their_bounds() {
        let good = |wishes: GroupWishes| GroupSettings::of(wishes).is_ok();
        for (millis, is_good) in [(99, false), (100, true), (43_200_000, true), (43_200_001, false)] {
            let ack_timeout = Some(Duration::from_millis(millis));
            assert_eq!(good(GroupWishes { ack_timeout, ..GroupWishes::default() }), is_good, "{millis}");
        }
        for (tries, is_good) in [(1, true), (1000, true), (1001, false)] {
            assert_eq!(good(GroupWishes { max_tries: Some(tries), ..GroupWishes::default() }), is_good);
        }
        for (key, is_good) in [("customer", true), ("", false), ("a:b", false)] {
            let order = Some(Order::ByTag(key.into()));
            assert_eq!(good(GroupWishes { order, ..GroupWishes::default() }), is_good, "{key}");
        }
    }
}
