//! What a server does not start with, what it says then, and what it starts with after all.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::events::{append, events, head};
use crate::server::{TestServer, quipu, skipped_on_sled};

/// A server that is to fail at the start.
fn serve(data: &Path, more: &[&str]) -> Command {
    let mut command = quipu(&["serve", "--listen", "127.0.0.1:0", "--data"]);
    command.arg(data).args(more).stdin(Stdio::null());
    command
}

/// Asserts that a command fails and that standard error says all of this.
#[track_caller]
fn assert_fails(command: &mut Command, says: &[&str]) -> Output {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(matches!(output.status.code(), Some(1 | 2)), "{:?}: {said}", output.status);
    for word in says {
        assert!(said.contains(word), "{word:?} is not in {said:?}");
    }
    output
}

#[tokio::test]
async fn a_second_server_on_the_same_directory_is_refused() {
    let mut server = TestServer::start();
    let client = server.client().await;
    append(&client, "s", events(0..3)).await;
    let output = assert_fails(&mut serve(server.data(), &[]), &["another process serves"]);
    assert_eq!(output.status.code(), Some(1));
    append(&client, "s", events(0..3)).await;
    server.kill();
    let again = TestServer::start_in(server.data(), &[]);
    assert_eq!(head(&again.client().await).await, 6, "a lock dies with its holder");
}

#[test]
fn a_server_on_a_port_that_is_taken_is_refused() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let home = tempfile::tempdir().unwrap();
    let mut command = quipu(&["serve", "--listen", &address, "--data"]);
    assert_fails(command.arg(home.path().join("data")), &["can not listen on", &address]);
}

#[tokio::test]
async fn a_directory_of_a_newer_format_is_refused_and_left_as_it_is() {
    let mut server = TestServer::start();
    append(&server.client().await, "s", events(0..3)).await;
    server.stop().await;
    let format = server.data().join("FORMAT");
    let ours = std::fs::read(&format).unwrap();
    for (newer, says) in [("quipu 99\n", "format 99"), ("something else\n", "FORMAT")] {
        std::fs::write(&format, newer).unwrap();
        assert_fails(&mut serve(server.data(), &[]), &[says]);
        assert_eq!(std::fs::read_to_string(&format).unwrap(), newer);
    }
    std::fs::write(&format, ours).unwrap();
    server.run();
    assert_eq!(head(&server.client().await).await, 3);
}

#[test]
fn a_directory_of_other_things_is_refused() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("cat.jpg"), "miaow").unwrap();
    assert_fails(&mut serve(home.path(), &[]), &["neither empty nor a data directory"]);
    let file = home.path().join("cat.jpg");
    assert_fails(&mut serve(&file, &[]), &["cat.jpg"]);
    assert_eq!(std::fs::read_to_string(file).unwrap(), "miaow");
}

/// Marks a segment as written by another format.
fn mark_segment(path: &Path, format: u16, min_reader: u16) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[8..10].copy_from_slice(&format.to_be_bytes());
    bytes[10..12].copy_from_slice(&min_reader.to_be_bytes());
    let checksum = crc32c::crc32c(&bytes[..124]);
    bytes[124..128].copy_from_slice(&checksum.to_be_bytes());
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_segment_that_only_a_newer_program_can_read_is_refused() {
    if skipped_on_sled("it writes into a segment's file") {
        return;
    }
    let mut server = TestServer::start();
    append(&server.client().await, "s", events(0..3)).await;
    server.stop().await;
    let directory = server.data().join("tenants/default/log");
    let mut files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    let segment = files.find(|path| path.extension() == Some("seg".as_ref())).unwrap();
    mark_segment(&segment, 9, 9);
    let before = std::fs::read(&segment).unwrap();
    let name = segment.file_name().unwrap().to_str().unwrap();
    assert_fails(&mut serve(server.data(), &[]), &[name, "9"]);
    assert_eq!(std::fs::read(&segment).unwrap(), before);
    mark_segment(&segment, 9, 1);
    server.run();
    assert_eq!(head(&server.client().await).await, 3, "one that is newer but readable is read");
}

#[test]
fn a_knob_that_nobody_knows_is_an_error_wherever_it_is_set() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let output = assert_fails(&mut serve(&data, &["--segment-size", "1"]), &["--segment-size"]);
    assert_eq!(output.status.code(), Some(2));
    assert_fails(serve(&data, &[]).env("QUIPU_SEGMENT_SIZE", "1"), &["QUIPU_SEGMENT_SIZE"]);
    let file = home.path().join("quipu.toml");
    std::fs::write(&file, "segment_size = 1\n").unwrap();
    assert_fails(&mut serve(&data, &["--config", file.to_str().unwrap()]), &["quipu.toml", "segment_size"]);
    let missing = home.path().join("missing.toml");
    assert_fails(&mut serve(&data, &["--config", missing.to_str().unwrap()]), &["missing.toml"]);
    assert!(!data.exists(), "nothing was made");
}

#[test]
fn a_knob_out_of_its_bounds_is_an_error_that_names_them() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    for (flag, value, says) in [
        ("--segment-bytes", "100", "4 KiB to 2 GiB"),
        ("--heartbeat-seconds", "0", "at least 1"),
        ("--append-bytes", "999999999999", "256 MiB"),
        ("--log-level", "info,=", "log level"),
        ("--listen", "nowhere", "nowhere"),
    ] {
        let mut command = quipu(&["serve", "--data"]);
        assert_fails(command.arg(&data).args([flag, value]).stdin(Stdio::null()), &[says]);
    }
    assert!(!data.exists(), "nothing was made");
}

#[tokio::test]
async fn knobs_count_as_flag_then_variable_then_file_and_the_start_line_tells_all() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("quipu.toml");
    std::fs::write(&file, "segment_events = 100\nheartbeat_seconds = 7\nqueue_bytes = 33554432\n").unwrap();
    let server = TestServer::start_with(&["--config", file.to_str().unwrap(), "--segment-events", "50"]);
    let lines = server.log();
    let start: serde_json::Value = lines
        .iter()
        .map(|line| serde_json::from_str(line).expect("every line is JSON"))
        .find(|line: &serde_json::Value| line["fields"]["message"] == "listening")
        .unwrap();
    let config = start["fields"]["config"].as_str().unwrap();
    let data = format!("data={}", server.data().display());
    let effective = ["segment_events=50", "heartbeat_seconds=7", "queue_bytes=33554432", "drain_seconds=10", &data];
    for knob in effective {
        assert!(config.split(' ').any(|told| told == knob), "{knob} is not in {config}");
    }
    assert_eq!(start["fields"]["version"], env!("CARGO_PKG_VERSION"));
    let limits = server.client().await.server_info().await.unwrap().limits;
    assert_eq!(limits.heartbeat_interval.map(|interval| interval.seconds), Some(7));
}

#[tokio::test]
async fn a_server_in_memory_works_and_leaves_no_files() {
    let mut server = TestServer::start_with(&["--in-memory", "--segment-events", "16"]);
    let client = server.client().await;
    crate::events::spread(&client, "s", 3, 100).await;
    client.save_snapshot(quipu_client::SnapshotToSave::new("s-1", 5, "{}")).await.unwrap();
    let all = crate::events::log(&client).await;
    crate::events::assert_dense(&all);
    assert_eq!((all.len(), client.list_snapshots("s-1").await.unwrap().len()), (100, 1));
    let info = client.server_info().await.unwrap();
    assert_eq!((info.engine.as_str(), info.durability.as_str()), ("memory", "volatile"));
    assert!(!server.data().exists());
    server.restart().await;
    assert_eq!(head(&client).await, 0, "nothing outlives the process");
    assert!(!server.data().exists());
}
