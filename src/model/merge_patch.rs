//! JSON merge patches (RFC 7396): how events fold to a state.

use serde_json::{Map, Value};

/// Lays a patch over a state.
///
/// The members of an object take the place of those of the same name, and `null` takes them away; what is no
/// object takes the place of everything.
pub fn merge(state: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *state = patch;
        return;
    };
    if !state.is_object() {
        *state = Value::Object(Map::new());
    }
    let Value::Object(state) = state else { return };
    for (name, value) in patch {
        if value.is_null() {
            state.remove(&name);
        } else {
            merge(state.entry(name).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standard_give_what_it_says() {
        for (state, patch, expected) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
            (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
            (r#"{"a":"foo"}"#, "null", "null"),
            (r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"a":1,"e":null}"#),
            ("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
            ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ] {
            let mut merged: Value = serde_json::from_str(state).unwrap();
            merge(&mut merged, serde_json::from_str(patch).unwrap());
            assert_eq!(merged.to_string(), expected, "{patch} over {state}");
        }
    }

    #[test]
    fn numbers_stay_as_they_were_written() {
        let mut state = Value::Null;
        merge(&mut state, serde_json::from_str(r#"{"n":12345678901234567890123.450}"#).unwrap());
        assert_eq!(state.to_string(), r#"{"n":12345678901234567890123.450}"#);
    }
}
