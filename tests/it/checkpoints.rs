//! Checkpoints: as durable as events, never ahead of the log, and somebody to wait for.

use std::time::{Duration, Instant};

use quipu_client::proto::checkpoints_client::CheckpointsClient;
use quipu_client::{Client, Error, Expected, ExpectedCheckpoint, Guard, Transaction, WaitOutcome, proto};
use tonic::Code;

use crate::events::{append, events, head};
use crate::server::{TestServer, within};
use crate::wire::{assert_refused, detail};

/// A server with so many events.
async fn with_events(count: u64) -> (TestServer, Client) {
    let server = TestServer::start();
    let client = server.patient_client().await;
    append(&client, "s", events(0..count)).await;
    (server, client)
}

async fn set(client: &Client, name: &str, position: u64) {
    let set = client.set_checkpoint(name, position, ExpectedCheckpoint::Any).await.expect("set");
    assert_eq!((set.name.as_str(), set.position), (name, position));
}

async fn get(client: &Client, name: &str) -> Option<u64> {
    client.get_checkpoint(name).await.expect("an answer").map(|checkpoint| checkpoint.position)
}

/// Names and positions of all checkpoints with a prefix, by pages of this size.
async fn paged(client: &Client, prefix: &str, size: u32) -> Vec<(String, u64)> {
    let (mut all, mut token) = (Vec::new(), None::<String>);
    loop {
        let page = client.list_checkpoints(prefix, size, token.as_deref()).await.expect("a page");
        let most = if size == 0 { 100 } else { usize::try_from(size.min(1_000)).unwrap() };
        assert!(page.checkpoints.len() <= most, "{} in a page of {size}", page.checkpoints.len());
        assert!(page.checkpoints.len() == most || page.next_page_token.is_none(), "a page is full, or the last");
        all.extend(page.checkpoints.into_iter().map(|it| (it.name, it.position)));
        token = page.next_page_token;
        if token.is_none() {
            return all;
        }
    }
}

#[tokio::test]
async fn a_checkpoint_is_where_it_was_set_last() {
    let (mut server, client) = with_events(9).await;
    assert_eq!(get(&client, "c").await, None);
    for position in [0, 3, 9, 4, 1] {
        let before = client.get_checkpoint("c").await.unwrap();
        set(&client, "c", position).await;
        let now = client.get_checkpoint("c").await.unwrap().unwrap();
        assert_eq!(now.position, position, "forwards and backwards");
        assert!(before.is_none_or(|before| before.updated_at < now.updated_at));
        server.restart().await;
        assert_eq!(client.get_checkpoint("c").await.unwrap(), Some(now));
    }
    client.delete_checkpoint("c").await.unwrap();
    for _ in 0..2 {
        assert_eq!(get(&client, "c").await, None);
        let again = client.delete_checkpoint("c").await;
        assert!(matches!(again, Err(Error::CheckpointNotFound)), "{again:?}");
        server.restart().await;
    }
    assert_eq!(head(&client).await, 9, "a checkpoint takes no position");
}

#[tokio::test]
async fn a_checkpoint_is_never_ahead_of_the_log() {
    let (mut server, client) = with_events(5).await;
    for beyond in [6, 7, u64::MAX] {
        let refused = client.set_checkpoint("c", beyond, ExpectedCheckpoint::Any).await.unwrap_err();
        assert!(matches!(refused, Error::BeyondEnd { asked, last: Some(5) } if asked == beyond), "{refused:?}");
        let moved = client.transact(Transaction::new().append("s", Expected::Any, events(0..3)).advance("c", beyond));
        let refused = moved.await.unwrap_err();
        assert!(matches!(refused, Error::BeyondEnd { asked, last: Some(5) } if asked == beyond), "{refused:?}");
    }
    assert_eq!(get(&client, "c").await, None);
    let pushing = async {
        for _ in 0..300 {
            append(&client, "s", events(0..1)).await;
        }
    };
    let marking = async {
        for _ in 0..100 {
            let end = head(&client).await;
            set(&client, "c", end).await;
        }
    };
    let killing = async {
        for _ in 0..3 {
            server.kill();
            server.run();
            let (marked, end) = (get(&client, "c").await.unwrap_or(0), head(&client).await);
            assert!(marked <= end, "{marked} lies ahead of {end}");
        }
    };
    within("three kills", async { tokio::join!(pushing, marking, killing) }).await;
}

#[tokio::test]
async fn a_checkpoint_moves_only_from_where_it_is_expected() {
    let (server, client) = with_events(9).await;
    let put = async |position, expected| client.set_checkpoint("c", position, expected).await;
    let wrong = |outcome: Result<quipu_client::Checkpoint, Error>, wanted, is| match outcome {
        Err(Error::WrongCheckpoint { name, expected, actual }) => {
            assert_eq!((name.as_str(), expected, actual), ("c", wanted, is));
        }
        other => panic!("{other:?}"),
    };
    wrong(put(3, ExpectedCheckpoint::Position(0)).await, Some(0), None);
    put(3, ExpectedCheckpoint::NoCheckpoint).await.unwrap();
    wrong(put(4, ExpectedCheckpoint::NoCheckpoint).await, None, Some(3));
    wrong(put(4, ExpectedCheckpoint::Position(2)).await, Some(2), Some(3));
    put(5, ExpectedCheckpoint::Position(3)).await.unwrap();
    put(0, ExpectedCheckpoint::Position(5)).await.unwrap();
    put(1, ExpectedCheckpoint::Position(0)).await.unwrap();
    let mut api = CheckpointsClient::new(server.channel().await);
    let expected = Some(proto::checkpoints_set_request::Expected { position: None });
    let request = proto::CheckpointsSetRequest { name: "c".to_owned(), position: 2, expected };
    let status = api.set(request).await.unwrap_err();
    let told: proto::WrongCheckpoint = detail(&status, "WrongCheckpoint");
    assert_eq!((told.name.as_str(), told.expected_position, told.actual_position), ("c", None, Some(1)));
    assert_refused("an expectation", Err::<(), _>(status), Code::FailedPrecondition, "WRONG_CHECKPOINT");
    let missing = api.get(proto::CheckpointsGetRequest { name: "d".to_owned() }).await;
    assert_refused("a missing one", missing, Code::NotFound, "CHECKPOINT_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_move_a_checkpoint_from_the_same_place_one_does() {
    let (_server, client) = with_events(500).await;
    for round in 0..20_u64 {
        let from = round * 20;
        set(&client, "c", from).await;
        let movers = (1..=16).map(|step| {
            let client = client.clone();
            let expected = ExpectedCheckpoint::Position(from);
            tokio::spawn(async move { client.set_checkpoint("c", from + step, expected).await })
        });
        let mut moved = Vec::new();
        for mover in movers.collect::<Vec<_>>() {
            match mover.await.unwrap() {
                Ok(set) => moved.push(set.position),
                Err(Error::WrongCheckpoint { .. }) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(moved.len(), 1, "{moved:?}");
        assert_eq!(get(&client, "c").await, Some(moved[0]));
    }
}

#[tokio::test]
async fn hundreds_of_checkpoints_are_listed_in_order_by_any_page_size() {
    let (mut server, client) = with_events(300).await;
    let mut names: Vec<(String, u64)> = Vec::new();
    for number in 0..250_u64 {
        let name = format!("{}-{}", ["a", "b", "é", "ab"][usize::try_from(number % 4).unwrap()], number * 7919 % 1000);
        set(&client, &name, number).await;
        names.push((name, number));
    }
    for name in ["a-0", "zzz"] {
        set(&client, name, 1).await;
        client.delete_checkpoint(name).await.unwrap();
        names.retain(|(other, _)| other != name);
    }
    names.sort_unstable();
    for _ in 0..2 {
        for size in [0, 1, 7, 100, 248, 249, 250, 1_000, 5_000] {
            assert_eq!(paged(&client, "", size).await, names, "pages of {size}");
        }
        for prefix in ["a", "a-", "a-9", "é", "zzz", "$"] {
            let expected: Vec<_> = names.iter().filter(|(name, _)| name.starts_with(prefix)).cloned().collect();
            assert_eq!(paged(&client, prefix, 3).await, expected, "{prefix}");
        }
        server.restart().await;
    }
}

#[tokio::test]
async fn checkpoints_survive_kills_and_the_loss_of_the_state_directory() {
    let (mut server, client) = with_events(9).await;
    let mut expected = Vec::new();
    for number in 0..30_u64 {
        set(&client, &format!("c-{number:02}"), number % 9).await;
        if number % 3 == 0 {
            client.delete_checkpoint(&format!("c-{number:02}")).await.unwrap();
        } else if number % 3 == 1 {
            client.transact(Transaction::new().advance(format!("c-{number:02}"), 9)).await.unwrap();
            expected.push((format!("c-{number:02}"), 9));
        } else {
            expected.push((format!("c-{number:02}"), number % 9));
        }
    }
    let tenant = server.data().join("tenants/default");
    for lost in [&[][..], &["state"], &["index"], &["state", "index"]] {
        server.kill();
        for view in lost {
            std::fs::remove_dir_all(tenant.join(view)).unwrap();
        }
        server.run();
        assert_eq!(paged(&client, "", 0).await, expected, "without {lost:?}");
        server.restart().await;
        assert_eq!(paged(&client, "", 0).await, expected, "without {lost:?}, again");
    }
}

#[tokio::test]
async fn a_wait_ends_at_once_when_the_checkpoint_is_there_already() {
    let (_server, client) = with_events(9).await;
    set(&client, "c", 5).await;
    for (position, timeout) in [(0, 0), (4, 60), (5, 60), (5, 0)] {
        let waiting = client.wait_for_checkpoint("c", position, Duration::from_secs(timeout));
        let begun = Instant::now();
        assert_eq!(waiting.await.unwrap(), WaitOutcome::Reached { position: 5 });
        assert!(begun.elapsed() < Duration::from_secs(30), "it did not wait");
    }
    for (name, position, is) in [("c", 6, Some(5)), ("c", u64::MAX, Some(5)), ("d", 1, None)] {
        let waiting = client.wait_for_checkpoint(name, position, Duration::ZERO);
        assert_eq!(waiting.await.unwrap(), WaitOutcome::TimedOut { position: is });
        let waiting = client.wait_for_checkpoint(name, position, Duration::from_millis(20));
        assert_eq!(waiting.await.unwrap(), WaitOutcome::TimedOut { position: is });
    }
}

#[tokio::test]
async fn a_wait_ends_when_somebody_else_moves_the_checkpoint_there() {
    let (server, client) = with_events(9).await;
    let other = server.client().await;
    let mut waiting = Vec::new();
    for position in 1..=9 {
        let client = client.clone();
        let long = Duration::from_secs(600);
        waiting.push(tokio::spawn(async move { client.wait_for_checkpoint("c", position, long).await.unwrap() }));
    }
    set(&other, "d", 9).await;
    set(&other, "c", 0).await;
    other.transact(Transaction::new().advance("c", 4)).await.unwrap();
    for (position, one) in (1..).zip(waiting.drain(..4)) {
        let WaitOutcome::Reached { position: at } = within("a wait", one).await.unwrap() else { panic!("timed out") };
        assert!(at >= position, "{at} is not {position}");
    }
    other.delete_checkpoint("c").await.unwrap();
    set(&other, "c", 9).await;
    for one in waiting {
        assert_eq!(within("a wait", one).await.unwrap(), WaitOutcome::Reached { position: 9 });
    }
}

#[tokio::test]
async fn a_server_that_stops_ends_waits_with_unavailable() {
    let (mut server, client) = with_events(9).await;
    let waiting = (0..10).map(|number| {
        let mut api = CheckpointsClient::new(client.channel());
        let request = proto::CheckpointsWaitRequest { name: format!("c-{number}"), position: 1, timeout: None };
        tokio::spawn(async move { api.wait(request).await })
    });
    let waiting: Vec<_> = waiting.collect();
    tokio::task::yield_now().await;
    // On the same connection: what was asked before has arrived when this is answered.
    head(&client).await;
    server.stop().await;
    for one in waiting {
        let stopped = within("a wait", one).await.unwrap();
        assert_refused("a wait", stopped, Code::Unavailable, "SHUTTING_DOWN");
    }
}

#[tokio::test]
async fn a_consumer_that_moves_its_checkpoint_with_its_events_does_each_step_once() {
    let (mut server, client) = with_events(200).await;
    let consume = async |client: Client| {
        let mut at = 0;
        while at < 200 {
            let guard = Guard::checkpoint("consumer", (at > 0).then_some(at));
            let step =
                Transaction::new().append("made", Expected::Any, events(0..1)).guard(guard).advance("consumer", at + 1);
            match client.transact(step).await {
                Ok(_) => at += 1,
                Err(Error::GuardNotMet { .. }) => at = get(&client, "consumer").await.expect("somebody was ahead"),
                Err(other) => panic!("{other:?}"),
            }
        }
    };
    let twins = [server.patient_client().await, server.patient_client().await];
    let [one, other] = twins.map(|client| tokio::spawn(async move { consume(client).await }));
    for reached in [50, 120] {
        let waited = client.wait_for_checkpoint("consumer", reached, Duration::from_secs(60)).await.unwrap();
        assert!(matches!(waited, WaitOutcome::Reached { .. }), "{waited:?}");
        server.kill();
        server.run();
    }
    within("the consumers", async { (one.await.unwrap(), other.await.unwrap()) }).await;
    assert_eq!(client.stream("made").await.unwrap().unwrap().event_count, 200);
}
