//! Reads: pages from the store, one message each.
//!
//! The next page is read while the one before is sent. A client that does not read on costs two pages
//! and no thread.

use std::ops::RangeInclusive;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinHandle;
use tonic::Status;

use super::Doors;
use super::status::status;
use crate::log::StoredEvent;
use crate::metrics::Metrics;
use crate::model::{Position, Query, Revision, StreamName, Walk};
use crate::store::read::{PageSize, Reader};
use crate::store::{Error, Store};

/// What is read.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// The events of the log that match. Places are positions.
    Log(Arc<Query>),
    /// A stream, up to a head. Places are revisions.
    Stream { name: StreamName, head: Position },
}

/// What is left to read: places, both ends included. `None` when nothing is.
pub(super) type Rest = Option<RangeInclusive<u64>>;

/// Events that are there were not found: a fault of ours, never to be told as an end.
#[derive(Debug, thiserror::Error)]
#[error("a read found less than there is")]
struct CutShort;

type Page = (Vec<StoredEvent>, Rest);

/// A read in progress.
#[derive(Debug)]
pub(super) struct Paging {
    store: Arc<Store>,
    metrics: Arc<Metrics>,
    source: Source,
    walk: Walk,
    page_bytes: usize,
    rest: Rest,
    /// How many events may still be sent.
    left: u64,
    /// The next page, while it is read.
    ahead: Option<JoinHandle<Result<Page, Error>>>,
}

impl Doors {
    /// A read of these places. A limit of 0 means none.
    pub(super) fn read(&self, store: Arc<Store>, source: Source, walk: Walk, rest: Rest, limit: u64) -> Paging {
        Paging {
            store,
            metrics: self.metrics.clone(),
            source,
            walk,
            page_bytes: self.tenants.options().limits.response_bytes,
            rest: rest.filter(|rest| !rest.is_empty()),
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
            let (page, rest) = match page {
                Ok(page) => page,
                Err(error) => {
                    self.rest = None;
                    return Some(Err(status(&error)));
                }
            };
            let most = usize::try_from(self.left).unwrap_or(usize::MAX);
            let events: Vec<Bytes> = page.into_iter().take(most).map(StoredEvent::into_bytes).collect();
            self.left -= events.len() as u64;
            self.rest = rest.filter(|_| self.left > 0);
            self.read_ahead();
            if !events.is_empty() {
                self.metrics.delivered(events.len());
                return Some(Ok(events));
            }
        }
    }

    fn read_ahead(&mut self) {
        let Some(rest) = self.rest.clone() else { return };
        let (reader, source, walk) = (self.store.reader().clone(), self.source.clone(), self.walk);
        let size = PageSize { bytes: self.page_bytes, events: usize::try_from(self.left).unwrap_or(usize::MAX) };
        self.ahead = Some(tokio::task::spawn_blocking(move || page(&reader, &source, rest, walk, size)));
    }
}

fn page(
    reader: &Reader,
    source: &Source,
    rest: RangeInclusive<u64>,
    walk: Walk,
    size: PageSize,
) -> Result<Page, Error> {
    let (first, last) = rest.into_inner();
    let (name, head) = match source {
        Source::Log(query) => {
            let found = reader.select(query, Position(first)..=Position(last), walk, size)?;
            return Ok((found.events, found.rest.map(|rest| rest.start().0..=rest.end().0)));
        }
        Source::Stream { name, head } => (name, *head),
    };
    let mut events = match walk {
        Walk::Forwards => reader.stream_forwards(name, Revision(first), head, size)?,
        Walk::Backwards => reader.stream_backwards(name, Revision(last), size)?,
    };
    let reached = events.last().ok_or_else(|| Error::internal(CutShort))?.revision().0;
    events.retain(|event| (first..=last).contains(&event.revision().0));
    let rest = match walk {
        Walk::Forwards => (reached < last).then(|| reached + 1..=last),
        Walk::Backwards => (reached > first).then(|| first..=reached - 1),
    };
    Ok((events, rest))
}
