//! One tenant's store, as the doors see it.
//!
//! Asking costs nothing but the answer: reads run on what is published, appends join a bounded queue.
//! Methods that block on the disk say so; the doors call them where that is allowed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

use super::group::Request;
use super::read::{PageSize, Reader};
use super::recent::Recent;
use super::snapshots::{SnapshotInfo, Snapshots};
use super::{Error, Start, Subscribed, Subscription};
use crate::log::StoredEvent;
use crate::model::name::SYSTEM_PREFIX;
use crate::model::{
    EventId, ExpectedRevision, Position, ProposedEvent, ProposedSnapshot, Revision, StreamName, Timestamp,
};

/// An append to one stream.
#[derive(Debug, Clone)]
pub struct Append {
    /// The stream.
    pub stream: StreamName,
    /// What it must look like.
    pub expected: ExpectedRevision,
    /// At least one event; no id twice.
    pub events: Vec<ProposedEvent>,
}

impl Append {
    fn bytes(&self) -> usize {
        self.events.iter().map(|event| event.bytes.len() + size_of::<ProposedEvent>()).sum()
    }
}

/// Where an append went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The revision of its first event.
    pub first_revision: Revision,
    /// The revision of its last event.
    pub last_revision: Revision,
    /// The position of its first event.
    pub first_position: Position,
    /// The position of its last event.
    pub last_position: Position,
    /// Whether it had gone in before, and nothing was added.
    pub deduplicated: bool,
}

/// An append that waits for its answer.
pub type Pending = oneshot::Receiver<Result<Appended, Error>>;

/// What is known of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamInfo {
    /// The revision of its last event; the first is 0.
    pub head: Revision,
    /// The position of its last event.
    pub last_position: Position,
    /// When its first event was committed.
    pub first_recorded_at: Timestamp,
    /// When its last event was committed.
    pub last_recorded_at: Timestamp,
}

/// Whether a store serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// It does.
    Serving,
    /// It is stopping: no new appends, subscriptions end.
    Stopping,
    /// Its log failed.
    Poisoned,
}

impl Condition {
    /// Turns from serving to stopping; a log that failed stays failed.
    pub(super) fn stop(condition: &watch::Sender<Self>) {
        condition.send_if_modified(|condition| {
            let was_serving = *condition == Self::Serving;
            if was_serving {
                *condition = Self::Stopping;
            }
            was_serving
        });
    }
}

/// A tenant's store.
#[derive(Debug)]
pub struct Store {
    pub(super) log_id: u128,
    pub(super) reader: Reader,
    pub(super) recent: Arc<Recent>,
    pub(super) head: watch::Receiver<Position>,
    pub(super) condition: watch::Sender<Condition>,
    pub(super) snapshots: Arc<Snapshots>,
    pub(super) queue: mpsc::Sender<Request>,
    pub(super) queue_bytes: Arc<Semaphore>,
    pub(super) queue_bytes_max: usize,
    pub(super) threads: Mutex<Vec<JoinHandle<()>>>,
    pub(super) opened: Instant,
    /// Milliseconds since `opened`.
    pub(super) used: AtomicU64,
}

impl Store {
    /// Identifies the log.
    pub fn log_id(&self) -> u128 {
        self.log_id
    }

    /// The position of the last event; zero when there is none.
    pub fn head(&self) -> Position {
        *self.head.borrow()
    }

    /// Whether the store serves, now and from now on.
    pub fn condition(&self) -> watch::Receiver<Condition> {
        self.condition.subscribe()
    }

    /// Waits until the store no longer serves.
    pub async fn stopped(&self) {
        let mut condition = self.condition.subscribe();
        // It can not fail: the sender lives as long as this does.
        drop(condition.wait_for(|condition| *condition != Condition::Serving).await);
    }

    /// Notes that somebody uses the store.
    pub(super) fn touch(&self) {
        let now = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.used.store(now, Ordering::Relaxed);
    }

    /// For how long nobody has.
    pub(super) fn idle(&self) -> Duration {
        self.opened.elapsed().saturating_sub(Duration::from_millis(self.used.load(Ordering::Relaxed)))
    }

    /// Appends, and waits until it is durable.
    ///
    /// # Errors
    /// [`Error::QueueFull`] at once when too much waits already; else what the writer decides.
    pub async fn append(&self, append: Append) -> Result<Appended, Error> {
        let permit = self.permit(append.bytes())?;
        let (reply, answer) = oneshot::channel();
        self.queue.try_send(Request::Append { append, reply, permit }).map_err(|error| self.full_or_gone(&error))?;
        answer.await.unwrap_or_else(|_| Err(self.why_gone()))
    }

    /// Enqueues an append, waiting for room in the queue, and returns without waiting for the answer.
    pub async fn append_in_turn(&self, append: Append) -> Result<Pending, Error> {
        self.check_serving()?;
        let bytes = u32::try_from(append.bytes().min(self.queue_bytes_max)).unwrap_or(u32::MAX);
        let permit = self.queue_bytes.clone().acquire_many_owned(bytes).await.map_err(|_| Error::ShuttingDown)?;
        let (reply, answer) = oneshot::channel();
        let sent = self.queue.send(Request::Append { append, reply, permit }).await;
        sent.map_err(|_| self.why_gone())?;
        Ok(answer)
    }

    /// Why an answer never came.
    pub fn why_gone(&self) -> Error {
        match *self.condition.borrow() {
            Condition::Serving | Condition::Stopping => Error::ShuttingDown,
            Condition::Poisoned => Error::Poisoned,
        }
    }

    /// Saves a snapshot; returns when it was saved.
    pub async fn save_snapshot(&self, snapshot: ProposedSnapshot) -> Result<Timestamp, Error> {
        let permit = self.permit(snapshot.bytes.len())?;
        let (reply, answer) = oneshot::channel();
        self.queue.try_send(Request::Save { snapshot, reply, permit }).map_err(|error| self.full_or_gone(&error))?;
        answer.await.unwrap_or_else(|_| Err(self.why_gone()))
    }

    /// Deletes one snapshot of a stream, or all; returns how many.
    pub async fn delete_snapshots(&self, stream: StreamName, revision: Option<Revision>) -> Result<usize, Error> {
        self.check_serving()?;
        let (reply, answer) = oneshot::channel();
        let request = Request::Delete { stream: stream.clone(), revision, reply };
        self.queue.try_send(request).map_err(|error| self.full_or_gone(&error))?;
        match answer.await.unwrap_or_else(|_| Err(self.why_gone()))? {
            0 => Err(Error::SnapshotNotFound(stream)),
            deleted => Ok(deleted),
        }
    }

    /// The newest snapshot of a stream, at or before a revision if one is given: its revision and an
    /// encoded `quipu.v1.Snapshot`. Blocks on the disk.
    pub fn snapshot(&self, stream: &StreamName, until: Option<Revision>) -> Result<Option<(Revision, Bytes)>, Error> {
        self.snapshots.get(stream, until)
    }

    /// The snapshots of a stream, newest first. Blocks on the disk.
    pub fn snapshots(&self, stream: &StreamName) -> Result<Vec<SnapshotInfo>, Error> {
        self.snapshots.of(stream)
    }

    /// The event at a position. Blocks on the disk.
    pub fn event_at(&self, position: Position) -> Result<StoredEvent, Error> {
        if position == Position::ZERO || position > self.head() {
            return Err(Error::EventNotFound);
        }
        self.reader.event_at(position)
    }

    /// The event with an id. Blocks on the disk.
    pub fn event_by_id(&self, id: EventId) -> Result<StoredEvent, Error> {
        self.reader.event_by_id(id, self.head())
    }

    /// Where a stream ends, and when it began. Blocks on the disk.
    pub fn stream_info(&self, stream: &StreamName) -> Result<StreamInfo, Error> {
        let missing = || Error::StreamNotFound(stream.clone());
        let last = self.reader.stream_head(stream)?.ok_or_else(missing)?;
        let one = PageSize { bytes: 1, events: 1 };
        let first = self.reader.stream_forwards(stream, Revision::FIRST, last.position, one)?;
        let last_event = self.reader.event_at(last.position)?;
        Ok(StreamInfo {
            head: last.revision,
            last_position: last.position,
            first_recorded_at: first.first().ok_or_else(missing)?.recorded_at(),
            last_recorded_at: last_event.recorded_at(),
        })
    }

    /// Names of streams that are not below `from`, sorted; at most `most`. Blocks on the disk.
    pub fn stream_names(&self, from: &str, most: usize) -> Result<Vec<String>, Error> {
        self.reader.stream_names(from, most)
    }

    /// A page of the names that begin with `prefix`, sorted, from `from` on: at most `size`, and the
    /// first name of the next page. Blocks on the disk.
    pub fn stream_page(
        &self,
        prefix: &str,
        from: &str,
        include_system: bool,
        size: usize,
    ) -> Result<(Vec<String>, Option<String>), Error> {
        let mut from = from.max(prefix).to_owned();
        let mut found = Vec::new();
        loop {
            let names = self.stream_names(&from, size + 1)?;
            let Some(last) = names.last() else { break };
            // The smallest name behind the last one.
            from = format!("{last}\0");
            let is_inside = |name: &String| name.starts_with(prefix);
            let is_last = names.len() <= size || !is_inside(last);
            let is_shown = |name: &String| include_system || !name.starts_with(SYSTEM_PREFIX);
            found.extend(names.into_iter().filter(is_inside).filter(is_shown));
            if is_last || found.len() > size {
                break;
            }
        }
        let next = found.get(size).cloned();
        found.truncate(size);
        Ok((found, next))
    }

    /// Reads events by place. Blocks on the disk.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Follows the log or a stream.
    ///
    /// # Errors
    /// [`Error::BeyondEnd`] when the start lies beyond the end.
    pub fn subscribe(
        self: &Arc<Self>,
        to: Subscribed,
        start: Start,
        page_bytes: usize,
        heartbeat: Duration,
    ) -> Result<Subscription, Error> {
        Subscription::new(self.clone(), to, start, page_bytes, heartbeat)
    }

    /// Lets nothing new in: appends are refused, subscriptions end.
    pub fn stop(&self) {
        Condition::stop(&self.condition);
    }

    /// Stops, answers everything that was asked before, and ends the writer. Blocks on the disk.
    pub fn close(&self) {
        self.stop();
        let (reply, done) = oneshot::channel();
        if self.queue.blocking_send(Request::Close { reply }).is_ok() {
            // An error means that the writer has ended already.
            drop(done.blocking_recv());
        }
        for thread in self.threads.lock().expect("no panic under this lock").drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the store panicked");
            }
        }
    }

    pub(super) fn check_serving(&self) -> Result<(), Error> {
        match *self.condition.borrow() {
            Condition::Serving => Ok(()),
            Condition::Stopping => Err(Error::ShuttingDown),
            Condition::Poisoned => Err(Error::Poisoned),
        }
    }

    fn full_or_gone(&self, error: &mpsc::error::TrySendError<Request>) -> Error {
        match error {
            mpsc::error::TrySendError::Full(_) => Error::QueueFull,
            mpsc::error::TrySendError::Closed(_) => self.why_gone(),
        }
    }

    fn permit(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Error> {
        self.check_serving()?;
        let bytes = u32::try_from(bytes.min(self.queue_bytes_max)).unwrap_or(u32::MAX);
        self.queue_bytes.clone().try_acquire_many_owned(bytes).map_err(|_| Error::QueueFull)
    }
}
