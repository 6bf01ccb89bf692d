//! Views may be deleted: everything is answered from the log, to the byte, as before.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use prost::Message;
use quipu_client::proto::{self, get_event_request, read_all_request, read_stream_request};
use quipu_client::{Client, SnapshotToSave};
use tonic::transport::Channel;

use crate::events::{append, events, log, spread};
use crate::server::TestServer;
use crate::wire::{self, RawEvents};

const STREAMS: u64 = 60;

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
    let answers = answers(&client, &server.channel().await).await;
    (server, answers)
}

/// The bytes of a whole read, with the messages' borders taken out: those may move.
fn joined(messages: &[Bytes]) -> Vec<u8> {
    let mut whole = RawEvents::default();
    let mut rest = Vec::new();
    for message in messages {
        whole.events.extend(RawEvents::decode(message.clone()).unwrap().events);
        rest = message.to_vec();
    }
    // The last message has no events, but the head.
    [whole.encode_to_vec(), rest].concat()
}

/// What the server says to many questions.
async fn answers(client: &Client, channel: &Channel) -> Vec<(String, Vec<u8>)> {
    let mut questions: Vec<(String, &'static str, Vec<u8>)> = Vec::new();
    let backwards = i32::from(proto::Direction::Backwards);
    for (direction, limit, from) in [(0, 0, None), (backwards, 0, None), (0, 77, Some(33)), (backwards, 77, Some(300))]
    {
        let from = from.map(read_all_request::From::FromPosition);
        let request = proto::ReadAllRequest { direction, limit, from, include_system: true, query: None };
        questions.push((format!("{request:?}"), wire::READ_ALL, request.encode_to_vec()));
    }
    let names = (0..STREAMS).map(|number| format!("s-{number}")).chain(["batch".to_owned()]);
    for stream in names {
        for (direction, from) in [(0, None), (backwards, None), (0, Some(5)), (backwards, Some(5))] {
            let from = from.map(read_stream_request::From::FromRevision);
            let stream = stream.clone();
            let request = proto::ReadStreamRequest { stream, direction, from, ..Default::default() };
            questions.push((format!("{request:?}"), wire::READ_STREAM, request.encode_to_vec()));
        }
        let request = proto::StreamsGetRequest { stream: stream.clone() };
        questions.push((format!("{request:?}"), wire::STREAMS_GET, request.encode_to_vec()));
        let request = proto::SnapshotsListRequest { stream: stream.clone() };
        questions.push((format!("{request:?}"), wire::SNAPSHOTS_LIST, request.encode_to_vec()));
        for at_or_before_revision in [None, Some(5), Some(0)] {
            let request = proto::SnapshotsGetRequest { stream: stream.clone(), at_or_before_revision };
            questions.push((format!("{request:?}"), wire::SNAPSHOTS_GET, request.encode_to_vec()));
        }
    }
    for event in log(client).await {
        let request = proto::GetEventRequest { key: Some(get_event_request::Key::Id(event.id.to_string())) };
        questions.push((format!("{request:?}"), wire::GET_EVENT, request.encode_to_vec()));
    }
    for (prefix, page_size) in [("", 0), ("", 1_000), ("s-1", 3), ("b", 0)] {
        let request = proto::StreamsListRequest { prefix: prefix.to_owned(), page_size, ..Default::default() };
        questions.push((format!("{request:?}"), wire::STREAMS_LIST, request.encode_to_vec()));
    }
    let mut answers = Vec::new();
    for (question, path, request) in questions {
        let answer = match wire::call(channel, path, &request).await {
            Ok(messages) if [wire::READ_ALL, wire::READ_STREAM].contains(&path) => joined(&messages),
            Ok(messages) => messages.concat(),
            Err(status) => format!("{:?}", wire::reason(&status)).into_bytes(),
        };
        answers.push((question, answer));
    }
    answers
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
