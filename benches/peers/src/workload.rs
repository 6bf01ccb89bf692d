//! The workloads: what is asked of every peer.
//!
//! Owns [`Row`], one line of the table, and how it is measured. Rows of a peer run one after the other on the
//! same server, in the order of [`rows`]: what the first ones append, the later ones read.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::load::{Measured, Span, Work, closed_loop, open_loop};
use crate::payload::{Lots, Payloads};
use crate::peer::{Client, Guard};
use crate::server::Server;

/// Connections of a peer at most.
pub(crate) const CONNECTIONS: usize = 8;

/// Clients that append batches.
const BATCH_CLIENTS: usize = 16;

/// Events of a stream that is read.
const STREAM_EVENTS: usize = 10;

/// Clients that make these streams.
const SEEDERS: usize = 64;

/// Events that are offered to subscribers each millisecond.
const LIVE_EVENTS_PER_MILLISECOND: usize = 5;

/// A kind of workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Kind {
    /// Appends of single events, guarded.
    Guarded,
    /// Appends of single events, as the client does it best.
    Pipelined,
    /// Appends of several events.
    Batch,
    /// One read of the whole log.
    ReadLog,
    /// Reads of one short stream.
    ReadStream,
    /// From the append to the subscriber.
    Live,
}

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// What is done.
    pub(crate) kind: Kind,
    /// Calls in flight, events of an append, readers or subscribers.
    pub(crate) load: usize,
}

/// All lines, in their order.
pub(crate) fn rows() -> Vec<Row> {
    let of = |kind, loads: &[usize]| loads.iter().map(move |&load| Row { kind, load }).collect::<Vec<_>>();
    [
        of(Kind::Guarded, &[1, 16, 64, 256]),
        of(Kind::Pipelined, &[256]),
        of(Kind::Batch, &[10, 100, 1_000]),
        of(Kind::ReadLog, &[1]),
        of(Kind::ReadStream, &[1, 64]),
        of(Kind::Live, &[1, 100]),
    ]
    .concat()
}

impl Row {
    /// What it says at its left.
    pub(crate) fn label(self) -> String {
        match (self.kind, self.load) {
            (Kind::Guarded, load) => format!("guarded append, {load} in flight"),
            (Kind::Pipelined, load) => format!("pipelined append, {load} in flight"),
            (Kind::Batch, load) => format!("{BATCH_CLIENTS} clients × {load} events an append"),
            (Kind::ReadLog, _) => "whole log, 1 reader".to_owned(),
            (Kind::ReadStream, 1) => format!("stream of {STREAM_EVENTS} events, 1 reader"),
            (Kind::ReadStream, load) => format!("stream of {STREAM_EVENTS} events, {load} readers"),
            (Kind::Live, 1) => "live, 1 subscriber".to_owned(),
            (Kind::Live, load) => format!("live, {load} subscribers"),
        }
    }

    /// What is counted.
    pub(crate) fn unit(self) -> &'static str {
        match self.kind {
            Kind::Guarded | Kind::Pipelined | Kind::Batch | Kind::ReadLog => "events",
            Kind::ReadStream => "reads",
            Kind::Live => "deliveries",
        }
    }
}

/// What a row gave in one round.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample {
    /// Of the row's unit.
    pub(crate) per_second: f64,
    /// In milliseconds; none where there is no single call.
    pub(crate) p50: Option<f64>,
    /// Likewise.
    pub(crate) p99: Option<f64>,
    /// Processor seconds of the server for 100,000 events.
    pub(crate) cpu: f64,
    /// How many events were read, of the row that reads all.
    pub(crate) events: Option<u64>,
}

/// A peer that runs, with connections to it.
pub(crate) struct Lab {
    /// Its server.
    pub(crate) server: Server,
    /// At most [`CONNECTIONS`].
    pub(crate) clients: Vec<Arc<dyn Client>>,
    /// How long a row is measured.
    pub(crate) length: Duration,
    /// How many short streams there are to read.
    pub(crate) streams: u64,
}

impl Lab {
    /// Makes the short streams.
    pub(crate) async fn seed(&self) -> Result<()> {
        let mut tasks = JoinSet::new();
        for (seeder, client) in self.spread(SEEDERS).into_iter().enumerate() {
            let streams = self.streams;
            tasks.spawn(async move {
                let mut payloads = Payloads::new();
                for stream in (seeder as u64..streams).step_by(SEEDERS) {
                    client.append(&seeded(stream), Guard::NoEvent, payloads.take(STREAM_EVENTS)).await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(done) = tasks.join_next().await {
            done?.context("make short streams")?;
        }
        Ok(())
    }

    /// Measures one row.
    pub(crate) async fn measure(&self, row: Row) -> Result<Sample> {
        let load = row.load;
        let prefix = |worker: usize| format!("k{}l{load}w{worker}", row.kind as u8);
        match row.kind {
            Kind::Guarded => {
                let workers = self.spread(load).into_iter().enumerate();
                let workers = workers.map(|(at, client)| Guarded::new(client, prefix(at))).collect();
                self.during(1, |span| closed_loop(workers, span)).await
            }
            Kind::Pipelined => self.during(1, |span| self.pipelined(load, span, prefix)).await,
            Kind::Batch => {
                let workers = self.spread(BATCH_CLIENTS).into_iter().enumerate();
                let workers = workers.map(|(at, client)| Appender::new(client, prefix(at), load, true)).collect();
                self.during(1, |span| closed_loop(workers, span)).await
            }
            Kind::ReadLog => self.read_log().await,
            Kind::ReadStream => {
                let reader = |client| StreamReader { client, streams: self.streams, lots: Lots::new() };
                let workers = self.spread(load).into_iter().map(reader).collect();
                self.during(STREAM_EVENTS, |span| closed_loop(workers, span)).await
            }
            Kind::Live => self.live(load).await,
        }
    }

    /// A client for each of so many workers, over as few connections.
    fn spread(&self, workers: usize) -> Vec<Arc<dyn Client>> {
        self.clients.iter().cycle().take(workers).cloned().collect()
    }

    /// Measures what is done in a span, and the processor time that the server takes meanwhile.
    async fn during<F>(&self, events_each: usize, load: impl FnOnce(Span) -> F) -> Result<Sample>
    where
        F: Future<Output = Result<Measured>>,
    {
        let span = Span::of(self.length);
        let cpu = async {
            sleep_until(span.from).await;
            let before = self.server.cpu();
            sleep_until(span.until).await;
            self.server.cpu() - before
        };
        let (measured, cpu) = tokio::join!(load(span), cpu);
        let measured = measured?;
        ensure!(measured.count > 0, "nothing happened");
        let quantile = |at| measured.latencies.value_at_quantile(at) as f64 / 1e6;
        Ok(Sample {
            per_second: measured.count as f64 / measured.elapsed.as_secs_f64(),
            p50: Some(quantile(0.5)),
            p99: Some(quantile(0.99)),
            cpu: cpu * 1e5 / (measured.count * events_each as u64) as f64,
            events: None,
        })
    }

    async fn pipelined(&self, in_flight: usize, span: Span, prefix: impl Fn(usize) -> String) -> Result<Measured> {
        if let Some(measured) = self.clients[0].pipeline(in_flight, span).await? {
            return Ok(measured);
        }
        let workers = self.spread(in_flight).into_iter().enumerate();
        let workers = workers.map(|(at, client)| Appender::new(client, prefix(at), 1, false)).collect();
        closed_loop(workers, span).await
    }

    async fn read_log(&self) -> Result<Sample> {
        let (start, cpu) = (Instant::now(), self.server.cpu());
        let events = self.clients[0].read_log().await?;
        let (elapsed, cpu) = (start.elapsed().as_secs_f64(), self.server.cpu() - cpu);
        let count = events as f64;
        Ok(Sample { per_second: count / elapsed, cpu: cpu * 1e5 / count, events: Some(events), ..Sample::default() })
    }

    async fn live(&self, subscribers: usize) -> Result<Sample> {
        let (producers, listeners) = self.clients.split_at(self.clients.len() / 2);
        let mut subscriptions = Vec::with_capacity(subscribers);
        for client in listeners.iter().cycle().take(subscribers) {
            subscriptions.push(client.subscribe().await?);
        }
        let stream = format!("live{subscribers}");
        let per_tick = LIVE_EVENTS_PER_MILLISECOND;
        self.during(1, |span| open_loop(producers, subscriptions, &stream, per_tick, span)).await
    }
}

/// The name of a short stream. Seeders have categories of their own.
fn seeded(stream: u64) -> String {
    format!("seed{}-{stream}", stream % SEEDERS as u64)
}

/// Opens a stream with every tenth append and appends the others to it.
struct Guarded {
    client: Arc<dyn Client>,
    payloads: Payloads,
    prefix: String,
    made: u64,
    stream: String,
    last: u64,
}

impl Guarded {
    const APPENDS_OF_A_STREAM: u64 = 10;

    fn new(client: Arc<dyn Client>, prefix: String) -> Self {
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
struct Appender {
    client: Arc<dyn Client>,
    payloads: Payloads,
    stream: String,
    events: usize,
    next: Guard,
}

impl Appender {
    fn new(client: Arc<dyn Client>, prefix: String, events: usize, guarded: bool) -> Self {
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

struct StreamReader {
    client: Arc<dyn Client>,
    streams: u64,
    lots: Lots,
}

impl Work for StreamReader {
    async fn once(&mut self) -> Result<u64> {
        let events = self.client.read_stream(&seeded(self.lots.below(self.streams))).await?;
        ensure!(events == STREAM_EVENTS as u64, "{events} events came, {STREAM_EVENTS} are there");
        Ok(1)
    }
}
