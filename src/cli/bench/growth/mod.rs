//! `quipu bench-growth`: what an operation costs in a small log, and what in a large one.
//!
//! One server of the bench's own is filled to one size after another, 10 events and more to a stream, each
//! stream's events spread over a million others; another one keeps the smallest size. At each size the same
//! guarded appends and point queries are measured on both in turns, so that a machine that is slower for a
//! while is slower for both; then what the server holds in memory and on disk, and how long it takes to start.
//! The load is in `filling.rs` and `guarded.rs`, the machine's figures in `process.rs`, the table in `table.rs`.

mod filling;
mod guarded;
mod process;
mod table;
mod watching;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use quipu_client::Client;

use self::filling::{Entities, fill};
use self::guarded::{Guarded, GuardedKind, PointReader};
use self::process::{bytes_below, resident_bytes};
use self::table::{Costed, Table, mean, median, p50};
use super::child::ChildServer;
use super::dir::BenchDir;
use super::error::refused;
use super::load::{Measured, Work, closed_loop};
use super::{Error, start_server_in};
use crate::cli;
use crate::store::home::Engine;

/// How many calls in flight the throughput of appends is measured with, and over how many connections.
const IN_FLIGHT: usize = 64;
const CONNECTIONS: usize = 4;

/// How often a cost is measured, in turns with that of the smallest log; the median counts, so that sealing a
/// segment, which every half million events takes a core for a second, is in no figure of a few seconds.
const ROUNDS: usize = 7;

/// Measures how costs grow with the log.
#[derive(Clone, Debug, Args)]
pub struct GrowthArgs {
    /// Where the bench's server keeps its data; what is made in it is removed at the end.
    #[arg(long, value_name = "DIR", default_value = "quipu-bench")]
    data_dir: PathBuf,
    /// The sizes of the log, in events, ascending.
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [100_000, 10_000_000, 50_000_000])]
    sizes: Vec<u64>,
    /// How many streams there are at most; up to then, each has 10 events.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    streams: u64,
    /// How long each cost is measured, in seconds.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
}

/// Runs the bench to its end.
pub async fn run(args: GrowthArgs) -> Result<(), cli::Error> {
    Ok(measure(args).await?)
}

async fn measure(args: GrowthArgs) -> Result<(), Error> {
    let dir = BenchDir::create(&args.data_dir)?;
    let length = Duration::from_secs(args.seconds);
    let mut table = Table::default();
    let Some((smallest, larger)) = args.sizes.split_first() else { return Ok(()) };
    let mut small = Subject::start(dir.path().join("small"))?;
    small.grow(*smallest, &args, &mut table).await?;
    small.costs(None, length, &mut table).await?;
    small = small.restart(&mut table).await?;

    let mut large = Subject::start(dir.path().join("large"))?;
    for size in larger {
        large.grow(*size, &args, &mut table).await?;
        large.costs(Some(&small), length, &mut table).await?;
        large = large.restart(&mut table).await?;
    }
    table.print()?;
    watching::print(&large.server, length).await?;
    small.server.stop()?;
    large.server.stop()
}

/// A server with a log that grows.
struct Subject {
    data: PathBuf,
    server: ChildServer,
    entities: Entities,
}

impl Subject {
    fn start(data: PathBuf) -> Result<Self, Error> {
        let server = start_server_in(&data, Engine::default())?;
        Ok(Self { data, server, entities: Entities::default() })
    }

    async fn grow(&mut self, size: u64, args: &GrowthArgs, table: &mut Table) -> Result<(), Error> {
        let filled = fill(self.server.endpoint(), &mut self.entities, size, args.streams).await?;
        table.begin(size, &filled);
        Ok(())
    }

    /// Measures each cost, in turns with that of a smaller log.
    async fn costs(&self, smaller: Option<&Self>, length: Duration, table: &mut Table) -> Result<(), Error> {
        for cost in Costed::all() {
            let (mut own, mut other) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                if let Some(smaller) = smaller {
                    other.push(smaller.cost(cost, length).await?);
                }
                own.push(self.cost(cost, length).await?);
            }
            table.cost(cost, median(own).expect("a round was measured"), median(other));
        }
        table.held(
            resident_bytes(self.server.pid())?,
            bytes_below(&self.data, "seg")?,
            bytes_below(&self.data, "idx")?,
        );
        Ok(())
    }

    async fn cost(&self, cost: Costed, length: Duration) -> Result<Duration, Error> {
        match cost {
            Costed::Append(kind, in_flight) => {
                mean(&appends(&self.server, self.entities, kind, in_flight, length).await?)
            }
            Costed::PointQuery { by_query } => {
                let client = Client::connect(self.server.endpoint()).await?;
                let reader = PointReader::new(client, self.entities, by_query);
                p50(&closed_loop(vec![reader], length).await)
            }
        }
    }

    /// Starts again after a clean stop, and after a kill.
    async fn restart(self, table: &mut Table) -> Result<Self, Error> {
        self.server.stop()?;
        let (again, after_stop) = timed_start(&self.data)?;
        append_one(again.endpoint()).await?;
        // Dropping it kills it.
        drop(again);
        let (server, after_kill) = timed_start(&self.data)?;
        table.starts(after_stop, after_kill, resident_bytes(server.pid())?);
        Ok(Self { server, ..self })
    }
}

async fn appends(
    server: &ChildServer,
    entities: Entities,
    kind: GuardedKind,
    in_flight: usize,
    length: Duration,
) -> Result<Measured, Error> {
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS.min(in_flight) {
        clients.push(Client::connect(server.endpoint()).await?);
    }
    let worker = |number: usize| Guarded::new(&clients[number % clients.len()], entities, kind);
    Ok(closed_loop((0..in_flight).map(worker).collect(), length).await)
}

fn timed_start(data: &std::path::Path) -> Result<(ChildServer, Duration), Error> {
    let began = Instant::now();
    Ok((start_server_in(data, Engine::default())?, began.elapsed()))
}

async fn append_one(endpoint: &str) -> Result<(), Error> {
    let client = Client::connect(endpoint).await?;
    let once = Guarded::new(&client, Entities::default(), GuardedKind::TagGuard).once().await;
    once.map(drop).map_err(|failure| Error::Prepare { row: "a start after a kill", cause: failure.text })
}

fn is_named(path: &std::path::Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

fn unreadable(what: &str) -> impl FnOnce(std::io::Error) -> Error + use<> {
    refused(format!("read {what}"))
}
