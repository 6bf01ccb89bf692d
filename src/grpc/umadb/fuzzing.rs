//! What fuzzers feed the conversions of UmaDB's requests and events.

use bytes::Bytes;
use prost::Message;

use super::{convert, event};
use crate::model::event::{ID_FIELD, POSITION_FIELD, STREAM_FIELD};
use crate::model::wire::{Fields, Value, fixed64_field, put_bytes};
use crate::model::{Guard, Limits, ProposedEvent};
use crate::proto::umadb::{AppendRequest, Query, QueryItem, SequencedEvent, TrackingInfo};

/// Events that are taken in come back with the same type and data, what was tracked beside them.
pub fn check(bytes: &[u8]) {
    let Ok(request) = AppendRequest::decode(bytes) else { return };
    let limits = Limits::default();
    let Ok(transaction) = convert::transaction(request.clone(), &limits) else { return };
    assert_eq!(transaction.guards.len(), usize::from(request.condition.is_some()));
    assert_eq!(transaction.advances.len(), usize::from(request.tracking_info.is_some()));
    assert!(transaction.guards.iter().all(|guard| matches!(guard, Guard::NoneMatch(_))));
    let events: Vec<_> = transaction.appends.iter().flat_map(|append| &append.events).collect();
    assert_eq!(events.len(), request.events.len());
    for (sent, taken) in request.events.iter().zip(events) {
        let back = stored_and_shown(taken);
        assert_eq!((back.position, &back.tracking_info), (7, &request.tracking_info));
        for number in [1, 3] {
            assert_eq!(last(&back.event, number), last(sent, number), "field {number}");
        }
        assert_eq!(last(&back.event, 4).is_some(), last(sent, 4).is_some_and(|uuid| !uuid.is_empty()));
    }
}

fn stored_and_shown(taken: &ProposedEvent) -> SequencedEvent {
    let mut stored = taken.bytes.to_vec();
    if !taken.id_is_canonical {
        put_bytes(&mut stored, ID_FIELD, &taken.id.text());
    }
    put_bytes(&mut stored, STREAM_FIELD, convert::STREAM.as_bytes());
    stored.extend(fixed64_field(POSITION_FIELD, 7));
    event::sequenced(&[stored.into()]).expect("what is stored is well formed").remove(0)
}

fn last(event: &[u8], number: u32) -> Option<&[u8]> {
    let fields = Fields::of(event).filter_map(Result::ok).filter(|field| field.number == number);
    fields.filter_map(|field| if let Value::Bytes(bytes) = field.value { Some(bytes) } else { None }).last()
}

/// An append with everything that there is.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut event = Vec::new();
    for (number, value) in [(1, "T"), (2, "a"), (2, "b"), (3, "data"), (4, "0192f0c1-2345-7abc-8def-0123456789ab")] {
        put_bytes(&mut event, number, value.as_bytes());
    }
    let item = QueryItem { types: vec!["T".into()], tags: vec!["a".into()] };
    let condition = crate::proto::umadb::AppendCondition {
        fail_if_events_match: Some(Query { items: vec![item] }),
        after: Some(3),
    };
    let request = AppendRequest {
        events: vec![Bytes::from(event)],
        condition: Some(condition),
        tracking_info: Some(TrackingInfo { source: "a source".into(), position: 9 }),
    };
    let plain = AppendRequest { condition: None, tracking_info: None, ..request.clone() };
    vec![request.encode_to_vec(), plain.encode_to_vec()]
}
