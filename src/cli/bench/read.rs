//! Rows of reading.
//!
//! Owns the read of the whole log by one reader and the reads of short streams by many. Both go
//! through the client's own decoding, since that is what a program gets, and both check what they
//! read: a reader that misses events is an error, however fast it was.

use std::time::Duration;

use quipu_client::{Client, ReadAll, ReadStream};
use tokio::time::{Instant, timeout_at};

use super::Error;
use super::append::seeded_stream;
use super::failure::Failure;
use super::load::{Done, Measured, Work};
use super::payload::Lots;

/// A read of the whole log is given up after this.
const WHOLE_LOG_TIMEOUT: Duration = Duration::from_secs(600);

/// Reads the log once from its start: at most `limit` events, or all of it when 0. A latency is the
/// time to the next batch of about 1 MiB.
pub(super) async fn whole_log(client: &Client, limit: u64) -> Result<Measured, Error> {
    let mut measured = Measured::new();
    let start = Instant::now();
    let mut reading = client.read_all(ReadAll::new().limit(limit)).await?;
    let mut before = start;
    let mut last_position = 0;
    loop {
        let batch = match timeout_at(start + WHOLE_LOG_TIMEOUT, reading.next_batch()).await {
            Ok(Some(Ok(batch))) => batch,
            Ok(None) => break,
            Ok(Some(Err(error))) => {
                measured.failed(1, error);
                break;
            }
            Err(_) => {
                measured.failed(1, "not read in time");
                break;
            }
        };
        let now = Instant::now();
        let bytes: usize = batch.iter().map(|event| event.data.len()).sum();
        measured.done(now - before, Done { count: batch.len() as u64, bytes: bytes as u64 });
        before = now;
        for event in &batch {
            if event.position <= last_position {
                measured.failed(1, format!("position {} came after {last_position}", event.position));
            }
            last_position = event.position;
        }
    }
    measured.elapsed = start.elapsed();
    // Only the store's own events, which are hidden, may be missing before the head.
    let head = reading.head().unwrap_or(0);
    if limit == 0 && last_position < head && measured.errors == 0 {
        measured.failed(1, format!("the read ended at {last_position}, the head is {head}"));
    }
    Ok(measured)
}

/// Reads one of the seeded streams, drawn by lot, at a time.
#[derive(Debug)]
pub(super) struct StreamReader {
    client: Client,
    name: String,
    streams: u64,
    events: usize,
    lots: Lots,
}

impl StreamReader {
    /// Of the streams called `name`, which have so many events each.
    pub(super) fn new(client: Client, name: String, streams: u64, events: usize) -> Self {
        Self { client, name, streams, events, lots: Lots::new() }
    }
}

impl Work for StreamReader {
    async fn once(&mut self) -> Result<Done, Failure> {
        let stream = seeded_stream(&self.name, self.lots.below(self.streams));
        let reading = self.client.read_stream(ReadStream::new(stream)).await;
        let events = match reading {
            Ok(reading) => reading.collect().await,
            Err(error) => Err(error),
        }?;
        if events.len() != self.events {
            return Err(format!("{} events came, {} are there", events.len(), self.events).into());
        }
        Ok(Done { count: 1, bytes: events.iter().map(|event| event.data.len() as u64).sum() })
    }
}
