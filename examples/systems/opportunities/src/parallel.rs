//! Replay of independent aggregates side by side.
//!
//! Owns [`states`]. Streams do not depend on each other, so as many as allowed are folded at a time.

use std::collections::BTreeMap;

use quipu_client::{Client, Error, ListStreams};
use tokio::task::{JoinError, JoinSet};

use crate::opportunity::Opportunity;

/// The states of all opportunities, at most `at_once` folded at a time, with or without snapshots.
pub(crate) async fn states(
    client: &Client,
    at_once: usize,
    with_snapshots: bool,
) -> Result<BTreeMap<String, Opportunity>, Error> {
    let mut streams = client.list_streams(ListStreams::new().category("opportunity"));
    let (mut folding, mut states) = (JoinSet::new(), BTreeMap::new());
    while let Some(stream) = streams.next().await {
        if folding.len() >= at_once.max(1)
            && let Some(folded) = folding.join_next().await
        {
            keep(&mut states, folded)?;
        }
        folding.spawn(fold(client.clone(), stream?, with_snapshots));
    }
    while let Some(folded) = folding.join_next().await {
        keep(&mut states, folded)?;
    }
    Ok(states)
}

type Folded = Result<(String, Opportunity), Error>;

async fn fold(client: Client, stream: String, with_snapshots: bool) -> Folded {
    let aggregate = Opportunity::aggregate(&client, &stream);
    let loaded = if with_snapshots { aggregate.load().await? } else { aggregate.load_without_snapshot().await? };
    Ok((stream, loaded.state))
}

fn keep(states: &mut BTreeMap<String, Opportunity>, folded: Result<Folded, JoinError>) -> Result<(), Error> {
    let (stream, state) = folded.expect("a fold neither panics nor is aborted")?;
    states.insert(stream, state);
    Ok(())
}
