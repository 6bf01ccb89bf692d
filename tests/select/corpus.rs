//! Many events with skewed labels: what went into the store, as a list.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;

use quipu::model::wire::put_bytes;
use quipu::model::{EventId, ExpectedRevision, Limits, ProposedEvent, StreamName};
use quipu::store::{Append, Pending, Store};

use crate::chance::Chance;

/// Categories of streams; the last is no category.
pub(crate) const CATEGORIES: [&str; 5] = ["order", "cart", "customer", "o", "solo"];

/// The first few types are common; those from here on are not.
const RARE_TYPES: u64 = 30;

/// The first tag is on every other event.
const REGIONS: u64 = 4;

/// How many appends wait for their answers at once.
const UNDER_WAY: usize = 64;

/// What an event can be found by, as numbers of names.
#[derive(Debug, Clone)]
pub(crate) struct Labels {
    pub(crate) stream: u64,
    pub(crate) event_type: u64,
    pub(crate) tags: Vec<u64>,
    pub(crate) correlation: Option<u64>,
}

/// All events, in the order of the log.
pub(crate) struct Corpus {
    pub(crate) events: Vec<Labels>,
    streams: u64,
    customers: u64,
    /// How many tags there are that only one event has.
    unique: u64,
}

pub(crate) fn stream_name(number: u64) -> String {
    let category = CATEGORIES[number as usize % CATEGORIES.len()];
    if category == "solo" { format!("solo{number}") } else { format!("{category}-{number}") }
}

pub(crate) fn type_name(number: u64) -> String {
    if number < RARE_TYPES { format!("Type{number}") } else { format!("Rare{number}") }
}

pub(crate) fn tag_name(number: u64) -> String {
    if number < REGIONS { format!("region:{number}") } else { format!("about:{number}") }
}

pub(crate) fn correlation_name(number: u64) -> String {
    format!("about:{number}")
}

/// A number below `end`; small ones come more often.
fn skewed(chance: &mut Chance, end: u64) -> u64 {
    let below = chance.below(end) + 1;
    let below = chance.below(below) + 1;
    chance.below(below)
}

impl Corpus {
    /// An empty list for about so many events.
    pub(crate) fn new(events: u64) -> Self {
        Self { events: Vec::new(), streams: events / 20 + 10, customers: events / 10 + 10, unique: 0 }
    }

    /// Labels of an event of a stream.
    fn draw(&mut self, chance: &mut Chance, stream: u64) -> Labels {
        let event_type = if chance.once_in(5000) { RARE_TYPES + chance.below(40) } else { skewed(chance, RARE_TYPES) };
        let mut tags = Vec::new();
        if chance.once_in(2) {
            tags.push(if chance.once_in(10) { 1 + chance.below(REGIONS - 1) } else { 0 });
        }
        if !chance.once_in(3) {
            tags.push(REGIONS + skewed(chance, self.customers));
        }
        if chance.once_in(3) {
            tags.push(REGIONS + self.customers + self.unique);
            self.unique += 1;
        }
        let correlation = chance.once_in(2).then(|| skewed(chance, self.customers));
        Labels { stream, event_type, tags, correlation }
    }

    /// Appends so many events, and notes them here.
    pub(crate) fn fill(&mut self, store: &Arc<Store>, chance: &mut Chance, events: u64) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let end = self.events.len() as u64 + events;
        runtime.block_on(async {
            let mut pending: VecDeque<Pending> = VecDeque::new();
            while (self.events.len() as u64) < end {
                let stream = skewed(chance, self.streams);
                let count = (1 + skewed(chance, 60)).min(end - self.events.len() as u64);
                let labels: Vec<Labels> = (0..count).map(|_| self.draw(chance, stream)).collect();
                let append = Append {
                    stream: StreamName::from_log(&stream_name(stream)),
                    expected: ExpectedRevision::Any,
                    events: labels.iter().map(|labels| proposed(labels, chance)).collect(),
                };
                pending.push_back(store.transact_in_turn(append.into()).await.expect("it is taken in"));
                self.events.extend(labels);
                if pending.len() >= UNDER_WAY
                    && let Some(first) = pending.pop_front()
                {
                    first.await.expect("an answer").expect("it went in");
                }
            }
            for answer in pending {
                answer.await.expect("an answer").expect("it went in");
            }
        });
    }

    /// How many streams have an event.
    pub(crate) fn streams_used(&self) -> u64 {
        self.events.iter().map(|labels| labels.stream).collect::<HashSet<_>>().len() as u64
    }

    /// How many events there are of each type.
    pub(crate) fn types_used(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for labels in &self.events {
            *counts.entry(type_name(labels.event_type)).or_default() += 1;
        }
        counts
    }
}

fn proposed(labels: &Labels, chance: &mut Chance) -> ProposedEvent {
    let mut bytes = Vec::new();
    put_bytes(&mut bytes, 1, &EventId(chance.id()).text());
    put_bytes(&mut bytes, 2, type_name(labels.event_type).as_bytes());
    put_bytes(&mut bytes, 3, &vec![b'x'; chance.below(30) as usize]);
    if let Some(correlation) = labels.correlation {
        put_bytes(&mut bytes, 7, correlation_name(correlation).as_bytes());
    }
    labels.tags.iter().for_each(|tag| put_bytes(&mut bytes, 9, tag_name(*tag).as_bytes()));
    ProposedEvent::parse(bytes.into(), &Limits::default()).expect("a good event")
}
