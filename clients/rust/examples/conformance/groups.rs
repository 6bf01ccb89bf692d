//! Scenarios of consumer groups.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::time::Duration;

use quipu_client::{
    Client, Consumer, Delivery, Error, Expected, GroupSettings, GroupStart, Nack, NackAction, Settlement,
};

use crate::Outcome;
use crate::server::Server;
use crate::waiting::{eventually, fill, numbered};

const SECOND: Duration = Duration::from_secs(1);

fn quick() -> GroupSettings {
    GroupSettings::new().backoff(Duration::from_millis(5), Duration::from_millis(20))
}

/// The next deliveries and what was settled by then.
async fn delivered(consumer: &mut Consumer, settled: &mut BTreeSet<u64>) -> Result<Vec<Delivery>, Error> {
    loop {
        let message = consumer.next().await?.expect("it is not closed");
        settled.extend(message.settled.settled);
        if !message.deliveries.is_empty() {
            return Ok(message.deliveries);
        }
    }
}

/// Events of a stream come in order, streams side by side, and what was acknowledged does not come again after
/// a kill.
pub(crate) async fn order(mut server: Server) -> Outcome {
    const STREAMS: usize = 5;
    const EACH: u64 = 20;
    let client = server.client().await;
    for number in 0..EACH {
        for stream in 0..STREAMS {
            client.append(&format!("s-{stream}"), Expected::Any, vec![numbered("Counted", number)]).await?;
        }
    }
    let group = client.group("g");
    group.create(quick(), GroupStart::Start).await?;
    let (mut settled, mut next) = (BTreeSet::new(), BTreeMap::<String, u64>::new());
    let mut consumer = group.consume("me", 50).await?;
    let mut side_by_side = 0;
    // The first half of each stream is acknowledged, the next event of each is in hand at the kill.
    while settled.len() as u64 * 2 < STREAMS as u64 * EACH {
        let message = consumer.next().await?.expect("it is not closed");
        settled.extend(message.settled.settled);
        side_by_side = side_by_side.max(message.deliveries.len());
        for Delivery { event, try_number } in message.deliveries {
            let expected = next.entry(event.stream.clone()).or_default();
            assert_eq!((event.revision, try_number), (*expected, 1), "{} out of order", event.stream);
            *expected += 1;
            if event.revision * 2 < EACH {
                consumer.settle(Settlement::new().ack(event.position)).await?;
            }
        }
    }
    assert!(side_by_side > 1, "streams do not go on side by side");
    server.kill_and_start_again().await;
    let gone = async {
        while consumer.next().await?.is_some() {}
        Ok::<(), Error>(())
    };
    assert!(gone.await.expect_err("the connection broke").is_retryable());
    let mut consumer = group.consume("me", 50).await?;
    let acknowledged = settled.clone();
    let mut again = BTreeMap::<String, u64>::new();
    let mut all_settled = pin!(eventually("everything is settled", async || {
        group.get().await.expect("it answers").filter(|group| group.settled_position == group.head)
    }));
    let doing = loop {
        let deliveries = tokio::select! {
            doing = &mut all_settled => break doing,
            deliveries = delivered(&mut consumer, &mut settled) => deliveries?,
        };
        let mut settlement = Settlement::new();
        for Delivery { event, .. } in deliveries {
            assert!(!acknowledged.contains(&event.position), "{} comes again", event.position);
            let before = again.insert(event.stream.clone(), event.revision).unwrap_or(EACH / 2 - 1);
            assert_eq!(event.revision, before + 1, "{} out of order", event.stream);
            settlement = settlement.ack(event.position);
        }
        consumer.settle(settlement).await?;
    };
    assert_eq!(again.into_values().collect::<Vec<_>>(), [EACH - 1; STREAMS]);
    assert_eq!(doing.outstanding, 0);
    Ok(())
}

/// Deals with a delivery: event number 2 of `s-0` cannot be dealt with, as long as it is broken.
fn dealt_with(delivery: &Delivery, is_broken: bool) -> Settlement {
    let event = &delivery.event;
    if is_broken && event.stream == "s-0" && event.revision == 2 {
        return Settlement::new().retry(event.position, "the printer is out of paper");
    }
    Settlement::new().ack(event.position)
}

pub(crate) async fn park(server: Server) -> Outcome {
    let client = server.client().await;
    for stream in ["s-0", "s-1"] {
        fill(&client, stream, 5).await?;
    }
    let group = client.group("g");
    group.create(quick().max_tries(3), GroupStart::Start).await?;
    let mut consumer = group.consume("me", 10).await?;
    let (mut settled, mut seen, mut tries) = (BTreeSet::new(), Vec::new(), Vec::new());
    while seen.len() < 9 {
        for delivery in delivered(&mut consumer, &mut settled).await? {
            let settlement = dealt_with(&delivery, true);
            if settlement.nack.is_empty() {
                seen.push((delivery.event.stream.clone(), delivery.event.revision));
            } else {
                tries.push(delivery.try_number);
            }
            consumer.settle(settlement).await?;
        }
    }
    assert_eq!(tries, [1, 2, 3]);
    let of = |stream: &str| seen.iter().filter(|it| it.0 == stream).map(|it| it.1).collect::<Vec<_>>();
    assert_eq!((of("s-0"), of("s-1")), (vec![0, 1, 3, 4], vec![0, 1, 2, 3, 4]));
    let parked = eventually("the event is parked", async || {
        Some(group.parked().collect().await.expect("it answers")).filter(|parked| !parked.is_empty())
    });
    let parked = parked.await;
    assert_eq!((parked.len(), parked[0].event.revision, parked[0].tries), (1, 2, 3));
    assert_eq!((parked[0].reason.as_str(), parked[0].event.stream.as_str()), ("the printer is out of paper", "s-0"));
    assert_eq!(group.get().await?.expect("it is there").parked, 1);
    assert_eq!(group.replay_parked(&[parked[0].event.position]).await?, 1);
    let again = delivered(&mut consumer, &mut settled).await?;
    assert_eq!((again.len(), again[0].event.position, again[0].try_number), (1, parked[0].event.position, 1));
    consumer.settle(dealt_with(&again[0], false)).await?;
    // Everything there is by now is settled, so nothing comes any more but what is new.
    let after = fill(&client, "s-2", 1).await?;
    let last = delivered(&mut consumer, &mut settled).await?;
    assert_eq!((last.len(), last[0].event.position), (1, after));
    consumer.settle(Settlement::new().park(after, "at once")).await?;
    let parked_at_once = eventually("it is parked at once", async || {
        group.parked().collect().await.expect("it answers").into_iter().next()
    });
    let parked_at_once = parked_at_once.await;
    assert_eq!((parked_at_once.reason.as_str(), parked_at_once.tries), ("at once", 1));
    assert_eq!(group.discard_parked(&[]).await?, 1);
    assert!(group.parked().collect().await?.is_empty());
    Ok(())
}

pub(crate) async fn members(server: Server) -> Outcome {
    let client = server.client().await;
    let group = client.group("g");
    for stream in 0..10 {
        fill(&client, &format!("s-{stream}"), 1).await?;
    }
    group.create(quick(), GroupStart::Start).await?;
    let mut a = group.consume("a", 5).await?;
    let mut settled = BTreeSet::new();
    let mut of_a = Vec::new();
    while of_a.len() < 5 {
        of_a.extend(delivered(&mut a, &mut settled).await?);
    }
    let taken = group.consume("a", 5).await;
    assert!(matches!(taken, Err(Error::MemberExists)), "{taken:?}");
    let mut b = group.consume("b", 10).await?;
    let mut of_b = Vec::new();
    while of_b.len() < 5 {
        of_b.extend(delivered(&mut b, &mut settled).await?);
    }
    let members = group.get().await?.expect("it is there").members;
    let members: Vec<_> = members.iter().map(|it| (it.name.as_str(), it.credits, it.in_flight)).collect();
    assert_eq!(members, [("a", 5, 5), ("b", 10, 5)]);
    a.settle(Settlement::new().ack(of_a[0].event.position)).await?;
    // Closing tells what was settled to the last; what it held goes to the other.
    a.close();
    let mut settled_by_a = Vec::new();
    while let Some(message) = a.next().await? {
        settled_by_a.extend(message.settled.settled);
    }
    assert_eq!(settled_by_a, [of_a[0].event.position]);
    while of_b.len() < 9 {
        let deliveries = delivered(&mut b, &mut settled).await?;
        assert!(deliveries.iter().all(|delivery| delivery.try_number == 2));
        of_b.extend(deliveries);
    }
    let positions: BTreeSet<_> = of_b.iter().map(|it| it.event.position).collect();
    assert_eq!(positions, (1..=10).filter(|position| *position != of_a[0].event.position).collect());
    b.settle(of_b.iter().fold(Settlement::new(), |all, it| all.ack(it.event.position))).await?;
    let mut again = group.consume("a", 1).await?;
    again.set_credits(0).await?;
    group.pause().await?;
    assert!(group.get().await?.expect("it is there").is_paused);
    group.resume().await?;
    let names: Vec<_> = client.groups("").collect().await?.into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["g"]);
    again.close();
    while again.next().await?.is_some() {}
    Ok(())
}

pub(crate) async fn fetch(server: Server) -> Outcome {
    let client: Client = server.client().await;
    fill(&client, "s-1", 3).await?;
    let group = client.group("g");
    group.create(quick().ack_timeout(60 * SECOND), GroupStart::Start).await?;
    let fetch = async |max| group.fetch("me", max, 20 * SECOND).await;
    let first = fetch(10).await?;
    assert_eq!((first.len(), first[0].event.position, first[0].try_number), (1, 1, 1));
    assert!(group.fetch("me", 10, Duration::ZERO).await?.is_empty(), "the stream waits for its first event");
    let retry =
        Nack { position: 1, action: NackAction::Retry, reason: "later".to_owned(), delay: Some(Duration::ZERO) };
    assert_eq!(group.settle("me", Settlement::new().nack(retry)).await?.settled, [1]);
    let again = fetch(10).await?;
    assert_eq!((again[0].event.position, again[0].try_number), (1, 2));
    assert_eq!(group.settle("me", Settlement::new().ack(1)).await?.settled, [1]);
    assert_eq!(fetch(1).await?[0].event.position, 2);
    assert_eq!(group.settle("me", Settlement::new().skip(2)).await?.settled, [2]);
    assert_eq!(fetch(1).await?[0].event.position, 3);
    assert_eq!(group.settle("me", Settlement::new().ack(3)).await?.settled, [3]);
    let waiting = group.fetch("me", 1, 20 * SECOND);
    let (fetched, appended) = tokio::join!(waiting, fill(&client, "s-2", 1));
    assert_eq!(fetched?[0].event.position, appended?);
    assert_eq!(group.reset(GroupStart::After(1)).await?, 1);
    assert_eq!(fetch(1).await?[0].event.position, 2);
    let counts = group.get().await?.expect("it is there").counts;
    assert_eq!((counts.acknowledged, counts.skipped), (2, 1));
    Ok(())
}
