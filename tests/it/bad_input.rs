//! What is malformed or too large is refused whole, by its name, and leaves no trace.

use prost::Message;
use quipu_client::proto::guard::{self, Kind};
use quipu_client::proto::{read_all_request, subscribe_all_request};
use quipu_client::{Client, proto};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Code, Request};

use crate::events::{append, event, head};
use crate::server::{TestServer, within};
use crate::wire::{self, RawAppend, RawName, assert_refused};

const MALFORMED: &str = "INVALID_ARGUMENT";
const TOO_MUCH: &str = "LIMIT_EXCEEDED";

const SUBSCRIBE_ALL: &str = "/quipu.v1.EventStore/SubscribeAll";
const SUBSCRIBE_STREAM: &str = "/quipu.v1.EventStore/SubscribeStream";
const SET_METADATA: &str = "/quipu.v1.Streams/SetMetadata";
const CHECKPOINTS_SET: &str = "/quipu.v1.Checkpoints/Set";
const CHECKPOINTS_WAIT: &str = "/quipu.v1.Checkpoints/Wait";

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
        let checkpoints = self.client.list_checkpoints("", 0, None).await.expect("a list").checkpoints;
        assert_eq!(checkpoints, [], "{what}: a checkpoint was set");
    }

    /// Asserts that a request is refused, with this reason, and that nothing came of it.
    async fn refuses(&self, what: &str, path: &'static str, request: &impl Message, (code, why): (Code, &str)) {
        let outcome = within(what, wire::call(&self.channel, path, &request.encode_to_vec())).await;
        assert_refused(&format!("{what} at {path}"), outcome, code, why);
        self.is_well(what).await;
    }

    /// Asserts that a query is refused wherever there can be one.
    async fn query(&self, what: &str, query: proto::Query, why: &str) {
        let because = (Code::InvalidArgument, why);
        let query = Some(query);
        let read = proto::ReadAllRequest { query: query.clone(), ..Default::default() };
        self.refuses(what, wire::READ_ALL, &read, because).await;
        let subscribe = proto::SubscribeAllRequest { query: query.clone(), ..Default::default() };
        self.refuses(what, SUBSCRIBE_ALL, &subscribe, because).await;
        let wanted = || guard::Match { query: query.clone(), after_position: 0 };
        for kind in [Kind::NoneMatch(wanted()), Kind::SomeMatch(wanted())] {
            self.guards(what, vec![proto::Guard { kind: Some(kind) }], because).await;
        }
    }

    /// Asserts that guards are refused, of an append and of a transaction.
    async fn guards(&self, what: &str, guards: Vec<proto::Guard>, because: (Code, &str)) {
        let (stream, events) = ("s".to_owned(), vec![good()]);
        let append = proto::AppendRequest { stream, expected: None, events, guards: guards.clone() };
        self.refuses(what, wire::APPEND, &append, because).await;
        let checkpoints = vec![advance("c", 1)];
        let transact = proto::TransactRequest { appends: vec![part("s", vec![good()])], guards, checkpoints };
        self.refuses(what, wire::TRANSACT, &transact, because).await;
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

/// The part of a transaction that goes into one stream.
fn part(stream: &str, events: Vec<proto::NewEvent>) -> proto::StreamAppend {
    proto::StreamAppend { stream: stream.to_owned(), expected: None, events }
}

fn advance(name: &str, position: u64) -> proto::CheckpointAdvance {
    proto::CheckpointAdvance { name: name.to_owned(), position }
}

/// So many different names.
fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

/// Names that are none for a type, tag or category of a query, which has this many bytes at most.
fn bad_names(most: usize) -> Vec<(&'static str, Vec<String>, &'static str)> {
    vec![
        ("65 names", numbered(65), TOO_MUCH),
        ("a name too long", vec!["x".repeat(most + 1)], TOO_MUCH),
        ("an empty name", vec!["a".to_owned(), String::new()], MALFORMED),
        ("a name twice", vec!["a".to_owned(), "b".to_owned(), "a".to_owned()], MALFORMED),
    ]
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

#[tokio::test]
async fn a_query_that_says_nothing_or_too_much_is_refused_wherever_there_can_be_one() {
    let refusing = Refusing::start().await;
    let item = proto::QueryItem::default;
    let of = |item| proto::Query { items: vec![item], all: None };
    let a = proto::QueryItem { types: vec!["A".to_owned()], ..item() };
    let all = Some(proto::query::All {});
    refusing.query("an empty query", proto::Query::default(), MALFORMED).await;
    refusing.query("`all` with items", proto::Query { items: vec![a.clone()], all }, MALFORMED).await;
    refusing.query("an empty item", of(item()), MALFORMED).await;
    refusing
        .query("an empty item behind a good one", proto::Query { items: vec![a.clone(), item()], all: None }, MALFORMED)
        .await;
    refusing.query("33 items", proto::Query { items: vec![a.clone(); 33], all: None }, TOO_MUCH).await;
    for (what, names, why) in bad_names(256) {
        refusing.query(what, of(proto::QueryItem { types: names.clone(), ..item() }), why).await;
        refusing.query(what, of(proto::QueryItem { tags: names, ..item() }), why).await;
    }
    for (what, categories, why) in bad_names(512) {
        refusing.query(what, of(proto::QueryItem { categories, ..item() }), why).await;
    }
    let prefix = proto::QueryItem { stream_prefix: "p".repeat(513), ..item() };
    refusing.query("a prefix too long", of(prefix), TOO_MUCH).await;
    let correlation = proto::QueryItem { correlation_id: "c".repeat(257), ..item() };
    refusing.query("a correlation id too long", of(correlation), TOO_MUCH).await;
    for (what, types, why) in bad_names(256) {
        let stream = "there".to_owned();
        let read = proto::ReadStreamRequest { stream: stream.clone(), types: types.clone(), ..Default::default() };
        refusing.refuses(what, wire::READ_STREAM, &read, (Code::InvalidArgument, why)).await;
        let subscribe = proto::SubscribeStreamRequest { stream, types, from: None };
        refusing.refuses(what, SUBSCRIBE_STREAM, &subscribe, (Code::InvalidArgument, why)).await;
    }

    let widest = proto::QueryItem {
        types: numbered(64),
        tags: vec!["t".repeat(256)],
        categories: numbered(64),
        stream_prefix: "p".repeat(512),
        correlation_id: "c".repeat(256),
    };
    let query = Some(proto::Query { items: vec![widest; 32], all: None });
    let read = proto::ReadAllRequest { query: query.clone(), ..Default::default() };
    assert_eq!(wire::call(&refusing.channel, wire::READ_ALL, &read.encode_to_vec()).await.unwrap().len(), 1);
    let guard = proto::Guard { kind: Some(Kind::NoneMatch(guard::Match { query, after_position: 1 })) };
    let (stream, events) = ("s".to_owned(), vec![good()]);
    let append = proto::AppendRequest { stream, expected: None, events, guards: vec![guard; 32] };
    let taken: proto::AppendResponse = wire::ask(&refusing.channel, wire::APPEND, &append).await.unwrap();
    assert_eq!(taken.last_position, 2);
}

#[tokio::test]
async fn a_guard_that_makes_no_sense_is_refused() {
    let refusing = Refusing::start().await;
    let malformed = (Code::InvalidArgument, MALFORMED);
    let too_much = (Code::InvalidArgument, TOO_MUCH);
    let guard = |kind| vec![proto::Guard { kind: Some(kind) }];
    let any = || Some(proto::ExpectedRevision::from(quipu_client::Expected::Any));
    let stream = |name: &str, expected| guard(Kind::Stream(guard::Stream { stream: name.to_owned(), expected }));
    refusing.guards("no kind", vec![proto::Guard { kind: None }], malformed).await;
    refusing
        .guards(
            "no kind behind a good one",
            [stream("s", any()), vec![proto::Guard { kind: None }]].concat(),
            malformed,
        )
        .await;
    refusing.guards("33 guards", vec![stream("s", any()).remove(0); 33], too_much).await;
    refusing.guards("a stream without `expected`", stream("s", None), malformed).await;
    let empty = Some(proto::ExpectedRevision { kind: None });
    refusing.guards("a stream with an empty `expected`", stream("s", empty), malformed).await;
    refusing.guards("a stream without a name", stream("", any()), malformed).await;
    refusing.guards("a system stream", stream("$streams-there", any()), malformed).await;
    refusing.guards("a stream name too long", stream(&"x".repeat(513), any()), too_much).await;
    let unsaid = guard::Match { query: None, after_position: 0 };
    refusing.guards("events without a query", guard(Kind::NoneMatch(unsaid.clone())), malformed).await;
    refusing.guards("events without a query", guard(Kind::SomeMatch(unsaid)), malformed).await;
    let query = Some(proto::Query { items: Vec::new(), all: Some(proto::query::All {}) });
    for after_position in [2, u64::MAX] {
        let beyond = guard::Match { query: query.clone(), after_position };
        for kind in [Kind::NoneMatch(beyond.clone()), Kind::SomeMatch(beyond)] {
            refusing.guards("events after the head", guard(kind), (Code::OutOfRange, "BEYOND_END")).await;
        }
    }
    for (what, name, why) in checkpoint_names() {
        let checkpoint = guard::Checkpoint { name, position: Some(0) };
        refusing.guards(what, guard(Kind::Checkpoint(checkpoint)), (Code::InvalidArgument, why)).await;
    }
    refusing.serves_on().await;
}

fn checkpoint_names() -> Vec<(&'static str, String, &'static str)> {
    vec![
        ("an empty name", String::new(), MALFORMED),
        ("a name of the store's own", "$umadb-tracking-source".to_owned(), MALFORMED),
        ("a name with a line break", "a\nb".to_owned(), MALFORMED),
        ("a name with a C1 control", "a\u{85}b".to_owned(), MALFORMED),
        ("a name of 257 bytes", "x".repeat(257), TOO_MUCH),
    ]
}

#[tokio::test]
async fn a_checkpoint_that_makes_no_sense_is_refused() {
    let refusing = Refusing::start().await;
    let malformed = (Code::InvalidArgument, MALFORMED);
    for (what, name, why) in checkpoint_names() {
        let because = (Code::InvalidArgument, why);
        let set = proto::CheckpointsSetRequest { name: name.clone(), position: 1, expected: None };
        refusing.refuses(what, CHECKPOINTS_SET, &set, because).await;
        let raw = RawName { stream: name.clone().into_bytes() };
        for path in ["/quipu.v1.Checkpoints/Get", "/quipu.v1.Checkpoints/Delete", CHECKPOINTS_WAIT] {
            refusing.refuses(what, path, &raw, because).await;
        }
        let checkpoints = vec![advance("good", 1), proto::CheckpointAdvance { name, position: 1 }];
        let transact = proto::TransactRequest { appends: vec![part("s", vec![good()])], guards: vec![], checkpoints };
        refusing.refuses(what, wire::TRANSACT, &transact, because).await;
    }
    let no_text = RawName { stream: b"a\xffb".to_vec() };
    refusing.refuses("a name that is not UTF-8", CHECKPOINTS_SET, &no_text, malformed).await;
    let beyond = proto::CheckpointsSetRequest { name: "c".to_owned(), position: 2, expected: None };
    refusing.refuses("a position beyond the head", CHECKPOINTS_SET, &beyond, (Code::OutOfRange, "BEYOND_END")).await;
    for (seconds, nanos) in [(-1, 0), (0, -1), (601, 0), (600, 1), (i64::MIN, 0), (i64::MAX, 0)] {
        let timeout = Some(prost_types::Duration { seconds, nanos });
        let wait = proto::CheckpointsWaitRequest { name: "c".to_owned(), position: 1, timeout };
        refusing.refuses(&format!("{seconds} s and {nanos} ns"), CHECKPOINTS_WAIT, &wait, malformed).await;
    }
    let (prefix, page_token) = ("a".to_owned(), "b".to_owned());
    let list = proto::CheckpointsListRequest { prefix, page_token, page_size: 0 };
    refusing.refuses("the page of another prefix", "/quipu.v1.Checkpoints/List", &list, malformed).await;

    for name in ["x".repeat(256), " ".to_owned(), "é-$".to_owned()] {
        let set = proto::CheckpointsSetRequest { name, position: 1, expected: None };
        let _: proto::CheckpointsSetResponse = wire::ask(&refusing.channel, CHECKPOINTS_SET, &set).await.unwrap();
    }
}

#[tokio::test]
async fn a_transaction_that_is_none_or_too_much_is_refused_whole() {
    let refusing = Refusing::start().await;
    let id = uuid::Uuid::now_v7().to_string();
    let twin = || proto::NewEvent { id: id.clone(), ..good() };
    let large = || proto::NewEvent { data: vec![7; 4 << 20].into(), ..good() };
    let many = |count: usize| (0..4).map(|part| self::part(&format!("s-{part}"), vec![good(); count])).collect();
    let names = |count: usize| numbered(count).iter().map(|name| advance(name, 1)).collect::<Vec<_>>();
    let one = || part("s", vec![good()]);
    let guards =
        vec![proto::Guard { kind: Some(Kind::Checkpoint(guard::Checkpoint { name: "c".to_owned(), position: None })) }];
    let cases: Vec<(&str, Vec<proto::StreamAppend>, Vec<proto::CheckpointAdvance>, &str)> = vec![
        ("nothing but guards", vec![], vec![], MALFORMED),
        ("a stream twice", vec![one(), part("t", vec![good()]), one()], vec![], MALFORMED),
        ("a checkpoint twice", vec![one()], vec![advance("a", 1), advance("b", 1), advance("a", 0)], MALFORMED),
        ("a part without events", vec![one(), part("t", vec![])], vec![advance("a", 1)], MALFORMED),
        ("a part without a name", vec![one(), part("", vec![good()])], vec![], MALFORMED),
        ("a system stream", vec![one(), part("$streams-there", vec![good()])], vec![], MALFORMED),
        ("an id in two streams", vec![part("s", vec![twin()]), part("t", vec![twin()])], vec![], MALFORMED),
        ("10,001 events over streams", [many(2_500), vec![part("t", vec![good()])]].concat(), vec![], TOO_MUCH),
        (
            "over 16 MiB over streams",
            numbered(4).iter().map(|name| part(name, vec![large()])).collect(),
            vec![],
            TOO_MUCH,
        ),
        ("33 checkpoints", vec![one()], names(33), TOO_MUCH),
    ];
    for (what, appends, checkpoints, why) in cases {
        let request = proto::TransactRequest { appends, guards: guards.clone(), checkpoints };
        refusing.refuses(what, wire::TRANSACT, &request, (Code::InvalidArgument, why)).await;
    }
    let most = proto::TransactRequest { appends: many(2_500), guards, checkpoints: names(32) };
    let taken: proto::TransactResponse = wire::ask(&refusing.channel, wire::TRANSACT, &most).await.unwrap();
    assert_eq!((taken.first_position, taken.last_position), (Some(2), Some(10_001)));
}

#[tokio::test]
async fn metadata_that_makes_no_sense_is_refused() {
    let refusing = Refusing::start().await;
    let age = |seconds, nanos| proto::StreamMetadata {
        max_age: Some(prost_types::Duration { seconds, nanos }),
        ..Default::default()
    };
    let properties = |bytes: usize| [("k".to_owned(), "v".repeat(bytes - 1))].into();
    let large = |bytes| proto::StreamMetadata { properties: properties(bytes), ..Default::default() };
    let cases = [
        ("an age below zero", age(-1, 0), MALFORMED),
        ("an age a little below zero", age(0, -1), MALFORMED),
        ("the least age there is", age(i64::MIN, i32::MIN), MALFORMED),
        ("an age of zero", age(0, 0), MALFORMED),
        ("no events at all", proto::StreamMetadata { max_count: Some(0), ..Default::default() }, MALFORMED),
        ("too large properties", large((64 << 10) + 1), TOO_MUCH),
    ];
    for (what, metadata, why) in cases {
        for stream in ["there", "new"] {
            let (stream, metadata) = (stream.to_owned(), Some(metadata.clone()));
            let request = proto::StreamsSetMetadataRequest { stream, metadata, expected: None };
            refusing.refuses(what, SET_METADATA, &request, (Code::InvalidArgument, why)).await;
        }
    }
    for path in [SET_METADATA, "/quipu.v1.Streams/Delete", "/quipu.v1.Streams/Tombstone"] {
        for (what, name) in [("no name", ""), ("a system stream", "$streams-there"), ("a tab", "a\tb")] {
            let raw = RawName { stream: name.into() };
            refusing.refuses(what, path, &raw, (Code::InvalidArgument, MALFORMED)).await;
        }
        let long = RawName { stream: vec![b'x'; 513] };
        refusing.refuses("a name too long", path, &long, (Code::InvalidArgument, TOO_MUCH)).await;
    }
    let missing = RawName { stream: b"missing".to_vec() };
    refusing.refuses("missing", "/quipu.v1.Streams/Delete", &missing, (Code::NotFound, "STREAM_NOT_FOUND")).await;

    let most = proto::StreamMetadata { max_age: age(i64::MAX, 999_999_999).max_age, ..large(64 << 10) };
    let request =
        proto::StreamsSetMetadataRequest { stream: "there".to_owned(), metadata: Some(most.clone()), expected: None };
    let _: proto::StreamsSetMetadataResponse = wire::ask(&refusing.channel, SET_METADATA, &request).await.unwrap();
    let request = proto::StreamsGetRequest { stream: "there".to_owned() };
    let told: proto::StreamsGetResponse = wire::ask(&refusing.channel, wire::STREAMS_GET, &request).await.unwrap();
    assert_eq!(told.stream.unwrap().metadata, Some(most));
}

#[tokio::test]
async fn a_time_that_is_none_and_the_page_of_another_list_are_refused() {
    let refusing = Refusing::start().await;
    let malformed = (Code::InvalidArgument, MALFORMED);
    for (seconds, nanos) in [(0, -1), (0, 1_000_000_000), (-1, i32::MIN), (i64::MAX, i32::MAX)] {
        let (what, time) = (format!("{seconds} s and {nanos} ns"), prost_types::Timestamp { seconds, nanos });
        for direction in [0, 2] {
            let from = Some(read_all_request::From::FromTime(time));
            let read = proto::ReadAllRequest { from, direction, ..Default::default() };
            refusing.refuses(&what, wire::READ_ALL, &read, malformed).await;
        }
        let from = Some(subscribe_all_request::From::FromTime(time));
        let subscribe = proto::SubscribeAllRequest { from, ..Default::default() };
        refusing.refuses(&what, SUBSCRIBE_ALL, &subscribe, malformed).await;
    }
    for (seconds, nanos, there) in [(i64::MIN, 0, 1), (0, 999_999_999, 1), (i64::MAX, 999_999_999, 0)] {
        let from = Some(read_all_request::From::FromTime(prost_types::Timestamp { seconds, nanos }));
        for (direction, count) in [(0, there), (2, 1 - there)] {
            let read = proto::ReadAllRequest { from, direction, ..Default::default() }.encode_to_vec();
            let came = wire::call(&refusing.channel, wire::READ_ALL, &read).await.unwrap();
            let came: usize = came.into_iter().map(|it| proto::ReadAllResponse::decode(it).unwrap().events.len()).sum();
            assert_eq!(came, count, "{seconds} s and {nanos} ns, direction {direction}");
        }
    }
    let (prefix, page_token) = ("Hap".to_owned(), "Other".to_owned());
    let types = proto::StreamsListEventTypesRequest { prefix, page_token, page_size: 0 };
    refusing.refuses("types", "/quipu.v1.Streams/ListEventTypes", &types, malformed).await;
    let (category, page_token) = ("order".to_owned(), "user-1".to_owned());
    let streams = proto::StreamsListRequest { category, page_token, ..Default::default() };
    refusing.refuses("streams", wire::STREAMS_LIST, &streams, malformed).await;
    refusing.serves_on().await;
}
