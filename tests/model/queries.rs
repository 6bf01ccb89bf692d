//! Events by query and by time, and how many there are.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use quipu::model::{Position, Timestamp, Walk};
use quipu::store::Error;
use quipu::store::read::PageSize;

use crate::checked::{Checked, holds, same};
use crate::offers::{CORRELATIONS, TAGS, TYPES};
use crate::reads::fits;
use crate::run::{Run, Wrong};
use crate::wanted::{Alphabet, Wanted};

fn told(error: &Error) -> String {
    format!("a read by query failed: {error:?}")
}

/// What queries ask for: most of it is there.
pub(crate) fn alphabet() -> Alphabet {
    let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
    let mut types: Vec<String> = texts(&TYPES);
    types.extend(["$deleted".to_owned(), "Never".to_owned()]);
    Alphabet {
        types,
        tags: [&TAGS[..], &["never"]].concat().iter().map(ToString::to_string).collect(),
        categories: texts(&["a", "n", "b", "$streams", "never"]),
        prefixes: texts(&["a", "a-", "a-1", "n-", "n-1", "b", "$", "$streams-", "é", "never-", "-"]),
        correlations: texts(&[&CORRELATIONS[..], &["never"]].concat()),
    }
}

/// The days, the types or the categories, sorted.
type Sorted<K> = BTreeMap<K, u64>;

impl Run {
    /// A query, as the model's rules have it.
    pub(crate) fn any_wanted(&mut self) -> Wanted {
        let any_tag_will_do = self.plain.wrong == Wrong::Tags;
        Wanted { any_tag_will_do, ..Wanted::draw(&mut self.chance, &self.alphabet) }
    }

    /// Reads a part of the log by query, or finds places by time.
    pub(crate) fn query(&mut self) -> Checked {
        let wanted = self.any_wanted();
        let head = self.plain.head();
        let (from, until) = match self.chance.below(3) {
            0 => (1, head),
            _ => (1 + self.chance.below(head + 1), self.chance.below(head + 1)),
        };
        let walk = if self.chance.once_in(2) { Walk::Forwards } else { Walk::Backwards };
        let size = self.any_size();
        self.note(format!("select {wanted:?} in {from}..={until} {walk:?}, {size:?}"));
        self.select(&wanted, from..=until, walk, size)?;
        self.places_in_time()
    }

    /// Follows the rest of a selection until nothing is left.
    pub(crate) fn select(&self, wanted: &Wanted, range: RangeInclusive<u64>, walk: Walk, size: PageSize) -> Checked {
        let inside = self.plain.meant(wanted).filter(|at| range.contains(&(*at as u64 + 1)));
        let mut due: Vec<usize> = inside.collect();
        if walk == Walk::Backwards {
            due.reverse();
        }
        let (query, mut due) = (wanted.query(), &due[..]);
        let mut rest = Some(Position(*range.start())..=Position(*range.end()));
        while let Some(range) = rest {
            let found = self.store.reader().select(&query, range.clone(), walk, size);
            let found = found.map_err(|error| told(&error))?;
            holds(found.events.len() <= due.len(), || format!("{} events, due are {due:?}", found.events.len()))?;
            for (event, at) in found.events.iter().zip(due) {
                self.plain.is_at(*at, event)?;
            }
            due = &due[found.events.len()..];
            let is_less = found.rest.as_ref().is_none_or(|rest| match walk {
                Walk::Forwards => rest.start() > range.start() && rest.end() == range.end(),
                Walk::Backwards => rest.start() == range.start() && rest.end() < range.end(),
            });
            holds(is_less, || format!("of {range:?} the rest is {:?}", found.rest))?;
            fits(&found.events, size)?;
            rest = found.rest;
        }
        holds(due.is_empty(), || format!("{due:?} did not come"))
    }

    /// A time: most often that of an event, or one beside it.
    pub(crate) fn any_time(&mut self) -> Timestamp {
        let length = self.plain.log.len() as u64;
        if length == 0 || self.chance.once_in(6) {
            return Timestamp { seconds: self.chance.below(4_000_000_000), nanos: 999_999_999 };
        }
        let at = self.plain.log[self.chance.below(length) as usize].at;
        Timestamp { nanos: (at.nanos + self.chance.below(3) as u32).saturating_sub(1), ..at }
    }

    /// Compares where reads begin that begin at a time.
    fn places_in_time(&mut self) -> Checked {
        let (head, time) = (self.plain.head(), self.any_time());
        let first = self.plain.log.iter().position(|entry| entry.at >= time).map_or(head + 1, |at| at as u64 + 1);
        let last = self.plain.log.iter().rposition(|entry| entry.at <= time).map_or(0, |at| at as u64 + 1);
        for (walk, model) in [(Walk::Forwards, first), (Walk::Backwards, last)] {
            let place = self.store.reader().position_from(time, walk, Position(head)).map_err(|error| told(&error))?;
            same(&format!("the position from {time:?} {walk:?}"), &place.0, &model)?;
        }
        Ok(())
    }

    /// Compares the counts.
    pub(crate) fn count(&mut self) -> Checked {
        self.note("count".into());
        let tally = self.store.tally().map_err(|error| told(&error))?;
        let (mut types, mut categories, mut days) = (Sorted::new(), Sorted::new(), Sorted::new());
        let (mut events, mut streams) = (0, 0);
        for entry in self.plain.log.iter().filter(|entry| !entry.stream.starts_with('$')) {
            events += 1;
            streams += u64::from(entry.revision == 0);
            *types.entry(entry.signs.event_type.clone()).or_default() += 1;
            if let Some((category, _)) = entry.stream.split_once('-').filter(|(category, _)| !category.is_empty()) {
                *categories.entry(category.to_owned()).or_default() += 1;
            }
            *days.entry(entry.at.seconds / (24 * 60 * 60)).or_default() += 1;
        }
        same("how many events", &(tally.events, tally.streams), &(events, streams))?;
        same("how many of each type", &tally.types.names.into_iter().collect::<Sorted<_>>(), &types)?;
        same("how many of each category", &tally.categories.names.into_iter().collect::<Sorted<_>>(), &categories)?;
        same("how many of others", &(tally.types.others, tally.categories.others), &(0, 0))?;
        same("how many of each day", &tally.days, &days)
    }
}
