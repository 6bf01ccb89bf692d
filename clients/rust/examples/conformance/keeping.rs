//! Scenarios of what is kept beside events, and of the lives of streams.

use std::time::Duration;

use quipu_client::{Client, Error, Expected, ExpectedCheckpoint, GetState, ListStreams, NewEvent, ReadAll, ReadStream};
use quipu_client::{Query, Replay, SnapshotPolicy, SnapshotToSave, StreamMetadata, WaitOutcome};
use serde_json::{Value, json};

use crate::Outcome;
use crate::server::Server;
use crate::waiting::{eventually, fill, numbered};

pub(crate) async fn snapshots(mut server: Server) -> Outcome {
    let client = server.client().await;
    fill(&client, "s-1", 10).await?;
    assert_eq!(client.get_snapshot("s-1", None).await?, None);
    for revision in [2, 5, 8, 9] {
        let mut snapshot = SnapshotToSave::json("s-1", revision, &json!({"at": revision}))?;
        snapshot.schema_version = "3".to_owned();
        snapshot.metadata.insert("by".to_owned(), "me".to_owned());
        client.save_snapshot(snapshot).await?;
    }
    let ahead = client.save_snapshot(SnapshotToSave::new("s-1", 10, "{}")).await;
    assert!(matches!(ahead, Err(Error::SnapshotAhead)), "{ahead:?}");
    server.kill_and_start_again().await;
    let newest = client.get_snapshot("s-1", None).await?.expect("one is there");
    assert_eq!((newest.revision, newest.json::<Value>()?), (9, json!({"at": 9})));
    assert_eq!((newest.schema_version.as_str(), newest.metadata["by"].as_str()), ("3", "me"));
    let before = client.get_snapshot("s-1", Some(8)).await?.expect("one is there");
    assert_eq!(before.revision, 8);
    // The last three are kept.
    let kept: Vec<_> = client.list_snapshots("s-1").await?.iter().map(|it| it.revision).collect();
    assert_eq!(kept, [9, 8, 5]);
    assert_eq!(client.delete_snapshot("s-1", Some(9)).await?, 1);
    assert_eq!(client.delete_snapshot("s-1", None).await?, 2);
    assert!(matches!(client.delete_snapshot("s-1", None).await, Err(Error::SnapshotNotFound)));
    Ok(())
}

pub(crate) async fn state(server: Server) -> Outcome {
    let client = server.client().await;
    let patches =
        [json!({"name": "Ada", "address": {"city": "Rome"}}), json!({"address": {"zip": "7"}}), json!({"name": null})];
    for patch in &patches {
        client.append("person-1", Expected::Any, vec![NewEvent::json("Patched", patch)?]).await?;
    }
    let now = client.get_state(GetState::new("person-1")).await?;
    assert_eq!(now.json::<Value>()?, json!({"address": {"city": "Rome", "zip": "7"}}));
    assert_eq!((now.revision, now.snapshot_revision, now.events), (2, None, 3));
    let before = client.get_state(GetState::new("person-1").at_revision(1)).await?;
    assert_eq!(before.json::<Value>()?["name"], "Ada");
    let first = client.get_event_at(1).await?.recorded_at;
    assert!(client.get_state(GetState::new("person-1").at_time(first)).await?.revision <= 2);
    assert!(matches!(client.get_state(GetState::new("none")).await, Err(Error::StreamNotFound)));
    let beyond = client.get_state(GetState::new("person-1").at_revision(9)).await;
    assert!(matches!(beyond, Err(Error::BeyondEnd { asked: 9, last: Some(2) })), "{beyond:?}");
    client.append("photo-1", Expected::Any, vec![NewEvent::new("Taken", vec![0xff_u8])]).await?;
    let not_json = client.get_state(GetState::new("photo-1")).await;
    assert!(matches!(not_json, Err(Error::NotFoldable { revision: 0, is_snapshot: false, .. })), "{not_json:?}");
    policies(&client).await
}

async fn policies(client: &Client) -> Outcome {
    let policy = SnapshotPolicy { category: "counter".to_owned(), every_events: 5 };
    client.set_snapshot_policy(policy.clone()).await?;
    assert_eq!(client.list_snapshot_policies().await?, [policy]);
    fill(client, "counter-1", 12).await?;
    let saved = eventually("the server saves a snapshot", async || {
        let newest = client.get_snapshot("counter-1", None).await.expect("it answers");
        newest.filter(|snapshot| snapshot.revision == 9)
    });
    let saved = saved.await.revision;
    let with = client.get_state(GetState::new("counter-1")).await?;
    let without = client.get_state(GetState::new("counter-1").without_snapshot()).await?;
    assert_eq!((with.snapshot_revision, without.snapshot_revision), (Some(saved), None));
    assert_eq!((with.json::<Value>()?, without.events), (json!({"number": 11}), 12));
    assert_eq!(without.data, with.data);
    client.delete_snapshot_policy("counter").await?;
    assert!(matches!(client.delete_snapshot_policy("counter").await, Err(Error::PolicyNotFound)));
    Ok(())
}

pub(crate) async fn checkpoints(mut server: Server) -> Outcome {
    let client = server.client().await;
    let head = fill(&client, "s-1", 10).await?;
    assert_eq!(client.get_checkpoint("mailer").await?, None);
    let set = client.set_checkpoint("mailer", 4, ExpectedCheckpoint::NoCheckpoint).await?;
    assert_eq!((set.name.as_str(), set.position), ("mailer", 4));
    let taken = client.set_checkpoint("mailer", 5, ExpectedCheckpoint::NoCheckpoint).await;
    assert!(matches!(taken, Err(Error::WrongCheckpoint { actual: Some(4), .. })), "{taken:?}");
    client.set_checkpoint("mailer", 3, ExpectedCheckpoint::Position(4)).await?;
    let beyond = client.set_checkpoint("mailer", 99, ExpectedCheckpoint::Any).await;
    assert!(matches!(beyond, Err(Error::BeyondEnd { .. })), "{beyond:?}");
    server.kill_and_start_again().await;
    assert_eq!(client.get_checkpoint("mailer").await?.map(|it| it.position), Some(3));
    let not_yet = client.wait_for_checkpoint("mailer", head, Duration::ZERO).await?;
    assert_eq!(not_yet, WaitOutcome::TimedOut { position: Some(3) });
    let waiting = client.wait_for_checkpoint("mailer", head, Duration::from_secs(20));
    let (reached, moved) = tokio::join!(waiting, client.set_checkpoint("mailer", head, ExpectedCheckpoint::Any));
    moved?;
    assert_eq!(reached?, WaitOutcome::Reached { position: head });
    client.set_checkpoint("biller", 1, ExpectedCheckpoint::Any).await?;
    let names: Vec<_> = client.all_checkpoints("").collect().await?.into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["biller", "mailer"]);
    client.delete_checkpoint("mailer").await?;
    assert!(matches!(client.delete_checkpoint("mailer").await, Err(Error::CheckpointNotFound)));
    Ok(())
}

pub(crate) async fn stream_life(server: Server) -> Outcome {
    let client = server.client().await;
    fill(&client, "s-1", 10).await?;
    let info = client.stream("s-1").await?.expect("it is there");
    assert_eq!((info.first_revision, info.head_revision, info.event_count), (Some(0), Some(9), 10));
    let metadata = StreamMetadata { max_count: Some(3), ..Default::default() };
    client.set_stream_metadata("s-1", metadata.clone(), Expected::Revision(9)).await?;
    let info = client.stream("s-1").await?.expect("it is there");
    assert_eq!((info.first_revision, info.event_count, info.metadata), (Some(7), 3, Some(metadata)));
    assert_eq!(client.read_stream(ReadStream::new("s-1")).await?.collect().await?.len(), 3);
    client.delete_stream("s-1", Expected::Revision(9)).await?;
    assert!(matches!(client.read_stream(ReadStream::new("s-1")).await, Err(Error::StreamDeleted)));
    assert_eq!(client.stream("s-1").await?, None);
    let revived = client.append("s-1", Expected::NoStream, vec![numbered("Counted", 10)]).await?;
    assert_eq!(revived.first_revision, 10);
    assert_eq!(client.read_stream(ReadStream::new("s-1")).await?.collect().await?.len(), 1);
    client.tombstone_stream("s-1", Expected::Any).await?;
    let refused = client.append("s-1", Expected::Any, vec![numbered("Counted", 11)]).await;
    assert!(matches!(refused, Err(Error::StreamTombstoned { .. })), "{refused:?}");
    assert_eq!(client.read_all(ReadAll::new()).await?.collect().await?.len(), 11);
    Ok(())
}

pub(crate) async fn statistics(server: Server) -> Outcome {
    let client = server.client().await;
    for number in 0..150 {
        let event = numbered(&format!("Type{:03}", number % 120), number);
        client.append(&format!("order-{number:03}"), Expected::NoStream, vec![event]).await?;
    }
    fill(&client, "plain", 5).await?;
    let counts = client.statistics().await?;
    assert_eq!((counts.events, counts.streams), (155, 151));
    assert_eq!(counts.categories.iter().map(|it| (it.name.as_str(), it.events)).collect::<Vec<_>>(), [("order", 150)]);
    assert_eq!(counts.days.iter().map(|it| it.events).sum::<u64>(), 155);
    let types = client.all_event_types("Type").collect().await?;
    assert_eq!((types.len(), types.iter().map(|it| it.events).sum::<u64>()), (120, 150));
    assert!(types.is_sorted_by(|a, b| a.name < b.name));
    // Pages of seven: the lazy list asks for as many as it takes.
    let list = ListStreams::new().category("order").page_size(7);
    let streams = client.list_streams(list).collect().await?;
    assert_eq!(streams, (0..150).map(|number| format!("order-{number:03}")).collect::<Vec<_>>());
    Ok(())
}

/// What there is of a tenant that holds nothing yet.
async fn before_the_first_event(client: &Client) -> Outcome {
    let (events, head) = client.read_with_head(Query::all()).await?;
    assert_eq!((events.len(), head), (0, 0));
    assert!(matches!(client.read_stream(ReadStream::new("same-name")).await, Err(Error::TenantNotFound)));
    assert_eq!(client.get_checkpoint("none").await?, None);
    assert_eq!((client.group("none").get().await?, client.read_model("none").get("a", "b").await?), (None, None));
    let replayed = Replay::new(client, "audit").run(async |_| Ok::<_, Error>(())).await?;
    assert_eq!((replayed.events, replayed.position), (0, 0));
    Ok(())
}

pub(crate) async fn tenants(server: Server) -> Outcome {
    for (tenant, count) in [("acme", 2), ("umbrella", 3)] {
        let client = Client::builder(server.endpoint()).tenant(tenant).connect().await?;
        assert_eq!(client.server_info().await?.head, 0);
        before_the_first_event(&client).await?;
        fill(&client, "same-name", count).await?;
        let info = client.server_info().await?;
        assert_eq!((info.tenant.as_str(), info.head), (tenant, count));
        assert_eq!(client.read_all(ReadAll::new()).await?.collect().await?.len() as u64, count);
    }
    assert!(server.client().await.list_streams(ListStreams::new()).collect().await?.is_empty());
    Ok(())
}
