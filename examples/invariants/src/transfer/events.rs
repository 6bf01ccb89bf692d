//! What happens to accounts.
//!
//! Owns [`Event`], its way into the store and out of it. Money is counted in cents.

use quipu_client::{NewEvent, Query, QueryItem, RecordedEvent};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::decision::Transfer;
use crate::Failure;

const OPENED: &str = "AccountOpened";
const WITHDRAWN: &str = "MoneyWithdrawn";
const DEPOSITED: &str = "MoneyDeposited";

/// Something that happened to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It was opened with so much money.
    Opened(u64),
    /// So much money went away.
    Withdrawn(Move),
    /// So much money came.
    Deposited(Move),
}

/// One half of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// The transfer's id.
    pub transfer: Uuid,
    /// How much.
    pub cents: u64,
}

#[derive(Serialize, Deserialize)]
struct Opening {
    cents: u64,
}

/// An account is opened with so much money.
pub(super) fn opened(cents: u64) -> Result<NewEvent, Failure> {
    Ok(NewEvent::json(OPENED, &Opening { cents })?)
}

/// Both halves of a transfer. Their ids follow from the transfer's, so they are the same whenever and by
/// whomever it is made again.
pub(super) fn halves(transfer: &Transfer) -> Result<[NewEvent; 2], Failure> {
    let moved = Move { transfer: transfer.id, cents: transfer.cents };
    let half = |event_type: &str| {
        let id = Uuid::new_v5(&transfer.id, event_type.as_bytes());
        NewEvent::json(event_type, &moved).map(|event| event.with_id(id))
    };
    Ok([half(WITHDRAWN)?, half(DEPOSITED)?])
}

impl Event {
    /// By how much the account changes.
    #[must_use]
    pub fn change(&self) -> i64 {
        match self {
            Self::Opened(cents) | Self::Deposited(Move { cents, .. }) => cents.cast_signed(),
            Self::Withdrawn(Move { cents, .. }) => -cents.cast_signed(),
        }
    }

    /// The transfer that it is a half of.
    #[must_use]
    pub fn transfer(&self) -> Option<Uuid> {
        match self {
            Self::Opened(_) => None,
            Self::Withdrawn(half) | Self::Deposited(half) => Some(half.transfer),
        }
    }
}

impl TryFrom<&RecordedEvent> for Event {
    type Error = Failure;

    fn try_from(event: &RecordedEvent) -> Result<Self, Failure> {
        match event.event_type.as_str() {
            OPENED => Ok(Self::Opened(event.json::<Opening>()?.cents)),
            WITHDRAWN => Ok(Self::Withdrawn(event.json()?)),
            DEPOSITED => Ok(Self::Deposited(event.json()?)),
            other => Err(Failure::Foreign(other.to_owned())),
        }
    }
}

/// The events of all accounts.
pub(super) fn everything() -> Query {
    Query::item(QueryItem::new().types([OPENED, WITHDRAWN, DEPOSITED]))
}
