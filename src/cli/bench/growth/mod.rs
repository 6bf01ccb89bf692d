//! `quipu bench-growth`: what an operation costs in a small log, and what in a large one.
//!
//! One server of the bench's own is filled to one size after another, 10 events and more to a stream, each
//! stream's events spread over a million others. At each size the same guarded appends and point queries are
//! measured, then what the server holds in memory and on disk, and how long it takes to start. The load is
//! in `filling.rs` and `guarded.rs`, the machine's figures in `process.rs`, the table in `table.rs`.

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
use self::table::{Cost, Table};
use super::child::ChildServer;
use super::dir::BenchDir;
use super::error::refused;
use super::load::{Measured, Work, closed_loop};
use super::{Error, start_server_in};
use crate::cli;

/// How many calls in flight the throughput of appends is measured with, and over how many connections.
const IN_FLIGHT: usize = 64;
const CONNECTIONS: usize = 4;

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
    let data = dir.path().join("data");
    let length = Duration::from_secs(args.seconds);
    let mut server = start_server_in(&data)?;
    let mut entities = Entities::default();
    let mut table = Table::default();
    for size in &args.sizes {
        let filled = fill(server.endpoint(), &mut entities, *size, args.streams).await?;
        table.begin(*size, &filled);
        for kind in GuardedKind::ALL {
            for in_flight in [1, IN_FLIGHT] {
                let measured = appends(&server, entities, kind, in_flight, length).await?;
                table.append(kind, in_flight, Cost::of(&measured)?);
            }
        }
        let client = Client::connect(server.endpoint()).await?;
        for by_query in [true, false] {
            let reader = PointReader::new(client.clone(), entities, by_query);
            table.point_query(by_query, Cost::of(&closed_loop(vec![reader], length).await)?);
        }
        table.held(resident_bytes(server.pid())?, bytes_below(&data, "seg")?, bytes_below(&data, "idx")?);

        server.stop()?;
        let (again, after_stop) = timed_start(&data)?;
        append_one(again.endpoint()).await?;
        // Dropping it kills it.
        drop(again);
        let (again, after_kill) = timed_start(&data)?;
        server = again;
        table.starts(after_stop, after_kill, resident_bytes(server.pid())?);
    }
    table.print()?;
    watching::print(&server, length).await?;
    server.stop()
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
    Ok((start_server_in(data)?, began.elapsed()))
}

async fn append_one(endpoint: &str) -> Result<(), Error> {
    let client = Client::connect(endpoint).await?;
    let once = Guarded::new(&client, Entities::default(), GuardedKind::TagGuard).once().await;
    once.map(drop).map_err(|cause| Error::Prepare { row: "a start after a kill", cause })
}

fn is_named(path: &std::path::Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

fn unreadable(what: &str) -> impl FnOnce(std::io::Error) -> Error + use<> {
    refused(format!("read {what}"))
}
