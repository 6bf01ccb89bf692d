//! What clients ask to append: events in several encodings, and whole appends.
//!
//! The same event may come in different bytes: its fields in another order, its id in capitals. The
//! model knows an event by its id and by what it says.

use bytes::Bytes;
use quipu::model::wire::put_bytes;
use quipu::model::{EventId, ExpectedRevision, Limits, ProposedEvent, StreamName};
use quipu::store::Append;

use crate::chance::Chance;
use crate::wanted::Signs;

/// Types, tags and correlation ids are few, so that queries meet them.
pub(crate) const TYPES: [&str; 4] = ["Happened", "Opened", "Paid", "Paid2"];
pub(crate) const TAGS: [&str; 4] = ["t:1", "t:2", "t:3", "u"];
pub(crate) const CORRELATIONS: [&str; 3] = ["c1", "c2", "Paid"];

/// An event that is proposed.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) event: ProposedEvent,
    pub(crate) signs: Signs,
    pub(crate) data: Vec<u8>,
    /// What the store puts behind the client's bytes: the id, when they do not have its canonical text.
    pub(crate) added: Vec<u8>,
}

/// An append that is tried.
#[derive(Debug, Clone)]
pub(crate) struct Tried {
    pub(crate) stream: String,
    pub(crate) expected: ExpectedRevision,
    pub(crate) offers: Vec<Offer>,
}

/// What an event may be found by.
pub(crate) fn any_signs(chance: &mut Chance) -> Signs {
    let event_type = TYPES[chance.below(TYPES.len() as u64) as usize].to_owned();
    let tags = TAGS.iter().filter(|_| chance.once_in(4)).map(ToString::to_string).collect();
    let correlation = if chance.once_in(3) { CORRELATIONS[chance.below(3) as usize] } else { "" };
    Signs { event_type, tags, correlation: correlation.to_owned() }
}

impl Offer {
    /// An event with a new id, or with none, which the store then gives it.
    pub(crate) fn fresh(chance: &mut Chance) -> Self {
        let (signs, data) = (any_signs(chance), any_data(chance));
        if chance.once_in(12) { Self::unnamed(signs, data) } else { Self::of(chance.id(), signs, data, chance) }
    }

    /// An event in any encoding.
    pub(crate) fn of(id: u128, signs: Signs, data: Vec<u8>, chance: &mut Chance) -> Self {
        let text = EventId(id).text();
        match chance.below(6) {
            0 => {
                let event = parsed(&[(3, &data)], &signs, &[(1, &text)]);
                Self { event, signs, data, added: Vec::new() }
            }
            1 => {
                let event = parsed(&[(1, &text.to_ascii_uppercase())], &signs, &[(3, &data)]);
                Self { event, signs, data, added: added_id(id, text.iter().any(u8::is_ascii_lowercase)) }
            }
            _ => {
                let event = parsed(&[(1, &text)], &signs, &[(3, &data)]);
                Self { event, signs, data, added: Vec::new() }
            }
        }
    }

    fn unnamed(signs: Signs, data: Vec<u8>) -> Self {
        let event = parsed(&[], &signs, &[(3, &data)]);
        Self { added: added_id(event.id.0, true), event, signs, data }
    }

    pub(crate) fn id(&self) -> u128 {
        self.event.id.0
    }
}

/// A payload, most often a small one.
pub(crate) fn any_data(chance: &mut Chance) -> Vec<u8> {
    let length = if chance.once_in(30) { 3000 } else { chance.below(40) };
    vec![chance.number() as u8; length as usize]
}

/// The id that the store puts behind an event, unless the event has it.
pub(crate) fn added_id(id: u128, is_added: bool) -> Vec<u8> {
    let mut added = Vec::new();
    if is_added {
        put_bytes(&mut added, 1, &EventId(id).text());
    }
    added
}

/// An encoded event: some fields, what it is found by, and other fields.
pub(crate) fn encoded(before: &[(u8, &[u8])], signs: &Signs, behind: &[(u8, &[u8])]) -> Bytes {
    let mut bytes = Vec::new();
    before.iter().for_each(|(number, value)| put_bytes(&mut bytes, *number, value));
    put_bytes(&mut bytes, 2, signs.event_type.as_bytes());
    if !signs.correlation.is_empty() {
        put_bytes(&mut bytes, 7, signs.correlation.as_bytes());
    }
    signs.tags.iter().for_each(|tag| put_bytes(&mut bytes, 9, tag.as_bytes()));
    behind.iter().for_each(|(number, value)| put_bytes(&mut bytes, *number, value));
    bytes.into()
}

fn parsed(before: &[(u8, &[u8])], signs: &Signs, behind: &[(u8, &[u8])]) -> ProposedEvent {
    ProposedEvent::parse(encoded(before, signs, behind), &Limits::default()).expect("a good event")
}

impl Tried {
    pub(crate) fn append(&self) -> Append {
        let events = self.offers.iter().map(|offer| offer.event.clone()).collect();
        Append { stream: StreamName::from_log(&self.stream), expected: self.expected, events }
    }

    /// The same once more. An event that came without an id has one by now, which the client has read.
    pub(crate) fn once_more(&self, chance: &mut Chance) -> Self {
        let mut tried = self.clone();
        let is_anew = chance.once_in(3);
        for offer in &mut tried.offers {
            if is_anew || !offer.event.id_is_given {
                *offer = Offer::of(offer.id(), offer.signs.clone(), std::mem::take(&mut offer.data), chance);
            }
        }
        tried
    }

    /// Leaves out events whose id came before: an append has no id twice.
    pub(crate) fn without_doubles(mut self) -> Self {
        let mut seen = Vec::new();
        self.offers.retain(|offer| {
            let is_new = !seen.contains(&offer.id());
            seen.push(offer.id());
            is_new
        });
        self
    }

    /// For a trace.
    pub(crate) fn told(&self) -> String {
        let told = |offer: &Offer| {
            let Signs { event_type, tags, correlation } = &offer.signs;
            format!("{:08x}:{} {event_type} {} {correlation}", offer.id() >> 96, offer.data.len(), tags.join("+"))
        };
        let offers: Vec<_> = self.offers.iter().map(told).collect();
        format!("append to `{}` expecting {}: {}", self.stream, self.expected, offers.join(", "))
    }
}
