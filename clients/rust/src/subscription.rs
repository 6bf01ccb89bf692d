//! A subscription in progress.
//!
//! Owns [`Subscription`]: it hands out what comes, remembers where it has got to, and after a break
//! opens the call again from there, so its caller sees each event exactly once and in order. The
//! state of waiting and reconnecting lives in the value and not in the futures, so these can be
//! dropped at any time, in a `select!` for instance, without losing or delaying anything.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;
use std::vec;

use tokio::time::{self, Instant};

use crate::cursor::{Cursor, Followed};
use crate::feed::{self, Feed};
use crate::{Client, Error, RecordedEvent, RetryPolicy};

/// What a subscription delivers: events, or a signal. All positions are positions in the log.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// The next events, in order; never empty.
    Events(Vec<RecordedEvent>),
    /// Everything there is has been delivered; what follows is live.
    CaughtUp {
        /// The head at that moment.
        position: u64,
    },
    /// The subscriber is too slow for the live part and is served from disk for a while. Nothing is
    /// lost.
    FellBehind {
        /// The last position delivered or passed.
        position: u64,
        /// The head at that moment.
        head: u64,
    },
    /// Everything up to this position has been delivered or did not match.
    Checkpoint {
        /// A place to resume from.
        position: u64,
    },
    /// Nothing happened for a while; everything up to this position has been delivered or did not
    /// match.
    Heartbeat {
        /// The head at that moment.
        position: u64,
    },
    /// The connection broke and is there again. Nothing is lost.
    Reconnected,
}

type Opening = Pin<Box<dyn Future<Output = Result<(Feed, Message), Error>> + Send>>;

enum State {
    Live { feed: Box<Feed>, silent_at: Instant },
    Pausing { until: Instant },
    Opening(Opening),
    Ended,
}

/// A subscription to the log or to one stream. Dropping it ends it.
pub struct Subscription {
    client: Client,
    followed: Followed,
    cursor: Cursor,
    retry: RetryPolicy,
    silence: Duration,
    failures: u32,
    state: State,
    /// The first message of a call, while the caller has yet to be told of the reconnection.
    first: Option<Message>,
    events: vec::IntoIter<RecordedEvent>,
    /// Why the events behind those in hand cannot be lifted.
    failure: Option<Error>,
}

impl Subscription {
    pub(crate) fn new(
        client: Client,
        followed: Followed,
        cursor: Cursor,
        (feed, first): (Feed, Message),
        (retry, silence): (RetryPolicy, Duration),
    ) -> Self {
        Self {
            client,
            cursor: cursor.past(&first, &followed),
            followed,
            retry,
            silence,
            failures: 0,
            state: State::Live { feed: Box::new(feed), silent_at: Instant::now() + silence },
            first: Some(first),
            events: Vec::new().into_iter(),
            failure: None,
        }
    }

    /// The next message, for as long as it takes; breaks of the connection are mended underneath.
    ///
    /// An error ends the subscription: [`Error::Unavailable`] when the retry policy gives up,
    /// [`Error::BeyondEnd`] when the log was replaced by an older copy, [`Error::UpcastFailed`] when an
    /// upcaster fails, or any other. After it comes [`Error::Ended`].
    pub async fn next(&mut self) -> Result<Message, Error> {
        if self.events.len() > 0 {
            return Ok(Message::Events(std::mem::take(&mut self.events).collect()));
        }
        let message = self.next_stored().await?;
        self.lift(message)
    }

    /// The message with its events in the shapes of today, up to the first that cannot be lifted.
    fn lift(&mut self, message: Message) -> Result<Message, Error> {
        let Message::Events(events) = message else { return Ok(message) };
        let (lifted, failure) = self.client.upcasters.apply_all(events);
        match failure {
            Some(error) if lifted.is_empty() => {
                self.state = State::Ended;
                return Err(error);
            }
            failure => self.failure = failure,
        }
        Ok(Message::Events(lifted))
    }

    /// The next message with events as they are stored.
    async fn next_stored(&mut self) -> Result<Message, Error> {
        if let Some(error) = self.failure.take() {
            self.state = State::Ended;
            return Err(error);
        }
        if let Some(first) = self.first.take() {
            return Ok(first);
        }
        loop {
            match &mut self.state {
                State::Live { feed, silent_at } => {
                    let heard = time::timeout_at(*silent_at, feed.message()).await;
                    match heard.unwrap_or_else(|_| Err(feed::silent(self.silence))) {
                        Ok(message) => {
                            *silent_at = Instant::now() + self.silence;
                            self.cursor = self.cursor.past(&message, &self.followed);
                            return Ok(message);
                        }
                        Err(error) => self.broke(error)?,
                    }
                }
                State::Pausing { until } => {
                    time::sleep_until(*until).await;
                    self.state = State::Opening(self.opening());
                }
                State::Opening(opening) => match opening.await {
                    Ok((feed, first)) => {
                        self.failures = 0;
                        self.state = State::Live { feed: Box::new(feed), silent_at: Instant::now() + self.silence };
                        self.cursor = self.cursor.past(&first, &self.followed);
                        self.first = Some(first);
                        return Ok(Message::Reconnected);
                    }
                    Err(error) => self.broke(error)?,
                },
                State::Ended => return Err(Error::Ended),
            }
        }
    }

    /// The next event; signals are passed over. Errors as for [`next`](Self::next).
    pub async fn next_event(&mut self) -> Result<RecordedEvent, Error> {
        loop {
            if let Some(event) = self.events.next() {
                return Ok(event);
            }
            if let Message::Events(events) = self.next().await? {
                self.events = events.into_iter();
            }
        }
    }

    /// Takes note of a failure: a pause comes next, or the end.
    fn broke(&mut self, error: Error) -> Result<(), Error> {
        self.failures = self.failures.saturating_add(1);
        if !error.is_retryable() || !self.retry.allows(self.failures) {
            self.state = State::Ended;
            return Err(error);
        }
        let pause = self.retry.pause(self.failures);
        tracing::debug!(%error, failures = self.failures, ?pause, "the subscription broke, opening it again");
        self.state = State::Pausing { until: Instant::now() + pause };
        Ok(())
    }

    fn opening(&self) -> Opening {
        let (client, followed) = (self.client.clone(), self.followed.clone());
        let (cursor, silence) = (self.cursor, self.silence);
        Box::pin(async move { Feed::open(&client, &followed, cursor, silence).await })
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("followed", &self.followed)
            .field("cursor", &self.cursor)
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}
