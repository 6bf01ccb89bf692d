//! Copies of a log that is being written, and logs made of them.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use quipu_client::{BackupPart, Client, Expected, RecordedEvent};
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::events::{append, assert_dense, events, head, log, spread};
use crate::server::{TestServer, quipu, within};

/// The line that a backup printed.
#[track_caller]
pub(crate) fn back_up(server: &TestServer, to: &Path) -> Value {
    let output = server.command(&["backup", "--to"]).arg(to).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("a line is JSON")
}

/// The line that a restore printed.
#[track_caller]
pub(crate) fn restore(from: &Path, data: &Path, more: &[&str]) -> Value {
    let output = quipu(&["restore", "--from"]).arg(from).arg("--data").arg(data).args(more).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("a line is JSON")
}

/// What a restore that fails says.
#[track_caller]
fn refused(from: &Path, data: &Path) -> String {
    let output = quipu(&["restore", "--from"]).arg(from).arg("--data").arg(data).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn number(line: &Value, key: &str) -> u64 {
    line[key].as_u64().unwrap_or_else(|| panic!("no {key} in {line}"))
}

/// The files of a backup that end so, sorted.
fn files(to: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(to.join("default")).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|path| path.to_string_lossy().ends_with(ending));
    files.sort_unstable();
    files
}

async fn served(data: &Path) -> (TestServer, Client, Vec<RecordedEvent>) {
    let server = TestServer::start_in(data, &[]);
    let client = server.client().await;
    let log = log(&client).await;
    (server, client, log)
}

/// Restores a backup, and compares what a server makes of it with the log of another.
async fn assert_restores(to: &Path, data: &Path, source: &Client) {
    tokio::task::block_in_place(|| restore(to, data, &[]));
    let (_restored, _, copy) = served(data).await;
    assert_eq!(copy, log(source).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_is_the_log_up_to_its_position_event_by_event() {
    const WRITERS: u64 = 64;
    let home = TempDir::new().unwrap();
    let server = TestServer::start_with(&["--segment-events", "500"]);
    let client = server.client().await;
    append(&client, "first", events(0..700)).await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (client, stopped) = (client.clone(), stopped.clone());
        writers.spawn(async move {
            let stream = format!("w-{writer}");
            let mut next = 0;
            while !*stopped.borrow() {
                append(&client, &stream, events(next..next + 3)).await;
                next += 3;
            }
        });
    }
    let to = home.path().join("backup");
    let (first, again) = tokio::task::block_in_place(|| (back_up(&server, &to), back_up(&server, &to)));
    stop.send_replace(true);
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    let source = log(&client).await;
    assert!(number(&again, "head") > number(&first, "head"), "the load went on: {first} {again}");
    assert_eq!(restore(&to, &home.path().join("data"), &[])["is_cut"], false);
    let (restored, there, copy) = served(&home.path().join("data")).await;
    assert_eq!(copy.len() as u64, number(&again, "head"));
    assert_eq!(copy, source[..copy.len()]);
    assert_eq!(there.server_info().await.unwrap().log_id, client.server_info().await.unwrap().log_id);
    append(&there, "later", events(0..5)).await;
    assert_eq!(log(&there).await.len(), copy.len() + 5);
    drop(restored);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_backup_copies_what_is_new() {
    let home = TempDir::new().unwrap();
    let server = TestServer::start_with(&["--segment-events", "1000"]);
    let client = server.client().await;
    for batch in 0..100 {
        append(&client, "s", events(batch * 100..batch * 100 + 100)).await;
    }
    let to = home.path().join("backup");
    let whole = tokio::task::block_in_place(|| back_up(&server, &to));
    assert_eq!(number(&whole, "received_bytes"), number(&whole, "bytes"));
    append(&client, "s", events(10_000..10_100)).await;
    let more = tokio::task::block_in_place(|| back_up(&server, &to));
    let (received, all) = (number(&more, "received_bytes"), number(&more, "bytes"));
    assert!(received > all / 200 && received < all / 50, "{received} of {all} bytes for 1 % of new events");
    let nothing = tokio::task::block_in_place(|| back_up(&server, &to));
    assert_eq!(number(&nothing, "received_bytes"), 0);
    assert_restores(&to, &home.path().join("data"), &client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_broke_goes_on_behind_what_it_has() {
    let home = TempDir::new().unwrap();
    let server = TestServer::start_with(&["--segment-events", "200"]);
    let client = server.client().await;
    spread(&client, "s", 10, 1000).await;
    let to = home.path().join("backup");
    let whole = tokio::task::block_in_place(|| back_up(&server, &to));
    // What a broken transfer leaves: whole segments, a part of the next one, and no manifest.
    std::fs::remove_file(to.join("default/manifest.json")).unwrap();
    let segments = files(&to, ".seg");
    assert!(segments.len() >= 4, "{segments:?}");
    let part = segments[2].with_added_extension("part");
    std::fs::rename(&segments[2], &part).unwrap();
    let half = std::fs::metadata(&part).unwrap().len() / 2;
    std::fs::OpenOptions::new().write(true).open(&part).unwrap().set_len(half).unwrap();
    for later in &segments[3..] {
        std::fs::remove_file(later).unwrap();
    }
    let rest = tokio::task::block_in_place(|| back_up(&server, &to));
    let kept: u64 = segments[..2].iter().map(|path| std::fs::metadata(path).unwrap().len()).sum();
    assert!(half > 0 && number(&rest, "received_bytes") == number(&whole, "bytes") - kept - half, "{rest} {whole}");
    assert!(files(&to, ".part").is_empty());
    assert_restores(&to, &home.path().join("data"), &client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_another_log_is_left_alone_and_one_that_rotted_is_mended_when_it_is_checked() {
    let home = TempDir::new().unwrap();
    let server = TestServer::start_with(&["--segment-events", "200"]);
    let client = server.client().await;
    spread(&client, "s", 10, 600).await;
    let to = home.path().join("backup");
    tokio::task::block_in_place(|| back_up(&server, &to));
    let other = TestServer::start();
    append(&other.client().await, "s", events(0..3)).await;
    let output = other.command(&["backup", "--to"]).arg(&to).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{output:?}");

    flip(&files(&to, ".seg")[0], 5000);
    let output = server.command(&["backup", "--check", "--to"]).arg(&to).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_restores(&to, &home.path().join("data"), &client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_nobody_reads_on_holds_up_no_append() {
    let server = TestServer::start();
    let client = server.client().await;
    for batch in 0..20_u8 {
        let big = quipu_client::NewEvent::new("Big", vec![batch; 1 << 20]);
        client.append("big", Expected::Any, vec![big]).await.unwrap();
    }
    let mut stalled = client.backup(&[]).await.unwrap();
    assert!(matches!(stalled.next().await, Ok(BackupPart::Plan(_))));
    let others = server.client().await;
    within("appends beside a stalled backup", async {
        for number in 0..200 {
            append(&others, "s", events(number..number + 1)).await;
        }
    })
    .await;
    let mut bytes = 0;
    let manifest = loop {
        match stalled.next().await.unwrap() {
            BackupPart::Chunk { data, .. } => bytes += data.len() as u64,
            BackupPart::Manifest(manifest) => break manifest,
            BackupPart::Plan(plan) => panic!("a second plan: {plan:?}"),
        }
    };
    assert_eq!((manifest.head, bytes), (20, manifest.segments[0].bytes), "what came later is not in it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_restored_up_to_a_position_or_a_time_in_whole_appends() {
    let home = TempDir::new().unwrap();
    let server = TestServer::start_with(&["--segment-events", "50"]);
    let client = server.client().await;
    for batch in 0..60 {
        append(&client, &format!("s-{}", batch % 7), events(batch * 5..batch * 5 + 5)).await;
    }
    let source = log(&client).await;
    let to = home.path().join("backup");
    tokio::task::block_in_place(|| back_up(&server, &to));
    let log_id = client.server_info().await.unwrap().log_id;
    let time = source[122].recorded_at.to_rfc3339();
    let until_then = source.iter().filter(|event| event.recorded_at <= source[122].recorded_at).count();
    let cases = [
        ("--to-position", "123", 120),
        ("--to-position", "50", 50),
        ("--to-position", "300", 300),
        ("--to-position", "4", 0),
        ("--to-time", time.as_str(), until_then),
    ];
    for (index, (flag, value, events)) in cases.into_iter().enumerate() {
        let data = home.path().join(format!("data-{index}"));
        let told = tokio::task::block_in_place(|| restore(&to, &data, &[flag, value]));
        assert_eq!(number(&told, "head"), events as u64, "{flag} {value}: {told}");
        let (mut server, there, copy) = served(&data).await;
        assert_eq!(copy, source[..events], "{flag} {value}");
        assert_eq!(
            there.server_info().await.unwrap().log_id == log_id,
            events == 300,
            "a cut log has an id of its own"
        );
        append(&there, "s-0", crate::events::events(0..40)).await;
        assert_dense(&log(&there).await);
        server.stop().await;
        let verified = quipu(&["verify", "--data"]).arg(&data).output().unwrap();
        assert!(verified.status.success(), "{verified:?}");
    }
}

/// Flips a bit of a file.
pub(crate) fn flip(path: &Path, at: u64) {
    use std::os::unix::fs::FileExt;
    let file = std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 4], at).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_backup_is_refused_with_file_and_offset_and_leaves_nothing() {
    let home = TempDir::new().unwrap();
    let server = TestServer::start_with(&["--segment-events", "200"]);
    let client = server.client().await;
    spread(&client, "s", 10, 500).await;
    let to = home.path().join("backup");
    tokio::task::block_in_place(|| back_up(&server, &to));
    let (data, segments) = (home.path().join("data"), files(&to, ".seg"));
    for path in &segments {
        let at = std::fs::metadata(path).unwrap().len() / 2;
        flip(path, at);
        let said = refused(&to, &data);
        assert!(said.contains(&*path.to_string_lossy()) && said.contains("at byte "), "{said}");
        assert!(!data.exists(), "nothing was written");
        flip(path, at);
    }
    restore(&to, &data, &[]);
    assert!(refused(&to, &data).contains("tenant default is there already"));
    assert_eq!(served(&data).await.2.len() as u64, head(&client).await);
}
