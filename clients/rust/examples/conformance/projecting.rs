//! Scenarios of read models, projectors and replays.

use std::sync::{Arc, Mutex};

use quipu_client::{
    BoxError, Changes, Client, Error, Expected, ExpectedCheckpoint, ListDocuments, Projection, Projector,
};
use quipu_client::{Query, QueryItem, ReadModel, ReadModelWrite, RecordedEvent, Replay};
use serde_json::{Value, json};

use crate::Outcome;
use crate::server::Server;
use crate::waiting::{eventually, fill, numbered};

pub(crate) async fn read_models(server: Server) -> Outcome {
    let client = server.client().await;
    fill(&client, "s-1", 20).await?;
    let model = client.read_model("customers");
    assert!(model.generations().await?.is_empty() && model.get("customer", "1").await?.is_none());
    let write = ReadModelWrite::new(0, 5).upsert_json("customer", "1", &json!({"name": "Ada"}))?;
    let write =
        (2..=4).fold(write, |write, id| write.upsert("customer", id.to_string(), "{}")).upsert("order", "1", "{}");
    assert_eq!(model.write(write.clone()).await?, 1);
    let late = model.write(write).await.expect_err("it is elsewhere by now");
    assert!(late.is_conflict());
    let Error::WrongReadModelPosition { model: name, generation, expected, actual } = late else { panic!("{late:?}") };
    assert_eq!((name.as_str(), generation, expected, actual), ("customers", 1, 0, 5));
    model.write(ReadModelWrite::new(5, 9).delete("customer", "4").delete("customer", "none")).await?;
    let ada = model.get("customer", "1").await?.expect("it is there");
    assert_eq!((ada.json::<Value>()?, ada.position), (json!({"name": "Ada"}), 5));
    let ids = async |model: &ReadModel, list| -> Result<Vec<String>, Error> {
        Ok(model.list(list).collect().await?.into_iter().map(|it| format!("{}/{}", it.doc_type, it.id)).collect())
    };
    assert_eq!(ids(&model, ListDocuments::new()).await?, ["customer/1", "customer/2", "customer/3", "order/1"]);
    let customers = ListDocuments::new().of_type("customer");
    assert_eq!(ids(&model, customers.clone().offset(1)).await?, ["customer/2", "customer/3"]);
    assert_eq!(ids(&model, customers.id_prefix("3")).await?, ["customer/3"]);

    let number = model.begin().await?;
    let new = model.generation(number);
    new.write(ReadModelWrite::new(0, 9).upsert("customer", "9", "{}")).await?;
    assert!(model.get("customer", "9").await?.is_none() && new.get("customer", "9").await?.is_some());
    let early = model.switch(number, Some(20)).await;
    assert!(matches!(early, Err(Error::WrongReadModelPosition { actual: 9, .. })), "{early:?}");
    model.switch(number, Some(9)).await?;
    assert_eq!(ids(&model, ListDocuments::new()).await?, ["customer/9"]);
    let generations = model.generations().await?;
    assert_eq!(
        generations.iter().map(|it| (it.number, it.position, it.is_active)).collect::<Vec<_>>(),
        [(number, 9, true)]
    );
    assert!(matches!(model.switch(99, None).await, Err(Error::ReadModelNotFound)));
    let unused = model.begin().await?;
    model.generation(unused).delete().await?;
    assert_eq!(client.read_models("cust").collect().await?, ["customers"]);
    model.delete().await?;
    assert!(matches!(model.delete().await, Err(Error::ReadModelNotFound)));
    assert!(client.read_models("").collect().await?.is_empty());
    Ok(())
}

/// Counts events and adds their numbers up, in all and for each stream.
#[derive(Clone, Copy)]
struct Totals {
    /// Events count so often.
    weight: u64,
}

impl Projection for Totals {
    async fn apply(&self, event: &RecordedEvent, changes: &mut Changes) -> Result<(), BoxError> {
        let number = event.json::<Value>()?["number"].as_u64().ok_or("a number is missing")?;
        for id in ["all", &event.stream] {
            let before: (u64, u64) = changes.get("total", id).await?.unwrap_or_default();
            changes.upsert("total", id, &(before.0 + self.weight, before.1 + number))?;
        }
        Ok(())
    }
}

async fn totals(client: &Client, id: &str) -> Result<(u64, u64), Error> {
    let document = client.read_model("totals").get("total", id).await?;
    document.map(|document| document.json()).transpose().map(Option::unwrap_or_default)
}

pub(crate) async fn projector(mut server: Server) -> Outcome {
    const EVENTS: u64 = 1_000;
    let client = server.client().await;
    let counted = Query::item(QueryItem::new().types(["Counted"]));
    let projector = || Projector::new(&client, "totals", Totals { weight: 1 }).query(counted.clone()).batch_size(40);
    let start = || {
        let projector = projector();
        tokio::spawn(async move { projector.run().await })
    };
    let writer = tokio::spawn({
        let client = client.clone();
        async move {
            for number in 0..EVENTS {
                let event = numbered(if number % 5 == 4 { "Other" } else { "Counted" }, number);
                client.append(&format!("s-{}", number % 4), Expected::Any, vec![event]).await?;
            }
            Ok::<(), Error>(())
        }
    });
    // Two at once get in each other's way, and still count each event once.
    let mut running = [start(), start()];
    for round in 1..=6 {
        let wanted = round * EVENTS / 8;
        eventually("some are projected", async || {
            let position = client.read_model("totals").generations().await.ok()?.first()?.position;
            Some(()).filter(|()| position >= wanted)
        })
        .await;
        if round % 2 == 0 {
            server.kill_and_start_again().await;
        } else {
            running[0].abort();
            running[0] = start();
        }
    }
    writer.await??;
    let expected = (0..EVENTS).filter(|number| number % 5 != 4);
    let expected = (expected.clone().count() as u64, expected.sum::<u64>());
    let caught_up = eventually("all are projected", async || {
        let position = client.read_model("totals").generations().await.ok()?.first()?.position;
        Some(position).filter(|position| *position >= EVENTS - 1)
    });
    caught_up.await;
    assert_eq!(projector().catch_up().await?, EVENTS);
    assert_eq!(totals(&client, "all").await?, expected);
    let mut sum = (0, 0);
    for stream in 0..4 {
        let total = totals(&client, &format!("s-{stream}")).await?;
        sum = (sum.0 + total.0, sum.1 + total.1);
    }
    assert_eq!(sum, expected);

    // Another rule, from the beginning, while the old projectors run.
    let rebuilt = Projector::new(&client, "totals", Totals { weight: 10 }).query(counted.clone());
    let generation = rebuilt.rebuild().await?;
    assert_eq!(totals(&client, "all").await?, (10 * expected.0, expected.1));
    let generations = client.read_model("totals").generations().await?;
    assert_eq!((generations.len(), generations[0].number), (1, generation));
    client.append("s-0", Expected::Any, vec![numbered("Counted", 7)]).await?;
    eventually("the old projectors go on with it", async || {
        let now = totals(&client, "all").await.ok()?;
        Some(()).filter(|()| now == (10 * expected.0 + 1, expected.1 + 7))
    })
    .await;
    for projector in running {
        projector.abort();
    }
    failing(&client).await?;
    of_a_new_tenant(&server).await
}

/// A projector that is there before its tenant holds anything begins with the first event.
async fn of_a_new_tenant(server: &Server) -> Outcome {
    let client = Client::builder(server.endpoint()).tenant("new").connect().await?;
    let projector = Projector::new(&client, "totals", Totals { weight: 1 });
    assert_eq!(projector.catch_up().await?, 0);
    let running = tokio::spawn({
        let projector = projector.clone();
        async move { projector.run().await }
    });
    fill(&client, "s-1", 3).await?;
    eventually("the first events are projected", async || {
        totals(&client, "all").await.ok().filter(|total| *total == (3, 3))
    })
    .await;
    projector.stop();
    Ok(running.await??)
}

/// A projection that fails stops, and writes nothing of its batch.
async fn failing(client: &Client) -> Outcome {
    let at =
        client.append("s-0", Expected::Any, vec![quipu_client::NewEvent::new("Broken", "{}")]).await?.last_position;
    let broken = Query::item(QueryItem::new().types(["Broken"]));
    let projector = Projector::new(client, "broken", Totals { weight: 1 }).query(broken);
    let error = projector.catch_up().await.expect_err("the projection fails");
    assert!(matches!(&error, Error::HandlerFailed { position, .. } if *position == at), "{error:?}");
    assert!(client.read_model("broken").list(ListDocuments::new()).collect().await.is_err());
    projector.stop();
    projector.run().await?;
    Ok(())
}

pub(crate) async fn replay(mut server: Server) -> Outcome {
    const EVENTS: u64 = 500;
    let client = server.client().await;
    for number in 0..EVENTS {
        let event = numbered(if number % 2 == 0 { "Even" } else { "Odd" }, number);
        client.append(&format!("s-{}", number % 3), Expected::Any, vec![event]).await?;
    }
    let even = Query::item(QueryItem::new().types(["Even"]));
    let replay = Replay::new(&client, "audit").query(even.clone()).batch_size(30);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = |batch: &[RecordedEvent]| {
        let positions: Vec<u64> = batch.iter().map(|event| event.position).collect();
        let mut seen = seen.lock().expect("not poisoned");
        seen.extend_from_slice(&positions);
        seen.len()
    };
    // It fails in its third batch, of which nothing is noted.
    let failed = replay.run(async |batch| {
        if seen.lock().expect("not poisoned").len() == 60 {
            return Err("enough for today");
        }
        note(&batch);
        Ok(())
    });
    let failed = failed.await.expect_err("the handler fails");
    assert!(matches!(failed, Error::HandlerFailed { position: 121, .. }), "{failed:?}");
    assert_eq!(client.get_checkpoint("audit").await?.map(|it| it.position), Some(119));
    server.kill_and_start_again().await;
    let done = replay.run(async |batch| {
        assert!(batch.len() <= 30);
        note(&batch);
        Ok::<_, Error>(())
    });
    let done = done.await?;
    assert_eq!((done.events, done.position), (EVENTS / 2 - 60, EVENTS));
    assert_eq!(*seen.lock().expect("not poisoned"), (1..=EVENTS).step_by(2).collect::<Vec<_>>());
    let nothing = replay.run(async |_| Err("there is nothing left")).await?;
    assert_eq!((nothing.events, nothing.position), (0, EVENTS));

    let middle = client.get_event_at(250).await?.recorded_at;
    for late in [Replay::new(&client, "by-time").from_time(middle), Replay::new(&client, "by-place").from_position(250)]
    {
        let first = Mutex::new(u64::MAX);
        let late = late.run(async |batch| {
            let position = batch.first().map_or(u64::MAX, |event| event.position);
            let mut first = first.lock().expect("not poisoned");
            *first = position.min(*first);
            Ok::<_, Error>(())
        });
        assert!(late.await?.events >= EVENTS - 249 && *first.lock().expect("not poisoned") <= 250);
    }
    let rival = Replay::new(&client, "rival").batch_size(100);
    let disturbed = rival.run(async |_| {
        client.set_checkpoint("rival", 7, ExpectedCheckpoint::Any).await?;
        Ok::<_, Error>(())
    });
    assert!(disturbed.await.expect_err("somebody else moved the checkpoint").is_conflict());
    following(&client).await
}

/// A replay that follows goes on behind the head.
async fn following(client: &Client) -> Outcome {
    let (tell, mut told) = tokio::sync::mpsc::channel(1_000);
    let replay = Replay::new(client, "live").follow();
    let running = tokio::spawn(async move {
        let run = replay.run(|batch| {
            let tell = tell.clone();
            async move {
                for event in batch {
                    tell.send(event.position).await?;
                }
                Ok::<(), tokio::sync::mpsc::error::SendError<u64>>(())
            }
        });
        run.await
    });
    let head = client.server_info().await?.head;
    for position in 1..=head {
        assert_eq!(told.recv().await, Some(position));
    }
    let next = fill(client, "s-9", 1).await?;
    assert_eq!(told.recv().await, Some(next));
    client.wait_for_checkpoint("live", next, std::time::Duration::from_secs(20)).await?;
    running.abort();
    Ok(())
}
