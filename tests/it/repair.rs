//! Logs that a start refuses, and what is done about them.

use std::path::{Path, PathBuf};

use quipu_client::{ReadModelWrite, SnapshotToSave};
use serde_json::Value;

use crate::backup::flip;
use crate::events::{append, assert_dense, events, log, spread, stream};
use crate::server::{TestServer, quipu};

/// The line that a repair printed.
#[track_caller]
fn repair(data: &Path, more: &[&str], code: i32) -> Value {
    let output = quipu(&["repair", "--data"]).arg(data).args(more).output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("a line is JSON")
}

fn log_files(data: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let directory = data.join("tenants/default/log");
    let mut files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort_unstable();
    files.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_loses_what_it_said_and_keeps_everything_aside() {
    let mut server = TestServer::start_with(&["--segment-events", "100"]);
    let client = server.client().await;
    spread(&client, "s", 10, 350).await;
    client.save_snapshot(SnapshotToSave::new("s-1", 3, "{}".to_owned())).await.unwrap();
    append(&client, "last", events(0..7)).await;
    let source = log(&client).await;
    let log_id = client.server_info().await.unwrap().log_id;
    server.stop().await;
    let data = server.data().to_owned();
    let before = log_files(&data);
    let newest = before.iter().rfind(|(path, _)| path.extension() == Some("seg".as_ref())).unwrap();
    // The mark of the clean stop vouches for the last block, which is the one of `last`.
    flip(&newest.0, newest.1.len() as u64 - 20);
    let damaged = log_files(&data);

    let told = repair(&data, &[], 0);
    assert_eq!((&told["action"], &told["head"]), (&"cut".into(), &350.into()), "{told}");
    let lost = &told["lost"];
    assert_eq!((&lost["first_lost_position"], &lost["last_lost_position"]), (&351.into(), &357.into()), "{told}");
    assert_eq!(lost["streams"]["last"], 6, "of seven events, one is not readable: {told}");
    repair(&data, &["--apply"], 1);
    assert_eq!(log_files(&data), damaged, "nothing was changed so far");
    repair(&data, &["--apply", "--cut"], 0);
    let aside = data.join(format!("tenants/default/quarantine/log-{log_id}"));
    for (path, bytes) in &damaged {
        assert_eq!(&std::fs::read(aside.join(path.file_name().unwrap())).unwrap(), bytes, "{path:?}");
    }

    server.run();
    let client = server.client().await;
    assert_eq!(log(&client).await, source[..350]);
    assert_ne!(client.server_info().await.unwrap().log_id, log_id);
    assert_eq!(client.get_snapshot("s-1", None).await.unwrap().map(|snapshot| snapshot.revision), Some(3));
    append(&client, "last", events(0..3)).await;
    assert_eq!(stream(&client, "last").await.len(), 3);
    assert_dense(&log(&client).await);
    server.stop().await;
    assert_eq!(repair(&data, &[], 0)["action"], "none");
}

#[tokio::test(flavor = "multi_thread")]
async fn read_models_of_lost_events_go_aside_with_a_cut() {
    let mut server = TestServer::start();
    let client = server.client().await;
    append(&client, "s", events(0..5)).await;
    append(&client, "s", events(5..9)).await;
    client.read_model("orders").write(ReadModelWrite::new(0, 9).upsert("order", "1", "{}")).await.unwrap();
    server.stop().await;
    let newest =
        log_files(server.data()).into_iter().find(|(path, _)| path.extension() == Some("seg".as_ref())).unwrap();
    flip(&newest.0, newest.1.len() as u64 - 20);
    repair(server.data(), &["--apply", "--cut"], 0);
    let kept = std::fs::read_dir(server.data().join("tenants/default/quarantine")).unwrap();
    let names = kept.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| name.starts_with("read-models-")).count(), 1, "a start would have emptied them");
    server.run();
    let client = server.client().await;
    assert_eq!(log(&client).await.len(), 5);
    // One at position 9 would refuse this, and show documents of events that are gone.
    client.read_model("orders").write(ReadModelWrite::new(0, 5).upsert("order", "1", "{}")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_mark_is_made_anew_and_loses_nothing() {
    let mut server = TestServer::start();
    let client = server.client().await;
    spread(&client, "s", 5, 50).await;
    let source = log(&client).await;
    let log_id = client.server_info().await.unwrap().log_id;
    server.stop().await;
    let mark = server.data().join("tenants/default/log/mark");
    flip(&mark, 30);
    let damaged = std::fs::read(&mark).unwrap();
    assert_eq!(repair(server.data(), &["--apply"], 0)["action"], "mark");
    let kept = std::fs::read_dir(server.data().join("tenants/default/quarantine")).unwrap();
    let kept: Vec<_> = kept.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
    assert_eq!(kept, [damaged]);
    server.run();
    let client = server.client().await;
    assert_eq!(log(&client).await, source);
    assert_eq!(client.server_info().await.unwrap().log_id, log_id);
}
