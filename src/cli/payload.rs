//! Payloads on their way in and out: which are JSON, where they come from, how they are shown.
//!
//! A payload is never taken apart. JSON is checked and passed on as its text stands: key order, spaces
//! and digits of numbers stay.

use std::borrow::Cow;
use std::io::{self, Read};

use bytes::Bytes;
use serde_json::value::RawValue;

use super::Error;
use super::base64;

const JSON: &str = "application/json";

/// Whether a payload of this media type should be JSON.
pub(super) fn is_json_type(content_type: &str) -> bool {
    content_type.is_empty() || content_type == JSON
}

/// A payload in a line of JSON: as JSON where that gives every byte back, else as base64.
pub(super) fn exact<'a>(data: &'a [u8], content_type: &str) -> (Option<Cow<'a, RawValue>>, Option<String>) {
    // A line break, or space around the value, would not survive in a line.
    let json = json(data, content_type).filter(|json| json.get().len() == data.len() && !has_breaks(data));
    let other = json.is_none().then(|| base64::encode(data));
    (json.map(Cow::Borrowed), other)
}

/// A payload in a line of JSON: as JSON wherever it is JSON, with spaces for the line breaks of one
/// that is printed over many lines.
pub(super) fn readable<'a>(data: &'a [u8], content_type: &str) -> (Option<Cow<'a, RawValue>>, Option<String>) {
    let json = json(data, content_type).and_then(|json| {
        if !has_breaks(json.get().as_bytes()) {
            return Some(Cow::Borrowed(json));
        }
        // In valid JSON they are nothing but space: a string would have them escaped.
        RawValue::from_string(json.get().replace(['\n', '\r'], " ")).ok().map(Cow::Owned)
    });
    let other = json.is_none().then(|| base64::encode(data));
    (json, other)
}

fn json<'a>(data: &'a [u8], content_type: &str) -> Option<&'a RawValue> {
    if is_json_type(content_type) { serde_json::from_slice(data).ok() } else { None }
}

fn has_breaks(data: &[u8]) -> bool {
    data.iter().any(|byte| matches!(byte, b'\n' | b'\r'))
}

/// A payload for people.
pub(super) fn shown(data: &[u8], content_type: &str) -> String {
    match std::str::from_utf8(data) {
        Ok(text) => text.to_owned(),
        Err(_) if content_type.is_empty() => format!("<{} bytes>", data.len()),
        Err(_) => format!("<{} bytes of {content_type}>", data.len()),
    }
}

/// The payload that an argument names: `-` for standard input, `@file`, or the text itself.
pub(super) fn from_argument(argument: &str, content_type: &str) -> Result<Bytes, Error> {
    let data = match argument.strip_prefix('@') {
        Some(path) => std::fs::read(path).map_err(|source| Error::Input { from: path.to_owned(), source })?,
        None if argument == "-" => {
            let mut data = Vec::new();
            let read = io::stdin().lock().read_to_end(&mut data);
            read.map_err(|source| Error::Input { from: "standard input".to_owned(), source })?;
            data
        }
        None => argument.as_bytes().to_vec(),
    };
    if is_json_type(content_type) {
        let json: &RawValue = serde_json::from_slice(&data).map_err(|error| {
            Error::Invalid(format!("the data is not JSON: {error}; name its --content-type if it is something else"))
        })?;
        // Without the line break that ends a file.
        return Ok(Bytes::copy_from_slice(json.get().as_bytes()));
    }
    Ok(data.into())
}

/// A pair `key=value` of an argument.
pub(super) fn pair(argument: &str) -> Result<(String, String), String> {
    match argument.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected key=value".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_goes_out_as_its_text_stands() {
        for text in [r#"{"b":1.50,"a":-0, "a":1e999}"#, "null", "0.1000", r#""\u0041""#] {
            for (json, other) in [exact(text.as_bytes(), ""), readable(text.as_bytes(), "")] {
                assert_eq!((json.as_deref().map(RawValue::get), other), (Some(text), None));
            }
        }
    }

    #[test]
    fn what_a_line_would_change_goes_out_as_base64() {
        let cases: [(&[u8], &str); 7] = [
            (b"", ""),
            (b"{", ""),
            (b" 1", ""),
            (b"1 ", ""),
            (b"[1,\n2]", ""),
            (b"\"\xff\"", ""),
            (b"1", "text/plain"),
        ];
        for (data, content_type) in cases {
            let (json, other) = exact(data, content_type);
            assert!(json.is_none(), "{data:?}");
            assert_eq!(other.as_deref().and_then(base64::decode).as_deref(), Some(data));
        }
    }

    #[test]
    fn json_over_many_lines_is_readable_in_one() {
        let (json, other) = readable(b" {\n  \"a\": \"x\\n\"\r\n}\n", "");
        assert_eq!((json.as_deref().map(RawValue::get), other), (Some("{   \"a\": \"x\\n\"  }"), None));
        assert!(readable(b"1", "text/plain").0.is_none());
    }

    #[test]
    fn an_argument_must_be_what_its_media_type_says() {
        assert_eq!(from_argument(" {\"a\": 1}\n", "").expect("JSON"), "{\"a\": 1}");
        assert!(from_argument("plain", "").is_err());
        assert!(from_argument("plain", "text/plain").is_ok());
        assert!(from_argument("@/no/such/file", "").is_err());
    }

    #[test]
    fn a_pair_needs_a_key() {
        assert_eq!(pair("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(pair("a="), Ok(("a".to_owned(), String::new())));
        assert!(pair("=b").is_err() && pair("a").is_err());
    }
}
