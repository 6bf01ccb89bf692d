//! Reads: pages from the store, one message each.
//!
//! The next page is read while the one before is sent. A client that does not read on costs two pages
//! and no thread.

use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinHandle;
use tonic::Status;

use super::Doors;
use super::convert::Walk;
use super::status::status;
use crate::log::StoredEvent;
use crate::metrics::Metrics;
use crate::model::{Position, Revision, StreamName};
use crate::store::read::PageSize;
use crate::store::{Error, Store};

/// What is read.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// The whole log, up to a head.
    Log { head: Position, include_system: bool },
    /// A stream, up to a head and to its last revision then.
    Stream { name: StreamName, head: Position, last: Revision },
}

/// Events that are there were not found: a fault of ours, never to be told as an end.
#[derive(Debug, thiserror::Error)]
#[error("a read found less than there is")]
struct CutShort;

/// A read in progress.
#[derive(Debug)]
pub(super) struct Paging {
    store: Arc<Store>,
    metrics: Arc<Metrics>,
    source: Source,
    walk: Walk,
    page_bytes: usize,
    /// The place of the next event, position or revision; `None` at the end.
    next: Option<u64>,
    /// How many events may still be sent.
    left: u64,
    /// The next page, while it is read.
    ahead: Option<JoinHandle<Result<Vec<StoredEvent>, Error>>>,
}

impl Doors {
    /// A read from a place on; `None` when there is nothing to read. A limit of 0 means none.
    pub(super) fn read(&self, store: Arc<Store>, source: Source, walk: Walk, from: Option<u64>, limit: u64) -> Paging {
        Paging {
            store,
            metrics: self.metrics.clone(),
            source,
            walk,
            page_bytes: self.tenants.options().limits.response_bytes,
            next: from,
            left: if limit == 0 { u64::MAX } else { limit },
            ahead: None,
        }
    }
}

impl Paging {
    /// The next page; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Result<Vec<Bytes>, Status>> {
        loop {
            if self.ahead.is_none() {
                self.read_ahead();
            }
            let page = self.ahead.take()?.await.map_err(Error::internal).and_then(|page| page);
            let page = match page {
                Ok(page) if page.is_empty() => Err(Error::internal(CutShort)),
                page => page,
            };
            let page = match page {
                Ok(page) => page,
                Err(error) => {
                    self.next = None;
                    return Some(Err(status(&error)));
                }
            };
            self.advance(&page);
            let events: Vec<Bytes> = self.wanted(page);
            self.left -= events.len() as u64;
            if self.left > 0 {
                self.read_ahead();
            } else {
                self.next = None;
            }
            if !events.is_empty() {
                self.metrics.delivered(events.len());
                return Some(Ok(events));
            }
        }
    }

    fn wanted(&self, page: Vec<StoredEvent>) -> Vec<Bytes> {
        let hides_system = matches!(self.source, Source::Log { include_system: false, .. });
        let shown = page.into_iter().filter(|event| !(hides_system && event.is_system()));
        shown.take(usize::try_from(self.left).unwrap_or(usize::MAX)).map(StoredEvent::into_bytes).collect()
    }

    /// Moves behind the last event of a page.
    fn advance(&mut self, page: &[StoredEvent]) {
        let Some(event) = page.last() else { return };
        let (first, place, last) = match &self.source {
            Source::Log { head, .. } => (1, event.position().0, head.0),
            Source::Stream { last, .. } => (0, event.revision().0, last.0),
        };
        self.next = match self.walk {
            Walk::Forwards => (place < last).then_some(place + 1),
            Walk::Backwards => (place > first).then(|| place - 1),
        };
    }

    fn read_ahead(&mut self) {
        let Some(next) = self.next else { return };
        let (reader, source, walk) = (self.store.reader().clone(), self.source.clone(), self.walk);
        let events = usize::try_from(self.left).unwrap_or(usize::MAX);
        let size = PageSize { bytes: self.page_bytes, events };
        self.ahead = Some(tokio::task::spawn_blocking(move || match (&source, walk) {
            (Source::Log { head, .. }, Walk::Forwards) => reader.log_forwards(Position(next), *head, size),
            (Source::Log { .. }, Walk::Backwards) => reader.log_backwards(Position(next), size),
            (Source::Stream { name, head, .. }, Walk::Forwards) => {
                reader.stream_forwards(name, Revision(next), *head, size)
            }
            (Source::Stream { name, .. }, Walk::Backwards) => reader.stream_backwards(name, Revision(next), size),
        }));
    }
}
