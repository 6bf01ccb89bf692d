//! Events as the store holds them.
//!
//! Owns [`RecordedEvent`] and its making from the wire, which is the inner loop of every read: text is
//! moved, the payload is shared with the message it came in, and only the id and the times are
//! parsed.

use std::collections::HashMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::{Error, proto, timestamp};

/// An event of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedEvent {
    /// Identifies the event.
    pub id: Uuid,
    /// The stream that the event belongs to.
    pub stream: String,
    /// The event's place in its stream; the first is 0, with no gaps.
    pub revision: u64,
    /// The event's place in the log of its tenant; the first is 1, with no gaps.
    pub position: u64,
    /// Server time of the commit. Never decreases along the log.
    pub recorded_at: DateTime<Utc>,
    /// What happened.
    pub event_type: String,
    /// The payload. It shares memory with the whole message it came in, about 1 MiB: copy it when
    /// few events are kept for long.
    pub data: Bytes,
    /// The media type of `data`. Empty means `application/json`.
    pub content_type: String,
    /// Free text pairs about the event.
    pub metadata: HashMap<String, String>,
    /// The version of the payload's shape. Empty means `1`.
    pub schema_version: String,
    /// Ties together all events of one business conversation. Empty when unset.
    pub correlation_id: String,
    /// The id of the message or event that led to this one. Empty when unset.
    pub causation_id: String,
    /// Labels to find the event by.
    pub tags: Vec<String>,
    /// When it happened in the world, if that was not when it was recorded.
    pub occurred_at: Option<DateTime<Utc>>,
}

impl RecordedEvent {
    /// The payload out of JSON. [`Error::Json`] when it is not JSON of that shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.data).map_err(Error::Json)
    }
}

impl TryFrom<proto::RecordedEvent> for RecordedEvent {
    type Error = Error;

    fn try_from(event: proto::RecordedEvent) -> Result<Self, Error> {
        let id = Uuid::try_parse(&event.id)
            .map_err(|_| Error::InvalidResponse(format!("event id {:?} is no uuid", event.id)))?;
        let revision =
            event.revision.ok_or_else(|| Error::InvalidResponse("an event's revision is missing".to_owned()))?;
        Ok(Self {
            id,
            stream: event.stream,
            revision,
            position: event.position,
            recorded_at: timestamp::required(event.recorded_at, "recorded_at")?,
            event_type: event.r#type,
            data: event.data,
            content_type: event.content_type,
            metadata: event.metadata,
            schema_version: event.schema_version,
            correlation_id: event.correlation_id,
            causation_id: event.causation_id,
            tags: event.tags,
            occurred_at: timestamp::optional(event.occurred_at, "occurred_at")?,
        })
    }
}

/// All events of a message, in its order.
pub(crate) fn all(events: Vec<proto::RecordedEvent>) -> Result<Vec<RecordedEvent>, Error> {
    events.into_iter().map(RecordedEvent::try_from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> proto::RecordedEvent {
        proto::RecordedEvent {
            id: "0190163d-8694-739b-aea5-966c26f8ad91".to_owned(),
            r#type: "OrderPlaced".to_owned(),
            data: Bytes::from_static(b"{\"total\":3}"),
            stream: "order-1".to_owned(),
            revision: Some(0),
            position: 7,
            recorded_at: Some(prost_types::Timestamp { seconds: 1, nanos: 2 }),
            ..Default::default()
        }
    }

    #[test]
    fn keeps_what_the_store_sent() {
        let event = RecordedEvent::try_from(sample()).expect("complete");
        assert_eq!((event.revision, event.position), (0, 7));
        assert_eq!(event.event_type, "OrderPlaced");
        let payload: serde_json::Value = event.json().expect("JSON");
        assert_eq!(payload["total"], 3);
    }

    #[test]
    fn refuses_an_incomplete_event() {
        let broken = [
            proto::RecordedEvent { id: "x".to_owned(), ..sample() },
            proto::RecordedEvent { revision: None, ..sample() },
            proto::RecordedEvent { recorded_at: None, ..sample() },
        ];
        for event in broken {
            let refused = RecordedEvent::try_from(event);
            assert!(matches!(refused, Err(Error::InvalidResponse(_))), "{refused:?}");
        }
    }
}
