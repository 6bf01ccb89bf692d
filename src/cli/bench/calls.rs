//! The calls of a workload.
//!
//! Owns [`MixCaller`], one of many callers, and [`Load`], what they share. Each call goes through the Rust client,
//! since that is what a program gets, but without its retries: a call that fails is one that failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quipu_client::{Client, Error, Expected, Guard, NewEvent, Query, QueryItem, ReadAll, ReadStream, RecordedEvent};
use tokio::time::Instant;

use super::drive::Caller;
use super::failure::Failure;
use super::load::Done;
use super::mix::Operation;
use super::payload::{Lots, Payloads, Proposer};
use super::streams::Streams;
use super::workload::{GuardKind, Workload};

/// What the callers of a run share.
#[derive(Debug)]
pub(super) struct Load {
    pub(super) workload: Workload,
    pub(super) streams: Streams,
    pub(super) payloads: Payloads,
    /// What the times in payloads count from.
    pub(super) origin: Instant,
    /// How many events were acknowledged.
    pub(super) accepted: AtomicU64,
}

/// Makes calls as the mix has it.
#[derive(Debug)]
pub(super) struct MixCaller {
    client: Client,
    load: Arc<Load>,
    proposer: Proposer,
    lots: Lots,
}

impl MixCaller {
    /// Over this connection.
    pub(super) fn new(client: Client, load: Arc<Load>) -> Self {
        let proposer = Proposer::sharing(load.payloads.clone());
        Self { client, load, proposer, lots: Lots::new() }
    }

    async fn append(&mut self, since: Instant) -> Result<Done, Failure> {
        let load = self.load.clone();
        let Load { workload, streams, .. } = &*load;
        let stream = streams.draw(&mut self.lots);
        let at = (workload.subscribers > 0).then(|| since - load.origin);
        let event = |_| {
            let event = match at {
                Some(at) => self.proposer.stamped_event(at),
                None => self.proposer.event(),
            };
            event.with_tags(streams.tags(stream, workload.tags, &mut self.lots))
        };
        let events: Vec<NewEvent> = (0..workload.events_per_append).map(event).collect();
        let (count, bytes) = (events.len() as u64, bytes_of(events.iter().map(|event| event.data.len())));
        let (expected, guards) = condition(workload.guard, streams, stream);
        match self.client.append_guarded(&streams.name(stream), expected, events, guards).await {
            Ok(appended) => {
                streams.learn(stream, &appended);
                load.accepted.fetch_add(count, Ordering::Relaxed);
                Ok(Done { count: 1, bytes })
            }
            Err(error) => {
                learn_from(&error, streams, stream);
                Err(error.into())
            }
        }
    }

    async fn read(&mut self, operation: Reading) -> Result<Done, Failure> {
        let Load { workload, streams, .. } = &*self.load;
        let events = match operation {
            Reading::Stream => {
                let name = streams.name(streams.draw(&mut self.lots));
                self.client.read_stream(ReadStream::new(name).limit(workload.page)).await?.collect().await?
            }
            Reading::Log => {
                let position = 1 + self.lots.below(streams.head());
                let read = ReadAll::new().from_position(position).limit(workload.page);
                self.client.read_all(read).await?.collect().await?
            }
            Reading::Tag => {
                let query = Query::item(QueryItem::new().tags([streams.tag(streams.draw(&mut self.lots))]));
                self.client.read_all(ReadAll::new().query(query).limit(workload.page)).await?.collect().await?
            }
        };
        checked(&events, operation)
    }
}

impl Caller for MixCaller {
    fn decide(&mut self) -> Operation {
        self.load.workload.mix.draw(&mut self.lots)
    }

    async fn call(&mut self, operation: Operation, since: Instant) -> Result<Done, Failure> {
        match operation {
            Operation::Append => self.append(since).await,
            Operation::ReadStream => self.read(Reading::Stream).await,
            Operation::ReadAll => self.read(Reading::Log).await,
            Operation::Query => self.read(Reading::Tag).await,
        }
    }
}

/// The operations that read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Stream,
    Log,
    Tag,
}

/// A read that misses what is there is an error, however fast it was.
fn checked(events: &[RecordedEvent], reading: Reading) -> Result<Done, Failure> {
    // A page of the log may have nothing but the store's own events, which are hidden.
    if events.is_empty() && reading != Reading::Log {
        return Err("no event came, though there are some".into());
    }
    if !events.is_sorted_by(|one, next| one.position < next.position) {
        return Err("events came out of order".into());
    }
    Ok(Done { count: 1, bytes: bytes_of(events.iter().map(|event| event.data.len())) })
}

fn bytes_of(sizes: impl Iterator<Item = usize>) -> u64 {
    sizes.map(|bytes| bytes as u64).sum()
}

/// What an append to a stream is on condition of.
fn condition(guard: GuardKind, streams: &Streams, stream: usize) -> (Expected, Vec<Guard>) {
    match guard {
        GuardKind::None => (Expected::Any, Vec::new()),
        GuardKind::Revision => {
            let last = streams.last_revision(stream);
            (last.map_or(Expected::NoStream, Expected::Revision), Vec::new())
        }
        GuardKind::Query => {
            let query = Query::item(QueryItem::new().tags([streams.tag(stream)]));
            (Expected::Any, vec![Guard::none_match(query).after(streams.last_position(stream))])
        }
    }
}

/// A refusal tells what is so instead: the next append to the stream knows it.
fn learn_from(error: &Error, streams: &Streams, stream: usize) {
    if let Error::WrongExpectedRevision { actual: Some(last), .. } = error {
        streams.learn_events(stream, last + 1);
    }
    if let Error::GuardNotMet { head, .. } = error {
        streams.learn_position(stream, *head);
    }
}

#[cfg(test)]
mod tests {
    use quipu_client::Conflict;

    use super::super::streams::Skew;
    use super::*;

    #[test]
    fn a_refused_append_knows_better_the_next_time() {
        let streams = Streams::new("s".to_owned(), 2, Skew::Uniform);
        assert_eq!(condition(GuardKind::Revision, &streams, 0), (Expected::NoStream, Vec::new()));
        let (stream, expected) = ("s-0".to_owned(), Expected::NoStream);
        learn_from(&Error::WrongExpectedRevision { stream, expected, actual: Some(4), head: 9 }, &streams, 0);
        assert_eq!(condition(GuardKind::Revision, &streams, 0), (Expected::Revision(4), Vec::new()));
        learn_from(&Error::GuardNotMet { index: 0, actual: Conflict::Nothing, head: 12 }, &streams, 1);
        let tag = Query::item(QueryItem::new().tags(["stream:s-1"]));
        let guard = Guard::none_match(tag).after(12);
        assert_eq!(condition(GuardKind::Query, &streams, 1), (Expected::Any, vec![guard]));
        assert_eq!(condition(GuardKind::None, &streams, 1), (Expected::Any, Vec::new()));
    }

    #[test]
    fn a_read_that_misses_events_is_an_error() {
        assert!(checked(&[], Reading::Stream).is_err() && checked(&[], Reading::Tag).is_err());
        assert!(checked(&[], Reading::Log).is_ok());
    }
}
