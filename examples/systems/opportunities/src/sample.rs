//! Events for tests of the pure parts.

use chrono::DateTime;
use quipu_client::RecordedEvent;
use uuid::Uuid;

/// An event as the store would hold it, first of its stream and its log.
pub(crate) fn recorded(stream: &str, event_type: &str, version: &str, data: &[u8]) -> RecordedEvent {
    RecordedEvent {
        id: Uuid::nil(),
        stream: stream.to_owned(),
        revision: 0,
        position: 1,
        recorded_at: DateTime::UNIX_EPOCH,
        event_type: event_type.to_owned(),
        data: data.to_vec().into(),
        content_type: String::new(),
        metadata: std::collections::HashMap::new(),
        schema_version: version.to_owned(),
        correlation_id: String::new(),
        causation_id: String::new(),
        tags: Vec::new(),
        occurred_at: None,
    }
}
