//! Events by query and by time: reads and subscriptions see what a plain filter over the log would leave.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use quipu_client::proto::event_store_client::EventStoreClient;
use quipu_client::proto::subscribe_all_response::Signal;
use quipu_client::{
    Client, Error, Expected, Message, NewEvent, Query, QueryItem, ReadAll, ReadStream, RecordedEvent, SubscribeAll,
    SubscribeStream, Subscription, proto,
};

use crate::events::{append, event, events, head, log, positions, revisions, spread};
use crate::server::{TestServer, within};

type Filter = fn(&RecordedEvent) -> bool;

async fn read(client: &Client, read: ReadAll) -> Vec<u64> {
    positions(&client.read_all(read).await.expect("a log").collect().await.expect("all of it"))
}

/// 400 events of several types, tags, categories and conversations, over many small segments.
async fn varied(client: &Client) {
    let streams = ["order-1", "order-2", "user-7", "plain", "ord", "-odd", "a-b-c"];
    let (sender, mut receiver) = client.append_session().await.unwrap().split();
    for number in 0..400_usize {
        let mut new = event(number as u64).with_tag(format!("mod:{}", number % 10));
        new.event_type = ["Placed", "Paid", "Sent"][number % 3].to_owned();
        if number % 4 == 0 {
            new = new.with_tag("even:quarter").with_correlation_id(format!("c-{}", number % 8));
        }
        if number == 123 {
            new = new.with_tag("rare:once");
        }
        sender.send(streams[number * 5 % streams.len()], Expected::Any, vec![new]).await.unwrap();
        within("an answer", receiver.next()).await.unwrap().unwrap().unwrap();
    }
}

/// Queries, and the filters that say the same.
fn cases() -> Vec<(&'static str, Query, Filter)> {
    let one = |item: QueryItem| Query::item(item);
    let item = QueryItem::new;
    vec![
        ("all", Query::all(), |_| true),
        ("a type", one(item().types(["Paid"])), |event| event.event_type == "Paid"),
        ("types", one(item().types(["Paid", "Sent", "Never"])), |event| event.event_type != "Placed"),
        ("no type", one(item().types(["Never"])), |_| false),
        ("a tag", one(item().tags(["mod:3"])), |event| event.tags.contains(&"mod:3".to_owned())),
        ("tags", one(item().tags(["mod:8", "even:quarter"])), |event| {
            event.tags.contains(&"mod:8".to_owned()) && event.tags.contains(&"even:quarter".to_owned())
        }),
        ("tags that never meet", one(item().tags(["mod:3", "even:quarter"])), |_| false),
        ("a rare tag", one(item().tags(["rare:once"])), |event| event.tags.contains(&"rare:once".to_owned())),
        ("a category", one(item().categories(["order"])), |event| event.stream.starts_with("order-")),
        ("categories", one(item().categories(["a", "user"])), |event| {
            event.stream.starts_with("a-") || event.stream.starts_with("user-")
        }),
        ("no category", one(item().categories(["plain", "a-b", "ord"])), |_| false),
        ("a prefix without a category", one(item().stream_prefix("ord")), |event| event.stream.starts_with("ord")),
        ("a prefix in a category", one(item().stream_prefix("order-2")), |event| event.stream == "order-2"),
        ("a prefix over a category", one(item().stream_prefix("a-b")), |event| event.stream == "a-b-c"),
        ("a prefix with no name before", one(item().stream_prefix("-")), |event| event.stream == "-odd"),
        ("a conversation", one(item().correlation_id("c-4")), |event| event.correlation_id == "c-4"),
        (
            "everything",
            one(item().types(["Paid"]).tags(["mod:4"]).categories(["order"]).correlation_id("c-4")),
            |event| {
                event.event_type == "Paid"
                    && event.tags.contains(&"mod:4".to_owned())
                    && event.stream.starts_with("order-")
                    && event.correlation_id == "c-4"
            },
        ),
        ("either", one(item().tags(["mod:1"])).or(item().types(["Sent"]).tags(["mod:2"])), |event| {
            event.tags.contains(&"mod:1".to_owned())
                || (event.event_type == "Sent" && event.tags.contains(&"mod:2".to_owned()))
        }),
        ("either, and both", one(item().types(["Paid"])).or(item().tags(["mod:1"])), |event| {
            event.event_type == "Paid" || event.tags.contains(&"mod:1".to_owned())
        }),
    ]
}

#[tokio::test]
async fn a_query_selects_what_a_plain_filter_would() {
    let mut server = TestServer::start_with(&["--segment-events", "32"]);
    let client = server.patient_client().await;
    varied(&client).await;
    let all = log(&client).await;
    for round in 0..3 {
        for (what, query, filter) in cases() {
            let up: Vec<u64> = all.iter().filter(|event| filter(event)).map(|event| event.position).collect();
            let down: Vec<u64> = up.iter().rev().copied().collect();
            let whole = || ReadAll::new().query(query.clone());
            assert_eq!(read(&client, whole()).await, up, "{what}");
            assert_eq!(read(&client, whole().backwards()).await, down, "{what}");
            for from in [1, 31, 32, 33, 124, 400, 401] {
                let above: Vec<u64> = up.iter().copied().filter(|position| *position >= from).collect();
                let below: Vec<u64> = down.iter().copied().filter(|position| *position <= from).collect();
                assert_eq!(read(&client, whole().from_position(from)).await, above, "{what} from {from}");
                assert_eq!(read(&client, whole().backwards().from_position(from)).await, below, "{what} from {from}");
            }
        }
        if round == 1 {
            server.stop().await;
            std::fs::remove_dir_all(server.data().join("tenants/default/index")).unwrap();
        }
        server.restart().await;
    }
}

#[tokio::test]
async fn a_limit_counts_what_is_returned() {
    let server = TestServer::start_with(&["--segment-events", "32"]);
    let client = server.client().await;
    varied(&client).await;
    let all = log(&client).await;
    for (what, query, filter) in cases() {
        let up: Vec<u64> = all.iter().filter(|event| filter(event)).map(|event| event.position).collect();
        let down: Vec<u64> = up.iter().rev().copied().collect();
        let count = up.len() as u64;
        for limit in [1, 2, count.saturating_sub(1), count, count + 1, u64::MAX] {
            let whole = || ReadAll::new().query(query.clone()).limit(limit);
            let few = if limit == 0 { up.len() } else { up.len().min(usize::try_from(limit).unwrap()) };
            let mut reading = client.read_all(whole()).await.unwrap();
            let mut came = Vec::new();
            while let Some(event) = reading.next().await {
                came.push(event.unwrap().position);
            }
            assert_eq!((came.as_slice(), reading.head()), (&up[..few], Some(400)), "{what}, {limit}");
            assert_eq!(read(&client, whole().backwards()).await, down[..few], "{what}, {limit}");
        }
    }
}

#[tokio::test]
async fn a_stream_is_read_and_followed_by_types() {
    let mut server = TestServer::start_with(&["--segment-events", "32"]);
    let client = server.patient_client().await;
    varied(&client).await;
    let all = log(&client).await;
    for _ in 0..2 {
        for types in [&["Paid"][..], &["Paid", "Sent"], &["Placed", "Paid", "Sent"], &["Never"]] {
            let is_meant = |event: &&RecordedEvent| event.stream == "order-2" && types.contains(&&*event.event_type);
            let up: Vec<u64> = all.iter().filter(is_meant).map(|event| event.revision).collect();
            let down: Vec<u64> = up.iter().rev().copied().collect();
            let whole = || ReadStream::new("order-2").types(types.iter().copied());
            let read = async |read| revisions(&client.read_stream(read).await.unwrap().collect().await.unwrap());
            assert_eq!(read(whole()).await, up, "{types:?}");
            assert_eq!(read(whole().backwards()).await, down, "{types:?}");
            for limit in [1, 18, 19, 20] {
                let few = up.len().min(limit);
                assert_eq!(read(whole().limit(limit as u64)).await, up[..few], "{types:?}, {limit}");
                assert_eq!(read(whole().backwards().limit(limit as u64)).await, down[..few], "{types:?}, {limit}");
            }
            let above: Vec<u64> = up.iter().copied().filter(|revision| *revision >= 20).collect();
            assert_eq!(read(whole().from_revision(20)).await, above, "{types:?}");
            let subscribe = SubscribeStream::new("order-2").types(types.iter().copied()).after_revision(19);
            let mut following = client.subscribe_stream(subscribe).await.unwrap();
            let mut came = Vec::new();
            while let Message::Events(events) = within("a message", following.next()).await.unwrap() {
                came.extend(revisions(&events));
            }
            assert_eq!(came, above, "{types:?}");
        }
        server.restart().await;
    }
}

#[tokio::test]
async fn system_events_match_only_where_they_are_asked_for() {
    let server = TestServer::start();
    let client = server.client().await;
    append(&client, "s-1", events(0..2)).await;
    client.delete_stream("s-1", Expected::Any).await.unwrap();
    append(&client, "s-1", events(0..1)).await;
    let deleted = || Query::item(QueryItem::new().types(["$deleted"]));
    let cases = [
        (Query::all(), vec![1, 2, 4], vec![1, 2, 3, 4]),
        (deleted(), vec![], vec![3]),
        (deleted().or(QueryItem::new().categories(["s"])), vec![1, 2, 4], vec![1, 2, 3, 4]),
        (Query::item(QueryItem::new().categories(["$streams"])), vec![], vec![3]),
        (Query::item(QueryItem::new().stream_prefix("$")), vec![], vec![3]),
    ];
    for (query, without, with) in cases {
        let whole = || ReadAll::new().query(query.clone());
        assert_eq!(read(&client, whole()).await, without, "{query:?}");
        assert_eq!(read(&client, whole().include_system()).await, with, "{query:?}");
        let (subscribe, all) = (SubscribeAll::new().query(query.clone()), SubscribeAll::new().query(query.clone()));
        for (subscribe, expected) in [(subscribe, without), (all.include_system(), with)] {
            let mut following = client.subscribe_all(subscribe).await.unwrap();
            assert_eq!(until_caught_up(&mut following).await, expected, "{query:?}");
        }
    }
}

/// The positions that come before a subscription has caught up.
async fn until_caught_up(subscription: &mut Subscription) -> Vec<u64> {
    let mut came = Vec::new();
    loop {
        match within("a message", subscription.next()).await.expect("it goes on") {
            Message::Events(events) => came.extend(positions(&events)),
            Message::CaughtUp { .. } => return came,
            Message::Checkpoint { .. } | Message::FellBehind { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_time_names_the_first_event_from_then_on_and_the_last_one_until_then() {
    let mut server = TestServer::start_with(&["--segment-events", "16"]);
    let client = server.patient_client().await;
    let early: DateTime<Utc> = "1969-12-31T23:59:59Z".parse().unwrap();
    for empty in [ReadAll::new().from_time(early), ReadAll::new().from_time(Utc::now()).backwards()] {
        assert_eq!(read(&client, empty).await, Vec::<u64>::new());
    }
    spread(&client, "s", 3, 60).await;
    append(&client, "batch", events(0..20)).await;
    spread(&client, "s", 3, 20).await;
    let all = log(&client).await;
    let late = all[99].recorded_at + TimeDelta::days(365 * 500);
    let nano = TimeDelta::nanoseconds(1);
    let around = |event: &RecordedEvent| [-nano, TimeDelta::zero(), nano].map(|by| event.recorded_at + by);
    let times: Vec<_> = all.iter().flat_map(around).chain([early, late, DateTime::UNIX_EPOCH]).collect();
    for _ in 0..2 {
        for time in &times {
            let up: Vec<u64> = all.iter().filter(|it| it.recorded_at >= *time).map(|it| it.position).collect();
            let mut down: Vec<u64> = all.iter().filter(|it| it.recorded_at <= *time).map(|it| it.position).collect();
            down.reverse();
            let from = || ReadAll::new().from_time(*time);
            assert_eq!(read(&client, from()).await, up, "from {time}");
            assert_eq!(read(&client, from().backwards()).await, down, "back from {time}");
        }
        let types = Query::item(QueryItem::new().categories(["batch"]).stream_prefix("s-1"));
        let none = ReadAll::new().from_time(early).query(types);
        assert_eq!(read(&client, none).await, Vec::<u64>::new());
        for time in times.iter().step_by(23).chain([&early, &late]) {
            let up: Vec<u64> = all.iter().filter(|it| it.recorded_at >= *time).map(|it| it.position).collect();
            let mut following = client.subscribe_all(SubscribeAll::new().from_time(*time)).await.unwrap();
            assert_eq!(until_caught_up(&mut following).await, up, "from {time}");
        }
        server.restart().await;
    }
    let mut following = client.subscribe_all(SubscribeAll::new().from_time(late)).await.unwrap();
    assert_eq!(until_caught_up(&mut following).await, Vec::<u64>::new());
    append(&client, "s-1", events(0..1)).await;
    assert_eq!(within("an event", following.next_event()).await.unwrap().position, 101, "the next event, whenever");
}

/// A raw subscription to the events with a tag.
async fn follow_tag(server: &TestServer, tag: &str, after: u64) -> tonic::Streaming<proto::SubscribeAllResponse> {
    let item = proto::QueryItem { tags: vec![tag.to_owned()], ..Default::default() };
    let request = proto::SubscribeAllRequest {
        from: Some(proto::subscribe_all_request::From::AfterPosition(after)),
        query: Some(proto::Query { items: vec![item], all: None }),
        include_system: false,
    };
    let mut api = EventStoreClient::new(server.channel().await);
    within("the answer", api.subscribe_all(request)).await.expect("subscribed").into_inner()
}

#[tokio::test]
async fn a_subscription_tells_how_far_it_has_passed_what_does_not_match() {
    let mut server = TestServer::start_with(&["--heartbeat-seconds", "1", "--segment-events", "1000"]);
    let client = server.patient_client().await;
    append(&client, "s", vec![event(0).with_tag("x")]).await;
    append(&client, "s", events(0..10_000)).await;
    append(&client, "s", events(0..5_000)).await;
    append(&client, "s", vec![event(0).with_tag("x")]).await;
    for _ in 0..2 {
        let (mut told, mut came, mut beats) = (0, Vec::new(), 0);
        let mut raw = follow_tag(&server, "x", 0).await;
        while beats < 2 {
            let message = within("a message", raw.message()).await.unwrap().unwrap();
            came.extend(message.events.iter().map(|event| event.position));
            let position = match message.signal {
                None => message.events.last().unwrap().position,
                Some(Signal::Checkpoint(signal)) => signal.position,
                Some(Signal::CaughtUp(signal)) => {
                    assert_eq!(signal.position, 15_002);
                    signal.position
                }
                Some(Signal::Heartbeat(signal)) => {
                    assert_eq!(signal.position, 15_002);
                    beats += 1;
                    signal.position
                }
                Some(other) => panic!("{other:?}"),
            };
            assert!(position >= told, "{position} lies before {told}");
            told = position;
        }
        assert_eq!(came, [1, 15_002]);
        server.restart().await;
    }
}

#[tokio::test]
async fn a_live_subscription_passes_what_does_not_match_and_resumes_behind_it_exactly() {
    let mut server = TestServer::start_with(&["--heartbeat-seconds", "1"]);
    let client = server.patient_client().await;
    let query = || Query::item(QueryItem::new().tags(["x"]));
    let mut following = client.subscribe_all(SubscribeAll::new().query(query())).await.unwrap();
    assert_eq!(until_caught_up(&mut following).await, Vec::<u64>::new());
    for round in 0..3_u64 {
        append(&client, "loud", events(0..999)).await;
        let passed = (round + 1) * 1_000 - 1;
        loop {
            match within("a message", following.next()).await.unwrap() {
                Message::Heartbeat { position } | Message::Checkpoint { position } if position == passed => break,
                Message::Heartbeat { .. } | Message::Checkpoint { .. } | Message::CaughtUp { .. } => {}
                Message::Reconnected => {}
                other => panic!("{other:?}"),
            }
        }
        let mut other = follow_tag(&server, "x", passed).await;
        if round == 1 {
            server.restart().await;
            other = follow_tag(&server, "x", passed).await;
        }
        append(&client, "s", vec![event(round).with_tag("x")]).await;
        assert_eq!(within("an event", following.next_event()).await.unwrap().position, passed + 1);
        let first = loop {
            let message = within("a message", other.message()).await.unwrap().unwrap();
            if let Some(event) = message.events.first() {
                break event.position;
            }
        };
        assert_eq!(first, passed + 1, "a subscription that resumes there misses nothing");
    }
}

/// Follows a tag until so many events have come; returns their positions.
async fn take(mut subscription: Subscription, tag: String, count: usize) -> Vec<u64> {
    let mut came = Vec::new();
    while came.len() < count {
        let event = subscription.next_event().await.expect("it goes on");
        assert_eq!(event.tags[0], tag);
        came.push(event.position);
    }
    came
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_subscriptions_to_different_tags_each_get_their_events_and_no_others() {
    const TAGS: u64 = 1_000;
    let server = TestServer::start_with(&["--segment-events", "4000"]);
    let client = server.client().await;
    let tagged = |number: u64| event(number).with_tag(format!("n:{}", number % TAGS));
    append(&client, "before", (0..2 * TAGS).map(tagged).collect()).await;
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(server.client().await);
    }
    let mut following = Vec::new();
    for number in 0..TAGS {
        let tag = format!("n:{number}");
        let subscribe = SubscribeAll::new().query(Query::item(QueryItem::new().tags([tag.clone()])));
        let subscribe = if number % 2 == 0 { subscribe } else { subscribe.from_end() };
        let client = &clients[usize::try_from(number).unwrap() % clients.len()];
        let subscription = within("a subscription", client.subscribe_all(subscribe)).await.unwrap();
        let count = if number % 2 == 0 { 5 } else { 3 };
        following.push(tokio::spawn(take(subscription, tag, count)));
    }
    for first in (0..3 * TAGS).step_by(50) {
        append(&client, "after", (first..first + 50).map(tagged).collect()).await;
    }
    for (number, one) in (0..TAGS).zip(following) {
        let came = within("its events", one).await.unwrap();
        let every = (0..5).map(|round| round * TAGS + number + 1);
        let expected: Vec<u64> = if number % 2 == 0 { every.collect() } else { every.skip(2).collect() };
        assert_eq!(came, expected, "n:{number}");
    }
    assert_eq!(head(&client).await, 5 * TAGS);
}

#[tokio::test]
async fn a_query_finds_events_of_any_size_a_page_at_a_time() {
    let server = TestServer::start_with(&["--segment-bytes", "4000000"]);
    let client = server.client().await;
    for number in 0..12 {
        let new = NewEvent::new("Large", vec![7; 1 << 20]).with_tag(format!("mod:{}", number % 3));
        append(&client, "s", vec![new, event(number)]).await;
    }
    let query = || Query::item(QueryItem::new().tags(["mod:1"]));
    assert_eq!(read(&client, ReadAll::new().query(query())).await, [3, 9, 15, 21]);
    assert_eq!(read(&client, ReadAll::new().query(query()).backwards().limit(3)).await, [21, 15, 9]);
    let mut following = client.subscribe_all(SubscribeAll::new().query(query())).await.unwrap();
    assert_eq!(until_caught_up(&mut following).await, [3, 9, 15, 21]);
    let refused = client.subscribe_all(SubscribeAll::new().query(query()).after_position(25)).await;
    assert!(matches!(refused, Err(Error::BeyondEnd { asked: 25, last: Some(24) })), "{refused:?}");
    let timeout = Duration::from_secs(30);
    let quiet = SubscribeAll::new().query(query()).from_end().silence_timeout(timeout);
    assert_eq!(until_caught_up(&mut client.subscribe_all(quiet).await.unwrap()).await, Vec::<u64>::new());
}

#[tokio::test]
async fn a_live_subscription_goes_on_over_the_ends_of_segments() {
    let server = TestServer::start_with(&["--segment-events", "16"]);
    let client = server.client().await;
    let query = || Query::item(QueryItem::new().tags(["mod:1"])).or(QueryItem::new().categories(["marked"]));
    let mut following = client.subscribe_all(SubscribeAll::new().query(query())).await.unwrap();
    assert_eq!(until_caught_up(&mut following).await, Vec::<u64>::new());
    let mut expected = Vec::new();
    for round in 0..60_u64 {
        let batch = (0..7).map(|number| event(number).with_tag(format!("mod:{}", (round * 7 + number) % 5)));
        let stream = if round % 10 == 0 { "marked-1" } else { "plain" };
        let placed = append(&client, stream, batch.collect()).await;
        let is_meant = |(number, _): &(u64, u64)| round % 10 == 0 || number % 5 == 1;
        let new = (round * 7..).zip(placed.first_position..=placed.last_position);
        let new: Vec<u64> = new.filter(is_meant).map(|(_, position)| position).collect();
        for position in &new {
            assert_eq!(within("an event", following.next_event()).await.unwrap().position, *position);
        }
        expected.extend(new);
    }
    assert_eq!(read(&client, ReadAll::new().query(query())).await, expected);
}

#[tokio::test]
async fn a_filtered_subscriber_that_stalls_still_gets_everything_once() {
    let server = TestServer::start_with(&["--recent-bytes", "65536", "--segment-bytes", "1000000"]);
    let client = server.client().await;
    let item = proto::QueryItem { tags: vec!["odd".to_owned()], ..Default::default() };
    let query = Some(proto::Query { items: vec![item], all: None });
    let mut api = EventStoreClient::new(server.narrow_channel().await).max_decoding_message_size(usize::MAX);
    let request = proto::SubscribeAllRequest { query, ..Default::default() };
    let mut raw = within("the answer", api.subscribe_all(request)).await.unwrap().into_inner();
    let first = within("a message", raw.message()).await.unwrap().unwrap();
    assert!(matches!(first.signal, Some(Signal::CaughtUp(_))), "{first:?}");
    for number in 0..200_u64 {
        let new = NewEvent::new("Large", vec![7; 64 << 10]);
        append(&client, "large", vec![if number % 2 == 0 { new.with_tag("odd") } else { new }]).await;
    }
    let (mut came, mut fell_behind) = (Vec::new(), 0);
    while came.len() < 100 {
        let message = within("a message", raw.message()).await.unwrap().unwrap();
        came.extend(message.events.iter().map(|event| event.position));
        fell_behind += u32::from(matches!(message.signal, Some(Signal::FellBehind(_))));
    }
    assert_eq!(came, (1..=200).step_by(2).collect::<Vec<u64>>());
    assert!(fell_behind > 0, "100 events of 64 KiB do not fit into 64 KiB");
    append(&client, "large", vec![event(0).with_tag("odd")]).await;
    loop {
        let message = within("a message", raw.message()).await.unwrap().unwrap();
        if let Some(event) = message.events.first() {
            break assert_eq!(event.position, 201, "it is live again");
        }
    }
}

#[tokio::test]
async fn a_server_in_memory_answers_queries_as_one_on_disk_does() {
    let server = TestServer::start_with(&["--in-memory", "--segment-events", "32"]);
    let client = server.client().await;
    varied(&client).await;
    let all = log(&client).await;
    for (what, query, filter) in cases() {
        let up: Vec<u64> = all.iter().filter(|event| filter(event)).map(|event| event.position).collect();
        assert_eq!(read(&client, ReadAll::new().query(query.clone())).await, up, "{what}");
        let mut following = client.subscribe_all(SubscribeAll::new().query(query)).await.unwrap();
        assert_eq!(until_caught_up(&mut following).await, up, "{what}");
    }
    let since = ReadAll::new().from_time(all[199].recorded_at);
    assert!(read(&client, since).await.contains(&200));
    assert_eq!(client.statistics().await.unwrap().events, 400);
}
