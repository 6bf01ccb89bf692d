//! What a bench prints.
//!
//! Owns [`Report`]: a table for people, or an object a line for programs, each row as soon as it is
//! measured. Rates are in what the row counts; MB are millions of bytes of payload; latencies are of
//! whole calls as the client sees them.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Error;
use super::load::Measured;

const QUANTILES: [(&str, f64); 3] = [("p50_us", 0.5), ("p99_us", 0.99), ("p999_us", 0.999)];

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
}

/// Prints rows.
#[derive(Debug)]
pub(super) struct Report {
    json: bool,
    headed: bool,
    errors: u64,
}

impl Report {
    /// As JSON lines, or as a table.
    pub(super) fn new(json: bool) -> Self {
        Self { json, headed: false, errors: 0 }
    }

    /// Says once what is measured and where.
    pub(super) fn setup(&self, facts: &[(&'static str, Value)]) -> Result<(), Error> {
        if self.json {
            let facts: Map<String, Value> =
                facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            return print(&json!({"setup": facts}).to_string());
        }
        for (name, value) in facts {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            print(&format!("{:<16} {text}", name.replace('_', " ")))?;
        }
        print("")
    }

    /// Prints one row.
    pub(super) fn row(&mut self, row: &Row) -> Result<(), Error> {
        self.errors += row.measured.errors;
        if self.json {
            return print(&as_json(row).to_string());
        }
        if !self.headed {
            self.headed = true;
            let heads = ["workload", "in flight", "per second", "of", "MB/s", "p50", "p99", "p999", "count", "errors"];
            print(&line(&heads.map(str::to_owned), "of ceiling"))?;
            print(&RULER.replace(' ', "-"))?;
        }
        print(&as_line(row))?;
        match &row.measured.first_error {
            Some(error) => note(&format!("{}: first error: {error}", row.workload)),
            None => Ok(()),
        }
    }

    /// Fails when any row had errors, so that a script notices.
    pub(super) fn finish(self) -> Result<(), Error> {
        if self.errors > 0 { Err(Error::Errors(self.errors)) } else { Ok(()) }
    }
}

const RULER: &str = "|              |           |            |         |        \
     |          |          |          |           |        |            |";

fn line(cells: &[String; 10], last: &str) -> String {
    let [workload, in_flight, rate, unit, megabytes, p50, p99, p999, count, errors] = cells;
    format!(
        "| {workload:<12} | {in_flight:>9} | {rate:>10} | {unit:<7} | {megabytes:>6} | {p50:>8} | {p99:>8} | {p999:>8} \
         | {count:>9} | {errors:>6} | {last:>10} |"
    )
}

fn as_line(row: &Row) -> String {
    let measured = &row.measured;
    let quantile = |at: usize| in_words(Duration::from_nanos(measured.latencies.value_at_quantile(QUANTILES[at].1)));
    let cells = [
        row.workload.to_owned(),
        row.in_flight.to_string(),
        format!("{:.0}", measured.rate()),
        row.unit.to_owned(),
        format!("{:.1}", megabytes_per_second(measured)),
        quantile(0),
        quantile(1),
        quantile(2),
        measured.count.to_string(),
        measured.errors.to_string(),
    ];
    line(&cells, &row.of_ceiling.map_or_else(String::new, |part| format!("{part:.2}")))
}

fn as_json(row: &Row) -> Value {
    let measured = &row.measured;
    let mut object = json!({
        "workload": row.workload,
        "in_flight": row.in_flight,
        "unit": row.unit,
        "per_second": rounded(measured.rate(), 10.0),
        "mb_per_second": rounded(megabytes_per_second(measured), 1000.0),
        "count": measured.count,
        "errors": measured.errors,
        "first_error": measured.first_error,
        "seconds": rounded(measured.elapsed.as_secs_f64(), 1000.0),
        "of_ceiling": row.of_ceiling.map(|part| rounded(part, 1000.0)),
    });
    for (name, quantile) in QUANTILES {
        let nanos = measured.latencies.value_at_quantile(quantile);
        object[name] = json!(rounded(nanos as f64 / 1e3, 10.0));
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
fn in_words(time: Duration) -> String {
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
        Row { workload: "append", in_flight: 16, unit: "events", measured, of_ceiling: Some(0.5) }
    }

    #[test]
    fn a_row_is_as_wide_as_its_ruler() {
        let text = as_line(&row());
        assert_eq!(text.chars().count(), RULER.len(), "{text}");
        let cells: Vec<&str> = text.split('|').map(str::trim).collect();
        assert_eq!(cells[1..7], ["append", "16", "10", "events", "2.0", "100 µs"]);
        assert_eq!(cells[7..12], ["12.3 ms", "12.3 ms", "20", "0", "0.50"]);
    }

    #[test]
    fn a_row_in_json_has_numbers() {
        let object = as_json(&row());
        assert_eq!((&object["per_second"], &object["of_ceiling"]), (&json!(10.0), &json!(0.5)));
        assert!((99.0..101.0).contains(&object["p50_us"].as_f64().expect("a number")));
        assert_eq!(object["first_error"], Value::Null);
    }

    #[test]
    fn times_are_short_words() {
        let words = [(7, "7 µs"), (1_500, "1.50 ms"), (15_000, "15.0 ms"), (2_000_000, "2.00 s")];
        for (micros, expected) in words {
            assert_eq!(in_words(Duration::from_micros(micros)), expected);
        }
    }
}
