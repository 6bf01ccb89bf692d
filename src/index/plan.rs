//! Plans: a query in the words of the index.
//!
//! An item of a query becomes sets of terms: an event that matches has at least one term of each set. A
//! plan may let more through than the query does (hashes collide, and a prefix of names is no term), never
//! less.

use super::{Term, TermKind, Terms};
use crate::model::name::category;
use crate::model::{Query, QueryItem};

/// At least one of these.
pub(super) type AnyOf = Vec<Term>;

/// Which events may match: for one of the items, at least one term of each of its sets.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(super) items: Vec<Vec<AnyOf>>,
}

impl Plan {
    /// The plan of a query.
    pub fn of(query: &Query, terms: &Terms) -> Self {
        let items = query.items().map(|items| items.iter().map(|item| sets(item, terms)).collect());
        Self { items: items.unwrap_or_else(|| vec![Vec::new()]) }
    }

    /// Whether every event must be looked at.
    pub fn is_everything(&self) -> bool {
        self.items.iter().any(Vec::is_empty)
    }

    /// Terms of which every event that matches has at least one. Empty when every event must be looked at.
    pub fn signs(&self) -> Vec<Term> {
        if self.is_everything() {
            return Vec::new();
        }
        // A set of one term, such as a tag, says more than one of several types.
        let telling = |item: &Vec<AnyOf>| item.iter().min_by_key(|set| set.len()).cloned().unwrap_or_default();
        self.items.iter().flat_map(telling).collect()
    }

    /// Whether a part may have an event that matches, if it may have these terms.
    pub(super) fn may_match(&self, may_have: impl Fn(Term) -> bool) -> bool {
        let has_one = |set: &AnyOf| set.iter().any(|term| may_have(*term));
        self.items.iter().any(|item| item.iter().all(has_one))
    }
}

fn sets(item: &QueryItem, terms: &Terms) -> Vec<AnyOf> {
    let any_of = |kind, names: &[String]| names.iter().map(|name| terms.text(kind, name)).collect::<AnyOf>();
    let mut sets = Vec::new();
    sets.extend(item.correlation_id.as_ref().map(|id| vec![terms.text(TermKind::CorrelationId, id)]));
    sets.extend(item.stream.as_ref().map(|stream| vec![terms.stream(stream.as_str())]));
    sets.extend(item.tags.iter().map(|tag| vec![terms.text(TermKind::Tag, tag)]));
    sets.extend(
        item.stream_prefix.as_deref().and_then(category).map(|name| vec![terms.text(TermKind::Category, name)]),
    );
    sets.extend((!item.categories.is_empty()).then(|| any_of(TermKind::Category, &item.categories)));
    sets.extend((!item.types.is_empty()).then(|| any_of(TermKind::Type, &item.types)));
    sets
}
