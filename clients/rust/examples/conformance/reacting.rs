//! The scenario of reactors.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use quipu_client::{Client, Error, Expected, Failure, GroupSettings, NewEvent, Reactor, ReactorBuilder, RecordedEvent};
use tokio::sync::Notify;

use crate::Outcome;
use crate::server::Server;
use crate::waiting::{eventually, numbered};

/// Calls by handler and position.
#[derive(Clone, Debug, Default)]
struct Calls(Arc<Mutex<BTreeMap<(&'static str, u64), u32>>>);

impl Calls {
    fn note(&self, handler: &'static str, event: &RecordedEvent) -> u32 {
        let mut calls = self.0.lock().expect("not poisoned");
        let count = calls.entry((handler, event.position)).or_default();
        *count += 1;
        *count
    }

    fn of(&self, handler: &'static str) -> Vec<u32> {
        let calls = self.0.lock().expect("not poisoned");
        calls.iter().filter(|((name, _), _)| *name == handler).map(|(_, count)| *count).collect()
    }
}

fn builder(client: &Client) -> ReactorBuilder {
    let quick = GroupSettings::new().max_tries(3).backoff(Duration::from_millis(5), Duration::from_millis(20));
    Reactor::builder(client, "office").settings(quick)
}

/// A reactor with handlers of all kinds.
fn office(client: &Client, calls: &Calls) -> Reactor {
    let noting = |handler: &'static str| {
        let calls = calls.clone();
        move |event: Arc<RecordedEvent>| {
            let calls = calls.clone();
            async move {
                calls.note(handler, &event);
                Ok(())
            }
        }
    };
    let late = calls.clone();
    builder(client)
        .on("Placed", noting("first"))
        .on("Placed", move |event| {
            let late = late.clone();
            async move {
                let number = event.json::<serde_json::Value>()?["number"].as_u64().unwrap_or(0);
                // Some need a second try.
                if number % 10 == 3 && late.note("second", &event) == 1 {
                    return Err(Failure::retry("not yet"));
                }
                Ok(())
            }
        })
        .on_version("Placed", "2", noting("version 2"))
        .on("Failing", |_| async { Err(Failure::from("x".parse::<u8>().expect_err("it is no number"))) })
        .on("Panicking", |_| async { panic!("out of paper") })
        .on("Hopeless", |_| async { Err(Failure::park("no such customer")) })
        .on("Boring", |_| async { Err(Failure::Skip) })
        .build()
}

pub(crate) async fn reactor(mut server: Server) -> Outcome {
    const PLACED: u64 = 100;
    let client = server.client().await;
    let calls = Calls::default();
    let reactor = office(&client, &calls);
    let running = tokio::spawn({
        let reactor = reactor.clone();
        async move { reactor.run().await }
    });
    for number in 0..PLACED {
        client.append(&format!("order-{}", number % 7), Expected::Any, vec![numbered("Placed", number)]).await?;
        if number % 40 == 20 {
            eventually("some are handled", async || Some(()).filter(|()| reactor.metrics().handled > number / 2)).await;
            server.kill_and_start_again().await;
        }
    }
    for (stream, event_type) in
        [("a", "Failing"), ("b", "Panicking"), ("c", "Hopeless"), ("d", "Boring"), ("e", "Unknown")]
    {
        client.append(stream, Expected::Any, vec![numbered(event_type, 0)]).await?;
    }
    let newer = numbered("Placed", PLACED).with_schema_version("2.1");
    let head = client.append("order-9", Expected::Any, vec![newer]).await?.last_position;
    let settled = eventually("everything is settled", async || {
        let group = reactor_group(&client).await;
        Some(group).filter(|group| group.settled_position == head && group.outstanding == 0)
    });
    assert_eq!(settled.await.parked, 3);
    reactor.stop();
    running.await??;
    let metrics = reactor.metrics();
    assert_eq!((metrics.handled, metrics.unhandled, metrics.skipped, metrics.parked), (PLACED + 1, 1, 1, 3));
    assert_eq!(metrics.in_flight, 0);
    assert!(metrics.failed >= 6 + PLACED / 10, "{metrics:?}");
    assert!(metrics.by_type["Placed"].count > PLACED && metrics.by_type["Placed"].max > Duration::ZERO);
    // Handlers that succeeded were not called again, whatever the others did and the server went through.
    assert_eq!(calls.of("first"), vec![1; usize::try_from(PLACED)?]);
    assert_eq!((calls.of("second").len() as u64, calls.of("version 2")), (PLACED / 10, vec![1]));
    let parked = client.group("office").parked().collect().await?;
    let reasons: BTreeMap<_, _> = parked.iter().map(|it| (it.event.event_type.as_str(), it.reason.as_str())).collect();
    let digits = "core::num::error::ParseIntError: invalid digit found in string";
    let expected = [("Failing", digits), ("Hopeless", "no such customer"), ("Panicking", "panic: out of paper")];
    assert_eq!(reasons, BTreeMap::from(expected));
    graceful_stop(&client).await
}

async fn reactor_group(client: &Client) -> quipu_client::ConsumerGroup {
    eventually("the group is there", async || client.group("office").get().await.expect("it answers")).await
}

/// What is in hand when it is told to stop is finished and settled; nothing new is begun.
async fn graceful_stop(client: &Client) -> Outcome {
    let (begun, go_on, count) = (Arc::new(Notify::new()), Arc::new(Notify::new()), Arc::new(AtomicU32::new(0)));
    let reactor = {
        let (begun, go_on, count) = (Arc::clone(&begun), Arc::clone(&go_on), Arc::clone(&count));
        let slow = move |_| {
            let (begun, go_on, count) = (Arc::clone(&begun), Arc::clone(&go_on), Arc::clone(&count));
            async move {
                begun.notify_one();
                go_on.notified().await;
                count.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
        };
        builder(client).member("slow").concurrency(1).on("Slow", slow).build()
    };
    let running = tokio::spawn({
        let reactor = reactor.clone();
        async move { reactor.run().await }
    });
    let events = (0..3).map(|_| NewEvent::new("Slow", "{}")).collect();
    let appended = client.append("slow-1", Expected::Any, events).await?;
    begun.notified().await;
    assert_eq!((reactor.member(), reactor.metrics().in_flight), ("slow", 1));
    reactor.stop();
    go_on.notify_one();
    running.await??;
    assert_eq!(count.load(Ordering::Relaxed), 1);
    let group = reactor_group(client).await;
    assert_eq!((group.settled_position, group.members.len()), (appended.first_position, 0));
    let taken: Result<(), Error> = reactor.run().await;
    Ok(taken?)
}
