//! Which events are meant.
//!
//! Owns [`Query`] and [`QueryItem`], as reads, subscriptions and guards take them. What is set here goes
//! over the wire as it stands; the server judges whether it makes sense.

use crate::proto;
use crate::proto::query::All;

/// Which events are meant: all, or those that match at least one item.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    wire: proto::Query,
}

/// What an event must be like: it matches when it meets everything that is set. At least one thing must
/// be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryItem {
    wire: proto::QueryItem,
}

impl Query {
    /// Every event.
    #[must_use]
    pub fn all() -> Self {
        Self { wire: proto::Query { items: Vec::new(), all: Some(All {}) } }
    }

    /// Events that match this item.
    #[must_use]
    pub fn item(item: QueryItem) -> Self {
        Self { wire: proto::Query { items: vec![item.wire], all: None } }
    }

    /// Also events that match this item. All events stay all events.
    #[must_use]
    pub fn or(mut self, item: QueryItem) -> Self {
        if self.wire.all.is_none() {
            self.wire.items.push(item.wire);
        }
        self
    }
}

impl QueryItem {
    /// An item that says nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The event's type is one of these, and of those named before.
    #[must_use]
    pub fn types<T: Into<String>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
        self.wire.types.extend(types.into_iter().map(Into::into));
        self
    }

    /// The event has all of these tags, and those named before.
    #[must_use]
    pub fn tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.wire.tags.extend(tags.into_iter().map(Into::into));
        self
    }

    /// The event's stream is of one of these categories, and of those named before: its name, up to the
    /// first `-`.
    #[must_use]
    pub fn categories<T: Into<String>>(mut self, categories: impl IntoIterator<Item = T>) -> Self {
        self.wire.categories.extend(categories.into_iter().map(Into::into));
        self
    }

    /// The name of the event's stream begins with this. Quick when it has a `-`.
    #[must_use]
    pub fn stream_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.wire.stream_prefix = prefix.into();
        self
    }

    /// The event has this correlation id.
    #[must_use]
    pub fn correlation_id(mut self, id: impl Into<String>) -> Self {
        self.wire.correlation_id = id.into();
        self
    }
}

impl From<Query> for proto::Query {
    fn from(query: Query) -> Self {
        query.wire
    }
}

impl From<proto::Query> for Query {
    fn from(wire: proto::Query) -> Self {
        Self { wire }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_carries_everything_that_was_set() {
        let item = QueryItem::new()
            .types(["A"])
            .types(["B".to_owned()])
            .tags(["x:1", "y:2"])
            .categories(["order"])
            .stream_prefix("order-1")
            .correlation_id("c");
        let expected = proto::QueryItem {
            types: vec!["A".to_owned(), "B".to_owned()],
            tags: vec!["x:1".to_owned(), "y:2".to_owned()],
            categories: vec!["order".to_owned()],
            stream_prefix: "order-1".to_owned(),
            correlation_id: "c".to_owned(),
        };
        assert_eq!(proto::Query::from(Query::item(item)), proto::Query { items: vec![expected], all: None });
    }

    #[test]
    fn a_query_is_either_items_or_all() {
        let (a, b) = (QueryItem::new().types(["A"]), QueryItem::new().types(["B"]));
        let either = proto::Query::from(Query::item(a.clone()).or(b));
        assert_eq!((either.items.len(), either.all), (2, None));
        let all = proto::Query::from(Query::all().or(a));
        assert_eq!((all.items.len(), all.all), (0, Some(All {})));
    }
}
