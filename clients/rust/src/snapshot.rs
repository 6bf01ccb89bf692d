//! Folded state of streams, kept in the store.
//!
//! Owns the snapshot values and the calls on them. All calls are safe to repeat and retried while
//! the server is unavailable. The store keeps the last few snapshots of each stream; what is in
//! them is the caller's business.

use std::collections::HashMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Client, Error, proto, timestamp};

/// A snapshot to save.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SnapshotToSave {
    /// The stream's name.
    pub stream: String,
    /// The revision of the last event folded in.
    pub revision: u64,
    /// The state, opaque to the store.
    pub data: Bytes,
    /// The media type of `data`. Empty means `application/json`.
    pub content_type: String,
    /// Free text pairs.
    pub metadata: HashMap<String, String>,
    /// The version of the state's shape. Empty means `1`.
    pub schema_version: String,
}

/// The state of a stream as it was after the event at `revision`.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The stream's name.
    pub stream: String,
    /// The revision of the last event folded in.
    pub revision: u64,
    /// The state, opaque to the store.
    pub data: Bytes,
    /// The media type of `data`. Empty means `application/json`.
    pub content_type: String,
    /// Free text pairs.
    pub metadata: HashMap<String, String>,
    /// The version of the state's shape. Empty means `1`.
    pub schema_version: String,
    /// Server time of the save.
    pub saved_at: DateTime<Utc>,
}

/// What is known of a snapshot without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// The revision of the last event folded in.
    pub revision: u64,
    /// Server time of the save.
    pub saved_at: DateTime<Utc>,
    /// The size of the stored snapshot in bytes.
    pub size_bytes: u64,
}

impl SnapshotToSave {
    /// A snapshot of the stream as it is after the event at `revision`.
    pub fn new(stream: impl Into<String>, revision: u64, data: impl Into<Bytes>) -> Self {
        Self { stream: stream.into(), revision, data: data.into(), ..Self::default() }
    }

    /// A snapshot with the state in JSON. [`Error::Json`] when the state has no JSON form.
    pub fn json(stream: impl Into<String>, revision: u64, state: &impl Serialize) -> Result<Self, Error> {
        Ok(Self::new(stream, revision, serde_json::to_vec(state).map_err(Error::Json)?))
    }
}

impl Snapshot {
    /// The state out of JSON. [`Error::Json`] when it is not JSON of that shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.data).map_err(Error::Json)
    }
}

impl Client {
    /// Saves a snapshot, durable before the answer, in place of one at the same revision; returns the
    /// server time of the save. [`Error::SnapshotAhead`] when the stream has not got that far,
    /// [`Error::StreamNotFound`] when it has no event.
    pub async fn save_snapshot(&self, snapshot: SnapshotToSave) -> Result<DateTime<Utc>, Error> {
        let request = proto::SnapshotsSaveRequest {
            stream: snapshot.stream,
            revision: Some(snapshot.revision),
            data: snapshot.data,
            content_type: snapshot.content_type,
            metadata: snapshot.metadata,
            schema_version: snapshot.schema_version,
        };
        let answer =
            self.call(Self::snapshots, request, |mut api, request| async move { api.save(request).await }).await?;
        timestamp::required(answer.saved_at, "saved_at")
    }

    /// The newest snapshot of the stream, or the newest at or before a revision; none when there is
    /// no such snapshot.
    pub async fn get_snapshot(&self, stream: &str, at_or_before: Option<u64>) -> Result<Option<Snapshot>, Error> {
        let request = proto::SnapshotsGetRequest { stream: stream.to_owned(), at_or_before_revision: at_or_before };
        let found = self.call(Self::snapshots, request, |mut api, request| async move { api.get(request).await }).await;
        match found {
            Ok(proto::SnapshotsGetResponse { snapshot: Some(snapshot) }) => snapshot.try_into().map(Some),
            Ok(_) => Err(Error::InvalidResponse("the snapshot is missing".to_owned())),
            Err(Error::SnapshotNotFound) => Ok(None),
            Err(error) if error.is_absent_stream() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The snapshots of the stream, newest first; empty when there is none.
    pub async fn list_snapshots(&self, stream: &str) -> Result<Vec<SnapshotInfo>, Error> {
        let request = proto::SnapshotsListRequest { stream: stream.to_owned() };
        self.call(Self::snapshots, request, |mut api, request| async move { api.list(request).await })
            .await?
            .snapshots
            .into_iter()
            .map(SnapshotInfo::try_from)
            .collect()
    }

    /// Deletes the snapshot at a revision, or all of the stream; returns how many are gone.
    ///
    /// [`Error::SnapshotNotFound`] when there is none to delete, which is also what a retry meets
    /// after a first try that worked and whose answer was lost.
    pub async fn delete_snapshot(&self, stream: &str, revision: Option<u64>) -> Result<u64, Error> {
        let request = proto::SnapshotsDeleteRequest { stream: stream.to_owned(), revision };
        let answer =
            self.call(Self::snapshots, request, |mut api, request| async move { api.delete(request).await }).await?;
        Ok(answer.deleted)
    }
}

impl TryFrom<proto::Snapshot> for Snapshot {
    type Error = Error;

    fn try_from(snapshot: proto::Snapshot) -> Result<Self, Error> {
        Ok(Self {
            stream: snapshot.stream,
            revision: revision(snapshot.revision)?,
            data: snapshot.data,
            content_type: snapshot.content_type,
            metadata: snapshot.metadata,
            schema_version: snapshot.schema_version,
            saved_at: timestamp::required(snapshot.saved_at, "saved_at")?,
        })
    }
}

impl TryFrom<proto::SnapshotInfo> for SnapshotInfo {
    type Error = Error;

    fn try_from(info: proto::SnapshotInfo) -> Result<Self, Error> {
        Ok(Self {
            revision: revision(info.revision)?,
            saved_at: timestamp::required(info.saved_at, "saved_at")?,
            size_bytes: info.size_bytes,
        })
    }
}

fn revision(revision: Option<u64>) -> Result<u64, Error> {
    revision.ok_or_else(|| Error::InvalidResponse("a snapshot's revision is missing".to_owned()))
}
