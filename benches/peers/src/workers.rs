//! What the workers of closed loops do over and over.
//!
//! Owns the guarded append, the append of any size, the fill, and the read of a short stream. Names of streams are
//! such that each worker has a category of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Result, ensure};

use crate::lab::SEEDERS;
use crate::load::Work;
use crate::payload::{Lots, Payloads};
use crate::peer::{Client, Guard};
use crate::workload::STREAM_EVENTS;

/// The name of a short stream. Seeders have categories of their own.
pub(crate) fn seeded(stream: u64) -> String {
    format!("seed{}-{stream}", stream % SEEDERS)
}

/// Opens a stream with every tenth append and appends the others to it.
pub(crate) struct Guarded {
    client: Arc<dyn Client>,
    payloads: Payloads,
    prefix: String,
    made: u64,
    stream: String,
    last: u64,
}

impl Guarded {
    const APPENDS_OF_A_STREAM: u64 = 10;

    /// Over this connection.
    pub(crate) fn new(client: Arc<dyn Client>, prefix: String) -> Self {
        Self { client, payloads: Payloads::new(), prefix, made: 0, stream: String::new(), last: 0 }
    }
}

impl Work for Guarded {
    async fn once(&mut self) -> Result<u64> {
        let opens = self.made.is_multiple_of(Self::APPENDS_OF_A_STREAM);
        let guard = if opens {
            self.stream = format!("{}-{}", self.prefix, self.made / Self::APPENDS_OF_A_STREAM);
            Guard::NoEvent
        } else {
            Guard::Last(self.last)
        };
        self.made += 1;
        self.last = self.client.append(&self.stream, guard, self.payloads.take(1)).await?;
        Ok(1)
    }
}

/// Appends so many events at a time to a stream of its own.
pub(crate) struct Appender {
    client: Arc<dyn Client>,
    payloads: Payloads,
    stream: String,
    events: usize,
    next: Guard,
}

impl Appender {
    /// Over this connection.
    pub(crate) fn new(client: Arc<dyn Client>, prefix: &str, events: usize, guarded: bool) -> Self {
        let next = if guarded { Guard::NoEvent } else { Guard::Nothing };
        Self { client, payloads: Payloads::new(), stream: format!("{prefix}-0"), events, next }
    }
}

impl Work for Appender {
    async fn once(&mut self) -> Result<u64> {
        let last = self.client.append(&self.stream, self.next, self.payloads.take(self.events)).await?;
        if self.next != Guard::Nothing {
            self.next = Guard::Last(last);
        }
        Ok(self.events as u64)
    }
}

/// Makes short streams, many at a time, side by side with others until all are there.
pub(crate) struct Filler {
    client: Arc<dyn Client>,
    payloads: Payloads,
    next: Arc<AtomicU64>,
    streams: u64,
}

impl Filler {
    const STREAMS_AT_ONCE: u64 = 100;

    /// The next of so many streams; `next` is shared by all who fill.
    pub(crate) fn new(client: Arc<dyn Client>, next: &Arc<AtomicU64>, streams: u64) -> Self {
        Self { client, payloads: Payloads::new(), next: Arc::clone(next), streams }
    }
}

impl Work for Filler {
    async fn once(&mut self) -> Result<u64> {
        let first = self.next.fetch_add(Self::STREAMS_AT_ONCE, Ordering::Relaxed).min(self.streams);
        let until = (first + Self::STREAMS_AT_ONCE).min(self.streams);
        let made = (first..until).map(|stream| (seeded(stream), self.payloads.take(STREAM_EVENTS))).collect::<Vec<_>>();
        if !made.is_empty() {
            self.client.fill(made).await?;
        }
        Ok((until - first) * STREAM_EVENTS as u64)
    }
}

/// Reads one of the short streams, drawn by lot.
pub(crate) struct StreamReader {
    client: Arc<dyn Client>,
    streams: u64,
    lots: Lots,
}

impl StreamReader {
    /// Of so many streams.
    pub(crate) fn new(client: Arc<dyn Client>, streams: u64) -> Self {
        Self { client, streams, lots: Lots::new() }
    }
}

impl Work for StreamReader {
    async fn once(&mut self) -> Result<u64> {
        let events = self.client.read_stream(&seeded(self.lots.below(self.streams))).await?;
        ensure!(events == STREAM_EVENTS as u64, "{events} events came, {STREAM_EVENTS} are there");
        Ok(1)
    }
}
