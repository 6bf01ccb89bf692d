//! The one writer of a store.
//!
//! ```text
//!   wait for a request, take all that wait
//!     decide each against what is known and what the group holds
//!     log.append: one write, one sync          while it runs, the next group gathers
//!     index, ring and heads learn the block
//!     publish the head                         from here on the events are seen
//!     wake those who wait for such events
//!     answer everyone                          after that line and never before
//! ```
//!
//! It is a worker of its own, since it blocks on the disk. There is no timer: a group is what gathered while the
//! one before was written. When the log fails, nothing is known of the group any more: everyone gets
//! [`Error::Poisoned`], now and from then on.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Instant;

use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, watch};

use super::Error;
use super::controls::{Answer, Entered, changes_in, checkpoints_in};
use super::group::{Decided, Group, Knowledge, LifeTold, Request};
use super::policies::Teller;
use super::recent::Recent;
use super::store::Condition;
use super::watchers::Watchers;
use crate::clock::Clock;
use crate::crew::{Idle, Work, Worker};
use crate::index::Index;
use crate::log::{Appended, CommitLog, Draft, DraftSize, Placed};
use crate::metrics::Metrics;
use crate::model::{Position, Timestamp};
use crate::seeded::{Bug, is_planted};

/// A group that has this many bytes takes no more requests: more would not be written faster, and no longer fits into
/// a processor's cache on its way from the requests to the file, the checksums and the index.
const GROUP_BYTES_MAX: usize = 1 << 20;

/// What the writer owns.
pub(super) struct Writer {
    pub(super) log: Box<dyn CommitLog>,
    pub(super) known: Knowledge,
    pub(super) index: Arc<Index>,
    pub(super) recent: Arc<Recent>,
    pub(super) watchers: Arc<Watchers>,
    pub(super) queue: mpsc::Receiver<Request>,
    pub(super) head: watch::Sender<Position>,
    pub(super) condition: watch::Sender<Condition>,
    pub(super) to_directory: SyncSender<Entered>,
    pub(super) to_policies: Teller,
    pub(super) clock: Clock,
    pub(super) last_time: Timestamp,
    /// How large the last group became: the next one will be like it.
    pub(super) last_size: DraftSize,
    pub(super) metrics: Arc<Metrics>,
    /// Requests that waited for the group before.
    pub(super) deferred: Vec<Request>,
}

/// Whether somebody asked to close.
type Closes = bool;

impl Worker for Writer {
    /// Serves the requests that wait, until one asks to close.
    fn work(&mut self, idle: Idle) -> Work {
        let mut waiting = std::mem::take(&mut self.deferred);
        if waiting.is_empty() {
            match self.next(idle) {
                Ok(request) => waiting.push(request),
                Err(TryRecvError::Empty) => return Work::Missing,
                Err(TryRecvError::Disconnected) => {
                    self.close();
                    return Work::Over;
                }
            }
        }
        if self.serve(waiting) {
            self.close();
            return Work::Over;
        }
        Work::Done
    }
}

impl Writer {
    fn next(&mut self, idle: Idle) -> Result<Request, TryRecvError> {
        match idle {
            Idle::Waits => self.queue.blocking_recv().ok_or(TryRecvError::Disconnected),
            Idle::Returns => self.queue.try_recv(),
        }
    }

    /// Decides and commits one group.
    fn serve(&mut self, waiting: Vec<Request>) -> Closes {
        if *self.condition.borrow() == Condition::Poisoned {
            return refuse(waiting);
        }
        let room = match self.log.available() {
            Ok(room) => room,
            Err(error) => return self.poison(waiting, &error),
        };
        self.last_time = match is_planted(Bug::TimeRunsBack) {
            true => self.clock.now(),
            false => self.last_time.max(self.clock.now()),
        };
        // Lets a thread that carries requests have the core first, so that they join this group.
        std::thread::yield_now();
        let mut group = Group::new(self.head.borrow().next(), self.last_size, room, self.last_time);
        let mut closing = false;
        let mut waiting = waiting.into_iter();
        while !closing && group.draft.len() < GROUP_BYTES_MAX {
            let Some(request) = waiting.next().or_else(|| self.queue.try_recv().ok()) else { break };
            closing = self.decide(&mut group, request);
        }
        group.deferred.extend(waiting);
        self.commit(group);
        if closing && !self.deferred.is_empty() {
            self.deferred.push(Request::Close);
            return false;
        }
        closing
    }

    fn decide(&mut self, group: &mut Group, request: Request) -> Closes {
        match request {
            Request::Transact { transaction, judged, reply, permit } => {
                group.transact(&mut self.known, transaction, judged, reply, permit);
            }
            Request::Save { snapshot, reply, permit } => group.save(&mut self.known, snapshot, reply, permit),
            Request::Delete { stream, revision, reply } => group.delete(stream, revision, reply),
            Request::Live { change, reply } => group.live(&mut self.known, change, reply),
            Request::Mark { change, reply } => group.mark(&self.known, change, reply),
            Request::Note { notes, reply } => group.note(notes, reply),
            Request::Close => return true,
        }
        false
    }

    fn commit(&mut self, mut group: Group) {
        if group.draft.is_empty() {
            self.deferred = std::mem::take(&mut group.deferred);
            self.answer(group.decided, group.now, None);
            return;
        }
        let draft = std::mem::replace(&mut group.draft, Draft::new(group.first_position));
        self.last_size = draft.size();
        let started = Instant::now();
        match self.log.append(self.log.tail(), draft) {
            Ok(Appended::Committed(placed)) => {
                self.metrics.committed(&placed.block, started.elapsed());
                self.deferred = std::mem::take(&mut group.deferred);
                group.settle(&mut self.known);
                self.show(&placed);
                self.answer(group.decided, group.now, Some(&placed));
            }
            Ok(Appended::TailMoved(blocks)) => {
                self.deferred = group.take_back(&mut self.known);
                blocks.iter().for_each(|placed| self.take_in(placed));
            }
            Err(error) => {
                let again = group.take_back(&mut self.known);
                if self.poison(again, &error) {
                    self.deferred.push(Request::Close);
                }
            }
        }
    }

    /// Lets the views learn a durable block, and then makes its events visible.
    fn show(&mut self, placed: &Placed) {
        let mut woken = self.watchers.awaiting();
        self.index.learn(placed, &mut |term| woken.see(term));
        self.recent.push(&placed.block);
        let end = placed.block.end_position().before();
        self.head.send_replace(end);
        self.metrics.head(end);
        woken.wake();
        self.to_policies.see(placed);
    }

    /// Takes in a block that somebody else proposed.
    fn take_in(&mut self, placed: &Placed) {
        for (entry, event) in placed.block.events() {
            self.known.ids.push(entry.id, event.position());
            self.known.learn(&event);
            self.last_time = self.last_time.max(event.recorded_at());
        }
        self.known.checkpoints.change(checkpoints_in(placed));
        self.show(placed);
        self.enter(placed, Vec::new());
    }

    fn answer(&mut self, decided: Vec<Decided>, now: Timestamp, placed: Option<&Placed>) {
        let mut answers = Vec::new();
        for decided in decided {
            match decided {
                // Whoever asked may have gone away: the answers are dropped then.
                Decided::Transact { reply, verdict, .. } => {
                    self.metrics.answered(&verdict);
                    drop(reply.send(verdict));
                }
                Decided::Save { reply, verdict: Err(error), .. } => drop(reply.send(Err(error))),
                Decided::Save { reply, verdict: Ok(control), .. } => {
                    answers.push((control, Answer::Saved(reply, now)));
                }
                Decided::Delete { reply, control, .. } => answers.push((control, Answer::Deleted(reply))),
                Decided::Live { reply, verdict: Ok(LifeTold { position, control: Some(control) }), .. } => {
                    answers.push((control, Answer::Ended(reply, position)));
                }
                Decided::Live { reply, verdict, .. } => drop(reply.send(verdict.map(|told| told.position))),
                Decided::Mark { reply, verdict, .. } => drop(reply.send(verdict)),
                Decided::Note { reply, verdict, .. } => drop(reply.send(verdict)),
            }
        }
        if let Some(placed) = placed {
            self.enter(placed, answers);
        }
    }

    /// Hands the control records of a block to the directory.
    fn enter(&mut self, placed: &Placed, answers: Vec<(usize, Answer)>) {
        let changes = changes_in(placed);
        if changes.is_empty() {
            return;
        }
        let entered = Entered { slot: placed.block.header.slot, changes, answers };
        if self.to_directory.send(entered).is_err() {
            tracing::error!("the thread of the state directory is gone; the next start mends it");
        }
    }

    fn poison(&mut self, requests: Vec<Request>, error: &crate::log::Error) -> Closes {
        tracing::error!(error = error as &dyn std::error::Error, "the log failed; the store stops");
        self.condition.send_replace(Condition::Poisoned);
        refuse(requests)
    }

    fn close(&mut self) {
        if let Err(error) = self.log.close() {
            tracing::error!(error = &error as &dyn std::error::Error, "the log was not closed cleanly");
        }
        self.index.close();
    }
}

impl Drop for Writer {
    /// A writer that panics leaves the store without one: that must be seen, like a failed log.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.condition.send_replace(Condition::Poisoned);
        }
    }
}

/// Answers that the store has stopped.
fn refuse(requests: Vec<Request>) -> Closes {
    let mut closes = false;
    for request in requests {
        match request {
            Request::Transact { reply, .. } => drop(reply.send(Err(Error::Poisoned))),
            Request::Save { reply, .. } => drop(reply.send(Err(Error::Poisoned))),
            Request::Delete { reply, .. } => drop(reply.send(Err(Error::Poisoned))),
            Request::Live { reply, .. } => drop(reply.send(Err(Error::Poisoned))),
            Request::Mark { reply, .. } => drop(reply.send(Err(Error::Poisoned))),
            Request::Note { reply, .. } => drop(reply.send(Err(Error::Poisoned))),
            Request::Close => closes = true,
        }
    }
    closes
}
