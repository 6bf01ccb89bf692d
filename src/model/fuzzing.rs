//! What fuzzers feed the scanner of protobuf bytes and the folding of states.

/// A walk over the fields of a message.
pub mod wire {
    use super::super::wire::{Fields, Value, field_bytes, fixed64_field, put_bytes, put_varint};

    /// What is walked ends where the message ends, and is written again as it was read.
    pub fn check(bytes: &[u8]) {
        let (mut fields, mut end, mut again) = (Fields::of(bytes), 0, Vec::new());
        while let Some(field) = fields.next() {
            let now = bytes.len() - fields.remaining();
            assert!(now > end && now <= bytes.len(), "a field takes bytes, and only those there are");
            end = now;
            let Ok(field) = field else { return };
            // The writers are for the small numbers of our own messages.
            let Some(number) = u8::try_from(field.number).ok().filter(|number| *number < 16) else { continue };
            let start = again.len();
            match field.value {
                Value::Varint(value) => put_varint(&mut again, number, value),
                Value::Fixed64(value) => again.extend_from_slice(&fixed64_field(number, value)),
                Value::Bytes(value) => {
                    put_bytes(&mut again, number, value);
                    assert_eq!(again.len() - start, field_bytes(value.len()));
                }
                Value::Fixed32(_) => continue,
            }
            let found = Fields::of(&again[start..]).collect::<Vec<_>>();
            assert_eq!(found, [Ok(field)]);
        }
        assert_eq!(end, bytes.len(), "a walk without a fault reaches the end");
    }

    /// One field of each kind, and a message in a message.
    pub fn seeds() -> Vec<Vec<u8>> {
        let mut message = vec![0x08, 0x96, 0x01];
        message.extend(fixed64_field(2, 0x0102_0304_0506_0708));
        put_bytes(&mut message, 3, b"text");
        message.extend([0x25, 1, 0, 0, 0]);
        let mut outer = Vec::new();
        put_bytes(&mut outer, 5, &message);
        vec![message, outer]
    }
}

/// A state and what is laid over it.
pub mod merge_patch {
    use serde_json::Value;

    use super::super::merge_patch::merge;

    /// The same patch again changes nothing, and an object without members never does.
    pub fn check(bytes: &[u8]) {
        let Some(zero) = bytes.iter().position(|byte| *byte == 0) else { return };
        let (Ok(state), Ok(patch)) = (parse(&bytes[..zero]), parse(&bytes[zero + 1..])) else { return };
        let mut once = state;
        merge(&mut once, patch.clone());
        let mut twice = once.clone();
        merge(&mut twice, patch.clone());
        assert_eq!(once, twice);
        if once.is_object() {
            merge(&mut twice, Value::Object(serde_json::Map::new()));
            assert_eq!(once, twice);
        }
        assert_eq!(once.is_object(), patch.is_object(), "an object gives one, and nothing else does");
        assert_eq!(parse(once.to_string().as_bytes()).ok().as_ref(), Some(&once), "a state is JSON");
    }

    fn parse(text: &[u8]) -> Result<Value, serde_json::Error> {
        serde_json::from_slice(text)
    }

    /// Examples of the standard, and numbers as long as anybody writes them.
    pub fn seeds() -> Vec<Vec<u8>> {
        let pairs = [
            ("{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}"),
            ("{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}"),
            ("[1,2]", "{\"a\":\"b\",\"c\":null}"),
            ("{\"n\":12345678901234567890123.450}", "{\"n\":1e400,\"m\":[-0]}"),
        ];
        pairs.map(|(state, patch)| [state, patch].join("\0").into_bytes()).to_vec()
    }
}
