//! Following the log or a stream: every event once and in order, whatever happens in between.

use std::time::Duration;

use quipu_client::proto::event_store_client::EventStoreClient;
use quipu_client::proto::subscribe_all_response::Signal;
use quipu_client::{Client, Error, Message, NewEvent, SubscribeAll, SubscribeStream, Subscription, proto};
use tonic::{Code, Streaming};

use crate::events::{append, event, events, head, spread};
use crate::server::{TestServer, within};
use crate::wire::reason;

type Raw = Streaming<proto::SubscribeAllResponse>;

async fn next(subscription: &mut Subscription) -> Message {
    within("a message", subscription.next()).await.expect("the subscription goes on")
}

/// Takes events until there are so many; returns their positions.
async fn take(subscription: &mut Subscription, count: usize) -> Vec<u64> {
    let mut came = Vec::new();
    while came.len() < count {
        came.push(within("an event", subscription.next_event()).await.expect("the subscription goes on").position);
    }
    came
}

fn numbers(range: std::ops::RangeInclusive<u64>) -> Vec<u64> {
    range.collect()
}

/// A raw subscription from the start over a connection that takes little ahead.
async fn follow(server: &TestServer) -> Raw {
    let mut api = EventStoreClient::new(server.narrow_channel().await).max_decoding_message_size(usize::MAX);
    let request = proto::SubscribeAllRequest::default();
    within("the answer", api.subscribe_all(request)).await.expect("subscribed").into_inner()
}

async fn message(raw: &mut Raw) -> proto::SubscribeAllResponse {
    within("a message", raw.message()).await.expect("no failure").expect("no end")
}

async fn until_caught_up(raw: &mut Raw) -> u64 {
    loop {
        if let Some(Signal::CaughtUp(caught_up)) = message(raw).await.signal {
            return caught_up.position;
        }
    }
}

#[tokio::test]
async fn a_subscription_delivers_what_is_there_then_says_so_then_what_comes() {
    let server = TestServer::start_with(&["--segment-events", "16"]);
    let client = server.client().await;
    spread(&client, "s", 3, 100).await;
    let starts = [
        (SubscribeAll::new(), 1),
        (SubscribeAll::new().after_position(0), 1),
        (SubscribeAll::new().after_position(37), 38),
        (SubscribeAll::new().after_position(100), 101),
        (SubscribeAll::new().from_end(), 101),
    ];
    let mut following = Vec::new();
    for (subscribe, first) in starts {
        let mut subscription = client.subscribe_all(subscribe).await.unwrap();
        let mut came = Vec::new();
        loop {
            match next(&mut subscription).await {
                Message::Events(events) => came.extend(events.iter().map(|event| event.position)),
                Message::CaughtUp { position } => break assert_eq!(position, 100),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(came, numbers(first..=100));
        following.push(subscription);
    }
    spread(&client, "s", 3, 50).await;
    for mut subscription in following {
        assert_eq!(take(&mut subscription, 50).await, numbers(101..=150));
    }
}

#[tokio::test]
async fn a_stream_is_followed_without_the_others_in_between() {
    let server = TestServer::start_with(&["--segment-events", "16"]);
    let client = server.client().await;
    spread(&client, "s", 4, 80).await;
    let starts = [
        (SubscribeStream::new("s-1"), 0),
        (SubscribeStream::new("s-1").after_revision(0), 1),
        (SubscribeStream::new("s-1").after_revision(19), 20),
        (SubscribeStream::new("s-1").from_end(), 20),
    ];
    let mut following = Vec::new();
    for (subscribe, first) in starts {
        following.push((client.subscribe_stream(subscribe).await.unwrap(), first));
    }
    spread(&client, "s", 4, 80).await;
    for (mut subscription, first) in following {
        for revision in first..40 {
            let event = within("an event", subscription.next_event()).await.unwrap();
            assert_eq!((event.stream.as_str(), event.revision), ("s-1", revision));
        }
    }
}

#[tokio::test]
async fn a_stream_that_does_not_exist_yet_can_be_followed() {
    let server = TestServer::start();
    let client = server.client().await;
    append(&client, "other", events(0..5)).await;
    for (number, subscribe) in
        [SubscribeStream::new("coming-0"), SubscribeStream::new("coming-1").from_end()].into_iter().enumerate()
    {
        let mut subscription = client.subscribe_stream(subscribe).await.unwrap();
        assert!(matches!(next(&mut subscription).await, Message::CaughtUp { .. }));
        append(&client, "other", events(0..5)).await;
        append(&client, &format!("coming-{number}"), events(0..3)).await;
        for revision in 0..3 {
            let event = within("an event", subscription.next_event()).await.unwrap();
            assert_eq!((event.stream, event.revision), (format!("coming-{number}"), revision));
        }
    }
}

#[tokio::test]
async fn a_subscription_after_what_is_not_there_is_out_of_range() {
    let server = TestServer::start();
    let client = server.client().await;
    append(&client, "s", events(0..5)).await;
    for after in [6, u64::MAX] {
        let refused = client.subscribe_all(SubscribeAll::new().after_position(after)).await.unwrap_err();
        assert!(matches!(refused, Error::BeyondEnd { asked, last: Some(5) } if asked == after), "{refused:?}");
    }
    for (stream, after, end) in [("s", 5, Some(4)), ("s", u64::MAX, Some(4)), ("missing", 0, None)] {
        let refused = client.subscribe_stream(SubscribeStream::new(stream).after_revision(after)).await.unwrap_err();
        assert!(matches!(refused, Error::BeyondEnd { asked, last } if (asked, last) == (after, end)), "{refused:?}");
    }
}

#[tokio::test]
async fn a_subscription_survives_a_kill_and_a_stop_with_every_event_once() {
    let mut server = TestServer::start_with(&["--segment-events", "64"]);
    let client = server.patient_client().await;
    let mut all = client.subscribe_all(SubscribeAll::new()).await.unwrap();
    let mut one = client.subscribe_stream(SubscribeStream::new("s-2")).await.unwrap();
    for round in 0..4_u64 {
        spread(&client, "s", 5, 100).await;
        if round % 2 == 0 {
            assert_eq!(take(&mut all, 100).await, numbers(round * 100 + 1..=round * 100 + 100));
            server.kill();
            server.run();
        } else {
            assert_eq!(take(&mut all, 50).await, numbers(round * 100 + 1..=round * 100 + 50));
            server.restart().await;
            assert_eq!(take(&mut all, 50).await, numbers(round * 100 + 51..=round * 100 + 100));
        }
        for revision in round * 20..(round + 1) * 20 {
            let event = within("an event", one.next_event()).await.unwrap();
            assert_eq!((event.stream.as_str(), event.revision), ("s-2", revision));
        }
    }
}

#[tokio::test]
async fn a_quiet_subscription_gets_signs_of_life() {
    let server = TestServer::start_with(&["--heartbeat-seconds", "1"]);
    let client = server.client().await;
    append(&client, "s", events(0..7)).await;
    let mut all = client.subscribe_all(SubscribeAll::new().from_end()).await.unwrap();
    let mut one = client.subscribe_stream(SubscribeStream::new("s").from_end()).await.unwrap();
    for subscription in [&mut all, &mut one] {
        assert_eq!(next(subscription).await, Message::CaughtUp { position: 7 });
        for _ in 0..2 {
            assert_eq!(next(subscription).await, Message::Heartbeat { position: 7 });
        }
    }
}

async fn append_large(client: &Client, count: u64) {
    for _ in 0..count {
        append(client, "large", vec![NewEvent::new("Large", vec![7; 64 << 10])]).await;
    }
}

#[tokio::test]
async fn a_subscriber_that_stalls_falls_behind_and_still_gets_everything_once() {
    let server = TestServer::start_with(&["--recent-bytes", "65536", "--segment-bytes", "1000000"]);
    let client = server.client().await;
    let mut raw = follow(&server).await;
    assert_eq!(until_caught_up(&mut raw).await, 0);
    append_large(&client, 200).await;
    let (mut came, mut fell_behind, mut caught_up) = (Vec::new(), 0, 0);
    while came.len() < 200 || caught_up == 0 {
        let message = message(&mut raw).await;
        came.extend(message.events.iter().map(|event| event.position));
        match message.signal {
            Some(Signal::FellBehind(signal)) => {
                assert_eq!(Some(&signal.position), came.last(), "it tells how far it got");
                assert!(signal.head > signal.position);
                fell_behind += 1;
            }
            Some(Signal::CaughtUp(signal)) => {
                assert_eq!(signal.position, came.len() as u64);
                caught_up += 1;
            }
            _ => {}
        }
    }
    assert_eq!(came, numbers(1..=200));
    assert!(fell_behind > 0, "200 events of 64 KiB do not fit into 64 KiB");
    append(&client, "s", vec![event(0)]).await;
    assert_eq!(message(&mut raw).await.events[0].position, 201, "it is live again");
}

#[tokio::test(flavor = "multi_thread")]
async fn stalled_subscribers_do_not_hold_up_appends_or_the_others() {
    let server = TestServer::start_with(&["--recent-bytes", "262144"]);
    let client = server.client().await;
    let mut stalled = Vec::new();
    for _ in 0..50 {
        let mut raw = follow(&server).await;
        until_caught_up(&mut raw).await;
        stalled.push(raw);
    }
    let mut awake = client.subscribe_all(SubscribeAll::new()).await.unwrap();
    let appends = async {
        for number in 0..2_000_u64 {
            append(&client, &format!("s-{}", number % 10), vec![NewEvent::new("Some", vec![7; 2_000])]).await;
        }
    };
    let (came, ()) = within("2,000 appends", async { tokio::join!(take(&mut awake, 2_000), appends) }).await;
    assert_eq!(came, numbers(1..=2_000));
    assert_eq!(head(&client).await, 2_000);
    for mut raw in stalled {
        let mut came = Vec::new();
        while came.len() < 2_000 {
            came.extend(message(&mut raw).await.events.iter().map(|event| event.position));
        }
        assert_eq!(came, numbers(1..=2_000));
    }
}

#[tokio::test]
async fn a_server_that_stops_ends_subscriptions_with_unavailable() {
    let mut server = TestServer::start();
    let client = server.client().await;
    append(&client, "s", events(0..3)).await;
    let mut raw = follow(&server).await;
    until_caught_up(&mut raw).await;
    let (ended, ()) = tokio::join!(within("the end", raw.message()), server.stop());
    let status = ended.expect_err("it does not end by itself");
    assert_eq!(reason(&status), (Code::Unavailable, "SHUTTING_DOWN".to_owned()));
}

#[tokio::test]
async fn a_long_stretch_of_other_streams_moves_the_place_to_resume_from() {
    let server = TestServer::start_with(&["--heartbeat-seconds", "1"]);
    let client = server.client().await;
    let subscribe = SubscribeStream::new("quiet").silence_timeout(Duration::from_secs(30));
    let mut one = client.subscribe_stream(subscribe).await.unwrap();
    assert!(matches!(next(&mut one).await, Message::CaughtUp { position: 0 }));
    append(&client, "loud", events(0..5_000)).await;
    loop {
        if let Message::Heartbeat { position: 5_000 } = next(&mut one).await {
            break;
        }
    }
    append(&client, "quiet", vec![event(0)]).await;
    assert_eq!(take(&mut one, 1).await, [5_001]);
}
