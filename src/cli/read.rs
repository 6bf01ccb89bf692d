//! `quipu read` and `quipu read-all`: events in order, as they were when the read began.

use chrono::{DateTime, Utc};
use clap::builder::NonEmptyStringValueParser;
use clap::value_parser;
use quipu_client::{ReadAll, ReadStream, Snapshot};
use serde::Serialize;

use super::connection::PrintArgs;
use super::output::Output;
use super::query::QueryArgs;
use super::snapshot_json::{self, SnapshotJson};
use super::{ConnectionArgs, Error, time};

/// The arguments of `read`.
#[derive(Debug, clap::Args)]
pub struct ReadArgs {
    /// The stream's name.
    stream: String,
    /// The revision to begin with.
    #[arg(long, value_name = "REVISION")]
    from: Option<u64>,
    /// Begin with the newest snapshot, if there is one, and go on with the event after it.
    #[arg(long, conflicts_with_all = ["from", "backwards"])]
    with_snapshot: bool,
    /// Only events of this type. Given many times: of one of them.
    #[arg(long = "type", value_name = "TYPE", value_parser = NonEmptyStringValueParser::new())]
    types: Vec<String>,
    #[command(flatten)]
    extent: ExtentArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    print: PrintArgs,
}

/// The arguments of `read-all`.
#[derive(Debug, clap::Args)]
pub struct ReadAllArgs {
    /// The position to begin with.
    #[arg(long, value_name = "POSITION")]
    from: Option<u64>,
    /// Begin with the first event recorded at this time or later, or, backwards, with the last one recorded
    /// at this time or before: a date, meaning its midnight in UTC, or RFC 3339.
    #[arg(long, value_name = "TIME", conflicts_with = "from", value_parser = time::moment)]
    since: Option<DateTime<Utc>>,
    #[command(flatten)]
    query: QueryArgs,
    /// Also events of system streams, whose names start with $.
    #[arg(long)]
    include_system: bool,
    #[command(flatten)]
    extent: ExtentArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    print: PrintArgs,
}

/// Which way, and how far.
#[derive(Debug, clap::Args)]
struct ExtentArgs {
    /// Newest first; from the end unless told where to begin.
    #[arg(long)]
    backwards: bool,
    /// At most so many events.
    #[arg(long, value_name = "EVENTS", value_parser = value_parser!(u64).range(1..))]
    limit: Option<u64>,
}

#[derive(Serialize)]
struct WithSnapshot<'a> {
    snapshot: SnapshotJson<'a>,
}

/// Reads a stream.
pub(super) async fn run(args: ReadArgs) -> Result<(), Error> {
    let mut read = ReadStream::new(&args.stream).types(&args.types).limit(args.extent.limit.unwrap_or(0));
    if let Some(revision) = args.from {
        read = read.from_revision(revision);
    }
    if args.extent.backwards {
        read = read.backwards();
    }
    if args.with_snapshot {
        read = read.with_snapshot();
    }
    let failed = || Error::call(format!("cannot read stream {:?}", args.stream));
    let client = args.connection.connect().await?;
    let mut reading = client.read_stream(read).await.map_err(failed())?;
    let mut output = args.print.output();
    if let Some(snapshot) = reading.snapshot() {
        print_snapshot(&mut output, snapshot)?;
    }
    while let Some(batch) = reading.next_batch().await {
        output.events(&batch.map_err(failed())?)?;
    }
    output.flush()
}

/// Reads the log.
pub(super) async fn run_all(args: ReadAllArgs) -> Result<(), Error> {
    let mut read = ReadAll::new().limit(args.extent.limit.unwrap_or(0));
    if let Some(position) = args.from {
        read = read.from_position(position);
    }
    if let Some(time) = args.since {
        read = read.from_time(time);
    }
    if let Some(query) = args.query.query() {
        read = read.query(query);
    }
    if args.extent.backwards {
        read = read.backwards();
    }
    if args.include_system {
        read = read.include_system();
    }
    let failed = || Error::call("cannot read the log");
    let client = args.connection.connect().await?;
    let mut reading = client.read_all(read).await.map_err(failed())?;
    let mut output = args.print.output();
    while let Some(batch) = reading.next_batch().await {
        output.events(&batch.map_err(failed())?)?;
    }
    output.flush()
}

fn print_snapshot(output: &mut Output, snapshot: &Snapshot) -> Result<(), Error> {
    output.print(&WithSnapshot { snapshot: snapshot.into() }, || snapshot_json::text(snapshot))
}
