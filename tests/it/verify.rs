//! Checks of a log that is being written.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;

use serde_json::Value;

use crate::backup::flip;
use crate::events::{append, events, spread};
use crate::server::{PATIENCE, TestServer, eventually, quipu};

fn verify(server: &TestServer, code: i32) -> Value {
    let output = server.command(&["verify", "--online"]).output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("a line is JSON")
}

/// What a server counts under a name.
async fn metric(server: &TestServer, name: &str) -> f64 {
    let address = server.address();
    let answer = tokio::task::spawn_blocking(move || {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(socket, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    });
    let answer = answer.await.unwrap();
    let value = answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {name} in\n{answer}")).parse().unwrap()
}

fn files(server: &TestServer, of: &str, ending: &str) -> Vec<PathBuf> {
    let directory = server.data().join("tenants/default").join(of);
    let mut files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|path| path.extension() == Some(ending.as_ref()));
    files.sort_unstable();
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_a_running_server_finds_a_flipped_bit_while_appends_go_on() {
    let server = TestServer::start_with(&["--segment-events", "200", "--scrub-bytes-per-second", "0"]);
    let client = server.client().await;
    spread(&client, "s", 10, 1000).await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let writing = tokio::spawn(async move {
        let mut next = 0;
        while !*stopped.borrow() {
            append(&client, "w", events(next..next + 1)).await;
            next += 1;
        }
        next
    });
    let well = tokio::task::block_in_place(|| verify(&server, 0));
    assert_eq!(well["events"], well["head"], "{well}");
    assert!(well["head"].as_u64() >= Some(1000) && well["damage"] == Value::Array(Vec::new()), "{well}");
    let damaged = files(&server, "log", "seg")[1].clone();
    flip(&damaged, 7000);
    let found = tokio::task::block_in_place(|| verify(&server, 1));
    stop.send_replace(true);
    assert!(writing.await.unwrap() > 0);
    assert_eq!(found["damage"][0]["file"], damaged.to_string_lossy().as_ref(), "{found}");
    let offset = found["damage"][0]["offset"].as_u64().unwrap();
    assert!((128..=7000).contains(&offset), "the block that holds the bit: {found}");
    assert!(found["events"].as_u64() < found["head"].as_u64());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scrub_finds_damage_tells_it_once_and_mends_index_files() {
    let flags = ["--segment-events", "100", "--scrub-interval-seconds", "1", "--scrub-bytes-per-second", "1000000000"];
    let mut server = TestServer::start_with(&flags);
    let client = server.client().await;
    spread(&client, "s", 10, 500).await;
    eventually("a pass", async || metric(&server, "quipu_scrub_segments_total").await > 0.0).await;
    assert!(metric(&server, "quipu_scrub_damage_total").await == 0.0);
    let (damaged, index) = (files(&server, "log", "seg")[0].clone(), files(&server, "index", "idx")[1].clone());
    flip(&index, 300);
    let is_mended = async || server.log().iter().any(|line| line.contains("making an index file again"));
    eventually("the index file is mended", is_mended).await;
    flip(&damaged, 5000);
    eventually("the damage is met", async || metric(&server, "quipu_scrub_damage_total").await > 0.0).await;
    let passes = metric(&server, "quipu_scrub_segments_total").await;
    eventually("another pass", async || metric(&server, "quipu_scrub_segments_total").await >= passes + 8.0).await;
    assert!(metric(&server, "quipu_scrub_damage_total").await == 1.0, "it is told once");
    assert!(metric(&server, "quipu_scrub_bytes_total").await > 0.0);
    assert!(metric(&server, "quipu_scrub_last_pass_timestamp_seconds").await > 1_700_000_000.0);
    assert!(server.log().iter().any(|line| line.contains("the scrub met damage") && line.contains("at byte")));
    let found = tokio::task::block_in_place(|| verify(&server, 1));
    assert_eq!(found["scrubbed"][0]["file"], damaged.to_string_lossy().as_ref(), "{found}");
    server.stop().await;
    let offline = quipu(&["verify", "--data"]).arg(server.data()).output().unwrap();
    let offline: Value = serde_json::from_slice(&offline.stdout).expect("a line is JSON");
    assert_eq!(offline["indexes_to_make_again"], Value::Array(Vec::new()), "{offline}");
}
