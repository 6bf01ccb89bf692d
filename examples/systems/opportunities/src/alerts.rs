//! The alerts: a watcher over what the reactors have given up.
//!
//! Owns [`watch`]: it looks at the parked count of each consumer group, and for every parked event that it has not
//! seen yet appends an alert with the reason. The alert's id is made of the event's, so there is one for each, however
//! often the watcher starts anew.

use std::collections::HashMap;
use std::time::Duration;

use quipu_client::{Client, Expected, ParkedEvent};
use tokio::time::{MissedTickBehavior, interval};

use crate::contract::Broken;
use crate::envelope::Context;
use crate::facts::{AlertRaised, EffectFact};
use crate::{notifier, valuation};

/// How often the counts are looked at.
const EVERY: Duration = Duration::from_millis(200);

/// Why a look failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Store(#[from] quipu_client::Error),
    #[error(transparent)]
    Contract(#[from] Broken),
}

/// Watches all groups, for ever.
pub(crate) async fn watch(client: &Client) -> Result<(), Error> {
    let mut seen = HashMap::new();
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for group in [notifier::GROUP, valuation::GROUP] {
            look(client, group, seen.entry(group).or_default()).await?;
        }
    }
}

/// Raises alerts if the group's counts of parked events are not what was seen: how many are, and how many have
/// been since the server started.
pub(crate) async fn look(client: &Client, group: &str, seen: &mut (u64, u64)) -> Result<(), Error> {
    let now = client.group(group).get().await?.map_or((0, 0), |group| (group.parked, group.counts.parked));
    if now.0 > 0 && now != *seen {
        let mut all = client.group(group).parked();
        while let Some(event) = all.next().await {
            raise(client, group, &event?).await?;
        }
    }
    *seen = now;
    Ok(())
}

async fn raise(client: &Client, group: &str, parked: &ParkedEvent) -> Result<(), Error> {
    let alert =
        AlertRaised { group: group.to_owned(), about: parked.event.id.to_string(), reason: parked.reason.clone() };
    let events = Context::reaction(&parked.event, "alerts", group).record(&[EffectFact::AlertRaised(alert)])?;
    client.append(&format!("alert-{group}"), Expected::Any, events).await?;
    Ok(())
}
