//! The valuation: a reactor that converts amounts into euros.
//!
//! Owns the group [`GROUP`], its handlers and the rates. An amount in a currency that has no rate is tried again, in
//! case the rate comes, and then parked with the reason, while others go on. When the rate is there, what is parked
//! can be delivered again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use quipu_client::{Client, Expected, Failure, GroupSettings, Query, QueryItem, Reactor, RecordedEvent};

use crate::contract;
use crate::envelope::Context;
use crate::facts::{AmountConverted, EffectFact, OpportunityFact};

/// The consumer group.
pub(crate) const GROUP: &str = "valuation";

/// What a handler is called for.
const TYPES: [&str; 2] = ["OpportunityDiscovered", "OpportunityRepriced"];

/// How many thousandths of a euro a unit of a currency is worth.
#[derive(Clone, Debug)]
pub(crate) struct Rates(BTreeMap<String, u64>);

/// Nobody says what a currency is worth.
#[derive(Debug, thiserror::Error)]
#[error("there is no rate for {0}")]
pub(crate) struct NoRate(String);

impl Rates {
    /// The rates that are known from the start, and these.
    pub(crate) fn with(more: impl IntoIterator<Item = (String, u64)>) -> Self {
        let known = [("EUR", 1000), ("USD", 900), ("GBP", 1150)];
        Self(known.map(|(currency, rate)| (currency.to_owned(), rate)).into_iter().chain(more).collect())
    }

    /// An amount in euros.
    fn convert(&self, amount: u64, currency: &str) -> Result<(u64, u64), NoRate> {
        let rate = *self.0.get(currency).ok_or_else(|| NoRate(currency.to_owned()))?;
        Ok((amount.saturating_mul(rate) / 1000, rate))
    }
}

/// The group's events.
pub(crate) fn query() -> Query {
    Query::item(QueryItem::new().types(TYPES))
}

/// The reactor, not running yet.
pub(crate) fn reactor(client: &Client, rates: Rates) -> Reactor {
    let settings = GroupSettings::new()
        .query(query())
        .ack_timeout(Duration::from_secs(5))
        .max_tries(3)
        .backoff(Duration::from_millis(20), Duration::from_millis(100));
    let rates = Arc::new(rates);
    let builder = Reactor::builder(client, GROUP).settings(settings);
    TYPES
        .into_iter()
        .fold(builder, |builder, event_type| {
            let (client, rates) = (client.clone(), Arc::clone(&rates));
            builder.on(event_type, move |event| convert(client.clone(), Arc::clone(&rates), event))
        })
        .build()
}

async fn convert(client: Client, rates: Arc<Rates>, event: Arc<RecordedEvent>) -> Result<(), Failure> {
    let (amount, currency) = match contract::read::<OpportunityFact>(&event)? {
        Some(OpportunityFact::OpportunityDiscovered(it)) => (it.amount, it.currency),
        Some(OpportunityFact::OpportunityRepriced(it)) => (it.amount, it.currency),
        _ => return Err(Failure::park("it has no amount")),
    };
    let (euro_cents, rate_per_mille) = rates.convert(amount, &currency)?;
    let converted = AmountConverted { euro_cents, rate_per_mille, about: event.id.to_string() };
    let events = Context::reaction(&event, GROUP, "convert").record(&[EffectFact::AmountConverted(converted)])?;
    let stream = event.stream.replacen("opportunity-", "valuation-", 1);
    client.append(&stream, Expected::Any, events).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_converted_by_thousandths_and_unknown_currencies_are_named() {
        let rates = Rates::with([("CHF".to_owned(), 1050)]);
        assert_eq!(rates.convert(1000, "CHF").expect("known"), (1050, 1050));
        assert_eq!(rates.convert(7, "XTS").expect_err("unknown").to_string(), "there is no rate for XTS");
    }
}
