//! Events that say of which append they are, and that can be made again from its number.

use quipu_client::{NewEvent, RecordedEvent};
use uuid::Uuid;

use crate::chance::Chance;

/// An event as a reader found it. What it says of itself is compared, not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) position: u64,
    pub(crate) revision: u64,
    pub(crate) stream: String,
    /// The number of its append; `u64::MAX` when it names none.
    pub(crate) append: u64,
    pub(crate) index: u64,
    /// How many events its append has.
    pub(crate) size: u64,
    /// Whether id, type and payload are what was sent.
    pub(crate) intact: bool,
}

/// The tag that the events of an append have.
pub(crate) fn tag(append: u64) -> String {
    format!("append:{append}")
}

/// The events of an append.
pub(crate) fn events(seed: u64, append: u64, size: u64) -> Vec<NewEvent> {
    let event = |index| {
        let (id, data) = content(seed, append, index);
        NewEvent::new("Survived", data)
            .with_id(id)
            .with_metadata("append", append.to_string())
            .with_metadata("index", index.to_string())
            .with_metadata("size", size.to_string())
            .with_tag(tag(append))
    };
    (0..size).map(event).collect()
}

/// What a reader found, held against what was sent.
pub(crate) fn found(seed: u64, event: &RecordedEvent) -> Found {
    let number = |key| event.metadata.get(key).and_then(|text| text.parse().ok());
    let (append, index) = (number("append").unwrap_or(u64::MAX), number("index").unwrap_or(u64::MAX));
    let (id, data) = content(seed, append, index);
    Found {
        position: event.position,
        revision: event.revision,
        stream: event.stream.clone(),
        append,
        index,
        size: number("size").unwrap_or(0),
        intact: event.id == id && event.data == data && event.event_type == "Survived",
    }
}

/// Mostly small payloads, and now and then one that spans many pages of the disk.
fn content(seed: u64, append: u64, index: u64) -> (Uuid, Vec<u8>) {
    let of_append = Chance::of(seed ^ append).number();
    let mut chance = Chance::of(Chance::of(of_append ^ index).number());
    let id = Uuid::from_u128(chance.id());
    let most = if chance.once_in(200) { 40_000 } else { 300 };
    let length = usize::try_from(chance.below(most)).expect("a small number");
    let fill = u8::try_from(chance.below(256)).expect("a byte");
    (id, vec![fill; length])
}
