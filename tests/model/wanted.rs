//! What a query means, written down a second time: plainly, and not in the engine's words.

use std::fmt;

use quipu::model::{Limits, Query, QueryItem, StreamName};

use crate::chance::Chance;

/// What an event can be found by, apart from its stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Signs {
    pub(crate) event_type: String,
    pub(crate) tags: Vec<String>,
    pub(crate) correlation: String,
}

/// A query.
#[derive(Clone)]
pub(crate) struct Wanted {
    /// `None`: every event.
    pub(crate) items: Option<Vec<QueryItem>>,
    pub(crate) has_system: bool,
    /// Whether one of an item's tags will do: a rule that is wrong.
    pub(crate) any_tag_will_do: bool,
}

impl fmt::Debug for Wanted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.has_system { "{ with $, " } else { "{ " })?;
        for item in self.items.iter().flatten() {
            let QueryItem { types, tags, categories, stream_prefix, correlation_id, stream } = item;
            let named = [("types", types), ("tags", tags), ("categories", categories)];
            let named = named.into_iter().filter(|(_, names)| !names.is_empty());
            named.into_iter().try_for_each(|(what, names)| write!(formatter, "{what} {} ", names.join("|")))?;
            let stream = stream.as_ref().map(|stream| stream.as_str().to_owned());
            let single = [("prefix", stream_prefix), ("correlation", correlation_id), ("stream", &stream)];
            let mut single = single.into_iter().filter_map(|(what, text)| Some((what, text.as_ref()?)));
            single.try_for_each(|(what, text)| write!(formatter, "{what} `{text}` "))?;
            formatter.write_str("; ")?;
        }
        formatter.write_str(if self.items.is_some() { "}" } else { "all }" })
    }
}

/// What queries may ask for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Alphabet {
    pub(crate) types: Vec<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) prefixes: Vec<String>,
    pub(crate) correlations: Vec<String>,
}

/// Some of these, none twice.
fn some(chance: &mut Chance, of: &[String], most: u64) -> Vec<String> {
    let mut drawn: Vec<String> = Vec::new();
    for _ in 0..1 + chance.below(most) {
        let one = &of[chance.below(of.len() as u64) as usize];
        if !drawn.contains(one) {
            drawn.push(one.clone());
        }
    }
    drawn
}

fn item(chance: &mut Chance, alphabet: &Alphabet) -> QueryItem {
    let mut item = QueryItem::default();
    while item == QueryItem::default() {
        if chance.once_in(2) {
            item.types = some(chance, &alphabet.types, 3);
        }
        if chance.once_in(3) {
            item.tags = some(chance, &alphabet.tags, 3);
        }
        if chance.once_in(4) {
            item.categories = some(chance, &alphabet.categories, 3);
        }
        if chance.once_in(4) {
            item.stream_prefix = some(chance, &alphabet.prefixes, 1).pop();
        }
        if chance.once_in(5) {
            item.correlation_id = some(chance, &alphabet.correlations, 1).pop();
        }
    }
    item
}

impl Wanted {
    /// Any query.
    pub(crate) fn draw(chance: &mut Chance, alphabet: &Alphabet) -> Self {
        let count = [1, 1, 1, 2, 2, 3, 4][chance.below(7) as usize];
        let items = (0..count).map(|_| item(chance, alphabet)).collect();
        let items = if chance.once_in(12) { None } else { Some(items) };
        Self { items, has_system: chance.once_in(3), any_tag_will_do: false }
    }

    /// The events of one stream, of these types if any are named.
    pub(crate) fn of_stream(stream: &str, types: Vec<String>) -> Self {
        let item = QueryItem { types, stream: Some(StreamName::from_log(stream)), ..QueryItem::default() };
        Self { items: Some(vec![item]), has_system: true, any_tag_will_do: false }
    }

    /// As the engine takes it.
    pub(crate) fn query(&self) -> Query {
        let query = self.items.clone().map_or_else(Query::all, |items| {
            Query::of(items, &Limits::default()).expect("a drawn query is within the limits")
        });
        query.with_system(self.has_system)
    }

    /// Whether an event is meant.
    pub(crate) fn means(&self, stream: &str, signs: &Signs) -> bool {
        if stream.starts_with('$') && !self.has_system {
            return false;
        }
        let Some(items) = &self.items else { return true };
        items.iter().any(|item| self.is_met(item, stream, signs))
    }

    fn is_met(&self, item: &QueryItem, stream: &str, signs: &Signs) -> bool {
        if !item.types.is_empty() && !item.types.contains(&signs.event_type) {
            return false;
        }
        let mut has = item.tags.iter().map(|tag| signs.tags.contains(tag));
        let has_tags =
            if self.any_tag_will_do { item.tags.is_empty() || has.any(|has| has) } else { has.all(|has| has) };
        if !has_tags {
            return false;
        }
        // The name up to the first `-`, if there is one.
        let category = stream.find('-').map(|end| &stream[..end]).filter(|category| !category.is_empty());
        if !item.categories.is_empty() && !category.is_some_and(|one| item.categories.iter().any(|name| name == one)) {
            return false;
        }
        let has_prefix = match &item.stream_prefix {
            Some(prefix) => stream.len() >= prefix.len() && stream.as_bytes()[..prefix.len()] == *prefix.as_bytes(),
            None => true,
        };
        let has_correlation = match &item.correlation_id {
            Some(id) => *id == signs.correlation,
            None => true,
        };
        has_prefix && has_correlation && item.stream.as_ref().is_none_or(|name| name.as_str() == stream)
    }
}
