//! `quipu streams list`: the names of streams, page by page.

use clap::builder::NonEmptyStringValueParser;
use clap::value_parser;
use quipu_client::ListStreams;
use serde::Serialize;

use super::super::connection::PrintArgs;
use super::super::{ConnectionArgs, Error};

/// The most names in a page.
const PAGE_STREAMS: u64 = 1_000;

#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Only names that begin with this.
    #[arg(long, default_value = "", hide_default_value = true)]
    prefix: String,
    /// Only streams of this category: names that begin with it and a -.
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    category: Option<String>,
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

pub(super) async fn run(args: ListArgs) -> Result<(), Error> {
    let mut list = ListStreams::new().prefix(&args.prefix).category(args.category.unwrap_or_default());
    if args.include_system {
        list = list.include_system();
    }
    let client = args.connection.connect().await?;
    let mut output = args.print.output();
    let mut left = args.limit.unwrap_or(u64::MAX);
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
