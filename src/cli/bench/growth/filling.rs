//! Fills a log: 10 events to a stream, one at a time, so that a stream's events lie far apart.
//!
//! A transaction takes one event to each of a thousand streams. Ten rounds over a window of streams give
//! each of them its ten events; then comes the next window.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use quipu_client::Client;
use quipu_client::proto;
use quipu_client::proto::event_store_client::EventStoreClient;
use tonic::transport::Channel;

use super::super::Error;
use super::super::error::told;
use super::super::load::{Done, Work, repeat};
use super::super::payload::{PAYLOAD_BYTES, Proposer};

/// The events of a stream.
pub(super) const EVENTS_PER_ENTITY: u64 = 10;

/// The streams of a window.
const WINDOW: u64 = 100_000;

const STREAMS_PER_TRANSACTION: u64 = 1000;
const WORKERS: u64 = 8;
const TYPES: u64 = 20;
const TIMEOUT: Duration = Duration::from_secs(7200);

/// The streams there are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Entities {
    /// How many have their ten events.
    pub(super) count: u64,
}

impl Entities {
    /// One of the streams, as if by lot: no two turns in a row of so many as there are streams give the same.
    pub(super) fn drawn(&self, turn: u64) -> u64 {
        // A prime: it has no factor in common with a number of streams.
        turn.wrapping_mul(4_294_967_291) % self.count.max(1)
    }
}

/// The stream of an entity.
pub(super) fn stream_of(entity: u64) -> String {
    format!("acct-{entity}")
}

/// The tag of an entity.
pub(super) fn tag_of(entity: u64) -> String {
    format!("entity:{entity}")
}

/// How a log was filled.
#[derive(Debug)]
pub(super) struct Filled {
    pub(super) events: u64,
    pub(super) took: Duration,
}

/// Fills the log up to so many events of entities.
pub(super) async fn fill(endpoint: &str, entities: &mut Entities, events: u64) -> Result<Filled, Error> {
    let client = Client::connect(endpoint).await?;
    let began = Instant::now();
    let before = entities.count;
    let wanted = events / EVENTS_PER_ENTITY;
    while entities.count < wanted {
        let streams = WINDOW.min(wanted - entities.count);
        let turns = Arc::new(AtomicU64::new(0));
        let transactions = streams.div_ceil(STREAMS_PER_TRANSACTION) * EVENTS_PER_ENTITY;
        let worker = |_| Filler {
            stub: EventStoreClient::new(client.channel()).max_encoding_message_size(usize::MAX),
            proposer: Proposer::new(),
            first: entities.count,
            streams,
            turns: turns.clone(),
            transactions,
        };
        let calls = transactions.div_ceil(WORKERS);
        let measured = repeat((0..WORKERS).map(worker).collect(), calls, TIMEOUT).await;
        if let Some(cause) = measured.first_error {
            return Err(Error::Prepare { row: "growth", cause });
        }
        entities.count += streams;
    }
    Ok(Filled { events: (entities.count - before) * EVENTS_PER_ENTITY, took: began.elapsed() })
}

struct Filler {
    stub: EventStoreClient<Channel>,
    proposer: Proposer,
    first: u64,
    streams: u64,
    turns: Arc<AtomicU64>,
    transactions: u64,
}

impl Filler {
    fn append(&mut self, entity: u64, round: u64) -> proto::StreamAppend {
        let mut event = self.proposer.wire_event();
        event.r#type = format!("Kind{}", (entity + round) % TYPES);
        event.tags = vec![tag_of(entity)];
        proto::StreamAppend { stream: stream_of(entity), expected: None, events: vec![event] }
    }
}

impl Work for Filler {
    async fn once(&mut self) -> Result<Done, String> {
        let turn = self.turns.fetch_add(1, Ordering::Relaxed);
        if turn >= self.transactions {
            return Ok(Done { count: 0, bytes: 0 });
        }
        // Rounds come one after the other, each over all pieces of the window.
        let pieces = self.transactions / EVENTS_PER_ENTITY;
        let (round, piece) = (turn / pieces, turn % pieces);
        let start = piece * STREAMS_PER_TRANSACTION;
        let end = (start + STREAMS_PER_TRANSACTION).min(self.streams);
        let first = self.first;
        let appends: Vec<_> = (start..end).map(|stream| self.append(first + stream, round)).collect();
        let count = appends.len() as u64;
        let request = proto::TransactRequest { appends, ..Default::default() };
        match self.stub.transact(request).await {
            Ok(_) => Ok(Done { count, bytes: count * PAYLOAD_BYTES as u64 }),
            Err(status) => Err(told(&quipu_client::Error::from(status))),
        }
    }
}
