//! The rows of a bench, one after the other.
//!
//! Owns [`Site`]: the connections to the server and to the do-nothing server, and how each row is set
//! up from them. Streams have names of this run, so a server that is in use already is not disturbed
//! beyond the load and what is left in its log.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use quipu_client::{Client, RetryPolicy};
use serde_json::{Value, json};
use uuid::Uuid;

use super::append::{Appender, Seeder};
use super::load::{self, Measured};
use super::payload::PAYLOAD_BYTES;
use super::read::{self, StreamReader};
use super::report::{Report, Row};
use super::workload::Workload;
use super::{BenchArgs, Error, RowKind, disk, fan_out, mixed, session};

const IN_FLIGHT: [usize; 4] = [1, 16, 64, 256];
const BATCH_CLIENTS: usize = 16;
const READERS: [usize; 2] = [1, 64];
const SUBSCRIBERS: [usize; 3] = [1, 10, 100];
const SUBSCRIBER_CONNECTIONS: usize = 4;

const SEEDED_STREAMS: u64 = 10_000;
const SEEDED_EVENTS: usize = 10;
const SEEDERS: usize = 50;
const FILL_EVENTS: usize = 1000;
const FILLERS: usize = 8;
const PREPARE_TIMEOUT: Duration = Duration::from_secs(900);

/// From so many calls in flight on, they are spread over all connections.
const SPREAD_FROM: usize = 16;

/// Where a bench takes place.
#[derive(Debug)]
pub(super) struct Site {
    args: BenchArgs,
    clients: Vec<Client>,
    producer: Client,
    /// Connections to the do-nothing server; none when its row is not wanted.
    nothing: Vec<Client>,
    /// The directory whose disk the bench's own server uses, if it has one.
    dir: Option<PathBuf>,
    /// What all of this run's streams begin with.
    prefix: String,
    /// Rates of the do-nothing row, by calls in flight.
    ceilings: HashMap<usize, f64>,
}

impl Site {
    /// Makes all connections.
    pub(super) async fn connect(
        args: BenchArgs,
        endpoint: &str,
        nothing: Option<&str>,
        dir: Option<&Path>,
    ) -> Result<Self, Error> {
        let connections = usize::from(args.connections);
        let producer = connect(endpoint).await?;
        let clients = connect_all(endpoint, connections).await?;
        let nothing = match nothing {
            Some(endpoint) => connect_all(endpoint, connections).await?,
            None => Vec::new(),
        };
        let prefix = format!("bench-{}", Uuid::now_v7().simple());
        Ok(Self { args, clients, producer, nothing, dir: dir.map(Path::to_owned), prefix, ceilings: HashMap::new() })
    }

    /// Measures and prints a workload.
    pub(super) async fn run_workload(self, workload: Workload, mut report: Report, cores: usize) -> Result<(), Error> {
        self.setup(workload.facts(), &report, cores).await?;
        mixed::measure(&self.clients, self.prefix, workload, self.args.row_length(), &mut report).await?;
        report.finish()
    }

    /// Measures and prints every row that is wanted.
    pub(super) async fn run(mut self, mut report: Report, cores: usize) -> Result<(), Error> {
        self.setup(vec![("payload_bytes", json!(PAYLOAD_BYTES))], &report, cores).await?;
        if self.args.wants(RowKind::DiskSync)
            && let Some(dir) = self.dir.clone()
        {
            let measuring = tokio::task::spawn_blocking(move || disk::measure(&dir));
            let measured = measuring.await.expect("measuring the disk does not panic")?;
            report.row(&Row::of("disk sync", 1, "syncs", measured))?;
        }
        for in_flight in IN_FLIGHT {
            if self.args.wants(RowKind::DoNothing) {
                let measured = self.appends(&self.nothing, "nothing", in_flight, 1).await;
                self.ceilings.insert(in_flight, measured.rate());
                report.row(&Row::of("do nothing", in_flight, "calls", measured))?;
            }
            if self.args.wants(RowKind::Append) {
                let measured = self.appends(&self.clients, "append", in_flight, 1).await;
                let ceiling = self.ceilings.get(&in_flight).filter(|ceiling| **ceiling > 0.0);
                let of_ceiling = ceiling.map(|ceiling| measured.rate() / ceiling);
                report.row(&Row { of_ceiling, ..Row::of("append", in_flight, "events", measured) })?;
            }
        }
        if self.args.wants(RowKind::Session) {
            let (name, in_flight) = (format!("{}-session", self.prefix), 256);
            let measured = session::measure(&self.clients[0], &name, in_flight, self.args.row_length()).await?;
            report.row(&Row::of("session", in_flight, "events", measured))?;
        }
        for (workload, name, events) in
            [(RowKind::Batch100, "batch 100", 100), (RowKind::Batch1000, "batch 1000", 1000)]
        {
            if self.args.wants(workload) {
                let measured = self.appends(&self.clients, &name.replace(' ', "-"), BATCH_CLIENTS, events).await;
                report.row(&Row::of(name, BATCH_CLIENTS, "events", measured))?;
            }
        }
        self.reads(&mut report).await?;
        self.deliveries(&mut report).await?;
        report.finish()
    }

    async fn setup(&self, of_what: Vec<(&'static str, Value)>, report: &Report, cores: usize) -> Result<(), Error> {
        let info = self.clients[0].server_info().await?;
        let place = match &self.args.endpoint {
            Some(endpoint) => ("endpoint", json!(endpoint)),
            None => ("data_dir", json!(self.args.data_dir)),
        };
        let mut facts = vec![
            ("version", json!(info.version)),
            ("engine", json!(info.engine)),
            ("durability", json!(info.durability)),
            place,
            ("cores", json!(cores)),
            ("connections", json!(self.args.connections)),
            ("seconds_a_row", json!(self.args.row_length().as_secs())),
        ];
        facts.extend(of_what);
        report.setup(&facts)
    }

    async fn appends(&self, clients: &[Client], name: &str, in_flight: usize, events: usize) -> Measured {
        let clients = spread(clients, in_flight);
        let appender = |worker: usize, client: &Client| {
            Appender::new(client.channel(), format!("{}-{name}-{in_flight}-{worker}", self.prefix), events)
        };
        let workers = clients.enumerate().map(|(worker, client)| appender(worker, client)).collect();
        load::closed_loop(workers, self.args.row_length()).await
    }

    async fn reads(&self, report: &mut Report) -> Result<(), Error> {
        if self.args.wants(RowKind::ReadAll) {
            self.fill().await?;
            // A server that is in use may have any amount of events.
            let limit = if self.args.endpoint.is_some() { self.args.events_to_read() } else { 0 };
            let measured = read::whole_log(&self.clients[0], limit).await?;
            report.row(&Row::of("read all", 1, "events", measured))?;
        }
        if self.args.wants(RowKind::ReadStream) {
            let name = format!("{}-read", self.prefix);
            self.seed(&name).await?;
            for readers in READERS {
                let reader =
                    |client: &Client| StreamReader::new(client.clone(), name.clone(), SEEDED_STREAMS, SEEDED_EVENTS);
                let workers = spread(&self.clients, readers).map(reader).collect();
                let measured = load::closed_loop(workers, self.args.row_length()).await;
                report.row(&Row::of("read stream", readers, "reads", measured))?;
            }
        }
        Ok(())
    }

    /// Appends until there is enough to read.
    async fn fill(&self) -> Result<(), Error> {
        let head = self.clients[0].server_info().await?.head;
        let missing = self.args.events_to_read().saturating_sub(head);
        let calls = missing.div_ceil((FILLERS * FILL_EVENTS) as u64);
        let filler = |(worker, client): (usize, &Client)| {
            Appender::new(client.channel(), format!("{}-fill-{worker}", self.prefix), FILL_EVENTS)
        };
        let workers = self.clients.iter().cycle().take(FILLERS).enumerate().map(filler).collect();
        prepared("read all", load::repeat(workers, calls, PREPARE_TIMEOUT).await)
    }

    /// Appends the streams that are read.
    async fn seed(&self, name: &str) -> Result<(), Error> {
        let step = SEEDERS as u64;
        let seeder = |(first, client): (u64, &Client)| {
            Seeder::new(client.channel(), name.to_owned(), SEEDED_EVENTS, first, step)
        };
        let workers = (0..step).zip(self.clients.iter().cycle()).map(seeder).collect();
        prepared("read stream", load::repeat(workers, SEEDED_STREAMS / step, PREPARE_TIMEOUT).await)
    }

    async fn deliveries(&self, report: &mut Report) -> Result<(), Error> {
        if !self.args.wants(RowKind::FanOut) {
            return Ok(());
        }
        let clients = &self.clients[..self.clients.len().min(SUBSCRIBER_CONNECTIONS)];
        for subscribers in SUBSCRIBERS {
            let stream = format!("{}-fan-out-{subscribers}", self.prefix);
            let length = self.args.row_length();
            let measured = fan_out::measure(&self.producer, clients, &stream, subscribers, length).await?;
            report.row(&Row::of("fan out", subscribers, "events", measured))?;
        }
        Ok(())
    }
}

async fn connect_all(endpoint: &str, connections: usize) -> Result<Vec<Client>, Error> {
    let mut clients = Vec::with_capacity(connections);
    for _ in 0..connections {
        clients.push(connect(endpoint).await?);
    }
    Ok(clients)
}

/// A connection on which a call that fails is one that failed: nothing is tried again.
async fn connect(endpoint: &str) -> Result<Client, Error> {
    Ok(Client::builder(endpoint).retry(RetryPolicy::none()).connect().await?)
}

/// The connection of each worker.
fn spread(clients: &[Client], in_flight: usize) -> impl Iterator<Item = &Client> {
    let used = if in_flight >= SPREAD_FROM { clients.len() } else { clients.len().min(1) };
    clients[..used].iter().cycle().take(in_flight)
}

fn prepared(row: &'static str, measured: Measured) -> Result<(), Error> {
    match measured.first_error {
        Some(cause) => Err(Error::Prepare { row, cause }),
        None => Ok(()),
    }
}
