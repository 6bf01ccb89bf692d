//! Replay by time and types, under a name, in batches; killed anywhere, it goes on where it was.
//!
//! Owns [`Plan`], [`Checkpoint`] and [`run`]. What a replay makes here is a count by type. The counts and the
//! checkpoint's own document (last event, count) are written together with the position, on condition of the position
//! before: a batch that comes again after a kill is recognised, and counted once.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use quipu_client::{BoxError, Client, Error, Query, QueryItem, ReadModel, ReadModelWrite, RecordedEvent, Replay};
use serde::{Deserialize, Serialize};

/// What to replay.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The checkpoint's name.
    pub(crate) name: String,
    /// Only events of these types; of all when empty.
    pub(crate) types: Vec<String>,
    /// Only what was recorded at this time or later.
    pub(crate) from: Option<DateTime<Utc>>,
    /// Only what was recorded before this time.
    pub(crate) before: Option<DateTime<Utc>>,
    /// How many events at once.
    pub(crate) batch_size: usize,
}

/// How far a replay has got.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    pub(crate) name: String,
    pub(crate) last_event: Option<String>,
    pub(crate) position: u64,
    pub(crate) count: u64,
}

/// Replays what the plan says and has not been replayed under its name; returns the checkpoint.
pub(crate) async fn run(client: &Client, plan: &Plan) -> Result<Checkpoint, Error> {
    let mut replay = Replay::new(client, &plan.name).batch_size(plan.batch_size);
    if !plan.types.is_empty() {
        replay = replay.query(Query::item(QueryItem::new().types(plan.types.iter().cloned())));
    }
    if let Some(time) = plan.from {
        replay = replay.from_time(time);
    }
    let model = model(client, &plan.name);
    replay.run(|batch| take(model.clone(), plan.clone(), batch)).await?;
    checkpoint(&model, &plan.name).await
}

/// The read model that a replay of this name writes.
pub(crate) fn model(client: &Client, name: &str) -> ReadModel {
    client.read_model(format!("replay-{name}"))
}

/// The checkpoint as it is; all zero before the first batch.
pub(crate) async fn checkpoint(model: &ReadModel, name: &str) -> Result<Checkpoint, Error> {
    let found = model.get("checkpoint", name).await?;
    let none = Checkpoint { name: name.to_owned(), ..Checkpoint::default() };
    found.map_or(Ok(none), |document| document.json())
}

/// Counts a batch, unless it is counted.
async fn take(model: ReadModel, plan: Plan, batch: Vec<RecordedEvent>) -> Result<(), BoxError> {
    let Some(last) = batch.last().map(|event| event.position) else { return Ok(()) };
    let mut checkpoint = checkpoint(&model, &plan.name).await?;
    if last <= checkpoint.position {
        return Ok(());
    }
    let before = checkpoint.position;
    let mut counts = BTreeMap::<&str, u64>::new();
    let is_new = |event: &&RecordedEvent| event.position > before;
    for event in batch.iter().filter(is_new).filter(|event| plan.before.is_none_or(|end| event.recorded_at < end)) {
        *counts.entry(&event.event_type).or_default() += 1;
        (checkpoint.last_event, checkpoint.count) = (Some(event.id.to_string()), checkpoint.count + 1);
    }
    checkpoint.position = last;
    let mut write = ReadModelWrite::new(before, last).upsert_json("checkpoint", &plan.name, &checkpoint)?;
    for (event_type, more) in counts {
        let count = model.get("type", event_type).await?.map_or(Ok(0), |document| document.json::<u64>())?;
        write = write.upsert_json("type", event_type, &(count + more))?;
    }
    match model.write(write).await {
        // The answer to an earlier try was lost: it is written.
        Err(Error::WrongReadModelPosition { actual, .. }) if actual == last => Ok(()),
        written => Ok(written.map(|_| ())?),
    }
}
