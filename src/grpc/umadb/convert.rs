//! Requests of UmaDB's clients into values of the model.
//!
//! What is malformed or beyond a limit is refused by the conversions of our own requests, which these
//! become on the way.

use super::event;
use crate::grpc::convert;
use crate::model::limits::TRACKING_SOURCE_BYTES_MAX;
use crate::model::{CheckpointName, Guard, Invalid, Limits, Match, Position, Query};
use crate::proto;
use crate::proto::umadb;
use crate::store::{CheckpointAdvance, Transaction};

/// The stream of all events that come through this door: UmaDB has none. An ordinary one, so that our
/// own readers and subscribers find them.
pub(super) const STREAM: &str = "dcb";

/// What the names of the checkpoints begin with that hold tracked positions. Clients of ours can not
/// set such names.
const CHECKPOINT_PREFIX: &str = "$umadb/";

/// An append.
pub(super) fn transaction(request: umadb::AppendRequest, limits: &Limits) -> Result<Transaction, Invalid> {
    let umadb::AppendRequest { events, condition, tracking_info } = request;
    let mut transaction = Transaction::default();
    if !events.is_empty() || tracking_info.is_none() {
        Invalid::check("append_events", limits.append_events, events.len())?;
        let events = event::proposed(&events, tracking_info.as_ref(), limits)?;
        let append = proto::AppendRequest { stream: STREAM.to_owned(), events, ..Default::default() };
        transaction = convert::append(append, limits)?;
    }
    if let Some(condition) = condition {
        let query = query(condition.fail_if_events_match, limits)?.into();
        transaction.guards.push(Guard::NoneMatch(Match { query, after: Position(condition.after.unwrap_or(0)) }));
    }
    if let Some(umadb::TrackingInfo { source, position }) = tracking_info {
        let name = checkpoint_name(&source)?;
        transaction.advances.push(CheckpointAdvance { name, position: Position(position) });
    }
    Ok(transaction)
}

/// A query. None, one without items, and one with an item that asks for nothing mean every event.
pub(super) fn query(query: Option<umadb::Query>, limits: &Limits) -> Result<Query, Invalid> {
    let items = query.map(|query| query.items).unwrap_or_default();
    let is_open = |item: &umadb::QueryItem| item.types.is_empty() && item.tags.is_empty();
    let query = if items.is_empty() || items.iter().any(is_open) {
        proto::Query { items: Vec::new(), all: Some(proto::query::All {}) }
    } else {
        proto::Query { items: items.into_iter().map(query_item).collect(), all: None }
    };
    convert::query(query, limits)
}

fn query_item(item: umadb::QueryItem) -> proto::QueryItem {
    let umadb::QueryItem { types, mut tags } = item;
    tags.sort_unstable();
    tags.dedup();
    proto::QueryItem { types, tags, ..Default::default() }
}

/// The name of the checkpoint that holds the tracked position of a source.
pub(super) fn checkpoint_name(source: &str) -> Result<CheckpointName, Invalid> {
    Invalid::check("tracking_source_bytes", TRACKING_SOURCE_BYTES_MAX, source.len())?;
    Ok(CheckpointName::from_log(&format!("{CHECKPOINT_PREFIX}{source}")))
}
