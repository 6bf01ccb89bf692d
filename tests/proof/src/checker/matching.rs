//! Whether an event matches a query, told from the event alone and apart from the store's own way.

use crate::history::{Event, Query, QueryItem};

/// Whether the query means this event.
pub(super) fn is_meant(query: &Query, event: &Event) -> bool {
    if event.stream.starts_with('$') && !query.include_system {
        return false;
    }
    let Some(items) = &query.items else { return true };
    items.iter().any(|item| meets(item, event))
}

fn meets(item: &QueryItem, event: &Event) -> bool {
    if !item.types.is_empty() && !item.types.contains(&event.event_type) {
        return false;
    }
    if item.tags.iter().any(|tag| !event.tags.contains(tag)) {
        return false;
    }
    if let Some(prefix) = &item.stream_prefix
        && !event.stream.starts_with(prefix.as_str())
    {
        return false;
    }
    if item.categories.is_empty() {
        return true;
    }
    let Some((category, _)) = event.stream.split_once('-') else { return false };
    item.categories.iter().any(|wanted| wanted == category)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(stream: &str, event_type: &str, tags: &[&str]) -> Event {
        Event {
            position: 1,
            revision: 0,
            stream: stream.into(),
            id: 1,
            digest: 0,
            event_type: event_type.into(),
            tags: tags.iter().map(|tag| (*tag).into()).collect(),
            recorded_at: 0,
        }
    }

    fn one(item: QueryItem) -> Query {
        Query { items: Some(vec![item]), include_system: false }
    }

    #[test]
    fn an_event_must_meet_every_field_of_one_item() {
        let paid = event("order-7", "Paid", &["a", "b"]);
        let item = |types: &[&str], tags: &[&str], categories: &[&str], prefix: Option<&str>| QueryItem {
            types: types.iter().map(ToString::to_string).collect(),
            tags: tags.iter().map(ToString::to_string).collect(),
            categories: categories.iter().map(ToString::to_string).collect(),
            stream_prefix: prefix.map(str::to_owned),
        };
        assert!(is_meant(&Query::default(), &paid));
        assert!(is_meant(&one(item(&["Sent", "Paid"], &["b", "a"], &["order"], Some("order-"))), &paid));
        for misses in [
            item(&["Sent"], &[], &[], None),
            item(&[], &["a", "c"], &[], None),
            item(&[], &[], &["order-7"], None),
            item(&[], &[], &[], Some("order-8")),
        ] {
            assert!(!is_meant(&one(misses.clone()), &paid), "{misses:?}");
            let either = Query { items: Some(vec![misses, item(&["Paid"], &[], &[], None)]), include_system: false };
            assert!(is_meant(&either, &paid));
        }
        assert!(!is_meant(&one(item(&[], &[], &["plain"], None)), &event("plain", "Paid", &[])));
    }

    #[test]
    fn system_streams_are_meant_only_when_asked_for() {
        let told = event("$streams-a", "Deleted", &[]);
        assert!(!is_meant(&Query::default(), &told));
        assert!(is_meant(&Query { items: None, include_system: true }, &told));
    }
}
