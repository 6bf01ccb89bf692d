//! What to read, and the calls that start reading.
//!
//! Owns the requests [`ReadStream`] and [`ReadAll`] and the reads of single events. The first answer
//! is awaited in the call, so that an error such as a missing stream comes from there, and retried
//! until then. What follows is in `reading.rs`.

use uuid::Uuid;

use crate::proto::get_event_request::Key;
use crate::proto::{Direction, End, Start, read_all_request, read_stream_request};
use crate::reading::{LogReading, StreamReading};
use crate::{Client, Error, RecordedEvent, proto};

/// A read of one stream: from its start, forwards and without limit unless said otherwise.
#[derive(Clone, Debug)]
pub struct ReadStream {
    request: proto::ReadStreamRequest,
}

/// A read of the whole log: from its start, forwards and without limit unless said otherwise.
#[derive(Clone, Debug, Default)]
pub struct ReadAll {
    request: proto::ReadAllRequest,
}

impl ReadStream {
    /// A read of this stream.
    pub fn new(stream: impl Into<String>) -> Self {
        Self { request: proto::ReadStreamRequest { stream: stream.into(), ..Default::default() } }
    }

    /// Begins at this revision, inclusive.
    #[must_use]
    pub fn from_revision(mut self, revision: u64) -> Self {
        self.request.from = Some(read_stream_request::From::FromRevision(revision));
        self
    }

    /// Begins before the first event. Not for reading backwards.
    #[must_use]
    pub fn from_start(mut self) -> Self {
        self.request.from = Some(read_stream_request::From::Start(Start {}));
        self
    }

    /// Begins after the last event. Only for reading backwards.
    #[must_use]
    pub fn from_end(mut self) -> Self {
        self.request.from = Some(read_stream_request::From::End(End {}));
        self
    }

    /// Newest first, from the end unless a revision is given.
    #[must_use]
    pub fn backwards(mut self) -> Self {
        self.request.set_direction(Direction::Backwards);
        self
    }

    /// At most so many events; 0 means no limit.
    #[must_use]
    pub fn limit(mut self, events: u64) -> Self {
        self.request.limit = events;
        self
    }

    /// Begins with the newest snapshot, if there is one, and goes on with the event after it. Only
    /// for reading forwards without a place to begin.
    #[must_use]
    pub fn with_snapshot(mut self) -> Self {
        self.request.with_snapshot = true;
        self
    }
}

impl ReadAll {
    /// A read of the whole log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins at this position, inclusive.
    #[must_use]
    pub fn from_position(mut self, position: u64) -> Self {
        self.request.from = Some(read_all_request::From::FromPosition(position));
        self
    }

    /// Begins before the first event. Not for reading backwards.
    #[must_use]
    pub fn from_start(mut self) -> Self {
        self.request.from = Some(read_all_request::From::Start(Start {}));
        self
    }

    /// Begins after the last event. Only for reading backwards.
    #[must_use]
    pub fn from_end(mut self) -> Self {
        self.request.from = Some(read_all_request::From::End(End {}));
        self
    }

    /// Newest first, from the end unless a position is given.
    #[must_use]
    pub fn backwards(mut self) -> Self {
        self.request.set_direction(Direction::Backwards);
        self
    }

    /// At most so many events; 0 means no limit.
    #[must_use]
    pub fn limit(mut self, events: u64) -> Self {
        self.request.limit = events;
        self
    }

    /// Also events of system streams, whose names start with `$`.
    #[must_use]
    pub fn include_system(mut self) -> Self {
        self.request.include_system = true;
        self
    }
}

impl Client {
    /// Starts to read one stream as it is now. [`Error::StreamNotFound`] when it has no event,
    /// [`Error::BeyondEnd`] when the revision lies more than one past its last.
    pub async fn read_stream(&self, read: ReadStream) -> Result<StreamReading, Error> {
        self.retry(|| async {
            let request = self.request(read.request.clone());
            StreamReading::begin(self.events().read_stream(request).await?.into_inner()).await
        })
        .await
    }

    /// Starts to read the whole log as it is now. [`Error::BeyondEnd`] when the position lies more
    /// than one past the head.
    pub async fn read_all(&self, read: ReadAll) -> Result<LogReading, Error> {
        self.retry(|| async {
            let request = self.request(read.request.clone());
            LogReading::begin(self.events().read_all(request).await?.into_inner()).await
        })
        .await
    }

    /// The event of this id. [`Error::EventNotFound`] when there is none.
    pub async fn get_event_by_id(&self, id: Uuid) -> Result<RecordedEvent, Error> {
        self.get_event(Key::Id(id.to_string())).await
    }

    /// The event at this position. [`Error::EventNotFound`] when there is none.
    pub async fn get_event_at(&self, position: u64) -> Result<RecordedEvent, Error> {
        self.get_event(Key::Position(position)).await
    }

    async fn get_event(&self, key: Key) -> Result<RecordedEvent, Error> {
        let request = proto::GetEventRequest { key: Some(key) };
        self.call(Self::events, request, |mut api, request| async move { api.get_event(request).await })
            .await?
            .event
            .ok_or_else(|| Error::InvalidResponse("the event is missing".to_owned()))?
            .try_into()
    }
}
