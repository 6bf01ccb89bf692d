//! The one loop behind every subscription.
//!
//! Catching up and following live are the same step, repeated: read what lies in `(cursor, head]`,
//! move the cursor, and wait when nothing is left. There is no handover between the two, so there is none to
//! get wrong. What differs is only where a page comes from: the ring of recent blocks when it reaches back
//! far enough, else the segments.
//!
//! Whoever follows everything waits for the head. Whoever follows a query waits for its terms, and passes
//! everything else unread: the index says that nothing of it matches.
//!
//! A subscriber that does not read costs its own page and nothing else: nobody waits for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::Error;
use super::read::{PageSize, Reader};
use super::select::is_meant;
use super::store::{Condition, Store};
use super::watchers::Watch;
use crate::index::Plan;
use crate::log::StoredEvent;
use crate::model::{Position, Query, Revision, StreamName, Timestamp, Walk};
use crate::seeded::{Bug, is_planted};

/// How many events may be passed over before a checkpoint says so.
const SKIPPED_MAX: u64 = 10_000;

/// How many candidates are looked at in one go while live.
const CANDIDATES: usize = 1024;

/// Where a subscription begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With the first event.
    Beginning,
    /// With the next event.
    End,
    /// After this position, or revision if one stream is followed.
    After(u64),
    /// With the first event committed at this time or later.
    At(Timestamp),
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
    query: Arc<Query>,
    plan: Plan,
    /// Wakes for events that may match; `None` when every event must be looked at.
    watch: Option<Watch>,
    head: watch::Receiver<Position>,
    condition: watch::Receiver<Condition>,
    page_bytes: usize,
    heartbeat: Duration,
    /// The last position that was delivered or passed.
    cursor: Position,
    /// The last position that the subscriber knows of.
    told: Position,
    /// Whether positions are places to resume from: not where one stream is followed.
    tells_checkpoints: bool,
    is_live: bool,
    quiet_since: Instant,
}

impl Subscription {
    pub(super) fn new(
        store: Arc<Store>,
        query: Arc<Query>,
        cursor: Position,
        page_bytes: usize,
        heartbeat: Duration,
    ) -> Result<Self, Error> {
        store.check_serving()?;
        let plan = store.reader.index.plan(&query);
        let signs = plan.signs();
        let watch = (!signs.is_empty()).then(|| store.watchers.watch(signs));
        Ok(Self {
            condition: store.condition(),
            head: store.head.clone(),
            store,
            query,
            plan,
            watch,
            page_bytes,
            heartbeat,
            cursor,
            told: cursor,
            tells_checkpoints: true,
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
        let mut is_quiet = false;
        loop {
            self.store.check_serving()?;
            let head = *self.head.borrow_and_update();
            if self.cursor < head {
                let page = match self.live_page(head)? {
                    Some(page) => page,
                    None if std::mem::take(&mut self.is_live) => {
                        return Ok(Message::FellBehind { position: self.cursor, head });
                    }
                    None => self.stored_page(head).await?,
                };
                if let Some(last) = page.last() {
                    self.told = last.position();
                    return Ok(Message::Events(page));
                }
                if self.tells_checkpoints && self.cursor.0 - self.told.0 >= SKIPPED_MAX {
                    self.told = self.cursor;
                    return Ok(Message::Checkpoint(self.cursor));
                }
                continue;
            }
            if !std::mem::replace(&mut self.is_live, true) {
                self.told = self.cursor;
                return Ok(Message::CaughtUp(self.cursor));
            }
            if is_quiet {
                self.told = self.cursor;
                return Ok(Message::Heartbeat(self.cursor));
            }
            is_quiet = self.wait().await?;
        }
    }

    /// Waits until there may be something to say; true when it was quiet for too long.
    async fn wait(&mut self) -> Result<bool, Error> {
        let news = async {
            match &self.watch {
                Some(watch) => {
                    watch.woken().await;
                    Ok(())
                }
                None => self.head.changed().await,
            }
        };
        tokio::select! {
            news = news => news.map(|()| false).map_err(|_| self.store.why_gone()),
            changed = self.condition.changed() => changed.map(|()| false).map_err(|_| self.store.why_gone()),
            () = sleep_until(self.quiet_since + self.heartbeat) => Ok(true),
        }
    }

    /// The next events out of memory, without those that do not match; `None` when memory does not reach
    /// back to the cursor.
    fn live_page(&mut self, head: Position) -> Result<Option<Vec<StoredEvent>>, Error> {
        if self.watch.is_some() {
            return self.live_matches(head);
        }
        let Some(mut page) = self.store.recent.after(self.cursor, head, self.page_bytes) else { return Ok(None) };
        self.cursor = page.last().map_or(self.cursor, StoredEvent::position);
        page.retain(|event| is_meant(&self.query, event));
        Ok(Some(page))
    }

    /// Likewise, where the index says which events to look at.
    fn live_matches(&mut self, head: Position) -> Result<Option<Vec<StoredEvent>>, Error> {
        let index = &self.store.reader.index;
        let range = self.cursor.next()..=head;
        if !index.may_match(&self.plan, &range) {
            self.cursor = head;
            return Ok(Some(Vec::new()));
        }
        if !self.is_live || !index.is_in_memory(self.cursor.next()) {
            return Ok(None);
        }
        let Some(mut candidates) = index.candidates(&self.plan, &range, Walk::Forwards)? else {
            self.cursor = head;
            return Ok(Some(Vec::new()));
        };
        let (mut page, mut bytes) = (Vec::new(), 0);
        let found = candidates.next(CANDIDATES)?;
        let is_all = found.len() < CANDIDATES;
        for (position, _) in found {
            let Some(event) = self.store.recent.event(position) else {
                return Ok(Some(page).filter(|page| !page.is_empty()));
            };
            self.cursor = position;
            if is_meant(&self.query, &event) {
                bytes += event.bytes().len();
                page.push(event);
            }
            if bytes >= self.page_bytes {
                return Ok(Some(page));
            }
        }
        if is_all {
            self.cursor = candidates.beyond().before().min(head);
        }
        Ok(Some(page))
    }

    /// The next events from the segments.
    async fn stored_page(&mut self, head: Position) -> Result<Vec<StoredEvent>, Error> {
        let query = self.query.clone();
        let size = PageSize { bytes: self.page_bytes, events: usize::MAX };
        let range = self.cursor.next()..=head;
        let read = move |reader: &Reader| reader.select(&query, range, Walk::Forwards, size);
        let found = self.store.reader.aside(read).await?;
        let left_out = u64::from(is_planted(Bug::CursorOffByOne));
        self.cursor = found.rest.map_or(head, |rest| Position(rest.start().before().0 + left_out).min(head));
        Ok(found.events)
    }
}

impl Reader {
    /// Behind which position somebody begins, in a log that ends at `head`. Blocks on the disk when it is a time.
    ///
    /// # Errors
    /// [`Error::BeyondEnd`] when the start lies beyond the end.
    pub(super) fn cursor_at(&self, start: Start, head: Position) -> Result<Position, Error> {
        match start {
            Start::Beginning => Ok(Position::ZERO),
            Start::End => Ok(head),
            Start::After(position) if position > head.0 => {
                Err(Error::BeyondEnd { asked: position, last: Some(head.0) })
            }
            Start::After(position) => Ok(Position(position)),
            Start::At(time) => Ok(self.position_at(time, head)?.before()),
        }
    }
}

impl Store {
    /// Follows the events of the log that match. Blocks on the disk when it begins at a time.
    ///
    /// # Errors
    /// [`Error::BeyondEnd`] when the start lies beyond the end.
    pub fn subscribe(
        self: &Arc<Self>,
        query: Query,
        start: Start,
        page_bytes: usize,
        heartbeat: Duration,
    ) -> Result<Subscription, Error> {
        let cursor = self.reader.cursor_at(start, self.head())?;
        Subscription::new(self.clone(), Arc::new(query), cursor, page_bytes, heartbeat)
    }

    /// Follows the events of a stream that have one of these types, or any type. What the stream's life hides
    /// now is left out. Blocks on the disk.
    ///
    /// # Errors
    /// [`Error::BeyondEnd`] when the start lies beyond the end, [`Error::StreamGone`].
    pub fn subscribe_stream(
        self: &Arc<Self>,
        stream: StreamName,
        types: Vec<String>,
        start: Start,
        page_bytes: usize,
        heartbeat: Duration,
    ) -> Result<Subscription, Error> {
        let head = self.head();
        let cursor = self.stream_cursor(&stream, start, head)?;
        let query = Arc::new(Query::of_stream(stream, types));
        let subscription = Subscription::new(self.clone(), query, cursor, page_bytes, heartbeat)?;
        Ok(Subscription { tells_checkpoints: false, ..subscription })
    }

    fn stream_cursor(&self, stream: &StreamName, start: Start, head: Position) -> Result<Position, Error> {
        let last = self.reader.stream_head_at(stream, head)?.map(|head| head.revision);
        let from = match start {
            Start::After(revision) if last.is_none_or(|last| revision > last.0) => {
                return Err(Error::BeyondEnd { asked: revision, last: last.map(|last| last.0) });
            }
            Start::After(revision) => Revision(revision + 1),
            Start::Beginning | Start::At(_) | Start::End => Revision::FIRST,
        };
        let first = match self.reader.view(stream, head, self.clock.now()) {
            Ok(view) => from.max(view.first),
            Err(Error::StreamNotFound(_) | Error::StreamDeleted(_)) => return Ok(head),
            Err(error) => return Err(error),
        };
        if start == Start::End || last.is_none_or(|last| first > last) {
            return Ok(head);
        }
        let page = self.reader.stream_forwards(stream, first, head, PageSize::ONE)?;
        Ok(page.first().ok_or(Error::EventNotFound)?.position().before())
    }
}
