//! Wire values into values of the model, and back.
//!
//! What comes out of here is well formed: nothing below checks it again.

use std::collections::HashSet;

use bytes::Bytes;
use foldhash::fast::RandomState;
use prost::Message;

use crate::model::{
    EventId, ExpectedRevision, Invalid, Limits, ProposedEvent, ProposedSnapshot, Revision, StreamName, Timestamp,
};
use crate::proto::expected_revision::{Any, Kind, NoStream, StreamExists};
use crate::proto::{self, Direction};
use crate::store::{Append, Appended};

/// Which way a read walks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Walk {
    Forwards,
    Backwards,
}

/// An append.
pub(super) fn append(request: proto::AppendRequest, limits: &Limits) -> Result<Append, Invalid> {
    let stream = StreamName::for_append(&request.stream, limits)?;
    if request.events.is_empty() {
        return Err(Invalid::malformed("an append needs at least one event"));
    }
    Invalid::check("append_events", limits.append_events, request.events.len())?;
    Invalid::check("append_bytes", limits.append_bytes, request.events.iter().map(Bytes::len).sum())?;
    let parsed: Result<Vec<_>, _> =
        request.events.into_iter().map(|event| ProposedEvent::parse(event, limits)).collect();
    let events = parsed?;
    let mut seen = HashSet::with_capacity_and_hasher(events.len(), RandomState::default());
    if events.len() > 1 && !events.iter().all(|event| seen.insert(event.id)) {
        return Err(Invalid::malformed("two events of an append have the same id"));
    }
    Ok(Append { stream, expected: expected_in(request.expected), events })
}

fn expected_in(expected: Option<proto::ExpectedRevision>) -> ExpectedRevision {
    match expected.and_then(|expected| expected.kind) {
        None | Some(Kind::Any(Any {})) => ExpectedRevision::Any,
        Some(Kind::NoStream(NoStream {})) => ExpectedRevision::NoStream,
        Some(Kind::StreamExists(StreamExists {})) => ExpectedRevision::StreamExists,
        Some(Kind::Revision(revision)) => ExpectedRevision::Exactly(Revision(revision)),
    }
}

/// An expectation, as it was asked.
pub(super) fn expected_out(expected: ExpectedRevision) -> proto::ExpectedRevision {
    let kind = match expected {
        ExpectedRevision::Any => Kind::Any(Any {}),
        ExpectedRevision::NoStream => Kind::NoStream(NoStream {}),
        ExpectedRevision::StreamExists => Kind::StreamExists(StreamExists {}),
        ExpectedRevision::Exactly(revision) => Kind::Revision(revision.0),
    };
    proto::ExpectedRevision { kind: Some(kind) }
}

/// Where an append went.
pub(super) fn appended(appended: &Appended) -> proto::AppendResponse {
    proto::AppendResponse {
        first_revision: Some(appended.first_revision.0),
        last_revision: Some(appended.last_revision.0),
        first_position: appended.first_position.0,
        last_position: appended.last_position.0,
        deduplicated: appended.deduplicated,
    }
}

/// Which way a read walks.
pub(super) fn walk(direction: i32) -> Result<Walk, Invalid> {
    match Direction::try_from(direction) {
        Ok(Direction::Unspecified | Direction::Forwards) => Ok(Walk::Forwards),
        Ok(Direction::Backwards) => Ok(Walk::Backwards),
        Err(_) => Err(Invalid::malformed("an unknown direction")),
    }
}

/// An event's id.
pub(super) fn event_id(text: &str) -> Result<EventId, Invalid> {
    EventId::parse(text)
}

/// A snapshot to save. Its request has the fields of a stored snapshot, so its bytes become one.
pub(super) fn snapshot(request: &proto::SnapshotsSaveRequest, limits: &Limits) -> Result<ProposedSnapshot, Invalid> {
    let stream = StreamName::for_append(&request.stream, limits)?;
    let revision = request.revision.ok_or_else(|| Invalid::malformed("a snapshot needs the revision it is of"))?;
    Invalid::check("data_bytes", limits.data_bytes, request.data.len())?;
    let metadata_bytes = request.metadata.iter().map(|(key, value)| key.len() + value.len()).sum();
    Invalid::check("metadata_bytes", limits.metadata_bytes, metadata_bytes)?;
    Ok(ProposedSnapshot { stream, revision: Revision(revision), bytes: request.encode_to_vec().into() })
}

/// A point in time.
pub(super) fn time(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.seconds.cast_signed(), nanos: time.nanos.cast_signed() }
}
