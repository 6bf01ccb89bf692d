//! What the bench appends.
//!
//! Owns [`Proposer`], which makes events as cheaply as it can, since the load generator shares the
//! machine with the server: payloads are made beforehand and only counted references are handed out,
//! and version 7 ids are counted up from a real one. Every row uses the same events, so rows differ
//! in what the server does and not in what the client does. Where deliveries are measured, a payload carries
//! the time that its latency counts from, and is made anew.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use quipu_client::{NewEvent, proto};
use uuid::Uuid;

use super::sizes::Sizes;

/// The size of an event's payload.
pub(super) const PAYLOAD_BYTES: usize = 256;

/// The type of every event.
pub(super) const EVENT_TYPE: &str = "Measured";

/// The smallest payload: JSON with nothing in it.
pub(super) const PAYLOAD_BYTES_MIN: usize = r#"{"text":""}"#.len();

/// The smallest payload that carries a time.
pub(super) const STAMPED_BYTES_MIN: usize = PREFIX.len() + DIGITS + r#"","text":""}"#.len();

const PREFIX: &str = r#"{"at":""#;
const DIGITS: usize = 20;

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

/// Payloads made beforehand; all clones share them.
#[derive(Clone, Debug)]
pub(super) struct Payloads {
    made: Arc<[Bytes]>,
    /// Letters for the largest of them.
    fill: Arc<str>,
}

impl Payloads {
    /// Of all sizes alike, the smallest and the largest included.
    pub(super) fn new(sizes: Sizes) -> Self {
        let mut lots = Lots::new();
        let payload = |turn| {
            let fill = sizes.spread(turn, PAYLOADS) - PAYLOAD_BYTES_MIN;
            Bytes::from(format!(r#"{{"text":"{}"}}"#, lots.text(fill)))
        };
        let made = (0..PAYLOADS).map(payload).collect();
        Self { made, fill: lots.text(sizes.largest()).into() }
    }

    fn plain(&self, turn: usize) -> Bytes {
        self.made[turn % PAYLOADS].clone()
    }

    /// As large as the plain one, and with a time.
    fn stamped(&self, turn: usize, at: Duration) -> Bytes {
        stamped(at, self.made[turn % PAYLOADS].len(), &self.fill).into()
    }
}

/// A payload of so many bytes that carries a time.
pub(super) fn stamped(at: Duration, bytes: usize, fill: &str) -> String {
    let text = &fill[..bytes - STAMPED_BYTES_MIN];
    format!("{PREFIX}{:0DIGITS$}\",\"text\":\"{text}\"}}", at.as_nanos())
}

/// The time that a payload carries.
pub(super) fn stamp_of(data: &[u8]) -> Option<Duration> {
    let digits = data.strip_prefix(PREFIX.as_bytes())?.get(..DIGITS)?;
    std::str::from_utf8(digits).ok()?.parse().ok().map(Duration::from_nanos)
}

/// Makes the events of one worker.
#[derive(Debug)]
pub(super) struct Proposer {
    payloads: Payloads,
    /// Which payload is the first, so that workers do not go through the sizes in step.
    first: u64,
    made: u64,
    id: (u64, u64),
}

impl Proposer {
    /// With payloads of its own.
    pub(super) fn new() -> Self {
        Self::of_payloads(PAYLOAD_BYTES)
    }

    /// With payloads of its own of another size, at least [`PAYLOAD_BYTES_MIN`].
    pub(super) fn of_payloads(bytes: usize) -> Self {
        Self::sharing(Payloads::new(Sizes::exactly(bytes)))
    }

    /// With payloads that others use as well.
    pub(super) fn sharing(payloads: Payloads) -> Self {
        Self { payloads, first: Lots::new().below(PAYLOADS as u64), made: 0, id: (0, 0) }
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

    /// The next event, which carries a time.
    pub(super) fn stamped_event(&mut self, at: Duration) -> NewEvent {
        let data = self.payloads.stamped(self.turn(), at);
        let id = self.id();
        NewEvent::new(EVENT_TYPE, data).with_id(id)
    }

    fn payload(&self) -> Bytes {
        self.payloads.plain(self.turn())
    }

    fn turn(&self) -> usize {
        ((self.first + self.made) % PAYLOADS as u64) as usize
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

    #[test]
    fn payloads_of_a_range_have_its_sizes() {
        let mut proposer = Proposer::sharing(Payloads::new("40..300".parse().expect("a range")));
        let at = Duration::from_millis(7);
        let plain: HashSet<usize> = (0..PAYLOADS).map(|_| proposer.event().data.len()).collect();
        let stamped: HashSet<usize> = (0..PAYLOADS).map(|_| proposer.stamped_event(at).data.len()).collect();
        assert_eq!((plain.iter().min(), plain.iter().max(), plain.len()), (Some(&40), Some(&300), PAYLOADS));
        assert_eq!(plain, stamped);
    }

    #[test]
    fn a_payload_carries_its_time() {
        let fill = Lots::new().text(PAYLOAD_BYTES);
        for (nanos, bytes) in [(0, STAMPED_BYTES_MIN), (1, PAYLOAD_BYTES), (5_000_000_000, PAYLOAD_BYTES)] {
            let payload = stamped(Duration::from_nanos(nanos), bytes, &fill);
            assert_eq!(payload.len(), bytes);
            assert!(serde_json::from_str::<serde_json::Value>(&payload).is_ok(), "{payload}");
            assert_eq!(stamp_of(payload.as_bytes()), Some(Duration::from_nanos(nanos)));
        }
        assert_eq!(stamp_of(b"{}"), None);
    }
}
