//! `quipu bench --mix`: a workload of the user's own against a running server, and what is told of it.

use std::process::Stdio;

use quipu_client::ReadAll;
use serde_json::{Value, json};

use crate::server::{TestServer, quipu};

/// What every run has: it is short, and small.
const SHORT: [&str; 6] = ["--seconds", "1", "--warm-up", "0", "--in-flight", "4"];

/// Runs a bench against the server; returns its exit code, and what it printed and said.
fn bench(server: &TestServer, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = quipu(&["bench", "--endpoint", &server.endpoint()]);
    let output = command.args(args).args(SHORT).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// The same with `--json`; returns the lines.
#[track_caller]
fn measured(server: &TestServer, args: &[&str], code: i32) -> (String, Vec<Value>) {
    let (ended, printed, said) = bench(server, &[args, &["--json"]].concat());
    assert_eq!(ended, Some(code), "{printed}{said}");
    let lines = printed.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    (printed, lines)
}

#[track_caller]
fn row<'a>(lines: &'a [Value], workload: &str) -> &'a Value {
    lines.iter().find(|line| line["workload"] == workload).unwrap_or_else(|| panic!("no {workload}: {lines:?}"))
}

#[tokio::test]
async fn a_mix_does_what_it_says_and_every_event_is_delivered() {
    let server = TestServer::start();
    let mix = ["--mix", "append=4,read-stream=2,read-all=1,query=1", "--streams", "20", "--skew", "zipf"];
    let events = ["--payload-bytes", "64..200", "--events-per-append", "3", "--tags", "2", "--subscribers", "2"];
    let (_, lines) = measured(&server, &[&mix[..], &events].concat(), 0);
    let setup = &lines[0]["setup"];
    assert_eq!(
        (&setup["mix"], &setup["rate"], &setup["payload_bytes"], &setup["streams"]),
        (&json!("append=4,read-stream=2,read-all=1,query=1"), &json!("closed loop"), &json!("64..200"), &json!(20))
    );
    let mut calls = 0;
    for workload in ["append", "read-stream", "read-all", "query"] {
        let row = row(&lines, workload);
        assert_eq!((&row["errors"], &row["in_flight"], &row["unit"]), (&json!(0), &json!(4), &json!("calls")));
        assert!(row["count"].as_u64() > Some(0) && row["p50_us"].as_f64() <= row["p999_us"].as_f64(), "{row}");
        calls += row["count"].as_u64().unwrap();
    }
    assert_eq!(row(&lines, "all calls")["count"], json!(calls));
    let delivery = row(&lines, "delivery");
    assert_eq!((&delivery["errors"], &delivery["in_flight"]), (&json!(0), &json!(2)));

    let log = server.client().await.read_all(ReadAll::new()).await.unwrap().collect().await.unwrap();
    let sizes = || log.iter().map(|event| event.data.len());
    assert_eq!((sizes().min(), sizes().max()), (Some(64), Some(200)));
    assert!(log.iter().all(|event| event.tags.len() == 2 && event.stream.starts_with("bench-")));
    assert!(log.len().is_multiple_of(3), "three to an append: {}", log.len());
}

#[test]
fn an_open_loop_is_held_against_an_earlier_one() {
    let server = TestServer::start();
    let (printed, lines) = measured(&server, &["--mix", "append", "--rate", "40"], 0);
    let open_loop = &lines.last().unwrap()["open_loop"];
    assert_eq!((&open_loop["rate"], &open_loop["due"]), (&json!(40), &json!(40)));
    let begun = 40 - open_loop["not_begun"].as_u64().unwrap();
    assert_eq!(row(&lines, "append")["count"], json!(begun), "what was due is measured or told as not begun");

    let home = tempfile::tempdir().unwrap();
    let earlier = home.path().join("earlier.json");
    std::fs::write(&earlier, printed).unwrap();
    let compare = ["--mix", "append", "--rate", "80", "--compare", earlier.to_str().unwrap()];
    let (code, printed, said) = bench(&server, &compare);
    assert_eq!(code, Some(0), "{said}");
    assert!(printed.contains("80  (was 40)") && !printed.contains("skew  uniform  (was"), "{printed}");
    let (_, lines) = measured(&server, &compare, 0);
    assert_eq!(lines[0]["differs"], json!({"rate": {"now": 80, "earlier": 40}}));
    let ratios = &row(&lines, "append")["ratios"];
    assert!(ratios["per_second"].as_f64() > Some(1.0) && ratios["p99_us"].is_number(), "{ratios}");
}

#[test]
fn refusals_are_counted_by_their_code() {
    let server = TestServer::start_with(&["--data-bytes", "100"]);
    let (_, lines) = measured(&server, &["--mix", "append", "--payload-bytes", "101"], 1);
    let append = row(&lines, "append");
    assert!(append["errors"].as_u64() > Some(0) && append["count"] == json!(0), "{append}");
    assert_eq!(append["errors_by_code"], json!({"INVALID_ARGUMENT": append["errors"]}));
}

#[test]
fn calls_that_meet_on_a_guarded_stream_are_no_failure() {
    let server = TestServer::start();
    for guard in ["revision", "query"] {
        let one_stream = ["--mix", "append", "--guard", guard, "--tags", "1", "--streams", "1"];
        let (_, lines) = measured(&server, &one_stream, 0);
        let append = row(&lines, "append");
        assert!(append["errors"].as_u64() > Some(0) && append["count"].as_u64() > Some(0), "{append}");
        assert_eq!(append["errors_by_code"], json!({"FAILED_PRECONDITION": append["errors"]}));
    }
}

#[test]
fn a_file_that_is_no_run_is_refused_before_anything_is_measured() {
    let server = TestServer::start();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("table.txt");
    std::fs::write(&file, "| a | table |").unwrap();
    let (code, printed, said) = bench(&server, &["--mix", "append", "--compare", file.to_str().unwrap()]);
    assert_eq!((code, printed.as_str()), (Some(1), ""));
    assert!(said.contains("table.txt is no output of `quipu bench --json`: line 1"), "{said}");
}
