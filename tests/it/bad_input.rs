//! What is malformed or too large is refused whole, by its name, and leaves no trace.

use prost::Message;
use quipu_client::{Client, proto};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Code, Request};

use crate::events::{append, event, head};
use crate::server::TestServer;
use crate::wire::{self, RawAppend, RawName, assert_refused};

const MALFORMED: &str = "INVALID_ARGUMENT";
const TOO_MUCH: &str = "LIMIT_EXCEEDED";

/// A server with one event, which is to stay the only one.
struct Refusing {
    server: TestServer,
    client: Client,
    channel: Channel,
}

impl Refusing {
    async fn start() -> Self {
        let server = TestServer::start();
        let (client, channel) = (server.client().await, server.channel().await);
        append(&client, "there", vec![event(0)]).await;
        Self { server, client, channel }
    }

    /// Asserts that an append is refused, with this reason.
    async fn append(&self, what: &str, stream: &[u8], events: Vec<Vec<u8>>, why: &str) {
        let request = RawAppend { stream: stream.to_vec(), expected: None, events };
        let outcome: Result<proto::AppendResponse, _> = wire::ask(&self.channel, wire::APPEND, &request).await;
        assert_refused(what, outcome, Code::InvalidArgument, why);
        self.is_well(what).await;
    }

    /// Asserts that one event is refused, alone and behind a good one.
    async fn event(&self, what: &str, event: Vec<u8>, why: &str) {
        self.append(what, b"s", vec![event.clone()], why).await;
        self.append(what, b"s", vec![good().encode_to_vec(), event], why).await;
    }

    /// Asserts that nothing came of it.
    async fn is_well(&self, what: &str) {
        assert_eq!(head(&self.client).await, 1, "{what}: the head has moved");
    }

    /// Asserts that the server goes on as if nothing had been.
    async fn serves_on(self) {
        let appended = append(&self.client, "there", vec![event(1)]).await;
        assert_eq!((appended.last_revision, appended.last_position), (1, 2));
        assert!(self.server.log().iter().all(|line| !line.contains("panicked")), "{:?}", self.server.log());
    }
}

fn good() -> proto::NewEvent {
    proto::NewEvent { r#type: "Happened".to_owned(), data: "{}".into(), ..Default::default() }
}

fn with(change: impl FnOnce(&mut proto::NewEvent)) -> Vec<u8> {
    let mut event = good();
    change(&mut event);
    event.encode_to_vec()
}

#[tokio::test]
async fn a_stream_name_that_is_no_name_is_refused_by_every_door() {
    let refusing = Refusing::start().await;
    let names: [(&str, &[u8], &str); 7] = [
        ("empty", b"", MALFORMED),
        ("too long", &[b'x'; 513], TOO_MUCH),
        ("a line break", b"a\nb", MALFORMED),
        ("a NUL", b"a\0b", MALFORMED),
        ("a C1 control", "a\u{85}b".as_bytes(), MALFORMED),
        ("not UTF-8", b"a\xffb", MALFORMED),
        ("half a character", &"é".as_bytes()[..1], MALFORMED),
    ];
    for (what, name, why) in names {
        refusing.append(what, name, vec![good().encode_to_vec()], why).await;
        for path in [
            wire::READ_STREAM,
            "/quipu.v1.EventStore/SubscribeStream",
            wire::STREAMS_GET,
            wire::SNAPSHOTS_GET,
            wire::SNAPSHOTS_LIST,
            "/quipu.v1.Snapshots/Delete",
        ] {
            let request = RawName { stream: name.to_vec() }.encode_to_vec();
            let outcome = wire::call(&refusing.channel, path, &request).await;
            assert_refused(&format!("{what} at {path}"), outcome, Code::InvalidArgument, why);
        }
    }
    refusing.append("a system stream", b"$mine", vec![good().encode_to_vec()], MALFORMED).await;
    refusing.serves_on().await;
}

#[tokio::test]
async fn a_stream_name_of_511_or_512_bytes_is_taken_and_one_of_513_is_not() {
    let server = TestServer::start();
    let channel = server.channel().await;
    for (length, good_length) in [(511, true), (512, true), (513, false)] {
        let stream = "é".repeat(length / 2) + if length % 2 == 1 { "x" } else { "" };
        let request = proto::AppendRequest { stream, expected: None, events: vec![good()], guards: Vec::new() };
        let outcome: Result<proto::AppendResponse, _> = wire::ask(&channel, wire::APPEND, &request).await;
        assert_eq!(outcome.is_ok(), good_length, "{length} bytes: {outcome:?}");
    }
}

#[tokio::test]
async fn an_append_without_events_or_with_too_many_is_refused() {
    let refusing = Refusing::start().await;
    let small = good().encode_to_vec();
    refusing.append("no event", b"s", vec![], MALFORMED).await;
    refusing.append("10,001 events", b"s", vec![small.clone(); 10_001], TOO_MUCH).await;
    let large = with(|event| event.data = vec![7; 4 << 20].into());
    refusing.append("over 16 MiB", b"s", vec![large; 4], TOO_MUCH).await;
    let id = uuid::Uuid::now_v7().to_string();
    let twin = with(|event| event.id.clone_from(&id));
    let loud_twin = with(|event| event.id = id.to_uppercase());
    refusing.append("the same id twice", b"s", vec![twin.clone(), small.clone(), loud_twin], MALFORMED).await;

    let request = RawAppend { stream: b"s".to_vec(), expected: None, events: vec![small; 10_000] };
    let whole: proto::AppendResponse = wire::ask(&refusing.channel, wire::APPEND, &request).await.unwrap();
    assert_eq!(whole.last_revision, Some(9_999));
}

#[tokio::test]
async fn events_beyond_a_limit_are_refused_and_at_the_limit_taken() {
    let refusing = Refusing::start().await;
    let tags = |count: usize| (0..count).map(|tag| tag.to_string()).collect::<Vec<_>>();
    let pair = |bytes: usize| [("k".to_owned(), "v".repeat(bytes - 1))].into();
    let at_limit = |more: usize| {
        [
            ("data", with(|event| event.data = vec![7; (4 << 20) + more].into())),
            ("type", with(|event| event.r#type = "T".repeat(256 + more))),
            ("tags", with(|event| event.tags = tags(64 + more))),
            ("a tag", with(|event| event.tags = vec!["t".repeat(256 + more)])),
            ("metadata", with(|event| event.metadata = pair((64 << 10) + more))),
            ("correlation id", with(|event| event.correlation_id = "c".repeat(256 + more))),
            ("causation id", with(|event| event.causation_id = "c".repeat(256 + more))),
        ]
    };
    for (what, event) in at_limit(1) {
        refusing.event(what, event, TOO_MUCH).await;
    }
    for ((what, event), revision) in at_limit(0).into_iter().zip(0..) {
        let request = RawAppend { stream: b"s".to_vec(), expected: None, events: vec![event] };
        let taken: Result<proto::AppendResponse, _> = wire::ask(&refusing.channel, wire::APPEND, &request).await;
        assert_eq!(taken.unwrap().last_revision, Some(revision), "{what}");
    }
}

#[tokio::test]
async fn malformed_events_are_refused() {
    let refusing = Refusing::start().await;
    let time = |seconds, nanos| Some(prost_types::Timestamp { seconds, nanos });
    let cases = [
        ("no type", with(|event| event.r#type.clear())),
        ("a type with a tab", with(|event| event.r#type = "a\tb".to_owned())),
        ("an id that is no UUID", with(|event| event.id = "order-1".to_owned())),
        ("an id with one digit too few", with(|event| event.id = "0192f0c1-2345-7abc-8def-0123456789a".to_owned())),
        ("an empty tag", with(|event| event.tags = vec![String::new()])),
        ("a tag with a line break", with(|event| event.tags = vec!["a\nb".to_owned()])),
        ("a tag twice", with(|event| event.tags = vec!["a:1".to_owned(), "b".to_owned(), "a:1".to_owned()])),
        ("a time before the year 1", with(|event| event.occurred_at = time(-62_135_596_801, 0))),
        ("a time with 10^9 ns", with(|event| event.occurred_at = time(0, 1_000_000_000))),
        ("a type that is not UTF-8", vec![0x12, 2, 0xff, 0xfe]),
        ("a type that is a number", vec![0x10, 1]),
        ("an event cut short", with(|_| {})[..5].to_vec()),
        ("a group", [good().encode_to_vec(), vec![0x7b, 0x7c]].concat()),
        ("metadata that is no map", [good().encode_to_vec(), vec![0x2a, 2, 0x0a, 9]].concat()),
    ];
    for (what, event) in cases {
        refusing.event(what, event, MALFORMED).await;
    }
    refusing.serves_on().await;
}

#[tokio::test]
async fn a_request_that_is_no_message_is_refused() {
    let refusing = Refusing::start().await;
    for path in [wire::APPEND, wire::READ_ALL, wire::GET_EVENT, wire::STREAMS_LIST, wire::SNAPSHOTS_SAVE] {
        for garbage in [&[0xff; 40][..], &[0x0a, 200, 1, b'x'], b"{\"stream\":\"s\"}"] {
            let outcome = wire::call(&refusing.channel, path, garbage).await;
            assert_refused(path, outcome, Code::InvalidArgument, MALFORMED);
        }
    }
    refusing.is_well("garbage").await;
    refusing.serves_on().await;
}

#[tokio::test]
async fn a_request_over_the_receive_limit_is_refused_as_one_over_a_limit() {
    let refusing = Refusing::start().await;
    for mebibytes in [34_usize, 48] {
        let event = with(|event| event.data = vec![7; mebibytes << 20].into());
        let request = RawAppend { stream: b"s".to_vec(), expected: None, events: vec![event] };
        let outcome: Result<proto::AppendResponse, _> =
            wire::ask(&refusing.server.channel().await, wire::APPEND, &request).await;
        assert_refused(&format!("{mebibytes} MiB"), outcome, Code::InvalidArgument, TOO_MUCH);
        refusing.is_well("too large a request").await;
    }
    refusing.serves_on().await;
}

#[tokio::test]
async fn a_limit_is_told_with_its_name_and_numbers() {
    let server = TestServer::start_with(&["--data-bytes", "1000", "--append-events", "3", "--stream-name-bytes", "10"]);
    let client = server.client().await;
    let too_large = quipu_client::NewEvent::new("T", vec![0; 1001]);
    let cases = [
        ("s", vec![too_large], ("data_bytes", 1000, 1001)),
        ("s", crate::events::events(0..4), ("append_events", 3, 4)),
        ("a-long-name", crate::events::events(0..1), ("stream_name_bytes", 10, 11)),
    ];
    for (stream, events, told) in cases {
        let refused = client.append(stream, quipu_client::Expected::Any, events).await.unwrap_err();
        match refused {
            quipu_client::Error::LimitExceeded { limit, maximum, actual } => {
                assert_eq!((limit.as_str(), maximum, actual), told);
            }
            other => panic!("{other:?}"),
        }
    }
    let limits = client.server_info().await.unwrap().limits;
    assert_eq!((limits.data_bytes, limits.append_events, limits.stream_name_bytes), (1000, 3, 10));
}

#[tokio::test]
async fn a_bad_tenant_name_is_refused() {
    let refusing = Refusing::start().await;
    let long = "x".repeat(65);
    let names: [(&[u8], &str); 8] = [
        (b"", MALFORMED),
        (b"Default", MALFORMED),
        (b"a b", MALFORMED),
        (b"../default", MALFORMED),
        (b".", MALFORMED),
        (b"-a", MALFORMED),
        (b"caf\xc3\xa9", MALFORMED),
        (long.as_bytes(), TOO_MUCH),
    ];
    let mut api = proto::event_store_client::EventStoreClient::new(refusing.channel.clone());
    for (name, why) in names {
        let append =
            proto::AppendRequest { stream: "s".to_owned(), expected: None, events: vec![good()], guards: Vec::new() };
        let mut request = Request::new(append);
        let value: MetadataValue<Ascii> = MetadataValue::try_from(name).unwrap();
        request.metadata_mut().insert("quipu-tenant", value);
        let what = String::from_utf8_lossy(name);
        assert_refused(&what, api.append(request).await, Code::InvalidArgument, why);
    }
    let tenants = std::fs::read_dir(refusing.server.data().join("tenants")).unwrap();
    assert_eq!(tenants.count(), 1, "only the default tenant has a directory");
    refusing.is_well("bad tenants").await;
    refusing.serves_on().await;
}

#[tokio::test]
async fn questions_that_make_no_sense_are_refused() {
    let refusing = Refusing::start().await;
    let read_all = proto::ReadAllRequest { direction: 7, ..Default::default() };
    let read_stream = proto::ReadStreamRequest { direction: -1, stream: "there".to_owned(), ..Default::default() };
    let other_page =
        proto::StreamsListRequest { prefix: "a".to_owned(), page_token: "b".to_owned(), ..Default::default() };
    let no_revision = proto::SnapshotsSaveRequest { stream: "there".to_owned(), ..Default::default() };
    let questions = [
        ("an unknown direction", wire::READ_ALL, read_all.encode_to_vec()),
        ("a negative direction", wire::READ_STREAM, read_stream.encode_to_vec()),
        ("an event without a key", wire::GET_EVENT, Vec::new()),
        ("the page of another prefix", wire::STREAMS_LIST, other_page.encode_to_vec()),
        ("a snapshot without a revision", wire::SNAPSHOTS_SAVE, no_revision.encode_to_vec()),
    ];
    for (what, path, request) in questions {
        let outcome = wire::call(&refusing.channel, path, &request).await;
        assert_refused(what, outcome, Code::InvalidArgument, MALFORMED);
        refusing.is_well(what).await;
    }
    refusing.serves_on().await;
}
