//! Plans: a query in the words of the index.
//!
//! An item of a query becomes sets of terms: an event that matches has at least one term of each set. A
//! plan may let more through than the query does (hashes collide, and a prefix of names is no term), never
//! less.

use std::ops::Range;

use super::parts::Parts;
use super::places::Places;
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

    /// The parts of a range that may have an event that matches, as far as memory tells.
    pub(super) fn places(&self, parts: &Parts, range: Range<usize>) -> Places {
        let mut found = Places::default();
        for item in &self.items {
            let mut all = Places::all(range.clone());
            for set in item.iter().take_while(|_| !range.is_empty()) {
                let mut any = Places::default();
                set.iter().for_each(|term| any |= &parts.with(*term, range.clone()));
                all &= &any;
            }
            found |= &all;
        }
        found
    }

    /// The same without the terms that a part has not, as far as memory tells.
    pub(super) fn within(&self, parts: &Parts, place: usize) -> Self {
        let has = |term: &&Term| !parts.with(**term, place..place + 1).is_empty();
        let sets = |item: &Vec<AnyOf>| item.iter().map(|set| set.iter().filter(has).copied().collect()).collect();
        let can_match = |item: &Vec<AnyOf>| !item.iter().any(Vec::is_empty);
        Self { items: self.items.iter().map(sets).filter(can_match).collect() }
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
