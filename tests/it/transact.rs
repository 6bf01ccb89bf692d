//! Transactions and guards: all of it goes in or nothing, and a refusal says what is so instead.

use std::time::Duration;

use quipu_client::proto::event_store_client::EventStoreClient;
use quipu_client::{
    Appended, Client, Conflict, Error, Expected, ExpectedCheckpoint, Guard, NewEvent, Query, QueryItem, Transaction,
    proto,
};
use tonic::{Code, Request};

use crate::events::{append, assert_dense, event, events, head, log, positions, spread, stream};
use crate::server::{TestServer, within};
use crate::wire::{self, detail, reason};

const CLIENTS: usize = 32;

fn tagged(number: u64, tag: &str) -> NewEvent {
    event(number).with_tag(tag)
}

/// The events with a tag.
fn with_tag(tag: &str) -> Query {
    Query::item(QueryItem::new().tags([tag]))
}

/// The events of a type.
fn of_type(name: &str) -> Query {
    Query::item(QueryItem::new().types([name]))
}

/// Appends one event if none has its tag.
async fn claim(client: &Client, stream: &str, tag: &str) -> Result<Appended, Error> {
    let guard = Guard::none_match(with_tag(tag));
    client.append_guarded(stream, Expected::Any, vec![tagged(0, tag)], vec![guard]).await
}

async fn checkpoint(client: &Client, name: &str) -> Option<u64> {
    client.get_checkpoint(name).await.expect("an answer").map(|checkpoint| checkpoint.position)
}

#[tokio::test]
async fn appends_of_a_transaction_go_in_one_after_another() {
    let mut server = TestServer::start();
    let client = server.client().await;
    append(&client, "b", events(0..2)).await;
    let transaction = Transaction::new()
        .append("c", Expected::NoStream, events(0..3))
        .append("a", Expected::Any, events(0..1))
        .append("b", Expected::Revision(1), events(2..4))
        .advance("done", 2);
    let done = client.transact(transaction).await.unwrap();
    let places: Vec<_> = done
        .appends
        .iter()
        .map(|it| (it.first_revision, it.last_revision, it.first_position, it.last_position, it.deduplicated))
        .collect();
    assert_eq!(places, [(0, 2, 3, 5, false), (0, 0, 6, 6, false), (2, 3, 7, 8, false)]);
    assert_eq!((done.first_position, done.last_position, done.deduplicated), (Some(3), Some(8), false));
    for _ in 0..2 {
        let all = log(&client).await;
        assert_dense(&all);
        let names: Vec<_> = all.iter().map(|event| event.stream.as_str()).collect();
        assert_eq!(names, ["b", "b", "c", "c", "c", "a", "b", "b"]);
        assert!(all[2..].iter().all(|event| event.recorded_at == all[2].recorded_at), "one commit, one time");
        assert_eq!(checkpoint(&client, "done").await, Some(2));
        server.restart().await;
    }
}

#[tokio::test]
async fn one_refused_part_keeps_a_whole_transaction_out() {
    let mut server = TestServer::start();
    let client = server.client().await;
    let taken = event(9);
    append(&client, "there", vec![event(0), taken.clone()]).await;
    client.tombstone_stream("gone", Expected::Any).await.unwrap();
    client.set_checkpoint("consumer", 2, ExpectedCheckpoint::Any).await.unwrap();
    let end = head(&client).await;
    let whole = || Transaction::new().append("a", Expected::Any, events(0..3)).append("b", Expected::Any, events(0..3));
    let moves = || whole().advance("other", 1);
    let refused = [
        (moves().append("there", Expected::Revision(0), events(0..1)), "WRONG_EXPECTED_REVISION"),
        (moves().append("c", Expected::StreamExists, events(0..1)), "WRONG_EXPECTED_REVISION"),
        (moves().append("gone", Expected::Any, events(0..1)), "STREAM_TOMBSTONED"),
        (moves().append("c", Expected::Any, vec![event(0), taken]), "EVENT_ID_CONFLICT"),
        (moves().guard(Guard::stream("there", Expected::NoStream)), "GUARD_NOT_MET"),
        (moves().guard(Guard::some_match(of_type("Never"))), "GUARD_NOT_MET"),
        (moves().guard(Guard::some_match(Query::all()).after(end + 1)), "BEYOND_END"),
        (moves().advance("consumer", 2), "WRONG_CHECKPOINT"),
        (moves().advance("consumer", 1), "WRONG_CHECKPOINT"),
        (moves().advance("consumer", end + 1), "BEYOND_END"),
    ];
    for (number, (transaction, why)) in refused.into_iter().enumerate() {
        let refusal = client.transact(transaction).await.unwrap_err();
        assert_eq!(refusal.reason().as_deref(), Some(why), "transaction {number}: {refusal:?}");
        assert_eq!(head(&client).await, end, "transaction {number}");
        for stream in ["a", "b", "c", "gone"] {
            assert_eq!(client.stream(stream).await.unwrap(), None, "transaction {number}: {stream} has an event");
        }
        assert_eq!((checkpoint(&client, "consumer").await, checkpoint(&client, "other").await), (Some(2), None));
    }
    let done = client.transact(moves()).await.unwrap();
    assert_eq!((done.first_position, done.last_position), (Some(end + 1), Some(end + 6)));
    server.restart().await;
    assert_eq!(head(&client).await, end + 6);
    assert_eq!(checkpoint(&client, "other").await, Some(1));
}

#[tokio::test]
async fn a_transaction_may_move_checkpoints_and_nothing_else() {
    let server = TestServer::start();
    let client = server.client().await;
    append(&client, "s", events(0..9)).await;
    let done = client.transact(Transaction::new().advance("a", 4).advance("b", 9)).await.unwrap();
    assert_eq!((done.appends.len(), done.first_position, done.last_position), (0, None, None));
    assert_eq!((checkpoint(&client, "a").await, checkpoint(&client, "b").await), (Some(4), Some(9)));
    let guarded = Transaction::new().advance("a", 5).guard(Guard::checkpoint("b", Some(8)));
    let refused = client.transact(guarded).await.unwrap_err();
    let actual = Conflict::Checkpoint { name: "b".to_owned(), expected: Some(8), actual: Some(9) };
    assert!(matches!(&refused, Error::GuardNotMet { index: 0, actual: a, head: 9 } if *a == actual), "{refused:?}");
    assert_eq!((checkpoint(&client, "a").await, head(&client).await), (Some(4), 9));
    match client.transact(Transaction::new().advance("a", 4)).await.unwrap_err() {
        Error::WrongCheckpoint { name, expected, actual } => {
            assert_eq!((name.as_str(), expected, actual), ("a", Some(4), Some(4)));
        }
        other => panic!("{other:?}"),
    }
}

/// A store with 4 events, in which the second of stream `s` has the tag `x`, and a checkpoint.
async fn four_events() -> TestServer {
    let server = TestServer::start();
    let client = server.client().await;
    let early = NewEvent::new("Early", "{}").with_tag("x");
    append(&client, "s", vec![event(0), early, NewEvent::new("Late", "{}").with_tag("x")]).await;
    append(&client, "t-1", vec![event(0)]).await;
    client.set_checkpoint("c", 3, ExpectedCheckpoint::Any).await.unwrap();
    server
}

/// Guards over those four events, and what is so where one does not hold.
fn guards() -> Vec<(Guard, Option<Conflict>)> {
    let stream = |name: &str, expected, actual| Some(Conflict::Stream { stream: name.to_owned(), expected, actual });
    let event = |position, name: &str| Some(Conflict::Event { position, event_type: name.to_owned() });
    let mark = |expected, actual| Some(Conflict::Checkpoint { name: "c".to_owned(), expected, actual });
    let none = |actual| Some(Conflict::Checkpoint { name: "d".to_owned(), expected: Some(0), actual });
    let all_of = Query::item(QueryItem::new().types(["Early"]).tags(["x"]));
    vec![
        (Guard::stream("s", Expected::Any), None),
        (Guard::stream("s", Expected::StreamExists), None),
        (Guard::stream("s", Expected::Revision(2)), None),
        (Guard::stream("u", Expected::NoStream), None),
        (Guard::stream("s", Expected::NoStream), stream("s", Expected::NoStream, Some(2))),
        (Guard::stream("s", Expected::Revision(1)), stream("s", Expected::Revision(1), Some(2))),
        (Guard::stream("u", Expected::StreamExists), stream("u", Expected::StreamExists, None)),
        (Guard::stream("u", Expected::Revision(0)), stream("u", Expected::Revision(0), None)),
        (Guard::none_match(with_tag("y")), None),
        (Guard::none_match(with_tag("x")), event(3, "Late")),
        (Guard::none_match(all_of.clone()), event(2, "Early")),
        (Guard::none_match(all_of.clone()).after(2), None),
        (Guard::none_match(Query::all()), event(4, "Counted")),
        (Guard::none_match(Query::all()).after(4), None),
        (Guard::none_match(Query::item(QueryItem::new().categories(["t"]))), event(4, "Counted")),
        (Guard::none_match(Query::item(QueryItem::new().stream_prefix("t"))), event(4, "Counted")),
        (Guard::none_match(with_tag("y").or(QueryItem::new().types(["Early"]))), event(2, "Early")),
        (Guard::some_match(with_tag("x")), None),
        (Guard::some_match(with_tag("x")).after(2), None),
        (Guard::some_match(with_tag("x")).after(3), Some(Conflict::Nothing)),
        (Guard::some_match(all_of).after(2), Some(Conflict::Nothing)),
        (Guard::some_match(with_tag("y")), Some(Conflict::Nothing)),
        (Guard::some_match(Query::all()).after(4), Some(Conflict::Nothing)),
        (Guard::checkpoint("c", Some(3)), None),
        (Guard::checkpoint("d", None), None),
        (Guard::checkpoint("c", None), mark(None, Some(3))),
        (Guard::checkpoint("c", Some(2)), mark(Some(2), Some(3))),
        (Guard::checkpoint("d", Some(0)), none(None)),
    ]
}

/// What a refusal says in the words of the wire.
fn told(actual: &Conflict, head: u64) -> Option<proto::guard_not_met::Actual> {
    use proto::guard_not_met::{Actual, MatchingEvent};
    Some(match actual.clone() {
        Conflict::Stream { stream, expected, actual } => Actual::Stream(proto::WrongExpectedRevision {
            stream,
            expected: Some(expected.into()),
            actual_revision: actual,
            head,
        }),
        Conflict::Event { position, event_type } => Actual::Event(MatchingEvent { position, r#type: event_type }),
        Conflict::Checkpoint { name, expected, actual } => {
            Actual::Checkpoint(proto::WrongCheckpoint { name, expected_position: expected, actual_position: actual })
        }
        Conflict::Nothing => return None,
    })
}

#[tokio::test]
async fn a_guard_that_does_not_hold_tells_which_and_what_is_so_instead() {
    let mut server = four_events().await;
    for _ in 0..2 {
        let (client, channel) = (server.client().await, server.channel().await);
        for (guard, conflict) in guards() {
            let Some(conflict) = conflict else { continue };
            let what = format!("{guard:?}");
            // Behind one that holds, it is the second that does not.
            for before in [vec![], vec![Guard::stream("s", Expected::Any)]] {
                let index = before.len();
                let guards = [before, vec![guard.clone()]].concat();
                let outcome = client.append_guarded("new", Expected::Any, events(0..1), guards.clone()).await;
                match outcome.unwrap_err() {
                    Error::GuardNotMet { index: i, actual, head: 4 } => {
                        assert_eq!((i, &actual), (index, &conflict), "{what}");
                    }
                    other => panic!("{what}: {other:?}"),
                }
                let request = proto::TransactRequest {
                    appends: vec![],
                    guards: guards.into_iter().map(proto::Guard::from).collect(),
                    checkpoints: vec![proto::CheckpointAdvance { name: "new".to_owned(), position: 1 }],
                };
                let outcome: Result<proto::TransactResponse, _> = wire::ask(&channel, wire::TRANSACT, &request).await;
                let status = outcome.unwrap_err();
                assert_eq!(reason(&status), (Code::FailedPrecondition, "GUARD_NOT_MET".to_owned()), "{what}");
                let detail: proto::GuardNotMet = detail(&status, "GuardNotMet");
                assert_eq!((detail.index, detail.head), (u32::try_from(index).unwrap(), 4), "{what}");
                assert_eq!(detail.actual, told(&conflict, 4), "{what}");
            }
        }
        assert_eq!((head(&client).await, checkpoint(&client, "new").await), (4, None));
        server.restart().await;
    }
}

#[tokio::test]
async fn guards_that_hold_let_everything_in() {
    let server = four_events().await;
    let client = server.client().await;
    let holding: Vec<Guard> = guards().into_iter().filter(|(_, why)| why.is_none()).map(|(guard, _)| guard).collect();
    let transaction = Transaction::new().append("u", Expected::NoStream, events(0..2)).advance("c", 4);
    let done = client.transact(holding.into_iter().fold(transaction, Transaction::guard)).await.unwrap();
    assert_eq!((done.first_position, checkpoint(&client, "c").await), (Some(5), Some(4)));
}

#[tokio::test]
async fn guards_see_what_went_in_before_and_not_the_events_of_their_own_request() {
    let server = TestServer::start();
    let client = server.client().await;
    let alone = Guard::some_match(with_tag("x"));
    let refused = client.append_guarded("s", Expected::Any, vec![tagged(0, "x")], vec![alone]).await;
    assert!(matches!(refused, Err(Error::GuardNotMet { actual: Conflict::Nothing, head: 0, .. })), "{refused:?}");
    assert_eq!(claim(&client, "s", "x").await.unwrap().first_position, 1);
    let transaction = Transaction::new()
        .append("s", Expected::Any, vec![tagged(1, "y")])
        .append("t", Expected::Any, vec![tagged(2, "y")])
        .guard(Guard::none_match(with_tag("y")))
        .guard(Guard::stream("t", Expected::NoStream))
        .guard(Guard::stream("s", Expected::Revision(0)));
    client.transact(transaction).await.unwrap();
    match claim(&client, "u", "y").await {
        Err(Error::GuardNotMet { index: 0, actual: Conflict::Event { position: 3, .. }, head: 3 }) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn only_events_after_the_position_of_a_guard_count() {
    let mut server = TestServer::start_with(&["--segment-events", "16"]);
    let client = server.client().await;
    spread(&client, "s", 3, 49).await;
    append(&client, "s-0", vec![tagged(0, "x")]).await;
    spread(&client, "s", 3, 50).await;
    for _ in 0..2 {
        for after in [0, 1, 48, 49] {
            let guard = Guard::none_match(with_tag("x")).after(after);
            let refused = client.append_guarded("t", Expected::Any, events(0..1), vec![guard]).await;
            let found = Conflict::Event { position: 50, event_type: "Counted".to_owned() };
            assert!(matches!(refused, Err(Error::GuardNotMet { actual, .. }) if actual == found), "after {after}");
        }
        for after in [50, 51, 99, 100] {
            let guards =
                vec![Guard::none_match(with_tag("x")).after(after), Guard::some_match(with_tag("x")).after(49)];
            let moved = Transaction::new().advance(format!("c-{after}-{}", server.id()), 1);
            client.transact(guards.into_iter().fold(moved, Transaction::guard)).await.unwrap();
        }
        for after in [101, 102, u64::MAX] {
            for guard in [Guard::none_match(with_tag("x")), Guard::some_match(Query::all())] {
                let refused = client.append_guarded("t", Expected::Any, events(0..1), vec![guard.after(after)]).await;
                let refused = refused.unwrap_err();
                assert!(
                    matches!(refused, Error::BeyondEnd { asked, last: Some(100) } if asked == after),
                    "{refused:?}"
                );
                assert_eq!(refused.code(), Some(Code::OutOfRange));
            }
        }
        assert_eq!(head(&client).await, 100);
        server.restart().await;
    }
}

#[tokio::test]
async fn a_failing_guard_does_not_end_a_session_and_answers_stay_in_order() {
    let server = TestServer::start();
    let client = server.client().await;
    let (sender, mut receiver) = client.append_session().await.unwrap().split();
    let count = 200_u64;
    let sending = tokio::spawn(async move {
        for number in 0..count {
            let tag = format!("n:{}", number / 2);
            let guard = Guard::none_match(with_tag(&tag));
            let guard = if number % 20 == 7 { guard.after(1_000_000) } else { guard };
            sender.send_guarded("s", Expected::Any, vec![tagged(number, &tag)], vec![guard]).await.unwrap();
        }
    });
    let mut next = 1;
    for number in 0..count {
        let answer = within("an answer", receiver.next()).await.unwrap().unwrap();
        match (number, answer) {
            (number, answer) if number % 20 == 7 => {
                assert!(matches!(answer, Err(Error::BeyondEnd { asked: 1_000_000, .. })), "{number}: {answer:?}");
            }
            (number, Ok(appended)) if number % 2 == 0 => {
                assert_eq!(appended.first_position, next, "{number}");
                next += 1;
            }
            (_, Err(Error::GuardNotMet { index: 0, actual: Conflict::Event { position, .. }, head })) => {
                assert_eq!((position, head), (next - 1, next - 1), "{number}");
            }
            (_, other) => panic!("{number}: {other:?}"),
        }
    }
    sending.await.unwrap();
    assert!(within("the end", receiver.next()).await.is_none());
    assert_dense(&log(&client).await);
}

/// Lets all clients claim each of these tags at the same time; exactly one gets it.
async fn race(clients: &[Client], tags: std::ops::Range<u64>) {
    for number in tags {
        let claims: Vec<_> = clients
            .iter()
            .enumerate()
            .map(|(who, client)| {
                let client = client.clone();
                tokio::spawn(async move { claim(&client, &format!("by-{who}"), &format!("seat:{number}")).await })
            })
            .collect();
        let (mut won, mut lost) = (Vec::new(), Vec::new());
        for claim in claims {
            match claim.await.unwrap() {
                Ok(appended) => won.push(appended.first_position),
                Err(Error::GuardNotMet { actual: Conflict::Event { position, .. }, .. }) => lost.push(position),
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!((won.len(), lost.len()), (1, clients.len() - 1), "seat {number}");
        assert!(lost.iter().all(|position| *position == won[0]), "seat {number}: everyone is told who won");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_clients_that_claim_what_nobody_has_exactly_one_wins() {
    let mut server = TestServer::start_with(&["--segment-events", "64"]);
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(server.patient_client().await);
    }
    race(&clients, 0..100).await;
    for number in 0..3 {
        let (racing, tags) = (clients.clone(), 100 + number * 50..150 + number * 50);
        let racing = tokio::spawn(async move { race(&racing, tags).await });
        let watching = server.patient_client().await;
        within("a few wins", async { while head(&watching).await < 110 + number * 50 {} }).await;
        server.kill();
        server.run();
        within("the race", racing).await.unwrap();
    }
    let all = log(&clients[0]).await;
    assert_dense(&all);
    let mut tags: Vec<_> = all.iter().map(|event| event.tags[0].clone()).collect();
    tags.sort_unstable();
    tags.dedup();
    assert_eq!((all.len(), tags.len()), (250, 250));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_are_cancelled_in_a_full_group_harm_nobody() {
    let server = TestServer::start();
    let client = server.client().await;
    let mut answered = Vec::new();
    for round in 0..100_u64 {
        let mut staying = Vec::new();
        for number in 0..16_u64 {
            let (client, name) = (client.clone(), format!("s-{number}"));
            let patience = Duration::from_micros(number * round);
            let transaction = Transaction::new()
                .append(&name, Expected::Any, events(0..2))
                .append(format!("{name}-twin"), Expected::Any, events(0..1))
                .guard(Guard::none_match(with_tag("never")));
            match number % 4 {
                0 => drop(tokio::spawn(
                    async move { tokio::time::timeout(patience, client.transact(transaction)).await },
                )),
                1 => drop(tokio::spawn(async move {
                    let mut api = EventStoreClient::new(client.channel());
                    let event = proto::NewEvent::from(event(number));
                    let append = proto::AppendRequest { stream: name, events: vec![event], ..Default::default() };
                    let mut request = Request::new(append);
                    request.set_timeout(patience);
                    // Whether it came in time is up to chance.
                    drop(api.append(request).await);
                })),
                _ => staying.push(tokio::spawn(async move { client.transact(transaction).await })),
            }
        }
        for one in staying {
            answered.push(within("an answer", one).await.unwrap().unwrap());
        }
    }
    let all = log(&client).await;
    assert_dense(&all);
    for done in answered {
        let first = usize::try_from(done.first_position.unwrap()).unwrap() - 1;
        let names: Vec<_> = all[first..first + 3].iter().map(|event| event.stream.clone()).collect();
        assert_eq!(names, [names[0].clone(), names[0].clone(), format!("{}-twin", names[0])]);
        assert_eq!(positions(&all[first..first + 3]).last().copied(), done.last_position);
    }
    for number in [0, 4, 8, 12] {
        let (one, twin) = (format!("s-{number}"), format!("s-{number}-twin"));
        if client.stream(&one).await.unwrap().is_some() {
            assert_eq!(stream(&client, &one).await.len(), 2 * stream(&client, &twin).await.len(), "{one}: half is in");
        }
    }
}
