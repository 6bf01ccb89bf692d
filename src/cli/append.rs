//! `quipu append`: events for one stream, from arguments or from JSON lines.
//!
//! However many events, it is one append: all of them go in or none.

use chrono::{DateTime, Utc};
use quipu_client::{Appended, NewEvent};
use serde::Serialize;
use uuid::Uuid;

use super::connection::PrintArgs;
use super::event_line::{EventLine, LineError};
use super::expect::ExpectArgs;
use super::guards::GuardArgs;
use super::input::Lines;
use super::{ConnectionArgs, Error, payload};

/// The arguments of `append`.
#[derive(Debug, clap::Args)]
pub struct AppendArgs {
    /// The stream's name.
    stream: String,
    #[command(flatten)]
    expect: ExpectArgs,
    #[command(flatten)]
    guards: GuardArgs,
    /// Take the events from standard input, one JSON object a line as `read` prints them.
    #[arg(long, conflicts_with = "EventArgs")]
    jsonl: bool,
    #[command(flatten)]
    event: EventArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    print: PrintArgs,
}

/// One event in arguments.
#[derive(Debug, clap::Args)]
struct EventArgs {
    /// What happened, such as OrderPlaced.
    #[arg(long = "type", value_name = "TYPE", required_unless_present = "jsonl")]
    event_type: Option<String>,
    /// The payload: JSON, @file, or - for standard input.
    #[arg(long, default_value = "{}", value_name = "JSON|@FILE|-")]
    data: String,
    /// The media type of the payload, if it is not JSON.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TYPE")]
    content_type: String,
    /// The event's id; makes it safe to run the command again. A new one if not given.
    #[arg(long, value_name = "UUID")]
    id: Option<Uuid>,
    /// A label to find the event by. May be given many times.
    #[arg(long = "tag", value_name = "KEY:VALUE")]
    tags: Vec<String>,
    /// A pair of metadata. May be given many times.
    #[arg(long = "meta", value_name = "KEY=VALUE", value_parser = payload::pair)]
    metadata: Vec<(String, String)>,
    /// The version of the payload's shape.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "VERSION")]
    schema_version: String,
    /// What ties together the events of one business conversation.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "ID")]
    correlation_id: String,
    /// The id of the message or event that led to this one.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "ID")]
    causation_id: String,
    /// When it happened in the world, if that is not now: RFC 3339.
    #[arg(long, value_name = "TIME")]
    occurred_at: Option<DateTime<Utc>>,
}

/// Where an append went, as it is printed.
#[derive(Serialize)]
struct AppendedJson<'a> {
    stream: &'a str,
    first_revision: u64,
    last_revision: u64,
    first_position: u64,
    last_position: u64,
    deduplicated: bool,
    ids: &'a [String],
}

/// Appends and prints where the events went.
pub(super) async fn run(args: AppendArgs) -> Result<(), Error> {
    let AppendArgs { stream, expect, guards, jsonl, event, connection, print } = args;
    let events = if jsonl { from_lines(&stream, Lines::open("-")?)? } else { vec![event.into_event()?] };
    let ids: Vec<String> = events.iter().map(|event| event.id.to_string()).collect();
    let client = connection.connect().await?;
    let appended = client.append_guarded(&stream, expect.expect, events, guards.guards()).await;
    let appended = appended.map_err(|error| guards.failed(format!("cannot append to {stream:?}"), error))?;
    let mut output = print.output();
    output.print(&json(&stream, appended, &ids), || text(&stream, appended))?;
    output.flush()
}

impl EventArgs {
    fn into_event(self) -> Result<NewEvent, Error> {
        let data = payload::from_argument(&self.data, &self.content_type)?;
        Ok(NewEvent {
            id: self.id.unwrap_or_else(Uuid::now_v7),
            event_type: self.event_type.unwrap_or_default(),
            data,
            content_type: self.content_type,
            metadata: self.metadata.into_iter().collect(),
            schema_version: self.schema_version,
            correlation_id: self.correlation_id,
            causation_id: self.causation_id,
            tags: self.tags,
            occurred_at: self.occurred_at,
        })
    }
}

/// The events of all lines; each may name the stream, but no other.
fn from_lines(stream: &str, mut lines: Lines) -> Result<Vec<NewEvent>, Error> {
    let mut events = Vec::new();
    while let Some((number, line)) = lines.next()? {
        let fault = |source| Error::Line { line: number, source };
        let line = EventLine::parse(line).map_err(fault)?;
        if let Some(other) = line.stream.filter(|named| named != stream) {
            return Err(fault(LineError::OtherStream(other)));
        }
        let mut event = line.event;
        if !line.id_is_given {
            event.id = Uuid::now_v7();
        }
        events.push(event);
    }
    if events.is_empty() {
        return Err(Error::Invalid("there is no event on standard input".to_owned()));
    }
    Ok(events)
}

fn json<'a>(stream: &'a str, appended: Appended, ids: &'a [String]) -> AppendedJson<'a> {
    AppendedJson {
        stream,
        first_revision: appended.first_revision,
        last_revision: appended.last_revision,
        first_position: appended.first_position,
        last_position: appended.last_position,
        deduplicated: appended.deduplicated,
        ids,
    }
}

fn text(stream: &str, appended: Appended) -> String {
    let verb = if appended.deduplicated { "was there already" } else { "appended" };
    if appended.first_position == appended.last_position {
        format!("{stream}@{} {verb} at position {}", appended.last_revision, appended.last_position)
    } else {
        let Appended { first_revision, last_revision, first_position, last_position, .. } = appended;
        format!("{stream}@{first_revision}..{last_revision} {verb} at positions {first_position}..{last_position}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::input::tests::lines;
    use super::*;

    #[test]
    fn lines_are_for_the_stream_named() {
        let two = b"{\"type\":\"A\",\"data\":1}\n{\"type\":\"B\",\"data\":2,\"stream\":\"s\"}\n";
        let events = from_lines("s", lines(two)).expect("two events");
        assert_eq!(events.len(), 2);
        assert_ne!(events[0].id, events[1].id);
        let other = from_lines("t", lines(two)).expect_err("the second line is for s");
        assert!(matches!(other, Error::Line { line: 2, source: LineError::OtherStream(_) }), "{other:?}");
        assert!(from_lines("s", lines(b"\n")).is_err());
    }
}
