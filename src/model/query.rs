//! Queries: which events are meant. The one definition of "does this event match".

use serde::{Deserialize, Serialize};

use super::event::Labels;
use super::limits::QUERY_ITEM_VALUES_MAX;
use super::name::{category, is_system};
use super::{Invalid, Limits, StreamName};

/// Which events are meant: all, or those that match at least one item.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Query {
    /// Whether events of system streams match as well.
    pub include_system: bool,
    /// `None` means every event.
    items: Option<Vec<QueryItem>>,
}

/// An event matches when it meets every field that says something.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct QueryItem {
    /// Its type is one of these; empty means any.
    pub types: Vec<String>,
    /// It has all of these tags.
    pub tags: Vec<String>,
    /// Its stream's category is one of these; empty means any.
    pub categories: Vec<String>,
    /// Its stream's name begins with this.
    pub stream_prefix: Option<String>,
    /// It has this correlation id.
    pub correlation_id: Option<String>,
    /// It belongs to this stream. No client asks for that in a query, so it is not stored with one.
    #[serde(skip)]
    pub stream: Option<StreamName>,
}

impl Query {
    /// Every event of a stream that clients append to.
    pub fn all() -> Self {
        Self::default()
    }

    /// The events that match one of these items.
    ///
    /// # Errors
    /// When there is no item, an item says nothing, or a limit is exceeded.
    pub fn of(items: Vec<QueryItem>, limits: &Limits) -> Result<Self, Invalid> {
        if items.is_empty() {
            return Err(Invalid::malformed("a query needs an item, or `all`"));
        }
        Invalid::check("query_items", limits.query_items, items.len())?;
        items.iter().try_for_each(|item| item.check(limits))?;
        Ok(Self { include_system: false, items: Some(items) })
    }

    /// The events of one stream, of these types if any are named.
    pub fn of_stream(stream: StreamName, types: Vec<String>) -> Self {
        let item = QueryItem { types, stream: Some(stream), ..QueryItem::default() };
        Self { include_system: true, items: Some(vec![item]) }
    }

    /// The same query, about system streams as well or not.
    pub fn with_system(self, include_system: bool) -> Self {
        Self { include_system, ..self }
    }

    /// The items; `None` when every event matches.
    pub fn items(&self) -> Option<&[QueryItem]> {
        self.items.as_deref()
    }

    /// Whether an event is meant.
    pub fn matches(&self, event: &Labels<'_>) -> bool {
        if !self.include_system && is_system(event.stream) {
            return false;
        }
        self.items.as_ref().is_none_or(|items| items.iter().any(|item| item.matches(event)))
    }
}

impl QueryItem {
    /// Whether an event meets every field.
    pub fn matches(&self, event: &Labels<'_>) -> bool {
        let is_one_of = |names: &[String], name: &str| names.is_empty() || names.iter().any(|one| one == name);
        let has_category = || category(event.stream).is_some_and(|name| self.categories.iter().any(|one| one == name));
        is_one_of(&self.types, event.event_type)
            && self.tags.iter().all(|tag| event.tags.contains(&tag.as_str()))
            && (self.categories.is_empty() || has_category())
            && self.stream_prefix.as_ref().is_none_or(|prefix| event.stream.starts_with(prefix))
            && self.correlation_id.as_ref().is_none_or(|id| event.correlation_id == id)
            && self.stream.as_ref().is_none_or(|stream| event.stream == stream.as_str())
    }

    /// Refuses what no event could ever meet, and what says nothing.
    fn check(&self, limits: &Limits) -> Result<(), Invalid> {
        let is_empty = self.types.is_empty()
            && self.tags.is_empty()
            && self.categories.is_empty()
            && self.stream_prefix.is_none()
            && self.correlation_id.is_none()
            && self.stream.is_none();
        if is_empty {
            return Err(Invalid::malformed("a query's item says nothing; for every event, ask for `all`"));
        }
        check_names("type", &self.types, "event_type_bytes", limits.event_type_bytes)?;
        check_names("tag", &self.tags, "tag_bytes", limits.tag_bytes)?;
        check_names("category", &self.categories, "stream_name_bytes", limits.stream_name_bytes)?;
        let prefix = self.stream_prefix.as_ref().map_or(0, String::len);
        Invalid::check("stream_name_bytes", limits.stream_name_bytes, prefix)?;
        let correlation = self.correlation_id.as_ref().map_or(0, String::len);
        Invalid::check("correlation_id_bytes", super::limits::RELATED_ID_BYTES_MAX, correlation)
    }
}

/// Checks the types that a read of a stream asks for.
///
/// # Errors
/// When one is empty, too long or there twice, and when there are too many.
pub fn check_types(types: &[String], limits: &Limits) -> Result<(), Invalid> {
    check_names("type", types, "event_type_bytes", limits.event_type_bytes)
}

fn check_names(what: &str, names: &[String], limit: &'static str, most_bytes: usize) -> Result<(), Invalid> {
    Invalid::check("query_item_values", QUERY_ITEM_VALUES_MAX, names.len())?;
    for (index, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(Invalid::malformed(format!("a query has an empty {what}")));
        }
        Invalid::check(limit, most_bytes, name.len())?;
        if names[..index].contains(name) {
            return Err(Invalid::malformed(format!("a query's item has the same {what} twice")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    fn event<'a>() -> Labels<'a> {
        Labels { stream: "order-7", event_type: "Placed", tags: vec!["a:1", "b:2"], correlation_id: "c" }
    }

    fn is_match(item: QueryItem) -> bool {
        Query::of(vec![item], &Limits::default()).unwrap().matches(&event())
    }

    #[test]
    fn types_and_categories_are_one_of_and_tags_all_of() {
        let item = QueryItem::default;
        assert!(is_match(QueryItem { types: names(&["Paid", "Placed"]), ..item() }));
        assert!(!is_match(QueryItem { types: names(&["Paid"]), ..item() }));
        assert!(is_match(QueryItem { tags: names(&["b:2", "a:1"]), ..item() }));
        assert!(!is_match(QueryItem { tags: names(&["a:1", "c:3"]), ..item() }));
        assert!(is_match(QueryItem { categories: names(&["x", "order"]), ..item() }));
        assert!(!is_match(QueryItem { categories: names(&["orde", "order-7"]), ..item() }));
        assert!(is_match(QueryItem { stream_prefix: Some("ord".into()), ..item() }));
        assert!(!is_match(QueryItem { stream_prefix: Some("order-71".into()), ..item() }));
        assert!(is_match(QueryItem { correlation_id: Some("c".into()), ..item() }));
        assert!(!is_match(QueryItem { correlation_id: Some("d".into()), ..item() }));
        assert!(
            !is_match(QueryItem { types: names(&["Placed"]), tags: names(&["z"]), ..item() }),
            "every field counts"
        );
    }

    #[test]
    fn items_are_or_and_system_streams_match_only_when_asked_for() {
        let one = |name: &str| QueryItem { types: names(&[name]), ..QueryItem::default() };
        let query = Query::of(vec![one("Paid"), one("Placed")], &Limits::default()).unwrap();
        assert!(query.matches(&event()));
        let system = Labels { stream: "$streams-order-7", ..event() };
        assert!(!query.matches(&system) && !Query::all().matches(&system));
        assert!(query.with_system(true).matches(&system) && Query::all().with_system(true).matches(&system));
    }

    #[test]
    fn what_says_nothing_or_too_much_is_refused() {
        let limits = Limits::default();
        let good = QueryItem { types: names(&["A"]), ..QueryItem::default() };
        assert!(Query::of(vec![], &limits).is_err());
        assert!(Query::of(vec![QueryItem::default()], &limits).is_err());
        for (items, is_good) in [(31, true), (32, true), (33, false)] {
            assert_eq!(Query::of(vec![good.clone(); items], &limits).is_ok(), is_good, "{items} items");
        }
        for (tags, is_good) in [(63, true), (64, true), (65, false)] {
            let tags = (0..tags).map(|n| n.to_string()).collect();
            let query = Query::of(vec![QueryItem { tags, ..QueryItem::default() }], &limits);
            assert_eq!(query.is_ok(), is_good);
        }
        for (bytes, is_good) in [(255, true), (256, true), (257, false)] {
            let tags = vec!["x".repeat(bytes)];
            let query = Query::of(vec![QueryItem { tags, ..QueryItem::default() }], &limits);
            assert_eq!(query.is_ok(), is_good);
        }
        for tags in [names(&[""]), names(&["a", "a"])] {
            assert!(Query::of(vec![QueryItem { tags, ..QueryItem::default() }], &limits).is_err());
        }
    }
}
