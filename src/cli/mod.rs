//! The command line: which commands there are, and the exit code that each ends with.
//!
//! One file for each command. The client commands reach a store through a server and the Rust client,
//! never past them. What a command prints goes to standard output, what went wrong to standard error.

mod append;
mod backup;
mod base64;
pub mod bench;
mod checkpoints;
mod columns;
mod connection;
mod error;
mod event_json;
mod event_line;
mod expect;
mod export;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod guards;
mod import;
mod info;
mod input;
mod output;
mod payload;
mod place;
mod progress;
mod query;
mod read;
mod repair;
mod restore;
pub mod serve;
mod snapshot;
mod snapshot_json;
mod staging;
mod stats;
mod streams;
mod subscribe;
mod time;
pub mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use connection::ConnectionArgs;
pub use error::Error;

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed
  2  wrong usage
  3  not found: the stream, event, snapshot, checkpoint or tenant
  4  precondition failed: a stream, guard or checkpoint is not as expected, or an event id is taken
  5  unavailable: the server is not to be reached, or stopping";

/// An event store over gRPC: the server, and commands that speak to one.
#[derive(Debug, Parser)]
#[command(name = "quipu", version, after_help = EXIT_CODES)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a server.
    Serve(crate::config::ServeArgs),
    /// Check the files of a data directory that no server has open, or the log of a running server.
    Verify(verify::VerifyArgs),
    /// Copy a tenant's log from a server while it serves; a second time only what is new.
    Backup(backup::BackupArgs),
    /// Make the log of a data directory from a backup, whole or up to a position or a time.
    Restore(restore::RestoreArgs),
    /// Mend a data directory that a start refuses; says what it would do, and does it with --apply.
    Repair(repair::RepairArgs),
    /// Measure a server.
    Bench(bench::BenchArgs),
    /// Measure how costs grow with the log: guards, point queries, memory, starts
    BenchGrowth(bench::growth::GrowthArgs),
    /// Answer appends without doing anything; `bench` starts this for its ceiling.
    #[command(hide = true)]
    BenchNull(bench::null::NullArgs),
    /// Append events to a stream.
    Append(append::AppendArgs),
    /// Read the events of a stream.
    Read(read::ReadArgs),
    /// Read the events of the whole log.
    ReadAll(read::ReadAllArgs),
    /// Follow the log or a stream until Ctrl-C: what is there, then what comes.
    Subscribe(subscribe::SubscribeArgs),
    /// Save, get or list the snapshots of a stream.
    Snapshot(snapshot::SnapshotArgs),
    /// List the streams, tell what is known of one, hide its events, or end it.
    Streams(streams::StreamsArgs),
    /// List, get, set or delete the checkpoints of consumers, or wait for one.
    Checkpoints(checkpoints::CheckpointsArgs),
    /// Count the events by type, category and day.
    Stats(stats::StatsArgs),
    /// Tell what the server is and allows, and the head of the log.
    Info(info::InfoArgs),
    /// Append the events of a file of JSON lines; a second time adds nothing.
    Import(import::ImportArgs),
    /// Write all events as JSON lines, for `import`.
    Export(export::ExportArgs),
}

/// Runs a command to its end.
pub fn run(args: Args) -> ExitCode {
    match args.command {
        Command::Serve(args) => serve::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Backup(args) => finish(backup::run(args)),
        Command::Restore(args) => restore::run(&args),
        Command::Repair(args) => repair::run(&args),
        Command::Bench(args) => finish(bench::run(args)),
        Command::BenchGrowth(args) => finish(bench::growth::run(args)),
        Command::BenchNull(args) => finish(bench::null::run(args)),
        Command::Append(args) => finish(append::run(args)),
        Command::Read(args) => finish(read::run(args)),
        Command::ReadAll(args) => finish(read::run_all(args)),
        Command::Subscribe(args) => finish(subscribe::run(args)),
        Command::Snapshot(args) => finish(snapshot::run(args)),
        Command::Streams(args) => finish(streams::run(args)),
        Command::Checkpoints(args) => finish(checkpoints::run(args)),
        Command::Stats(args) => finish(stats::run(args)),
        Command::Info(args) => finish(info::run(args)),
        Command::Import(args) => finish(import::run(args)),
        Command::Export(args) => finish(export::run(args)),
    }
}

/// Runs a command that speaks to a server.
fn finish(command: impl Future<Output = Result<(), Error>>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return error::report(&Error::Runtime(error)),
    };
    let outcome = runtime.block_on(command);
    // A thread may still be waiting for standard input, which nobody is going to read.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error::report(&error),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        Args::command().debug_assert();
    }
}
