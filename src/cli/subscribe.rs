//! `quipu subscribe`: events as they come, until Ctrl-C.
//!
//! Breaks of the connection are mended by the client underneath. Each message is shown when it is there.

use chrono::{DateTime, Utc};
use clap::value_parser;
use quipu_client::{Client, Message, SubscribeAll, SubscribeStream, Subscription};
use serde::Serialize;

use super::connection::PrintArgs;
use super::output::Output;
use super::query::QueryArgs;
use super::{ConnectionArgs, Error, time};

/// The arguments of `subscribe`.
#[derive(Debug, clap::Args)]
pub struct SubscribeArgs {
    /// The stream to follow; without it, the whole log. It need not exist yet. Its events can be picked by
    /// --type only.
    #[arg(conflicts_with_all = ["since", "tags", "categories", "stream_prefix", "correlation_id"])]
    stream: Option<String>,
    /// Begin after this position, or after this revision of the stream.
    #[arg(long, value_name = "N")]
    after: Option<u64>,
    /// Begin with what is appended from now on.
    #[arg(long, conflicts_with = "after")]
    from_end: bool,
    /// Begin with the first event recorded at this time or later: a date, meaning its midnight in UTC, or
    /// RFC 3339.
    #[arg(long, value_name = "TIME", conflicts_with_all = ["after", "from_end"], value_parser = time::moment)]
    since: Option<DateTime<Utc>>,
    #[command(flatten)]
    query: QueryArgs,
    /// Stop after so many events.
    #[arg(long, value_name = "EVENTS", value_parser = value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Also print signals: caught up, fell behind, checkpoint, heartbeat, reconnected.
    #[arg(long)]
    signals: bool,
    /// Also events of system streams, whose names start with $.
    #[arg(long, conflicts_with = "stream")]
    include_system: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    print: PrintArgs,
}

/// A signal, as it is printed.
#[derive(Debug, PartialEq, Serialize)]
struct SignalJson {
    signal: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<u64>,
}

/// Follows the log or a stream.
pub(super) async fn run(args: SubscribeArgs) -> Result<(), Error> {
    let mut output = args.print.output();
    tokio::select! {
        outcome = follow(&args, &mut output) => outcome,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.map_err(|source| Error::Input { from: "signals".to_owned(), source })
        }
    }
}

async fn follow(args: &SubscribeArgs, output: &mut Output) -> Result<(), Error> {
    let failed = || match &args.stream {
        Some(stream) => Error::call(format!("cannot follow stream {stream:?}")),
        None => Error::call("cannot follow the log".to_owned()),
    };
    let client = args.connection.connect().await?;
    let mut subscription = subscribe(&client, args).await.map_err(failed())?;
    let mut left = args.limit.unwrap_or(u64::MAX);
    while left > 0 {
        let message = subscription.next().await.map_err(failed())?;
        if let Some(signal) = json(&message).filter(|_| args.signals) {
            output.print(&signal, || text(&signal))?;
            output.flush()?;
        }
        if let Message::Events(mut events) = message {
            events.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            left -= events.len() as u64;
            output.events(&events)?;
        }
    }
    Ok(())
}

async fn subscribe(client: &Client, args: &SubscribeArgs) -> Result<Subscription, quipu_client::Error> {
    if let Some(stream) = &args.stream {
        let mut request = SubscribeStream::new(stream).types(&args.query.types);
        if let Some(revision) = args.after {
            request = request.after_revision(revision);
        } else if args.from_end {
            request = request.from_end();
        }
        return client.subscribe_stream(request).await;
    }
    let mut request = SubscribeAll::new();
    if let Some(position) = args.after {
        request = request.after_position(position);
    } else if args.from_end {
        request = request.from_end();
    } else if let Some(time) = args.since {
        request = request.from_time(time);
    }
    if let Some(query) = args.query.query() {
        request = request.query(query);
    }
    if args.include_system {
        request = request.include_system();
    }
    client.subscribe_all(request).await
}

fn json(message: &Message) -> Option<SignalJson> {
    let (signal, position, head) = match message {
        Message::Events(_) => return None,
        Message::CaughtUp { position } => ("caught_up", Some(*position), None),
        Message::FellBehind { position, head } => ("fell_behind", Some(*position), Some(*head)),
        Message::Checkpoint { position } => ("checkpoint", Some(*position), None),
        Message::Heartbeat { position } => ("heartbeat", Some(*position), None),
        Message::Reconnected => ("reconnected", None, None),
    };
    Some(SignalJson { signal, position, head })
}

fn text(signal: &SignalJson) -> String {
    let mut text = format!("-- {}", signal.signal.replace('_', " "));
    if let Some(position) = signal.position {
        text.push_str(&format!(" at position {position}"));
    }
    if let Some(head) = signal.head {
        text.push_str(&format!(", the head is {head}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_told_by_its_name() {
        let behind = json(&Message::FellBehind { position: 3, head: 9 }).expect("a signal");
        assert_eq!(text(&behind), "-- fell behind at position 3, the head is 9");
        let line = serde_json::to_string(&behind).expect("JSON");
        assert_eq!(line, r#"{"signal":"fell_behind","position":3,"head":9}"#);
        assert_eq!(json(&Message::Reconnected).map(|signal| text(&signal)).as_deref(), Some("-- reconnected"));
        assert_eq!(json(&Message::Events(Vec::new())), None);
    }
}
