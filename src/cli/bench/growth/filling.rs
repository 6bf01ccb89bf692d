//! Fills a log, one event to a stream at a time, so that a stream's events lie far apart.
//!
//! A transaction takes one event to each of a thousand streams. Ten rounds over a window of streams give
//! each of them ten events; then comes the next window, and after the last the first again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use quipu_client::Client;
use quipu_client::proto;
use quipu_client::proto::event_store_client::EventStoreClient;
use tonic::transport::Channel;

use super::super::Error;
use super::super::failure::Failure;
use super::super::load::{Done, Work, repeat};
use super::super::payload::Proposer;

/// The events that a stream gets in one go.
pub(super) const ROUNDS: u64 = 10;

/// The size of a payload: small, so that the largest log still fits into the memory of the machine, and what
/// is measured is the server and not how fast the disk reads.
pub(super) const GROWTH_PAYLOAD_BYTES: usize = 64;

/// The streams of a window.
const WINDOW: u64 = 100_000;

const STREAMS_PER_TRANSACTION: u64 = 1000;
const WORKERS: u64 = 8;
const TYPES: u64 = 20;
const TIMEOUT: Duration = Duration::from_secs(7200);

/// The streams there are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Entities {
    /// How many.
    pub(super) count: u64,
    /// How many events each has.
    pub(super) events: u64,
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

/// Fills the log up to so many events, in streams of ten events and more, but at most so many streams.
pub(super) async fn fill(
    endpoint: &str,
    entities: &mut Entities,
    events: u64,
    streams_max: u64,
) -> Result<Filled, Error> {
    let client = Client::connect(endpoint).await?;
    let began = Instant::now();
    let before = entities.count * entities.events;
    let streams = (events / ROUNDS).min(streams_max);
    // Every stream that there is has as many events as the others, so new ones come before more of each.
    while entities.count < streams {
        let first = entities.count;
        let window = WINDOW.min(streams - first);
        entities.events = entities.events.max(ROUNDS);
        fill_window(&client, first, window).await?;
        entities.count += window;
    }
    while entities.events * entities.count < events {
        for first in (0..entities.count).step_by(WINDOW as usize) {
            fill_window(&client, first, WINDOW.min(entities.count - first)).await?;
        }
        entities.events += ROUNDS;
    }
    Ok(Filled { events: entities.count * entities.events - before, took: began.elapsed() })
}

async fn fill_window(client: &Client, first: u64, streams: u64) -> Result<(), Error> {
    let turns = Arc::new(AtomicU64::new(0));
    let transactions = streams.div_ceil(STREAMS_PER_TRANSACTION) * ROUNDS;
    let worker = |_| Filler {
        stub: EventStoreClient::new(client.channel()).max_encoding_message_size(usize::MAX),
        proposer: Proposer::of_payloads(GROWTH_PAYLOAD_BYTES),
        first,
        streams,
        turns: turns.clone(),
        transactions,
    };
    let calls = transactions.div_ceil(WORKERS);
    let measured = repeat((0..WORKERS).map(worker).collect(), calls, TIMEOUT).await;
    measured.first_error.map_or(Ok(()), |cause| Err(Error::Prepare { row: "growth", cause }))
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
    async fn once(&mut self) -> Result<Done, Failure> {
        let turn = self.turns.fetch_add(1, Ordering::Relaxed);
        if turn >= self.transactions {
            return Ok(Done { count: 0, bytes: 0 });
        }
        // Rounds come one after the other, each over all pieces of the window.
        let pieces = self.transactions / ROUNDS;
        let (round, piece) = (turn / pieces, turn % pieces);
        let start = piece * STREAMS_PER_TRANSACTION;
        let end = (start + STREAMS_PER_TRANSACTION).min(self.streams);
        let first = self.first;
        let appends: Vec<_> = (start..end).map(|stream| self.append(first + stream, round)).collect();
        let count = appends.len() as u64;
        let request = proto::TransactRequest { appends, ..Default::default() };
        match self.stub.transact(request).await {
            Ok(_) => Ok(Done { count, bytes: count * GROWTH_PAYLOAD_BYTES as u64 }),
            Err(status) => Err(status.into()),
        }
    }
}
