//! Events as a client proposes them.
//!
//! Owns [`NewEvent`]. The id is made with the value, before any try to append it: that is what makes
//! a retried append recognisable. The server checks sizes and characters, not this file.

use std::collections::HashMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::{Error, proto, timestamp};

/// An event to append.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// Identifies the event; two events of one store never share it.
    pub id: Uuid,
    /// What happened, such as `OrderPlaced`.
    pub event_type: String,
    /// The payload, opaque to the store.
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
    /// Labels to find the event by, `key:value` by convention.
    pub tags: Vec<String>,
    /// When it happened in the world, if that is not when it is recorded.
    pub occurred_at: Option<DateTime<Utc>>,
}

impl NewEvent {
    /// An event with a new, time-ordered (version 7) id.
    pub fn new(event_type: impl Into<String>, data: impl Into<Bytes>) -> Self {
        Self {
            id: Uuid::now_v7(),
            event_type: event_type.into(),
            data: data.into(),
            content_type: String::new(),
            metadata: HashMap::new(),
            schema_version: String::new(),
            correlation_id: String::new(),
            causation_id: String::new(),
            tags: Vec::new(),
            occurred_at: None,
        }
    }

    /// An event with a payload in JSON. [`Error::Json`] when the payload has no JSON form.
    pub fn json(event_type: impl Into<String>, payload: &impl Serialize) -> Result<Self, Error> {
        Ok(Self::new(event_type, serde_json::to_vec(payload).map_err(Error::Json)?))
    }

    /// Sets the id.
    #[must_use]
    pub fn with_id(mut self, id: Uuid) -> Self {
        self.id = id;
        self
    }

    /// Sets the media type of the payload.
    #[must_use]
    pub fn with_content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = content_type.into();
        self
    }

    /// Adds one metadata pair; a pair of the same key is replaced.
    #[must_use]
    pub fn with_metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// Sets the version of the payload's shape.
    #[must_use]
    pub fn with_schema_version(mut self, schema_version: impl Into<String>) -> Self {
        self.schema_version = schema_version.into();
        self
    }

    /// Sets the correlation id.
    #[must_use]
    pub fn with_correlation_id(mut self, correlation_id: impl Into<String>) -> Self {
        self.correlation_id = correlation_id.into();
        self
    }

    /// Sets the causation id.
    #[must_use]
    pub fn with_causation_id(mut self, causation_id: impl Into<String>) -> Self {
        self.causation_id = causation_id.into();
        self
    }

    /// Adds one tag.
    #[must_use]
    pub fn with_tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Adds tags.
    #[must_use]
    pub fn with_tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.tags.extend(tags.into_iter().map(Into::into));
        self
    }

    /// Sets the business time.
    #[must_use]
    pub fn occurred_at(mut self, time: DateTime<Utc>) -> Self {
        self.occurred_at = Some(time);
        self
    }
}

impl From<NewEvent> for proto::NewEvent {
    fn from(event: NewEvent) -> Self {
        Self {
            id: event.id.to_string(),
            r#type: event.event_type,
            data: event.data,
            content_type: event.content_type,
            metadata: event.metadata,
            schema_version: event.schema_version,
            correlation_id: event.correlation_id,
            causation_id: event.causation_id,
            tags: event.tags,
            occurred_at: event.occurred_at.map(timestamp::to_wire),
        }
    }
}
