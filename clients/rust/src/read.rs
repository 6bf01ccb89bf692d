//! What to read, and the calls that start reading.
//!
//! Owns the requests [`ReadStream`] and [`ReadAll`] and the reads of single events. The first answer
//! is awaited in the call, so that an error such as a missing stream comes from there, and retried
//! until then. What follows is in `reading.rs`.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::proto::get_event_request::Key;
use crate::proto::{Direction, End, Start, read_all_request, read_stream_request};
use crate::reading::{LogReading, StreamReading};
use crate::{Client, Error, Query, RecordedEvent, proto, timestamp};

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

    /// Only events of these types, and of those named before. The limit counts what is returned.
    #[must_use]
    pub fn types<T: Into<String>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
        self.request.types.extend(types.into_iter().map(Into::into));
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

    /// Begins with the first event recorded at this time or later; backwards, with the last one recorded
    /// at this time or before.
    #[must_use]
    pub fn from_time(mut self, time: DateTime<Utc>) -> Self {
        self.request.from = Some(read_all_request::From::FromTime(timestamp::to_wire(time)));
        self
    }

    /// Only events that match. The limit counts what is returned.
    #[must_use]
    pub fn query(mut self, query: Query) -> Self {
        self.request.query = Some(query.into());
        self
    }

    /// Also events of system streams, whose names start with `$`.
    #[must_use]
    pub fn include_system(mut self) -> Self {
        self.request.include_system = true;
        self
    }
}

/// What both kinds of read can be told.
macro_rules! extent {
    ($read:ident, $request:ident) => {
        impl $read {
            /// Begins before the first event. Not for reading backwards.
            #[must_use]
            pub fn from_start(mut self) -> Self {
                self.request.from = Some($request::From::Start(Start {}));
                self
            }

            /// Begins after the last event. Only for reading backwards.
            #[must_use]
            pub fn from_end(mut self) -> Self {
                self.request.from = Some($request::From::End(End {}));
                self
            }

            /// Newest first, from the end unless told where to begin.
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
        }
    };
}

extent!(ReadStream, read_stream_request);
extent!(ReadAll, read_all_request);

impl Client {
    /// Starts to read one stream as it is now, without what its metadata hides. [`Error::StreamNotFound`]
    /// when it has no event, [`Error::StreamDeleted`] or [`Error::StreamTombstoned`] when it was deleted,
    /// [`Error::BeyondEnd`] when the revision lies more than one past its last.
    pub async fn read_stream(&self, read: ReadStream) -> Result<StreamReading, Error> {
        self.retry(|| StreamReading::begin(self, &read.request)).await
    }

    /// Starts to read the whole log as it is now; nothing hides events of it. [`Error::BeyondEnd`] when
    /// the position lies more than one past the head.
    pub async fn read_all(&self, read: ReadAll) -> Result<LogReading, Error> {
        self.retry(|| LogReading::begin(self, &read.request)).await
    }

    /// The events that match, in order, and the head up to which that is all: what a decision needs that
    /// goes in with [`Guard::none_match`](crate::Guard::none_match) for what comes
    /// [`after`](crate::Guard::after) that head. A tenant that holds nothing has no event and the head 0.
    pub async fn read_with_head(&self, query: Query) -> Result<(Vec<RecordedEvent>, u64), Error> {
        let mut reading = match self.read_all(ReadAll::new().query(query)).await {
            Err(Error::TenantNotFound) => return Ok((Vec::new(), 0)),
            reading => reading?,
        };
        let mut events = Vec::new();
        while let Some(batch) = reading.next_batch().await {
            events.append(&mut batch?);
        }
        let head = reading.head().ok_or_else(|| Error::InvalidResponse("the head is missing".to_owned()))?;
        Ok((events, head))
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
            .and_then(|event| self.upcast(event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::QueryItem;

    #[test]
    fn a_read_of_the_log_says_which_events_and_from_when() {
        let time = "2011-03-01T00:00:00.5Z".parse().expect("a time");
        let query = Query::item(QueryItem::new().types(["A"]));
        let request = ReadAll::new().query(query.clone()).from_time(time).backwards().limit(3).request;
        let at = prost_types::Timestamp { seconds: 1_298_937_600, nanos: 500_000_000 };
        assert_eq!(request.from, Some(read_all_request::From::FromTime(at)));
        assert_eq!(request.query, Some(query.into()));
        assert_eq!((request.direction(), request.limit), (Direction::Backwards, 3));
    }

    #[test]
    fn a_read_of_a_stream_says_which_types() {
        let request = ReadStream::new("s").types(["A", "B"]).types(["C"]).from_end().backwards().request;
        assert_eq!(request.types, ["A", "B", "C"]);
        assert_eq!(request.from, Some(read_stream_request::From::End(End {})));
        assert_eq!(request.direction(), Direction::Backwards);
    }
}
