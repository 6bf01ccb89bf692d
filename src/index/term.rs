//! Terms: what an event can be found by.
//!
//! A term is a kind and a value, kept as one 64-bit hash. The seed is the salt of the log's first segment,
//! which no client is told, so that nobody can prepare names that collide.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::model::name::category;
use crate::model::{EventId, Labels};

/// What a term says of an event. The numbers go into the hash: they are for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum TermKind {
    /// It belongs to this stream.
    Stream = 1,
    /// It has this id.
    EventId = 2,
    /// It has this type.
    Type = 3,
    /// Its stream is of this category.
    Category = 4,
    /// It has this tag.
    Tag = 5,
    /// It has this correlation id.
    CorrelationId = 6,
}

/// A term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// Its kind.
    pub kind: TermKind,
    /// The hash of kind and value.
    pub hash: u64,
}

/// Makes the terms of one log.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    seed: u64,
    mask: u64,
}

impl Terms {
    /// The terms of a log whose first segment has this salt.
    pub fn seeded(salt: u64) -> Self {
        Self { seed: salt, mask: u64::MAX }
    }

    /// Terms whose hashes keep only the bits of `mask`: for tests that need collisions.
    pub fn masked(self, mask: u64) -> Self {
        Self { mask, ..self }
    }

    /// The term of a stream.
    pub fn stream(&self, name: &str) -> Term {
        self.text(TermKind::Stream, name)
    }

    /// The term of an event's id.
    pub fn event_id(&self, id: EventId) -> Term {
        self.term(TermKind::EventId, &id.0.to_be_bytes())
    }

    /// The term of a kind that has text for values.
    pub fn text(&self, kind: TermKind, value: &str) -> Term {
        self.term(kind, value.as_bytes())
    }

    /// Every term of an event but its id.
    pub fn each(&self, event: &Labels<'_>, mut visit: impl FnMut(Term)) {
        visit(self.stream(event.stream));
        visit(self.text(TermKind::Type, event.event_type));
        if let Some(category) = category(event.stream) {
            visit(self.text(TermKind::Category, category));
        }
        event.tags.iter().for_each(|tag| visit(self.text(TermKind::Tag, tag)));
        if !event.correlation_id.is_empty() {
            visit(self.text(TermKind::CorrelationId, event.correlation_id));
        }
    }

    fn term(&self, kind: TermKind, value: &[u8]) -> Term {
        let seed = self.seed.wrapping_add((kind as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Term { kind, hash: xxh3_64_with_seed(value, seed) & self.mask }
    }
}
