//! The driver: issues the workload's orders.
//!
//! Owns [`drive`]. Its client waits for a server that is away as long as it takes; what was issued then is issued
//! again with the same event ids, and goes in once.

use quipu_client::{BoxError, Client, Expected, NewEvent, Transaction};

use crate::opportunity::{Opportunity, Refused};
use crate::workload::{Order, Workload};

/// What came of a workload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Driven {
    pub(crate) events: u64,
    pub(crate) refused: u64,
}

/// Issues orders until so many events have come of them.
pub(crate) async fn drive(client: &Client, seed: u64, events: u64) -> Result<Driven, BoxError> {
    let mut workload = Workload::new(seed, events);
    let mut driven = Driven { events: register(client, workload.directory()).await?, refused: 0 };
    while driven.events < events {
        match workload.next() {
            Some(Order::Decide { stream, command, context }) => {
                match Opportunity::execute(client, &stream, &command, &context).await {
                    Ok(events) => driven.events += events,
                    Err(Refused::Contract(broken)) => return Err(broken.into()),
                    Err(Refused::Store(error)) => return Err(error.into()),
                    Err(Refused::Stage(_) | Refused::Score | Refused::Owner) => driven.refused += 1,
                }
            }
            Some(order @ (Order::Note { .. } | Order::Old { .. })) => {
                let (stream, expected, events) = appendable(order)?;
                driven.events += events.len() as u64;
                client.append(&stream, expected, events).await?;
            }
            None => break,
        }
    }
    Ok(driven)
}

/// Appends the directory in one go, for throughput: one transaction is synced once. Returns how many events.
async fn register(client: &Client, orders: Vec<Order>) -> Result<u64, BoxError> {
    let count = orders.len() as u64;
    let mut transaction = Transaction::new();
    for order in orders {
        let (stream, expected, events) = appendable(order)?;
        transaction = transaction.append(stream, expected, events);
    }
    client.transact(transaction).await?;
    Ok(count)
}

/// An order that nobody decides on, as an append.
fn appendable(order: Order) -> Result<(String, Expected, Vec<NewEvent>), BoxError> {
    match order {
        Order::Note { stream, fact, context } => Ok((stream, Expected::Any, context.record(&[fact])?)),
        Order::Old { stream, event } => Ok((stream, Expected::NoStream, vec![event])),
        Order::Decide { stream, .. } => Err(format!("{stream} decides for itself").into()),
    }
}
