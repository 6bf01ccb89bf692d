//! Scenarios of subscriptions.

use quipu_client::{Error, Expected, Message, Query, QueryItem, SubscribeAll, SubscribeStream};
use tokio::sync::watch;

use crate::Outcome;
use crate::server::Server;
use crate::waiting::{fill, numbered};

pub(crate) async fn live(server: Server) -> Outcome {
    let client = server.client().await;
    fill(&client, "s-1", 3).await?;
    let mut all = client.subscribe_all(SubscribeAll::new()).await?;
    let Message::Events(before) = all.next().await? else { panic!("what is there comes first") };
    assert_eq!(before.len(), 3);
    assert_eq!(all.next().await?, Message::CaughtUp { position: 3 });
    let mut end = client.subscribe_all(SubscribeAll::new().from_end()).await?;
    let mut paid =
        client.subscribe_all(SubscribeAll::new().query(Query::item(QueryItem::new().types(["Paid"])))).await?;
    let mut stream = client.subscribe_stream(SubscribeStream::new("s-2").types(["Paid"])).await?;
    let mut behind = client.subscribe_stream(SubscribeStream::new("s-1").after_revision(1)).await?;
    client.append("s-2", Expected::NoStream, vec![numbered("Sent", 0), numbered("Paid", 1)]).await?;
    client.append("s-1", Expected::Any, vec![numbered("Paid", 3)]).await?;
    for subscription in [&mut all, &mut end] {
        for position in 4..=6 {
            assert_eq!(subscription.next_event().await?.position, position);
        }
    }
    assert_eq!((paid.next_event().await?.position, paid.next_event().await?.position), (5, 6));
    assert_eq!(stream.next_event().await?.revision, 1);
    assert_eq!((behind.next_event().await?.revision, behind.next_event().await?.revision), (2, 3));
    let mut since = client.subscribe_all(SubscribeAll::new().after_position(5)).await?;
    assert_eq!(since.next_event().await?.position, 6);
    let beyond = client.subscribe_all(SubscribeAll::new().after_position(99)).await;
    assert!(matches!(beyond, Err(Error::BeyondEnd { asked: 99, last: Some(6) })), "{beyond:?}");
    Ok(())
}

/// Subscribers see each event once and in order while the server is killed and events flow.
pub(crate) async fn resume(mut server: Server) -> Outcome {
    const EVENTS: u64 = 600;
    let client = server.client().await;
    let (progress, mut seen) = watch::channel(0);
    let (log, query) = (SubscribeAll::new(), Query::item(QueryItem::new().types(["Even"])));
    let mut all = client.subscribe_all(log.clone()).await?;
    let mut even = client.subscribe_all(log.query(query)).await?;
    let mut stream = client.subscribe_stream(SubscribeStream::new("s-1")).await?;
    let followers = [
        tokio::spawn(async move {
            for position in 1..=EVENTS {
                assert_eq!(all.next_event().await?.position, position);
                progress.send_replace(position);
            }
            Ok::<(), Error>(())
        }),
        tokio::spawn(async move {
            for number in (0..EVENTS).step_by(2) {
                assert_eq!(even.next_event().await?.position, number + 1);
            }
            Ok(())
        }),
        tokio::spawn(async move {
            for revision in 0..EVENTS / 3 {
                assert_eq!(stream.next_event().await?.revision, revision);
            }
            Ok(())
        }),
    ];
    let writer = tokio::spawn(async move {
        for number in 0..EVENTS {
            let event = numbered(if number % 2 == 0 { "Even" } else { "Odd" }, number);
            client.append(&format!("s-{}", number % 3), Expected::Any, vec![event]).await?;
        }
        Ok::<(), Error>(())
    });
    for kill in 1..=3 {
        if seen.wait_for(|position| *position >= kill * EVENTS / 5).await.is_err() {
            break; // the follower has failed, and says why below
        }
        server.kill_and_start_again().await;
    }
    for follower in followers {
        follower.await??;
    }
    Ok(writer.await??)
}
