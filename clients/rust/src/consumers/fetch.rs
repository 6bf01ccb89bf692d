//! Taking part in a group one call at a time.
//!
//! Owns the calls that fetch deliveries and settle them, for programs that cannot hold a stream open.

use std::time::Duration;

use tokio::time::Instant;

use super::settings::duration_out;
use super::settlement::{self, Delivery, Settled, Settlement};
use super::{Group, NotSettled};
use crate::listing::entries;
use crate::{Client, Error, proto};

impl Group {
    /// Asks for at most `max` deliveries (0 means 100, the most is 10,000) as this member, waiting up to
    /// `timeout` for the first, at most 10 minutes. Empty when none came in time.
    ///
    /// Retried while the server is unavailable. What was in an answer that got lost comes again when its time
    /// is up, as another try.
    pub async fn fetch(&self, member: &str, max: u32, timeout: Duration) -> Result<Vec<Delivery>, Error> {
        let begun = Instant::now();
        let answer = self.client.retry(|| async move {
            // What the tries before took is not waited for again.
            let left = duration_out(timeout.saturating_sub(begun.elapsed()), "the timeout")?;
            let request = proto::ConsumersFetchRequest {
                group: self.name.clone(),
                member: member.to_owned(),
                max,
                timeout: Some(left),
            };
            Ok(self.client.consumers().fetch(self.client.request(request)).await?.into_inner())
        });
        entries(answer.await?.deliveries)
    }

    /// Settles deliveries that this member fetched; durable before the answer. What is settled already, which
    /// a retry may meet, is told as such.
    pub async fn settle(&self, member: &str, settlement: Settlement) -> Result<Settled, Error> {
        let request = proto::ConsumersAckRequest {
            group: self.name.clone(),
            member: member.to_owned(),
            ack: settlement.ack,
            nack: settlement::nacks(settlement.nack)?,
        };
        let answer = self.client.call(Client::consumers, request, |mut api, it| async move { api.ack(it).await });
        let answer = answer.await?;
        let not_settled = answer.not_settled.into_iter().map(NotSettled::from).collect();
        Ok(Settled { settled: answer.settled, not_settled })
    }
}
