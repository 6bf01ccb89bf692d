//! Scenarios of appends and transactions.

use std::collections::HashSet;

use quipu_client::{Conflict, Error, Expected, ExpectedCheckpoint, Guard, NewEvent, Query, QueryItem};
use quipu_client::{ReadAll, ReadStream, Transaction};
use tokio::sync::watch;

use crate::Outcome;
use crate::server::Server;
use crate::waiting::numbered;

pub(crate) async fn expected(server: Server) -> Outcome {
    let client = server.client().await;
    let one = || vec![numbered("Counted", 0)];
    let missing = client.append("s-1", Expected::StreamExists, one()).await;
    assert!(matches!(missing, Err(Error::WrongExpectedRevision { actual: None, .. })), "{missing:?}");
    let first = client.append("s-1", Expected::NoStream, vec![numbered("A", 0), numbered("B", 1)]).await?;
    assert_eq!((first.first_revision, first.last_revision), (0, 1));
    assert_eq!((first.first_position, first.last_position), (1, 2));
    let taken = client.append("s-1", Expected::NoStream, one()).await.expect_err("it is there");
    let Error::WrongExpectedRevision { stream, expected, actual, head } = &taken else { panic!("{taken:?}") };
    assert_eq!((stream.as_str(), *expected, *actual, *head), ("s-1", Expected::NoStream, Some(1), 2));
    assert!(taken.is_conflict() && !taken.is_retryable());
    for stale in [Expected::Revision(0), Expected::Revision(2)] {
        let refused = client.append("s-1", stale, one()).await;
        assert!(matches!(refused, Err(Error::WrongExpectedRevision { actual: Some(1), .. })), "{refused:?}");
    }
    for (expected, revision) in [(Expected::Revision(1), 2), (Expected::StreamExists, 3), (Expected::Any, 4)] {
        assert_eq!(client.append("s-1", expected, one()).await?.first_revision, revision);
    }
    Ok(())
}

pub(crate) async fn retry(server: Server) -> Outcome {
    let client = server.client().await;
    let events = vec![numbered("A", 0), numbered("B", 1)];
    let first = client.append("s-1", Expected::NoStream, events.clone()).await?;
    assert!(!first.deduplicated);
    client.append("s-1", Expected::Any, vec![numbered("C", 2)]).await?;
    let again = client.append("s-1", Expected::NoStream, events.clone()).await?;
    assert!(again.deduplicated);
    assert_eq!((again.first_position, again.last_revision), (first.first_position, first.last_revision));
    let other = NewEvent::new("Other", "{}").with_id(events[0].id);
    let refused = client.append("s-1", Expected::Any, vec![other]).await;
    let Err(Error::EventIdConflict { id, stream, position }) = refused else { panic!("{refused:?}") };
    assert_eq!((id, stream.as_str(), position), (events[0].id, "s-1", 1));
    assert_eq!(client.read_stream(ReadStream::new("s-1")).await?.collect().await?.len(), 3);
    Ok(())
}

pub(crate) async fn guards(server: Server) -> Outcome {
    let client = server.client().await;
    let taken = || Query::item(QueryItem::new().types(["SeatTaken"]).tags(["course:1"]));
    let seat = || vec![NewEvent::new("SeatTaken", "{}").with_tag("course:1")];
    client.append_guarded("seat-1", Expected::Any, seat(), vec![Guard::none_match(taken())]).await?;
    let refused = client.append_guarded("seat-2", Expected::Any, seat(), vec![Guard::none_match(taken())]).await;
    let Err(Error::GuardNotMet { index: 0, actual, head: 1 }) = &refused else { panic!("{refused:?}") };
    assert_eq!(*actual, Conflict::Event { position: 1, event_type: "SeatTaken".to_owned() });
    assert!(refused.expect_err("see above").is_conflict());
    let (events, head) = client.read_with_head(taken()).await?;
    assert_eq!((events.len(), head), (1, 1));
    let since = Guard::none_match(taken()).after(head);
    client.append_guarded("seat-2", Expected::Any, seat(), vec![since.clone()]).await?;
    let refused = client.append_guarded("seat-3", Expected::Any, seat(), vec![since]).await;
    assert!(matches!(refused, Err(Error::GuardNotMet { .. })), "{refused:?}");
    let paid = Query::item(QueryItem::new().types(["Paid"]));
    let unpaid = vec![Guard::stream("seat-1", Expected::Revision(0)), Guard::some_match(paid)];
    let refused = client.append_guarded("seat-3", Expected::Any, seat(), unpaid).await;
    let nothing = matches!(&refused, Err(Error::GuardNotMet { index: 1, actual: Conflict::Nothing, .. }));
    assert!(nothing, "{refused:?}");
    client.set_checkpoint("desk", 1, ExpectedCheckpoint::NoCheckpoint).await?;
    let at_one = || vec![Guard::checkpoint("desk", Some(1)), Guard::stream("seat-3", Expected::NoStream)];
    client.append_guarded("seat-3", Expected::Any, seat(), at_one()).await?;
    client.set_checkpoint("desk", 2, ExpectedCheckpoint::Position(1)).await?;
    let refused = client.append_guarded("seat-4", Expected::Any, seat(), at_one()).await;
    let moved = Conflict::Checkpoint { name: "desk".to_owned(), expected: Some(1), actual: Some(2) };
    assert!(matches!(&refused, Err(Error::GuardNotMet { index: 0, actual, .. }) if *actual == moved), "{refused:?}");
    Ok(())
}

pub(crate) async fn transact(server: Server) -> Outcome {
    let client = server.client().await;
    client.append("order-1", Expected::NoStream, vec![numbered("OrderPlaced", 0)]).await?;
    let billing = Transaction::new()
        .append("bill-1", Expected::NoStream, vec![numbered("BillSent", 0), numbered("BillDue", 1)])
        .append("order-1", Expected::Revision(0), vec![numbered("OrderBilled", 1)])
        .guard(Guard::stream("bill-2", Expected::NoStream))
        .advance("billing", 1);
    let done = client.transact(billing.clone()).await?;
    let places: Vec<_> = done.appends.iter().map(|it| (it.first_revision, it.first_position)).collect();
    assert_eq!(places, [(0, 2), (1, 4)]);
    assert_eq!((done.first_position, done.last_position), (Some(2), Some(4)));
    let again = client.transact(billing).await?;
    assert!(again.deduplicated && again.last_position == Some(4));
    let twice =
        Transaction::new().append("bill-9", Expected::NoStream, vec![numbered("BillSent", 0)]).advance("billing", 1);
    let refused = client.transact(twice).await.expect_err("the checkpoint is there already");
    assert!(matches!(refused, Error::WrongCheckpoint { actual: Some(1), .. }) && refused.is_conflict(), "{refused:?}");
    let half = Transaction::new().append("bill-9", Expected::NoStream, vec![numbered("BillSent", 0)]).append(
        "order-1",
        Expected::Revision(0),
        vec![numbered("OrderBilled", 1)],
    );
    let refused = client.transact(half).await;
    assert!(matches!(refused, Err(Error::WrongExpectedRevision { .. })), "{refused:?}");
    assert_eq!(client.stream("bill-9").await?, None);
    assert_eq!(client.get_checkpoint("billing").await?.map(|it| it.position), Some(1));
    Ok(())
}

/// Writers that append while the server is killed and started again find each event once.
pub(crate) async fn resume(mut server: Server) -> Outcome {
    const WRITERS: u64 = 4;
    const EACH: u64 = 150;
    let client = server.client().await;
    let (progress, mut seen) = watch::channel(0);
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (client, progress) = (client.clone(), progress.clone());
            tokio::spawn(async move {
                for number in 0..EACH {
                    let stream = format!("writer-{writer}");
                    client.append(&stream, Expected::Any, vec![numbered("Counted", number)]).await?;
                    progress.send_modify(|count| *count += 1);
                }
                Ok::<(), Error>(())
            })
        })
        .collect();
    for kill in 1..=3 {
        // The sender is ours: it does not go away.
        seen.wait_for(|count| *count >= kill * WRITERS * EACH / 5).await?;
        server.kill_and_start_again().await;
    }
    for writer in writers {
        writer.await??;
    }
    let events = client.read_all(ReadAll::new()).await?.collect().await?;
    let ids: HashSet<_> = events.iter().map(|event| event.id).collect();
    assert_eq!((events.len() as u64, ids.len() as u64), (WRITERS * EACH, WRITERS * EACH));
    for writer in 0..WRITERS {
        let stream = client.read_stream(ReadStream::new(format!("writer-{writer}"))).await?.collect().await?;
        for (number, event) in (0..).zip(&stream) {
            assert_eq!(event.json::<serde_json::Value>()?["number"], number, "writer {writer}");
        }
    }
    Ok(())
}
