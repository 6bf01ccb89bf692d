//! A group: its state, whoever asks for a change of it, and its runner.
//!
//! Whoever asks changes the state under a lock that nobody holds while waiting, and wakes the runner. The runner
//! is there as long as somebody takes part or something is to be noted.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::runtime::Handle;
use tokio::sync::{Notify, OwnedSemaphorePermit, oneshot, watch};
use tokio::time::Instant;

use super::deliveries::{Deliveries, NotSettled, Outcome};
use super::members::{Ear, Told};
use super::progress::{self, Progress};
use super::runner::Runner;
use crate::model::{GivenName, GroupSettings, Position, Timestamp};
use crate::store::notes::Note;
use crate::store::{Error, Store};

/// What became of some positions: those that are settled, and why the others are not.
pub type Settled = (Vec<Position>, Vec<(Position, NotSettled)>);

/// A consumer group.
#[derive(Debug)]
pub(in crate::store) struct Group {
    pub(super) name: GivenName,
    pub(super) created_at: Timestamp,
    inner: Mutex<Inner>,
    /// Wakes the runner.
    pub(super) changed: Notify,
    /// The version that is durable.
    flushed: watch::Sender<u64>,
    is_running: watch::Sender<bool>,
    /// Whether the runner has read something, or seen that there is nothing to read for.
    has_looked: watch::Sender<bool>,
}

/// What changes.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) deliveries: Deliveries,
    /// Counts the changes that must become durable.
    pub(super) version: u64,
    /// Counts new beginnings: what was read before one is not taken in after it.
    pub(super) generation: u64,
    pub(super) is_deleted: bool,
    /// Why the last runner gave up, if it did.
    pub(super) failure: Option<Error>,
    /// Settlements that their members are told of once a version is durable.
    to_tell: VecDeque<(u64, GivenName, Settled, OwnedSemaphorePermit)>,
}

impl Inner {
    /// Notes a change that must become durable.
    pub(super) fn touch(&mut self) -> u64 {
        self.version += 1;
        self.version
    }
}

impl Group {
    /// A group that begins behind a position, or goes on where it was.
    pub(super) fn new(name: GivenName, settings: GroupSettings, created_at: Timestamp, progress: Progress) -> Self {
        let mut deliveries = Deliveries::new(settings, Position(progress.read));
        deliveries.is_paused = progress.is_paused;
        deliveries.unfetched = progress.left.iter().map(|(at, tries)| (Position(*at), *tries)).collect();
        deliveries.parked = progress.parked;
        let (version, generation) = (0, 0);
        let inner =
            Inner { deliveries, version, generation, is_deleted: false, failure: None, to_tell: VecDeque::new() };
        Self {
            name,
            created_at,
            inner: Mutex::new(inner),
            changed: Notify::new(),
            flushed: watch::channel(0).0,
            is_running: watch::channel(false).0,
            has_looked: watch::channel(false).0,
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no panic under this lock")
    }

    /// Changes the state, and sees to it that the runner acts on it.
    pub(super) fn change<T>(
        self: &Arc<Self>,
        store: &Arc<Store>,
        change: impl FnOnce(&mut Inner) -> T,
    ) -> Result<T, Error> {
        store.check_serving()?;
        let mut inner = self.lock();
        if inner.is_deleted {
            return Err(Error::GroupNotFound(self.name.clone()));
        }
        let changed = change(&mut inner);
        // Under the lock: so a runner that ends has seen this change, or this sees that it has ended.
        let is_running = *self.is_running.borrow();
        // Without a runtime the process is ending.
        let runtime = Handle::try_current().ok().filter(|_| !is_running);
        if runtime.is_some() {
            self.is_running.send_replace(true);
            self.has_looked.send_replace(false);
            inner.failure = None;
        }
        drop(inner);
        runtime.map(|runtime| runtime.spawn(Runner::new(self.clone(), store.clone()).run()));
        self.changed.notify_one();
        Ok(changed)
    }

    /// The runner has ended. Called under the lock.
    pub(super) fn stopped_running(&self) {
        self.is_running.send_replace(false);
    }

    /// Notes that the runner has looked for events.
    pub(super) fn has_looked(&self) {
        self.has_looked.send_if_modified(|has_looked| !std::mem::replace(has_looked, true));
    }

    /// Waits until the runner has looked for events since it began.
    pub(super) async fn looked(&self) {
        // It can not fail: the sender lives as long as this does.
        drop(self.has_looked.subscribe().wait_for(|has_looked| *has_looked).await);
    }

    /// Waits until a version is durable.
    pub(super) async fn durable(&self, store: &Store, version: u64) -> Result<(), Error> {
        let (mut flushed, mut is_running) = (self.flushed.subscribe(), self.is_running.subscribe());
        tokio::select! {
            biased;
            // It can not fail: the sender lives as long as this does.
            _ = flushed.wait_for(|flushed| *flushed >= version) => Ok(()),
            () = store.stopped() => Err(store.why_gone()),
            // A runner leaves nothing undone, unless it fails or the group is deleted.
            _ = is_running.wait_for(|is_running| !is_running) => {
                let is_durable = *self.flushed.borrow() >= version;
                if is_durable { Ok(()) } else { Err(self.why_ended().unwrap_or_else(|| store.why_gone())) }
            }
        }
    }

    /// Why nobody moves the group any more; `None` when there was nothing left to do.
    pub(super) fn why_ended(&self) -> Option<Error> {
        let inner = self.lock();
        if inner.is_deleted { Some(Error::GroupNotFound(self.name.clone())) } else { inner.failure.clone() }
    }

    /// Ends all members and waits until nothing is noted any more.
    pub(super) async fn end(&self) {
        {
            let mut inner = self.lock();
            inner.is_deleted = true;
            inner.deliveries.members.end(&Error::GroupNotFound(self.name.clone()));
        }
        self.changed.notify_one();
        let mut is_running = self.is_running.subscribe();
        drop(is_running.wait_for(|is_running| !is_running).await);
    }

    /// Lets a member in that listens all the time.
    pub(super) fn join(self: &Arc<Self>, store: &Arc<Store>, member: &GivenName, credits: usize) -> Result<Ear, Error> {
        let ear = self.change(store, |inner| inner.deliveries.members.join(member, credits))?;
        ear.ok_or_else(|| Error::MemberExists(self.name.clone(), member.clone()))
    }

    /// Lets a member ask for events. It gets at once what is there.
    pub(super) fn ask(
        self: &Arc<Self>,
        store: &Arc<Store>,
        member: &GivenName,
        most: usize,
    ) -> Result<oneshot::Receiver<Vec<super::Delivery>>, Error> {
        let (sender, receiver) = oneshot::channel();
        let ask = |inner: &mut Inner| {
            let is_in = inner.deliveries.members.ask(member, most, sender);
            inner.deliveries.deliver(Instant::now());
            is_in
        };
        if !self.change(store, ask)? {
            return Err(Error::MemberExists(self.name.clone(), member.clone()));
        }
        Ok(receiver)
    }

    /// Settles deliveries of a member that asks; also returns the version that must be durable for that. One that
    /// is listening has a serial number, and is told later; nothing is settled that comes after its end.
    pub(super) fn settle(
        self: &Arc<Self>,
        store: &Arc<Store>,
        member: &GivenName,
        listening: Option<(u64, OwnedSemaphorePermit)>,
        outcomes: Vec<(Position, Outcome)>,
    ) -> Result<(u64, Settled), Error> {
        let (now, time) = (Instant::now(), store.clock.now());
        self.change(store, |inner| {
            if listening.as_ref().is_some_and(|(serial, _)| !inner.deliveries.members.is_there(member, *serial)) {
                return (inner.version, Settled::default());
            }
            let mut settled: Settled = (Vec::new(), Vec::new());
            for (position, outcome) in outcomes {
                match inner.deliveries.settle(member, position, outcome, now, time) {
                    Ok(()) => settled.0.push(position),
                    Err(why) => settled.1.push((position, why)),
                }
            }
            let version = if settled.0.is_empty() { inner.version } else { inner.touch() };
            if let Some((_, permit)) = listening {
                inner.to_tell.push_back((version, member.clone(), std::mem::take(&mut settled), permit));
            }
            (version, settled)
        })
    }

    /// The version of the present state, how far it has read, the parked events that came or went since, and the
    /// notes that make all of it durable.
    pub(super) fn notes(&self) -> (u64, Position, BTreeSet<Position>, Vec<Note>) {
        let mut inner = self.lock();
        let parked = std::mem::take(&mut inner.deliveries.parked_changed);
        let notes = progress::notes(&self.name, &inner.deliveries, &parked);
        (inner.version, inner.deliveries.read, parked, notes)
    }

    /// A version is durable: whoever waits for it hears of it.
    pub(super) fn noted(&self, version: u64) {
        let mut inner = self.lock();
        self.flushed.send_replace(version);
        Self::tell(&mut inner, version);
    }

    /// Tells members of settlements that are durable at `version`.
    pub(super) fn tell(inner: &mut Inner, version: u64) {
        while let Some((_, member, settled, permit)) = inner.to_tell.pop_front_if(|(needed, ..)| *needed <= version) {
            inner.deliveries.members.tell(&member, Told::Settled(settled, permit));
        }
        let Inner { to_tell, deliveries, .. } = inner;
        deliveries.members.let_go(|member| to_tell.iter().any(|(_, waiting, ..)| waiting == member));
    }

    /// The version that is durable.
    pub(super) fn durable_version(&self) -> u64 {
        *self.flushed.borrow()
    }
}
