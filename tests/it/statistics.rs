//! Counts: by type, by category and by day, as adding up the log would give them.

use std::collections::BTreeMap;

use quipu_client::{
    Client, DailyCount, Expected, NamedCount, NewEvent, ReadAll, Statistics, StreamMetadata, Transaction,
};

use crate::events::{append, events};
use crate::server::TestServer;

/// What a plain look at all events gives.
async fn counted(client: &Client) -> Statistics {
    let all = client.read_all(ReadAll::new()).await.unwrap().collect().await.unwrap();
    let (mut types, mut categories, mut days, mut streams) =
        (BTreeMap::new(), BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for event in &all {
        *types.entry(event.event_type.clone()).or_insert(0) += 1;
        if let Some((category, _)) = event.stream.split_once('-').filter(|(category, _)| !category.is_empty()) {
            *categories.entry(category.to_owned()).or_insert(0) += 1;
        }
        *days.entry(event.recorded_at.date_naive()).or_insert(0) += 1;
        streams.insert(event.stream.clone(), ());
    }
    let by_count = |counts: BTreeMap<String, u64>| {
        let mut named: Vec<_> = counts.into_iter().map(|(name, events)| NamedCount { name, events }).collect();
        named.sort_by(|one, other| other.events.cmp(&one.events).then_with(|| one.name.cmp(&other.name)));
        named
    };
    Statistics {
        events: all.len() as u64,
        streams: streams.len() as u64,
        types: by_count(types),
        categories: by_count(categories),
        days: days.into_iter().map(|(day, events)| DailyCount { day, events }).collect(),
        events_of_other_types: 0,
        events_of_other_categories: 0,
    }
}

/// Appends events of some types to streams of some categories, of none, and with odd names.
async fn fill(client: &Client) {
    let streams = ["order-1", "order-2", "user-1", "plain", "-odd", "a-b-c", "é-1", "order-"];
    for number in 0..200_usize {
        let event = NewEvent::new(format!("Type{}", number * number % 7), "{}");
        append(client, streams[number % streams.len()], vec![event]).await;
    }
    append(client, "batch-1", events(0..40)).await;
    let both = Transaction::new().append("order-1", Expected::Any, events(0..3));
    client.transact(both.append("pair-1", Expected::Any, events(0..2))).await.unwrap();
}

#[tokio::test]
async fn counts_are_what_adding_up_the_log_gives() {
    let mut server = TestServer::start_with(&["--segment-events", "32"]);
    let client = server.patient_client().await;
    assert_eq!(client.statistics().await.unwrap(), Statistics::default());
    fill(&client).await;
    let expected = counted(&client).await;
    assert_eq!((expected.events, expected.streams), (245, 10));
    assert_eq!(client.statistics().await.unwrap(), expected);

    client.delete_stream("user-1", Expected::Any).await.unwrap();
    client.tombstone_stream("never-1", Expected::Any).await.unwrap();
    let metadata = StreamMetadata { max_count: Some(1), ..Default::default() };
    client.set_stream_metadata("order-1", metadata, Expected::Any).await.unwrap();
    assert_eq!(client.statistics().await.unwrap(), expected, "what streams hide and what tells it changes no count");

    let tenant = server.data().join("tenants/default");
    for round in 0..4 {
        match round {
            0 => server.stop().await,
            _ => server.kill(),
        }
        match round {
            2 => std::fs::remove_dir_all(tenant.join("index")).unwrap(),
            3 => {
                let files = std::fs::read_dir(tenant.join("index")).unwrap().map(|file| file.unwrap().path());
                files.step_by(2).for_each(|file| std::fs::remove_file(file).unwrap());
            }
            _ => {}
        }
        server.run();
        assert_eq!(client.statistics().await.unwrap(), expected, "round {round}");
    }
    fill(&client).await;
    assert_eq!(client.statistics().await.unwrap(), counted(&client).await);
}

#[tokio::test]
async fn event_types_are_listed_with_their_counts_in_order_by_any_page_size() {
    let mut server = TestServer::start_with(&["--segment-events", "64"]);
    let client = server.patient_client().await;
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for number in 0..600_u64 {
        let name = format!("{}{}", ["A", "Ab", "b", "É"][usize::try_from(number % 4).unwrap()], number * 7 % 150);
        *counts.entry(name.clone()).or_default() += 1;
        append(&client, "s", vec![NewEvent::new(name, "{}")]).await;
    }
    client.delete_stream("s", Expected::Any).await.unwrap();
    let all: Vec<_> = counts.into_iter().map(|(name, events)| NamedCount { name, events }).collect();
    for _ in 0..2 {
        for (prefix, size) in
            [("", 0), ("", 1), ("", 7), ("", 1_000), ("A", 3), ("Ab1", 2), ("É", 50), ("$", 5), ("z", 0)]
        {
            let (mut listed, mut token) = (Vec::new(), None::<String>);
            loop {
                let page = client.event_types(prefix, size, token.as_deref()).await.unwrap();
                let most = if size == 0 { 100 } else { usize::try_from(size).unwrap() };
                assert!(page.types.len() == most || page.next_page_token.is_none(), "a page is full, or the last");
                listed.extend(page.types);
                token = page.next_page_token;
                if token.is_none() {
                    break;
                }
            }
            let expected: Vec<_> = all.iter().filter(|named| named.name.starts_with(prefix)).cloned().collect();
            assert_eq!(listed, expected, "{prefix:?} by {size}");
        }
        server.restart().await;
    }
}

#[tokio::test]
async fn beyond_a_thousand_names_the_rest_is_counted_together() {
    let mut server = TestServer::start_with(&["--segment-events", "512"]);
    let client = server.patient_client().await;
    for first in (0..1_500_u64).step_by(250) {
        let some = (first..first + 250).map(|number| NewEvent::new(format!("T{number}"), "{}"));
        let transaction = some.enumerate().fold(Transaction::new(), |transaction, (place, event)| {
            let number = first + place as u64;
            transaction.append(format!("c{number}-1"), Expected::NoStream, vec![event])
        });
        client.transact(transaction).await.unwrap();
    }
    append(&client, "c7-1", vec![NewEvent::new("T7", "{}")]).await;
    for _ in 0..2 {
        let counts = client.statistics().await.unwrap();
        assert_eq!((counts.events, counts.streams), (1_501, 1_500));
        assert_eq!((counts.types.len(), counts.categories.len()), (1_000, 1_000));
        assert_eq!(counts.types[0], NamedCount { name: "T7".to_owned(), events: 2 }, "the most frequent first");
        assert_eq!((counts.events_of_other_types, counts.events_of_other_categories), (500, 500));
        server.restart().await;
    }
}
