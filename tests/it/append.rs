//! What an append does: its guard holds or nothing changes, and what went in comes out again.

use prost::Message;
use quipu_client::{Appended, Error, Expected, NewEvent, ReadStream, proto};
use uuid::Uuid;

use crate::events::{append, assert_dense, event, events, head, ids, log, revisions, stream};
use crate::server::TestServer;
use crate::wire::{self, RawAppend, RawEvents};

#[tokio::test]
async fn each_expectation_against_a_missing_stream_and_one_at_revision_1() {
    let server = TestServer::start();
    let client = server.client().await;
    let cases = [
        (Expected::Any, true, true),
        (Expected::NoStream, true, false),
        (Expected::StreamExists, false, true),
        (Expected::Revision(0), false, false),
        (Expected::Revision(1), false, true),
        (Expected::Revision(2), false, false),
    ];
    for (number, (expected, without, with)) in cases.into_iter().enumerate() {
        let (missing, there) = (format!("missing-{number}"), format!("there-{number}"));
        append(&client, &there, events(0..2)).await;
        let outcome = client.append(&missing, expected, vec![event(0)]).await;
        assert_eq!(outcome.is_ok(), without, "{expected:?} of a missing stream: {outcome:?}");
        let outcome = client.append(&there, expected, vec![event(2)]).await;
        assert_eq!(outcome.is_ok(), with, "{expected:?} of a stream at revision 1: {outcome:?}");
    }
    assert_dense(&log(&client).await);
}

#[tokio::test]
async fn append_without_an_expectation_is_append_with_any() {
    let server = TestServer::start();
    let channel = server.channel().await;
    let new = proto::NewEvent { r#type: "Happened".to_owned(), ..Default::default() };
    for revision in 0..3 {
        let request = proto::AppendRequest {
            stream: "s".to_owned(),
            expected: None,
            events: vec![new.clone()],
            guards: Vec::new(),
        };
        let answer: proto::AppendResponse = wire::ask(&channel, wire::APPEND, &request).await.unwrap();
        assert_eq!((answer.first_revision, answer.last_revision), (Some(revision), Some(revision)));
    }
}

#[tokio::test]
async fn append_with_stale_revision_is_refused_and_changes_nothing() {
    let server = TestServer::start();
    let client = server.client().await;
    append(&client, "order-1", events(0..3)).await;
    let before = log(&client).await;
    for (wrong, count) in [(0, 1), (1, 5), (3, 1), (1_000_000, 1), (u64::MAX, 2)] {
        let refused = client.append("order-1", Expected::Revision(wrong), events(0..count)).await.unwrap_err();
        match &refused {
            Error::WrongExpectedRevision { stream, expected, actual, .. } => {
                assert_eq!((stream.as_str(), *expected, *actual), ("order-1", Expected::Revision(wrong), Some(2)));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(refused.code(), Some(tonic::Code::FailedPrecondition));
    }
    let refused = client.append("order-1", Expected::NoStream, events(0..2)).await;
    assert!(matches!(refused, Err(Error::WrongExpectedRevision { actual: Some(2), .. })), "{refused:?}");
    assert_eq!(log(&client).await, before);
}

#[tokio::test]
async fn append_to_a_missing_stream_that_is_expected_is_told_that_there_is_none() {
    let server = TestServer::start();
    let client = server.client().await;
    for expected in [Expected::StreamExists, Expected::Revision(0), Expected::Revision(u64::MAX)] {
        let refused = client.append("nobody", expected, events(0..1)).await;
        assert!(matches!(refused, Err(Error::WrongExpectedRevision { actual: None, .. })), "{refused:?}");
    }
    assert_eq!(head(&client).await, 0);
    let missing = client.read_stream(ReadStream::new("nobody")).await;
    assert!(matches!(missing, Err(Error::StreamNotFound)), "{missing:?}");
}

#[tokio::test]
async fn all_events_of_an_append_go_in_or_none() {
    let server = TestServer::start();
    let client = server.client().await;
    let taken = event(0);
    append(&client, "a", vec![taken.clone()]).await;
    let faults = [
        taken.with_metadata("other", "content"),
        NewEvent::new("", "{}"),
        NewEvent::new("Tagged", "{}").with_tag("same").with_tag("same"),
    ];
    for fault in faults {
        for place in [0, 5, 9] {
            let mut all = events(0..9);
            all.insert(place, fault.clone());
            let refused = client.append("b", Expected::Any, all).await;
            assert!(refused.is_err(), "{refused:?}");
        }
    }
    assert_eq!(head(&client).await, 1);
    let whole = append(&client, "b", events(0..500)).await;
    let place = Appended { first_revision: 0, last_revision: 499, first_position: 2, last_position: 501, ..whole };
    assert_eq!(whole, place);
    assert_eq!(revisions(&stream(&client, "b").await), (0..500).collect::<Vec<_>>());
}

#[tokio::test]
async fn positions_and_revisions_have_no_gaps_whatever_is_refused_in_between() {
    let server = TestServer::start();
    let client = server.client().await;
    let mut next = 1;
    for number in 0..60_u64 {
        let (name, count) = (format!("s-{}", number % 7), number % 4 + 1);
        let appended = append(&client, &name, events(0..count)).await;
        assert_eq!((appended.first_position, appended.last_position), (next, next + count - 1));
        assert_eq!(appended.last_revision - appended.first_revision, count - 1);
        assert!(!appended.deduplicated);
        next += count;
        let refused = client.append(&name, Expected::NoStream, events(0..3)).await;
        assert!(refused.is_err());
    }
    assert_dense(&log(&client).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn appends_at_the_same_time_to_many_streams_leave_no_gap() {
    let server = TestServer::start();
    let client = server.client().await;
    let appends = (0..200_u64).map(|number| {
        let client = client.clone();
        tokio::spawn(async move { append(&client, &format!("s-{}", number % 9), events(0..number % 3 + 1)).await })
    });
    let mut taken = Vec::new();
    for appended in appends.collect::<Vec<_>>() {
        let appended = appended.await.unwrap();
        taken.extend(appended.first_position..=appended.last_position);
    }
    taken.sort_unstable();
    let all = log(&client).await;
    assert_eq!(taken, (1..=all.len() as u64).collect::<Vec<_>>());
    assert_dense(&all);
}

#[tokio::test]
async fn an_event_without_an_id_gets_one_from_the_server() {
    let server = TestServer::start();
    let channel = server.channel().await;
    let new = proto::NewEvent { r#type: "Happened".to_owned(), data: "{}".into(), ..Default::default() };
    for _ in 0..2 {
        let request = proto::AppendRequest {
            stream: "s".to_owned(),
            expected: None,
            events: vec![new.clone(); 20],
            guards: Vec::new(),
        };
        let answer: proto::AppendResponse = wire::ask(&channel, wire::APPEND, &request).await.unwrap();
        assert!(!answer.deduplicated);
    }
    let mut made = ids(&stream(&server.client().await, "s").await);
    assert!(made.iter().all(|id| !id.is_nil()));
    made.sort_unstable();
    made.dedup();
    assert_eq!(made.len(), 40);
}

#[tokio::test]
async fn time_never_runs_backwards_along_the_log() {
    let mut server = TestServer::start();
    let client = server.client().await;
    for _ in 0..3 {
        for number in 0..30 {
            append(&client, &format!("s-{}", number % 4), events(0..2)).await;
        }
        server.restart().await;
    }
    let all = log(&client).await;
    assert_eq!(all.len(), 180);
    assert_dense(&all);
}

/// An event with a field of tomorrow's protocol, and with all fields of the server forged.
fn forged() -> (Vec<u8>, Vec<u8>) {
    let mut honest = proto::NewEvent { r#type: "Paid".to_owned(), data: "{}".into(), ..Default::default() };
    honest.id = Uuid::now_v7().to_string();
    let mut plain = honest.encode_to_vec();
    plain.extend([0xba, 0x3e, 3, b'n', b'e', b'w']);
    let lies = proto::RecordedEvent {
        stream: "somebody-else".to_owned(),
        revision: Some(77),
        position: 88,
        recorded_at: Some(prost_types::Timestamp { seconds: 99, nanos: 0 }),
        ..Default::default()
    };
    let with_lies = [lies.encode_to_vec(), plain.clone(), lies.encode_to_vec()].concat();
    (plain, with_lies)
}

#[tokio::test]
async fn forged_server_fields_are_overridden_and_unknown_fields_are_kept() {
    let mut server = TestServer::start();
    let channel = server.channel().await;
    let (plain, with_lies) = forged();
    let request = RawAppend { stream: b"mine".to_vec(), expected: None, events: vec![with_lies] };
    let _: proto::AppendResponse = wire::ask(&channel, wire::APPEND, &request).await.unwrap();
    for _ in 0..2 {
        let channel = server.channel().await;
        let key = Some(proto::get_event_request::Key::Position(1));
        let answer: RawEvents = wire::ask(&channel, wire::GET_EVENT, &proto::GetEventRequest { key }).await.unwrap();
        let kept = &answer.events[0];
        assert!(kept.starts_with(&plain), "what the client said is there as it was said");
        let kept = proto::RecordedEvent::decode(kept.as_slice()).unwrap();
        assert_eq!((kept.stream.as_str(), kept.revision, kept.position), ("mine", Some(0), 1));
        assert!(kept.recorded_at.unwrap().seconds > 1_500_000_000);
        server.restart().await;
    }
    let missing = server.client().await.read_stream(ReadStream::new("somebody-else")).await;
    assert!(matches!(missing, Err(Error::StreamNotFound)), "{missing:?}");
}

#[tokio::test]
async fn content_comes_back_byte_for_byte() {
    let mut server = TestServer::start();
    let client = server.client().await;
    let every_byte: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let full = NewEvent::new("Ωrder\u{2003}placed", every_byte)
        .with_content_type("application/octet-stream")
        .with_metadata("", "an empty key")
        .with_metadata("line\nbreak", "\u{0}")
        .with_schema_version("2.1")
        .with_correlation_id("correlation ✓")
        .with_causation_id("causation")
        .with_tags(["z:1", "a:2", "Z:1"])
        .occurred_at("0001-01-01T00:00:00Z".parse().unwrap());
    let empty = NewEvent::new("E", "");
    append(&client, "stream with spaces/und Ümläute", vec![full.clone(), empty.clone()]).await;
    for _ in 0..2 {
        let read = stream(&client, "stream with spaces/und Ümläute").await;
        for (sent, came) in [&full, &empty].into_iter().zip(&read) {
            let came = came.clone();
            let back = NewEvent {
                id: came.id,
                event_type: came.event_type,
                data: came.data,
                content_type: came.content_type,
                metadata: came.metadata,
                schema_version: came.schema_version,
                correlation_id: came.correlation_id,
                causation_id: came.causation_id,
                tags: came.tags,
                occurred_at: came.occurred_at,
            };
            assert_eq!(&back, sent);
        }
        server.restart().await;
    }
}

#[tokio::test]
async fn an_id_in_capitals_comes_back_in_the_canonical_form() {
    let server = TestServer::start();
    let channel = server.channel().await;
    let id = Uuid::now_v7();
    let new = proto::NewEvent { id: id.to_string().to_uppercase(), r#type: "A".to_owned(), ..Default::default() };
    let request =
        proto::AppendRequest { stream: "s".to_owned(), expected: None, events: vec![new], guards: Vec::new() };
    let first: proto::AppendResponse = wire::ask(&channel, wire::APPEND, &request).await.unwrap();
    let again: proto::AppendResponse = wire::ask(&channel, wire::APPEND, &request).await.unwrap();
    assert_eq!((first.deduplicated, again.deduplicated), (false, true));
    let key = Some(proto::get_event_request::Key::Id(id.simple().to_string()));
    let request = proto::GetEventRequest { key };
    let answer: proto::GetEventResponse = wire::ask(&channel, wire::GET_EVENT, &request).await.unwrap();
    assert_eq!(answer.event.unwrap().id, id.to_string());
}
