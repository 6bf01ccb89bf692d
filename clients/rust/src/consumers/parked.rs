//! Events that a group keeps aside.
//!
//! Owns [`ParkedEvent`] and the calls that list parked events, have them delivered again, or forget them.

use chrono::{DateTime, Utc};

use super::Group;
use crate::listing::{Listing, PAGE_SIZE, entries};
use crate::streams::next_page;
use crate::{Client, Error, RecordedEvent, proto, timestamp};

/// An event kept aside.
#[derive(Clone, Debug, PartialEq)]
pub struct ParkedEvent {
    /// The event as it is stored.
    pub event: RecordedEvent,
    /// Why: what the last nack said, or that the time was up.
    pub reason: String,
    /// How often it was delivered.
    pub tries: u32,
    /// Server time of the parking.
    pub parked_at: DateTime<Utc>,
}

impl Group {
    /// What the group has parked, in the order of the log.
    #[must_use]
    pub fn parked(&self) -> Listing<ParkedEvent> {
        let Self { client, name } = self.clone();
        Listing::new(move |page_token| {
            let request = proto::ConsumersListParkedRequest { group: name.clone(), page_size: PAGE_SIZE, page_token };
            let client = client.clone();
            async move {
                let page =
                    client.call(Client::consumers, request, |mut api, it| async move { api.list_parked(it).await });
                let page = page.await?;
                Ok((entries(page.events)?, next_page(page.next_page_token)))
            }
        })
    }

    /// Has parked events delivered again, with their tries counted anew: those at these positions, or all
    /// when none is named. Returns how many. [`Error::NotParked`] when one of them is not parked, which is also
    /// what a retry meets after a first try that worked; then nothing is done.
    pub async fn replay_parked(&self, positions: &[u64]) -> Result<u64, Error> {
        let request = proto::ConsumersReplayParkedRequest { group: self.name.clone(), positions: positions.to_vec() };
        let done =
            self.client.call(Client::consumers, request, |mut api, it| async move { api.replay_parked(it).await });
        Ok(done.await?.replayed)
    }

    /// Forgets parked events: those at these positions, or all when none is named. Returns how many. Errors as
    /// for [`replay_parked`](Self::replay_parked).
    pub async fn discard_parked(&self, positions: &[u64]) -> Result<u64, Error> {
        let request = proto::ConsumersDiscardParkedRequest { group: self.name.clone(), positions: positions.to_vec() };
        let done =
            self.client.call(Client::consumers, request, |mut api, it| async move { api.discard_parked(it).await });
        Ok(done.await?.discarded)
    }
}

impl TryFrom<proto::ParkedEvent> for ParkedEvent {
    type Error = Error;

    fn try_from(parked: proto::ParkedEvent) -> Result<Self, Error> {
        let event = parked.event.ok_or_else(|| Error::InvalidResponse("a parked event is missing".to_owned()))?;
        Ok(Self {
            event: event.try_into()?,
            reason: parked.reason,
            tries: parked.tries,
            parked_at: timestamp::required(parked.parked_at, "parked_at")?,
        })
    }
}
