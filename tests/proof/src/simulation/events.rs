//! Between the store's words and the history's.

use quipu::log::StoredEvent;
use quipu::model::wire::{Fields, Value};
use quipu::model::{Limits, QueryItem, StreamName};

use quipu_proof::history::{Event, Query, Scope, digest};

/// The field of an event's payload.
const DATA_FIELD: u32 = 3;

/// An event as a reader sees it.
pub(super) fn seen(event: &StoredEvent) -> Event {
    let labels = event.labels();
    let data = Fields::of(event.bytes()).find_map(|field| match field.map(|field| (field.number, field.value)) {
        Ok((DATA_FIELD, Value::Bytes(bytes))) => Some(digest(bytes)),
        _ => None,
    });
    let recorded_at = event.recorded_at();
    Event {
        position: event.position().0,
        revision: event.revision().0,
        stream: event.stream().to_owned(),
        id: event.id().map_or(0, |id| id.0),
        digest: data.unwrap_or_else(|| digest(&[])),
        event_type: labels.event_type.to_owned(),
        tags: labels.tags.iter().map(|tag| (*tag).to_owned()).collect(),
        recorded_at: recorded_at.seconds * 1_000_000_000 + u64::from(recorded_at.nanos),
    }
}

/// A query in the store's words.
pub(super) fn model_query(query: &Query) -> quipu::model::Query {
    let Some(items) = &query.items else { return quipu::model::Query::all().with_system(query.include_system) };
    let items = items.iter().map(|item| QueryItem {
        types: item.types.clone(),
        tags: item.tags.clone(),
        categories: item.categories.clone(),
        stream_prefix: item.stream_prefix.clone(),
        ..QueryItem::default()
    });
    let query_of = quipu::model::Query::of(items.collect(), &Limits::default()).expect("a good query");
    query_of.with_system(query.include_system)
}

/// What a reader asks for, in the store's words.
pub(super) fn scope_query(scope: &Scope) -> quipu::model::Query {
    match scope {
        Scope::All => quipu::model::Query::all(),
        Scope::Stream(stream) => quipu::model::Query::of_stream(StreamName::from_log(stream), Vec::new()),
        Scope::Query(query) => model_query(query),
    }
}
