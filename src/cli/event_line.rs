//! A line of JSON as an event to append.
//!
//! Owns what `import` and `append --jsonl` read. Lines that `export` has written are taken as they are:
//! the fields that only a server sets are passed over. Any other field that is not known is an error,
//! so that a misspelt one is not lost in silence.

use std::collections::HashMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use quipu_client::NewEvent;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::base64;

/// What is wrong with a line.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// It is not a JSON object of the known fields.
    #[error("{0}")]
    Malformed(String),
    /// It has no stream, and none was named otherwise.
    #[error("the stream is missing")]
    NoStream,
    /// It is for another stream than the one named.
    #[error("the line is for stream {0:?}")]
    OtherStream(String),
    /// The id is not a UUID.
    #[error("the id {0:?} is no uuid")]
    Id(String),
    /// It must have one of the two.
    #[error("expected either data or data_base64")]
    Payload,
    /// The payload is not base64.
    #[error("data_base64 is not base64")]
    Base64,
    /// It is longer than any event may be.
    #[error("the line is longer than {0} bytes")]
    TooLong(usize),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields<'a> {
    stream: Option<String>,
    id: Option<String>,
    #[serde(rename = "type")]
    event_type: String,
    #[serde(borrow, default, deserialize_with = "present")]
    data: Option<&'a RawValue>,
    data_base64: Option<String>,
    #[serde(default)]
    content_type: String,
    #[serde(default)]
    metadata: HashMap<String, String>,
    #[serde(default)]
    schema_version: String,
    #[serde(default)]
    correlation_id: String,
    #[serde(default)]
    causation_id: String,
    #[serde(default)]
    tags: Vec<String>,
    occurred_at: Option<DateTime<Utc>>,
    #[serde(default, rename = "revision")]
    _revision: IgnoredAny,
    #[serde(default, rename = "position")]
    _position: IgnoredAny,
    #[serde(default, rename = "recorded_at")]
    _recorded_at: IgnoredAny,
}

/// A value that is there, be it `null`: that is a payload too.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// What a line says.
#[derive(Debug, PartialEq)]
pub(super) struct EventLine {
    /// The stream, if named.
    pub(super) stream: Option<String>,
    /// Whether the line says which id the event has.
    pub(super) id_is_given: bool,
    /// The event; with the nil id when none is given.
    pub(super) event: NewEvent,
}

impl EventLine {
    /// Reads a line, without its line break.
    pub(super) fn parse(line: &[u8]) -> Result<Self, LineError> {
        let fields: Fields<'_> = serde_json::from_slice(line).map_err(|error| malformed(&error))?;
        let data = match (fields.data, fields.data_base64) {
            (Some(json), None) => Bytes::copy_from_slice(json.get().as_bytes()),
            (None, Some(text)) => base64::decode(&text).ok_or(LineError::Base64)?.into(),
            (None, None) | (Some(_), Some(_)) => return Err(LineError::Payload),
        };
        let id = match fields.id {
            Some(text) => Some(Uuid::try_parse(&text).map_err(|_| LineError::Id(text))?),
            None => None,
        };
        let event = NewEvent {
            id: id.unwrap_or_default(),
            event_type: fields.event_type,
            data,
            content_type: fields.content_type,
            metadata: fields.metadata,
            schema_version: fields.schema_version,
            correlation_id: fields.correlation_id,
            causation_id: fields.causation_id,
            tags: fields.tags,
            occurred_at: fields.occurred_at,
        };
        Ok(Self { stream: fields.stream, id_is_given: id.is_some(), event })
    }
}

/// The parser's words; its "line 1" would be taken for the line of the file.
fn malformed(error: &serde_json::Error) -> LineError {
    LineError::Malformed(error.to_string().replace(" at line 1 column ", " at column "))
}

#[cfg(test)]
mod tests {
    use super::super::event_json::{EventJson, tests::sample};
    use super::*;

    #[test]
    fn an_exported_event_comes_back_equal() {
        let mut event = sample();
        event.metadata.insert("user".to_owned(), "ada".to_owned());
        event.tags = vec!["customer:7".to_owned()];
        event.occurred_at = Some("2010-10-02T07:20:39.266000001Z".parse().expect("a time"));
        event.content_type = "application/json".to_owned();
        event.schema_version = "2".to_owned();
        event.correlation_id = "c".to_owned();
        event.causation_id = "d".to_owned();
        for data in [r#"{"b":1.50, "a":-0}"#, "null", "not JSON", "[1,\n2]", ""] {
            event.data = data.into();
            let json = serde_json::to_vec(&EventJson::exact(&event)).expect("JSON");
            let line = EventLine::parse(&json).expect("a line");
            let expected = NewEvent {
                id: event.id,
                event_type: event.event_type.clone(),
                data: event.data.clone(),
                content_type: event.content_type.clone(),
                metadata: event.metadata.clone(),
                schema_version: event.schema_version.clone(),
                correlation_id: event.correlation_id.clone(),
                causation_id: event.causation_id.clone(),
                tags: event.tags.clone(),
                occurred_at: event.occurred_at,
            };
            assert_eq!(line, EventLine { stream: Some(event.stream.clone()), id_is_given: true, event: expected });
        }
    }

    #[test]
    fn a_line_needs_no_more_than_type_and_data() {
        let line = EventLine::parse(br#"{"type":"T","data":{ "z": 1, "a": 2 }}"#).expect("a line");
        assert_eq!((line.stream, line.id_is_given), (None, false));
        assert_eq!(line.event.data, r#"{ "z": 1, "a": 2 }"#);
    }

    #[test]
    fn refuses_what_it_would_lose() {
        let refused = |line: &str| EventLine::parse(line.as_bytes()).expect_err(line).to_string();
        assert_eq!(refused(r#"{"type":"T"}"#), "expected either data or data_base64");
        assert_eq!(refused(r#"{"type":"T","data":1,"data_base64":""}"#), "expected either data or data_base64");
        assert_eq!(refused(r#"{"type":"T","data_base64":"?"}"#), "data_base64 is not base64");
        assert_eq!(refused(r#"{"type":"T","data":1,"id":"7"}"#), "the id \"7\" is no uuid");
        assert!(refused(r#"{"type":"T","data":1,"tag":"a"}"#).starts_with("unknown field `tag`"));
        assert!(refused(r#"{"data":1}"#).starts_with("missing field `type`"));
        assert!(refused(r#"{"type":"T","data":1"#).contains("at column 20"));
        assert!(refused(r#"{"type":"T","data":1} x"#).starts_with("trailing characters"));
        assert!(refused(r#"{"type":"T","data":1,"occurred_at":"yesterday"}"#).contains("at column"));
    }
}
