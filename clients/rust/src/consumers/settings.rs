//! How a consumer group works, and where it begins.
//!
//! Owns [`GroupSettings`], [`GroupOrder`] and [`GroupStart`], and their way to and from the wire. The server
//! fills defaults in and judges the rest.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::proto::consumer_group_settings::{self as wire, Order};
use crate::proto::{self, End, Start, consumer_group_start};
use crate::{Error, Query, timestamp};

/// How a group works. What is not set is up to the server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupSettings {
    /// Which events; all by default. It can not be changed later.
    pub query: Option<Query>,
    /// What is delivered in order. It can not be changed later.
    pub order: GroupOrder,
    /// How long a member may take to settle an event before it is delivered again; 30 s by default.
    pub ack_timeout: Option<Duration>,
    /// After how many tries an event is parked; 10 by default.
    pub max_tries: Option<u32>,
    /// How long to wait before the second try, doubled for each further one; 200 ms by default.
    pub backoff: Option<Duration>,
    /// The longest wait between tries; 30 s by default.
    pub backoff_max: Option<Duration>,
    /// How many events may be read and not be settled yet; 10,000 by default.
    pub max_outstanding: Option<u32>,
}

/// What a group delivers in order, one after the other is settled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum GroupOrder {
    /// The events of each stream.
    #[default]
    ByStream,
    /// Events with the same value of the tag with this key, the part before the `:`.
    ByTagKey(String),
    /// Nothing: every event stands for itself.
    Unordered,
}

/// Where a group begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupStart {
    /// With the first event.
    #[default]
    Start,
    /// With the next event.
    End,
    /// With the first event after this position, exclusive.
    After(u64),
    /// With the first event recorded at this time or later.
    Time(DateTime<Utc>),
}

impl GroupSettings {
    /// The server's defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only events that match.
    #[must_use]
    pub fn query(mut self, query: Query) -> Self {
        self.query = Some(query);
        self
    }

    /// What is delivered in order.
    #[must_use]
    pub fn order(mut self, order: GroupOrder) -> Self {
        self.order = order;
        self
    }

    /// How long a member may take to settle an event.
    #[must_use]
    pub fn ack_timeout(mut self, timeout: Duration) -> Self {
        self.ack_timeout = Some(timeout);
        self
    }

    /// After how many tries an event is parked.
    #[must_use]
    pub fn max_tries(mut self, tries: u32) -> Self {
        self.max_tries = Some(tries);
        self
    }

    /// How long to wait before the second try, and the longest wait between tries.
    #[must_use]
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        (self.backoff, self.backoff_max) = (Some(first), Some(longest));
        self
    }

    /// How many events may be read and not be settled yet.
    #[must_use]
    pub fn max_outstanding(mut self, events: u32) -> Self {
        self.max_outstanding = Some(events);
        self
    }
}

/// A duration as it goes over the wire; `what` names it in the error.
pub(super) fn duration_out(duration: Duration, what: &str) -> Result<prost_types::Duration, Error> {
    duration.try_into().map_err(|_| Error::InvalidArgument(format!("{what} is too long")))
}

fn duration_in(duration: Option<prost_types::Duration>, what: &str) -> Result<Option<Duration>, Error> {
    let negative = |_| Error::InvalidResponse(format!("{what} is negative"));
    duration.map(Duration::try_from).transpose().map_err(negative)
}

impl TryFrom<GroupSettings> for proto::ConsumerGroupSettings {
    type Error = Error;

    fn try_from(settings: GroupSettings) -> Result<Self, Error> {
        let out = |duration: Option<Duration>, what| duration.map(|it| duration_out(it, what)).transpose();
        Ok(Self {
            query: settings.query.map(Into::into),
            order: Some(match settings.order {
                GroupOrder::ByStream => Order::ByStream(wire::ByStream {}),
                GroupOrder::ByTagKey(key) => Order::ByTagKey(key),
                GroupOrder::Unordered => Order::Unordered(wire::Unordered {}),
            }),
            ack_timeout: out(settings.ack_timeout, "ack_timeout")?,
            max_tries: settings.max_tries.unwrap_or(0),
            backoff: out(settings.backoff, "backoff")?,
            backoff_max: out(settings.backoff_max, "backoff_max")?,
            max_outstanding: settings.max_outstanding.unwrap_or(0),
        })
    }
}

impl TryFrom<proto::ConsumerGroupSettings> for GroupSettings {
    type Error = Error;

    fn try_from(settings: proto::ConsumerGroupSettings) -> Result<Self, Error> {
        let set = |number: u32| Some(number).filter(|number| *number > 0);
        Ok(Self {
            query: settings.query.map(Into::into),
            order: match settings.order {
                None | Some(Order::ByStream(_)) => GroupOrder::ByStream,
                Some(Order::ByTagKey(key)) => GroupOrder::ByTagKey(key),
                Some(Order::Unordered(_)) => GroupOrder::Unordered,
            },
            ack_timeout: duration_in(settings.ack_timeout, "ack_timeout")?,
            max_tries: set(settings.max_tries),
            backoff: duration_in(settings.backoff, "backoff")?,
            backoff_max: duration_in(settings.backoff_max, "backoff_max")?,
            max_outstanding: set(settings.max_outstanding),
        })
    }
}

impl From<GroupStart> for proto::ConsumerGroupStart {
    fn from(start: GroupStart) -> Self {
        let from = match start {
            GroupStart::Start => consumer_group_start::From::Start(Start {}),
            GroupStart::End => consumer_group_start::From::End(End {}),
            GroupStart::After(position) => consumer_group_start::From::AfterPosition(position),
            GroupStart::Time(time) => consumer_group_start::From::FromTime(timestamp::to_wire(time)),
        };
        Self { from: Some(from) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::QueryItem;

    #[test]
    fn settings_go_over_the_wire_and_back() {
        let query = Query::item(QueryItem::new().types(["A"]));
        let second = Duration::from_secs(1);
        for order in [GroupOrder::ByStream, GroupOrder::ByTagKey("customer".to_owned()), GroupOrder::Unordered] {
            let full = GroupSettings::new().query(query.clone()).order(order).ack_timeout(second).max_tries(3);
            let full = full.backoff(second, 2 * second).max_outstanding(7);
            let wire = proto::ConsumerGroupSettings::try_from(full.clone()).expect("short enough");
            assert_eq!(GroupSettings::try_from(wire).expect("in range"), full);
        }
        let wire = proto::ConsumerGroupSettings::try_from(GroupSettings::new()).expect("nothing to refuse");
        assert_eq!(GroupSettings::try_from(wire).expect("in range"), GroupSettings::new());
    }

    #[test]
    fn a_timeout_beyond_all_measure_is_refused() {
        let endless = GroupSettings::new().ack_timeout(Duration::MAX);
        assert!(matches!(proto::ConsumerGroupSettings::try_from(endless), Err(Error::InvalidArgument(_))));
    }
}
