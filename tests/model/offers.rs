//! What clients ask to append: events in several encodings, and whole appends.
//!
//! The same event may come in different bytes: its fields in another order, its id in capitals. The
//! model knows an event by its id and its payload; the type is always the same.

use quipu::model::wire::put_bytes;
use quipu::model::{EventId, ExpectedRevision, Limits, ProposedEvent, StreamName};
use quipu::store::Append;

use crate::chance::Chance;
use crate::proposals::proposal;

/// An event that is proposed.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) event: ProposedEvent,
    pub(crate) data: Vec<u8>,
    /// What the store puts behind the client's bytes: the id, when they do not have its canonical text.
    pub(crate) added: Vec<u8>,
}

/// An append that is tried.
#[derive(Clone)]
pub(crate) struct Tried {
    pub(crate) stream: String,
    pub(crate) expected: ExpectedRevision,
    pub(crate) offers: Vec<Offer>,
}

impl Offer {
    /// An event with a new id, or with none, which the store then gives it.
    pub(crate) fn fresh(chance: &mut Chance) -> Self {
        let data = any_data(chance);
        if chance.once_in(12) { Self::unnamed(data) } else { Self::of(chance.id(), data, chance) }
    }

    /// An event in any encoding.
    pub(crate) fn of(id: u128, data: Vec<u8>, chance: &mut Chance) -> Self {
        let text = EventId(id).text();
        match chance.below(6) {
            0 => Self { event: parsed(&[(3, &data), (2, b"Happened"), (1, &text)]), data, added: Vec::new() },
            1 => {
                let event = parsed(&[(1, &text.to_ascii_uppercase()), (2, b"Happened"), (3, &data)]);
                Self { event, data, added: added_id(id, text.iter().any(u8::is_ascii_lowercase)) }
            }
            _ => Self { event: proposal(id, &data), data, added: Vec::new() },
        }
    }

    fn unnamed(data: Vec<u8>) -> Self {
        let event = parsed(&[(2, b"Happened"), (3, &data)]);
        Self { added: added_id(event.id.0, true), event, data }
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

fn added_id(id: u128, is_added: bool) -> Vec<u8> {
    let mut added = Vec::new();
    if is_added {
        put_bytes(&mut added, 1, &EventId(id).text());
    }
    added
}

fn parsed(fields: &[(u8, &[u8])]) -> ProposedEvent {
    let mut bytes = Vec::new();
    fields.iter().for_each(|(number, value)| put_bytes(&mut bytes, *number, value));
    ProposedEvent::parse(bytes.into(), &Limits::default()).expect("a good event")
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
                *offer = Offer::of(offer.id(), std::mem::take(&mut offer.data), chance);
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
        let offer = |offer: &Offer| format!("{:08x}:{}", offer.id() >> 96, offer.data.len());
        let offers: Vec<_> = self.offers.iter().map(offer).collect();
        format!("append to `{}` expecting {}: {}", self.stream, self.expected, offers.join(" "))
    }
}
