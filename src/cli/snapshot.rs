//! `quipu snapshot`: saves, gets and lists the snapshots of a stream.

use chrono::{DateTime, Utc};
use quipu_client::{SnapshotInfo, SnapshotToSave};
use serde::Serialize;

use super::connection::PrintArgs;
use super::snapshot_json::{self, SnapshotJson};
use super::{ConnectionArgs, Error, payload, time};

/// The arguments of `snapshot`.
#[derive(Debug, clap::Args)]
pub struct SnapshotArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Save the state of a stream as it is after a revision.
    Save(SaveArgs),
    /// Print the newest snapshot of a stream.
    Get(GetArgs),
    /// List the snapshots of a stream, newest first, without their data.
    List(ListArgs),
}

#[derive(Debug, clap::Args)]
struct SaveArgs {
    /// The stream's name.
    stream: String,
    /// The revision of the last event folded in.
    #[arg(long)]
    revision: u64,
    /// The state: JSON, @file, or - for standard input.
    #[arg(long, value_name = "JSON|@FILE|-")]
    data: String,
    /// The media type of the state, if it is not JSON.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TYPE")]
    content_type: String,
    /// A pair of metadata. May be given many times.
    #[arg(long = "meta", value_name = "KEY=VALUE", value_parser = payload::pair)]
    metadata: Vec<(String, String)>,
    /// The version of the state's shape.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "VERSION")]
    schema_version: String,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    print: PrintArgs,
}

#[derive(Debug, clap::Args)]
struct GetArgs {
    /// The stream's name.
    stream: String,
    /// The newest at or before this revision.
    #[arg(long, value_name = "REVISION")]
    at_or_before: Option<u64>,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    print: PrintArgs,
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// The stream's name.
    stream: String,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    print: PrintArgs,
}

/// What is known of a snapshot, as it is printed.
#[derive(Serialize)]
struct InfoJson<'a> {
    stream: &'a str,
    revision: u64,
    saved_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_bytes: Option<u64>,
}

/// Saves, gets or lists.
pub(super) async fn run(args: SnapshotArgs) -> Result<(), Error> {
    match args.action {
        Action::Save(args) => save(args).await,
        Action::Get(args) => get(args).await,
        Action::List(args) => list(args).await,
    }
}

async fn save(args: SaveArgs) -> Result<(), Error> {
    let SaveArgs { stream, revision, data, content_type, metadata, schema_version, connection, print } = args;
    let data = payload::from_argument(&data, &content_type)?;
    let metadata = metadata.into_iter().collect();
    let snapshot = SnapshotToSave { stream: stream.clone(), revision, data, content_type, metadata, schema_version };
    let saved = connection.connect().await?.save_snapshot(snapshot).await;
    let saved_at = saved.map_err(Error::call(format!("cannot save a snapshot of {stream:?}")))?;
    let mut output = print.output();
    let info = InfoJson { stream: &stream, revision, saved_at, size_bytes: None };
    output.print(&info, || format!("snapshot {stream}@{revision} saved at {}", time::shown(saved_at)))?;
    output.flush()
}

async fn get(args: GetArgs) -> Result<(), Error> {
    let found = args.connection.connect().await?.get_snapshot(&args.stream, args.at_or_before).await;
    let found = found.map_err(Error::call(format!("cannot get a snapshot of {:?}", args.stream)))?;
    let missing = || Error::NotFound(format!("stream {:?} has no such snapshot", args.stream));
    let snapshot = found.ok_or_else(missing)?;
    let mut output = args.print.output();
    output.print(&SnapshotJson::from(&snapshot), || snapshot_json::text(&snapshot))?;
    output.flush()
}

async fn list(args: ListArgs) -> Result<(), Error> {
    let listed = args.connection.connect().await?.list_snapshots(&args.stream).await;
    let listed = listed.map_err(Error::call(format!("cannot list the snapshots of {:?}", args.stream)))?;
    let mut output = args.print.output();
    for SnapshotInfo { revision, saved_at, size_bytes } in listed {
        let stream = args.stream.as_str();
        let info = InfoJson { stream, revision, saved_at, size_bytes: Some(size_bytes) };
        output.print(&info, || format!("{stream}@{revision}  {}  {size_bytes} bytes", time::shown(saved_at)))?;
    }
    output.flush()
}
