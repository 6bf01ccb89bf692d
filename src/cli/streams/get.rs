//! `quipu streams get`: the facts of a stream.

use chrono::{DateTime, Utc};
use quipu_client::StreamInfo;
use serde::Serialize;

use super::super::connection::PrintArgs;
use super::super::{ConnectionArgs, Error, time};
use super::metadata::MetadataJson;

#[derive(Debug, clap::Args)]
pub(super) struct GetArgs {
    /// The stream's name.
    stream: String,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    print: PrintArgs,
}

#[derive(Serialize)]
struct InfoJson<'a> {
    stream: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_revision: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    head_revision: Option<u64>,
    event_count: u64,
    last_position: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_recorded_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_recorded_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<MetadataJson<'a>>,
}

pub(super) async fn run(args: GetArgs) -> Result<(), Error> {
    let info = find(&args.connection, &args.stream).await?;
    let mut output = args.print.output();
    output.print(&json(&info), || text(&info))?;
    output.flush()
}

/// What is known of a stream that is there.
pub(super) async fn find(connection: &ConnectionArgs, stream: &str) -> Result<StreamInfo, Error> {
    let found = connection.connect().await?.stream(stream).await;
    let found = found.map_err(Error::call(format!("cannot look up stream {stream:?}")))?;
    found.ok_or_else(|| Error::NotFound(format!("stream {stream:?} has no event, or was deleted")))
}

fn json(info: &StreamInfo) -> InfoJson<'_> {
    InfoJson {
        stream: &info.name,
        first_revision: info.first_revision,
        head_revision: info.head_revision,
        event_count: info.event_count,
        last_position: info.last_position,
        first_recorded_at: info.first_recorded_at,
        last_recorded_at: info.last_recorded_at,
        metadata: info.metadata.as_ref().map(MetadataJson::from),
    }
}

fn text(info: &StreamInfo) -> String {
    let hidden = || if info.head_revision.is_some() { "all hidden".to_owned() } else { "none".to_owned() };
    let lines = [
        format!("stream          {}", info.name),
        format!("events          {}", info.event_count),
        match (info.first_revision, info.head_revision) {
            (Some(first), Some(head)) => format!("revisions       {first}..{head}"),
            (_, Some(head)) => format!("revisions       {}, up to {head}", hidden()),
            (_, None) => format!("revisions       {}", hidden()),
        },
        format!("last position   {}", info.last_position),
        format!("first recorded  {}", info.first_recorded_at.map_or_else(hidden, time::shown)),
        format!("last recorded   {}", info.last_recorded_at.map_or_else(hidden, time::shown)),
    ];
    let metadata = info.metadata.as_ref().map(|it| MetadataJson::from(it).lines()).unwrap_or_default();
    lines.into_iter().chain(metadata).collect::<Vec<_>>().join("\n")
}
