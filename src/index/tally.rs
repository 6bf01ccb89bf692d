//! How many events there are, by type, by category and by day.
//!
//! Each part of the index counts its own segment, and the whole is their sum. Names are bounded: a part
//! counts the first [`NAMES_MAX`] types and categories that it meets, and the rest together.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::RandomState;

use crate::model::name::category;
use crate::model::{Labels, Timestamp};

/// How many types, and how many categories, a part of the index counts one by one.
const NAMES_MAX: usize = 4096;

const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

/// The counts. Events of system streams are not in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// All events.
    pub events: u64,
    /// Streams that begin here.
    pub streams: u64,
    /// By type.
    pub types: Counts,
    /// By category.
    pub categories: Counts,
    /// By day since 1970-01-01, UTC.
    pub days: BTreeMap<u64, u64>,
}

/// Events by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// The names that are counted one by one.
    pub names: HashMap<String, u64, RandomState>,
    /// Events with any other name.
    pub others: u64,
}

impl Counts {
    fn add(&mut self, name: &str, events: u64) {
        if let Some(count) = self.names.get_mut(name) {
            *count += events;
        } else if self.names.len() < NAMES_MAX {
            self.names.insert(name.to_owned(), events);
        } else {
            self.others += events;
        }
    }

    fn absorb(&mut self, other: &Self) {
        for (name, events) in &other.names {
            *self.names.entry(name.clone()).or_default() += events;
        }
        self.others += other.others;
    }
}

impl Tally {
    /// Counts an event; `is_first` of its stream.
    pub(super) fn add(&mut self, event: &Labels<'_>, time: Timestamp, is_first: bool) {
        self.events += 1;
        self.streams += u64::from(is_first);
        self.types.add(event.event_type, 1);
        if let Some(category) = category(event.stream) {
            self.categories.add(category, 1);
        }
        *self.days.entry(time.seconds / SECONDS_PER_DAY).or_default() += 1;
    }

    /// Adds what another part counted.
    pub(super) fn absorb(&mut self, other: &Self) {
        self.events += other.events;
        self.streams += other.streams;
        self.types.absorb(&other.types);
        self.categories.absorb(&other.categories);
        for (day, events) in &other.days {
            *self.days.entry(*day).or_default() += events;
        }
    }

    /// ```text
    ///   events streams                                   u64 each
    ///   types, categories   others u64, how many u32, then for each: length u16, name, events u64
    ///   days                how many u32, then for each: day u64, events u64
    /// ```
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = [self.events.to_be_bytes(), self.streams.to_be_bytes()].concat();
        for counts in [&self.types, &self.categories] {
            out.extend_from_slice(&counts.others.to_be_bytes());
            out.extend_from_slice(&(counts.names.len() as u32).to_be_bytes());
            for (name, events) in counts.names.iter().collect::<BTreeMap<_, _>>() {
                out.extend_from_slice(&(name.len() as u16).to_be_bytes());
                out.extend_from_slice(name.as_bytes());
                out.extend_from_slice(&events.to_be_bytes());
            }
        }
        out.extend_from_slice(&(self.days.len() as u32).to_be_bytes());
        for (day, events) in &self.days {
            out.extend_from_slice(&[day.to_be_bytes(), events.to_be_bytes()].concat());
        }
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut bytes = Bytes(bytes);
        let mut tally = Self { events: bytes.u64()?, streams: bytes.u64()?, ..Self::default() };
        for counts in [&mut tally.types, &mut tally.categories] {
            counts.others = bytes.u64()?;
            for _ in 0..bytes.u32()? {
                let length = u16::from_be_bytes(bytes.take()?);
                let name = bytes.text(usize::from(length))?;
                counts.names.insert(name, bytes.u64()?);
            }
        }
        for _ in 0..bytes.u32()? {
            let day = bytes.u64()?;
            tally.days.insert(day, bytes.u64()?);
        }
        bytes.0.is_empty().then_some(tally)
    }
}

/// Bytes that are read from front to back.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }

    fn text(&mut self, length: usize) -> Option<String> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        String::from_utf8(taken.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_as_they_were_written_and_names_are_bounded() {
        let mut tally = Tally::default();
        for number in 0..NAMES_MAX as u64 + 10 {
            let (stream, event_type) = (format!("c{}-{number}", number % 7), format!("type {number}"));
            let event = Labels { stream: &stream, event_type: &event_type, ..Labels::default() };
            tally.add(&event, Timestamp { seconds: number * 100, nanos: 0 }, number % 2 == 0);
        }
        assert_eq!((tally.types.names.len(), tally.types.others), (NAMES_MAX, 10));
        assert_eq!((tally.categories.names.len(), tally.categories.others), (7, 0));
        assert_eq!((tally.days[&0], tally.streams), (864, (NAMES_MAX as u64 + 10) / 2));

        let bytes = tally.encode();
        assert_eq!(Tally::decode(&bytes).as_ref(), Some(&tally));
        assert!((0..bytes.len()).step_by(997).all(|cut| Tally::decode(&bytes[..cut]).is_none()));

        let mut twice = tally.clone();
        twice.absorb(&tally);
        assert_eq!((twice.events, twice.types.others), (2 * tally.events, 20));
        assert!(twice.days.values().zip(tally.days.values()).all(|(two, one)| *two == 2 * one));
    }
}
