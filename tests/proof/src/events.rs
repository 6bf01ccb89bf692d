//! Events whose bytes can be made again from their ids, so that a request can be sent again from its history.

use quipu_client::RecordedEvent;
use quipu_proof::history::{Event, Proposed, digest};
use uuid::Uuid;

use crate::chance::Chance;

/// The first byte of the ids of large events.
const LARGE: u128 = 0xb5 << 120;

const LARGE_BYTES: usize = 400_000;

/// Types of events.
pub(crate) const TYPES: [&str; 3] = ["Opened", "Moved", "Closed"];

/// New events with these tags.
pub(crate) fn proposals(chance: &mut Chance, count: u64, tags: &[String]) -> Vec<Proposed> {
    (0..count).map(|_| proposal(chance.id() >> 8, tags)).collect()
}

/// A new event that takes much of the disk.
pub(crate) fn large(chance: &mut Chance) -> Vec<Proposed> {
    vec![proposal(chance.id() >> 8 | LARGE, &[])]
}

fn proposal(id: u128, tags: &[String]) -> Proposed {
    let group = [format!("group:{}", id % 7)];
    let kind = usize::try_from(id % 3).expect("a small number");
    let tags = group.iter().chain(tags).cloned().collect();
    Proposed { id, digest: digest(&bytes(id)), event_type: TYPES[kind].into(), tags }
}

/// The payload of an event: mostly small, and now and then over many pages of the disk.
pub(crate) fn bytes(id: u128) -> Vec<u8> {
    let mut chance = Chance::of(Uuid::from_u128(id).as_u64_pair().1);
    let most = if chance.once_in(200) { 40_000 } else { 300 };
    let length = usize::try_from(chance.below(most)).expect("a small number");
    let fill = u8::try_from(chance.below(256)).expect("a byte");
    vec![fill; if id & (0xff << 120) == LARGE { LARGE_BYTES } else { length }]
}

/// An event as a reader was shown it.
pub(crate) fn shown(event: &RecordedEvent) -> Event {
    let recorded_at = event.recorded_at.timestamp_nanos_opt().and_then(|at| u64::try_from(at).ok());
    Event {
        position: event.position,
        revision: event.revision,
        stream: event.stream.clone(),
        id: event.id.as_u128(),
        digest: digest(&event.data),
        event_type: event.event_type.clone(),
        tags: event.tags.clone(),
        recorded_at: recorded_at.unwrap_or_default(),
    }
}

/// The digest of the state in a snapshot.
pub(crate) fn state_digest(stream: &str, revision: u64) -> u64 {
    digest(state(stream, revision).as_bytes())
}

/// The state in a snapshot.
pub(crate) fn state(stream: &str, revision: u64) -> String {
    format!("{{\"state of\":\"{stream}\",\"at\":{revision}}}")
}
