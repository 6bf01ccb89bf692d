//! The state of a stream: its events, each laid over what was before as a JSON merge patch.
//!
//! Begins with the newest snapshot that is not beyond the place asked for, so a long stream costs only what came
//! after it.

use std::sync::Arc;

use serde_json::Value;

use super::Error;
use super::controls::Controls;
use super::read::{PageSize, Reader};
use super::store::Store;
use crate::clock::Clock;
use crate::model::event::data_of;
use crate::model::merge_patch::merge;
use crate::model::wire::Fields;
use crate::model::{Position, Revision, StreamName, Timestamp};

/// How much of a stream is read at once, in bytes.
const PAGE_BYTES: usize = 1 << 20;

/// The field number of `Snapshot.data`.
const SNAPSHOT_DATA_FIELD: u32 = 3;

/// As of when a state is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// Now.
    Now,
    /// After the event at this revision.
    Revision(Revision),
    /// After the last event committed at this time or before.
    Time(Timestamp),
}

/// A folded state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded {
    /// The state.
    pub state: Value,
    /// The revision of the last event folded in.
    pub revision: Revision,
    /// The revision of the snapshot it began with.
    pub snapshot: Option<Revision>,
    /// How many events were folded in.
    pub events: u64,
}

/// Folds streams. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    pub(super) reader: Reader,
    pub(super) controls: Arc<Controls>,
    pub(super) clock: Clock,
}

impl Folder {
    /// Folds a stream in the log up to `head`.
    ///
    /// # Errors
    /// When it has no event there, was deleted, or has not got so far, and when something is not JSON.
    pub(super) fn fold(
        &self,
        stream: &StreamName,
        at: AsOf,
        head: Position,
        with_snapshot: bool,
    ) -> Result<Folded, Error> {
        // What is hidden by now is hidden as of any time.
        let view = self.reader.view(stream, head, self.clock.now())?;
        let last = match at {
            AsOf::Now => view.head.revision,
            AsOf::Revision(revision) if revision > view.head.revision => {
                return Err(Error::BeyondEnd { asked: revision.0, last: Some(view.head.revision.0) });
            }
            AsOf::Revision(revision) => revision,
            AsOf::Time(time) => {
                let until = self.reader.position_at(time.next(), head)?.before();
                let then = self.reader.stream_head_at(stream, until)?;
                then.ok_or_else(|| Error::StreamNotFound(stream.clone()))?.revision
            }
        };
        let mut folded = Folded { state: Value::Null, revision: last, snapshot: None, events: 0 };
        let mut next = view.first;
        if with_snapshot && let Some((revision, state)) = self.snapshot(stream, last)? {
            folded.state = state;
            folded.snapshot = Some(revision);
            next = next.max(Revision::following(Some(revision)));
        }
        while next <= last {
            let size = PageSize { bytes: PAGE_BYTES, events: (last.0 - next.0 + 1) as usize };
            let page = self.reader.stream_forwards(stream, next, head, size)?;
            let Some(event) = page.last() else { return Err(Error::EventNotFound) };
            next = Revision::following(Some(event.revision()));
            for event in &page {
                let data = data_of(event.bytes());
                let patch = parse(data).ok_or_else(|| not_foldable(stream, event.revision(), false))?;
                merge(&mut folded.state, patch);
                folded.events += 1;
            }
        }
        if folded.events == 0 && folded.snapshot.is_none() {
            return Err(Error::EventNotFound);
        }
        Ok(folded)
    }

    fn snapshot(&self, stream: &StreamName, until: Revision) -> Result<Option<(Revision, Value)>, Error> {
        let Some((revision, bytes)) = self.controls.get(stream, Some(until))? else { return Ok(None) };
        let mut data: &[u8] = &[];
        for field in Fields::of(&bytes) {
            let field = field?;
            if field.number == SNAPSHOT_DATA_FIELD {
                data = field.value.bytes()?;
            }
        }
        let state = parse(data).ok_or_else(|| not_foldable(stream, revision, true))?;
        Ok(Some((revision, state)))
    }
}

impl Store {
    /// The state of a stream. Blocks on the disk.
    ///
    /// # Errors
    /// When the stream has no event there, was deleted, or has not got so far, and when something is not JSON.
    pub fn state(&self, stream: &StreamName, at: AsOf, with_snapshot: bool) -> Result<Folded, Error> {
        self.folder().fold(stream, at, self.head(), with_snapshot)
    }

    fn folder(&self) -> Folder {
        Folder { reader: self.reader.clone(), controls: self.controls.clone(), clock: self.clock.clone() }
    }
}

fn parse(data: &[u8]) -> Option<Value> {
    serde_json::from_slice(data).ok()
}

fn not_foldable(stream: &StreamName, revision: Revision, is_snapshot: bool) -> Error {
    Error::NotFoldable { stream: stream.clone(), revision, is_snapshot }
}
