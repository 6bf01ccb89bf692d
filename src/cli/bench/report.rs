//! What a bench prints.
//!
//! Owns [`Report`]: a table for people, or an object a line for programs, each row as soon as it is
//! measured, and beside it what an earlier run had, if one is named. Rates are in what the row counts; MB are
//! millions of bytes of payload; latencies are of whole calls as the client sees them.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Error;
use super::compare::{Difference, Earlier};
use super::load::Measured;
use super::schedule::OpenLoop;
use super::table;

const QUANTILES: [(&str, f64); 4] = [("p50_us", 0.5), ("p90_us", 0.9), ("p99_us", 0.99), ("p999_us", 0.999)];

/// One line of the table.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) workload: &'static str,
    /// What the in-flight number counts besides calls, such as readers.
    pub(super) in_flight: usize,
    /// What is counted.
    pub(super) unit: &'static str,
    pub(super) measured: Measured,
    /// The rate as a part of the do-nothing row's.
    pub(super) of_ceiling: Option<f64>,
    /// Whether calls that somebody else was faster than are what was asked for, and no failure.
    pub(super) conflicts_expected: bool,
}

impl Row {
    /// What was measured of a workload, held against nothing.
    pub(super) fn of(workload: &'static str, in_flight: usize, unit: &'static str, measured: Measured) -> Self {
        Self { workload, in_flight, unit, measured, of_ceiling: None, conflicts_expected: false }
    }
}

/// Prints rows.
#[derive(Debug)]
pub(super) struct Report {
    json: bool,
    earlier: Option<Earlier>,
    headed: bool,
    errors: u64,
}

impl Report {
    /// As JSON lines, or as a table; each figure beside that of an earlier run, if there is one.
    pub(super) fn new(json: bool, earlier: Option<Earlier>) -> Self {
        Self { json, earlier, headed: false, errors: 0 }
    }

    /// Says once what is measured and where.
    pub(super) fn setup(&self, facts: &[(&'static str, Value)]) -> Result<(), Error> {
        let by_name: Map<String, Value> =
            facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let differences = self.earlier.as_ref().map_or_else(Vec::new, |earlier| earlier.differences(&by_name));
        if self.json {
            let mut line = json!({"setup": by_name});
            if let Some(earlier) = &self.earlier {
                let differs = |it: &Difference| (it.name.clone(), json!({"now": it.now, "earlier": it.earlier}));
                line["compared_with"] = json!(earlier.name());
                line["differs"] = Value::Object(differences.iter().map(differs).collect());
            }
            return print(&line.to_string());
        }
        let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        for (name, value) in facts {
            let differs = differences.iter().find(|it| it.name == *name).map(|it| it.earlier.as_ref().map(plain));
            let was = match differs {
                None => String::new(),
                Some(None) => "  (was not told)".to_owned(),
                Some(Some(earlier)) => format!("  (was {earlier})"),
            };
            print(&format!("{:<17} {}{was}", name.replace('_', " "), plain(value)))?;
        }
        for gone in differences.iter().filter(|it| it.now.is_none()) {
            let was = gone.earlier.as_ref().map_or_else(String::new, plain);
            print(&format!("{:<17} -  (was {was})", gone.name.replace('_', " ")))?;
        }
        if let Some(earlier) = &self.earlier {
            print(&format!("{:<17} {}; ×1.00 is as much as then", "compared with", earlier.name()))?;
        }
        print("")
    }

    /// Prints one row.
    pub(super) fn row(&mut self, row: &Row) -> Result<(), Error> {
        let conflicts = if row.conflicts_expected { row.measured.conflicts } else { 0 };
        self.errors += row.measured.errors - conflicts;
        self.figures(row)?;
        match &row.measured.first_error {
            Some(error) if !self.json => {
                let code = |(code, errors): (&&str, &u64)| format!("{errors} {code}");
                let codes: Vec<String> = row.measured.codes.iter().map(code).collect();
                note(&format!("{}: {}; first error: {error}", row.workload, codes.join(", ")))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Prints a row alone, for one that adds up others: their errors were told with them.
    pub(super) fn figures(&mut self, row: &Row) -> Result<(), Error> {
        let mut object = as_json(row);
        let ratios = self.earlier.as_ref().map(|earlier| earlier.ratios(&object).unwrap_or_default());
        if self.json {
            if let Some(ratios) = ratios {
                object["ratios"] = Value::Object(ratios);
            }
            return print(&object.to_string());
        }
        if !self.headed {
            self.headed = true;
            print(&table::head(self.earlier.is_some()))?;
        }
        print(&table::line(&as_cells(row), ratios.as_ref()))
    }

    /// Says what became of an open loop.
    pub(super) fn open_loop(&self, outcome: OpenLoop) -> Result<(), Error> {
        let OpenLoop { rate, due, began_late, not_begun } = outcome;
        if self.json {
            let numbers = json!({"rate": rate, "due": due, "began_late": began_late, "not_begun": not_begun});
            return print(&json!({"open_loop": numbers}).to_string());
        }
        print(&format!(
            "\nopen loop: {due} calls were due, {rate} a second; {began_late} of them began more than 10 ms late, \
             {not_begun} not at all before the end"
        ))
    }

    /// Fails when any row had errors, so that a script notices.
    pub(super) fn finish(self) -> Result<(), Error> {
        if self.errors > 0 { Err(Error::Errors(self.errors)) } else { Ok(()) }
    }
}

fn as_cells(row: &Row) -> [String; table::COLUMNS] {
    let measured = &row.measured;
    let quantile = |at: f64| in_words(Duration::from_nanos(measured.latencies.value_at_quantile(at)));
    [
        row.workload.to_owned(),
        row.in_flight.to_string(),
        format!("{:.0}", measured.rate()),
        row.unit.to_owned(),
        format!("{:.1}", megabytes_per_second(measured)),
        quantile(0.5),
        quantile(0.99),
        quantile(0.999),
        measured.count.to_string(),
        measured.errors.to_string(),
        row.of_ceiling.map_or_else(String::new, |part| format!("{part:.2}")),
    ]
}

fn as_json(row: &Row) -> Value {
    let measured = &row.measured;
    let micros = |nanos: f64| json!(rounded(nanos / 1e3, 10.0));
    let mut object = json!({
        "workload": row.workload,
        "in_flight": row.in_flight,
        "unit": row.unit,
        "per_second": rounded(measured.rate(), 10.0),
        "mb_per_second": rounded(megabytes_per_second(measured), 1000.0),
        "count": measured.count,
        "errors": measured.errors,
        "errors_by_code": measured.codes,
        "first_error": measured.first_error,
        "seconds": rounded(measured.elapsed.as_secs_f64(), 1000.0),
        "of_ceiling": row.of_ceiling.map(|part| rounded(part, 1000.0)),
        "mean_us": micros(measured.latencies.mean()),
        "max_us": micros(measured.latencies.max() as f64),
    });
    for (name, quantile) in QUANTILES {
        object[name] = micros(measured.latencies.value_at_quantile(quantile) as f64);
    }
    object
}

fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

fn megabytes_per_second(measured: &Measured) -> f64 {
    measured.bytes as f64 / 1e6 / measured.elapsed.as_secs_f64().max(1e-9)
}

/// Three digits or so, and the unit.
pub(super) fn in_words(time: Duration) -> String {
    let micros = time.as_nanos() as f64 / 1e3;
    match micros {
        _ if micros < 1e3 => format!("{micros:.0} µs"),
        _ if micros < 1e4 => format!("{:.2} ms", micros / 1e3),
        _ if micros < 1e6 => format!("{:.1} ms", micros / 1e3),
        _ => format!("{:.2} s", micros / 1e6),
    }
}

fn print(line: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(Error::Print)
}

fn note(line: &str) -> Result<(), Error> {
    writeln!(io::stderr(), "{line}").map_err(Error::Print)
}

#[cfg(test)]
mod tests {
    use super::super::load::Done;
    use super::*;

    fn row() -> Row {
        let mut measured = Measured::new();
        for micros in [100, 100, 100, 12_345] {
            measured.done(Duration::from_micros(micros), Done { count: 5, bytes: 1_000_000 });
        }
        measured.elapsed = Duration::from_secs(2);
        Row { of_ceiling: Some(0.5), ..Row::of("append", 16, "events", measured) }
    }

    #[test]
    fn a_row_has_its_cells() {
        let cells = as_cells(&row());
        assert_eq!(cells[..6], ["append", "16", "10", "events", "2.0", "100 µs"]);
        assert_eq!(cells[6..], ["12.3 ms", "12.3 ms", "20", "0", "0.50"]);
    }

    #[test]
    fn a_row_in_json_has_numbers() {
        let mut row = row();
        row.measured.failed(2, tonic::Status::unavailable("away"));
        let object = as_json(&row);
        assert_eq!((&object["per_second"], &object["of_ceiling"]), (&json!(10.0), &json!(0.5)));
        for (name, about) in [("p50_us", 100.0), ("p90_us", 12_345.0), ("max_us", 12_345.0), ("mean_us", 3_161.0)] {
            let micros = object[name].as_f64().expect("a number");
            assert!((about * 0.99..about * 1.01).contains(&micros), "{name}: {micros}");
        }
        assert_eq!((&object["errors"], &object["errors_by_code"]), (&json!(2), &json!({"UNAVAILABLE": 2})));
    }

    #[test]
    fn only_conflicts_that_were_asked_for_are_no_failure() {
        let failed = |conflicts_expected| {
            let mut row = Row { conflicts_expected, ..row() };
            let (stream, expected) = ("s".to_owned(), quipu_client::Expected::NoStream);
            let conflict = quipu_client::Error::WrongExpectedRevision { stream, expected, actual: Some(0), head: 1 };
            row.measured.failed(1, conflict);
            let mut report = Report::new(true, None);
            report.row(&row).expect("standard output is there");
            report.finish().is_err()
        };
        assert_eq!((failed(true), failed(false)), (false, true));
    }

    #[test]
    fn times_are_short_words() {
        let words = [(7, "7 µs"), (1_500, "1.50 ms"), (15_000, "15.0 ms"), (2_000_000, "2.00 s")];
        for (micros, expected) in words {
            assert_eq!(in_words(Duration::from_micros(micros)), expected);
        }
    }
}
