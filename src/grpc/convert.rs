//! Wire values into values of the model, and back.
//!
//! What comes out of here is well formed: nothing below checks it again.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;
use prost::Message;

use crate::model::limits::TRANSACT_CHECKPOINTS_MAX;
use crate::model::{
    CheckpointName, EventId, ExpectedRevision, Guard, Invalid, Limits, Match, Position, ProposedEvent,
    ProposedSnapshot, Query, QueryItem, Revision, StreamMetadata, StreamName, Timestamp, Walk,
};
use crate::proto::expected_revision::{Any, Kind, NoStream, StreamExists};
use crate::proto::{self, Direction};
use crate::store::{Append, Appended, CheckpointAdvance, Transacted, Transaction};

/// An append, as a transaction of one.
pub(super) fn append(request: proto::AppendRequest, limits: &Limits) -> Result<Transaction, Invalid> {
    let proto::AppendRequest { stream, expected, events, guards } = request;
    let append = proto::StreamAppend { stream, expected, events };
    transaction(proto::TransactRequest { appends: vec![append], guards, checkpoints: Vec::new() }, limits)
}

/// A transaction.
pub(super) fn transaction(request: proto::TransactRequest, limits: &Limits) -> Result<Transaction, Invalid> {
    if request.appends.is_empty() && request.checkpoints.is_empty() {
        return Err(Invalid::malformed("a transaction needs an append or a checkpoint"));
    }
    let events = request.appends.iter().flat_map(|append| &append.events);
    let (count, bytes) = events.fold((0, 0), |(count, bytes), event| (count + 1, bytes + event.len()));
    Invalid::check("append_events", limits.append_events, count)?;
    Invalid::check("append_bytes", limits.append_bytes, bytes)?;
    let appends = request.appends.into_iter().map(|append| stream_append(append, limits));
    let appends = appends.collect::<Result<Vec<_>, _>>()?;
    distinct("two events of an append have the same id", count, events_of(&appends).map(|event| event.id))?;
    distinct("a transaction has the same stream twice", appends.len(), appends.iter().map(|append| &append.stream))?;
    Ok(Transaction { appends, guards: guards(request.guards, limits)?, advances: advances(request.checkpoints)? })
}

fn stream_append(append: proto::StreamAppend, limits: &Limits) -> Result<Append, Invalid> {
    let stream = StreamName::for_append(&append.stream, limits)?;
    if append.events.is_empty() {
        return Err(Invalid::malformed("an append needs at least one event"));
    }
    let events =
        append.events.into_iter().map(|event| ProposedEvent::parse(event, limits)).collect::<Result<_, _>>()?;
    Ok(Append { stream, expected: expected_in(append.expected), events })
}

fn events_of(appends: &[Append]) -> impl Iterator<Item = &ProposedEvent> {
    appends.iter().flat_map(|append| &append.events)
}

fn advances(checkpoints: Vec<proto::CheckpointAdvance>) -> Result<Vec<CheckpointAdvance>, Invalid> {
    Invalid::check("transact_checkpoints", TRANSACT_CHECKPOINTS_MAX, checkpoints.len())?;
    let advance = |advance: proto::CheckpointAdvance| {
        let name = CheckpointName::new(&advance.name)?;
        Ok(CheckpointAdvance { name, position: Position(advance.position) })
    };
    let advances = checkpoints.into_iter().map(advance).collect::<Result<Vec<_>, Invalid>>()?;
    distinct("a transaction has the same checkpoint twice", advances.len(), advances.iter().map(|it| &it.name))?;
    Ok(advances)
}

/// Refuses what is there twice.
fn distinct<T: Eq + Hash>(what: &str, count: usize, items: impl Iterator<Item = T>) -> Result<(), Invalid> {
    if count < 2 {
        return Ok(());
    }
    let mut seen = HashSet::with_capacity_and_hasher(count, RandomState::default());
    for item in items {
        if !seen.insert(item) {
            return Err(Invalid::malformed(what));
        }
    }
    Ok(())
}

fn guards(guards: Vec<proto::Guard>, limits: &Limits) -> Result<Vec<Guard>, Invalid> {
    Invalid::check("guards", limits.guards, guards.len())?;
    guards.into_iter().map(|guard| self::guard(guard, limits)).collect()
}

fn guard(guard: proto::Guard, limits: &Limits) -> Result<Guard, Invalid> {
    use proto::guard::Kind;
    Ok(match guard.kind.ok_or_else(|| Invalid::malformed("a guard says nothing"))? {
        Kind::Stream(stream) => {
            if stream.expected.as_ref().is_none_or(|expected| expected.kind.is_none()) {
                return Err(Invalid::malformed("a guard of a stream needs what is expected"));
            }
            let name = StreamName::for_append(&stream.stream, limits)?;
            Guard::Stream { stream: name, expected: expected_in(stream.expected) }
        }
        Kind::NoneMatch(wanted) => Guard::NoneMatch(matching(wanted, limits)?),
        Kind::SomeMatch(wanted) => Guard::SomeMatch(matching(wanted, limits)?),
        Kind::Checkpoint(checkpoint) => Guard::Checkpoint {
            name: CheckpointName::new(&checkpoint.name)?,
            position: checkpoint.position.map(Position),
        },
    })
}

fn matching(wanted: proto::guard::Match, limits: &Limits) -> Result<Match, Invalid> {
    let query = wanted.query.ok_or_else(|| Invalid::malformed("a guard of events needs a query"))?;
    Ok(Match { query: Arc::new(self::query(query, limits)?), after: Position(wanted.after_position) })
}

/// A query.
pub(super) fn query(query: proto::Query, limits: &Limits) -> Result<Query, Invalid> {
    match (query.all, query.items.is_empty()) {
        (Some(_), true) => Ok(Query::all()),
        (Some(_), false) => Err(Invalid::malformed("a query has either items or `all`")),
        (None, _) => Query::of(query.items.into_iter().map(query_item).collect(), limits),
    }
}

/// The query of a read, which may say nothing at all: then every event is meant.
pub(super) fn query_or_all(wanted: Option<proto::Query>, system: bool, limits: &Limits) -> Result<Query, Invalid> {
    let query = wanted.map_or_else(|| Ok(Query::all()), |wanted| query(wanted, limits));
    Ok(query?.with_system(system))
}

fn query_item(item: proto::QueryItem) -> QueryItem {
    QueryItem {
        types: item.types,
        tags: item.tags,
        categories: item.categories,
        stream_prefix: Some(item.stream_prefix).filter(|prefix| !prefix.is_empty()),
        correlation_id: Some(item.correlation_id).filter(|id| !id.is_empty()),
        stream: None,
    }
}

/// An expectation of a stream.
pub(super) fn expected_in(expected: Option<proto::ExpectedRevision>) -> ExpectedRevision {
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

/// Where a transaction went.
pub(super) fn transacted(transacted: &Transacted) -> proto::TransactResponse {
    proto::TransactResponse {
        appends: transacted.appends.iter().map(appended).collect(),
        // The parts of a repeat may have gone in one by one, in any order.
        first_position: transacted.appends.iter().map(|append| append.first_position.0).min(),
        last_position: transacted.appends.iter().map(|append| append.last_position.0).max(),
        deduplicated: transacted.deduplicated,
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

/// What a client says of a stream.
pub(super) fn metadata_in(metadata: proto::StreamMetadata, limits: &Limits) -> Result<StreamMetadata, Invalid> {
    let max_age = metadata.max_age.map(duration).transpose()?;
    let proto::StreamMetadata { max_count, truncate_before, properties, .. } = metadata;
    let metadata = StreamMetadata { max_age, max_count, truncate_before, properties: properties.into_iter().collect() };
    metadata.check(limits)?;
    Ok(metadata)
}

/// What was said of a stream.
pub(super) fn metadata_out(metadata: StreamMetadata) -> proto::StreamMetadata {
    proto::StreamMetadata {
        max_age: metadata.max_age.and_then(|age| age.try_into().ok()),
        max_count: metadata.max_count,
        truncate_before: metadata.truncate_before,
        properties: metadata.properties.into_iter().collect(),
    }
}

/// A length of time.
pub(super) fn duration(duration: prost_types::Duration) -> Result<Duration, Invalid> {
    // Taken apart here: the conversion that comes with the type panics at the far ends of its range.
    let nanos = u32::try_from(duration.nanos).ok().filter(|nanos| *nanos < 1_000_000_000);
    let parts = u64::try_from(duration.seconds).ok().zip(nanos);
    let (seconds, nanos) = parts.ok_or_else(|| Invalid::malformed("a duration is negative or malformed"))?;
    Ok(Duration::new(seconds, nanos))
}

/// The longest that a client may wait for something to happen.
const PATIENCE_MAX: Duration = Duration::from_secs(10 * 60);

/// How long a client wants to wait for something to happen.
pub(super) fn patience(wanted: Option<prost_types::Duration>, default: Duration) -> Result<Duration, Invalid> {
    let wanted = wanted.map_or(Ok(default), duration)?;
    if wanted > PATIENCE_MAX {
        return Err(Invalid::malformed("a wait lasts at most 10 minutes"));
    }
    Ok(wanted)
}

/// A point in time that a client names. What lies before 1970 lies before every event.
pub(super) fn time_in(time: prost_types::Timestamp) -> Result<Timestamp, Invalid> {
    let nanos = u32::try_from(time.nanos).ok().filter(|nanos| *nanos < 1_000_000_000);
    let nanos = nanos.ok_or_else(|| Invalid::malformed("a time has nanoseconds below 0 or beyond a second"))?;
    Ok(u64::try_from(time.seconds).map_or_else(|_| Timestamp::default(), |seconds| Timestamp { seconds, nanos }))
}

/// A point in time.
pub(super) fn time(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.seconds.cast_signed(), nanos: time.nanos.cast_signed() }
}
