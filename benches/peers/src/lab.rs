//! One peer at work.
//!
//! Owns [`Lab`]: a server that runs, connections to it, and how each row is measured on it. Rows run one after the
//! other on the same server, in the order of the table: what the first ones append, the later ones read.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::load::{Measured, Offer, Span, closed_loop, open_loop, to_the_end};
use crate::machine::{cpu_of_all, processors};
use crate::payload::{PAYLOAD_BYTES, Payloads};
use crate::peer::{Client, Guard, Peer, Site, Subscriber};
use crate::process::{cpu, family};
use crate::server::Server;
use crate::workers::{Appender, Filler, Guarded, StreamReader, seeded};
use crate::workload::{
    BATCH_CLIENTS, Kind, LIVE_EVENTS_PER_MILLISECOND, Row, STREAM_EVENTS, Sample, WATCHED_APPENDS_PER_SECOND, WATCHERS,
};

/// Connections of a peer at most.
pub(crate) const CONNECTIONS: usize = 8;

/// Clients that make the short streams.
pub(crate) const SEEDERS: u64 = 64;

/// Subscribers that never read on, on each of their connections: fewer than any peer's limit.
const STALLED_ON_A_CONNECTION: usize = 60;

/// What is appended after they have subscribed, in payloads: for each connection fifteen times what any client takes
/// unread, and not more than a peer can queue for each of them within the memory of the machine.
const FLOOD_BYTES: usize = 4 << 20;

/// How long a server may be busy with what was appended.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(10);

/// A peer that runs, with connections to it.
pub(crate) struct Lab<'a> {
    peer: &'a dyn Peer,
    site: &'a Site,
    /// Its server.
    pub(crate) server: Server,
    /// At most [`CONNECTIONS`].
    clients: Vec<Arc<dyn Client>>,
    /// How long a row is measured.
    pub(crate) length: Duration,
    /// How many short streams there are to read.
    pub(crate) streams: u64,
}

impl<'a> Lab<'a> {
    /// Connects to a server that runs.
    pub(crate) async fn around(
        server: Server,
        (peer, site): (&'a dyn Peer, &'a Site),
        length: Duration,
        streams: u64,
    ) -> Result<Self> {
        let mut clients = Vec::new();
        for _ in 0..CONNECTIONS {
            clients.push(peer.connect(site).await?);
        }
        Ok(Self { peer, site, server, clients, length, streams })
    }

    /// Ends connections and server, in good order.
    pub(crate) async fn close(mut self) -> Result<()> {
        self.clients.clear();
        self.server.stop().await
    }

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
            Kind::ReadLog | Kind::LargeLog => self.read_log().await,
            Kind::ReadStream | Kind::Warm => self.read_streams(load, Span::of(self.length)).await,
            // No warm-up: the first reads are the coldest.
            Kind::Cold => self.read_streams(load, Span::at_once(self.length)).await,
            Kind::Live => self.live(load).await,
            Kind::Stalled => self.stalled(load).await,
            Kind::Fill => self.fill(load).await,
        }
    }

    /// Reads the first of the short streams.
    pub(crate) async fn read_one(&self) -> Result<()> {
        self.clients[0].read_stream(&seeded(0)).await?;
        Ok(())
    }

    async fn read_streams(&self, readers: usize, span: Span) -> Result<Sample> {
        let reader = |client| StreamReader::new(client, self.streams);
        let workers = self.spread(readers).into_iter().map(reader).collect();
        self.within(span, STREAM_EVENTS, |span| closed_loop(workers, span)).await
    }

    async fn fill(&self, clients: usize) -> Result<Sample> {
        let next = Arc::new(AtomicU64::new(0));
        let filler = |client| Filler::new(client, &next, self.streams);
        let workers = self.spread(clients).into_iter().map(filler).collect();
        let before = self.used();
        let measured = to_the_end(workers).await?;
        Ok(sample(&measured, self.used().since(&before), 1))
    }

    /// A client for each of so many workers, over as few connections.
    fn spread(&self, workers: usize) -> Vec<Arc<dyn Client>> {
        self.clients.iter().cycle().take(workers).cloned().collect()
    }

    /// Measures what is done after a warm-up.
    async fn during<F>(&self, events_each: usize, load: impl FnOnce(Span) -> F) -> Result<Sample>
    where
        F: Future<Output = Result<Measured>>,
    {
        self.within(Span::of(self.length), events_each, load).await
    }

    /// Measures what is done in a span, and the processor time that the server takes meanwhile.
    async fn within<F>(&self, span: Span, events_each: usize, load: impl FnOnce(Span) -> F) -> Result<Sample>
    where
        F: Future<Output = Result<Measured>>,
    {
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
        Ok(sample(&measured, used, events_each))
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
            memory: None,
        })
    }

    async fn live(&self, subscribers: usize) -> Result<Sample> {
        let (producers, subscriptions) = (self.producers(), self.subscribe(subscribers).await?);
        let stream = format!("live{subscribers}");
        let every = Duration::from_millis(1);
        let offer = Offer { stream: &stream, events: LIVE_EVENTS_PER_MILLISECOND, every };
        self.during(1, async |span| Ok(open_loop(producers, subscriptions, offer, span).await?.deliveries)).await
    }

    /// Single appends while many subscribe, and so many more never read on.
    async fn stalled(&self, stalled: usize) -> Result<Sample> {
        let mut held = Vec::new();
        for from in (0..stalled).step_by(STALLED_ON_A_CONNECTION) {
            let client = self.peer.connect(self.site).await?;
            held.push((client.stall(STALLED_ON_A_CONNECTION.min(stalled - from)).await?, client));
        }
        // Whoever is live subscribes only now, and so has none of it.
        self.flood().await?;
        let (producers, subscriptions) = (self.producers(), self.subscribe(WATCHERS).await?);
        self.settle().await;
        let memory = Cell::new(0);
        let stream = format!("watched{stalled}");
        let offer = Offer { stream: &stream, events: 1, every: Duration::from_secs(1) / WATCHED_APPENDS_PER_SECOND };
        let watched = async |span| {
            let offered = open_loop(producers, subscriptions, offer, span).await?;
            // All are still subscribed.
            memory.set(self.server.memory());
            Ok(offered.appends)
        };
        let sample = self.during(WATCHERS, watched).await?;
        drop(held);
        Ok(Sample { memory: Some(memory.get()), ..sample })
    }

    /// The connections that append while the others subscribe.
    fn producers(&self) -> &[Arc<dyn Client>] {
        &self.clients[..self.clients.len() / 2]
    }

    async fn subscribe(&self, subscribers: usize) -> Result<Vec<Box<dyn Subscriber>>> {
        let mut subscriptions = Vec::with_capacity(subscribers);
        for client in self.clients[self.clients.len() / 2..].iter().cycle().take(subscribers) {
            subscriptions.push(client.subscribe().await?);
        }
        Ok(subscriptions)
    }

    async fn flood(&self) -> Result<()> {
        const EVENTS: usize = 1024;
        let mut payloads = Payloads::new();
        for _ in 0..FLOOD_BYTES / PAYLOAD_BYTES / EVENTS {
            self.clients[0].append("flood-0", Guard::Nothing, payloads.take(EVENTS)).await?;
        }
        Ok(())
    }

    /// Waits until the server has little to do.
    async fn settle(&self) {
        const LOOK_EVERY: Duration = Duration::from_millis(300);
        let deadline = Instant::now() + SETTLE_TIMEOUT;
        while Instant::now() < deadline {
            let before = self.server.cpu();
            sleep(LOOK_EVERY).await;
            if self.server.cpu() - before < LOOK_EVERY.as_secs_f64() / 10.0 {
                break;
            }
        }
    }
}

/// A row's figures from what was measured and spent; each call, or whatever is counted, is of so many events.
fn sample(measured: &Measured, used: Spent, events_each: usize) -> Sample {
    let quantile = |at| measured.latencies.value_at_quantile(at) as f64 / 1e6;
    Sample {
        per_second: measured.count as f64 / measured.elapsed.as_secs_f64(),
        p50: Some(quantile(0.5)),
        p99: Some(quantile(0.99)),
        cpu: used.server * 1e5 / (measured.count * events_each as u64) as f64,
        others: used.others.max(0.0),
        events: None,
        memory: None,
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
