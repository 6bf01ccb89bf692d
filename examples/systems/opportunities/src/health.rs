//! How the platform is doing.
//!
//! Owns [`Health`] and [`Counts`]: how far each reactor and projector is behind, what is parked, what happened
//! lately; and how many events there are in all and of each type.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use quipu_client::{Client, Error, ReadAll};
use serde::Serialize;

use crate::{activity, notifier, portfolio, valuation};

/// The state of everything, at a time.
#[derive(Debug, Serialize)]
pub(crate) struct Health {
    pub(crate) is_healthy: bool,
    pub(crate) head: u64,
    /// Events recorded in the last so many minutes.
    pub(crate) recent_events: u64,
    pub(crate) last_event_at: Option<DateTime<Utc>>,
    pub(crate) reactors: BTreeMap<String, ReactorHealth>,
    /// How many positions each read model is behind the head.
    pub(crate) read_models: BTreeMap<String, u64>,
}

/// The state of one reactor's group.
#[derive(Debug, Serialize)]
pub(crate) struct ReactorHealth {
    pub(crate) members: usize,
    /// Events in its hands or waiting for another try.
    pub(crate) unsettled: u64,
    pub(crate) oldest_unsettled: Option<DateTime<Utc>>,
    pub(crate) retrying: u64,
    pub(crate) parked: u64,
}

/// How many events there are.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    pub(crate) total: u64,
    pub(crate) by_type: BTreeMap<String, u64>,
}

/// How everything is; healthy means that every reactor has a member and nothing is parked.
pub(crate) async fn health(client: &Client, now: DateTime<Utc>, recent: Duration) -> Result<Health, Error> {
    let head = client.server_info().await?.head;
    let mut reactors = BTreeMap::new();
    for name in [notifier::GROUP, valuation::GROUP] {
        if let Some(group) = client.group(name).get().await? {
            let of = ReactorHealth {
                members: group.members.len(),
                unsettled: group.outstanding,
                oldest_unsettled: group.oldest_unsettled.map(|oldest| oldest.recorded_at),
                retrying: group.retrying,
                parked: group.parked,
            };
            reactors.insert(name.to_owned(), of);
        }
    }
    let mut read_models = BTreeMap::new();
    for name in [portfolio::MODEL, activity::MODEL] {
        let generations = client.read_model(name).generations().await?;
        let position = generations.iter().find(|it| it.is_active).map_or(0, |it| it.position);
        read_models.insert(name.to_owned(), head.saturating_sub(position));
    }
    let (mut recent_events, mut last_event_at) = (0, None);
    let mut newest = client.read_all(ReadAll::new().backwards()).await?;
    while let Some(event) = newest.next().await {
        let at = event?.recorded_at;
        last_event_at = last_event_at.or(Some(at));
        if at < now - recent {
            break;
        }
        recent_events += 1;
    }
    let is_healthy = reactors.len() == 2 && reactors.values().all(|it| it.members > 0 && it.parked == 0);
    Ok(Health { is_healthy, head, recent_events, last_event_at, reactors, read_models })
}

/// The counts that the store keeps.
pub(crate) async fn counts(client: &Client) -> Result<Counts, Error> {
    let statistics = client.statistics().await?;
    let by_type = statistics.types.into_iter().map(|count| (count.name, count.events)).collect();
    Ok(Counts { total: statistics.events, by_type })
}
