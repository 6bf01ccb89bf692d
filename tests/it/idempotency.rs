//! A retry gets the first answer again; an id that another event has is never taken twice.

use std::collections::HashMap;

use prost::Message;
use quipu_client::{
    Appended, Client, Error, Expected, ExpectedCheckpoint, Guard, Query, QueryItem, Transacted, Transaction, proto,
};
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

/// The same places, found again.
fn all_again(done: &Transacted) -> Transacted {
    let appends = done.appends.iter().copied().map(again).collect();
    Transacted { appends, deduplicated: true, ..done.clone() }
}

async fn checkpoint(client: &Client, name: &str) -> Option<u64> {
    client.get_checkpoint(name).await.expect("an answer").map(|checkpoint| checkpoint.position)
}

#[tokio::test]
async fn a_retry_of_a_guarded_append_gets_its_first_answer_although_its_own_events_break_the_guard() {
    let mut server = TestServer::start();
    let client = server.patient_client().await;
    append(&client, "other", events(0..3)).await;
    let batch: Vec<_> = events(0..2).into_iter().map(|event| event.with_tag("seat:7")).collect();
    let seat = || Query::item(QueryItem::new().tags(["seat:7"]));
    let guards = vec![Guard::none_match(seat()).after(3), Guard::stream("s", Expected::NoStream)];
    let first = client.append_guarded("s", Expected::NoStream, batch.clone(), guards.clone()).await.unwrap();
    append(&client, "s", events(5..7)).await;
    for round in 0..3 {
        for expected in [Expected::NoStream, Expected::Any] {
            let retried = client.append_guarded("s", expected, batch.clone(), guards.clone()).await.unwrap();
            assert_eq!(retried, again(first), "round {round}");
        }
        let fresh = client.append_guarded("s", Expected::Any, events(0..1), guards.clone()).await;
        assert!(matches!(fresh, Err(Error::GuardNotMet { index: 0, .. })), "the guard fails by now: {fresh:?}");
        assert_eq!(head(&client).await, 7);
        server.kill();
        server.run();
    }
}

#[tokio::test]
async fn a_retry_of_a_transaction_gets_its_first_answer_and_moves_no_checkpoint_again() {
    let mut server = TestServer::start_with(&["--segment-events", "16"]);
    let client = server.patient_client().await;
    append(&client, "b", events(0..4)).await;
    let transaction = Transaction::new()
        .append("a", Expected::NoStream, events(0..3))
        .append("b", Expected::Revision(3), events(4..6))
        .append("c", Expected::Any, events(0..1))
        .guard(Guard::none_match(Query::item(QueryItem::new().types(["Counted"]))).after(4))
        .guard(Guard::checkpoint("consumer", None))
        .advance("consumer", 3);
    let first = client.transact(transaction.clone()).await.unwrap();
    for name in ["a", "b", "c"] {
        append(&client, name, events(10..20)).await;
    }
    client.set_checkpoint("consumer", 1, ExpectedCheckpoint::Any).await.unwrap();
    let before = log(&client).await;
    for round in 0..4 {
        for _ in 0..3 {
            assert_eq!(client.transact(transaction.clone()).await.unwrap(), all_again(&first), "round {round}");
            assert_eq!(checkpoint(&client, "consumer").await, Some(1), "it is where it was moved since");
        }
        assert_eq!(log(&client).await, before);
        if round % 2 == 0 {
            server.kill();
            server.run();
        } else {
            client.delete_checkpoint("consumer").await.unwrap();
            assert_eq!(client.transact(transaction.clone()).await.unwrap(), all_again(&first));
            assert_eq!(checkpoint(&client, "consumer").await, None);
            client.set_checkpoint("consumer", 1, ExpectedCheckpoint::NoCheckpoint).await.unwrap();
            server.restart().await;
        }
    }
}

#[tokio::test]
async fn a_transaction_beyond_the_recent_window_is_recognised_by_its_exact_revisions() {
    let mut server = TestServer::start_with(&["--recent-event-ids", "10", "--segment-events", "16"]);
    let client = server.client().await;
    append(&client, "s", events(0..4)).await;
    let transaction = Transaction::new()
        .append("s", Expected::Revision(3), events(4..7))
        .append("t", Expected::NoStream, events(0..2))
        .advance("consumer", 4);
    let first = client.transact(transaction.clone()).await.unwrap();
    for number in 0..100 {
        append(&client, if number % 2 == 0 { "s" } else { "u" }, vec![event(number)]).await;
    }
    client.delete_checkpoint("consumer").await.unwrap();
    for _ in 0..2 {
        assert_eq!(client.transact(transaction.clone()).await.unwrap(), all_again(&first));
        assert_eq!((head(&client).await, checkpoint(&client, "consumer").await), (109, None));
        server.restart().await;
    }
}

#[tokio::test]
async fn a_transaction_of_which_a_part_went_in_is_refused_with_the_id_that_is_taken() {
    let mut server = TestServer::start();
    let client = server.client().await;
    let (one, other) = (events(0..2), events(0..2));
    append(&client, "x", events(0..1)).await;
    append(&client, "a", one.clone()).await;
    let parts = [
        Transaction::new().append("a", Expected::Any, one.clone()).append("b", Expected::Any, other.clone()),
        Transaction::new().append("b", Expected::Any, other.clone()).append("a", Expected::Any, one.clone()),
        Transaction::new().append("a", Expected::NoStream, one.clone()).append("b", Expected::NoStream, other.clone()),
        Transaction::new().append("b", Expected::NoStream, vec![other[0].clone(), one[0].clone()]),
        Transaction::new().append("a", Expected::Any, vec![one[0].clone(), other[0].clone()]),
    ];
    for _ in 0..2 {
        for (number, part) in parts.iter().enumerate() {
            let refused = client.transact(part.clone().advance("consumer", 1)).await;
            match refused {
                Err(Error::EventIdConflict { id, stream, position }) => {
                    assert_eq!((id, stream.as_str(), position), (one[0].id, "a", 2), "part {number}");
                }
                other => panic!("part {number}: {other:?}"),
            }
            assert_eq!((head(&client).await, checkpoint(&client, "consumer").await), (3, None), "part {number}");
        }
        assert_eq!(client.stream("b").await.unwrap(), None);
        server.restart().await;
    }
}

/// Once, a retry of an append that expected no stream was taken for another append after the stream had been
/// deleted, and refused: no stream then means another revision than it did at first.
#[tokio::test]
async fn a_retry_is_recognised_after_its_stream_was_deleted_revived_and_ended() {
    let mut server = TestServer::start();
    let client = server.client().await;
    let cases = [("none", Expected::NoStream), ("any", Expected::Any)];
    let mut done = Vec::new();
    for (name, expected) in cases {
        let (batch, revival) = (events(0..3), events(3..5));
        let first = client.append(name, expected, batch.clone()).await.unwrap();
        client.delete_stream(name, Expected::Any).await.unwrap();
        assert_eq!(client.append(name, expected, batch.clone()).await.unwrap(), again(first), "{name} is deleted");
        let second = client.append(name, expected, revival.clone()).await.unwrap();
        assert_eq!(second.first_revision, 3);
        done.push((name, expected, [(batch, first), (revival, second)]));
    }
    for round in 0..6 {
        for (name, expected, appends) in &done {
            for (batch, first) in appends {
                let retried = client.append(name, *expected, batch.clone()).await.unwrap();
                assert_eq!(retried, again(*first), "{name} in round {round}");
            }
            match round {
                1 => drop(client.delete_stream(name, Expected::Any).await.unwrap()),
                3 => drop(client.tombstone_stream(name, Expected::Any).await.unwrap()),
                _ => {}
            }
        }
        if round % 2 == 0 {
            server.restart().await;
        }
    }
}
