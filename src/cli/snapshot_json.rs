//! A snapshot as one line, of JSON or of text.
//!
//! Owns what `snapshot get` and `read --with-snapshot` print.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use quipu_client::Snapshot;
use serde::Serialize;
use serde_json::value::RawValue;

use super::columns::without_controls;
use super::{payload, time};

/// A snapshot as it is printed.
#[derive(Serialize)]
pub(super) struct SnapshotJson<'a> {
    stream: &'a str,
    revision: u64,
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
    saved_at: DateTime<Utc>,
}

impl<'a> From<&'a Snapshot> for SnapshotJson<'a> {
    fn from(snapshot: &'a Snapshot) -> Self {
        let (data, data_base64) = payload::readable(&snapshot.data, &snapshot.content_type);
        Self {
            stream: &snapshot.stream,
            revision: snapshot.revision,
            data,
            data_base64,
            content_type: &snapshot.content_type,
            metadata: snapshot.metadata.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect(),
            schema_version: &snapshot.schema_version,
            saved_at: snapshot.saved_at,
        }
    }
}

/// A snapshot as a line of text.
pub(super) fn text(snapshot: &Snapshot) -> String {
    let data = payload::shown(&snapshot.data, &snapshot.content_type);
    let saved_at = time::shown(snapshot.saved_at);
    let line = format!("snapshot {}@{}  {}  {data}", snapshot.stream, snapshot.revision, saved_at);
    without_controls(&line).into_owned()
}
