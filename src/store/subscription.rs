//! The one loop behind every subscription.
//!
//! Catching up and following live are the same step, repeated: read what lies in `(cursor, head]`,
//! move the cursor, and wait for the head when nothing is left. There is no handover between the two,
//! so there is none to get wrong. What differs is only where a page comes from: the ring of recent
//! blocks when it reaches back far enough, else the segments.
//!
//! A subscriber that does not read costs its own page and nothing else: nobody waits for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::Error;
use super::read::PageSize;
use super::store::{Condition, Store};
use crate::log::StoredEvent;
use crate::model::{Position, Revision, StreamName};

/// How many events may be passed over before a checkpoint says so.
const SKIPPED_MAX: u64 = 10_000;

/// What is followed.
#[derive(Debug, Clone)]
pub enum Subscribed {
    /// The whole log.
    All {
        /// Also events of system streams.
        include_system: bool,
    },
    /// One stream.
    Stream(StreamName),
}

/// Where a subscription begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With the first event.
    Beginning,
    /// With the next event.
    End,
    /// After this position, or revision if one stream is followed.
    After(u64),
}

/// What a subscriber is told.
#[derive(Debug)]
pub enum Message {
    /// The next events.
    Events(Vec<StoredEvent>),
    /// Everything up to here was delivered; what follows is live.
    CaughtUp(Position),
    /// The subscriber was too slow for the ring and is served from disk.
    FellBehind {
        /// How far it was served.
        position: Position,
        /// Where the log ends.
        head: Position,
    },
    /// Everything up to here was delivered or did not match.
    Checkpoint(Position),
    /// Nothing happened for a while.
    Heartbeat(Position),
}

/// A subscription.
#[derive(Debug)]
pub struct Subscription {
    store: Arc<Store>,
    to: Subscribed,
    head: watch::Receiver<Position>,
    condition: watch::Receiver<Condition>,
    page_bytes: usize,
    heartbeat: Duration,
    /// The last position that was delivered or passed.
    cursor: Position,
    /// The next revision, when one stream is followed.
    next_revision: Revision,
    /// The last position that the subscriber knows of.
    told: Position,
    is_live: bool,
    quiet_since: Instant,
}

impl Subscription {
    pub(super) fn new(
        store: Arc<Store>,
        to: Subscribed,
        start: Start,
        page_bytes: usize,
        heartbeat: Duration,
    ) -> Result<Self, Error> {
        store.check_serving()?;
        let head = store.head.clone();
        let now = *head.borrow();
        let (cursor, next_revision) = match (&to, start) {
            (Subscribed::All { .. }, Start::Beginning) => (Position::ZERO, Revision::FIRST),
            (Subscribed::All { .. }, Start::End) => (now, Revision::FIRST),
            (Subscribed::All { .. }, Start::After(position)) if position > now.0 => {
                return Err(Error::BeyondEnd { asked: position, last: Some(now.0) });
            }
            (Subscribed::All { .. }, Start::After(position)) => (Position(position), Revision::FIRST),
            (Subscribed::Stream(name), start) => (Position::ZERO, next_revision(&store, name, start, now)?),
        };
        Ok(Self {
            condition: store.condition(),
            store,
            to,
            head,
            page_bytes,
            heartbeat,
            cursor,
            next_revision,
            told: cursor,
            is_live: false,
            quiet_since: Instant::now(),
        })
    }

    /// Waits for the next thing to say.
    ///
    /// # Errors
    /// Ends the subscription: the store stops, or stored data is damaged.
    pub async fn next(&mut self) -> Result<Message, Error> {
        let message = self.step().await;
        self.quiet_since = Instant::now();
        message
    }

    async fn step(&mut self) -> Result<Message, Error> {
        loop {
            self.store.check_serving()?;
            let head = *self.head.borrow_and_update();
            if self.cursor < head {
                let Some(page) = self.live_page(head) else {
                    if std::mem::take(&mut self.is_live) {
                        return Ok(Message::FellBehind { position: self.cursor, head });
                    }
                    let page = self.stored_page(head).await?;
                    if !page.is_empty() {
                        return Ok(Message::Events(page));
                    }
                    continue;
                };
                if !page.is_empty() {
                    return Ok(Message::Events(page));
                }
                if self.cursor.0 - self.told.0 >= SKIPPED_MAX && matches!(self.to, Subscribed::All { .. }) {
                    self.told = self.cursor;
                    return Ok(Message::Checkpoint(self.cursor));
                }
                continue;
            }
            if !std::mem::replace(&mut self.is_live, true) {
                self.told = self.cursor;
                return Ok(Message::CaughtUp(self.cursor));
            }
            tokio::select! {
                changed = self.head.changed() => if changed.is_err() { return Err(self.store.why_gone()) },
                changed = self.condition.changed() => if changed.is_err() { return Err(self.store.why_gone()) },
                () = sleep_until(self.quiet_since + self.heartbeat) => {
                    self.told = self.cursor;
                    return Ok(Message::Heartbeat(self.cursor));
                }
            }
        }
    }

    /// The next events out of the ring, without those that do not match; `None` when it does not reach
    /// back to the cursor. A stream is caught up from its own list first.
    fn live_page(&mut self, head: Position) -> Option<Vec<StoredEvent>> {
        if matches!(self.to, Subscribed::Stream(_)) && !self.is_live {
            return None;
        }
        let mut page = self.store.recent.after(self.cursor, head, self.page_bytes)?;
        self.cursor = page.last().map_or(self.cursor, StoredEvent::position);
        match &self.to {
            Subscribed::All { include_system: true } => {}
            Subscribed::All { include_system: false } => page.retain(|event| !event.is_system()),
            Subscribed::Stream(name) => page.retain(|event| event.stream() == name.as_str()),
        }
        self.deliver(&page);
        Some(page)
    }

    /// The next events from the segments.
    async fn stored_page(&mut self, head: Position) -> Result<Vec<StoredEvent>, Error> {
        let reader = self.store.reader.clone();
        let size = PageSize { bytes: self.page_bytes, events: usize::MAX };
        let (to, from, revision) = (self.to.clone(), self.cursor.next(), self.next_revision);
        let read = move || match &to {
            Subscribed::All { .. } => reader.log_forwards(from, head, size),
            Subscribed::Stream(name) => reader.stream_forwards(name, revision, head, size),
        };
        let mut page = tokio::task::spawn_blocking(read).await.map_err(Error::internal)??;
        self.cursor = match &self.to {
            // A stream's page skips the rest of the log; an empty one means that nothing is left.
            Subscribed::Stream(_) if page.is_empty() => head,
            Subscribed::All { .. } | Subscribed::Stream(_) => page.last().map_or(head, StoredEvent::position),
        };
        if let Subscribed::All { include_system: false } = self.to {
            page.retain(|event| !event.is_system());
        }
        self.deliver(&page);
        Ok(page)
    }

    fn deliver(&mut self, page: &[StoredEvent]) {
        let Some(last) = page.last() else { return };
        self.told = last.position();
        if matches!(self.to, Subscribed::Stream(_)) {
            assert_eq!(page[0].revision(), self.next_revision, "revisions are dense");
            self.next_revision = Revision::following(Some(last.revision()));
        }
    }
}

/// The revision that a subscription to one stream begins with.
fn next_revision(store: &Store, stream: &StreamName, start: Start, head: Position) -> Result<Revision, Error> {
    if start == Start::Beginning {
        return Ok(Revision::FIRST);
    }
    let last = store.reader.stream_head_at(stream, head)?.map(|head| head.revision);
    match start {
        Start::After(revision) if last.is_none_or(|last| revision > last.0) => {
            Err(Error::BeyondEnd { asked: revision, last: last.map(|last| last.0) })
        }
        Start::After(revision) => Ok(Revision(revision + 1)),
        Start::Beginning | Start::End => Ok(Revision::following(last)),
    }
}
