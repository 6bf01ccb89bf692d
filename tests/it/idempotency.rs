//! A retry gets the first answer again; an id that another event has is never taken twice.

use std::collections::HashMap;

use prost::Message;
use quipu_client::{Appended, Error, Expected, proto};
use tonic::Code;

use crate::events::{append, event, events, head, log};
use crate::server::TestServer;
use crate::wire::{self, RawAppend};

/// The same place, found again.
fn again(appended: Appended) -> Appended {
    Appended { deduplicated: true, ..appended }
}

/// Asserts that an append is refused because of the id of this event.
fn assert_taken(refused: Result<Appended, Error>, wanted: uuid::Uuid, (in_stream, at): (&str, u64)) {
    match refused {
        Err(Error::EventIdConflict { id, stream, position }) => {
            assert_eq!((id, stream.as_str(), position), (wanted, in_stream, at));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_retry_gets_the_original_place_whatever_it_expected() {
    let mut server = TestServer::start();
    let client = server.client().await;
    append(&client, "exact", events(0..2)).await;
    let cases = [
        ("any", Expected::Any),
        ("none", Expected::NoStream),
        ("exact", Expected::Revision(1)),
        ("exact", Expected::StreamExists),
    ];
    let mut done = Vec::new();
    for (stream, expected) in cases {
        let batch = events(0..3);
        let first = client.append(stream, expected, batch.clone()).await.unwrap();
        assert!(!first.deduplicated);
        append(&client, stream, events(10..12)).await;
        done.push((stream, expected, batch, first));
    }
    let before = log(&client).await;
    for _ in 0..2 {
        for (stream, expected, batch, first) in &done {
            let retried = client.append(stream, *expected, batch.clone()).await.unwrap();
            assert_eq!(retried, again(*first), "{stream}, {expected:?}");
        }
        assert_eq!(log(&client).await, before);
        server.restart().await;
    }
}

#[tokio::test]
async fn a_retry_after_a_crash_is_recognised() {
    let mut server = TestServer::start();
    let client = server.patient_client().await;
    let batch = events(0..5);
    let first = append(&client, "s", batch.clone()).await;
    server.kill();
    server.run();
    assert_eq!(append(&client, "s", batch).await, again(first));
    assert_eq!(head(&client).await, 5);
}

#[tokio::test]
async fn a_retry_beyond_the_recent_window_is_recognised_by_its_exact_revision() {
    let mut server = TestServer::start_with(&["--recent-event-ids", "10", "--segment-events", "16"]);
    let client = server.client().await;
    append(&client, "s", events(0..4)).await;
    let (exact, none) = (events(4..7), events(0..2));
    let first_exact = client.append("s", Expected::Revision(3), exact.clone()).await.unwrap();
    let first_none = client.append("t", Expected::NoStream, none.clone()).await.unwrap();
    for number in 0..100 {
        append(&client, if number % 2 == 0 { "s" } else { "u" }, vec![event(number)]).await;
    }
    let before = head(&client).await;
    for _ in 0..2 {
        let retried = client.append("s", Expected::Revision(3), exact.clone()).await.unwrap();
        assert_eq!(retried, again(first_exact));
        let retried = client.append("t", Expected::NoStream, none.clone()).await.unwrap();
        assert_eq!(retried, again(first_none));
        let mut other = exact.clone();
        other[1].data = "{\"number\":-1}".into();
        assert_taken(client.append("s", Expected::Revision(3), other).await, exact[1].id, ("s", 6));
        let partly = vec![exact[0].clone(), event(0)];
        let refused = client.append("s", Expected::Revision(3), partly).await;
        assert!(refused.is_err(), "{refused:?}");
        assert_eq!(head(&client).await, before);
        server.restart().await;
    }
}

#[tokio::test]
async fn an_append_that_overlaps_with_another_is_refused() {
    let server = TestServer::start();
    let client = server.client().await;
    append(&client, "other", events(0..3)).await;
    let batch = events(0..4);
    append(&client, "s", batch.clone()).await;
    let [a, b, c, d] = batch.clone().try_into().unwrap();
    let x = event(9);
    let overlaps = [
        (vec![x.clone(), a.clone()], a.id, 4),
        (vec![a.clone(), x.clone()], a.id, 4),
        (vec![c.clone(), d.clone(), x.clone()], c.id, 6),
        (vec![a.clone(), c.clone()], c.id, 6),
        (vec![b.clone(), a.clone()], a.id, 4),
    ];
    for (overlap, id, position) in overlaps {
        assert_taken(client.append("s", Expected::Any, overlap).await, id, ("s", position));
    }
    let refused = client.append("s", Expected::Any, vec![b]).await.unwrap();
    assert!(refused.deduplicated, "one of the events alone is what it is, and where it was");
    assert_eq!(head(&client).await, 7);
    assert_eq!(client.append("s", Expected::Any, batch).await.unwrap().first_position, 4);
}

#[tokio::test]
async fn the_same_ids_with_another_content_are_refused() {
    let server = TestServer::start();
    let client = server.client().await;
    let first = event(1).with_tag("a:1").with_metadata("k", "v");
    append(&client, "s", vec![first.clone()]).await;
    let others = [
        quipu_client::NewEvent { data: "{\"number\":2}".into(), ..first.clone() },
        quipu_client::NewEvent { event_type: "Miscounted".to_owned(), ..first.clone() },
        quipu_client::NewEvent { metadata: HashMap::new(), ..first.clone() },
        quipu_client::NewEvent { tags: vec![], ..first.clone() },
        first.clone().with_tag("b:1"),
        first.clone().with_correlation_id("c"),
        first.clone().occurred_at("2020-01-01T00:00:00Z".parse().unwrap()),
    ];
    for other in others {
        for expected in [Expected::Any, Expected::NoStream, Expected::Revision(0)] {
            let refused = client.append("s", expected, vec![other.clone()]).await;
            assert_taken(refused, first.id, ("s", 1));
        }
    }
    assert_eq!(head(&client).await, 1);
}

#[tokio::test]
async fn the_same_ids_in_another_stream_are_refused() {
    let mut server = TestServer::start();
    let client = server.client().await;
    let batch = events(0..2);
    append(&client, "s", batch.clone()).await;
    for _ in 0..2 {
        for expected in [Expected::Any, Expected::NoStream] {
            let refused = client.append("t", expected, batch.clone()).await;
            let code = refused.as_ref().unwrap_err().code();
            assert_taken(refused, batch[0].id, ("s", 1));
            assert_eq!(code, Some(Code::AlreadyExists));
        }
        assert_eq!(head(&client).await, 2);
        server.restart().await;
    }
}

#[tokio::test]
async fn a_retry_with_its_metadata_in_another_order_is_recognised() {
    let server = TestServer::start();
    let channel = server.channel().await;
    let base = proto::NewEvent {
        id: uuid::Uuid::now_v7().to_string(),
        r#type: "T".to_owned(),
        data: "{}".into(),
        ..Default::default()
    };
    let pairs: Vec<Vec<u8>> = ["a", "b", "c"]
        .map(|key| {
            let metadata = HashMap::from([(key.to_owned(), format!("value of {key}"))]);
            proto::NewEvent { metadata, ..Default::default() }.encode_to_vec()
        })
        .into();
    for (round, order) in [[0, 1, 2], [2, 1, 0], [1, 2, 0]].into_iter().enumerate() {
        let event = [base.encode_to_vec(), order.map(|pair| pairs[pair].clone()).concat()].concat();
        let request = RawAppend { stream: b"s".to_vec(), expected: None, events: vec![event] };
        let answer: proto::AppendResponse = wire::ask(&channel, wire::APPEND, &request).await.unwrap();
        assert_eq!((answer.deduplicated, answer.last_position), (round > 0, 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_copies_of_one_append_at_the_same_time_have_one_effect() {
    let server = TestServer::start();
    let client = server.client().await;
    for round in 0..10_u64 {
        let batch = events(0..3);
        let expected = [Expected::Any, Expected::NoStream][usize::try_from(round % 2).unwrap()];
        let copies: Vec<_> = (0..32)
            .map(|_| {
                let (client, batch) = (client.clone(), batch.clone());
                tokio::spawn(async move { client.append(&format!("s-{round}"), expected, batch).await.unwrap() })
            })
            .collect();
        let mut firsts = 0;
        for copy in copies {
            let appended = copy.await.unwrap();
            assert_eq!((appended.first_position, appended.last_revision), (round * 3 + 1, 2));
            firsts += u64::from(!appended.deduplicated);
        }
        assert_eq!(firsts, 1, "one of them did it");
        assert_eq!(head(&client).await, round * 3 + 3);
    }
}
