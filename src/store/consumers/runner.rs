//! What moves a group: reads the log for it, hands events out, minds the time, and makes settlements durable.
//!
//! ```text
//!   look at what is due, hand out what is ready
//!   wait for a change, a page of the log, a timer, or the notes that are being written
//! ```
//!
//! Settlements of many members are noted together: while one note is written, the next gathers.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep_until};

use super::group::Group;
use crate::log::StoredEvent;
use crate::model::Position;
use crate::store::read::Reader;
use crate::store::subscription::{Message, Start, Subscription};
use crate::store::{Error, Store};

/// How far apart notes of one group are at least.
const NOTES_APART: Duration = Duration::from_millis(10);

/// How long to wait after notes were refused, as when the disk is full.
const NOTES_AGAIN: Duration = Duration::from_millis(500);

/// How much of the log is read at once, in bytes.
const PAGE_BYTES: usize = 256 << 10;

/// How many events are fetched at once that were left unsettled.
const FETCHED_AT_ONCE: usize = 256;

/// How far reading may get without anything to settle before that is noted.
const PASSED_MAX: u64 = 100_000;

/// What a piece of reading brings.
enum Read {
    /// Events that were left unsettled, with their tries.
    Left(Vec<(StoredEvent, u32)>),
    /// What a subscription says, and the subscription.
    Next(Box<Subscription>, Result<Message, Error>),
}

/// What became of notes, and the version that they hold.
type Noted = (u64, Result<(), Error>);

/// A runner.
pub(super) struct Runner {
    group: Arc<Group>,
    store: Arc<Store>,
    /// Which beginning of the group the reading is for.
    generation: u64,
    reading: Option<BoxFuture<'static, Result<Read, Error>>>,
    /// Whether what is being read are events that were left.
    is_fetching: bool,
    subscription: Option<Box<Subscription>>,
    /// Read already, for when there is room.
    ahead: VecDeque<StoredEvent>,
    /// Everything up to here was read, with what is ahead.
    ahead_until: Position,
    noting: Option<BoxFuture<'static, Noted>>,
    /// The parked events among these notes.
    parked_noting: BTreeSet<Position>,
    /// Whether something was read since this runner began.
    has_read: bool,
    next_notes: Instant,
    noted_read: Position,
}

/// What to wait for.
struct Wait {
    timer: Option<Instant>,
    is_done: bool,
}

impl Runner {
    pub(super) fn new(group: Arc<Group>, store: Arc<Store>) -> Self {
        let (generation, read) = {
            let inner = group.lock();
            (inner.generation, inner.deliveries.read)
        };
        Self {
            group,
            store,
            generation,
            reading: None,
            is_fetching: false,
            subscription: None,
            ahead: VecDeque::new(),
            ahead_until: read,
            noting: None,
            parked_noting: BTreeSet::new(),
            has_read: false,
            next_notes: Instant::now(),
            noted_read: read,
        }
    }

    /// Runs until nobody takes part and everything is noted, or the store stops.
    pub(super) async fn run(mut self) {
        loop {
            let wait = match self.step() {
                Ok(wait) if wait.is_done => return,
                Ok(wait) => wait,
                Err(error) => return self.give_up(&error),
            };
            if let Err(error) = self.wait(wait.timer).await {
                return self.give_up(&error);
            }
        }
    }

    /// Does what is due, and says what to wait for.
    fn step(&mut self) -> Result<Wait, Error> {
        self.store.check_serving()?;
        let (now, time) = (Instant::now(), self.store.clock.now());
        let group = self.group.clone();
        let mut inner = group.lock();
        if inner.generation != self.generation {
            self.generation = inner.generation;
            (self.reading, self.is_fetching, self.subscription) = (None, false, None);
            self.ahead.clear();
            self.ahead_until = inner.deliveries.read;
        }
        inner.deliveries.pass(now, time);
        inner.deliveries.members.drop_gone();
        while inner.deliveries.room() > 0
            && let Some(event) = self.ahead.pop_front()
        {
            inner.deliveries.take_in(event, 0);
        }
        if self.ahead.is_empty() {
            inner.deliveries.read = inner.deliveries.read.max(self.ahead_until);
        }
        inner.deliveries.deliver(now);
        let durable = group.durable_version();
        let has_passed = inner.deliveries.read.0.saturating_sub(self.noted_read.0) > PASSED_MAX;
        if (has_passed || !inner.deliveries.parked_changed.is_empty()) && inner.version == durable {
            inner.touch();
        }
        Group::tell(&mut inner, durable);

        let is_dirty = inner.version > durable;
        let is_idle = inner.deliveries.members.is_empty() && self.noting.is_none();
        if is_idle && (!is_dirty || inner.is_deleted) {
            group.stopped_running();
            return Ok(Wait { timer: None, is_done: true });
        }
        let wants = !inner.deliveries.is_paused && !inner.deliveries.members.is_empty() && self.ahead.is_empty();
        let room = inner.deliveries.room();
        let wants = wants && room > 0;
        // What is being fetched already is not asked for again.
        let left = if wants && !self.is_fetching { room.min(FETCHED_AT_ONCE) } else { 0 };
        let left: Vec<_> = inner.deliveries.unfetched.iter().take(left).map(|(at, tries)| (*at, *tries)).collect();
        let timer = inner.deliveries.next_timer();
        let notes_due = (is_dirty && self.noting.is_none()).then_some(self.next_notes);
        drop(inner);

        if !left.is_empty() {
            // What is under way may wait for long. What it has not brought yet is read again.
            self.reading = None;
        }
        if wants && self.reading.is_none() {
            self.read(left)?;
        }
        if self.has_read || !wants {
            self.group.has_looked();
        }
        if notes_due.is_some_and(|due| due <= now) {
            self.note(now);
        }
        let notes_due = notes_due.filter(|due| *due > now);
        Ok(Wait { timer: timer.into_iter().chain(notes_due).min(), is_done: false })
    }

    async fn wait(&mut self, timer: Option<Instant>) -> Result<(), Error> {
        let far = Instant::now() + Duration::from_secs(3600);
        tokio::select! {
            () = self.group.changed.notified() => {}
            () = sleep_until(timer.unwrap_or(far)) => {}
            () = self.store.stopped() => return Err(self.store.why_gone()),
            read = reading(&mut self.reading) => self.take_in(read?)?,
            noted = noting(&mut self.noting) => self.noted(noted)?,
        }
        Ok(())
    }

    /// Begins to read: what was left first, then what follows.
    fn read(&mut self, left: Vec<(Position, u32)>) -> Result<(), Error> {
        self.is_fetching = !left.is_empty();
        if self.is_fetching {
            let reader = self.store.reader.clone();
            let fetch = move |reader: &Reader| {
                let (mut fetched, mut bytes) = (Vec::new(), 0);
                for (at, tries) in left {
                    let event = reader.event_at(at)?;
                    bytes += event.bytes().len();
                    fetched.push((event, tries));
                    if bytes >= PAGE_BYTES {
                        break;
                    }
                }
                Ok(Read::Left(fetched))
            };
            self.reading = Some(async move { reader.aside(fetch).await }.boxed());
            return Ok(());
        }
        let mut subscription = match self.subscription.take() {
            Some(subscription) => subscription,
            None => {
                let query = self.group.lock().deliveries.settings.query.clone();
                let start = Start::After(self.ahead_until.0);
                Box::new(self.store.subscribe(query, start, PAGE_BYTES, Duration::from_secs(15))?)
            }
        };
        let next = async move {
            let message = subscription.next().await;
            Ok(Read::Next(subscription, message))
        };
        self.reading = Some(next.boxed());
        Ok(())
    }

    fn take_in(&mut self, read: Read) -> Result<(), Error> {
        let group = self.group.clone();
        let mut inner = group.lock();
        self.is_fetching = false;
        if inner.generation != self.generation {
            return Ok(());
        }
        self.has_read = true;
        match read {
            Read::Left(events) => {
                for (event, tries) in events {
                    // It may have been settled meanwhile, by a member from before the group began again.
                    if inner.deliveries.unfetched.contains_key(&event.position()) {
                        inner.deliveries.take_in(event, tries);
                    }
                }
            }
            Read::Next(subscription, message) => {
                self.subscription = Some(subscription);
                match message? {
                    Message::Events(events) => {
                        self.ahead_until = events.last().map_or(self.ahead_until, StoredEvent::position);
                        self.ahead.extend(events);
                    }
                    Message::CaughtUp(position) | Message::Checkpoint(position) | Message::Heartbeat(position) => {
                        self.ahead_until = self.ahead_until.max(position);
                    }
                    Message::FellBehind { .. } => {}
                }
            }
        }
        Ok(())
    }

    fn note(&mut self, now: Instant) {
        let (version, read, parked, notes) = self.group.notes();
        (self.noted_read, self.parked_noting) = (read, parked);
        self.next_notes = now + NOTES_APART;
        let store = self.store.clone();
        self.noting = Some(async move { (version, store.note(notes).await) }.boxed());
    }

    fn noted(&mut self, (version, noted): Noted) -> Result<(), Error> {
        match noted {
            Ok(()) => {
                self.parked_noting.clear();
                self.group.noted(version);
            }
            Err(Error::DiskFull | Error::QueueFull) => {
                self.group.lock().deliveries.parked_changed.append(&mut self.parked_noting);
                self.next_notes = Instant::now() + NOTES_AGAIN;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Ends: the store stops, or the log can not be read.
    fn give_up(mut self, error: &Error) {
        if !matches!(error, Error::ShuttingDown) {
            let error = error as &dyn std::error::Error;
            tracing::error!(group = %self.group.name, error, "a consumer group stops");
        }
        let mut inner = self.group.lock();
        inner.deliveries.members.end(error);
        // Whether they were noted is not known.
        inner.deliveries.parked_changed.append(&mut self.parked_noting);
        inner.failure = Some(error.clone());
        self.group.stopped_running();
    }
}

/// The next piece of reading, if some is under way.
async fn reading(under_way: &mut Option<BoxFuture<'static, Result<Read, Error>>>) -> Result<Read, Error> {
    let Some(reading) = under_way else { return std::future::pending().await };
    let read = reading.await;
    *under_way = None;
    read
}

/// What became of notes, if some are being written.
async fn noting(under_way: &mut Option<BoxFuture<'static, Noted>>) -> Noted {
    let Some(noting) = under_way else { return std::future::pending().await };
    let noted = noting.await;
    *under_way = None;
    noted
}
