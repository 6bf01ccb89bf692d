//! Real events by query: what the server finds in a file of permit receipts is what a filter over the file
//! finds.
//!
//! The file has types and tags. Correlation ids it has none: each event gets the name of its resource. Needs
//! the file, as `permits` does, and says that it is skipped where the file is missing.

use std::io::Write;

use chrono::{DateTime, Duration, Utc};
use quipu_client::{Client, Message, Query, QueryItem, ReadAll, ReadStream, RecordedEvent, SubscribeAll};
use serde_json::Value;

use crate::events::{log, positions, stream};
use crate::permits::{file, lines, text};
use crate::server::{TestServer, within};

const NECESSITY: &str = "T06 Determine necessity of stop advice";
const SENDING: &str = "T05 Print and send confirmation of receipt";
/// Only one event has it.
const RAREST: &str = "T09-2 Process or receive external advice from party 2";

type Filter = fn(&Value) -> bool;

fn has(line: &Value, tag: &str) -> bool {
    line["tags"].as_array().expect("tags").iter().any(|one| one == tag)
}

fn resource(line: &Value) -> &str {
    line["data"]["resource"].as_str().expect("a resource")
}

fn is_of(line: &Value, types: &[&str]) -> bool {
    types.contains(&text(line, "type"))
}

/// Queries, and what they mean.
fn cases() -> Vec<(Query, Filter)> {
    let item = QueryItem::new;
    let one = Query::item;
    vec![
        (Query::all(), |_| true),
        (one(item().types([NECESSITY])), |line| is_of(line, &[NECESSITY])),
        (one(item().types([RAREST])), |line| is_of(line, &[RAREST])),
        (one(item().types([SENDING, RAREST, "Never"])), |line| is_of(line, &[SENDING, RAREST])),
        (one(item().tags(["group:Group 1"])), |line| has(line, "group:Group 1")),
        (one(item().tags(["group:Group 1", "resource:Resource02"])), |line| {
            has(line, "group:Group 1") && has(line, "resource:Resource02")
        }),
        (one(item().tags(["group:Group 1", "group:Group 2"])), |_| false),
        (one(item().types([NECESSITY, RAREST]).tags(["group:EMPTY"])), |line| {
            is_of(line, &[NECESSITY, RAREST]) && has(line, "group:EMPTY")
        }),
        (one(item().categories(["permit"])), |_| true),
        (one(item().categories(["permi", "permit-8"])), |_| false),
        (one(item().categories(["other", "permit"]).types([RAREST])), |line| is_of(line, &[RAREST])),
        (one(item().stream_prefix("permit-89")), |line| text(line, "stream").starts_with("permit-89")),
        (one(item().stream_prefix("permit-891").tags(["group:Group 4"])), |line| {
            text(line, "stream").starts_with("permit-891") && has(line, "group:Group 4")
        }),
        (one(item().stream_prefix("perm").types([RAREST])), |line| is_of(line, &[RAREST])),
        (one(item().correlation_id("Resource02")), |line| resource(line) == "Resource02"),
        (one(item().correlation_id("Resource02").types([SENDING])), |line| {
            resource(line) == "Resource02" && is_of(line, &[SENDING])
        }),
        (
            one(item().types([RAREST])).or(item().tags(["resource:TEST"])).or(item().stream_prefix("permit-9289")),
            |line| {
                is_of(line, &[RAREST]) || has(line, "resource:TEST") || text(line, "stream").starts_with("permit-9289")
            },
        ),
        (one(item().tags(["group:Group 1"])).or(item().correlation_id("Resource02")), |line| {
            has(line, "group:Group 1") || resource(line) == "Resource02"
        }),
    ]
}

async fn read(client: &Client, read: ReadAll) -> Vec<u64> {
    positions(&client.read_all(read).await.expect("a log").collect().await.expect("all of it"))
}

/// Imports the lines, each with its correlation id.
fn import(server: &TestServer, lines: &[Value]) {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    for line in lines {
        let mut line = line.clone();
        line["correlation_id"] = resource(&line).into();
        writeln!(file, "{line}").expect("written");
    }
    let output = server.command(&["import"]).arg(file.path()).output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
}

/// The positions of the lines that a filter lets through.
fn filtered(lines: &[Value], filter: Filter) -> Vec<u64> {
    lines.iter().zip(1..).filter(|(line, _)| filter(line)).map(|(_, position)| position).collect()
}

/// Reads the log by a query, from everywhere and either way.
async fn compare(client: &Client, log: &[RecordedEvent], query: &Query, expected: &[u64]) {
    let all = || ReadAll::new().query(query.clone());
    let reversed = |positions: &[u64]| positions.iter().rev().copied().collect::<Vec<_>>();
    let what = format!("{query:?}");
    assert_eq!(read(client, all()).await, expected, "{what}");
    assert_eq!(read(client, all().backwards()).await, reversed(expected), "backwards: {what}");
    for limit in [1, 10] {
        let first = &expected[..expected.len().min(limit)];
        let last = &expected[expected.len() - first.len()..];
        assert_eq!(read(client, all().limit(limit as u64)).await, first, "the first {limit}: {what}");
        assert_eq!(read(client, all().backwards().limit(limit as u64)).await, reversed(last), "the last: {what}");
    }
    for event in [&log[0], &log[log.len() / 3], &log[log.len() - 1]] {
        let (place, time) = (event.position, event.recorded_at);
        let behind = expected.iter().copied().filter(|position| *position >= place);
        assert_eq!(read(client, all().from_position(place)).await, behind.collect::<Vec<_>>(), "from: {what}");
        for time in [time, time + Duration::nanoseconds(1), time - Duration::nanoseconds(1)] {
            let at = |position: &u64| log[*position as usize - 1].recorded_at;
            let later = expected.iter().copied().filter(|position| at(position) >= time);
            assert_eq!(read(client, all().from_time(time)).await, later.collect::<Vec<_>>(), "since {time}: {what}");
            let earlier: Vec<u64> = expected.iter().copied().filter(|position| at(position) <= time).collect();
            let found = read(client, all().from_time(time).backwards()).await;
            assert_eq!(found, reversed(&earlier), "until {time}: {what}");
        }
    }
}

/// Follows a query from a position, or from a time, until it has caught up.
async fn follow(client: &Client, subscribe: SubscribeAll) -> Vec<u64> {
    let mut subscription = client.subscribe_all(subscribe).await.expect("subscribed");
    let mut found = Vec::new();
    loop {
        match within("the next message", subscription.next()).await.expect("it goes on") {
            Message::Events(events) => found.extend(positions(&events)),
            Message::CaughtUp { .. } => return found,
            _ => {}
        }
    }
}

async fn compare_followed(client: &Client, log: &[RecordedEvent], query: &Query, expected: &[u64]) {
    let all = || SubscribeAll::new().query(query.clone());
    assert_eq!(follow(client, all()).await, expected, "followed: {query:?}");
    let middle = &log[log.len() / 2];
    let (place, time): (u64, DateTime<Utc>) = (middle.position, middle.recorded_at);
    let behind: Vec<u64> = expected.iter().copied().filter(|position| *position > place).collect();
    assert_eq!(follow(client, all().after_position(place)).await, behind, "followed after {place}: {query:?}");
    let since = expected.iter().copied().filter(|position| log[*position as usize - 1].recorded_at >= time);
    assert_eq!(follow(client, all().from_time(time)).await, since.collect::<Vec<_>>(), "since {time}: {query:?}");
}

/// Reads a stream by types, either way.
async fn compare_stream(client: &Client, name: &str, types: &[&str]) {
    let whole = stream(client, name).await;
    let expected: Vec<u64> =
        whole.iter().filter(|event| types.contains(&event.event_type.as_str())).map(|event| event.revision).collect();
    let by_types = || ReadStream::new(name).types(types.iter().copied());
    let backwards = expected.iter().rev().copied().collect::<Vec<_>>();
    let half = whole.len() as u64 / 2;
    let behind: Vec<u64> = expected.iter().copied().filter(|revision| *revision >= half).collect();
    let last = backwards.iter().copied().take(2).collect();
    for (read, expected) in [
        (by_types(), expected),
        (by_types().backwards(), backwards),
        (by_types().from_revision(half), behind),
        (by_types().backwards().limit(2), last),
    ] {
        let found = client.read_stream(read).await.expect("a stream").collect().await.expect("all of it");
        let found: Vec<u64> = found.iter().map(|event| event.revision).collect();
        assert_eq!(found, expected, "{name} by {types:?}");
    }
}

#[tokio::test]
async fn queries_over_real_events_find_what_a_filter_over_the_file_finds() {
    let Some(path) = file() else {
        let _ = writeln!(std::io::stderr(), "skipped: queries over real events, since there is no file of them");
        return;
    };
    let lines = lines(&path);
    let mut server = TestServer::start_with(&["--segment-bytes", "1000000"]);
    import(&server, &lines);
    let client = server.client().await;
    for round in 0..2 {
        let log = log(&client).await;
        assert_eq!(log.len(), lines.len());
        for (event, line) in log.iter().zip(&lines) {
            let is_it = event.event_type == text(line, "type") && event.correlation_id == resource(line);
            assert!(is_it && event.tags.iter().all(|tag| has(line, tag)), "at position {}", event.position);
        }
        for (query, filter) in cases() {
            let expected = filtered(&lines, filter);
            compare(&client, &log, &query, &expected).await;
            compare_followed(&client, &log, &query, &expected).await;
        }
        for name in ["permit-9289", "permit-8323", "permit-891"] {
            compare_stream(&client, name, &[NECESSITY]).await;
            compare_stream(&client, name, &[SENDING, NECESSITY, "Never"]).await;
            compare_stream(&client, name, &["Never"]).await;
        }
        if round == 0 {
            server.restart().await;
        }
    }
}
