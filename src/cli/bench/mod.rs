//! `quipu bench`: what this machine makes of this server.
//!
//! Owns the arguments and the order of the rows. Load and server are separate processes on one
//! machine, and everything that bounds the server is measured in the same run: the disk's sync, and
//! the same requests answered by a server that does nothing. The rows are in `append.rs`,
//! `session.rs`, `read.rs` and `fan_out.rs`, the loop that drives them in `load.rs`, the servers in
//! `child.rs` and `null.rs`, what is printed in `report.rs` and `table.rs`. `--mix` runs a workload of the
//! user's own instead: `workload.rs` has its flags, `mixed.rs` its course. It judges nothing.

mod append;
mod calls;
mod child;
mod compare;
mod dir;
mod disk;
mod drive;
mod error;
mod failure;
mod fan_out;
pub mod growth;
mod listening;
mod live;
mod load;
mod mix;
mod mixed;
pub mod null;
mod payload;
mod prepare;
mod read;
mod report;
mod rows;
mod schedule;
mod session;
mod sizes;
mod streams;
mod table;
mod tally;
mod workload;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};

use self::child::ChildServer;
use self::compare::Earlier;
use self::dir::BenchDir;
use self::error::{Error, refused};
use self::report::Report;
use self::rows::Site;
use self::workload::WorkloadArgs;
use crate::cli;
use crate::store::home::Engine;

/// How many events lie in the log before it is read as a whole.
const READ_EVENTS: u64 = 1_000_000;
const READ_EVENTS_QUICK: u64 = 200_000;

/// Measures a server: appends, reads and live delivery, beside what bounds them.
#[derive(Clone, Debug, Args)]
pub struct BenchArgs {
    /// Measure the server at this address; without it, one is started for the bench alone.
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// Where the bench's own server keeps its data: name a directory on the disk in question. What is
    /// made in it is removed at the end.
    #[arg(long, value_name = "DIR", default_value = "quipu-bench")]
    data_dir: PathBuf,
    /// What the events of the bench's own server lie in.
    #[arg(long, value_enum, default_value_t, conflicts_with = "endpoint")]
    log: Engine,
    /// How long each row, or the workload, is measured, in seconds.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// A look rather than a measurement: 1 second a row, and a short log.
    #[arg(long, conflicts_with = "seconds")]
    quick: bool,
    /// How many events the log has at least before it is read as a whole: 1,000,000, or 200,000 with
    /// --quick.
    #[arg(long, value_name = "N")]
    read_events: Option<u64>,
    /// How many connections 16 and more calls in flight are spread over; fewer calls use one.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    connections: u16,
    /// Only these rows; all by default.
    #[arg(long, value_enum, value_name = "ROW", value_delimiter = ',')]
    rows: Vec<RowKind>,
    /// One JSON object a line instead of a table.
    #[arg(long)]
    json: bool,
    /// Hold each figure against that of an earlier run, whose --json output is in this file.
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,
    #[command(flatten)]
    workload: WorkloadArgs,
}

/// The rows, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RowKind {
    /// 4 KiB written and synced, without any server.
    DiskSync,
    /// Appends to a server that answers at once.
    DoNothing,
    /// Appends of a single event.
    Append,
    /// Appends of a single event through one session.
    Session,
    /// Appends of 100 events.
    #[value(name = "batch-100")]
    Batch100,
    /// Appends of 1,000 events.
    #[value(name = "batch-1000")]
    Batch1000,
    /// One read of the whole log.
    ReadAll,
    /// Reads of streams of 10 events.
    ReadStream,
    /// Live delivery to many subscribers.
    FanOut,
}

impl BenchArgs {
    fn wants(&self, row: RowKind) -> bool {
        self.rows.is_empty() || self.rows.contains(&row)
    }

    fn row_length(&self) -> Duration {
        Duration::from_secs(if self.quick { 1 } else { self.seconds })
    }

    fn events_to_read(&self) -> u64 {
        self.read_events.unwrap_or(if self.quick { READ_EVENTS_QUICK } else { READ_EVENTS })
    }
}

/// Runs the bench, on threads of its own, to its end or Ctrl-C.
pub async fn run(args: BenchArgs) -> Result<(), cli::Error> {
    match tokio::task::spawn_blocking(move || run_blocking(args)).await {
        Ok(outcome) => outcome.map_err(cli::Error::from),
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

/// Runs the bench on a runtime of its own, which has a thread for each core.
fn run_blocking(args: BenchArgs) -> Result<(), Error> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let workload = args.workload.workload()?;
    let earlier = args.compare.as_deref().map(Earlier::read).transpose()?;
    let dir = match args.endpoint {
        Some(_) => None,
        None => Some(BenchDir::create(&args.data_dir)?),
    };
    let nothing = match workload.is_none() && args.wants(RowKind::DoNothing) {
        true => Some(ChildServer::start(&["bench-null", "--listen", "127.0.0.1:0"].map(OsStr::new))?),
        false => None,
    };
    let server = dir.as_ref().map(|dir| start_server(dir, args.log)).transpose()?;
    let endpoint = match (&args.endpoint, &server) {
        (Some(endpoint), _) => endpoint.clone(),
        (None, Some(server)) => server.endpoint().to_owned(),
        (None, None) => unreachable!("without an endpoint a server was started"),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores)
        .enable_all()
        .build()
        .map_err(refused("start the load's threads"))?;
    let report = Report::new(args.json, earlier);
    let outcome = runtime.block_on(async {
        let measured = async {
            let nothing = nothing.as_ref().map(ChildServer::endpoint);
            let site = Site::connect(args, &endpoint, nothing, dir.as_ref().map(BenchDir::path)).await?;
            match workload {
                Some(workload) => site.run_workload(workload, report, cores).await,
                None => site.run(report, cores).await,
            }
        };
        tokio::select! {
            outcome = measured => outcome,
            outcome = interrupted() => outcome,
        }
    });
    runtime.shutdown_background();
    for child in [nothing, server].into_iter().flatten() {
        child.stop()?;
    }
    outcome
}

/// Waits for Ctrl-C or SIGTERM, so that servers and data are cleared away before the end.
async fn interrupted() -> Result<(), Error> {
    let mut terminate = signal(SignalKind::terminate()).map_err(refused("wait for signals"))?;
    tokio::select! {
        _ = terminate.recv() => {}
        pressed = tokio::signal::ctrl_c() => pressed.map_err(refused("wait for Ctrl-C"))?,
    }
    Err(Error::Interrupted)
}

fn start_server(dir: &BenchDir, log: Engine) -> Result<ChildServer, Error> {
    start_server_in(&dir.path().join("data"), log)
}

/// Starts a server of the bench's own on a data directory.
fn start_server_in(data: &Path, log: Engine) -> Result<ChildServer, Error> {
    let log = log.to_string();
    let [serve, listen, any, log_flag, log, format, as_json, data_flag] =
        ["serve", "--listen", "127.0.0.1:0", "--log", &log, "--log-format", "json", "--data"].map(OsStr::new);
    ChildServer::start(&[serve, listen, any, log_flag, log, format, as_json, data_flag, data.as_os_str()])
}
