//! Snapshots: saved, found, replaced, let go; and kept whatever happens to the server.

use quipu_client::proto::snapshots_client::SnapshotsClient;
use quipu_client::{Client, Error, Snapshot, SnapshotInfo, SnapshotToSave, proto};
use tonic::Code;

use crate::events::{append, events, head};
use crate::server::TestServer;
use crate::wire::assert_refused;

async fn save(client: &Client, stream: &str, revision: u64) {
    let state = format!("{{\"of\":\"{stream}\",\"after\":{revision}}}");
    client.save_snapshot(SnapshotToSave::new(stream, revision, state)).await.expect("saved");
}

async fn newest(client: &Client, stream: &str) -> Option<u64> {
    client.get_snapshot(stream, None).await.expect("an answer").map(|snapshot| snapshot.revision)
}

async fn kept(client: &Client, stream: &str) -> Vec<u64> {
    client.list_snapshots(stream).await.expect("a list").iter().map(|info| info.revision).collect()
}

#[tokio::test]
async fn a_snapshot_comes_back_byte_for_byte() {
    let mut server = TestServer::start();
    let client = server.client().await;
    append(&client, "s", events(0..5)).await;
    let sent = SnapshotToSave {
        stream: "s".to_owned(),
        revision: 3,
        data: (0..=255).collect::<Vec<u8>>().into(),
        content_type: "application/octet-stream".to_owned(),
        metadata: [("made by".to_owned(), "tëst".to_owned()), (String::new(), "\n".to_owned())].into(),
        schema_version: "7".to_owned(),
    };
    let saved_at = client.save_snapshot(sent.clone()).await.unwrap();
    for _ in 0..2 {
        let expected = Snapshot {
            stream: sent.stream.clone(),
            revision: 3,
            data: sent.data.clone(),
            content_type: sent.content_type.clone(),
            metadata: sent.metadata.clone(),
            schema_version: sent.schema_version.clone(),
            saved_at,
        };
        assert_eq!(client.get_snapshot("s", None).await.unwrap(), Some(expected));
        let listed = client.list_snapshots("s").await.unwrap();
        let [SnapshotInfo { revision: 3, saved_at: at, size_bytes }] = listed[..] else { panic!("{listed:?}") };
        assert!(at == saved_at && size_bytes >= 256, "{listed:?}");
        server.restart().await;
    }
    assert_eq!(head(&client).await, 5, "a snapshot takes no position");
}

#[tokio::test]
async fn the_newest_at_or_before_a_revision_is_found() {
    let server = TestServer::start();
    let client = server.client().await;
    append(&client, "s", events(0..30)).await;
    for revision in [20, 5, 10] {
        save(&client, "s", revision).await;
    }
    let cases = [
        (None, Some(20)),
        (Some(u64::MAX), Some(20)),
        (Some(21), Some(20)),
        (Some(20), Some(20)),
        (Some(19), Some(10)),
        (Some(10), Some(10)),
        (Some(9), Some(5)),
        (Some(5), Some(5)),
        (Some(4), None),
        (Some(0), None),
    ];
    for (at_or_before, expected) in cases {
        let found = client.get_snapshot("s", at_or_before).await.unwrap();
        assert_eq!(found.map(|snapshot| snapshot.revision), expected, "{at_or_before:?}");
    }
    assert_eq!(kept(&client, "s").await, [20, 10, 5]);
}

#[tokio::test]
async fn the_last_three_snapshots_are_kept_and_no_more() {
    let server = TestServer::start();
    let client = server.client().await;
    for stream in ["s", "t"] {
        append(&client, stream, events(0..10)).await;
        for revision in 0..6 {
            save(&client, stream, revision).await;
        }
    }
    assert_eq!(kept(&client, "s").await, [5, 4, 3]);
    assert_eq!(kept(&client, "t").await, [5, 4, 3]);
    assert_eq!(client.get_snapshot("s", Some(2)).await.unwrap(), None);
}

#[tokio::test]
async fn a_snapshot_replaces_one_at_the_same_revision() {
    let mut server = TestServer::start();
    let client = server.client().await;
    append(&client, "s", events(0..10)).await;
    for revision in [2, 4, 6] {
        save(&client, "s", revision).await;
    }
    client.save_snapshot(SnapshotToSave::new("s", 4, "\"new\"")).await.unwrap();
    for _ in 0..2 {
        assert_eq!(kept(&client, "s").await, [6, 4, 2]);
        let found = client.get_snapshot("s", Some(5)).await.unwrap().unwrap();
        assert_eq!((found.revision, &found.data[..]), (4, &b"\"new\""[..]));
        server.restart().await;
    }
}

#[tokio::test]
async fn deleted_snapshots_are_gone_one_or_all() {
    let mut server = TestServer::start();
    let client = server.client().await;
    append(&client, "s", events(0..10)).await;
    append(&client, "t", events(0..10)).await;
    for revision in [2, 4, 6] {
        save(&client, "s", revision).await;
        save(&client, "t", revision).await;
    }
    assert_eq!(client.delete_snapshot("s", Some(6)).await.unwrap(), 1);
    assert_eq!((newest(&client, "s").await, kept(&client, "s").await), (Some(4), vec![4, 2]));
    assert_eq!(client.delete_snapshot("t", None).await.unwrap(), 3);
    for _ in 0..2 {
        assert_eq!(kept(&client, "s").await, [4, 2]);
        assert_eq!((newest(&client, "t").await, kept(&client, "t").await), (None, vec![]));
        for (stream, revision) in [("s", Some(6)), ("s", Some(3)), ("t", None), ("missing", None)] {
            let refused = client.delete_snapshot(stream, revision).await;
            assert!(matches!(refused, Err(Error::SnapshotNotFound)), "{stream}: {refused:?}");
        }
        server.restart().await;
    }
    save(&client, "t", 9).await;
    assert_eq!(newest(&client, "t").await, Some(9));
}

#[tokio::test]
async fn a_snapshot_ahead_of_its_stream_is_refused() {
    let server = TestServer::start();
    let client = server.client().await;
    append(&client, "s", events(0..3)).await;
    for revision in [3, 4, u64::MAX] {
        let refused = client.save_snapshot(SnapshotToSave::new("s", revision, "{}")).await.unwrap_err();
        assert!(matches!(refused, Error::SnapshotAhead), "{refused:?}");
        assert_eq!(refused.code(), Some(Code::FailedPrecondition));
    }
    let refused = client.save_snapshot(SnapshotToSave::new("missing", 0, "{}")).await;
    assert!(matches!(refused, Err(Error::StreamNotFound)), "{refused:?}");
    assert_eq!(newest(&client, "s").await, None);
    save(&client, "s", 2).await;
    assert_eq!(newest(&client, "s").await, Some(2));
}

#[tokio::test]
async fn a_snapshot_beyond_a_limit_is_refused() {
    let server = TestServer::start();
    let client = server.client().await;
    append(&client, "s", events(0..3)).await;
    let refused = client.save_snapshot(SnapshotToSave::new("s", 0, vec![b' '; (4 << 20) + 1])).await;
    assert!(matches!(&refused, Err(Error::LimitExceeded { limit, .. }) if limit == "data_bytes"), "{refused:?}");
    let metadata = [("k".to_owned(), "v".repeat(64 << 10))].into();
    let refused = client.save_snapshot(SnapshotToSave { metadata, ..SnapshotToSave::new("s", 0, "{}") }).await;
    assert!(matches!(&refused, Err(Error::LimitExceeded { limit, .. }) if limit == "metadata_bytes"), "{refused:?}");
    assert_eq!(newest(&client, "s").await, None);
    client.save_snapshot(SnapshotToSave::new("s", 0, vec![b' '; 4 << 20])).await.unwrap();
    assert_eq!(client.get_snapshot("s", None).await.unwrap().unwrap().data.len(), 4 << 20);
}

#[tokio::test]
async fn a_snapshot_that_is_not_there_is_not_found() {
    let server = TestServer::start();
    let client = server.client().await;
    append(&client, "s", events(0..3)).await;
    let mut api = SnapshotsClient::new(server.channel().await);
    for stream in ["s", "missing"] {
        let request = proto::SnapshotsGetRequest { stream: stream.to_owned(), at_or_before_revision: None };
        assert_refused(stream, api.get(request).await, Code::NotFound, "SNAPSHOT_NOT_FOUND");
        assert_eq!(kept(&client, stream).await, Vec::<u64>::new());
    }
}

#[tokio::test]
async fn snapshots_survive_stops_kills_and_the_loss_of_the_state_directory() {
    let mut server = TestServer::start_with(&["--segment-events", "16"]);
    let client = server.patient_client().await;
    for number in 0..40_u64 {
        let stream = format!("s-{number}");
        append(&client, &stream, events(0..10)).await;
        for revision in [1, 3, 5, 7, 9] {
            save(&client, &stream, revision).await;
        }
    }
    client.delete_snapshot("s-1", None).await.unwrap();
    client.delete_snapshot("s-2", Some(7)).await.unwrap();
    for round in 0..4 {
        match round {
            0 => {}
            1 => server.restart().await,
            2 => {
                server.kill();
                server.run();
            }
            _ => {
                server.kill();
                std::fs::remove_dir_all(server.data().join("tenants/default/state")).unwrap();
                server.run();
            }
        }
        for number in 0..40_u64 {
            let stream = format!("s-{number}");
            let expected: &[u64] = match number {
                1 => &[],
                2 => &[9, 5],
                _ => &[9, 7, 5],
            };
            assert_eq!(kept(&client, &stream).await, expected, "{stream}, round {round}");
            for &revision in expected {
                let found = client.get_snapshot(&stream, Some(revision)).await.unwrap().unwrap();
                let state: serde_json::Value = found.json().unwrap();
                assert_eq!((&state["of"], &state["after"]), (&stream.clone().into(), &revision.into()));
            }
        }
    }
}
