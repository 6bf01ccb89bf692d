//! The log, found by id, by stream and by label, with the span of time in which each append went in.

use std::collections::HashMap;
use std::ops::Range;

use super::matching::is_meant;
use crate::history::{Event, History, NEVER, Outcome, Query};

/// A history beside its log.
#[derive(Debug)]
pub(super) struct Ledger<'a> {
    pub(super) history: &'a History,
    pub(super) log: &'a [Event],
    /// For each append, where its events are in the log: places from 0, ascending.
    pub(super) places: Vec<Vec<usize>>,
    /// For each place of the log, which append its event is of.
    pub(super) owners: Vec<Option<usize>>,
    by_stream: HashMap<&'a str, Vec<usize>>,
    by_tag: HashMap<&'a str, Vec<usize>>,
    by_type: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Ledger<'a> {
    pub(super) fn of(history: &'a History, log: &'a [Event]) -> Self {
        let mut owner_of = HashMap::new();
        for (append, proposed) in history.appends.iter().enumerate() {
            owner_of.extend(proposed.events().map(|event| (event.id, append)));
        }
        let mut ledger = Self {
            history,
            log,
            places: vec![Vec::new(); history.appends.len()],
            owners: Vec::with_capacity(log.len()),
            by_stream: HashMap::new(),
            by_tag: HashMap::new(),
            by_type: HashMap::new(),
        };
        for (place, event) in log.iter().enumerate() {
            let owner = owner_of.get(&event.id).copied();
            ledger.owners.push(owner);
            if let Some(owner) = owner {
                ledger.places[owner].push(place);
            }
            ledger.by_stream.entry(&event.stream).or_default().push(place);
            ledger.by_type.entry(&event.event_type).or_default().push(place);
            for tag in &event.tags {
                ledger.by_tag.entry(tag).or_default().push(place);
            }
        }
        ledger
    }

    /// The places of a stream's events, by revision.
    pub(super) fn stream(&self, name: &str) -> &[usize] {
        self.by_stream.get(name).map_or(&[], Vec::as_slice)
    }

    /// The last revision of a stream as it was with this many events in the log.
    pub(super) fn last_revision(&self, stream: &str, events: usize) -> Option<u64> {
        let places = self.stream(stream);
        let before = places.partition_point(|place| *place < events);
        before.checked_sub(1).map(|last| self.log[places[last]].revision)
    }

    /// The places of all matches in a range of places, ascending.
    pub(super) fn select(&self, query: &Query, range: &Range<usize>) -> Vec<usize> {
        let is_match = |place: &usize| is_meant(query, &self.log[*place]);
        match self.candidates(query) {
            None => range.clone().filter(is_match).collect(),
            Some(lists) => {
                let within = |list: &[usize]| within(list, range).to_vec();
                let mut places: Vec<usize> = lists.into_iter().flat_map(within).filter(is_match).collect();
                places.sort_unstable();
                places.dedup();
                places
            }
        }
    }

    /// The place of the newest match in a range of places.
    pub(super) fn newest(&self, query: &Query, range: &Range<usize>) -> Option<usize> {
        let is_match = |place: &usize| is_meant(query, &self.log[*place]);
        match self.candidates(query) {
            None => range.clone().rev().find(is_match),
            Some(lists) => {
                let newest = |list| within(list, range).iter().rev().copied().find(is_match);
                lists.into_iter().filter_map(newest).max()
            }
        }
    }

    /// Lists of places that hold every match; `None` when there is no better way than to look at all.
    fn candidates(&self, query: &Query) -> Option<Vec<&[usize]>> {
        let mut lists: Vec<&[usize]> = Vec::new();
        for item in query.items.as_ref()? {
            let of = |lists: &'_ HashMap<&str, Vec<usize>>, name: &String| {
                lists.get(name.as_str()).map(Vec::len).unwrap_or_default()
            };
            if let Some(rarest) = item.tags.iter().min_by_key(|tag| of(&self.by_tag, tag)) {
                lists.extend(self.by_tag.get(rarest.as_str()).map(Vec::as_slice));
            } else if item.types.is_empty() {
                return None;
            } else {
                lists.extend(item.types.iter().filter_map(|name| self.by_type.get(name.as_str())).map(Vec::as_slice));
            }
        }
        Some(lists)
    }

    /// The span of time in which an append that is in the log went in.
    pub(super) fn span(&self, append: usize) -> (u64, u64) {
        let attempts = &self.history.appends[append].attempts;
        let answered = |first: bool| {
            attempts.iter().filter(
                move |attempt| matches!(&attempt.outcome, Outcome::Ok(placed) if !first || !placed.deduplicated),
            )
        };
        let earliest = || attempts.iter().map(|attempt| attempt.invoked).min().unwrap_or_default();
        let from = answered(true).map(|attempt| attempt.invoked).min().unwrap_or_else(earliest);
        let bound = || {
            let open = attempts.iter().filter(|attempt| attempt.outcome == Outcome::Unknown);
            open.map(|attempt| self.history.bound(attempt.invoked, attempt.returned)).max().unwrap_or(NEVER)
        };
        let until = answered(false).map(|attempt| attempt.returned).min().unwrap_or_else(bound);
        (from, until)
    }
}

/// The part of an ascending list that lies in a range.
fn within<'l>(list: &'l [usize], range: &Range<usize>) -> &'l [usize] {
    let from = list.partition_point(|place| *place < range.start);
    let until = list.partition_point(|place| *place < range.end);
    &list[from..until.max(from)]
}
