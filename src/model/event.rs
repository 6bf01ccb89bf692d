//! Events: what a client may propose, checked by one walk over its bytes.
//!
//! An event is not decoded on its way in. [`ProposedEvent::parse`] walks the encoded
//! `quipu.v1.NewEvent` once, refuses what is malformed or beyond a limit, and keeps the bytes: they
//! are what the log stores. The field numbers are those of `proto/quipu/v1/event.proto`.
//!
//! Fields of the server (11 to 14) that a client sent are cut out here, so nobody can forge them.

use std::collections::BTreeMap;
use std::fmt;

use bytes::{Bytes, BytesMut};
use uuid::Uuid;

use super::limits::{LABEL_BYTES_MAX, RELATED_ID_BYTES_MAX};
use super::wire::{Field, Fields, Value};
use super::{Invalid, Limits};

/// The field number of `id`.
pub const ID_FIELD: u8 = 1;
/// The field number of `type`.
pub const TYPE_FIELD: u8 = 2;
/// The field number of `data`.
pub const DATA_FIELD: u8 = 3;
/// The field number of `stream`, the first of the server's fields.
pub const STREAM_FIELD: u8 = 11;
/// The field number of `revision`.
pub const REVISION_FIELD: u8 = 12;
/// The field number of `position`.
pub const POSITION_FIELD: u8 = 13;
/// The field number of `recorded_at`, the last of the server's fields.
pub const RECORDED_AT_FIELD: u8 = 14;

/// The length of a UUID in its canonical text.
pub const ID_TEXT_BYTES: usize = 36;

/// The first and last second of a `google.protobuf.Timestamp`: the years 1 to 9999.
const TIMESTAMP_SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// The identity of an event: a UUID.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(pub u128);

impl EventId {
    /// A new one, never seen before.
    pub fn random() -> Self {
        Self(Uuid::new_v4().as_u128())
    }

    /// Reads any of the text forms of a UUID.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let id = Uuid::try_parse(text).map_err(|_| Invalid::malformed("an event id is not a UUID"))?;
        Ok(Self(id.as_u128()))
    }

    /// The canonical text: lower case, with hyphens.
    pub fn text(self) -> [u8; ID_TEXT_BYTES] {
        let mut text = [0; ID_TEXT_BYTES];
        Uuid::from_u128(self.0).hyphenated().encode_lower(&mut text);
        text
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Uuid::from_u128(self.0).fmt(formatter)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// An event that may be appended.
#[derive(Debug, Clone)]
pub struct ProposedEvent {
    /// Its identity.
    pub id: EventId,
    /// Whether the client made the id, so that a retry can be recognised.
    pub id_is_given: bool,
    /// Whether `bytes` hold the id in its canonical text already.
    pub id_is_canonical: bool,
    /// The encoded `NewEvent`, as it came, without server fields.
    pub bytes: Bytes,
}

impl ProposedEvent {
    /// Checks an encoded `NewEvent`.
    ///
    /// # Errors
    /// When it is malformed or beyond a limit.
    pub fn parse(bytes: Bytes, limits: &Limits) -> Result<Self, Invalid> {
        let mut scan = Scan::default();
        let mut has_server_fields = false;
        for field in Fields::of(&bytes) {
            let field = field?;
            has_server_fields |= is_server_field(field.number);
            scan.check(field.number, field.value, limits)?;
        }
        if !scan.has_type {
            return Err(Invalid::malformed("an event has no type"));
        }
        let given = if scan.id.is_empty() { None } else { Some(EventId::parse(scan.id)?) };
        let id = given.unwrap_or_else(EventId::random);
        // What could be parsed and has this length is the form with hyphens.
        let id_is_canonical = scan.id.len() == ID_TEXT_BYTES && !scan.id.bytes().any(|byte| byte.is_ascii_uppercase());
        let bytes = if has_server_fields { without_server_fields(&bytes)? } else { bytes };
        Ok(Self { id, id_is_given: given.is_some(), id_is_canonical, bytes })
    }

    /// An event that the store itself tells: encoded well, without an id.
    pub fn by_store(bytes: Bytes) -> Self {
        Self { id: EventId::random(), id_is_given: false, id_is_canonical: false, bytes }
    }
}

/// The payload of a stored event.
pub fn data_of(event: &[u8]) -> &[u8] {
    let data = Fields::of(event).filter_map(|field| match field {
        Ok(Field { number, value: Value::Bytes(bytes) }) if number == u32::from(DATA_FIELD) => Some(bytes),
        _ => None,
    });
    data.last().unwrap_or_default()
}

/// What an event can be found by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Labels<'a> {
    /// The name of its stream.
    pub stream: &'a str,
    /// Its type.
    pub event_type: &'a str,
    /// Its tags.
    pub tags: Vec<&'a str>,
    /// Its correlation id; empty when it has none.
    pub correlation_id: &'a str,
}

impl<'a> Labels<'a> {
    /// The labels of an event of this stream that was checked when it came in: by one walk over its bytes.
    pub fn of(event: &'a [u8], stream: &'a str) -> Self {
        let mut labels = Labels { stream, ..Self::default() };
        for field in Fields::of(event) {
            let Ok(Field { number, value: Value::Bytes(bytes) }) = field else { continue };
            let text = || std::str::from_utf8(bytes).unwrap_or_default();
            match number {
                2 => labels.event_type = text(),
                7 => labels.correlation_id = text(),
                9 => labels.tags.push(text()),
                _ => {}
            }
        }
        labels
    }
}

/// Reads the id of a stored event: the last id field counts.
///
/// # Errors
/// When the bytes are not an event.
pub fn id_of(event: &[u8]) -> Result<EventId, Invalid> {
    let mut id = None;
    for field in Fields::of(event) {
        let field = field?;
        if field.number == u32::from(ID_FIELD) {
            id = Some(field.value.text("id")?);
        }
    }
    EventId::parse(id.unwrap_or_default())
}

/// Whether two encoded events say the same, however their bytes are ordered; ids and server fields
/// aside. A client that encodes an event anew may put its metadata in another order.
pub fn same_content(one: &[u8], other: &[u8]) -> bool {
    match (Content::of(one), Content::of(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

fn is_server_field(number: u32) -> bool {
    (u32::from(STREAM_FIELD)..=u32::from(RECORDED_AT_FIELD)).contains(&number)
}

fn without_server_fields(bytes: &[u8]) -> Result<Bytes, Invalid> {
    let mut kept = BytesMut::with_capacity(bytes.len());
    let mut fields = Fields::of(bytes);
    let mut start = 0;
    while let Some(field) = fields.next() {
        let end = bytes.len() - fields.remaining();
        if !is_server_field(field?.number) {
            kept.extend_from_slice(&bytes[start..end]);
        }
        start = end;
    }
    Ok(kept.freeze())
}

/// What the walk over a proposed event has seen so far.
#[derive(Default)]
struct Scan<'a> {
    id: &'a str,
    has_type: bool,
    tags: Vec<&'a str>,
    metadata_bytes: usize,
}

impl<'a> Scan<'a> {
    fn check(&mut self, number: u32, value: Value<'a>, limits: &Limits) -> Result<(), Invalid> {
        match number {
            1 => self.id = value.text("an event id")?,
            2 => {
                let name = value.text("an event type")?;
                plain("event type", name)?;
                Invalid::check("event_type_bytes", limits.event_type_bytes, name.len())?;
                self.has_type = true;
            }
            3 => Invalid::check("data_bytes", limits.data_bytes, value.bytes()?.len())?,
            4 => Invalid::check("content_type_bytes", LABEL_BYTES_MAX, value.text("a content type")?.len())?,
            5 => {
                let (key, text) = pair(value.bytes()?)?;
                self.metadata_bytes += key.len() + text.len();
                Invalid::check("metadata_bytes", limits.metadata_bytes, self.metadata_bytes)?;
            }
            6 => Invalid::check("schema_version_bytes", LABEL_BYTES_MAX, value.text("a schema version")?.len())?,
            7 => Invalid::check("correlation_id_bytes", RELATED_ID_BYTES_MAX, value.text("a correlation id")?.len())?,
            8 => Invalid::check("causation_id_bytes", RELATED_ID_BYTES_MAX, value.text("a causation id")?.len())?,
            9 => self.tag(value.text("a tag")?, limits)?,
            10 => timestamp(value.bytes()?)?,
            _ => {}
        }
        Ok(())
    }

    fn tag(&mut self, tag: &'a str, limits: &Limits) -> Result<(), Invalid> {
        plain("tag", tag)?;
        Invalid::check("tag_bytes", limits.tag_bytes, tag.len())?;
        Invalid::check("tags_per_event", limits.tags_per_event, self.tags.len() + 1)?;
        if self.tags.contains(&tag) {
            return Err(Invalid::malformed("an event has the same tag twice"));
        }
        self.tags.push(tag);
        Ok(())
    }
}

fn plain(what: &str, text: &str) -> Result<(), Invalid> {
    if text.is_empty() {
        return Err(Invalid::malformed(format!("an empty {what}")));
    }
    if text.chars().any(char::is_control) {
        return Err(Invalid::malformed(format!("control characters in {what}")));
    }
    Ok(())
}

fn pair(entry: &[u8]) -> Result<(&str, &str), Invalid> {
    let (mut key, mut value) = ("", "");
    for field in Fields::of(entry) {
        let field = field?;
        match field.number {
            1 => key = field.value.text("a metadata key")?,
            2 => value = field.value.text("a metadata value")?,
            _ => {}
        }
    }
    Ok((key, value))
}

fn timestamp(message: &[u8]) -> Result<(), Invalid> {
    let (mut seconds, mut nanos) = (0, 0);
    for field in Fields::of(message) {
        let field = field?;
        match (field.number, field.value) {
            (1, Value::Varint(value)) => seconds = value.cast_signed(),
            (2, Value::Varint(value)) => nanos = value.cast_signed(),
            (1 | 2, _) => return Err(Invalid::malformed("occurred_at is not a timestamp")),
            _ => {}
        }
    }
    if TIMESTAMP_SECONDS.contains(&seconds) && (0..1_000_000_000).contains(&nanos) {
        return Ok(());
    }
    Err(Invalid::malformed("occurred_at is not a time between the years 1 and 9999"))
}

/// What an event says, apart from its id.
#[derive(Default, PartialEq)]
struct Content<'a> {
    single: BTreeMap<u32, &'a [u8]>,
    metadata: BTreeMap<&'a str, &'a str>,
    tags: Vec<&'a [u8]>,
}

impl<'a> Content<'a> {
    fn of(event: &'a [u8]) -> Result<Self, Invalid> {
        let mut content = Self::default();
        for field in Fields::of(event) {
            let field = field?;
            match (field.number, field.value) {
                (1, _) => {}
                (5, Value::Bytes(entry)) => content.metadata.extend([pair(entry)?]),
                (9, Value::Bytes(tag)) => content.tags.push(tag),
                (number, Value::Bytes(bytes)) if !is_server_field(number) && !bytes.is_empty() => {
                    content.single.insert(number, bytes);
                }
                _ => {}
            }
        }
        Ok(content)
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::{fixed64_field, put_bytes};
    use super::*;

    fn event(fields: &[(u8, &[u8])]) -> Bytes {
        let mut bytes = Vec::new();
        for (number, value) in fields {
            put_bytes(&mut bytes, *number, value);
        }
        bytes.into()
    }

    fn parse(fields: &[(u8, &[u8])]) -> Result<ProposedEvent, Invalid> {
        ProposedEvent::parse(event(fields), &Limits::default())
    }

    #[test]
    fn each_limit_holds_at_the_limit_and_refuses_one_more() {
        let limits = Limits::default();
        for (number, most) in [(2, limits.event_type_bytes), (3, limits.data_bytes), (9, limits.tag_bytes), (7, 256)] {
            for (length, good) in [(most - 1, true), (most, true), (most + 1, false)] {
                let parsed = parse(&[(2, b"Happened"), (number, &vec![b'x'; length])]);
                assert_eq!(parsed.is_ok(), good, "field {number}, {length} bytes");
            }
        }
        let tags: Vec<String> = (0..65).map(|n| n.to_string()).collect();
        for (count, good) in [(63, true), (64, true), (65, false)] {
            let mut fields: Vec<(u8, &[u8])> = vec![(2, b"Happened")];
            fields.extend(tags[..count].iter().map(|tag| (9, tag.as_bytes())));
            assert_eq!(parse(&fields).is_ok(), good, "{count} tags");
        }
        for (length, good) in [((64 << 10) - 1, true), (64 << 10, true), ((64 << 10) + 1, false)] {
            let entry = event(&[(1, b"k"), (2, &vec![b'v'; length - 1])]);
            assert_eq!(parse(&[(2, b"Happened"), (5, &entry)]).is_ok(), good, "{length} bytes of metadata");
        }
    }

    #[test]
    fn malformed_events_are_refused() {
        let bad: [&[(u8, &[u8])]; 9] = [
            &[],
            &[(2, b"")],
            &[(2, b"a\tb")],
            &[(2, b"\xff")],
            &[(2, b"A"), (1, b"not-a-uuid")],
            &[(2, b"A"), (9, b"x"), (9, b"x")],
            &[(2, b"A"), (9, b"")],
            &[(2, b"A"), (10, &[0x10, 0xff, 0xff, 0xff, 0xff, 0x0f])],
            &[(2, b"A"), (5, &[0x0a, 9])],
        ];
        for fields in bad {
            assert!(parse(fields).is_err(), "{fields:?}");
        }
        let wrong_wire_type = Bytes::from_static(&[0x10, 1]);
        assert!(ProposedEvent::parse(wrong_wire_type, &Limits::default()).is_err());
    }

    #[test]
    fn forged_server_fields_are_cut_out() {
        let mut forged = event(&[(2, b"A"), (11, b"another-stream"), (3, b"data")]).to_vec();
        forged.extend(fixed64_field(13, 7));
        let parsed = ProposedEvent::parse(forged.into(), &Limits::default()).unwrap();
        assert_eq!(parsed.bytes, event(&[(2, b"A"), (3, b"data")]));
    }

    #[test]
    fn an_id_is_kept_in_any_form_and_known_by_its_value() {
        let canonical = "0192f0c1-2345-7abc-8def-0123456789ab";
        let loud = canonical.to_uppercase();
        let one = parse(&[(1, canonical.as_bytes()), (2, b"A")]).unwrap();
        let other = parse(&[(1, loud.as_bytes()), (2, b"A")]).unwrap();
        assert_eq!(one.id, other.id);
        assert!(one.id_is_canonical && !other.id_is_canonical);
        assert!(!parse(&[(2, b"A")]).unwrap().id_is_given);
    }

    #[test]
    fn content_is_compared_by_meaning() {
        let (a, b) = (event(&[(1, b"a"), (2, b"1")]), event(&[(1, b"b"), (2, b"2")]));
        let one = event(&[(2, b"T"), (5, &a), (5, &b), (3, b"data")]);
        let shuffled = event(&[(5, &b), (3, b"data"), (2, b"T"), (5, &a), (11, b"stream")]);
        assert!(same_content(&one, &shuffled));
        assert!(!same_content(&one, &event(&[(2, b"T"), (5, &a), (5, &b), (3, b"date")])));
    }
}
