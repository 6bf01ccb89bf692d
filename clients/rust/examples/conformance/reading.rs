//! Scenarios of reads.

use quipu_client::{Error, Expected, NewEvent, Query, QueryItem, ReadAll, ReadStream, SnapshotToSave};
use tokio_stream::StreamExt;

use crate::Outcome;
use crate::server::Server;
use crate::waiting::{fill, numbered};

pub(crate) async fn stream(server: Server) -> Outcome {
    let client = server.client().await;
    let written = numbered("Placed", 0)
        .with_tags(["customer:7", "eu"])
        .with_metadata("by", "ada")
        .with_schema_version("2.1")
        .with_correlation_id("c-1")
        .with_causation_id("m-1")
        .occurred_at("2011-03-01T00:00:00.25Z".parse()?);
    client
        .append("order-1", Expected::NoStream, vec![written.clone(), numbered("Paid", 1), numbered("Sent", 2)])
        .await?;
    let mut reading = client.read_stream(ReadStream::new("order-1")).await?;
    let first = reading.next().await.expect("there are three")?;
    assert_eq!((first.id, first.data, first.tags), (written.id, written.data, written.tags));
    assert_eq!((first.schema_version, first.occurred_at), (written.schema_version, written.occurred_at));
    assert_eq!((first.correlation_id, first.causation_id), (written.correlation_id, written.causation_id));
    assert_eq!((first.metadata, first.revision, first.position), (written.metadata, 0, 1));
    assert_eq!(
        (reading.next().await.expect("three")?.revision, reading.next().await.expect("three")?.revision),
        (1, 2)
    );
    assert!(reading.next().await.is_none());
    assert_eq!(reading.head_revision(), Some(2));
    let read = async |read: ReadStream| -> Result<Vec<u64>, Error> {
        let events = client.read_stream(read).await?.collect().await?;
        Ok(events.into_iter().map(|event| event.revision).collect())
    };
    let of = || ReadStream::new("order-1");
    assert_eq!(read(of().from_revision(1)).await?, [1, 2]);
    assert_eq!(read(of().backwards()).await?, [2, 1, 0]);
    assert_eq!(read(of().from_revision(1).backwards()).await?, [1, 0]);
    assert_eq!(read(of().limit(2)).await?, [0, 1]);
    assert_eq!(read(of().types(["Placed", "Sent"])).await?, [0, 2]);
    client.save_snapshot(SnapshotToSave::new("order-1", 1, "{}")).await?;
    let reading = client.read_stream(of().with_snapshot()).await?;
    assert_eq!(reading.snapshot().map(|snapshot| snapshot.revision), Some(1));
    assert_eq!(reading.collect().await?.len(), 1);
    let (by_id, at) = (client.get_event_by_id(written.id).await?, client.get_event_at(1).await?);
    assert_eq!(by_id, at);
    assert!(matches!(client.get_event_at(99).await, Err(Error::EventNotFound)));
    assert!(matches!(client.read_stream(ReadStream::new("none")).await, Err(Error::StreamNotFound)));
    Ok(())
}

/// Whether the event of this number is meant.
type IsMeant = fn(u64) -> bool;

pub(crate) async fn all_by_query(server: Server) -> Outcome {
    let client = server.client().await;
    for number in 0..30 {
        let event_type = ["Placed", "Paid", "Sent"][usize::try_from(number % 3)?];
        let event = NewEvent::new(event_type, "{}").with_tag(format!("customer:{}", number % 5));
        let event = event.with_correlation_id(format!("c-{}", number % 2));
        client
            .append(
                &format!("{}-{number}", ["order", "letter"][usize::try_from(number % 2)?]),
                Expected::Any,
                vec![event],
            )
            .await?;
    }
    let read = async |read: ReadAll| -> Result<Vec<u64>, Error> {
        // As a stream of events, which it is too.
        client.read_all(read).await?.map(|event| event.map(|event| event.position)).collect().await
    };
    // The event of number n is at position n + 1.
    let expected = |is_meant: IsMeant| (0..30).filter(|n| is_meant(*n)).map(|n| n + 1).collect::<Vec<u64>>();
    let item = QueryItem::new;
    let cases: [(Query, IsMeant); 5] = [
        (Query::all(), |_| true),
        (Query::item(item().types(["Placed", "Paid"])), |n| n % 3 < 2),
        (Query::item(item().types(["Paid"]).tags(["customer:1"])), |n| n % 3 == 1 && n % 5 == 1),
        (Query::item(item().categories(["letter"])).or(item().types(["Sent"])), |n| n % 2 == 1 || n % 3 == 2),
        (Query::item(item().stream_prefix("order-1").correlation_id("c-0")), |n| n % 2 == 0 && (10..20).contains(&n)),
    ];
    for (query, is_meant) in cases {
        let mut positions = expected(is_meant);
        assert_eq!(read(ReadAll::new().query(query.clone())).await?, positions, "{query:?}");
        positions.reverse();
        assert_eq!(read(ReadAll::new().query(query.clone()).backwards()).await?, positions, "{query:?}");
        positions.truncate(3);
        assert_eq!(read(ReadAll::new().query(query).backwards().limit(3)).await?, positions);
    }
    let fifth = client.get_event_at(5).await?.recorded_at;
    let since = read(ReadAll::new().from_time(fifth)).await?;
    let first = since[0];
    assert!(first <= 5 && client.get_event_at(first).await?.recorded_at == fifth, "{since:?}");
    assert_eq!(since, (first..=30).collect::<Vec<_>>());
    assert_eq!(read(ReadAll::new().from_position(29)).await?, [29, 30]);
    Ok(())
}

/// A read of which the server has only sent a part goes on after a kill, each event once and in order.
pub(crate) async fn resume(mut server: Server) -> Outcome {
    const APPENDS: u64 = 40;
    let client = server.client().await;
    // More than any window of the transport holds.
    for append in 0..APPENDS {
        let events = (0..16).map(|_| NewEvent::new("Filled", vec![b'x'; 64 << 10])).collect();
        client.append(&format!("s-{}", append % 3), Expected::Any, events).await?;
    }
    let all = APPENDS * 16;
    for backwards in [false, true] {
        let read = if backwards { ReadAll::new().backwards() } else { ReadAll::new() };
        let mut reading = client.read_all(read).await?;
        let mut positions = Vec::new();
        while let Some(batch) = reading.next_batch().await {
            positions.extend(batch?.into_iter().map(|event| event.position));
            if positions.len() < 32 {
                server.kill_and_start_again().await;
            }
        }
        let in_order: Vec<u64> = if backwards { (1..=all).rev().collect() } else { (1..=all).collect() };
        assert!(positions == in_order, "{} of {all} events, or out of order", positions.len());
        assert_eq!(reading.head(), Some(all));
    }
    fill(&client, "t-1", 1).await?;
    Ok(())
}
