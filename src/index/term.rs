//! Terms: what an event can be found by.
//!
//! A term is a kind and a value, kept as one 64-bit hash. The seed is the log's id, so that nobody can
//! prepare names that collide in every store.

use xxhash_rust::xxh3::Xxh3;

use crate::model::EventId;

/// What a term says of an event. The numbers go into the hash: they are for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum TermKind {
    /// It belongs to this stream.
    Stream = 1,
    /// It has this id.
    EventId = 2,
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
    /// The terms of the log with this id.
    pub fn of_log(log_id: u128) -> Self {
        Self { seed: (log_id >> 64) as u64 ^ log_id as u64, mask: u64::MAX }
    }

    /// Terms whose hashes keep only the bits of `mask`: for tests that need collisions.
    pub fn masked(self, mask: u64) -> Self {
        Self { mask, ..self }
    }

    /// The term of a stream.
    pub fn stream(&self, name: &str) -> Term {
        self.term(TermKind::Stream, name.as_bytes())
    }

    /// The term of an event's id.
    pub fn event_id(&self, id: EventId) -> Term {
        self.term(TermKind::EventId, &id.0.to_be_bytes())
    }

    fn term(&self, kind: TermKind, value: &[u8]) -> Term {
        let mut hasher = Xxh3::with_seed(self.seed);
        hasher.update(&[kind as u8]);
        hasher.update(value);
        Term { kind, hash: hasher.digest() & self.mask }
    }
}
