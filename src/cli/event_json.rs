//! A recorded event as one line of JSON.
//!
//! Owns what `read`, `subscribe` and `export` print. Everything that is set is in the line, so `import`
//! can make an equal event of what `export` printed; see `event_line.rs` for the way back.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use quipu_client::RecordedEvent;
use serde::Serialize;
use serde_json::value::RawValue;

use super::payload;

/// An event as it is printed. What is not set is left out.
#[derive(Serialize)]
pub(super) struct EventJson<'a> {
    stream: &'a str,
    revision: u64,
    position: u64,
    id: String,
    #[serde(rename = "type")]
    event_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Cow<'a, RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_base64: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    content_type: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    schema_version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    correlation_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    causation_id: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    occurred_at: Option<DateTime<Utc>>,
    recorded_at: DateTime<Utc>,
}

impl<'a> EventJson<'a> {
    /// An event to look at: JSON is shown as JSON, on whatever lines it was written.
    pub(super) fn readable(event: &'a RecordedEvent) -> Self {
        Self::with(event, payload::readable(&event.data, &event.content_type))
    }

    /// An event to keep: the payload can be had back byte for byte.
    pub(super) fn exact(event: &'a RecordedEvent) -> Self {
        Self::with(event, payload::exact(&event.data, &event.content_type))
    }

    fn with(event: &'a RecordedEvent, payload: (Option<Cow<'a, RawValue>>, Option<String>)) -> Self {
        let (data, data_base64) = payload;
        Self {
            stream: &event.stream,
            revision: event.revision,
            position: event.position,
            id: event.id.to_string(),
            event_type: &event.event_type,
            data,
            data_base64,
            content_type: &event.content_type,
            metadata: event.metadata.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect(),
            schema_version: &event.schema_version,
            correlation_id: &event.correlation_id,
            causation_id: &event.causation_id,
            tags: &event.tags,
            occurred_at: event.occurred_at,
            recorded_at: event.recorded_at,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::HashMap;

    use uuid::Uuid;

    use super::*;

    pub(in crate::cli) fn sample() -> RecordedEvent {
        RecordedEvent {
            id: Uuid::from_u128(0x0190_163d_8694_739b_aea5_966c_26f8_ad91),
            stream: "order-1".to_owned(),
            revision: 0,
            position: 7,
            recorded_at: "2026-01-02T03:04:05.678Z".parse().expect("a time"),
            event_type: "OrderPlaced".to_owned(),
            data: r#"{"total":3.10}"#.into(),
            content_type: String::new(),
            metadata: HashMap::new(),
            schema_version: String::new(),
            correlation_id: String::new(),
            causation_id: String::new(),
            tags: Vec::new(),
            occurred_at: None,
        }
    }

    #[test]
    fn leaves_out_what_is_not_set() {
        let line = serde_json::to_string(&EventJson::readable(&sample())).expect("JSON");
        let expected = concat!(
            r#"{"stream":"order-1","revision":0,"position":7,"id":"0190163d-8694-739b-aea5-966c26f8ad91","#,
            r#""type":"OrderPlaced","data":{"total":3.10},"recorded_at":"2026-01-02T03:04:05.678Z"}"#,
        );
        assert_eq!(line, expected);
    }
}
