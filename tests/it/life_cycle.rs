//! The lives of streams: metadata, deletion and tombstones hide events from whoever reads the stream, and
//! from nobody else.

use std::collections::HashMap;
use std::time::Duration;

use quipu_client::proto::event_store_client::EventStoreClient;
use quipu_client::{
    Client, Conflict, Error, Expected, Guard, ListStreams, Message, NewEvent, Query, QueryItem, ReadAll, ReadStream,
    SnapshotToSave, StreamMetadata, SubscribeAll, SubscribeStream, proto,
};
use tonic::Code;

use crate::events::{append, event, events, head, log, revisions};
use crate::server::{TestServer, eventually, within};
use crate::wire::{self, assert_refused};

async fn read(client: &Client, read: ReadStream) -> Vec<u64> {
    revisions(&client.read_stream(read).await.expect("a stream").collect().await.expect("all of it"))
}

/// What a new subscription to a stream delivers before it has caught up.
async fn followed(client: &Client, subscribe: SubscribeStream) -> Vec<u64> {
    let mut subscription = client.subscribe_stream(subscribe).await.expect("subscribed");
    let mut came = Vec::new();
    loop {
        match within("a message", subscription.next()).await.expect("it goes on") {
            Message::Events(events) => came.extend(revisions(&events)),
            Message::CaughtUp { .. } => return came,
            other => panic!("{other:?}"),
        }
    }
}

/// Asserts that whoever looks at a stream sees the revisions from `first` up to `last`, and nothing else.
async fn assert_shows(client: &Client, name: &str, first: u64, last: u64) {
    let up: Vec<u64> = (first..=last).collect();
    let down: Vec<u64> = up.iter().rev().copied().collect();
    let whole = || ReadStream::new(name);
    assert_eq!(read(client, whole()).await, up, "{name}");
    assert_eq!(read(client, whole().with_snapshot()).await, up, "{name}");
    assert_eq!(read(client, whole().backwards()).await, down, "{name}");
    for limit in [1, 2, 1_000] {
        let few = up.len().min(usize::try_from(limit).unwrap());
        assert_eq!(read(client, whole().limit(limit)).await, up[..few], "{name}, {limit}");
        assert_eq!(read(client, whole().backwards().limit(limit)).await, down[..few], "{name}, {limit}");
    }
    for from in 0..=last + 1 {
        let above: Vec<u64> = up.iter().copied().filter(|revision| *revision >= from).collect();
        let below: Vec<u64> = down.iter().copied().filter(|revision| *revision <= from).collect();
        assert_eq!(read(client, whole().from_revision(from)).await, above, "{name} from {from}");
        assert_eq!(read(client, whole().from_revision(from).types(["Counted"])).await, above, "{name} from {from}");
        assert_eq!(read(client, whole().from_revision(from).backwards()).await, below, "{name} from {from}");
        let behind: Vec<u64> = up.iter().copied().filter(|revision| *revision > from).collect();
        if from <= last {
            let subscribe = SubscribeStream::new(name).after_revision(from);
            assert_eq!(followed(client, subscribe).await, behind, "{name} after {from}");
        }
    }
    assert_eq!(followed(client, SubscribeStream::new(name)).await, up, "{name}");
    assert_eq!(followed(client, SubscribeStream::new(name).from_end()).await, Vec::<u64>::new(), "{name}");
    let info = client.stream(name).await.unwrap().expect("a stream");
    assert_eq!((info.first_revision, info.head_revision), (up.first().copied(), Some(last)), "{name}");
    assert_eq!(info.event_count, up.len() as u64, "{name}");
    let first_of_all = log(client).await.into_iter().find(|event| event.stream == name && event.revision == first);
    assert_eq!(info.first_recorded_at, first_of_all.map(|event| event.recorded_at), "{name}");
    assert!(client.all_streams("").await.unwrap().contains(&name.to_owned()), "{name}");
}

/// Asserts that whoever looks for a stream is told that it is not there, and why.
async fn assert_hidden(server: &TestServer, name: &str, why: &str) {
    let (client, channel) = (server.client().await, server.channel().await);
    let stream = name.to_owned();
    for direction in [proto::Direction::Forwards, proto::Direction::Backwards] {
        let request =
            proto::ReadStreamRequest { stream: name.to_owned(), direction: direction.into(), ..Default::default() };
        let outcome: Result<proto::ReadStreamResponse, _> = wire::ask(&channel, wire::READ_STREAM, &request).await;
        assert_refused(name, outcome, Code::NotFound, why);
    }
    let outcome: Result<proto::StreamsGetResponse, _> =
        wire::ask(&channel, wire::STREAMS_GET, &proto::StreamsGetRequest { stream }).await;
    assert_refused(name, outcome, Code::NotFound, why);
    assert!(!client.all_streams("").await.unwrap().contains(&name.to_owned()), "{name} is listed");
    assert_eq!(client.list_snapshots(name).await.unwrap(), [], "{name}");
    assert_eq!(client.get_snapshot(name, None).await.unwrap(), None, "{name}");
    let save = client.save_snapshot(SnapshotToSave::new(name, 0, "{}")).await.unwrap_err();
    assert_eq!(save.code(), Some(Code::NotFound), "{name}: {save:?}");
}

async fn set(client: &Client, stream: &str, max_count: Option<u64>, truncate_before: Option<u64>) -> u64 {
    let metadata = StreamMetadata { max_count, truncate_before, ..Default::default() };
    client.set_stream_metadata(stream, metadata, Expected::Any).await.expect("set")
}

async fn delete(client: &Client, stream: &str) -> u64 {
    client.delete_stream(stream, Expected::Any).await.expect("deleted")
}

async fn save(client: &Client, stream: &str, revision: u64) {
    client.save_snapshot(SnapshotToSave::new(stream, revision, "{}")).await.expect("saved");
}

#[tokio::test]
async fn a_stream_shows_what_its_metadata_leaves() {
    let mut server = TestServer::start_with(&["--segment-events", "16"]);
    let client = server.patient_client().await;
    let cases = [
        (None, None, 0),
        (None, Some(0), 0),
        (None, Some(1), 1),
        (None, Some(4), 4),
        (None, Some(9), 9),
        (None, Some(10), 10),
        (None, Some(u64::MAX), 10),
        (Some(1), None, 9),
        (Some(3), None, 7),
        (Some(9), None, 1),
        (Some(10), None, 0),
        (Some(u64::MAX), None, 0),
        (Some(3), Some(8), 8),
        (Some(3), Some(2), 7),
    ];
    for (number, (max_count, truncate_before, _)) in cases.into_iter().enumerate() {
        let name = format!("s-{number}");
        append(&client, &name, events(0..10)).await;
        set(&client, &name, max_count, truncate_before).await;
    }
    for round in 0..3 {
        for (number, (max_count, truncate_before, first)) in cases.into_iter().enumerate() {
            let name = format!("s-{number}");
            assert_shows(&client, &name, first, 9).await;
            let metadata = client.stream(&name).await.unwrap().unwrap().metadata.expect("metadata");
            assert_eq!((metadata.max_count, metadata.truncate_before), (max_count, truncate_before), "{name}");
        }
        server.kill();
        if round == 1 {
            for view in ["state", "index"] {
                std::fs::remove_dir_all(server.data().join("tenants/default").join(view)).unwrap();
            }
        }
        server.run();
    }
    assert_eq!(append(&client, "s-6", events(0..1)).await.first_revision, 10, "what is hidden still counts");
    append(&client, "s-8", events(0..2)).await;
    assert_shows(&client, "s-8", 9, 11).await;
    let refused = client.append("s-8", Expected::Revision(9), events(0..1)).await;
    assert!(matches!(refused, Err(Error::WrongExpectedRevision { actual: Some(11), .. })), "{refused:?}");
    let none = client.set_stream_metadata("s-8", StreamMetadata::default(), Expected::Revision(11)).await;
    none.unwrap();
    assert_shows(&client, "s-8", 0, 11).await;
}

#[tokio::test]
async fn events_that_are_too_old_are_hidden_one_after_the_other() {
    let mut server = TestServer::start();
    let client = server.patient_client().await;
    append(&client, "s", events(0..3)).await;
    append(&client, "s", events(3..5)).await;
    let year = StreamMetadata { max_age: Some(Duration::from_secs(366 * 86_400)), ..Default::default() };
    client.set_stream_metadata("s", year, Expected::Any).await.unwrap();
    assert_shows(&client, "s", 0, 4).await;
    let second = StreamMetadata { max_age: Some(Duration::from_secs(1)), ..Default::default() };
    client.set_stream_metadata("s", second.clone(), Expected::Any).await.unwrap();
    let mut before = 0;
    eventually("all events are too old", async || {
        let seen = read(&client, ReadStream::new("s")).await;
        let first = seen.first().copied().unwrap_or(5);
        assert_eq!(seen, (first..5).collect::<Vec<_>>(), "the newest ones, without a gap");
        assert!(first >= before, "what was hidden by age stays hidden");
        before = first;
        seen.is_empty()
    })
    .await;
    assert_shows(&client, "s", 5, 4).await;
    server.restart().await;
    assert_shows(&client, "s", 5, 4).await;
    assert_eq!(client.stream("s").await.unwrap().unwrap().metadata, Some(second));
    client.set_stream_metadata("s", StreamMetadata::default(), Expected::Any).await.unwrap();
    assert_shows(&client, "s", 0, 4).await;
}

#[tokio::test]
async fn a_deleted_stream_is_gone_at_once_and_after_a_restart_until_an_append_revives_it() {
    let mut server = TestServer::start_with(&["--segment-events", "16"]);
    let client = server.patient_client().await;
    append(&client, "s", events(0..5)).await;
    append(&client, "t", events(0..20)).await;
    save(&client, "s", 3).await;
    let refused = client.delete_stream("s", Expected::Revision(3)).await;
    assert!(matches!(refused, Err(Error::WrongExpectedRevision { actual: Some(4), .. })), "{refused:?}");
    client.delete_stream("s", Expected::Revision(4)).await.unwrap();
    for round in 0..3 {
        assert_hidden(&server, "s", "STREAM_DELETED").await;
        assert_eq!(followed(&client, SubscribeStream::new("s")).await, Vec::<u64>::new());
        assert_eq!(followed(&client, SubscribeStream::new("s").after_revision(2)).await, Vec::<u64>::new());
        assert_shows(&client, "t", 0, 19).await;
        server.kill();
        if round == 1 {
            std::fs::remove_dir_all(server.data().join("tenants/default/state")).unwrap();
        }
        server.run();
    }
    let mut following = client.subscribe_stream(SubscribeStream::new("s")).await.unwrap();
    let refused = client.append("s", Expected::StreamExists, events(0..1)).await;
    assert!(matches!(refused, Err(Error::WrongExpectedRevision { .. })), "{refused:?}");
    let guard = vec![Guard::stream("s", Expected::NoStream)];
    let revived = client.append_guarded("s", Expected::NoStream, events(5..7), guard.clone()).await.unwrap();
    assert_eq!((revived.first_revision, revived.last_revision), (5, 6));
    let refused = client.append_guarded("s", Expected::Any, events(5..7), guard).await;
    let actual = Conflict::Stream { stream: "s".to_owned(), expected: Expected::NoStream, actual: Some(6) };
    assert!(matches!(&refused, Err(Error::GuardNotMet { actual: a, .. }) if *a == actual), "{refused:?}");
    let came = within("an event", following.next_event()).await.unwrap();
    assert_eq!(came.revision, 5, "who followed meanwhile sees the revival and nothing from before");
    for _ in 0..2 {
        assert_shows(&client, "s", 5, 6).await;
        assert_eq!(client.list_snapshots("s").await.unwrap(), []);
        server.restart().await;
    }
    delete(&client, "s").await;
    assert_hidden(&server, "s", "STREAM_DELETED").await;
    assert_eq!(append(&client, "s", events(0..1)).await.first_revision, 7);
    assert_shows(&client, "s", 7, 7).await;
}

#[tokio::test]
async fn the_snapshots_of_a_stream_are_gone_when_its_deletion_is_acknowledged() {
    let server = TestServer::start();
    let client = server.client().await;
    for number in 0..100 {
        let name = format!("s-{number}");
        append(&client, &name, events(0..3)).await;
        save(&client, &name, 1).await;
        save(&client, &name, 2).await;
        match number % 2 {
            0 => delete(&client, &name).await,
            _ => client.tombstone_stream(&name, Expected::Any).await.unwrap(),
        };
        assert_eq!(client.list_snapshots(&name).await.unwrap(), [], "{name}");
        assert_eq!(client.get_snapshot(&name, None).await.unwrap(), None, "{name}");
    }
}

/// Somebody who had folded a stream up to its deletion saved the fold after somebody else had revived it.
/// Whoever read the stream with its snapshot then went on from a state that was gone.
#[tokio::test]
async fn a_snapshot_of_what_a_deletion_hides_is_refused() {
    let mut server = TestServer::start();
    let client = server.client().await;
    append(&client, "s", events(0..5)).await;
    delete(&client, "s").await;
    append(&client, "s", events(5..7)).await;
    for _ in 0..2 {
        for revision in 0..5 {
            let refused = client.save_snapshot(SnapshotToSave::new("s", revision, "{}")).await;
            assert!(refused.as_ref().is_err_and(|error| error.code() == Some(Code::NotFound)), "{refused:?}");
        }
        server.restart().await;
    }
    save(&client, "s", 5).await;
    let mut reading = client.read_stream(ReadStream::new("s").with_snapshot()).await.unwrap();
    assert_eq!(reading.snapshot().map(|snapshot| snapshot.revision), Some(5));
    assert_eq!(reading.next().await.unwrap().unwrap().revision, 6);
}

#[tokio::test]
async fn a_tombstone_ends_a_stream_for_good_and_a_name_before_its_first_event() {
    let mut server = TestServer::start();
    let client = server.patient_client().await;
    for name in ["used", "deleted"] {
        append(&client, name, events(0..3)).await;
        save(&client, name, 1).await;
    }
    delete(&client, "deleted").await;
    let refused = client.tombstone_stream("used", Expected::NoStream).await;
    assert!(matches!(refused, Err(Error::WrongExpectedRevision { actual: Some(2), .. })), "{refused:?}");
    let mut positions = HashMap::new();
    for (name, expected) in [("used", Expected::Revision(2)), ("deleted", Expected::Any), ("fresh", Expected::NoStream)]
    {
        positions.insert(name, client.tombstone_stream(name, expected).await.unwrap());
    }
    let end = head(&client).await;
    for _ in 0..3 {
        for name in ["used", "deleted", "fresh"] {
            assert_hidden(&server, name, "STREAM_TOMBSTONED").await;
            for expected in [Expected::Any, Expected::NoStream, Expected::Revision(2), Expected::StreamExists] {
                let refused = client.append(name, expected, events(0..1)).await.unwrap_err();
                assert_eq!(refused.code(), Some(Code::FailedPrecondition), "{name}: {refused:?}");
            }
            let any = client.append(name, Expected::Any, events(0..1)).await.unwrap_err();
            assert_eq!(any.reason().as_deref(), Some("STREAM_TOMBSTONED"), "{name}: {any:?}");
            let set = client.set_stream_metadata(name, StreamMetadata::default(), Expected::Any).await.unwrap_err();
            assert_eq!(set.reason().as_deref(), Some("STREAM_TOMBSTONED"), "{name}: {set:?}");
            let deleted = client.delete_stream(name, Expected::Any).await.unwrap_err();
            assert_eq!(deleted.reason().as_deref(), Some("STREAM_TOMBSTONED"), "{name}: {deleted:?}");
            for expected in [Expected::Any, Expected::Revision(77)] {
                let again = client.tombstone_stream(name, expected).await.unwrap();
                assert_eq!(again, positions[name], "{name} again");
            }
            let followed = client.subscribe_stream(SubscribeStream::new(name)).await.unwrap_err();
            assert_eq!(followed.code(), Some(Code::NotFound), "{name}: {followed:?}");
            assert_eq!(followed.reason().as_deref(), Some("STREAM_TOMBSTONED"), "{name}");
        }
        assert_eq!(head(&client).await, end);
        server.kill();
        server.run();
    }
}

#[tokio::test]
async fn what_is_so_already_is_not_told_again() {
    let mut server = TestServer::start();
    let client = server.patient_client().await;
    append(&client, "s", events(0..3)).await;
    let missing = client.delete_stream("missing", Expected::Any).await;
    assert!(matches!(missing, Err(Error::StreamNotFound)), "{missing:?}");
    let set_at = set(&client, "s", Some(2), None).await;
    assert_eq!(set_at, 4);
    server.restart().await;
    assert_eq!(set(&client, "s", Some(2), None).await, set_at);
    let deleted_at = delete(&client, "s").await;
    assert_eq!(deleted_at, 5);
    for expected in [Expected::Any, Expected::NoStream, Expected::StreamExists, Expected::Revision(1)] {
        assert_eq!(client.delete_stream("s", expected).await.unwrap(), deleted_at, "{expected:?}");
        server.restart().await;
    }
    let many: Vec<_> = (0..20).map(|_| client.clone()).collect();
    let many = many.into_iter().map(|client| tokio::spawn(async move { delete(&client, "s").await }));
    for one in many.collect::<Vec<_>>() {
        assert_eq!(one.await.unwrap(), deleted_at);
    }
    assert_eq!(head(&client).await, 5);
    append(&client, "s", events(3..6)).await;
    assert_shows(&client, "s", 4, 5).await;
    assert_eq!(delete(&client, "s").await, 9);
}

#[tokio::test]
async fn the_log_shows_what_streams_hide_and_tells_when_it_happened() {
    let mut server = TestServer::start();
    let client = server.patient_client().await;
    let tagged = |number| event(number).with_tag("x");
    for name in ["set-1", "deleted-1", "ended-1"] {
        append(&client, name, vec![tagged(0), tagged(1)]).await;
    }
    let ids: Vec<_> = log(&client).await.iter().map(|event| event.id).collect();
    set(&client, "set-1", Some(1), None).await;
    delete(&client, "deleted-1").await;
    client.tombstone_stream("ended-1", Expected::Any).await.unwrap();
    client.tombstone_stream("never-1", Expected::Any).await.unwrap();
    for _ in 0..2 {
        let all = log(&client).await;
        assert_eq!(all.iter().map(|event| event.id).collect::<Vec<_>>(), ids, "nothing is hidden in the log");
        for id in &ids {
            assert_eq!(client.get_event_by_id(*id).await.unwrap().id, *id);
        }
        let reading = client.read_all(ReadAll::new().include_system()).await.unwrap();
        let whole = reading.collect().await.unwrap();
        let told: Vec<_> = whole[6..].iter().map(|event| (event.stream.as_str(), event.event_type.as_str())).collect();
        let expected = [
            ("$streams-set-1", "$metadata-set"),
            ("$streams-deleted-1", "$deleted"),
            ("$streams-ended-1", "$tombstoned"),
            ("$streams-never-1", "$tombstoned"),
        ];
        assert_eq!(told, expected);
        let mut following = client.subscribe_all(SubscribeAll::new().include_system()).await.unwrap();
        for event in &whole {
            assert_eq!(&within("an event", following.next_event()).await.unwrap(), event);
        }
        assert_eq!(read(&client, ReadStream::new("$streams-deleted-1")).await, [0]);
        let guard = Guard::none_match(Query::item(QueryItem::new().categories(["deleted"]).tags(["x"])));
        let refused = client.append_guarded("s", Expected::Any, events(0..1), vec![guard]).await;
        let actual = Conflict::Event { position: 4, event_type: "Counted".to_owned() };
        assert!(matches!(&refused, Err(Error::GuardNotMet { actual: a, .. }) if *a == actual), "{refused:?}");
        let page = client.streams(ListStreams::new().include_system().prefix("$streams-")).await.unwrap();
        let names = ["$streams-deleted-1", "$streams-ended-1", "$streams-never-1", "$streams-set-1"];
        assert_eq!(page.streams, names);
        server.restart().await;
    }
}

#[tokio::test]
async fn a_stream_that_is_deleted_while_it_is_read_is_read_to_its_end() {
    let server = TestServer::start_with(&["--segment-bytes", "1000000"]);
    let client = server.client().await;
    for _ in 0..20 {
        append(&client, "s", (0..100).map(|_| NewEvent::new("Large", vec![7; 8 << 10])).collect()).await;
    }
    let mut api = EventStoreClient::new(server.narrow_channel().await).max_decoding_message_size(usize::MAX);
    let forwards = proto::ReadStreamRequest { stream: "s".to_owned(), ..Default::default() };
    let backwards = proto::ReadStreamRequest { direction: 2, ..forwards.clone() };
    let mut readings = Vec::new();
    for request in [forwards, backwards] {
        let mut reading = api.read_stream(request).await.unwrap().into_inner();
        let first = within("a message", reading.message()).await.unwrap().unwrap();
        readings.push((reading, first.events.len()));
    }
    delete(&client, "s").await;
    for (mut reading, mut came) in readings {
        let mut last = None;
        while let Some(message) = within("a message", reading.message()).await.unwrap() {
            came += message.events.len();
            last = message.head_revision;
        }
        assert_eq!((came, last), (2_000, Some(1_999)));
    }
    assert_hidden(&server, "s", "STREAM_DELETED").await;
}

#[tokio::test]
async fn metadata_may_come_before_the_first_event() {
    let mut server = TestServer::start();
    let client = server.patient_client().await;
    let properties = HashMap::from([("owner".to_owned(), "Ümläut \n\u{1} \"quoted\"".to_owned())]);
    let metadata = StreamMetadata {
        max_age: Some(Duration::new(86_400 * 365 * 1_000, 999_999_999)),
        max_count: Some(2),
        truncate_before: Some(1),
        properties,
    };
    let refused = client.set_stream_metadata("s", metadata.clone(), Expected::StreamExists).await;
    assert!(matches!(refused, Err(Error::WrongExpectedRevision { actual: None, .. })), "{refused:?}");
    client.set_stream_metadata("s", metadata.clone(), Expected::NoStream).await.unwrap();
    assert_eq!(client.all_streams("").await.unwrap(), Vec::<String>::new());
    for _ in 0..2 {
        let told = client.stream("s").await.unwrap().unwrap();
        assert_eq!((told.head_revision, told.first_revision, told.event_count), (None, None, 0));
        assert_eq!(told.metadata, Some(metadata.clone()));
        let read = client.read_stream(ReadStream::new("s")).await.map(drop);
        assert!(matches!(read, Err(Error::StreamNotFound)), "{read:?}");
        server.restart().await;
    }
    append(&client, "s", events(0..1)).await;
    assert_shows(&client, "s", 1, 0).await;
    append(&client, "s", events(1..4)).await;
    assert_shows(&client, "s", 2, 3).await;
    for _ in 0..2 {
        assert_eq!(client.stream("s").await.unwrap().unwrap().metadata, Some(metadata.clone()));
        server.restart().await;
    }
}

#[tokio::test]
async fn a_stream_of_the_longest_name_has_a_life_too() {
    for bytes in [512, 2048] {
        let limit = bytes.to_string();
        let mut server = TestServer::start_with(&["--stream-name-bytes", &limit, "--segment-events", "16"]);
        let client = server.patient_client().await;
        let name = "n".repeat(bytes);
        append(&client, &name, events(0..5)).await;
        set(&client, &name, Some(2), None).await;
        append(&client, "filler", events(0..40)).await;
        for _ in 0..2 {
            assert_shows(&client, &name, 3, 4).await;
            assert_eq!(read(&client, ReadStream::new(format!("$streams-{name}"))).await, [0]);
            server.kill();
            server.run();
        }
        delete(&client, &name).await;
        server.restart().await;
        assert_hidden(&server, &name, "STREAM_DELETED").await;
    }
}

#[tokio::test]
async fn pages_of_streams_are_full_although_deleted_ones_are_left_out() {
    let mut server = TestServer::start_with(&["--segment-events", "64"]);
    let client = server.patient_client().await;
    let mut names = Vec::new();
    for number in 0..120_u64 {
        let name = format!("s-{number:03}");
        append(&client, &name, events(0..1)).await;
        match number % 6 {
            0..=2 => drop(delete(&client, &name).await),
            3 => drop(client.tombstone_stream(&name, Expected::Any).await.unwrap()),
            _ => names.push(name),
        }
    }
    for _ in 0..2 {
        for size in [1, 7, 39, 40, 41] {
            let (mut listed, mut token) = (Vec::new(), String::new());
            loop {
                let list = ListStreams::new().category("s").page_size(size).page_token(token);
                let page = client.streams(list).await.unwrap();
                let is_full = page.streams.len() == usize::try_from(size).unwrap();
                assert!(is_full || page.next_page_token.is_none(), "a page is full, or the last");
                listed.extend(page.streams);
                match page.next_page_token {
                    Some(next) => token = next,
                    None => break,
                }
            }
            assert_eq!(listed, names, "pages of {size}");
        }
        server.restart().await;
    }
}
