//! Many questions to a server, and its answers in bytes.

use bytes::Bytes;
use prost::Message;
use quipu_client::Client;
use quipu_client::proto::{self, get_event_request, read_all_request, read_stream_request};
use tonic::transport::Channel;

use crate::events::log;
use crate::wire::{self, RawEvents};

/// How many streams `s-<n>` are asked for.
pub(crate) const STREAMS: u64 = 60;

const CHECKPOINTS_GET: &str = "/quipu.v1.Checkpoints/Get";
const CHECKPOINTS_LIST: &str = "/quipu.v1.Checkpoints/List";
const STATISTICS: &str = "/quipu.v1.Streams/GetStatistics";
const EVENT_TYPES: &str = "/quipu.v1.Streams/ListEventTypes";

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

/// What can be asked for without knowing a name.
fn general() -> Vec<(String, &'static str, Vec<u8>)> {
    let mut questions = Vec::new();
    let item = proto::QueryItem::default;
    let text = |text: &str| vec![text.to_owned()];
    for item in [
        proto::QueryItem { tags: text("t:3"), ..item() },
        proto::QueryItem { tags: text("all:1"), correlation_id: "c-1".into(), ..item() },
        proto::QueryItem { types: text("Counted"), categories: text("s"), ..item() },
        proto::QueryItem { stream_prefix: "x-1".into(), ..item() },
        proto::QueryItem { categories: text("$streams"), ..item() },
    ] {
        for direction in [0, i32::from(proto::Direction::Backwards)] {
            let query = Some(proto::Query { items: vec![item.clone()], all: None });
            let request = proto::ReadAllRequest { direction, include_system: true, query, ..Default::default() };
            questions.push((format!("{request:?}"), wire::READ_ALL, request.encode_to_vec()));
        }
    }
    for (prefix, page_size) in [("", 0), ("", 1_000), ("s-1", 3), ("b", 0), ("x", 7)] {
        let request = proto::StreamsListRequest { prefix: prefix.to_owned(), page_size, ..Default::default() };
        questions.push((format!("{request:?}"), wire::STREAMS_LIST, request.encode_to_vec()));
    }
    for number in 0..8 {
        let request = proto::CheckpointsGetRequest { name: format!("reader-{number}") };
        questions.push((format!("{request:?}"), CHECKPOINTS_GET, request.encode_to_vec()));
    }
    for path in [CHECKPOINTS_LIST, STATISTICS, EVENT_TYPES] {
        questions.push((path.to_owned(), path, Vec::new()));
    }
    questions
}

/// What the server says to many questions.
pub(crate) async fn answers(client: &Client, channel: &Channel) -> Vec<(String, Vec<u8>)> {
    let mut questions: Vec<(String, &'static str, Vec<u8>)> = Vec::new();
    let backwards = i32::from(proto::Direction::Backwards);
    for (direction, limit, from) in [(0, 0, None), (backwards, 0, None), (0, 77, Some(33)), (backwards, 77, Some(300))]
    {
        let from = from.map(read_all_request::From::FromPosition);
        let request = proto::ReadAllRequest { direction, limit, from, include_system: true, query: None };
        questions.push((format!("{request:?}"), wire::READ_ALL, request.encode_to_vec()));
    }
    let names = (0..STREAMS)
        .map(|number| format!("s-{number}"))
        .chain(["batch", "later-1", "y-1", "$streams-s-9"].map(String::from));
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
    questions.extend(general());
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
