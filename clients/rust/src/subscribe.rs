//! What to follow, and the calls that start following.
//!
//! Owns the requests [`SubscribeAll`] and [`SubscribeStream`]. The calls return once the first message
//! is there: from then on the place in the log is known, and nothing appended later can be
//! missed. What follows is in `subscription.rs`.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::cursor::{Cursor, Followed};
use crate::feed::Feed;
use crate::subscription::Subscription;
use crate::{Client, Error, Query, RetryPolicy};

/// Three heartbeat intervals of a server with default settings.
pub(crate) const SILENCE_TIMEOUT: Duration = Duration::from_secs(45);

/// What both kinds of subscription can be told.
#[derive(Clone, Copy, Debug)]
struct Settings {
    cursor: Cursor,
    retry: RetryPolicy,
    silence: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { cursor: Cursor::Start, retry: RetryPolicy::forever(), silence: SILENCE_TIMEOUT }
    }
}

/// A subscription to the whole log, from its start unless said otherwise.
#[derive(Clone, Debug, Default)]
pub struct SubscribeAll {
    settings: Settings,
    include_system: bool,
    query: Option<Query>,
}

/// A subscription to one stream, from its start unless said otherwise.
#[derive(Clone, Debug)]
pub struct SubscribeStream {
    settings: Settings,
    stream: String,
    types: Vec<String>,
}

impl SubscribeAll {
    /// A subscription to the whole log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins with the first event after this position, exclusive; 0 is the start.
    #[must_use]
    pub fn after_position(mut self, position: u64) -> Self {
        self.settings.cursor = Cursor::After(position);
        self
    }

    /// Begins with the first event recorded at this time or later.
    #[must_use]
    pub fn from_time(mut self, time: DateTime<Utc>) -> Self {
        self.settings.cursor = Cursor::Time(time);
        self
    }

    /// Only events that match. What does not match is passed over; checkpoints and heartbeats tell how far.
    #[must_use]
    pub fn query(mut self, query: Query) -> Self {
        self.query = Some(query);
        self
    }

    /// Also events of system streams, whose names start with `$`.
    #[must_use]
    pub fn include_system(mut self) -> Self {
        self.include_system = true;
        self
    }
}

impl SubscribeStream {
    /// A subscription to this stream, which need not exist yet.
    pub fn new(stream: impl Into<String>) -> Self {
        Self { settings: Settings::default(), stream: stream.into(), types: Vec::new() }
    }

    /// Begins with the first event after this revision, exclusive.
    #[must_use]
    pub fn after_revision(mut self, revision: u64) -> Self {
        self.settings.cursor = Cursor::After(revision);
        self
    }

    /// Only events of these types, and of those named before.
    #[must_use]
    pub fn types<T: Into<String>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
        self.types.extend(types.into_iter().map(Into::into));
        self
    }
}

/// How both kinds of subscription are set.
macro_rules! settings {
    ($subscribe:ident) => {
        impl $subscribe {
            /// Begins with the first event appended from now on.
            #[must_use]
            pub fn from_end(mut self) -> Self {
                self.settings.cursor = Cursor::End;
                self
            }

            /// How it reconnects after a break; forever by default.
            #[must_use]
            pub fn retry(mut self, policy: RetryPolicy) -> Self {
                self.settings.retry = policy;
                self
            }

            /// The longest silence that is not taken for a break; 45 s by default, three times the
            /// server's heartbeat interval.
            #[must_use]
            pub fn silence_timeout(mut self, timeout: Duration) -> Self {
                self.settings.silence = timeout;
                self
            }
        }
    };
}

settings!(SubscribeAll);
settings!(SubscribeStream);

impl Client {
    /// Follows the whole log. Returns when the first message is there; until then it is retried as
    /// any call is. [`Error::BeyondEnd`] when the position lies beyond the head.
    pub async fn subscribe_all(&self, subscribe: SubscribeAll) -> Result<Subscription, Error> {
        let SubscribeAll { settings, include_system, query } = subscribe;
        let followed = Followed::Log { include_system, query };
        self.follow(followed, settings).await
    }

    /// Follows one stream likewise. [`Error::BeyondEnd`] when the revision lies beyond its last.
    pub async fn subscribe_stream(&self, subscribe: SubscribeStream) -> Result<Subscription, Error> {
        let SubscribeStream { mut settings, stream: name, types } = subscribe;
        if settings.cursor == Cursor::End {
            // No signal tells the stream's revision, so a break before the first event would lose the
            // place: the end is looked up instead of asked for.
            let stream = self.stream(&name).await?;
            settings.cursor = stream.and_then(|it| it.head_revision).map_or(Cursor::Start, Cursor::After);
        }
        self.follow(Followed::Stream { name, types }, settings).await
    }

    async fn follow(&self, followed: Followed, settings: Settings) -> Result<Subscription, Error> {
        let Settings { cursor, retry, silence } = settings;
        let opened = self.retry(|| Feed::open(self, &followed, cursor, silence)).await?;
        Ok(Subscription::new(self.clone(), followed, cursor, opened, (retry, silence)))
    }
}
