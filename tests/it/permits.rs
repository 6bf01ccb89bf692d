//! Real events: a file of permit receipts, imported twice.
//!
//! Needs the file of receipts, next to the checkout or named by `QUIPU_PERMITS`. Where it is missing
//! the test says that it is skipped.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;

use flate2::read::MultiGzDecoder;
use serde_json::Value;

use crate::events::{assert_dense, log, stream};
use crate::server::TestServer;

const EVENTS: usize = 8_577;
const STREAMS: usize = 1_434;

pub(crate) fn file() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/permit-receipts.jsonl.gz");
    let path = std::env::var_os("QUIPU_PERMITS").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    path.exists().then_some(path)
}

pub(crate) fn lines(path: &PathBuf) -> Vec<Value> {
    let file = BufReader::new(MultiGzDecoder::new(std::fs::File::open(path).unwrap()));
    file.lines().map(|line| serde_json::from_str(&line.unwrap()).expect("JSON")).collect()
}

fn import(server: &TestServer, path: &PathBuf) -> Value {
    let output = server.command(&["import"]).arg(path).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[tokio::test]
async fn real_events_are_imported_once_and_come_back_in_the_order_of_the_file() {
    let Some(path) = file() else {
        let _ = writeln!(std::io::stderr(), "skipped: the import of real events, since there is no file of them");
        return;
    };
    let lines = lines(&path);
    assert_eq!(lines.len(), EVENTS);
    let mut server = TestServer::start_with(&["--segment-bytes", "1000000"]);
    let tally = import(&server, &path);
    assert_eq!((&tally["events"], &tally["added"]), (&EVENTS.into(), &EVENTS.into()));
    assert_eq!(tally["streams"], STREAMS);
    let client = server.client().await;
    for round in 0..2 {
        let all = log(&client).await;
        assert_dense(&all);
        assert_eq!(all.len(), EVENTS);
        let mut by_stream: HashMap<&str, Vec<&Value>> = HashMap::new();
        for (event, line) in all.iter().zip(&lines) {
            assert_eq!((event.stream.as_str(), event.event_type.as_str()), (text(line, "stream"), text(line, "type")));
            assert_eq!(event.json::<Value>().unwrap(), line["data"], "at position {}", event.position);
            by_stream.entry(text(line, "stream")).or_default().push(&line["data"]);
        }
        assert_eq!(by_stream.len(), STREAMS);
        for (name, expected) in by_stream {
            let read = stream(&client, name).await;
            let read: Vec<Value> = read.iter().map(|event| event.json().unwrap()).collect();
            assert_eq!(read.iter().collect::<Vec<_>>(), expected, "{name}");
        }
        assert_eq!(client.all_streams("").await.unwrap().len(), STREAMS);
        if round == 0 {
            let tally = import(&server, &path);
            assert_eq!((&tally["added"], &tally["already_there"]), (&0.into(), &EVENTS.into()));
            server.restart().await;
        }
    }
}

pub(crate) fn text<'a>(line: &'a Value, key: &str) -> &'a str {
    line[key].as_str().expect("a text")
}
