//! The command line: what it prints into a pipe, and how it ends.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use quipu_client::{NewEvent, RecordedEvent, SnapshotToSave};
use serde_json::{Value, json};

use crate::events::{append, events, log, spread};
use crate::server::{TestServer, engine, quipu, skipped_on_sled};

/// The JSON lines that a command printed, and its exit code.
fn run(command: &mut Command) -> (Option<i32>, Vec<Value>) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8(output.stdout).expect("text");
    (output.status.code(), text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect())
}

/// Runs a command that is to work, against a server.
#[track_caller]
fn works(server: &TestServer, args: &[&str]) -> Vec<Value> {
    let (code, lines) = run(&mut server.command(args));
    assert_eq!(code, Some(0), "{args:?}: {lines:?}");
    lines
}

/// Runs a command that is to fail with this exit code; returns what it said.
#[track_caller]
fn fails(server: &TestServer, args: &[&str], code: i32) -> String {
    let output = server.command(args).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs a command with this on its standard input.
fn fed(command: &mut Command, input: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn numbers(lines: &[Value], key: &str) -> Vec<u64> {
    lines.iter().map(|line| line[key].as_u64().expect("a number")).collect()
}

#[test]
fn append_and_read_speak_json_into_a_pipe() {
    let server = TestServer::start();
    let id = "0192f0c1-2345-7abc-8def-0123456789ab";
    let args = ["append", "order-1", "--type", "OrderPlaced", "--data", r#"{"total":3.10}"#, "--id", id];
    let more = ["--tag", "a:1", "--meta", "k=v=w", "--correlation-id", "c", "--expect", "none"];
    let all = [&args[..], &more].concat();
    let place = |deduplicated: bool| {
        json!({"stream": "order-1", "first_revision": 0, "last_revision": 0, "first_position": 1,
            "last_position": 1, "deduplicated": deduplicated, "ids": [id]})
    };
    assert_eq!(works(&server, &all), [place(false)]);
    assert_eq!(works(&server, &all), [place(true)], "it is safe to run it again");
    let read = works(&server, &["read", "order-1"]);
    let [event] = &read[..] else { panic!("{read:?}") };
    assert_eq!((&event["id"], &event["type"]), (&json!(id), &json!("OrderPlaced")));
    assert_eq!(event["data"]["total"].to_string(), "3.10", "as it was written");
    assert_eq!((&event["tags"], &event["metadata"]), (&json!(["a:1"]), &json!({"k": "v=w"})));
    assert_eq!((&event["revision"], &event["position"], &event["correlation_id"]), (&json!(0), &json!(1), &json!("c")));
}

#[test]
fn append_takes_json_lines_as_one_append() {
    let server = TestServer::start();
    let lines = "{\"type\":\"A\",\"data\":1}\n\n{\"type\":\"B\",\"data\":{\"deep\":[null]},\"stream\":\"s\"}\n";
    let output = fed(&mut server.command(&["append", "s", "--jsonl"]), lines);
    assert!(output.status.success(), "{output:?}");
    let read = works(&server, &["read", "s"]);
    assert_eq!(read.iter().map(|line| line["type"].as_str().unwrap()).collect::<Vec<_>>(), ["A", "B"]);
    assert_eq!(read[1]["data"], json!({"deep": [null]}));
    let output = fed(&mut server.command(&["append", "s", "--jsonl"]), "{\"type\":\"A\",\"data\":1}\n{\"typo\":1}\n");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("line 2"), "{output:?}");
    assert_eq!(works(&server, &["read", "s"]).len(), 2, "nothing of it went in");
}

#[tokio::test]
async fn reads_go_where_they_are_told() {
    let server = TestServer::start();
    let client = server.client().await;
    spread(&client, "s", 2, 20).await;
    let read = |args: &[&str], key| numbers(&works(&server, args), key);
    assert_eq!(read(&["read", "s-1"], "revision"), (0..10).collect::<Vec<_>>());
    assert_eq!(read(&["read", "s-1", "--from", "7"], "revision"), [7, 8, 9]);
    assert_eq!(read(&["read", "s-1", "--backwards", "--limit", "2"], "revision"), [9, 8]);
    assert_eq!(read(&["read", "s-1", "--from", "10"], "revision"), [0_u64; 0]);
    assert_eq!(read(&["read-all"], "position"), (1..=20).collect::<Vec<_>>());
    assert_eq!(read(&["read-all", "--from", "18"], "position"), [18, 19, 20]);
    assert_eq!(read(&["read-all", "--backwards", "--from", "3"], "position"), [3, 2, 1]);
    assert_eq!(read(&["subscribe", "--limit", "20"], "position"), (1..=20).collect::<Vec<_>>());
    assert_eq!(read(&["subscribe", "--after", "15", "--limit", "3"], "position"), [16, 17, 18]);
    assert_eq!(read(&["subscribe", "s-0", "--after", "7", "--limit", "2"], "revision"), [8, 9]);
    let signals = works(&server, &["subscribe", "--signals", "--after", "19", "--limit", "1"]);
    assert_eq!(signals.len(), 1, "{signals:?}");
}

#[tokio::test]
async fn snapshots_streams_and_facts_are_told() {
    let server = TestServer::start();
    let client = server.client().await;
    for name in ["b-1", "a-1", "b-2"] {
        append(&client, name, events(0..5)).await;
    }
    let saved = works(&server, &["snapshot", "save", "b-1", "--revision", "3", "--data", r#"{"sum":6}"#]);
    assert_eq!(saved[0]["revision"], 3);
    let got = works(&server, &["snapshot", "get", "b-1"]);
    assert_eq!((&got[0]["revision"], &got[0]["data"]), (&json!(3), &json!({"sum": 6})));
    assert_eq!(numbers(&works(&server, &["snapshot", "list", "b-1"]), "revision"), [3]);
    let read = works(&server, &["read", "b-1", "--with-snapshot"]);
    assert_eq!(read.len(), 2, "the snapshot and the event behind it: {read:?}");

    let names = |args: &[&str]| works(&server, args).iter().map(|line| line["stream"].clone()).collect::<Vec<_>>();
    assert_eq!(names(&["streams", "list"]), ["a-1", "b-1", "b-2"]);
    assert_eq!(names(&["streams", "list", "--prefix", "b", "--limit", "1"]), ["b-1"]);
    let info = works(&server, &["streams", "get", "b-2"]);
    assert_eq!((&info[0]["head_revision"], &info[0]["last_position"]), (&json!(4), &json!(15)));
    let info = works(&server, &["info"]);
    assert_eq!(
        (&info[0]["head"], &info[0]["tenant"], &info[0]["engine"]),
        (&15.into(), &json!("default"), &json!(engine()))
    );
    let elsewhere = works(&server, &["info", "--tenant", "acme"]);
    assert_eq!((&elsewhere[0]["head"], &elsewhere[0]["tenant"]), (&json!(0), &json!("acme")));
}

#[tokio::test]
async fn the_exit_code_tells_what_kind_of_failure_it_was() {
    let mut server = TestServer::start();
    append(&server.client().await, "s", events(0..3)).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let cases: [(&[&str], i32); 17] = [
        (&["append", "s", "--type", "A", "--data", "not json"], 1),
        (&["append", "", "--type", "A"], 1),
        (&["append", "$s", "--type", "A"], 1),
        (&["import", "/nowhere/at/all.jsonl"], 1),
        (&["append", "s"], 2),
        (&["append", "s", "--type", "A", "--expect", "-1"], 2),
        (&["reed", "s"], 2),
        (&["read", "missing"], 3),
        (&["read-all", "--tenant", "missing"], 3),
        (&["streams", "get", "missing"], 3),
        (&["snapshot", "get", "s"], 3),
        (&["append", "s", "--type", "A", "--expect", "none"], 4),
        (&["append", "s", "--type", "A", "--expect", "7"], 4),
        (&["append", "missing", "--type", "A", "--expect", "exists"], 4),
        (&["snapshot", "save", "s", "--revision", "3", "--data", "{}"], 4),
        (&["import", path, "--expect-empty"], 4),
        (&["read", "s"], 0),
    ];
    for (args, code) in cases {
        let output = server.command(args).stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said.is_empty(), code == 0, "{args:?}: {said}");
        assert!([0, 2].contains(&code) || said.lines().count() == 1, "a failure is told in one line: {said}");
    }
    server.stop().await;
    let output = server.command(&["info"]).output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{output:?}");
}

#[tokio::test]
async fn arguments_that_contradict_each_other_are_wrong_usage() {
    let server = TestServer::start();
    let cases: [&[&str]; 13] = [
        &["append", "s", "--type", "A", "--after", "1"],
        &["append", "s", "--type", "A", "--none-match", ""],
        &["append", "s", "--type", "A", "--none-match", "tag="],
        &["append", "s", "--type", "A", "--some-match", "all", "--after", "-1"],
        &["read", "s", "--type", ""],
        &["read-all", "--since", "yesterday"],
        &["read-all", "--since", "2011-03-01", "--from", "1"],
        &["subscribe", "--since", "2011-03-01", "--after", "1"],
        &["subscribe", "s", "--since", "2011-03-01"],
        &["subscribe", "s", "--tag", "x:1"],
        &["streams", "metadata", "s", "--clear", "--max-count", "1"],
        &["checkpoints", "set", "c", "-1"],
        &["checkpoints", "wait", "c", "1", "--timeout", "soon"],
    ];
    for args in cases {
        let said = fails(&server, args, 2);
        assert!(said.starts_with("error: "), "{args:?}: {said}");
    }
    assert!(fails(&server, &["streams", "tombstone", "s"], 1).contains("--yes"), "nobody is there to be asked");
}

#[test]
fn an_append_that_a_guard_refuses_says_which_one() {
    let server = TestServer::start();
    let seat = ["append", "student-7", "--type", "SeatTaken", "--tag", "course:1"];
    let guarded = |more: &[&'static str]| [&seat[..], more].concat();
    works(&server, &seat);
    works(&server, &["append", "other-1", "--type", "Noise"]);
    let none = ["--none-match", "type=Closed", "--none-match", "type=SeatTaken,tag=course:1"];
    let said = fails(&server, &guarded(&none), 4);
    let told = "--none-match type=SeatTaken,tag=course:1 does not hold: an event of type \"SeatTaken\" matches at 1; \
                the head is 2";
    assert!(said.contains(told), "{said}");
    let said = fails(&server, &guarded(&["--some-match", "all", "--after", "2"]), 4);
    assert!(said.contains("--some-match all does not hold: no event matches; the head is 2"), "{said}");
    fails(&server, &guarded(&["--none-match", "all", "--after", "3"]), 1);
    let appended = works(&server, &guarded(&[&none[..], &["--after", "1"]].concat()));
    assert_eq!(numbers(&appended, "first_position"), [3]);
    assert_eq!(numbers(&works(&server, &guarded(&["--some-match", "prefix=student-"])), "first_position"), [4]);
}

#[tokio::test]
async fn reads_and_subscriptions_pick_what_matches() {
    let server = TestServer::start();
    let client = server.client().await;
    for (stream, event_type, tags) in [
        ("order-1", "Placed", &["x:1"][..]),
        ("order-2", "Placed", &["x:1", "y:2"]),
        ("letter-1", "Sent", &["x:1"]),
        ("order-1", "Paid", &["y:2"]),
        ("loose", "Paid", &[]),
    ] {
        let event = NewEvent::new(event_type, "{}").with_tags(tags.iter().copied()).with_correlation_id(event_type);
        append(&client, stream, vec![event]).await;
    }
    let found = |args: &[&str]| numbers(&works(&server, args), "position");
    let all = |args: &[&'static str]| found(&[&["read-all"], args].concat());
    assert_eq!(all(&["--type", "Placed", "--type", "Sent"]), [1, 2, 3]);
    assert_eq!(all(&["--tag", "x:1", "--tag", "y:2"]), [2]);
    assert_eq!(all(&["--category", "order"]), [1, 2, 4]);
    assert_eq!(all(&["--stream-prefix", "order-1"]), [1, 4]);
    assert_eq!(all(&["--correlation-id", "Paid"]), [4, 5]);
    assert_eq!(all(&["--category", "order", "--category", "letter", "--tag", "x:1", "--type", "Sent"]), [3]);
    assert_eq!(all(&["--type", "Paid", "--backwards", "--limit", "1"]), [5]);
    assert_eq!(all(&["--type", "Paid", "--from", "5"]), [5]);
    assert_eq!(all(&["--type", "Gone"]), [0_u64; 0]);
    assert_eq!(all(&["--since", "2011-03-01", "--limit", "2"]), [1, 2]);
    assert_eq!(all(&["--since", "2011-03-01", "--backwards"]), [0_u64; 0]);
    assert_eq!(all(&["--since", "2999-01-01T00:00:00Z"]), [0_u64; 0]);
    assert_eq!(all(&["--since", "2999-01-01T00:00:00Z", "--backwards", "--limit", "1"]), [5]);
    assert_eq!(found(&["read", "order-1", "--type", "Paid"]), [4]);
    assert_eq!(found(&["subscribe", "--type", "Paid", "--limit", "2"]), [4, 5]);
    assert_eq!(found(&["subscribe", "--since", "2011-03-01", "--tag", "y:2", "--limit", "2"]), [2, 4]);
    assert_eq!(found(&["subscribe", "order-1", "--type", "Paid", "--limit", "1"]), [4]);
}

#[tokio::test]
async fn a_stream_is_hidden_revived_and_ended() {
    let server = TestServer::start();
    append(&server.client().await, "order-1", events(0..5)).await;
    append(&server.client().await, "letter-1", events(0..1)).await;
    let listed = |args: &[&str]| works(&server, args).iter().map(|it| it["stream"].clone()).collect::<Vec<_>>();
    assert_eq!(listed(&["streams", "list", "--category", "order"]), ["order-1"]);
    let metadata = ["streams", "metadata", "order-1"];
    assert_eq!(works(&server, &metadata), [json!({"stream": "order-1"})]);
    works(&server, &[&metadata[..], &["--max-count", "2", "--max-age", "30d", "--property", "owner=ada"]].concat());
    let shown = json!({"max_age_seconds": 2_592_000.0, "max_count": 2, "properties": {"owner": "ada"}});
    assert_eq!(works(&server, &["streams", "get", "order-1"])[0]["metadata"], shown);
    assert_eq!(works(&server, &metadata)[0]["max_count"], 2);
    assert_eq!(numbers(&works(&server, &["read", "order-1"]), "revision"), [3, 4]);
    works(&server, &[&metadata[..], &["--clear"]].concat());
    assert_eq!(works(&server, &metadata), [json!({"stream": "order-1"})]);

    fails(&server, &["streams", "delete", "order-1", "--expect", "3"], 4);
    works(&server, &["streams", "delete", "order-1", "--expect", "4"]);
    fails(&server, &["read", "order-1"], 3);
    fails(&server, &["streams", "get", "order-1"], 3);
    assert_eq!(listed(&["streams", "list"]), ["letter-1"]);
    let revived = works(&server, &["append", "order-1", "--type", "Placed", "--expect", "none"]);
    assert_eq!(numbers(&revived, "first_revision"), [5]);
    assert_eq!(numbers(&works(&server, &["read", "order-1"]), "revision"), [5]);

    works(&server, &["streams", "tombstone", "order-1", "--yes"]);
    fails(&server, &["read", "order-1"], 3);
    fails(&server, &["append", "order-1", "--type", "Placed"], 4);
    fails(&server, &[&metadata[..], &["--max-count", "1"]].concat(), 4);
    assert_eq!(works(&server, &["read-all"]).len(), 7, "the log is as it was");
}

#[tokio::test]
async fn checkpoints_are_kept_and_waited_for() {
    let server = TestServer::start();
    append(&server.client().await, "s", events(0..3)).await;
    let checkpoints = |args: &[&'static str]| [&["checkpoints"], args].concat();
    let set = works(&server, &checkpoints(&["set", "mailer", "2", "--expect", "none"]));
    assert_eq!((&set[0]["name"], &set[0]["position"]), (&json!("mailer"), &json!(2)));
    assert_eq!(works(&server, &checkpoints(&["get", "mailer"])), set);
    let said = fails(&server, &checkpoints(&["set", "mailer", "3", "--expect", "1"]), 4);
    assert!(said.contains("checkpoint \"mailer\" is at position 2, expected position 1"), "{said}");
    fails(&server, &checkpoints(&["set", "mailer", "4"]), 1);
    works(&server, &checkpoints(&["set", "biller", "1"]));
    assert_eq!(numbers(&works(&server, &checkpoints(&["list"])), "position"), [1, 2]);
    assert_eq!(numbers(&works(&server, &checkpoints(&["list", "--prefix", "m"])), "position"), [2]);
    assert_eq!(numbers(&works(&server, &checkpoints(&["wait", "mailer", "1"])), "position"), [2]);
    let said = fails(&server, &checkpoints(&["wait", "mailer", "3", "--timeout", "1s"]), 4);
    assert!(said.contains("is at position 2, and has not reached 3"), "{said}");
    works(&server, &checkpoints(&["delete", "mailer"]));
    fails(&server, &checkpoints(&["delete", "mailer"]), 3);
    fails(&server, &checkpoints(&["get", "mailer"]), 3);
}

#[tokio::test]
async fn the_log_is_counted_by_type_category_and_day() {
    let server = TestServer::start();
    let client = server.client().await;
    spread(&client, "order", 2, 5).await;
    append(&client, "loose", vec![NewEvent::new("Rare", "{}")]).await;
    let counted = works(&server, &["stats"]);
    let named = |name: &str, events: u64| json!({"name": name, "events": events});
    assert_eq!((&counted[0]["events"], &counted[0]["streams"]), (&json!(6), &json!(3)));
    assert_eq!(counted[0]["types"], json!([named("Counted", 5), named("Rare", 1)]));
    assert_eq!(counted[0]["categories"], json!([named("order", 5)]));
    let days = counted[0]["days"].as_array().expect("a list");
    assert_eq!(numbers(days, "events").iter().sum::<u64>(), 6);
}

/// An event without what belongs to the store that it lies in.
fn content(event: RecordedEvent) -> (String, u64, u64, NewEvent) {
    let new = NewEvent {
        id: event.id,
        event_type: event.event_type,
        data: event.data,
        content_type: event.content_type,
        metadata: event.metadata,
        schema_version: event.schema_version,
        correlation_id: event.correlation_id,
        causation_id: event.causation_id,
        tags: event.tags,
        occurred_at: event.occurred_at,
    };
    (event.stream, event.revision, event.position, new)
}

#[tokio::test]
async fn what_is_exported_and_imported_elsewhere_is_equal() {
    let (one, other) = (TestServer::start(), TestServer::start_with(&["--segment-events", "32"]));
    let client = one.client().await;
    spread(&client, "s", 7, 200).await;
    let odd = [
        NewEvent::new("Binary", (0..=255).collect::<Vec<u8>>()).with_content_type("application/octet-stream"),
        NewEvent::new("Pretty", "{\n  \"a\": 1.00,\r\n  \"a\": 1e2\n}"),
        NewEvent::new("Spaces", "  {}  "),
        NewEvent::new("No JSON", "half {"),
        NewEvent::new("Empty", ""),
        NewEvent::new("Null", "null"),
        NewEvent::new("Full", "\"\\u0000\u{2028}ü\"")
            .with_metadata("k\n", "\u{0}")
            .with_tags(["b", "a"])
            .with_schema_version("2")
            .with_correlation_id("c")
            .with_causation_id("d")
            .with_content_type("application/json")
            .occurred_at("1969-12-31T23:59:59.123456789Z".parse().unwrap()),
    ];
    append(&client, "ödd \"names\"", odd.to_vec()).await;
    let home = tempfile::tempdir().unwrap();
    let (first, second) = (home.path().join("first.jsonl"), home.path().join("second.jsonl"));
    let (first, second) = (first.to_str().unwrap(), second.to_str().unwrap());
    assert_eq!(works(&one, &["export", "--out", first]), [Value::Null; 0]);
    assert_eq!(std::fs::read_to_string(first).unwrap().lines().count(), 207);

    let tally = works(&other, &["import", first]);
    assert_eq!((&tally[0]["added"], &tally[0]["streams"]), (&json!(207), &json!(8)));
    let there = other.client().await;
    let contents = async |client| log(client).await.into_iter().map(content).collect::<Vec<_>>();
    assert_eq!(contents(&there).await, contents(&client).await);
    let tally = works(&other, &["import", first]);
    assert_eq!((&tally[0]["added"], &tally[0]["already_there"]), (&json!(0), &json!(207)));

    works(&other, &["export", "--out", second]);
    let without_time = |path| {
        let lines: Vec<Value> =
            std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        lines.into_iter().map(|mut line| line.as_object_mut().unwrap().remove("recorded_at").map(|_| line)).collect()
    };
    let (first, second): (Vec<_>, Vec<_>) = (without_time(first), without_time(second));
    assert_eq!(first, second);
}

#[tokio::test]
async fn an_import_stops_at_a_malformed_line_and_can_be_run_again() {
    let server = TestServer::start();
    let line = |number| format!("{{\"stream\":\"s-{}\",\"type\":\"T\",\"data\":{number}}}\n", number % 3);
    let good: String = (0..50).map(line).collect();
    let output = fed(&mut server.command(&["import", "-"]), &(good.clone() + "{\"stream\":1}\n"));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("line 51"), "{output:?}");
    let whole: String = (0..60).map(line).collect();
    let output = fed(&mut server.command(&["import", "-"]), &whole);
    let tally: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(tally["events"], 60);
    let all = log(&server.client().await).await;
    let numbers: Vec<u64> = all.iter().map(|event| event.json().unwrap()).collect();
    assert_eq!(numbers, (0..60).collect::<Vec<_>>());
}

#[tokio::test]
async fn verify_finds_nothing_in_a_good_directory() {
    let mut server = TestServer::start_with(&["--segment-events", "32"]);
    let client = server.client().await;
    spread(&client, "s", 3, 200).await;
    client.save_snapshot(SnapshotToSave::new("s-1", 5, "{}")).await.unwrap();
    append(&server.client_with_tenant("acme").await, "s", events(0..3)).await;
    let data = server.data().to_owned();
    let verify = || run(quipu(&["verify", "--data"]).arg(&data));
    assert_eq!(verify().0, Some(1), "not while a server has it");
    server.kill();
    let (code, lines) = verify();
    assert_eq!(code, Some(0), "{lines:?}");
    let told = |line: &Value| (line["tenant"].clone(), line["events"].clone(), line["damage"].clone());
    let mut told: Vec<_> = lines.iter().map(told).collect();
    told.sort_by_key(|(tenant, ..)| tenant.to_string());
    assert_eq!(told, [(json!("acme"), json!(3), json!([])), (json!("default"), json!(200), json!([]))]);
    let nowhere = run(quipu(&["verify", "--data"]).arg(data.join("tenants")));
    assert_eq!(nowhere, (Some(1), vec![]));
}

#[tokio::test]
async fn verify_names_the_file_and_offset_of_a_flipped_byte() {
    if skipped_on_sled("it writes into a segment's file") {
        return;
    }
    let mut server = TestServer::start_with(&["--segment-events", "32"]);
    spread(&server.client().await, "s", 3, 200).await;
    server.stop().await;
    let directory = server.data().join("tenants/default/log");
    let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    let mut segments: Vec<_> = files.filter(|path| path.extension() == Some("seg".as_ref())).collect();
    segments.sort_unstable();
    for segment in [&segments[0], &segments[2], segments.last().unwrap()] {
        let good = std::fs::read(segment).unwrap();
        for at in [200, good.len() / 2, 20] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(segment, bad).unwrap();
            let (code, lines) = run(quipu(&["verify", "--data"]).arg(server.data()));
            std::fs::write(segment, &good).unwrap();
            let damage = lines.first().map(|line| line["damage"].to_string()).unwrap_or_default();
            assert_eq!(code, Some(1), "byte {at} of {}: {lines:?}", segment.display());
            let name = segment.file_name().unwrap().to_str().unwrap();
            let told = damage.split("at byte ").nth(1).and_then(|rest| rest.split(':').next());
            let told: usize = told.expect("an offset").parse().expect("a number");
            assert!(damage.contains(name) && told <= at, "byte {at} of {name}: {damage}");
        }
    }
    assert_eq!(run(quipu(&["verify", "--data"]).arg(server.data())).0, Some(0), "nothing was changed");
}
