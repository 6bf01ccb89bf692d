//! Reading the log: its order, its pinned head, and readers that take their time.

use quipu_client::proto::event_store_client::EventStoreClient;
use quipu_client::{Client, Error, NewEvent, ReadAll, RecordedEvent, proto};

use crate::events::{append, assert_dense, event, events, head, log, positions, spread};
use crate::server::{TestServer, within};

async fn read(client: &Client, read: ReadAll) -> Vec<u64> {
    positions(&client.read_all(read).await.expect("a log").collect().await.expect("all of it"))
}

/// Reads every way there is, and compares with the numbers from 1 to `head`.
async fn assert_reads_like_numbers(client: &Client, head: u64) {
    let up: Vec<u64> = (1..=head).collect();
    let down: Vec<u64> = (1..=head).rev().collect();
    let whole = ReadAll::new;
    assert_eq!(read(client, whole()).await, up);
    assert_eq!(read(client, whole().from_start().limit(0)).await, up);
    assert_eq!(read(client, whole().backwards()).await, down);
    assert_eq!(read(client, whole().backwards().from_end()).await, down);
    for from in [1, 2, 16, 17, head / 2, head - 1, head] {
        for limit in [1, 2, 15, 16, 17, 100, head + 1] {
            let forwards: Vec<u64> = (from..=head.min(from.saturating_add(limit - 1))).collect();
            assert_eq!(read(client, whole().from_position(from).limit(limit)).await, forwards);
            let backwards: Vec<u64> = (from.saturating_sub(limit) + 1..=from).rev().collect();
            assert_eq!(read(client, whole().backwards().from_position(from).limit(limit)).await, backwards);
        }
    }
    assert_eq!(read(client, whole().from_position(0)).await, up, "0 is the place before the first");
    assert_eq!(read(client, whole().backwards().from_position(0)).await, Vec::<u64>::new());
    assert_eq!(read(client, whole().from_position(head + 1)).await, Vec::<u64>::new());
    assert_eq!(read(client, whole().backwards().from_position(head + 1).limit(2)).await, down[..2]);
}

#[tokio::test]
async fn a_log_of_many_segments_reads_like_a_list() {
    for flags in [["--segment-events", "16"], ["--segment-bytes", "8192"]] {
        let mut server = TestServer::start_with(&flags);
        let client = server.client().await;
        spread(&client, "s", 7, 400).await;
        append(&client, "batch", events(0..50)).await;
        let mut before: Option<Vec<RecordedEvent>> = None;
        for _ in 0..2 {
            assert_reads_like_numbers(&client, 450).await;
            let all = log(&client).await;
            assert_dense(&all);
            assert_eq!(before.get_or_insert(all.clone()), &all, "a restart changes nothing");
            server.restart().await;
        }
    }
}

#[tokio::test]
async fn an_empty_log_has_a_head_of_0_and_no_events() {
    let server = TestServer::start();
    let client = server.client().await;
    for request in [ReadAll::new(), ReadAll::new().backwards(), ReadAll::new().from_position(1)] {
        let mut reading = client.read_all(request).await.unwrap();
        assert!(reading.next().await.is_none());
        assert_eq!(reading.head(), Some(0));
    }
    let refused = client.read_all(ReadAll::new().from_position(2)).await;
    assert!(matches!(refused, Err(Error::BeyondEnd { asked: 2, .. })), "{refused:?}");
}

#[tokio::test]
async fn a_position_beyond_the_one_behind_the_head_is_out_of_range() {
    let server = TestServer::start();
    let client = server.client().await;
    append(&client, "s", events(0..5)).await;
    for from in [7, 8, 1_000_000, u64::MAX] {
        for request in [ReadAll::new(), ReadAll::new().backwards()] {
            match client.read_all(request.from_position(from)).await {
                Err(Error::BeyondEnd { asked, last }) => assert_eq!((asked, last), (from, Some(5))),
                other => panic!("{other:?}"),
            }
        }
    }
    for request in [ReadAll::new().backwards().from_start(), ReadAll::new().from_end()] {
        let refused = client.read_all(request).await;
        assert!(matches!(refused, Err(Error::InvalidArgument(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn system_streams_are_shown_only_when_asked_for() {
    let server = TestServer::start();
    let client = server.client().await;
    append(&client, "s", events(0..20)).await;
    let with = read(&client, ReadAll::new().include_system()).await;
    assert_eq!(with, (1..=20).collect::<Vec<_>>(), "snapshots and the like take no position");
}

/// Appends so many events of 8 KiB.
async fn append_large(client: &Client, count: usize) {
    for _ in 0..count / 100 {
        append(client, "large", (0..100).map(|_| NewEvent::new("Large", vec![7; 8 << 10])).collect()).await;
    }
}

#[tokio::test]
async fn events_appended_during_a_read_are_not_in_it() {
    let server = TestServer::start_with(&["--segment-bytes", "1000000"]);
    let client = server.client().await;
    append_large(&client, 2_000).await;
    for (direction, expected) in [
        (proto::Direction::Forwards, (1..=2_000).collect::<Vec<u64>>()),
        (proto::Direction::Backwards, (1..=2_000).rev().collect()),
    ] {
        let head_before = head(&client).await;
        let mut api = EventStoreClient::new(server.narrow_channel().await).max_decoding_message_size(usize::MAX);
        let mut request = proto::ReadAllRequest::default();
        request.set_direction(direction);
        if direction == proto::Direction::Backwards {
            request.from = Some(proto::read_all_request::From::FromPosition(2_000));
        }
        let mut reading = api.read_all(request).await.unwrap().into_inner();
        let first = within("the first message", reading.message()).await.unwrap().unwrap();
        let mut came: Vec<u64> = first.events.iter().map(|event| event.position).collect();
        append(&client, "late", events(0..50)).await;
        let mut told = first.head;
        while let Some(message) = within("the next message", reading.message()).await.unwrap() {
            assert_eq!(told, None, "nothing follows the head");
            came.extend(message.events.iter().map(|event| event.position));
            told = message.head;
        }
        assert_eq!(came, expected);
        assert_eq!(told, Some(head_before));
        assert_eq!(head(&client).await, head_before + 50);
    }
}

#[tokio::test]
async fn readers_that_stop_reading_do_not_hold_up_appends() {
    let server = TestServer::start();
    let client = server.client().await;
    append_large(&client, 2_000).await;
    let mut stalled = Vec::new();
    for _ in 0..20 {
        let mut api = EventStoreClient::new(server.narrow_channel().await).max_decoding_message_size(usize::MAX);
        let reading = api.read_all(proto::ReadAllRequest::default()).await.unwrap().into_inner();
        stalled.push(reading);
    }
    within("the appends", async {
        for number in 0..300 {
            append(&client, "s", vec![event(number)]).await;
        }
    })
    .await;
    for mut reading in stalled {
        let mut next = 1;
        while let Some(message) = within("the next message", reading.message()).await.unwrap() {
            for event in message.events {
                assert_eq!(event.position, next);
                next += 1;
            }
        }
        assert_eq!(next, 2_001, "the head as it was when the read began");
    }
}

#[tokio::test]
async fn a_reader_that_goes_away_in_the_middle_leaves_a_healthy_server() {
    let server = TestServer::start();
    let client = server.client().await;
    append_large(&client, 1_000).await;
    for _ in 0..30 {
        let mut reading = server.client().await.read_all(ReadAll::new()).await.unwrap();
        assert_eq!(reading.next().await.unwrap().unwrap().position, 1);
    }
    assert_eq!(log(&client).await.len(), 1_000);
}
