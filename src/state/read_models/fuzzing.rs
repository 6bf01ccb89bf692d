//! What fuzzers feed the readers of the rows of read models.

use arbitrary::Arbitrary;

use super::{Document, keys};
use crate::fuzzing::made;
use crate::model::{Position, Timestamp};

#[derive(Debug, Arbitrary)]
struct Meant<'a> {
    model: &'a str,
    number: u64,
    kind: &'a str,
    id: &'a str,
    content_type: &'a str,
    moment: (u64, u64, u32),
    data: &'a [u8],
}

/// What is read is written again byte for byte; what is written is read the same.
pub fn check(bytes: &[u8]) {
    if let Some((name, number)) = keys::decode_generation(bytes) {
        assert_eq!(keys::generation(bytes[0], &name, number), bytes);
    }
    if let Some((active, last)) = keys::decode_model(bytes) {
        assert_eq!(keys::encode_model(active, last), bytes);
    }
    if let Some(generation) = keys::decode_generation_value(3, 3, bytes) {
        assert!(generation.is_active && generation.number == 3);
    }
    // A key and a value, as if the first byte said where one ends.
    if let Some((length, rest)) = bytes.split_first()
        && let Some((key, value)) = rest.split_at_checked(usize::from(*length))
        && let Some(document) = keys::decode_document(key, value)
    {
        assert_eq!([document.kind.as_bytes(), &[0], document.id.as_bytes()].concat(), key);
        assert_eq!(keys::encode_document(&document), value);
    }
    let Some(meant) = made::<Meant<'_>>(bytes) else { return };
    // No name that a client gives has a zero.
    if [meant.model, meant.kind].iter().any(|name| name.contains('\0')) || meant.content_type.len() > 256 {
        return;
    }
    let document = Document {
        kind: meant.kind.to_owned(),
        id: meant.id.to_owned(),
        data: meant.data.to_vec(),
        content_type: meant.content_type.to_owned(),
        position: Position(meant.moment.0),
        updated_at: Timestamp { seconds: meant.moment.1, nanos: meant.moment.2 },
    };
    let whole = keys::document(meant.model, meant.number, meant.kind, meant.id);
    let own = whole.strip_prefix(&keys::generation(keys::DOCUMENT, meant.model, meant.number)[..]);
    let found = own.and_then(|own| keys::decode_document(own, &keys::encode_document(&document)));
    assert_eq!(found, Some(document));
    let key = keys::generation(keys::GENERATION, meant.model, meant.number);
    assert_eq!(keys::decode_generation(&key), Some((meant.model.to_owned(), meant.number)));
}

/// A row of each kind.
pub fn seeds() -> Vec<Vec<u8>> {
    let document = Document {
        kind: "customer".into(),
        id: "7".into(),
        data: b"{\"name\":\"Ada\"}".to_vec(),
        content_type: "application/json".into(),
        position: Position(7),
        updated_at: Timestamp { seconds: 1_795_000_000, nanos: 7 },
    };
    let own = b"customer\x007";
    vec![
        keys::generation(keys::GENERATION, "overview", 3),
        keys::encode_model(3, 4),
        [&[own.len() as u8], &own[..], &keys::encode_document(&document)].concat(),
        vec![b'a'; 150],
    ]
}
