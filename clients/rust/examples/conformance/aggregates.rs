//! Scenarios of aggregates and upcasters.

use quipu_client::{Aggregate, AggregateState, Appended, BoxError, Error, Expected, NewEvent, ReadAll, ReadStream};
use quipu_client::{RecordedEvent, SnapshotToSave, SubscribeAll, Upcasters};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Outcome;
use crate::server::Server;
use crate::waiting::{eventually, numbered};

/// How many of what there are, and their order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Ledger {
    balance: i64,
    steps: Vec<i64>,
}

impl AggregateState for Ledger {
    fn apply(&mut self, event: &RecordedEvent) -> Result<(), Error> {
        let amount: i64 = event.json()?;
        self.balance += amount;
        self.steps.push(amount);
        Ok(())
    }
}

fn moved(amount: i64) -> Result<Vec<NewEvent>, Error> {
    Ok(vec![NewEvent::json("Moved", &amount)?])
}

pub(crate) async fn aggregate(server: Server) -> Outcome {
    const WRITERS: i64 = 8;
    const EACH: i64 = 12;
    let client = server.client().await;
    let ledger = Aggregate::<Ledger>::new(&client, "ledger-1").snapshot_every(10).tries(1_000);
    assert_eq!((ledger.load().await?.state, ledger.load().await?.revision), (Ledger::default(), None));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                let mut decisions = 0;
                for _ in 0..EACH {
                    let decide = |ledger: &Ledger| {
                        decisions += 1;
                        // Each step depends on the one before.
                        moved(writer + i64::try_from(ledger.steps.len()).expect("few"))
                    };
                    ledger.execute(decide).await?.expect("there is an event");
                }
                Ok::<_, Error>(decisions)
            })
        })
        .collect();
    let mut decisions = 0;
    for writer in writers {
        decisions += writer.await??;
    }
    assert!(decisions > WRITERS * EACH, "no writer met a conflict");
    let without = ledger.load_without_snapshot().await?;
    assert_eq!(without.state.steps.len(), usize::try_from(WRITERS * EACH)?);
    for (place, step) in (0..).zip(&without.state.steps) {
        assert!((place..place + WRITERS).contains(step), "step {place} was decided on another state: {step}");
    }
    // Snapshots are saved in the background: the last one due is awaited.
    let newest = eventually("a snapshot near the end", async || {
        let newest = client.get_snapshot("ledger-1", None).await.expect("it answers");
        newest.filter(|snapshot| snapshot.revision >= 89)
    });
    let newest = newest.await;
    let with = ledger.load().await?;
    assert_eq!(with.snapshot_revision, Some(newest.revision));
    assert_eq!((with.state, with.revision), (without.state, without.revision));

    let nothing: Option<Appended> = ledger.execute(|_| Ok::<_, Error>(Vec::new())).await?;
    assert_eq!(nothing, None);
    let refused =
        ledger.execute(|ledger| if ledger.balance > 0 { Err("no") } else { Ok(Vec::new()) }.map_err(Refused)).await;
    assert!(matches!(refused, Err(Refused("no"))), "{refused:?}");
    let mut always_late = 0;
    let bounded = Aggregate::<Ledger>::new(&client, "ledger-1").tries(3);
    for _ in 0..1 {
        let late = bounded.execute(|_: &Ledger| {
            always_late += 1;
            tokio::task::block_in_place(|| {
                let rival = client.append("ledger-1", Expected::Any, moved(1)?);
                tokio::runtime::Handle::current().block_on(rival)
            })?;
            moved(1)
        });
        assert!(late.await.expect_err("somebody is always faster").is_conflict());
    }
    assert_eq!(always_late, 3);

    // A snapshot of somebody else, and one of another shape, are passed over.
    let head = client.stream("ledger-1").await?.and_then(|it| it.head_revision).expect("it is there");
    client.save_snapshot(SnapshotToSave::new("ledger-1", head, "{}")).await?;
    assert_eq!(ledger.load().await?.snapshot_revision, None);
    assert_eq!(ledger.load().await?.state, ledger.load_without_snapshot().await?.state);
    client.delete_stream("ledger-1", Expected::Any).await?;
    assert_eq!(ledger.load().await?.state, Ledger::default());
    let revived = ledger.execute(|ledger: &Ledger| moved(ledger.balance)).await?.expect("there is an event");
    assert_eq!(revived.first_revision, head + 1);
    Ok(())
}

#[derive(Debug)]
struct Refused(&'static str);

impl From<Error> for Refused {
    fn from(_: Error) -> Self {
        Self("the store")
    }
}

pub(crate) async fn upcasters(server: Server) -> Outcome {
    let raw = server.client().await;
    let old = NewEvent::json("Priced", &json!({"price": 3}))?;
    let newer = NewEvent::json("Priced", &json!({"cents": 400}))?.with_schema_version("2.3");
    let today = NewEvent::json("Priced", &json!({"cents": 500, "currency": "EUR"}))?.with_schema_version("3");
    raw.append("item-1", Expected::NoStream, vec![old, newer, today, numbered("Other", 0)]).await?;
    let to_cents = |old: Value| json!({"cents": old["price"].as_i64().unwrap_or(0) * 100});
    let with_currency = |mut old: Value| {
        old["currency"] = json!("EUR");
        old
    };
    let upcasters = Upcasters::new().add("Priced", "1", "2", to_cents)?.add("Priced", "2", "3", with_currency)?;
    let circle = upcasters.clone().add("Priced", "3", "1", |same: Value| same);
    assert!(matches!(circle, Err(Error::UpcastLoop { .. })), "{circle:?}");
    let client = raw.with_upcasters(upcasters.clone());
    let mut subscription = client.subscribe_all(SubscribeAll::new()).await?;
    let read = client.read_stream(ReadStream::new("item-1")).await?.collect().await?;
    for (cents, event) in [300, 400, 500].into_iter().zip(&read) {
        assert_eq!(event.json::<Value>()?, json!({"cents": cents, "currency": "EUR"}));
        assert_eq!((event.schema_version.as_str(), &subscription.next_event().await?), ("3", event));
    }
    assert_eq!(read[3].json::<Value>()?, json!({"number": 0}));
    let stored = raw.read_all(ReadAll::new()).await?.collect().await?;
    assert_eq!(stored[0].json::<Value>()?, json!({"price": 3}), "the stored event stays as it is");

    let failing = upcasters.try_add("Other", "1", "2", |_: Value| Err::<Value, BoxError>("no idea".into()))?;
    let client = raw.with_upcasters(failing);
    let error = client.read_stream(ReadStream::new("item-1")).await?.collect().await.expect_err("it fails");
    let Error::UpcastFailed { event_type, version, position, source } = &error else { panic!("{error:?}") };
    assert_eq!((event_type.as_str(), version.as_str(), *position), ("Other", "1", 4));
    assert_eq!(source.to_string(), "no idea");
    Ok(())
}
