//! What the server folds a stream's events to.
//!
//! Owns [`GetState`], [`State`] and [`SnapshotPolicy`], and the calls about them. The server folds JSON
//! payloads as merge patches; a program that folds by its own rules has `aggregate` for that.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;

use crate::proto::snapshots_get_state_request::At;
use crate::{Client, Error, proto, timestamp};

/// Which state to fold: of a stream as it is now, beginning with a snapshot, unless said otherwise.
#[derive(Clone, Debug)]
pub struct GetState {
    request: proto::SnapshotsGetStateRequest,
}

/// A stream's state: its events' JSON, each laid over what was before as a merge patch (RFC 7396).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The state, in JSON.
    pub data: Bytes,
    /// The revision of the last event folded in.
    pub revision: u64,
    /// The revision of the snapshot it began with; none when it began with the first event.
    pub snapshot_revision: Option<u64>,
    /// How many events were folded in.
    pub events: u64,
}

/// When the server saves snapshots by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotPolicy {
    /// Of streams of this category: whose names begin with it and a `-`.
    pub category: String,
    /// After every so many events of a stream, from 2 to 1,000,000.
    pub every_events: u32,
}

impl GetState {
    /// The state of this stream.
    pub fn new(stream: impl Into<String>) -> Self {
        Self { request: proto::SnapshotsGetStateRequest { stream: stream.into(), ..Default::default() } }
    }

    /// As it was after the event at this revision, inclusive.
    #[must_use]
    pub fn at_revision(mut self, revision: u64) -> Self {
        self.request.at = Some(At::Revision(revision));
        self
    }

    /// As it was after the last event recorded at this time or before.
    #[must_use]
    pub fn at_time(mut self, time: DateTime<Utc>) -> Self {
        self.request.at = Some(At::Time(timestamp::to_wire(time)));
        self
    }

    /// Begins with the first event, whatever snapshots there are.
    #[must_use]
    pub fn without_snapshot(mut self) -> Self {
        self.request.without_snapshot = true;
        self
    }
}

impl State {
    /// The state out of JSON. [`Error::Json`] when it is not JSON of that shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.data).map_err(Error::Json)
    }
}

impl Client {
    /// Folds a stream's events to its state. [`Error::StreamNotFound`] when it has no event there,
    /// [`Error::BeyondEnd`] when it has not got that far, [`Error::NotFoldable`] when a snapshot or an event is
    /// not JSON.
    pub async fn get_state(&self, state: GetState) -> Result<State, Error> {
        let folded =
            self.call(Self::snapshots, state.request, |mut api, request| async move { api.get_state(request).await });
        folded.await?.try_into()
    }

    /// Has the server save the state of each stream of a category after every so many events, in the
    /// background, in place of what was said of the category before. What it saves is the state as
    /// [`get_state`](Self::get_state) folds it.
    pub async fn set_snapshot_policy(&self, policy: SnapshotPolicy) -> Result<(), Error> {
        let policy = proto::SnapshotPolicy { category: policy.category, every_events: policy.every_events };
        let request = proto::SnapshotsSetPolicyRequest { policy: Some(policy) };
        self.call(Self::snapshots, request, |mut api, request| async move { api.set_policy(request).await }).await?;
        Ok(())
    }

    /// All policies, in the order of their categories.
    pub async fn list_snapshot_policies(&self) -> Result<Vec<SnapshotPolicy>, Error> {
        let request = proto::SnapshotsListPoliciesRequest {};
        let all =
            self.call(Self::snapshots, request, |mut api, request| async move { api.list_policies(request).await });
        let policy =
            |it: proto::SnapshotPolicy| SnapshotPolicy { category: it.category, every_events: it.every_events };
        Ok(all.await?.policies.into_iter().map(policy).collect())
    }

    /// Deletes the policy of a category; what was saved stays. [`Error::PolicyNotFound`] when there is none,
    /// which is also what a retry meets after a first try that worked and whose answer was lost.
    pub async fn delete_snapshot_policy(&self, category: &str) -> Result<(), Error> {
        let request = proto::SnapshotsDeletePolicyRequest { category: category.to_owned() };
        self.call(Self::snapshots, request, |mut api, request| async move { api.delete_policy(request).await }).await?;
        Ok(())
    }
}

impl TryFrom<proto::SnapshotsGetStateResponse> for State {
    type Error = Error;

    fn try_from(answer: proto::SnapshotsGetStateResponse) -> Result<Self, Error> {
        let revision =
            answer.revision.ok_or_else(|| Error::InvalidResponse("the state's revision is missing".to_owned()))?;
        let (snapshot_revision, events) = (answer.snapshot_revision, answer.events);
        Ok(Self { data: answer.data, revision, snapshot_revision, events })
    }
}
