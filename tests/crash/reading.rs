//! What a server that has started again shows to its readers.

use std::collections::BTreeMap;

use quipu_client::{Client, ReadAll, ReadStream};

use crate::checker::{Fault, same_order};
use crate::events::{Found, found};
use crate::writers::state;

/// A client's view of a log of this seed.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) client: Client,
    pub(crate) seed: u64,
}

impl Reader {
    /// The log from behind a position on.
    pub(crate) async fn log_after(&self, position: u64) -> Vec<Found> {
        if self.head().await == position {
            return Vec::new();
        }
        let from = ReadAll::new().from_position(position + 1);
        let read = self.client.read_all(from).await.expect("the log can be read");
        let events = read.collect().await.expect("the log can be read to its end");
        events.iter().map(|event| found(self.seed, event)).collect()
    }

    /// The position of the last event.
    pub(crate) async fn head(&self) -> u64 {
        self.client.server_info().await.expect("the server tells").head
    }

    /// Where a reader of the log backwards disagrees with this end of it.
    pub(crate) async fn backwards(&self, end: &[Found]) -> Option<Fault> {
        if end.is_empty() {
            return None;
        }
        let read = self.client.read_all(ReadAll::new().backwards().limit(end.len() as u64)).await;
        let events = read.expect("the log can be read").collect().await.expect("backwards, too");
        let read: Vec<Found> = events.iter().rev().map(|event| found(self.seed, event)).collect();
        same_order("backwards", &read, &end.iter().collect::<Vec<_>>())
    }

    /// Where readers of single streams disagree with this end of the log.
    pub(crate) async fn streams(&self, end: &[Found]) -> Vec<Fault> {
        let mut streams: BTreeMap<&str, Vec<&Found>> = BTreeMap::new();
        for event in end {
            streams.entry(&event.stream).or_default().push(event);
        }
        let mut faults = Vec::new();
        for (stream, events) in streams {
            let from = ReadStream::new(stream).from_revision(events[0].revision);
            let read = self.client.read_stream(from).await.expect("the stream can be read");
            let read = read.collect().await.expect("the stream can be read to its end");
            let read: Vec<Found> = read.iter().map(|event| found(self.seed, event)).collect();
            faults.extend(same_order(stream, &read, &events));
        }
        faults
    }

    /// Which of these snapshots are not found, or not as they were saved.
    pub(crate) async fn snapshots(&self, saved: Vec<(String, u64)>) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (stream, revision) in saved {
            let got = self.client.get_snapshot(&stream, Some(revision)).await.expect("the server tells");
            let is_there = got.is_some_and(|got| got.revision == revision && got.data == state(&stream, revision));
            if !is_there {
                faults.push(Fault::SnapshotLost { stream, revision });
            }
        }
        faults
    }
}
