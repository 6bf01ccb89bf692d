//! How calls and subscriptions go on when the server goes away and comes back.
//!
//! The server plays scripts; the tests look at what arrives and at what it was asked again.

mod scripted;

use std::time::Duration;

use quipu_client::proto::{self, subscribe_all_request::From, subscribe_all_response::Signal};
use quipu_client::{Client, Error, Expected, Guard, Message, NewEvent, Query, QueryItem, ReadAll, RetryPolicy};
use quipu_client::{SubscribeAll, SubscribeStream, Subscription, Transaction, WaitOutcome};
use scripted::{Call, Scripted};
use tonic::Status;

fn event(position: u64) -> proto::RecordedEvent {
    proto::RecordedEvent {
        id: uuid::Uuid::from_u128(position.into()).to_string(),
        r#type: "Happened".to_owned(),
        revision: Some(position - 1),
        position,
        recorded_at: Some(prost_types::Timestamp::default()),
        ..Default::default()
    }
}

fn events(positions: &[u64]) -> proto::SubscribeAllResponse {
    let events = positions.iter().copied().map(event).collect();
    proto::SubscribeAllResponse { events, signal: None }
}

fn caught_up(position: u64) -> proto::SubscribeAllResponse {
    signal(Signal::CaughtUp(proto::CaughtUp { position }))
}

fn signal(signal: Signal) -> proto::SubscribeAllResponse {
    proto::SubscribeAllResponse { events: Vec::new(), signal: Some(signal) }
}

fn gone() -> Option<Result<(), Status>> {
    Some(Err(Status::unavailable("stopping")))
}

async fn follow(client: &Client, subscribe: SubscribeAll) -> Subscription {
    client.subscribe_all(subscribe).await.expect("the first message comes")
}

type Follower = Scripted<proto::SubscribeAllRequest>;

#[tokio::test]
async fn a_subscription_goes_on_after_the_last_event() {
    let server = Follower::start(vec![
        Call { messages: vec![events(&[1, 2])], end: gone() },
        // Without any error: a break all the same.
        Call { messages: vec![events(&[3])], end: Some(Ok(())) },
        Call { messages: vec![], end: gone() },
        Call { messages: vec![caught_up(3), events(&[4, 5])], end: None },
    ])
    .await;
    let mut subscription = follow(&server.client, SubscribeAll::new()).await;
    for position in 1..=5 {
        let event = subscription.next_event().await.expect("it reconnects");
        assert_eq!(event.position, position);
    }
    let from: Vec<_> = server.asked().into_iter().map(|it| it.from.expect("always set")).collect();
    assert!(matches!(from[0], From::Start(_)), "{from:?}");
    assert_eq!(from[1..], [From::AfterPosition(2), From::AfterPosition(3), From::AfterPosition(3)]);
}

#[tokio::test]
async fn a_subscription_from_the_end_keeps_its_place() {
    let server = Follower::start(vec![
        Call { messages: vec![caught_up(7)], end: gone() },
        Call { messages: vec![events(&[8])], end: None },
    ])
    .await;
    let mut subscription = follow(&server.client, SubscribeAll::new().from_end()).await;
    let mut heard = Vec::new();
    for _ in 0..3 {
        heard.push(subscription.next().await.expect("it reconnects"));
    }
    assert_eq!(heard[..2], [Message::CaughtUp { position: 7 }, Message::Reconnected]);
    assert!(matches!(&heard[2], Message::Events(events) if events[0].position == 8), "{heard:?}");
    assert_eq!(server.asked()[1].from, Some(From::AfterPosition(7)));
}

#[tokio::test]
async fn a_filtered_subscription_goes_on_after_the_last_signal_too() {
    let checkpoint = signal(Signal::Checkpoint(proto::Checkpoint { position: 40 }));
    let heartbeat = signal(Signal::Heartbeat(proto::Heartbeat { position: 90, time: None }));
    let server = Follower::start(vec![
        Call { messages: vec![events(&[3]), checkpoint], end: gone() },
        Call { messages: vec![caught_up(80), heartbeat], end: gone() },
        Call { messages: vec![events(&[91])], end: None },
    ])
    .await;
    let query = Query::item(QueryItem::new().types(["Happened"]));
    let time = "2011-03-01T00:00:00Z".parse().expect("a time");
    let subscribe = SubscribeAll::new().query(query.clone()).from_time(time);
    let mut subscription = follow(&server.client, subscribe).await;
    for position in [3, 91] {
        assert_eq!(subscription.next_event().await.expect("it reconnects").position, position);
    }
    let asked = server.asked();
    let from: Vec<_> = asked.iter().map(|it| it.from.expect("always set")).collect();
    let begun = From::FromTime(prost_types::Timestamp { seconds: 1_298_937_600, nanos: 0 });
    assert_eq!(from, [begun, From::AfterPosition(40), From::AfterPosition(90)]);
    assert!(asked.into_iter().all(|it| it.query == Some(query.clone().into())), "it is the same subscription");
}

#[tokio::test]
async fn a_subscription_from_a_time_begins_there_until_it_has_a_place() {
    let server = Follower::start(vec![
        Call { messages: vec![], end: gone() },
        Call { messages: vec![caught_up(7)], end: gone() },
        Call { messages: vec![events(&[8])], end: None },
    ])
    .await;
    let mut subscription = follow(&server.client, SubscribeAll::new().from_time(std::time::UNIX_EPOCH.into())).await;
    assert_eq!(subscription.next_event().await.expect("it reconnects").position, 8);
    let from: Vec<_> = server.asked().into_iter().map(|it| it.from.expect("always set")).collect();
    let begun = From::FromTime(prost_types::Timestamp::default());
    assert_eq!(from, [begun, begun, From::AfterPosition(7)]);
}

#[tokio::test]
async fn a_subscription_to_types_of_a_stream_goes_on_after_the_last_event() {
    use proto::subscribe_stream_request::From;
    let message = |position| proto::SubscribeStreamResponse { events: vec![event(position)], signal: None };
    let server = Scripted::<proto::SubscribeStreamRequest>::start(vec![
        Call { messages: vec![message(5)], end: gone() },
        Call { messages: vec![message(9)], end: None },
    ])
    .await;
    let subscribe = SubscribeStream::new("s").types(["Happened", "Ended"]);
    let mut subscription = server.client.subscribe_stream(subscribe).await.expect("the first message comes");
    for revision in [4, 8] {
        assert_eq!(subscription.next_event().await.expect("it reconnects").revision, revision);
    }
    let asked = server.asked();
    assert_eq!(asked[1].from, Some(From::AfterRevision(4)));
    assert!(asked.iter().all(|it| it.types == ["Happened", "Ended"]), "{asked:?}");
}

#[tokio::test]
async fn a_subscription_ends_with_any_other_error() {
    let damaged = Some(Err(Status::data_loss("checksum")));
    let server = Follower::start(vec![Call { messages: vec![caught_up(7)], end: damaged }]).await;
    let mut subscription = follow(&server.client, SubscribeAll::new()).await;
    subscription.next().await.expect("the first message");
    assert!(matches!(subscription.next().await, Err(Error::DataLoss(_))));
    assert!(matches!(subscription.next().await, Err(Error::Ended)));
}

#[tokio::test]
async fn a_subscription_gives_up_when_told_to() {
    let script = vec![Call { messages: vec![caught_up(7)], end: gone() }];
    let server = Follower::start(script).await;
    let subscribe = SubscribeAll::new().retry(RetryPolicy::none());
    let mut subscription = follow(&server.client, subscribe).await;
    subscription.next().await.expect("the first message");
    assert!(matches!(subscription.next().await, Err(Error::Unavailable(_))));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn an_append_is_retried_with_the_same_ids() {
    let answer = proto::AppendResponse {
        first_revision: Some(0),
        last_revision: Some(0),
        first_position: 1,
        last_position: 1,
        deduplicated: true,
    };
    let server = Scripted::<proto::AppendRequest>::start(vec![
        Call { messages: vec![], end: gone() },
        // The answer is lost.
        Call { messages: vec![], end: Some(Ok(())) },
        Call { messages: vec![answer], end: Some(Ok(())) },
    ])
    .await;
    let event = NewEvent::new("Happened", "{}");
    let id = event.id.to_string();
    let appended = server.client.append("s", Expected::NoStream, vec![event]).await;
    assert!(appended.expect("the third try works").deduplicated);
    let ids: Vec<_> = server.asked().into_iter().map(|it| it.events[0].id.clone()).collect();
    assert_eq!(ids, [id.clone(), id.clone(), id]);
}

#[tokio::test]
async fn a_transaction_is_retried_with_the_same_ids() {
    let place = proto::AppendResponse { first_revision: Some(0), last_revision: Some(0), ..Default::default() };
    let answer = proto::TransactResponse {
        appends: vec![place, place],
        first_position: Some(4),
        last_position: Some(5),
        deduplicated: true,
    };
    let server = Scripted::<proto::TransactRequest>::start(vec![
        Call { messages: vec![], end: gone() },
        // The answer is lost.
        Call { messages: vec![], end: Some(Ok(())) },
        Call { messages: vec![answer], end: Some(Ok(())) },
    ])
    .await;
    let event = || vec![NewEvent::new("Happened", "{}")];
    let transaction = Transaction::new()
        .append("a", Expected::NoStream, event())
        .append("b", Expected::Any, event())
        .guard(Guard::none_match(Query::all()).after(3))
        .advance("c", 3);
    let transacted = server.client.transact(transaction).await.expect("the third try works");
    assert_eq!((transacted.appends.len(), transacted.last_position), (2, Some(5)));
    assert!(transacted.deduplicated);
    let asked = server.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|it| *it == asked[0]), "{asked:?}");
}

#[tokio::test]
async fn a_wait_that_is_retried_does_not_begin_anew() {
    let reached = proto::CheckpointsWaitResponse { reached: true, position: Some(9) };
    let server = Scripted::<proto::CheckpointsWaitRequest>::start(vec![
        Call { messages: vec![], end: gone() },
        Call { messages: vec![reached], end: Some(Ok(())) },
    ])
    .await;
    let timeout = Duration::from_secs(5);
    let outcome = server.client.wait_for_checkpoint("mailer", 7, timeout).await.expect("the second try works");
    assert_eq!(outcome, WaitOutcome::Reached { position: 9 });
    let asked = server.asked();
    let left = |asked: &proto::CheckpointsWaitRequest| Duration::try_from(asked.timeout.expect("always set")).unwrap();
    assert!(left(&asked[1]) < left(&asked[0]) && left(&asked[0]) <= timeout, "{asked:?}");
    assert_eq!((asked[1].name.as_str(), asked[1].position), ("mailer", 7));
}

#[tokio::test]
async fn a_read_that_ends_without_its_head_was_cut_short() {
    let part = |position, head| proto::ReadAllResponse { events: vec![event(position)], head };
    let server = Scripted::<proto::ReadAllRequest>::start(vec![
        Call { messages: vec![part(1, None)], end: gone() },
        Call { messages: vec![part(1, None), part(2, None)], end: Some(Ok(())) },
        Call { messages: vec![part(1, None), part(2, Some(2))], end: Some(Ok(())) },
    ])
    .await;
    for _ in 0..2 {
        let cut = server.client.read_all(ReadAll::new()).await.expect("it begins").collect().await;
        assert!(matches!(cut, Err(Error::Unavailable(_))), "{cut:?}");
    }
    let mut reading = server.client.read_all(ReadAll::new()).await.expect("it begins");
    let mut positions = Vec::new();
    while let Some(event) = reading.next().await {
        positions.push(event.expect("whole").position);
    }
    assert_eq!((positions, reading.head()), (vec![1, 2], Some(2)));
}
