//! Comparing the model with a file of events.
//!
//! Owns the reading of JSON lines, as `quipu import` takes them, and the differences between two
//! models. The fold is the reactor's own, so a difference means that the way through the store lost,
//! repeated or reordered something. Positions are not compared: a file has none.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use chrono::{DateTime, Utc};
use flate2::read::MultiGzDecoder;
use serde::Deserialize;

use crate::model::{Fact, Model};

/// Why a file could not be folded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The file system refused.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A line is no event.
    #[error("{path}, line {line}: no event with stream, type and occurred_at")]
    Line {
        /// The file.
        path: String,
        /// Which line, from 1.
        line: usize,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
}

/// What the fold needs of a line.
#[derive(Debug, Deserialize)]
struct Line {
    stream: String,
    #[serde(rename = "type")]
    activity: String,
    occurred_at: DateTime<Utc>,
}

/// The model of all events of a file, in its order. A name that ends in `.gz` is unpacked.
pub(crate) fn fold_file(path: &Path) -> Result<Model, Error> {
    let name = path.display().to_string();
    let unreadable = |source| Error::Read { path: name.clone(), source };
    let file = File::open(path).map_err(unreadable)?;
    let packed = path.extension().is_some_and(|extension| extension == "gz");
    let bytes: Box<dyn Read> = if packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    let mut model = Model::default();
    for (at, text) in BufReader::new(bytes).lines().enumerate() {
        let text = text.map_err(unreadable)?;
        if text.trim().is_empty() {
            continue;
        }
        let line: Line =
            serde_json::from_str(&text).map_err(|source| Error::Line { path: name.clone(), line: at + 1, source })?;
        model.fold(Fact { permit: &line.stream, activity: &line.activity, at: line.occurred_at });
    }
    Ok(model)
}

/// Where `kept` is not what it should be, a line each.
pub(crate) fn differences(kept: &Model, expected: &Model) -> Vec<String> {
    let mut all = between("permit", &kept.permits, &expected.permits);
    all.extend(between("activity", &kept.activities, &expected.activities));
    all
}

fn between<V: PartialEq + Debug>(
    what: &str,
    kept: &BTreeMap<String, V>,
    expected: &BTreeMap<String, V>,
) -> Vec<String> {
    let wrong = expected.iter().filter_map(|(name, expected)| match kept.get(name) {
        None => Some(format!("{what} {name:?} is missing")),
        Some(kept) if kept != expected => Some(format!("{what} {name:?} is {kept:?}, expected {expected:?}")),
        Some(_) => None,
    });
    let surplus = kept.keys().filter(|name| !expected.contains_key(*name));
    wrong.chain(surplus.map(|name| format!("{what} {name:?} is not in the file"))).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    const LINES: &str = concat!(
        r#"{"stream":"a","type":"Asked","occurred_at":"2020-01-01T00:00:00.5Z","data":{}}"#,
        "\n\n",
        r#"{"stream":"a","type":"Granted","occurred_at":"2020-01-05T01:00:00+00:00","tags":[]}"#,
        "\n",
    );

    #[test]
    fn a_file_is_folded_packed_or_not() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (plain, packed) = (directory.path().join("e.jsonl"), directory.path().join("e.jsonl.gz"));
        std::fs::write(&plain, LINES).expect("written");
        let mut encoder = GzEncoder::new(File::create(&packed).expect("created"), Compression::fast());
        encoder.write_all(LINES.as_bytes()).expect("packed");
        encoder.finish().expect("packed");
        let model = fold_file(&plain).expect("folded");
        assert_eq!((model.permits["a"].events, model.permits["a"].days), (2, 4));
        assert_eq!(fold_file(&packed).expect("folded"), model);
    }

    #[test]
    fn a_line_that_is_no_event_is_named() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("e.jsonl");
        std::fs::write(&path, format!("{LINES}{{}}\n")).expect("written");
        assert!(matches!(fold_file(&path), Err(Error::Line { line: 4, .. })));
    }

    #[test]
    fn every_kind_of_difference_is_told() {
        let fact = |permit| Fact { permit, activity: "Asked", at: DateTime::UNIX_EPOCH };
        let model = |permits: &[&'static str]| {
            let mut model = Model::default();
            permits.iter().for_each(|permit| model.fold(fact(permit)));
            model
        };
        assert!(differences(&model(&["a", "b"]), &model(&["b", "a"])).is_empty());
        let found = differences(&model(&["a", "a", "c"]), &model(&["a", "b", "b"]));
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].contains("\"a\" is Permit") && found[1].contains("\"b\" is missing"), "{found:?}");
        assert!(found[2].contains("\"c\" is not in the file"), "{found:?}");
    }
}
