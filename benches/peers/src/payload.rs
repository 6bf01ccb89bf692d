//! What is appended: JSON of 256 bytes.
//!
//! Owns [`Payloads`], made beforehand and handed out as counted references, and payloads that carry a time.
//! JSON, because message-db takes nothing else; no peer but PostgreSQL looks into it.

use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;

/// The size of an event's payload.
pub(crate) const PAYLOAD_BYTES: usize = 256;

/// The type of every event.
pub(crate) const EVENT_TYPE: &str = "Measured";

const PREFIX: &str = r#"{"at":""#;
const DIGITS: usize = 20;
const MIDDLE: &str = r#"","text":""#;
const END: &str = r#""}"#;

/// Numbers by lot: xorshift, which is quick and more than random enough for load.
#[derive(Clone, Debug)]
pub(crate) struct Lots(u64);

impl Lots {
    /// A sequence of its own.
    pub(crate) fn new() -> Self {
        Self(Uuid::new_v4().as_u64_pair().0 | 1)
    }

    fn draw(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// The next number below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.draw() % limit.max(1)
    }

    fn text(&mut self, length: usize) -> String {
        const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        (0..length).map(|_| char::from(LETTERS[(self.draw() >> 58) as usize])).collect()
    }
}

/// Payloads to take turns with.
#[derive(Clone, Debug)]
pub(crate) struct Payloads {
    made: Vec<Bytes>,
    next: usize,
}

impl Payloads {
    /// Sixty-four of them, which do not compress.
    pub(crate) fn new() -> Self {
        let mut lots = Lots::new();
        let mut made = || {
            let text = lots.text(PAYLOAD_BYTES);
            Bytes::from(stamped(Duration::ZERO, &text))
        };
        Self { made: (0..64).map(|_| made()).collect(), next: 0 }
    }

    /// The next so many.
    pub(crate) fn take(&mut self, events: usize) -> Vec<Bytes> {
        let from = self.next;
        self.next = (from + events) % self.made.len();
        (from..from + events).map(|at| self.made[at % self.made.len()].clone()).collect()
    }
}

/// A text to fill stamped payloads with.
pub(crate) fn filler() -> String {
    Lots::new().text(PAYLOAD_BYTES)
}

/// A payload that carries a time.
pub(crate) fn stamped(at: Duration, filler: &str) -> String {
    let rest = PAYLOAD_BYTES - PREFIX.len() - DIGITS - MIDDLE.len() - END.len();
    format!("{PREFIX}{:0DIGITS$}{MIDDLE}{}{END}", at.as_nanos(), &filler[..rest])
}

/// The time that a payload carries.
pub(crate) fn stamp_of(payload: &[u8]) -> Option<Duration> {
    let digits = payload.strip_prefix(PREFIX.as_bytes())?.get(..DIGITS)?;
    std::str::from_utf8(digits).ok()?.parse().ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_json_of_the_size_and_carries_its_time() {
        for nanos in [0, 1, 5_000_000_000] {
            let payload = stamped(Duration::from_nanos(nanos), &filler());
            assert_eq!(payload.len(), PAYLOAD_BYTES);
            assert!(serde_json::from_str::<serde_json::Value>(&payload).is_ok(), "{payload}");
            assert_eq!(stamp_of(payload.as_bytes()), Some(Duration::from_nanos(nanos)));
        }
        assert_eq!(stamp_of(b"{}"), None);
    }

    #[test]
    fn payloads_take_turns() {
        let mut payloads = Payloads::new();
        let first = payloads.take(40);
        let second = payloads.take(40);
        assert_eq!(first[..16], second[24..]);
        assert_ne!(first[0], second[0]);
    }
}
