//! A log in sled: what its directory holds, what it is refused with, and what it is refused for.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use quipu_client::{Client, Error, NewEvent, SnapshotToSave};

use crate::backup::{back_up, restore};
use crate::events::{append, assert_dense, event, events, head, ids, log, spread};
use crate::server::{TestServer, eventually, quipu};

const SLED: [&str; 4] = ["--log", "sled", "--segment-events", "64"];

fn database(data: &Path) -> PathBuf {
    data.join("tenants/default/log/sled")
}

/// Starts a server that is to fail, and returns what it says.
fn refused(data: &Path, log: &str) -> String {
    let mut command = quipu(&["serve", "--listen", "127.0.0.1:0", "--log", log, "--data"]);
    let output = command.arg(data).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    said
}

fn run(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Every file below a directory, with its bytes; sorted.
fn files(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            all.extend(files(&entry));
        } else {
            all.push((entry.clone(), std::fs::read(entry).unwrap()));
        }
    }
    all.sort_unstable();
    all
}

fn copy(from: &Path, to: &Path) {
    for (file, bytes) in files(from) {
        let there = to.join(file.strip_prefix(from).unwrap());
        std::fs::create_dir_all(there.parent().unwrap()).unwrap();
        std::fs::write(there, bytes).unwrap();
    }
}

/// Events of all sizes in many segments, and a snapshot.
async fn fill(client: &Client) {
    spread(client, "s", 7, 300).await;
    append(client, "batch", events(0..200)).await;
    let large = [5_999, 6_000, 6_001, 300_000].map(|bytes| NewEvent::new("Large", vec![7; bytes]));
    append(client, "large", large.to_vec()).await;
    client.save_snapshot(SnapshotToSave::new("s-1", 5, "{}")).await.unwrap();
}

#[tokio::test]
async fn a_log_in_sled_outlives_kills_and_stops_and_is_no_segment_file() {
    let mut server = TestServer::start_with(&SLED);
    let client = server.client().await;
    assert_eq!(client.server_info().await.unwrap().engine, "sled");
    assert_eq!(server.log().iter().filter(|line| line.contains("the log lies in sled")).count(), 1);
    fill(&client).await;
    let before = log(&client).await;
    assert_dense(&before);
    for round in 0..4 {
        if round % 2 == 0 {
            server.kill()
        } else {
            server.stop().await
        }
        server.run();
        let after = log(&server.client().await).await;
        assert_eq!(ids(&after), ids(&before));
        assert!(after.iter().zip(&before).all(|(after, before)| after.data == before.data), "other bytes");
    }
    assert_eq!(server.client().await.list_snapshots("s-1").await.unwrap().len(), 1);
    append(&server.client().await, "s-1", vec![event(0)]).await;
    server.kill();
    let names = files(server.data()).into_iter().map(|(path, _)| path);
    let segments: Vec<_> = names.filter(|path| path.extension() == Some("seg".as_ref())).collect();
    assert!(segments.is_empty(), "{segments:?}");
    assert_eq!(std::fs::read_dir(database(server.data()).join("blobs")).unwrap().count(), 0);
    let (code, told) = run(quipu(&["verify", "--data"]).arg(server.data()));
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains(&format!("\"events\":{}", before.len() + 1)), "{told}");
}

#[tokio::test]
async fn a_directory_is_served_with_what_its_logs_lie_in_and_nothing_else() {
    for (is, other) in [("sled", "segments"), ("segments", "sled")] {
        let mut server = TestServer::start_with(&["--log", is]);
        append(&server.client().await, "s", events(0..3)).await;
        server.stop().await;
        let before = files(server.data());
        let said = refused(server.data(), other);
        assert!(said.contains(&format!("lie in {is}: serve it with `--log {is}`")), "{said}");
        assert!(files(server.data()) == before, "something was touched");
        server.run();
        assert_eq!(head(&server.client().await).await, 3);
    }
}

#[tokio::test]
async fn a_database_that_sled_can_not_open_is_refused_and_left_as_it_is() {
    let mut server = TestServer::start_with(&SLED);
    fill(&server.client().await).await;
    let before = head(&server.client().await).await;
    server.stop().await;
    let settings = database(server.data()).join("conf");
    let good = std::fs::read(&settings).unwrap();
    std::fs::write(&settings, "nothing that sled wrote").unwrap();
    let there = files(server.data());
    let said = refused(server.data(), "sled");
    assert!(said.contains("log/sled"), "{said}");
    assert!(files(server.data()) == there, "something was touched");
    std::fs::write(&settings, good).unwrap();
    // What is left when a start is killed in the middle, and sled can not open with.
    std::fs::write(database(server.data()).join("snap.0000000000FFFFFF.generating"), "half").unwrap();
    server.run();
    assert_eq!(head(&server.client().await).await, before);
}

#[tokio::test]
async fn a_database_of_a_tenant_that_sled_can_not_open_is_told_as_damage_and_the_others_are_served() {
    let mut server = TestServer::start_with(&SLED);
    append(&server.client().await, "s", events(0..3)).await;
    append(&server.client_with_tenant("acme").await, "s", events(0..3)).await;
    server.stop().await;
    let settings = server.data().join("tenants/acme/log/sled/conf");
    let good = std::fs::read(&settings).unwrap();
    std::fs::write(&settings, "nothing that sled wrote").unwrap();
    server.run();
    let read = server.client_with_tenant("acme").await.get_event_at(1).await;
    assert!(matches!(read, Err(Error::DataLoss(_))), "{read:?}");
    let says_where = async || server.log().iter().any(|line| line.contains("tenants/acme/log/sled"));
    eventually("it says where", says_where).await;
    assert_eq!(head(&server.client().await).await, 3);
    server.stop().await;
    std::fs::write(&settings, good).unwrap();
    server.run();
    assert_eq!(head(&server.client_with_tenant("acme").await).await, 3);
}

#[tokio::test]
async fn a_database_that_is_behind_what_was_acknowledged_is_refused() {
    let mut server = TestServer::start_with(&SLED);
    let client = server.client().await;
    append(&client, "s", events(0..3)).await;
    server.stop().await;
    let (now, older) = (database(server.data()), server.data().join("older"));
    copy(&now, &older);
    server.run();
    append(&client, "s", events(0..3)).await;
    server.stop().await;
    let newer = server.data().join("newer");
    std::fs::rename(&now, &newer).unwrap();
    std::fs::rename(&older, &now).unwrap();
    std::fs::create_dir_all(now.join("blobs")).unwrap();
    let said = refused(server.data(), "sled");
    assert!(said.contains("damage in") && said.contains("acknowledged"), "{said}");
    let (code, told) = run(quipu(&["verify", "--data"]).arg(server.data()));
    assert_eq!(code, Some(1), "{told}");
    std::fs::remove_dir_all(&now).unwrap();
    let said = refused(server.data(), "sled");
    assert!(said.contains("there is a mark, but no segment"), "{said}");
    std::fs::remove_dir_all(&now).unwrap();
    std::fs::rename(&newer, &now).unwrap();
    server.run();
    assert_eq!(head(&client).await, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_sled_is_backed_up_and_restored_into_either() {
    let server = TestServer::start_with(&SLED);
    let client = server.client().await;
    fill(&client).await;
    let source = log(&client).await;
    let to = server.data().join("backup");
    tokio::task::block_in_place(|| back_up(&server, &to));
    for engine in ["sled", "segments"] {
        let data = server.data().join(format!("restored-{engine}"));
        tokio::task::block_in_place(|| restore(&to, &data, &["--log", engine]));
        let tenant = data.join("tenants/default");
        // As it is when a restore is ended in the middle.
        std::fs::rename(tenant.join("log"), tenant.join("log.restored")).unwrap();
        let said = refused(&data, engine);
        assert!(said.contains("log.restored") && said.contains("run it again"), "{said}");
        tokio::task::block_in_place(|| restore(&to, &data, &["--to-position", "250"]));
        let restored = TestServer::start_in(&data, &["--log", engine]);
        let copy = log(&restored.client().await).await;
        assert_eq!(ids(&copy), ids(&source[..copy.len()]), "{engine}");
        assert!((230..=250).contains(&copy.len()), "{engine}: {}", copy.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_sled_is_repaired_by_a_cut() {
    let mut server = TestServer::start_with(&SLED);
    let client = server.client().await;
    fill(&client).await;
    let kept = head(&client).await;
    server.stop().await;
    let older = server.data().join("older");
    copy(&database(server.data()), &older);
    server.run();
    append(&client, "s-1", events(0..3)).await;
    server.stop().await;
    std::fs::remove_dir_all(database(server.data())).unwrap();
    copy(&older, &database(server.data()));
    std::fs::create_dir_all(database(server.data()).join("blobs")).unwrap();
    let (code, told) = run(quipu(&["repair", "--data"]).arg(server.data()));
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains(&format!("\"first_lost_position\":{}", kept + 1)), "{told}");
    assert!(told.contains(&format!("\"last_lost_position\":{}", kept + 3)), "{told}");
    let (code, told) = run(quipu(&["repair", "--cut", "--apply", "--data"]).arg(server.data()));
    assert_eq!(code, Some(0), "{told}");
    server.run();
    assert_eq!(head(&server.client().await).await, kept);
    append(&server.client().await, "s-1", events(0..3)).await;
    assert_dense(&log(&server.client().await).await);
}
