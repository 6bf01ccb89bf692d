//! What the bench appends.
//!
//! Owns [`Proposer`], which makes events as cheaply as it can, since the load generator shares the
//! machine with the server: payloads are made beforehand and only counted references are handed out,
//! and version 7 ids are counted up from a real one. Every row uses the same events, so rows differ
//! in what the server does and not in what the client does.

use bytes::Bytes;
use quipu_client::{NewEvent, proto};
use uuid::Uuid;

/// The size of an event's payload.
pub(super) const PAYLOAD_BYTES: usize = 256;

/// The type of every event.
pub(super) const EVENT_TYPE: &str = "Measured";

/// How many different payloads a proposer takes turns with.
const PAYLOADS: usize = 64;

/// After so many ids the clock is asked again.
const IDS_OF_A_BLOCK: u64 = 1024;

/// Numbers by lot: xorshift, which is quick and more than random enough for load.
#[derive(Clone, Debug)]
pub(super) struct Lots(u64);

impl Lots {
    /// A sequence of its own.
    pub(super) fn new() -> Self {
        Self(Uuid::new_v4().as_u64_pair().0 | 1)
    }

    /// The next number.
    pub(super) fn draw(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// The next number below `limit`.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.draw() % limit.max(1)
    }

    /// So many letters and digits.
    pub(super) fn text(&mut self, length: usize) -> String {
        const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        (0..length).map(|_| char::from(LETTERS[(self.draw() >> 58) as usize])).collect()
    }
}

/// Makes the events of one worker.
#[derive(Debug)]
pub(super) struct Proposer {
    payloads: Vec<Bytes>,
    made: u64,
    id: (u64, u64),
}

impl Proposer {
    /// With payloads of its own.
    pub(super) fn new() -> Self {
        Self::of_payloads(PAYLOAD_BYTES)
    }

    /// With payloads of its own of another size, at least 11 bytes.
    pub(super) fn of_payloads(bytes: usize) -> Self {
        let mut lots = Lots::new();
        let fill = bytes - r#"{"text":""}"#.len();
        let payload = |_| Bytes::from(format!(r#"{{"text":"{}"}}"#, lots.text(fill)));
        Self { payloads: (0..PAYLOADS).map(payload).collect(), made: 0, id: (0, 0) }
    }

    /// The next event as it goes over the wire.
    pub(super) fn wire_event(&mut self) -> proto::NewEvent {
        let data = self.payload();
        proto::NewEvent { id: self.id().to_string(), r#type: EVENT_TYPE.to_owned(), data, ..Default::default() }
    }

    /// The next event for the client's calls.
    pub(super) fn event(&mut self) -> NewEvent {
        let data = self.payload();
        let id = self.id();
        NewEvent::new(EVENT_TYPE, data).with_id(id)
    }

    fn payload(&self) -> Bytes {
        self.payloads[(self.made % PAYLOADS as u64) as usize].clone()
    }

    fn id(&mut self) -> Uuid {
        if self.made.is_multiple_of(IDS_OF_A_BLOCK) {
            self.id = Uuid::now_v7().as_u64_pair();
        }
        self.made += 1;
        // The last 48 bits were drawn by lot; counting in them leaves version and time alone.
        let counted = (self.id.1 & 0xffff_ffff_ffff).wrapping_add(self.made) & 0xffff_ffff_ffff;
        Uuid::from_u64_pair(self.id.0, self.id.1 & !0xffff_ffff_ffff | counted)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_distinct_and_of_version_7() {
        let mut proposer = Proposer::new();
        let ids: HashSet<Uuid> = (0..5000).map(|_| proposer.id()).collect();
        assert_eq!(ids.len(), 5000);
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
    }

    #[test]
    fn payloads_are_json_of_the_size() {
        let mut proposer = Proposer::new();
        for _ in 0..PAYLOADS {
            let event = proposer.wire_event();
            assert_eq!(event.data.len(), PAYLOAD_BYTES);
            assert!(serde_json::from_slice::<serde_json::Value>(&event.data).is_ok());
        }
    }
}
