//! UmaDB's events into ours and back, by renumbering their fields.
//!
//! The fields that both have are the same on the wire, texts, bytes and pairs, and differ in nothing
//! but their numbers. So an event is never decoded: its fields are copied, a batch of events into one
//! buffer. Order and repetition of metadata survive that way too.
//!
//! | field | theirs | ours |
//! |---|---|---|
//! | type | 1 | 2 |
//! | tag | 2 | 9 |
//! | data | 3 | 3 |
//! | uuid | 4 | 1, the first field when the client made it |
//! | pair of metadata | 5 | 5 |
//!
//! What an append tracked is a pair of each event: see `tracking`.

use bytes::Bytes;

use super::convert::STREAM;
use super::tracking;
use crate::model::event::{ID_FIELD, POSITION_FIELD, STREAM_FIELD};
use crate::model::wire::{Field, Fields, Value, put_bytes};
use crate::model::{EventId, Invalid, Limits};
use crate::proto::umadb::{SequencedEvent, TrackingInfo};

/// The numbers of our fields.
mod ours {
    pub(super) const TYPE: u8 = 2;
    pub(super) const DATA: u8 = 3;
    pub(super) const PAIR: u8 = 5;
    pub(super) const TAG: u8 = 9;
}

/// The numbers of their fields.
mod theirs {
    pub(super) const TYPE: u8 = 1;
    pub(super) const TAG: u8 = 2;
    pub(super) const DATA: u8 = 3;
    pub(super) const UUID: u8 = 4;
    pub(super) const PAIR: u8 = 5;
}

/// What a stored event says besides what its bytes hold.
struct Told {
    position: u64,
    tracking_info: Option<TrackingInfo>,
}

/// Events of a client as `quipu.v1.NewEvent`. Repeated tags are dropped.
pub(super) fn proposed(
    events: &[Bytes],
    tracking: Option<&TrackingInfo>,
    limits: &Limits,
) -> Result<Vec<Bytes>, Invalid> {
    let tracked = tracking.map(tracking::to_pair);
    let extra = tracked.as_ref().map_or(0, |pair| pair.len() + 4);
    let mut out = Vec::with_capacity(events.iter().map(|event| event.len() + extra + 8).sum());
    let mut ends = Vec::with_capacity(events.len());
    let mut tags = Vec::new();
    for event in events {
        tags.clear();
        put_proposed(&mut out, event, &mut tags, limits)?;
        if let Some(pair) = &tracked {
            put_bytes(&mut out, ours::PAIR, pair);
        }
        ends.push(out.len());
    }
    Ok(cut(out, &ends).collect())
}

/// Stored events as UmaDB's clients see them.
pub(super) fn sequenced(stored: &[Bytes]) -> Result<Vec<SequencedEvent>, Invalid> {
    let mut out = Vec::with_capacity(stored.iter().map(Bytes::len).sum());
    let (mut ends, mut told) = (Vec::with_capacity(stored.len()), Vec::with_capacity(stored.len()));
    for event in stored {
        told.push(put_stored(&mut out, event)?);
        ends.push(out.len());
    }
    let whole = |(event, Told { position, tracking_info })| SequencedEvent { position, event, tracking_info };
    Ok(cut(out, &ends).zip(told).map(whole).collect())
}

/// The parts of a buffer, each by where it ends.
fn cut(buffer: Vec<u8>, ends: &[usize]) -> impl Iterator<Item = Bytes> {
    let mut rest = Bytes::from(buffer);
    let mut start = 0;
    ends.iter().map(move |end| rest.split_to(end - std::mem::replace(&mut start, *end)))
}

fn put_proposed<'a>(
    out: &mut Vec<u8>,
    event: &'a [u8],
    tags: &mut Vec<&'a [u8]>,
    limits: &Limits,
) -> Result<(), Invalid> {
    let mut uuid = "";
    for field in Fields::of(event) {
        let Field { number, value } = field?;
        if number == u32::from(theirs::UUID) {
            uuid = value.text("a uuid")?;
        }
    }
    if !uuid.is_empty() {
        put_bytes(out, ID_FIELD, &EventId::parse(uuid)?.text());
    }
    for field in Fields::of(event) {
        let Field { number, value } = field?;
        match u8::try_from(number) {
            Ok(theirs::TYPE) => put_bytes(out, ours::TYPE, value.bytes()?),
            Ok(theirs::DATA) => put_bytes(out, ours::DATA, value.bytes()?),
            Ok(theirs::TAG) => {
                let tag = value.bytes()?;
                if !tags.contains(&tag) {
                    // Here and not only later: looking for repeated tags must not take for ever.
                    Invalid::check("tags_per_event", limits.tags_per_event, tags.len() + 1)?;
                    tags.push(tag);
                    put_bytes(out, ours::TAG, tag);
                }
            }
            Ok(theirs::PAIR) => {
                let pair = value.bytes()?;
                tracking::check_pair(pair)?;
                put_bytes(out, ours::PAIR, pair);
            }
            _ => {}
        }
    }
    Ok(())
}

fn put_stored(out: &mut Vec<u8>, stored: &[u8]) -> Result<Told, Invalid> {
    let mut told = Told { position: 0, tracking_info: None };
    let mut id: &[u8] = &[];
    let mut is_told = false;
    for (index, field) in Fields::of(stored).enumerate() {
        let Field { number, value } = field?;
        match (u8::try_from(number), value) {
            (Ok(ID_FIELD), Value::Bytes(text)) => {
                id = text;
                is_told |= index == 0;
            }
            (Ok(ours::TYPE), Value::Bytes(text)) => put_bytes(out, theirs::TYPE, text),
            (Ok(ours::DATA), Value::Bytes(data)) => put_bytes(out, theirs::DATA, data),
            (Ok(ours::TAG), Value::Bytes(tag)) => put_bytes(out, theirs::TAG, tag),
            (Ok(ours::PAIR), Value::Bytes(pair)) => match tracking::of_pair(pair)? {
                None => put_bytes(out, theirs::PAIR, pair),
                tracked => told.tracking_info = tracked,
            },
            // Elsewhere every event has an id of its own; here it has one when its client gave it.
            (Ok(STREAM_FIELD), Value::Bytes(stream)) => is_told |= stream != STREAM.as_bytes(),
            (Ok(POSITION_FIELD), Value::Fixed64(position)) => told.position = position,
            _ => {}
        }
    }
    if is_told {
        put_bytes(out, theirs::UUID, id);
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ProposedEvent;
    use crate::model::wire::fixed64_field;

    const UUID: &str = "0192f0c1-2345-7abc-8def-0123456789ab";

    fn message(fields: &[(u8, &[u8])]) -> Bytes {
        let mut bytes = Vec::new();
        for (number, value) in fields {
            put_bytes(&mut bytes, *number, value);
        }
        bytes.into()
    }

    /// An event through the door, the log and the door again.
    fn there_and_back(event: &Bytes, stream: &str, tracking: Option<&TrackingInfo>) -> SequencedEvent {
        let limits = Limits::default();
        let proposed = proposed(std::slice::from_ref(event), tracking, &limits).unwrap().remove(0);
        let parsed = ProposedEvent::parse(proposed, &limits).unwrap();
        let mut stored = parsed.bytes.to_vec();
        if !parsed.id_is_canonical {
            put_bytes(&mut stored, ID_FIELD, &parsed.id.text());
        }
        put_bytes(&mut stored, STREAM_FIELD, stream.as_bytes());
        stored.extend(fixed64_field(POSITION_FIELD, 7));
        sequenced(&[stored.into()]).unwrap().remove(0)
    }

    fn values(event: &[u8], number: u8) -> Vec<&[u8]> {
        let fields = Fields::of(event).map(|field| field.unwrap());
        fields.filter(|field| field.number == u32::from(number)).map(|field| field.value.bytes().unwrap()).collect()
    }

    #[test]
    fn an_event_comes_back_as_it_went_in_but_for_repeated_tags() {
        let (one, other) = (message(&[(1, b"k"), (2, b"2")]), message(&[(1, b"k"), (2, b"1")]));
        let event = message(&[(1, b"T"), (2, b"b"), (2, b"a"), (2, b"b"), (3, b"data"), (5, &one), (5, &other)]);
        let back = there_and_back(&event, STREAM, None);
        assert_eq!((back.position, back.tracking_info), (7, None));
        assert_eq!(values(&back.event, theirs::TYPE), [b"T"]);
        assert_eq!(values(&back.event, theirs::TAG), [b"b", b"a"]);
        assert_eq!(values(&back.event, theirs::DATA), [b"data"]);
        assert_eq!(values(&back.event, theirs::PAIR), [&one, &other]);
    }

    #[test]
    fn a_uuid_comes_back_when_the_client_gave_it_or_the_stream_is_another() {
        let (with, without) = (message(&[(1, b"T"), (4, UUID.to_uppercase().as_bytes())]), message(&[(1, b"T")]));
        let back = |event, stream| values(&there_and_back(event, stream, None).event, theirs::UUID).concat();
        assert_eq!(back(&with, STREAM), UUID.as_bytes());
        assert_eq!(back(&without, STREAM), b"");
        assert_eq!(back(&without, "order-1").len(), UUID.len());
    }

    #[test]
    fn what_was_tracked_comes_back_and_is_no_metadata() {
        let tracking = TrackingInfo { source: "a source".into(), position: u64::MAX };
        let back = there_and_back(&message(&[(1, b"T")]), STREAM, Some(&tracking));
        assert_eq!(back.tracking_info, Some(tracking));
        assert!(values(&back.event, theirs::PAIR).is_empty());
    }

    #[test]
    fn bad_uuids_reserved_keys_and_too_many_tags_are_refused() {
        let reserved = message(&[(1, b"$umadb.tracking"), (2, b"1 a")]);
        let tags: Vec<String> = (0..65).map(|n| n.to_string()).collect();
        let too_many: Vec<(u8, &[u8])> = tags.iter().map(|tag| (theirs::TAG, tag.as_bytes())).collect();
        for fields in [&[(4_u8, b"x".as_slice())][..], &[(5, &reserved)], &too_many] {
            assert!(proposed(&[message(fields)], None, &Limits::default()).is_err(), "{fields:?}");
        }
        assert!(proposed(&[message(&too_many[1..])], None, &Limits::default()).is_ok());
    }
}
