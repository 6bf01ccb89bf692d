//! `quipu import`: appends the events of a file of JSON lines, in the order of the file.
//!
//! Running it again adds nothing twice, however large the file and however far the first run got: each
//! event has an id that follows from its line, and each append names the exact revision that it belongs
//! after, so the server finds what is there already in the stream itself. The way of a line:
//! `groups.rs` gives it its id and puts it together with its neighbours, `places.rs` finds where in its
//! stream it belongs, `sending.rs` sends it and takes the answer.

mod groups;
mod places;
mod sending;

use std::collections::HashSet;

use futures_util::StreamExt;
use quipu_client::{Client, RetryPolicy, ServerInfo};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::connection::PrintArgs;
use super::input::Lines;
use super::progress::Progress;
use super::{ConnectionArgs, Error};
use groups::Group;
use places::Places;
use sending::Sending;

/// How many groups may wait between the file and the server.
const GROUPS_WAITING: usize = 16;

/// How many streams are looked up at a time.
const LOOKUPS: usize = 32;

/// Sits out a restart of the server: gives up after 15 to 30 s of pauses.
const PATIENT: u32 = 20;

/// The arguments of `import`.
#[derive(Debug, clap::Args)]
#[command(after_help = LINES_HELP)]
pub struct ImportArgs {
    /// The file, gzipped or not; - for standard input.
    #[arg(value_name = "FILE|-")]
    file: String,
    /// Refuse when the tenant's log is not empty.
    #[arg(long)]
    expect_empty: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    print: PrintArgs,
}

const LINES_HELP: &str = "\
Each line is a JSON object with stream, type, and data or data_base64; and if need be id, tags, metadata, \
occurred_at, content_type, schema_version, correlation_id, causation_id. Lines of `export` are taken as \
they are. A line without id gets one that follows from the line and its place in its stream, so that an \
import that was interrupted can be run again.";

/// What has been acknowledged, as it is printed.
#[derive(Debug, Default, Serialize)]
struct Tally {
    /// Events, added or there already.
    events: u64,
    added: u64,
    already_there: u64,
    /// Streams of these events.
    streams: usize,
    #[serde(skip)]
    seen: HashSet<String>,
}

/// Imports, and prints what was acknowledged, whether or not all went well.
pub(super) async fn run(args: ImportArgs) -> Result<(), Error> {
    let lines = Lines::open(&args.file)?;
    let patient = RetryPolicy { attempts: PATIENT, ..RetryPolicy::default() };
    let client = args.connection.builder().retry(patient).connect().await?;
    let info = client.server_info().await.map_err(Error::call("cannot ask the server"))?;
    if args.expect_empty && info.head > 0 {
        return Err(Error::Precondition(format!("the log is not empty: its head is {}", info.head)));
    }
    let progress = Progress::bytes(lines.size());
    let mut tally = Tally::default();
    let outcome = import(&client, &info, lines, &mut tally, &progress).await;
    progress.finish();
    let mut output = args.print.output();
    let told = output.print(&tally, || tally.text()).and_then(|()| output.flush());
    outcome.and(told)
}

async fn import(
    client: &Client,
    info: &ServerInfo,
    lines: Lines,
    tally: &mut Tally,
    progress: &Progress,
) -> Result<(), Error> {
    let (sender, receiver) = mpsc::channel::<Result<Group, Error>>(GROUPS_WAITING);
    let bounds = groups::Bounds::within(&info.limits);
    tokio::task::spawn_blocking(move || groups::read(lines, bounds, |group| sender.blocking_send(group).is_ok()));
    let log_is_empty = info.head == 0;
    let located = ReceiverStream::new(receiver)
        .map(|group| async {
            let group = group?;
            let place = if log_is_empty { None } else { places::locate(client, &group).await? };
            Ok((group, place))
        })
        .buffered(LOOKUPS);
    let mut places = Places::default();
    let appends = located.map(|located| located.map(|(group, place)| places.plan(group, place)));
    Sending::new(client, appends, tally, progress).run().await
}

impl Tally {
    fn add(&mut self, stream: &str, events: u64, already_there: bool) {
        self.events += events;
        if already_there {
            self.already_there += events;
        } else {
            self.added += events;
        }
        if !self.seen.contains(stream) {
            self.seen.insert(stream.to_owned());
        }
        self.streams = self.seen.len();
    }

    fn text(&self) -> String {
        let Self { events, added, already_there, streams, .. } = self;
        format!("{events} events in {streams} streams: {added} added, {already_there} already there")
    }
}
