//! Members of consumer groups that cannot hold a stream: they ask for events, and settle them with requests of
//! their own.

use std::time::{Duration, Instant};

use quipu_client::NewEvent;
use quipu_client::proto::consumer_group_settings::{Order, Unordered};
use quipu_client::proto::{self, ConsumerGroupSettings, NackAction, NotSettledReason};
use tonic::{Code, Status};

use crate::events::{append, event, events, spread};
use crate::member::{Api, Member, api, create, group, millis, nack, parked, patient, position_of};
use crate::server::{TestServer, eventually, within};
use crate::wire::assert_refused;

/// Asks for events: positions and tries.
async fn fetch(api: &Api, member: &str, max: u32, timeout: i64) -> Result<Vec<(u64, u32)>, Status> {
    let timeout = Some(millis(timeout));
    let request = proto::ConsumersFetchRequest { group: "g".into(), member: member.into(), max, timeout };
    let answer = within("a fetch", api.clone().fetch(request)).await?.into_inner();
    Ok(answer.deliveries.iter().map(|delivery| (position_of(delivery), delivery.try_number)).collect())
}

async fn settle(
    api: &Api,
    member: &str,
    ack: &[u64],
    nack: Vec<proto::Nack>,
) -> (Vec<u64>, Vec<(u64, NotSettledReason)>) {
    let request = proto::ConsumersAckRequest { group: "g".into(), member: member.into(), ack: ack.to_vec(), nack };
    let answer = api.clone().ack(request).await.expect("an answer").into_inner();
    (answer.settled, answer.not_settled.iter().map(|it| (it.position, it.reason())).collect())
}

async fn start(settings: ConsumerGroupSettings) -> (TestServer, quipu_client::Client, Api) {
    let server = TestServer::start();
    let client = server.patient_client().await;
    let api = api(&client);
    create(&api, "g", settings).await;
    (server, client, api)
}

fn unordered() -> ConsumerGroupSettings {
    ConsumerGroupSettings { order: Some(Order::Unordered(Unordered {})), ..patient() }
}

#[tokio::test]
async fn members_that_ask_share_the_events_and_settle_them_for_good() {
    let (mut server, client, api) = start(patient()).await;
    spread(&client, "s", 3, 9).await;
    assert_eq!(fetch(&api, "a", 2, 60_000).await.unwrap(), [(1, 1), (2, 1)]);
    assert_eq!(fetch(&api, "b", 0, 60_000).await.unwrap(), [(3, 1)]);
    let members: Vec<_> = group(&api, "g").await.members.into_iter().map(|it| (it.name, it.in_flight)).collect();
    assert_eq!(members, [("a".to_owned(), 2), ("b".to_owned(), 1)]);
    assert_eq!(settle(&api, "a", &[1], vec![nack(2, NackAction::Park, "p")]).await, (vec![1, 2], vec![]));
    let late = settle(&api, "a", &[1, 4], vec![nack(3, NackAction::Skip, "")]).await;
    use NotSettledReason::{AlreadySettled, NotDelivered, TooLate};
    assert_eq!(late, (vec![], vec![(1, AlreadySettled), (4, NotDelivered), (3, TooLate)]));
    server.kill();
    server.run();
    assert_eq!(crate::events::head(&client).await, 9);
    assert_eq!(parked(&api, "g").await.len(), 1);
    let mut found = Vec::new();
    while found.len() < 7 {
        let got = fetch(&api, "a", 1, 60_000).await.unwrap();
        found.extend(got.iter().map(|(at, _)| *at));
        settle(&api, "a", &[got[0].0], Vec::new()).await;
    }
    found.sort_unstable();
    assert_eq!(found, [3, 4, 5, 6, 7, 8, 9], "nothing settled comes again");
    let now = group(&api, "g").await;
    assert_eq!((now.settled_position, now.members.len(), now.in_flight), (9, 0, 0));
}

#[tokio::test]
async fn a_fetch_that_does_not_wait_gets_what_is_there() {
    let (server, client, api) = start(unordered()).await;
    assert_eq!(fetch(&api, "m", 5, 0).await.unwrap(), []);
    append(&client, "s", events(0..30)).await;
    let mut found = Vec::new();
    while found.len() < 30 {
        let got = fetch(&api, "m", 7, 0).await.unwrap();
        assert!(!got.is_empty(), "after {found:?}");
        let got: Vec<_> = got.into_iter().map(|(at, _)| at).collect();
        assert_eq!(settle(&api, "m", &got, Vec::new()).await.0, got);
        found.extend(got);
    }
    assert!(found.into_iter().eq(1..=30));
    let begun = Instant::now();
    assert_eq!(fetch(&api, "m", 7, 0).await.unwrap(), []);
    assert!(begun.elapsed() < Duration::from_secs(30), "it did not wait");
    drop(server);
}

/// Once, events that were sent when the time of a fetch was up were lost to it, and came again only when their
/// own time was up.
#[tokio::test]
async fn a_fetch_whose_time_is_up_loses_nothing() {
    let (_server, client, api) = start(patient()).await;
    let appending = async {
        for number in 0..200 {
            append(&client, &format!("s-{number}"), vec![event(number)]).await;
        }
    };
    let fetching = async {
        let (mut found, mut timeout) = (Vec::new(), 0);
        while found.len() < 200 {
            found.extend(fetch(&api, "m", 3, timeout).await.unwrap());
            timeout = (timeout + 1) % 5;
        }
        found
    };
    let (found, ()) = within("all events", async { tokio::join!(fetching, appending) }).await;
    assert!(found.into_iter().eq((1..=200).map(|at| (at, 1))), "each once, on its first try");
}

#[tokio::test]
async fn a_fetch_waits_for_the_first_event_and_as_long_as_it_was_told() {
    let (_server, client, api) = start(patient()).await;
    let begun = Instant::now();
    assert_eq!(fetch(&api, "m", 5, 300).await.unwrap(), []);
    assert!(begun.elapsed() >= Duration::from_millis(300), "it waits");
    let waiting = tokio::spawn({
        let api = api.clone();
        async move { fetch(&api, "m", 5, 600_000).await }
    });
    eventually("it waits", async || group(&api, "g").await.members.len() == 1).await;
    append(&client, "s", events(0..3)).await;
    assert_eq!(within("the fetch", waiting).await.unwrap().unwrap(), [(1, 1)]);
}

#[tokio::test]
async fn a_fetch_that_its_client_gave_up_takes_nothing_from_the_others() {
    let (_server, client, api) = start(patient()).await;
    for name in ["a", "b", "c"] {
        let waiting = tokio::spawn({
            let api = api.clone();
            async move { fetch(&api, name, 5, 600_000).await }
        });
        eventually("it waits", async || group(&api, "g").await.members.iter().any(|it| it.name == name)).await;
        waiting.abort();
    }
    // On the same connection: what was given up before has arrived when this is answered.
    group(&api, "g").await;
    append(&client, "s", events(0..1)).await;
    assert_eq!(fetch(&api, "other", 5, 60_000).await.unwrap(), [(1, 1)]);
    let members: Vec<_> = group(&api, "g").await.members.into_iter().map(|it| it.name).collect();
    assert_eq!(members, ["other"]);
}

#[tokio::test]
async fn what_is_fetched_and_not_settled_comes_again() {
    let (_server, client, api) = start(ConsumerGroupSettings { ack_timeout: Some(millis(100)), ..patient() }).await;
    append(&client, "s", events(0..1)).await;
    for try_number in 1..4 {
        assert_eq!(fetch(&api, "m", 5, 60_000).await.unwrap(), [(1, try_number)]);
    }
    assert_eq!(settle(&api, "m", &[1], Vec::new()).await, (vec![1], vec![]));
    assert_eq!(fetch(&api, "m", 5, 0).await.unwrap(), []);
}

#[tokio::test]
async fn a_name_is_of_one_member_that_listens_or_of_those_who_ask() {
    let (_server, client, api) = start(patient()).await;
    append(&client, "s", events(0..2)).await;
    let listening = Member::join(&api, "g", "m", 0).await.unwrap();
    assert_refused("a fetch", fetch(&api, "m", 1, 0).await, Code::AlreadyExists, "MEMBER_EXISTS");
    let again = Member::join(&api, "g", "m", 1).await;
    assert_refused("another", again, Code::AlreadyExists, "MEMBER_EXISTS");
    drop(listening);
    eventually("it is gone", async || group(&api, "g").await.members.is_empty()).await;
    assert_eq!(fetch(&api, "m", 1, 60_000).await.unwrap(), [(1, 1)]);
    let joined = Member::join(&api, "g", "m", 1).await;
    assert_refused("a member", joined, Code::AlreadyExists, "MEMBER_EXISTS");

    // Of two who ask under one name, the later one is answered.
    settle(&api, "m", &[1], Vec::new()).await;
    assert_eq!(fetch(&api, "m", 1, 60_000).await.unwrap(), [(2, 1)]);
    let first = tokio::spawn({
        let api = api.clone();
        async move { fetch(&api, "m", 1, 600_000).await }
    });
    eventually("it waits", async || group(&api, "g").await.members[0].credits == 2).await;
    assert_eq!(fetch(&api, "m", 1, 0).await.unwrap(), []);
    assert_eq!(within("the first", first).await.unwrap().unwrap(), []);
}

#[tokio::test]
async fn an_answer_has_about_a_mebibyte() {
    let (_server, client, api) = start(unordered()).await;
    for _ in 0..9 {
        append(&client, "s", vec![NewEvent::new("Large", vec![b'1'; 400_000])]).await;
    }
    let mut found = Vec::new();
    for _ in 0..3 {
        eventually("they are read", async || group(&api, "g").await.outstanding == 9 || found.is_empty()).await;
        let got = fetch(&api, "m", 100, 60_000).await.unwrap();
        assert!(!got.is_empty() && got.len() <= 3, "{got:?}");
        found.extend(got);
    }
    while found.len() < 9 {
        found.extend(fetch(&api, "m", 100, 60_000).await.unwrap());
    }
    assert!(found.into_iter().eq((1..=9).map(|at| (at, 1))));
}
