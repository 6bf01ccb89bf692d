//! What is put into a directory: all that a store can hold, for several tenants.

use std::time::Duration;

use quipu_client::{
    Client, Error, Expected, ExpectedCheckpoint, GroupSettings, GroupStart, NewEvent, ReadModelWrite, Settlement,
    SnapshotPolicy, SnapshotToSave, StreamMetadata, Transaction,
};
use uuid::Uuid;

use crate::chance::Chance;
use crate::server::Server;

pub(super) const TENANTS: [&str; 2] = ["default", "acme"];
pub(super) const STREAMS: u64 = 7;
pub(super) const TYPES: u64 = 4;
pub(super) const TAGS: u64 = 5;
const ROUNDS: u64 = 60;

pub(super) fn stream(number: u64) -> String {
    format!("{}-{number}", if number.is_multiple_of(2) { "order" } else { "seat" })
}

/// The event of a number: the same in every run of a seed, so that it can be appended once more.
pub(super) fn event(tenant: &str, seed: u64, number: u64) -> NewEvent {
    let mut chance = Chance::of(seed ^ number << 20 ^ tenant.len() as u64);
    let data = format!("{{\"n{}\":{},\"total\":{}.10}}", chance.below(3), number, chance.below(1000));
    let padded = format!("{{\"note\":\"{}\"}}", "x".repeat(chance.below(1500) as usize));
    let id = Uuid::from_u128(u128::from(chance.number()) << 64 | u128::from(number));
    let data = if number.is_multiple_of(9) { padded } else { data };
    let event = NewEvent::new(format!("type{}", chance.below(TYPES)), data);
    let mut event = event.with_id(id).with_tag(format!("tag:{}", chance.below(TAGS)));
    if number.is_multiple_of(3) {
        event = event.with_correlation_id(format!("c{}", chance.below(3))).with_metadata("user", "ada");
    }
    event
}

/// Fills the directory of a server.
pub(super) async fn fill(server: &Server, seed: u64) -> Result<(), Error> {
    for tenant in TENANTS {
        let client = Client::builder(&server.endpoint).tenant(tenant).connect().await?;
        client.set_snapshot_policy(SnapshotPolicy { category: "order".into(), every_events: 10 }).await?;
        let mut chance = Chance::of(seed);
        let mut number = 0;
        for round in 0..ROUNDS {
            let events = (0..1 + chance.below(6)).map(|_| {
                number += 1;
                event(tenant, seed, number)
            });
            let events = events.collect();
            let on = stream(chance.below(STREAMS));
            if round % 10 == 3 {
                let transaction = Transaction::new().append(on, Expected::Any, events).advance("linked", round);
                client.transact(transaction).await?;
            } else {
                client.append(&on, Expected::Any, events).await?;
            }
            if round % 12 == 5 {
                bookkeeping(&client, round).await?;
            }
        }
        views(&client).await?;
        // The end of the log is events, and what they are found by.
        client.append(&stream(1), Expected::Any, (1..4).map(|n| event(tenant, seed, number + n)).collect()).await?;
    }
    Ok(())
}

async fn bookkeeping(client: &Client, round: u64) -> Result<(), Error> {
    let info = client.stream(&stream(1)).await?;
    if let Some(revision) = info.and_then(|info| info.head_revision) {
        client.save_snapshot(SnapshotToSave::new(stream(1), revision, format!("{{\"round\":{round}}}"))).await?;
    }
    client.set_checkpoint(&format!("reader-{}", round % 3), round, ExpectedCheckpoint::Any).await?;
    let metadata = StreamMetadata { max_count: Some(200 + round), ..StreamMetadata::default() };
    client.set_stream_metadata(&stream(3), metadata, Expected::Any).await?;
    Ok(())
}

/// A group with something settled, parked and left, and a read model.
async fn views(client: &Client) -> Result<(), Error> {
    let group = client.group("billing");
    group.create(GroupSettings::new().ack_timeout(Duration::from_secs(3600)), GroupStart::Start).await?;
    let got = group.fetch("one", 6, Duration::from_secs(5)).await?;
    let mut settlement = Settlement::new();
    // The first stays with its member.
    for (index, delivery) in got.iter().enumerate().skip(1) {
        let position = delivery.event.position;
        settlement = match index % 3 {
            0 => settlement.ack(position),
            1 => settlement.park(position, "not today"),
            _ => settlement.skip(position),
        };
    }
    group.settle("one", settlement).await?;
    group.pause().await?;
    let model = client.read_model("overview");
    for number in 0..20_u64 {
        let write = ReadModelWrite::new(number, number + 1);
        let write = write.upsert("customer", format!("{number:02}"), format!("{{\"n\":{number}}}"));
        model.write(write).await?;
    }
    client.append("gone-1", Expected::NoStream, vec![NewEvent::new("Began", "{}")]).await?;
    client.delete_stream("gone-1", Expected::Any).await?;
    Ok(())
}
