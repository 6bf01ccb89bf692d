//! Quipu beside its peers, in one run.
//!
//! Owns the arguments and the order of things: round by round, peer by peer, each on a fresh directory, with no
//! other server running meanwhile, and at last each once more with a large log (`large.rs`). What a peer is and can do
//! is in `peer.rs` and `peers/`, its server in `server.rs`, what is asked of it in `workload.rs`, how in `lab.rs` and
//! `load.rs`, whether it keeps its word in `durable.rs`, the paper in `table.rs`, `footprint.rs` and `plot.rs`.

mod durable;
mod footprint;
mod lab;
mod large;
mod load;
mod machine;
mod payload;
mod peer;
mod peers;
mod plot;
mod process;
mod server;
mod table;
mod workers;
mod workload;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use crate::footprint::Footprint;
use crate::lab::{CONNECTIONS, Lab};
use crate::machine::{bytes_on_disk, free_port, memory_of_the_machine, processors};
use crate::payload::PAYLOAD_BYTES;
use crate::peer::{Peer, Site};
use crate::server::Server;
use crate::table::{Column, Results, median};
use crate::workload::{Kind, Row, STREAM_EVENTS, rows};

/// How long the disk is measured by itself before each turn.
const DISK_SYNC_LENGTH: Duration = Duration::from_millis(500);

/// Measures Quipu and its peers with the same workloads and writes a table and a plot.
#[derive(Clone, Debug, Parser)]
struct Args {
    /// Where `install.sh` put the peers.
    #[arg(long, value_name = "DIR", default_value = "target/peers")]
    tools: PathBuf,
    /// Where servers keep their data meanwhile: name a directory on the disk in question.
    #[arg(long, value_name = "DIR", default_value = "target/peers/data")]
    data: PathBuf,
    /// Where the table and the plot go.
    #[arg(long, value_name = "DIR", default_value = "target/peers")]
    out: PathBuf,
    /// Only peers whose names contain one of these, without regard to case.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// Only these workloads.
    #[arg(long, value_enum, value_name = "KIND", value_delimiter = ',')]
    workloads: Vec<Kind>,
    /// How often each peer has its turn; medians count.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=99))]
    rounds: u64,
    /// How long each row is measured, in seconds.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// How many events the large log has, 0 for none: 10,000,000 unless told, 200,000 with `--short`.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=1_000_000_000))]
    large_events: Option<u64>,
    /// A look rather than a measurement: one round, one second a row, a small large log.
    #[arg(long, conflicts_with_all = ["rounds", "seconds"])]
    short: bool,
}

impl Args {
    fn rounds(&self) -> u64 {
        if self.short { 1 } else { self.rounds }
    }

    fn row_length(&self) -> Duration {
        Duration::from_secs(if self.short { 1 } else { self.seconds })
    }

    /// How many short streams there are to read.
    fn streams(&self) -> u64 {
        if self.short { 1_000 } else { 10_000 }
    }

    /// How many short streams the large log has.
    fn large_streams(&self) -> u64 {
        self.large_events.unwrap_or(if self.short { 200_000 } else { 10_000_000 }) / STREAM_EVENTS as u64
    }

    fn rows(&self) -> Vec<Row> {
        let is_chosen = |kind| self.workloads.is_empty() || self.workloads.contains(&kind);
        let is_there = |kind: Kind| !kind.is_large() || self.large_streams() > 0;
        rows().into_iter().filter(|row| is_chosen(row.kind) && is_there(row.kind)).collect()
    }

    fn wants(&self, peer: &dyn Peer) -> bool {
        let name = peer.name().to_lowercase();
        self.only.is_empty() || self.only.iter().any(|only| name.contains(&only.to_lowercase()))
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let mut ended = signal(SignalKind::terminate())?;
    // Whichever comes first, what runs is dropped, and servers and directories go with it.
    tokio::select! {
        outcome = run(&args) => outcome,
        waited = tokio::signal::ctrl_c() => waited.context("wait for Ctrl-C").and_then(|()| bail!("interrupted")),
        _ = ended.recv() => bail!("terminated"),
    }
}

async fn run(args: &Args) -> Result<()> {
    let start = Instant::now();
    let tools = fs::canonicalize(&args.tools).with_context(|| format!("{}: run install.sh", args.tools.display()))?;
    fs::create_dir_all(&args.data)?;
    let data = fs::canonicalize(&args.data)?;
    let mut results = Results { rows: args.rows(), ..Results::default() };
    if results.rows.iter().any(|row| row.kind.is_large()) {
        results.large_streams = args.large_streams();
    }
    let mut peers = Vec::new();
    for peer in peers::all().into_iter().filter(|peer| args.wants(peer.as_ref())) {
        match column(peer.as_ref(), &tools) {
            Ok(column) => {
                results.columns.push(column);
                peers.push(peer);
            }
            Err(why) => {
                eprintln!("{} IS MISSING: {why:#}", peer.name());
                results.missing.push((peer.name().to_owned(), format!("{why:#}")));
            }
        }
    }
    for (peer, column) in peers.iter().zip(&mut results.columns).filter(|(peer, _)| peer.stores()) {
        eprintln!("{}: counting syncs", peer.name());
        let home = tempfile::tempdir_in(&data)?;
        let traced = durable::trace(peer.as_ref(), &site(&tools, home.path())?).await;
        column.durability = Some(traced.map_err(|why| format!("{why:#}")));
    }
    for round in 1..=args.rounds() {
        for (peer, column) in peers.iter().zip(&mut results.columns) {
            eprintln!("round {round} of {}: {}", args.rounds(), peer.name());
            let home = tempfile::tempdir_in(&data)?;
            let site = site(&tools, home.path())?;
            column.disk_syncs.push(durable::disk_sync(home.path(), DISK_SYNC_LENGTH)?);
            if let Err(why) = turn(args, peer.as_ref(), &site, &results.rows, column).await {
                eprintln!("  FAILED: {why:#}");
                results.missing.push((format!("{} in round {round}", peer.name()), format!("{why:#}")));
            }
        }
    }
    let rounds_took = start.elapsed();
    if results.large_streams > 0 {
        large_turns(args, &peers, &mut results, (&tools, &data)).await?;
    }
    results.conditions = conditions(args, &results, rounds_took, start.elapsed());
    let (table, plot) = (args.out.join("peers.md"), args.out.join("peers.svg"));
    let text = results.markdown();
    fs::write(&table, &text)?;
    fs::write(&plot, plot::svg(&results))?;
    println!("{text}");
    eprintln!("{} and {}", table.display(), plot.display());
    Ok(())
}

/// The column of a peer that is installed.
fn column(peer: &dyn Peer, tools: &Path) -> Result<Column> {
    let program = peer.program(tools);
    anyhow::ensure!(program.exists(), "{} is not there", program.display());
    let version = peer.version(tools)?;
    let (name, note) = (peer.name().to_owned(), peer.note().to_owned());
    Ok(Column { name, version, note, compared: peer.stores(), ..Column::default() })
}

/// A place for a server in a directory that goes away with its value.
fn site(tools: &Path, home: &Path) -> Result<Site> {
    use std::os::unix::fs::PermissionsExt;
    // A server of another user has to get in.
    fs::set_permissions(home, fs::Permissions::from_mode(0o755))?;
    Ok(Site { tools: tools.to_owned(), data: home.join("data"), port: free_port()? })
}

/// One round of one peer: all rows on one server.
async fn turn(args: &Args, peer: &dyn Peer, site: &Site, rows: &[Row], column: &mut Column) -> Result<()> {
    let server = Server::start(peer, site, None).await?;
    let lab = Lab::around(server, (peer, site), args.row_length(), args.streams()).await?;
    if peer.stores() {
        lab.seed().await?;
    }
    for (number, row) in rows.iter().enumerate().filter(|(_, row)| !row.kind.is_large()) {
        if let Some(why) = peer.lacks(row.kind) {
            column.gaps.insert(number, why.to_owned());
            continue;
        }
        let sample = lab.measure(*row).await;
        match sample {
            Ok(sample) => {
                eprintln!("  {}: {:.0} {}/s", row.label(), sample.per_second, row.unit());
                if let Some(events) = sample.events {
                    let disk = bytes_on_disk(&site.data) as f64 / (events * PAYLOAD_BYTES as u64) as f64;
                    column.footprints.push(Footprint { memory: lab.server.memory(), disk });
                }
                column.samples.entry(number).or_default().push(sample);
            }
            Err(why) => {
                eprintln!("  {}: FAILED: {why:#}", row.label());
                column.gaps.insert(number, format!("failed: {why:#}"));
            }
        }
    }
    lab.close().await
}

/// Each peer with a large log, if it can have one.
async fn large_turns(
    args: &Args,
    peers: &[Box<dyn Peer>],
    results: &mut Results,
    (tools, data): (&Path, &Path),
) -> Result<()> {
    for (peer, column) in peers.iter().zip(&mut results.columns) {
        let large: Vec<usize> = (0..results.rows.len()).filter(|&row| results.rows[row].kind.is_large()).collect();
        let Some(&first) = large.first() else { continue };
        if let Some(why) = peer.lacks(results.rows[first].kind) {
            column.gaps.extend(large.into_iter().map(|row| (row, why.to_owned())));
            continue;
        }
        eprintln!("large log: {}", peer.name());
        let start = Instant::now();
        let home = tempfile::tempdir_in(data)?;
        let site = site(tools, home.path())?;
        let turn =
            large::Turn { peer: peer.as_ref(), site: &site, length: args.row_length(), streams: results.large_streams };
        if let Err(why) = turn.take(&results.rows, column).await {
            eprintln!("  FAILED: {why:#}");
            column.gaps.extend(large.into_iter().map(|row| (row, format!("failed: {why:#}"))));
            results.missing.push((format!("{} with the large log", peer.name()), format!("{why:#}")));
        }
        eprintln!("  {:.0} s in all", start.elapsed().as_secs_f64());
    }
    Ok(())
}

/// What the reader has to know of the machine and the run.
fn conditions(args: &Args, results: &Results, rounds_took: Duration, took: Duration) -> String {
    let memory = memory_of_the_machine() >> 30;
    let others: Vec<f64> = results.columns.iter().flat_map(Column::others).collect();
    let most = others.iter().copied().fold(0.0, f64::max);
    let large = if results.large_streams == 0 {
        String::new()
    } else {
        let (size, times) = (results.large_log(), large::SAMPLES);
        let minutes = (took - rounds_took).as_secs_f64() / 60.0;
        format!(
            " The large log has {size}: {minutes:.1} of the minutes; filled once, everything else there measured \
             {times} times."
        )
    };
    format!(
        "Rounds: {}; {} s a row, payloads of {PAYLOAD_BYTES} bytes, at most {CONNECTIONS} connections; {} processors and \
         {memory} GiB, shared by one server at a time and the load generator; {} minutes in all. Other processes and the \
         kernel's own took {:.0} % of the processors in the median measurement and {:.0} % at most.{large}",
        args.rounds(),
        args.row_length().as_secs(),
        processors(),
        took.as_secs().div_ceil(60),
        median(others).unwrap_or_default() * 100.0,
        most * 100.0,
    )
}
