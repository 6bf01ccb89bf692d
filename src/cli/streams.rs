//! `quipu streams`: the names of streams, or the facts of one.

use chrono::{DateTime, SecondsFormat, Utc};
use clap::value_parser;
use quipu_client::{ListStreams, StreamInfo};
use serde::Serialize;

use super::connection::PrintArgs;
use super::{ConnectionArgs, Error};

/// The most names in a page.
const PAGE_STREAMS: u64 = 1_000;

/// The arguments of `streams`.
#[derive(Debug, clap::Args)]
pub struct StreamsArgs {
    /// Tell what is known of this stream instead.
    #[arg(long, value_name = "STREAM", conflicts_with_all = ["prefix", "limit", "include_system"])]
    info: Option<String>,
    /// Only names that begin with this.
    #[arg(long, default_value = "", hide_default_value = true)]
    prefix: String,
    /// At most so many.
    #[arg(long, value_name = "STREAMS", value_parser = value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Also system streams, whose names start with $.
    #[arg(long)]
    include_system: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    print: PrintArgs,
}

#[derive(Serialize)]
struct NameJson<'a> {
    stream: &'a str,
}

#[derive(Serialize)]
struct InfoJson<'a> {
    stream: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_revision: Option<u64>,
    head_revision: u64,
    event_count: u64,
    last_position: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_recorded_at: Option<DateTime<Utc>>,
    last_recorded_at: DateTime<Utc>,
}

/// Lists streams in the order of their names, or tells of one.
pub(super) async fn run(args: StreamsArgs) -> Result<(), Error> {
    match &args.info {
        Some(stream) => tell(stream, &args).await,
        None => list(&args).await,
    }
}

async fn list(args: &StreamsArgs) -> Result<(), Error> {
    let client = args.connection.connect().await?;
    let mut output = args.print.output();
    let mut left = args.limit.unwrap_or(u64::MAX);
    let mut list = ListStreams::new().prefix(&args.prefix);
    if args.include_system {
        list = list.include_system();
    }
    while left > 0 {
        let size = u32::try_from(left.min(PAGE_STREAMS)).unwrap_or(u32::MAX);
        let page = client.streams(list.clone().page_size(size)).await;
        let page = page.map_err(Error::call("cannot list the streams"))?;
        for stream in &page.streams {
            output.print(&NameJson { stream }, || stream.clone())?;
        }
        output.flush()?;
        left = left.saturating_sub(page.streams.len() as u64);
        let Some(token) = page.next_page_token else { break };
        list = list.page_token(token);
    }
    Ok(())
}

async fn tell(stream: &str, args: &StreamsArgs) -> Result<(), Error> {
    let found = args.connection.connect().await?.stream(stream).await;
    let found = found.map_err(Error::call(format!("cannot look up stream {stream:?}")))?;
    let info = found.ok_or_else(|| Error::NotFound(format!("stream {stream:?} has no event")))?;
    let mut output = args.print.output();
    output.print(&json(&info), || text(&info))?;
    output.flush()
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
    }
}

fn text(info: &StreamInfo) -> String {
    let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
    format!(
        "stream          {}\nevents          {}\nrevisions       {}..{}\nlast position   {}\nfirst recorded  {}\n\
         last recorded   {}",
        info.name,
        info.event_count,
        info.first_revision.map_or_else(String::new, |revision| revision.to_string()),
        info.head_revision,
        info.last_position,
        info.first_recorded_at.map_or_else(String::new, time),
        time(info.last_recorded_at),
    )
}
