//! What a workload's reads find from their first call on.
//!
//! Owns [`StreamMaker`]: the first append of every stream, many streams to a transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use quipu_client::{Client, Expected, NewEvent, Transaction};

use super::Error;
use super::calls::Load;
use super::failure::Failure;
use super::load::{self, Done, Work};
use super::payload::{Lots, Proposer};

const MAKERS: usize = 8;
const TIMEOUT: Duration = Duration::from_secs(3600);

/// At most so much in one transaction: well below what a server takes by default.
const TRANSACTION_BYTES: usize = 4 << 20;
const TRANSACTION_EVENTS: usize = 1000;

/// What an event has beside its payload, at most about.
const EVENT_BYTES: usize = 512;

/// Makes every stream, each with one append as the workload has it.
pub(super) async fn make_streams(clients: &[Client], load: &Arc<Load>) -> Result<(), Error> {
    let next = Arc::new(AtomicUsize::new(0));
    let at_once = streams_at_once(load);
    let maker = |client: &Client| StreamMaker {
        client: client.clone(),
        load: load.clone(),
        proposer: Proposer::sharing(load.payloads.clone()),
        lots: Lots::new(),
        next: next.clone(),
        at_once,
    };
    let makers = clients.iter().cycle().take(MAKERS).map(maker).collect();
    let calls = load.streams.count().div_ceil(at_once * MAKERS) as u64;
    let made = load::repeat(makers, calls, TIMEOUT).await;
    made.first_error.map_or(Ok(()), |cause| Err(Error::Prepare { row: "the streams of the mix", cause }))
}

fn streams_at_once(load: &Load) -> usize {
    let events = load.workload.events_per_append;
    let bytes = events * (load.workload.payload_bytes.largest() + EVENT_BYTES + 64 * load.workload.tags);
    (TRANSACTION_BYTES / bytes).min(TRANSACTION_EVENTS / events).max(1)
}

/// One of those who make streams.
struct StreamMaker {
    client: Client,
    load: Arc<Load>,
    proposer: Proposer,
    lots: Lots,
    next: Arc<AtomicUsize>,
    at_once: usize,
}

impl Work for StreamMaker {
    async fn once(&mut self) -> Result<Done, Failure> {
        let Load { workload, streams, .. } = &*self.load;
        let first = self.next.fetch_add(self.at_once, Ordering::Relaxed);
        let range = first..(first + self.at_once).min(streams.count());
        let mut transaction = Transaction::new();
        if range.is_empty() {
            return Ok(Done { count: 0, bytes: 0 });
        }
        for stream in range.clone() {
            let event = |_| self.proposer.event().with_tags(streams.tags(stream, workload.tags, &mut self.lots));
            let events: Vec<NewEvent> = (0..workload.events_per_append).map(event).collect();
            transaction = transaction.append(streams.name(stream), Expected::NoStream, events);
        }
        let made = self.client.transact(transaction).await?;
        for (stream, appended) in range.zip(&made.appends) {
            streams.learn(stream, appended);
        }
        Ok(Done { count: made.appends.len() as u64, bytes: 0 })
    }
}
