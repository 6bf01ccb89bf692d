//! Events to append, as a client's bytes come in.

use quipu::model::wire::put_bytes;
use quipu::model::{EventId, Limits, ProposedEvent};

/// An event of this id with this payload.
pub(crate) fn proposal(id: u128, data: &[u8]) -> ProposedEvent {
    let mut bytes = Vec::new();
    put_bytes(&mut bytes, 1, &EventId(id).text());
    put_bytes(&mut bytes, 2, b"Happened");
    put_bytes(&mut bytes, 3, data);
    ProposedEvent::parse(bytes.into(), &Limits::default()).expect("a good event")
}
