//! What a member of a group is given, and what it says became of it.
//!
//! Owns [`Delivery`], [`Settlement`] with [`Nack`], and [`Settled`], and their way to and from the wire.

use std::time::Duration;

use super::settings::duration_out;
use crate::{Error, RecordedEvent, proto};

/// An event to deal with.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// The event as it is stored: no upcaster has been at it.
    pub event: RecordedEvent,
    /// Which try this is, from 1.
    pub try_number: u32,
}

/// What became of deliveries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settlement {
    /// Positions of events that were dealt with.
    pub ack: Vec<u64>,
    /// Events that were not.
    pub nack: Vec<Nack>,
}

/// An event that was not dealt with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nack {
    /// The event's position.
    pub position: u64,
    /// What is to be done.
    pub action: NackAction,
    /// Why, in words: kept with a parked event, at most 4 KiB.
    pub reason: String,
    /// How long to wait before the next try; the group's backoff when unset.
    pub delay: Option<Duration>,
}

/// What is to be done with an event that was not dealt with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NackAction {
    /// To try again later, unless that was its last try: then it is parked.
    #[default]
    Retry,
    /// To keep it aside at once.
    Park,
    /// To pass over it as if it had been dealt with.
    Skip,
}

/// What a settlement has come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Positions of events whose settlement is durable.
    pub settled: Vec<u64>,
    /// What could not be settled.
    pub not_settled: Vec<NotSettled>,
}

/// What could not be settled, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotSettled {
    /// The position that was named.
    pub position: u64,
    /// Why.
    pub reason: NotSettledReason,
}

/// Why a position could not be settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotSettledReason {
    /// The event was not delivered by this group, or not since it was reset.
    NotDelivered,
    /// It is settled already; what was said first counts.
    AlreadySettled,
    /// Too late for a nack: the event waits for another try, or another member has it.
    TooLate,
    /// A reason newer than this client.
    Unknown,
}

impl Settlement {
    /// Nothing settled yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// This event was dealt with.
    #[must_use]
    pub fn ack(mut self, position: u64) -> Self {
        self.ack.push(position);
        self
    }

    /// This event is to be tried again later, for this reason.
    #[must_use]
    pub fn retry(self, position: u64, reason: impl Into<String>) -> Self {
        self.nack(Nack { position, action: NackAction::Retry, reason: reason.into(), delay: None })
    }

    /// This event is to be kept aside, for this reason.
    #[must_use]
    pub fn park(self, position: u64, reason: impl Into<String>) -> Self {
        self.nack(Nack { position, action: NackAction::Park, reason: reason.into(), delay: None })
    }

    /// This event is to be passed over.
    #[must_use]
    pub fn skip(self, position: u64) -> Self {
        self.nack(Nack { position, action: NackAction::Skip, reason: String::new(), delay: None })
    }

    /// This event was not dealt with.
    #[must_use]
    pub fn nack(mut self, nack: Nack) -> Self {
        self.nack.push(nack);
        self
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ack.is_empty() && self.nack.is_empty()
    }
}

impl TryFrom<Nack> for proto::Nack {
    type Error = Error;

    fn try_from(nack: Nack) -> Result<Self, Error> {
        let action = match nack.action {
            NackAction::Retry => proto::NackAction::Retry,
            NackAction::Park => proto::NackAction::Park,
            NackAction::Skip => proto::NackAction::Skip,
        };
        Ok(Self {
            position: nack.position,
            action: action.into(),
            reason: nack.reason,
            delay: nack.delay.map(|delay| duration_out(delay, "delay")).transpose()?,
        })
    }
}

/// Nacks as they go over the wire.
pub(super) fn nacks(nacks: Vec<Nack>) -> Result<Vec<proto::Nack>, Error> {
    nacks.into_iter().map(proto::Nack::try_from).collect()
}

impl TryFrom<proto::Delivery> for Delivery {
    type Error = Error;

    fn try_from(delivery: proto::Delivery) -> Result<Self, Error> {
        let event = delivery.event.ok_or_else(|| Error::InvalidResponse("a delivery has no event".to_owned()))?;
        Ok(Self { event: event.try_into()?, try_number: delivery.try_number })
    }
}

impl From<proto::NotSettled> for NotSettled {
    fn from(not_settled: proto::NotSettled) -> Self {
        let reason = match not_settled.reason() {
            proto::NotSettledReason::NotDelivered => NotSettledReason::NotDelivered,
            proto::NotSettledReason::AlreadySettled => NotSettledReason::AlreadySettled,
            proto::NotSettledReason::TooLate => NotSettledReason::TooLate,
            proto::NotSettledReason::Unspecified => NotSettledReason::Unknown,
        };
        Self { position: not_settled.position, reason }
    }
}
