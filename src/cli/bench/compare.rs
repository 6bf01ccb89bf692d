//! An earlier run, held against this one.
//!
//! Owns [`Earlier`]: what `--json` printed then. A row is held against the one of the same name, unit and number in
//! flight, or else of the same name and unit if there is only one. A ratio above 1 is more than before, which is
//! good of a rate and bad of a latency.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use super::Error;
use super::error::refused;

/// The figures that have a ratio.
const FIGURES: [&str; 8] =
    ["per_second", "mb_per_second", "mean_us", "p50_us", "p90_us", "p99_us", "p999_us", "max_us"];

/// What an earlier run printed.
#[derive(Debug)]
pub(super) struct Earlier {
    name: String,
    setup: Map<String, Value>,
    rows: Vec<Value>,
}

/// A setting that is not what it was.
#[derive(Debug, PartialEq)]
pub(super) struct Difference {
    pub(super) name: String,
    pub(super) now: Option<Value>,
    pub(super) earlier: Option<Value>,
}

impl Earlier {
    /// Reads what a run with `--json` printed.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        let text = fs::read_to_string(path).map_err(refused(format!("read {name}")))?;
        Self::parse(name, &text)
    }

    fn parse(name: String, text: &str) -> Result<Self, Error> {
        let unfit = |why: String| Error::Unfit(format!("{name} is no output of `quipu bench --json`: {why}"));
        let (mut setup, mut rows) = (None, Vec::new());
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let line: Value = serde_json::from_str(line).map_err(|error| unfit(format!("line {}: {error}", at + 1)))?;
            if let Some(facts) = line["setup"].as_object() {
                setup = Some(facts.clone());
            } else if line["workload"].is_string() {
                rows.push(line);
            }
        }
        let setup = setup.ok_or_else(|| unfit("it tells no setup".to_owned()))?;
        Ok(Self { name, setup, rows })
    }

    /// What it was read from.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Which settings are not what they were.
    pub(super) fn differences(&self, now: &Map<String, Value>) -> Vec<Difference> {
        let gone = self.setup.keys().filter(|name| !now.contains_key(*name));
        let names = now.keys().chain(gone);
        let differ = names.filter(|name| now.get(*name) != self.setup.get(*name));
        let difference = |name: &String| Difference {
            name: name.clone(),
            now: now.get(name).cloned(),
            earlier: self.setup.get(name).cloned(),
        };
        differ.map(difference).collect()
    }

    /// Each figure of a row as a part of what it was; none where there was no such row or nothing was measured.
    pub(super) fn ratios(&self, row: &Value) -> Option<Map<String, Value>> {
        let earlier = self.row_like(row)?;
        let ratio = |name: &&str| {
            let (now, then) = (row[*name].as_f64()?, earlier[*name].as_f64()?);
            let ratio = (now / then * 1000.0).round() / 1000.0;
            ratio.is_finite().then(|| ((*name).to_owned(), Value::from(ratio)))
        };
        Some(FIGURES.iter().filter_map(ratio).collect())
    }

    fn row_like(&self, row: &Value) -> Option<&Value> {
        let same = |earlier: &&Value, names: &[&str]| names.iter().all(|name| earlier[*name] == row[*name]);
        let exact = self.rows.iter().find(|earlier| same(earlier, &["workload", "unit", "in_flight"]));
        let mut alike = self.rows.iter().filter(|earlier| same(earlier, &["workload", "unit"]));
        exact.or_else(|| alike.next().filter(|_| alike.next().is_none()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn earlier(text: &str) -> Earlier {
        Earlier::parse("then.json".to_owned(), text).expect("an earlier run")
    }

    fn then() -> Earlier {
        earlier(
            r#"{"setup":{"rate":500,"streams":10,"skew":"zipf"}}
               {"workload":"append","unit":"calls","in_flight":4,"per_second":200.0,"p50_us":100.0,"p99_us":0.0}

               {"workload":"query","unit":"calls","in_flight":4,"per_second":50.0}
               {"workload":"query","unit":"calls","in_flight":8,"per_second":80.0}
               {"open_loop":{"due":5}}"#,
        )
    }

    #[test]
    fn ratios_are_of_what_it_was() {
        let row = json!({"workload": "append", "unit": "calls", "in_flight": 4, "per_second": 100.0, "p50_us": 150.0,
            "p99_us": 3.0, "count": 7});
        let expected = json!({"per_second": 0.5, "p50_us": 1.5});
        assert_eq!(then().ratios(&row).map(Value::Object), Some(expected), "nothing is a part of zero");
    }

    #[test]
    fn a_row_is_held_against_its_like() {
        let rate = |workload: &str, unit: &str, in_flight: u64| {
            let row = json!({"workload": workload, "unit": unit, "in_flight": in_flight, "per_second": 40.0});
            then().ratios(&row).map(|ratios| ratios["per_second"].as_f64())
        };
        assert_eq!(rate("query", "calls", 4), Some(Some(0.8)));
        assert_eq!(rate("query", "calls", 8), Some(Some(0.5)));
        assert_eq!(rate("query", "calls", 16), None, "there are two of them");
        assert_eq!(rate("append", "calls", 16), Some(Some(0.2)), "there is only one");
        assert_eq!(rate("append", "events", 4), None);
    }

    #[test]
    fn settings_that_differ_are_told() {
        let now = json!({"rate": 1000, "streams": 10, "tags": 1});
        let differences = then().differences(now.as_object().expect("an object"));
        let told = |name: &str, now: Value, earlier: Value| Difference {
            name: name.to_owned(),
            now: Some(now).filter(|value| !value.is_null()),
            earlier: Some(earlier).filter(|value| !value.is_null()),
        };
        let expected = [
            told("rate", json!(1000), json!(500)),
            told("tags", json!(1), Value::Null),
            told("skew", Value::Null, json!("zipf")),
        ];
        assert_eq!(differences.len(), expected.len());
        assert!(expected.iter().all(|expected| differences.contains(expected)), "{differences:?}");
    }

    #[test]
    fn what_no_run_printed_is_refused() {
        for (text, why) in [("", "no setup"), ("| a | table |", "line 1"), ("{\"workload\":\"append\"}", "no setup")] {
            let refused = Earlier::parse("x".to_owned(), text).expect_err(text).to_string();
            assert!(refused.contains(why), "{refused}");
        }
    }
}
