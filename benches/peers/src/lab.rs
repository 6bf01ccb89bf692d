//! One peer at work.
//!
//! Owns [`Lab`]: a server that runs, connections to it, and how each row is measured on it. Rows run one after the
//! other on the same server, in the order of the table: what the first ones append, the later ones read.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::load::{Measured, Span, closed_loop, open_loop};
use crate::machine::{cpu_of_all, processors};
use crate::payload::Payloads;
use crate::peer::{Client, Guard};
use crate::process::{cpu, family};
use crate::server::Server;
use crate::workers::{Appender, Guarded, StreamReader, seeded};
use crate::workload::{BATCH_CLIENTS, Kind, LIVE_EVENTS_PER_MILLISECOND, Row, STREAM_EVENTS, Sample};

/// Connections of a peer at most.
pub(crate) const CONNECTIONS: usize = 8;

/// Clients that make the short streams.
pub(crate) const SEEDERS: u64 = 64;

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
        for (seeder, client) in (0..SEEDERS).zip(self.clients.iter().cycle().cloned()) {
            let streams = self.streams;
            tasks.spawn(async move {
                let mut payloads = Payloads::new();
                for stream in (seeder..streams).step_by(SEEDERS as usize) {
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
                let workers = workers.map(|(at, client)| Appender::new(client, &prefix(at), load, true)).collect();
                self.during(1, |span| closed_loop(workers, span)).await
            }
            Kind::ReadLog => self.read_log().await,
            Kind::ReadStream => {
                let reader = |client| StreamReader::new(client, self.streams);
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
        let begin = self.used();
        let within = async {
            sleep_until(span.from).await;
            let from = self.used();
            sleep_until(span.until).await;
            self.used().since(&from)
        };
        let (measured, within) = tokio::join!(load(span), within);
        let measured = measured?;
        ensure!(measured.count > 0, "nothing happened");
        // Calls that outlast the span are measured as a whole.
        let used = if measured.elapsed > self.length { self.used().since(&begin) } else { within };
        let quantile = |at| measured.latencies.value_at_quantile(at) as f64 / 1e6;
        Ok(Sample {
            per_second: measured.count as f64 / measured.elapsed.as_secs_f64(),
            p50: Some(quantile(0.5)),
            p99: Some(quantile(0.99)),
            cpu: used.server * 1e5 / (measured.count * events_each as u64) as f64,
            others: used.others.max(0.0),
            events: None,
        })
    }

    fn used(&self) -> Used {
        let own = cpu(&family(std::process::id())[..1]);
        Used { server: self.server.cpu(), own, all: cpu_of_all(), at: Instant::now() }
    }

    async fn pipelined(&self, in_flight: usize, span: Span, prefix: impl Fn(usize) -> String) -> Result<Measured> {
        if let Some(measured) = self.clients[0].pipeline(in_flight, span).await? {
            return Ok(measured);
        }
        let workers = self.spread(in_flight).into_iter().enumerate();
        let workers = workers.map(|(at, client)| Appender::new(client, &prefix(at), 1, false)).collect();
        closed_loop(workers, span).await
    }

    async fn read_log(&self) -> Result<Sample> {
        let before = self.used();
        let events = self.clients[0].read_log().await?;
        let elapsed = before.at.elapsed().as_secs_f64();
        let used = self.used().since(&before);
        let count = events as f64;
        Ok(Sample {
            per_second: count / elapsed,
            p50: None,
            p99: None,
            cpu: used.server * 1e5 / count,
            others: used.others.max(0.0),
            events: Some(events),
        })
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

/// What was spent between two moments: processor seconds of the server, and the part that others took.
#[derive(Clone, Copy, Debug)]
struct Spent {
    server: f64,
    others: f64,
}

/// Processor seconds so far.
#[derive(Clone, Copy, Debug)]
struct Used {
    server: f64,
    own: f64,
    all: f64,
    at: Instant,
}

impl Used {
    fn since(self, before: &Self) -> Spent {
        let own = self.own - before.own;
        let server = self.server - before.server;
        let possible = (self.at - before.at).as_secs_f64() * processors() as f64;
        Spent { server, others: (self.all - before.all - own - server) / possible }
    }
}
