//! Views may be deleted: everything is answered from the log, to the byte, as before.

use std::path::{Path, PathBuf};

use quipu_client::{Client, Expected, ExpectedCheckpoint, NewEvent, SnapshotToSave, StreamMetadata, Transaction};

use crate::events::{append, event, events, spread};
use crate::questions::{STREAMS, answers};
use crate::server::TestServer;

/// A server with many small segments, closed in between, and all kinds of answers recorded.
async fn filled() -> (TestServer, Vec<(String, Vec<u8>)>) {
    let server = TestServer::start_with(&["--segment-events", "32"]);
    let client = server.client().await;
    spread(&client, "s", STREAMS, 600).await;
    append(&client, "batch", events(0..100)).await;
    for number in 0..20 {
        let name = format!("s-{number}");
        for revision in [1, 4, 7] {
            let state = SnapshotToSave::new(&name, revision, format!("{{\"after\":{revision}}}"));
            client.save_snapshot(state).await.unwrap();
        }
    }
    client.delete_snapshot("s-3", Some(4)).await.unwrap();
    change_lives(&client).await;
    move_checkpoints(&client).await;
    let answers = answers(&client, &server.channel().await).await;
    (server, answers)
}

/// Deletes streams and appends to them again, in segments between others.
async fn change_lives(client: &Client) {
    let metadata = StreamMetadata { max_count: Some(3), ..StreamMetadata::default() };
    client.set_stream_metadata("s-7", metadata, Expected::Any).await.unwrap();
    for stream in ["s-8", "s-9"] {
        client.delete_stream(stream, Expected::StreamExists).await.unwrap();
    }
    client.tombstone_stream("s-10", Expected::Any).await.unwrap();
    append(client, "s-9", vec![event(1)]).await;
    spread(client, "later", 10, 50).await;
    client.delete_stream("later-1", Expected::Any).await.unwrap();
}

/// Checkpoints that are set, moved with events, set back, deleted; events with all that queries ask for.
async fn move_checkpoints(client: &Client) {
    for number in 0..40 {
        let name = format!("reader-{}", number % 7);
        let tagged = NewEvent::new("Tagged", "{}").with_tags([format!("t:{}", number % 5), "all:1".to_owned()]);
        let tagged = tagged.with_correlation_id(format!("c-{}", number % 3));
        let transaction = Transaction::new().append(format!("x-{number}"), Expected::NoStream, vec![tagged.clone()]);
        let transaction = transaction.append("y-1", Expected::Any, vec![event(number)]).advance(&name, number + 10);
        client.transact(transaction).await.unwrap();
    }
    client.set_checkpoint("reader-2", 5, ExpectedCheckpoint::Any).await.unwrap();
    client.delete_checkpoint("reader-3").await.unwrap();
}

/// Asserts that the server, once started, answers as before.
async fn assert_answers(server: &mut TestServer, before: &[(String, Vec<u8>)], what: &str) {
    server.run();
    let now = answers(&server.client().await, &server.channel().await).await;
    assert_eq!(now.len(), before.len(), "{what}");
    for ((question, now), (_, before)) in now.iter().zip(before) {
        assert_eq!(now, before, "{what}: another answer to {question}");
    }
}

fn index_files(server: &TestServer) -> Vec<PathBuf> {
    let files = std::fs::read_dir(server.data().join("tenants/default/index")).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|path| path.extension() == Some("idx".as_ref()));
    files.sort_unstable();
    assert!(files.len() > 10, "{} index files", files.len());
    files
}

#[tokio::test]
async fn answers_are_the_same_to_the_byte_after_all_views_were_deleted() {
    let (mut server, before) = filled().await;
    let tenant = server.data().join("tenants/default");
    for views in [&["index"][..], &["state"], &["index", "state"]] {
        server.stop().await;
        for view in views {
            std::fs::remove_dir_all(tenant.join(view)).unwrap();
        }
        assert_answers(&mut server, &before, &format!("without {views:?}")).await;
    }
    server.kill();
    std::fs::remove_dir_all(tenant.join("index")).unwrap();
    assert_answers(&mut server, &before, "after a kill, without the index").await;
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 0x10;
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn answers_are_the_same_after_index_files_were_damaged() {
    let (mut server, before) = filled().await;
    let length = |path: &Path| usize::try_from(std::fs::metadata(path).unwrap().len()).unwrap();
    for round in 0..4 {
        server.stop().await;
        for (number, path) in index_files(&server).into_iter().enumerate().step_by(3) {
            let length = length(&path);
            match round {
                0 => flip(&path, number * 37 % length),
                1 => flip(&path, length - 1 - number % length),
                2 => std::fs::write(&path, &std::fs::read(&path).unwrap()[..length / (number + 1)]).unwrap(),
                _ => std::fs::remove_file(&path).unwrap(),
            }
        }
        assert_answers(&mut server, &before, &format!("round {round}")).await;
    }
}

#[tokio::test]
async fn index_files_of_another_segment_or_of_nothing_are_not_believed() {
    let (mut server, before) = filled().await;
    server.stop().await;
    let files = index_files(&server);
    let (first, second) = (std::fs::read(&files[1]).unwrap(), std::fs::read(&files[2]).unwrap());
    std::fs::write(&files[1], second).unwrap();
    std::fs::write(&files[2], first).unwrap();
    std::fs::write(&files[4], b"").unwrap();
    std::fs::write(&files[5], vec![0; 4096]).unwrap();
    assert_answers(&mut server, &before, "with index files swapped").await;
}

#[tokio::test]
async fn a_state_directory_of_garbage_is_made_again() {
    let (mut server, before) = filled().await;
    server.stop().await;
    let state = server.data().join("tenants/default/state");
    std::fs::remove_dir_all(&state).unwrap();
    std::fs::create_dir(&state).unwrap();
    for name in ["conf", "db"] {
        std::fs::write(state.join(name), "garbage").unwrap();
    }
    assert_answers(&mut server, &before, "with garbage for a state").await;
}

/// Copies what is in a directory, and below it.
fn copy(from: &Path, to: &Path) {
    for file in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let there = to.join(file.file_name());
        if file.path().is_dir() {
            std::fs::create_dir(&there).unwrap();
            copy(&file.path(), &there);
        } else {
            std::fs::copy(file.path(), there).unwrap();
        }
    }
}

#[tokio::test]
async fn a_log_that_was_put_back_from_a_backup_is_not_mixed_up_with_newer_views() {
    let (mut server, before) = filled().await;
    server.stop().await;
    let (log, backup) = (server.data().join("tenants/default/log"), server.data().join("backup"));
    std::fs::create_dir(&backup).unwrap();
    copy(&log, &backup);

    server.run();
    let client = server.client().await;
    spread(&client, "newer", 20, 200).await;
    client.set_checkpoint("reader-1", 1, ExpectedCheckpoint::Any).await.unwrap();
    client.tombstone_stream("s-11", Expected::Any).await.unwrap();
    server.stop().await;

    std::fs::remove_dir_all(&log).unwrap();
    std::fs::create_dir(&log).unwrap();
    copy(&backup, &log);
    assert_answers(&mut server, &before, "with an older log").await;
}
