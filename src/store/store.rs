//! One tenant's store, as the doors see it.
//!
//! Asking costs nothing but the answer: reads run on what is published, appends join a bounded queue.
//! Methods that block on the disk say so; the doors call them where that is allowed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

use super::checkpoints::Checkpoints;
use super::consumers::Consumers;
use super::controls::{Controls, SnapshotInfo};
use super::group::Request;
use super::heads::StreamHead;
use super::life_cycle::StreamView;
use super::policies::Policies;
use super::read::{PageSize, Reader};
use super::read_models::Cabinet;
use super::recent::Recent;
use super::transaction::{Append, Appended, Checkpoint, CheckpointChange, LifeChange, Transacted, Transaction};
use super::watchers::Watchers;
use super::{Error, guards};
use crate::clock::Clock;
use crate::crew::Hired;
use crate::disk::Disk;
use crate::index::Tally;
use crate::log::StoredEvent;
use crate::model::name::is_system;
use crate::model::{
    CheckpointName, EventId, Position, ProposedSnapshot, Revision, StreamMetadata, StreamName, Timestamp,
};

/// A transaction that waits for its answer.
pub type Pending = oneshot::Receiver<Result<Transacted, Error>>;

/// What is known of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamInfo {
    /// The first revision that can be read; behind the head when none can.
    pub first: Revision,
    /// Where it ends; `None` when it has metadata and no event.
    pub head: Option<StreamHead>,
    /// When its first readable event was committed, if there is one.
    pub first_recorded_at: Option<Timestamp>,
    /// When its last event was committed.
    pub last_recorded_at: Option<Timestamp>,
    /// What its owner said about it.
    pub metadata: Option<StreamMetadata>,
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

    /// Why what was asked is not answered.
    pub(super) fn why_gone(self) -> Error {
        match self {
            Self::Serving | Self::Stopping => Error::ShuttingDown,
            Self::Poisoned => Error::Poisoned,
        }
    }
}

/// A tenant's store.
#[derive(Debug)]
pub struct Store {
    pub(super) log_id: u128,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) reader: Reader,
    pub(super) recent: Arc<Recent>,
    pub(super) head: watch::Receiver<Position>,
    pub(super) condition: watch::Sender<Condition>,
    pub(super) controls: Arc<Controls>,
    pub(super) checkpoints: Arc<Checkpoints>,
    pub(super) consumers: Consumers,
    pub(super) policies: Arc<Policies>,
    pub(super) cabinet: Cabinet,
    pub(super) watchers: Arc<Watchers>,
    pub(super) clock: Clock,
    pub(super) queue: mpsc::Sender<Request>,
    pub(super) queue_bytes: Arc<Semaphore>,
    pub(super) queue_bytes_max: usize,
    pub(super) workers: Mutex<Vec<Hired>>,
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

    /// Appends to one stream, and waits until it is durable.
    ///
    /// # Errors
    /// As [`Self::transact`].
    pub async fn append(&self, append: Append) -> Result<Appended, Error> {
        let transacted = self.transact(append.into()).await?;
        transacted.appends.into_iter().next().ok_or(Error::EventNotFound)
    }

    /// Does a transaction, and waits until it is durable.
    ///
    /// # Errors
    /// [`Error::QueueFull`] at once when too much waits already, [`Error::BeyondEnd`] when a guard begins
    /// beyond the head; else what the writer decides.
    pub async fn transact(&self, transaction: Transaction) -> Result<Transacted, Error> {
        let permit = self.permit(transaction.bytes())?;
        let judged = guards::judge(&self.reader, &transaction.guards, self.head()).await?;
        let (reply, answer) = oneshot::channel();
        self.ask(Request::Transact { transaction, judged, reply, permit }, answer).await
    }

    /// Enqueues a transaction, waiting for room in the queue, and returns without waiting for the answer.
    pub async fn transact_in_turn(&self, transaction: Transaction) -> Result<Pending, Error> {
        self.check_serving()?;
        let bytes = u32::try_from(transaction.bytes().min(self.queue_bytes_max)).unwrap_or(u32::MAX);
        let permit = self.queue_bytes.clone().acquire_many_owned(bytes).await.map_err(|_| Error::ShuttingDown)?;
        let judged = guards::judge(&self.reader, &transaction.guards, self.head()).await?;
        let (reply, answer) = oneshot::channel();
        let sent = self.queue.send(Request::Transact { transaction, judged, reply, permit }).await;
        sent.map_err(|_| self.why_gone())?;
        Ok(answer)
    }

    /// Enqueues a request and waits for its answer.
    pub(super) async fn ask<T>(
        &self,
        request: Request,
        answer: oneshot::Receiver<Result<T, Error>>,
    ) -> Result<T, Error> {
        self.queue.try_send(request).map_err(|error| self.full_or_gone(&error))?;
        answer.await.unwrap_or_else(|_| Err(self.why_gone()))
    }

    /// Changes a stream's life; returns the position of the event that tells it.
    pub async fn change_life(&self, change: LifeChange) -> Result<Position, Error> {
        self.check_serving()?;
        let (reply, answer) = oneshot::channel();
        self.ask(Request::Live { change, reply }, answer).await
    }

    /// Changes a checkpoint; returns where it is then.
    pub async fn change_checkpoint(&self, change: CheckpointChange) -> Result<Option<Checkpoint>, Error> {
        self.check_serving()?;
        let (reply, answer) = oneshot::channel();
        self.ask(Request::Mark { change, reply }, answer).await
    }

    /// A consumer's checkpoint.
    pub fn checkpoint(&self, name: &CheckpointName) -> Option<Checkpoint> {
        self.checkpoints.get(name)
    }

    /// Checkpoints whose names begin with `prefix` and are not below `from`, sorted; at most `most`.
    pub fn checkpoint_page(&self, prefix: &str, from: &str, most: usize) -> Vec<(CheckpointName, Checkpoint)> {
        self.checkpoints.page(prefix, from, most)
    }

    /// Waits until a consumer's checkpoint is at a position or behind it, for so long; returns where it is.
    ///
    /// # Errors
    /// When the store stops meanwhile.
    pub async fn wait_for_checkpoint(
        &self,
        name: &CheckpointName,
        until: Position,
        most: Duration,
    ) -> Result<Option<Checkpoint>, Error> {
        tokio::select! {
            found = self.checkpoints.wait(name, until, most) => Ok(found),
            () = self.stopped() => Err(self.why_gone()),
        }
    }

    /// Why an answer never came.
    pub fn why_gone(&self) -> Error {
        self.condition.borrow().why_gone()
    }

    /// Saves a snapshot; returns when it was saved.
    pub async fn save_snapshot(&self, snapshot: ProposedSnapshot) -> Result<Timestamp, Error> {
        let permit = self.permit(snapshot.bytes.len())?;
        let (reply, answer) = oneshot::channel();
        self.ask(Request::Save { snapshot, reply, permit }, answer).await
    }

    /// Deletes one snapshot of a stream, or all; returns how many.
    pub async fn delete_snapshots(&self, stream: StreamName, revision: Option<Revision>) -> Result<usize, Error> {
        self.check_serving()?;
        let (reply, answer) = oneshot::channel();
        match self.ask(Request::Delete { stream: stream.clone(), revision, reply }, answer).await? {
            0 => Err(Error::SnapshotNotFound(stream)),
            deleted => Ok(deleted),
        }
    }

    /// The newest snapshot of a stream, at or before a revision if one is given: its revision and an
    /// encoded `quipu.v1.Snapshot`. Blocks on the disk.
    pub fn snapshot(&self, stream: &StreamName, until: Option<Revision>) -> Result<Option<(Revision, Bytes)>, Error> {
        self.controls.get(stream, until)
    }

    /// The snapshots of a stream, newest first. Blocks on the disk.
    pub fn snapshots(&self, stream: &StreamName) -> Result<Vec<SnapshotInfo>, Error> {
        self.controls.of(stream)
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

    /// What a reader sees of a stream in the log up to `until`. Blocks on the disk.
    ///
    /// # Errors
    /// When it has no event, or was deleted.
    pub fn stream_view(&self, stream: &StreamName, until: Position) -> Result<StreamView, Error> {
        self.reader.view(stream, until, self.clock.now())
    }

    /// Where a stream ends, and when it began. Blocks on the disk.
    ///
    /// # Errors
    /// As [`Self::stream_view`].
    pub fn stream_info(&self, stream: &StreamName) -> Result<StreamInfo, Error> {
        let head = self.head();
        let view = match self.stream_view(stream, head) {
            Err(Error::StreamNotFound(_)) => return self.bare_stream_info(stream, head),
            view => view?,
        };
        let first = self.reader.stream_forwards(stream, view.first, head, PageSize::ONE)?;
        Ok(StreamInfo {
            first: view.first,
            head: Some(view.head),
            first_recorded_at: first.first().map(StoredEvent::recorded_at),
            last_recorded_at: Some(self.reader.event_at(view.head.position)?.recorded_at()),
            metadata: view.life.map(|life| life.metadata.clone()),
        })
    }

    /// What is known of a stream without events: its metadata.
    fn bare_stream_info(&self, stream: &StreamName, until: Position) -> Result<StreamInfo, Error> {
        let life = self.reader.life_cycle(stream, until)?.ok_or_else(|| Error::StreamNotFound(stream.clone()))?;
        let metadata = Some(life.metadata.clone());
        Ok(StreamInfo { first: Revision::FIRST, head: None, first_recorded_at: None, last_recorded_at: None, metadata })
    }

    /// How many events there are, by type, category and day. Blocks on the disk.
    pub fn tally(&self) -> Result<Tally, Error> {
        Ok(self.reader.index.tally()?)
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
            let is_shown = |name: &String| include_system || !is_system(name);
            for name in names.into_iter().filter(is_inside).filter(is_shown) {
                if !self.reader.is_deleted(&StreamName::from_log(&name))? {
                    found.push(name);
                }
            }
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

    /// Lets nothing new in: appends are refused, subscriptions end.
    pub fn stop(&self) {
        Condition::stop(&self.condition);
    }

    /// Stops, answers everything that was asked before, and ends the writer. Blocks on the disk.
    pub fn close(&self) {
        self.stop();
        // An error means that the writer has ended already.
        drop(self.queue.blocking_send(Request::Close));
        self.cabinet.close();
        for worker in self.workers.lock().expect("no panic under this lock").drain(..) {
            if worker.finish().is_err() {
                tracing::error!("a worker of the store panicked");
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
