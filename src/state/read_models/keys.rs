//! The schema of read models. Integers are big-endian; the zero behind a text ends it, since no name has one.
//!
//! | byte | key behind it | value |
//! |---|---|---|
//! | 0 | nothing | id of the log that they are made of `u128` |
//! | 1 | a model's name | the active generation `u64`, the last number given out `u64` |
//! | 2 | name, 0, generation `u64` | position `u64`, seconds `u64`, nanos `u32` |
//! | 3 | name, 0, generation `u64`, type, 0, id | position, seconds, nanos, length `u16` and content type, data |
//! | 4 | name, 0, generation `u64` | nothing: its documents are still to be removed |

use super::super::keys::{decode_moment, encode_moment};
use super::{Document, Generation};

pub(super) const LOG: u8 = 0;
pub(super) const MODEL: u8 = 1;
pub(super) const GENERATION: u8 = 2;
pub(super) const DOCUMENT: u8 = 3;
pub(super) const DYING: u8 = 4;

pub(super) fn model(name: &str) -> Vec<u8> {
    [&[MODEL], name.as_bytes()].concat()
}

/// What the keys of all generations of a model begin with, of this kind.
pub(super) fn generations(kind: u8, name: &str) -> Vec<u8> {
    [&[kind], name.as_bytes(), &[0]].concat()
}

pub(super) fn generation(kind: u8, name: &str, number: u64) -> Vec<u8> {
    [&generations(kind, name)[..], &number.to_be_bytes()].concat()
}

pub(super) fn document(name: &str, number: u64, kind: &str, id: &str) -> Vec<u8> {
    [&documents(name, number, kind)[..], id.as_bytes()].concat()
}

/// What the keys of all documents of a type begin with.
pub(super) fn documents(name: &str, number: u64, kind: &str) -> Vec<u8> {
    [&generation(DOCUMENT, name, number)[..], kind.as_bytes(), &[0]].concat()
}

/// The name and the number in the key of a generation.
pub(super) fn decode_generation(key: &[u8]) -> Option<(String, u64)> {
    let (name, number) = key.get(1..)?.split_last_chunk()?;
    let name = String::from_utf8(name.strip_suffix(&[0])?.to_vec()).ok()?;
    Some((name, u64::from_be_bytes(*number)))
}

pub(super) fn encode_model(active: u64, last: u64) -> Vec<u8> {
    [active.to_be_bytes(), last.to_be_bytes()].concat()
}

pub(super) fn decode_model(value: &[u8]) -> Option<(u64, u64)> {
    let value: &[u8; 16] = value.try_into().ok()?;
    let (active, last) = value.split_first_chunk()?;
    Some((u64::from_be_bytes(*active), u64::from_be_bytes(last.try_into().ok()?)))
}

pub(super) fn decode_generation_value(number: u64, active: u64, value: &[u8]) -> Option<Generation> {
    let (position, updated_at, _) = decode_moment(value)?;
    Some(Generation { number, position, is_active: number == active, updated_at })
}

pub(super) fn encode_document(document: &Document) -> Vec<u8> {
    let moment = encode_moment(document.position, document.updated_at);
    let content_type = document.content_type.as_bytes();
    [&moment[..], &(content_type.len() as u16).to_be_bytes(), content_type, &document.data].concat()
}

/// A document from its key, behind that of its generation, and its value.
pub(super) fn decode_document(name: &[u8], value: &[u8]) -> Option<Document> {
    let zero = name.iter().position(|byte| *byte == 0)?;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    let (position, updated_at, rest) = decode_moment(value)?;
    let (length, rest) = rest.split_first_chunk()?;
    let (content_type, data) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some(Document {
        kind: text(&name[..zero])?,
        id: text(&name[zero + 1..])?,
        data: data.to_vec(),
        content_type: text(content_type)?,
        position,
        updated_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Position, Timestamp};

    #[test]
    fn rows_are_read_as_they_were_written() {
        let key = generation(GENERATION, "überblick", 0x0102_0000);
        assert_eq!(decode_generation(&key), Some(("überblick".into(), 0x0102_0000)));
        assert_eq!(decode_model(&encode_model(3, 1 << 40)), Some((3, 1 << 40)));
        let document = Document {
            kind: "customer".into(),
            id: "7-ü".into(),
            data: vec![0, 1, 255],
            content_type: "application/json".into(),
            position: Position(1 << 50),
            updated_at: Timestamp { seconds: 1 << 33, nanos: 7 },
        };
        let whole = super::document("m", 1, &document.kind, &document.id);
        let name = whole.strip_prefix(&generation(DOCUMENT, "m", 1)[..]).unwrap();
        assert_eq!(decode_document(name, &encode_document(&document)), Some(document.clone()));
        assert_eq!(decode_document(name, &encode_document(&document)[..20]), None);
    }
}
