//! How calls and subscriptions go on when the server goes away and comes back.
//!
//! The server plays scripts; the tests look at what arrives and at what it was asked again.

mod scripted;

use std::time::Duration;

use quipu_client::proto::{self, subscribe_all_request::From, subscribe_all_response::Signal};
use quipu_client::{Client, Error, Expected, Guard, Message, NewEvent, Query, QueryItem, ReadAll};
use quipu_client::{RetryPolicy, SubscribeAll, SubscribeStream, Subscription, Transaction, WaitOutcome};
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
async fn an_append_that_is_a_call_is_retried_with_the_same_ids() {
    let answer = proto::AppendResponse {
        first_revision: Some(0),
        last_revision: Some(0),
        first_position: 1,
        last_position: 1,
        deduplicated: true,
    };
    let script = vec![
        Call { messages: vec![], end: gone() },
        // The answer is lost.
        Call { messages: vec![], end: Some(Ok(())) },
        Call { messages: vec![answer], end: Some(Ok(())) },
    ];
    let server = Scripted::<proto::AppendRequest>::start(script).await;
    let event = NewEvent::new("Happened", "{}");
    let id = event.id.to_string();
    let appended = server.client.append("s", Expected::NoStream, vec![event]).await;
    assert!(appended.expect("the third try works").deduplicated);
    let ids: Vec<_> = server.asked().into_iter().map(|it| it.events[0].id.clone()).collect();
    assert_eq!(ids, [id.clone(), id.clone(), id]);
}

#[tokio::test]
async fn a_try_that_takes_too_long_is_given_up_and_made_again() {
    let answer = proto::CheckpointsSetResponse {
        checkpoint: Some(proto::ConsumerCheckpoint { updated_at: Some(Default::default()), ..Default::default() }),
    };
    let server = Scripted::<proto::CheckpointsSetRequest>::start_with(
        vec![
            Call { messages: vec![], end: None },
            Call { messages: vec![answer], end: Some(Ok(())) },
            Call { messages: vec![], end: None },
            Call { messages: vec![], end: None },
            Call { messages: vec![], end: None },
        ],
        |builder| builder.call_timeout(Duration::from_millis(30)),
    )
    .await;
    let set = || server.client.set_checkpoint("c", 1, quipu_client::ExpectedCheckpoint::Any);
    set().await.expect("the second try is quick");
    let slow = set().await;
    assert!(matches!(slow, Err(Error::Unavailable(_))), "{slow:?}");
    assert_eq!(server.asked().len(), 5);
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

fn part(position: u64, head: Option<u64>) -> proto::ReadAllResponse {
    proto::ReadAllResponse { events: vec![event(position)], head }
}

type Reader = Scripted<proto::ReadAllRequest>;

#[tokio::test]
async fn a_read_that_ends_without_its_head_was_cut_short_and_goes_on() {
    use proto::read_all_request::From;
    let server = Reader::start(vec![
        Call { messages: vec![part(1, None)], end: gone() },
        // Without any error: a break all the same.
        Call { messages: vec![part(2, None), part(3, None)], end: Some(Ok(())) },
        Call { messages: vec![], end: gone() },
        Call { messages: vec![part(4, Some(9))], end: Some(Ok(())) },
    ])
    .await;
    let mut reading = server.client.read_all(ReadAll::new().limit(50)).await.expect("it begins");
    let mut positions = Vec::new();
    while let Some(event) = reading.next().await {
        positions.push(event.expect("it goes on").position);
    }
    assert_eq!((positions, reading.head()), (vec![1, 2, 3, 4], Some(9)));
    let asked: Vec<_> = server.asked().into_iter().map(|it| (it.from, it.limit)).collect();
    let behind = |position| Some(From::FromPosition(position));
    assert_eq!(asked, [(None, 50), (behind(2), 49), (behind(4), 47), (behind(4), 47)]);
}

#[tokio::test]
async fn a_read_backwards_goes_on_downwards_and_tells_the_head_it_knows() {
    let server = Reader::start(vec![
        Call { messages: vec![part(8, None), part(7, None)], end: gone() },
        Call { messages: vec![part(6, Some(20))], end: Some(Ok(())) },
    ])
    .await;
    let read = ReadAll::new().backwards();
    let mut reading = server.client.read_all(read).await.expect("it begins");
    let mut positions = Vec::new();
    while let Some(batch) = reading.next_batch().await {
        positions.extend(batch.expect("it goes on").into_iter().map(|event| event.position));
    }
    // Position 20 is of the second call: what came between is not known.
    assert_eq!((positions, reading.head()), (vec![8, 7, 6], Some(8)));
}

#[tokio::test]
async fn a_read_that_cannot_go_on_says_so() {
    let broken = || Call { messages: vec![], end: gone() };
    let server = Reader::start(vec![
        Call { messages: vec![part(1, None)], end: gone() },
        broken(),
        broken(),
        Call { messages: vec![part(1, None)], end: Some(Err(Status::data_loss("checksum"))) },
    ])
    .await;
    let cut = server.client.read_all(ReadAll::new()).await.expect("it begins").collect().await;
    assert!(matches!(cut, Err(Error::Unavailable(_))), "{cut:?}");
    let damaged = server.client.read_all(ReadAll::new()).await.expect("it begins").collect().await;
    assert!(matches!(damaged, Err(Error::DataLoss(_))), "{damaged:?}");
}

#[tokio::test]
async fn an_upcaster_that_fails_ends_a_read_behind_what_it_could_lift() {
    let events = vec![event(1), proto::RecordedEvent { schema_version: "0".to_owned(), ..event(2) }, event(3)];
    let server = Reader::start(vec![Call {
        messages: vec![proto::ReadAllResponse { events, head: Some(3) }],
        end: Some(Ok(())),
    }])
    .await;
    let failing = |_| Err::<quipu_client::RecordedEvent, _>("unknown");
    let upcasters = quipu_client::Upcasters::new().try_add_event("Happened", Some("0"), "1", failing);
    let client = server.client.with_upcasters(upcasters.expect("no loop"));
    let mut reading = client.read_all(ReadAll::new()).await.expect("it begins");
    assert_eq!(reading.next().await.expect("an event").expect("it needs no upcaster").position, 1);
    let failed = reading.next().await.expect("a failure");
    assert!(matches!(failed, Err(Error::UpcastFailed { position: 2, .. })), "{failed:?}");
    assert!(reading.next().await.is_none());
}
