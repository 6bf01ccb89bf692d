//! What was measured, in Markdown.
//!
//! Owns [`Results`], the figures of all rounds, and how they become a table: medians over the rounds, each with
//! its part of the best peer's. What was not measured is a dash, or words, with a footnote that says why.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::durable::Durability;
use crate::footprint::{self, Footprint, LargeFootprint};
use crate::payload::PAYLOAD_BYTES;
use crate::workload::{Kind, Row, STREAM_EVENTS, Sample};

/// One column.
#[derive(Clone, Debug, Default)]
pub(crate) struct Column {
    /// The peer's name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// Its settings.
    pub(crate) note: String,
    /// Whether it is held against the others.
    pub(crate) compared: bool,
    /// The figures of each row, by its number, in the order of measurements.
    pub(crate) samples: BTreeMap<usize, Vec<Sample>>,
    /// Why a row has none.
    pub(crate) gaps: BTreeMap<usize, String>,
    /// After the appends of each round.
    pub(crate) footprints: Vec<Footprint>,
    /// With the large log.
    pub(crate) large: Option<LargeFootprint>,
    /// The disk's own sync right before each round: median and 99th percentile in milliseconds.
    pub(crate) disk_syncs: Vec<(f64, f64)>,
    /// Syncs and answers, or why they were not counted; nothing where nothing is stored.
    pub(crate) durability: Option<Result<Durability, String>>,
}

/// The whole table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Results {
    /// What is on the left.
    pub(crate) rows: Vec<Row>,
    /// What is on top.
    pub(crate) columns: Vec<Column>,
    /// The peers that are not there, and why.
    pub(crate) missing: Vec<(String, String)>,
    /// What was measured, and where.
    pub(crate) conditions: String,
    /// Streams of the large log.
    pub(crate) large_streams: u64,
}

/// The middle of these, or none of nothing.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        length if length.is_multiple_of(2) => Some(f64::midpoint(values[middle - 1], values[middle])),
        _ => Some(values[middle]),
    }
}

impl Column {
    /// The median of something over the rounds.
    pub(crate) fn figure(&self, row: usize, of: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        median(self.samples.get(&row)?.iter().filter_map(of))
    }

    /// Per second, the figure of the table.
    pub(crate) fn rate(&self, row: usize) -> Option<f64> {
        self.figure(row, |sample| Some(sample.per_second))
    }

    /// What others took of the processors during each measurement.
    pub(crate) fn others(&self) -> Vec<f64> {
        self.samples.values().flatten().map(|sample| sample.others).collect()
    }

    fn keeps_no_promise(&self) -> bool {
        matches!(&self.durability, Some(Ok(durability)) if !durability.holds())
    }
}

impl Results {
    /// The size of the large log, in words.
    pub(crate) fn large_log(&self) -> String {
        let events = grouped((self.large_streams * STREAM_EVENTS as u64) as f64);
        let streams = grouped(self.large_streams as f64);
        format!("{events} events of {PAYLOAD_BYTES} bytes in {streams} streams or tags of {STREAM_EVENTS}")
    }

    /// All of it as Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::new();
        let mut notes = Vec::new();
        let _ = writeln!(text, "{}\n", self.conditions);
        for (name, why) in &self.missing {
            let _ = writeln!(text, "**{name} IS MISSING**: {why}\n");
        }
        let _ = writeln!(text, "Per second, and as a part of the best of the row:\n");
        text.push_str(
            &self.grid(Some("Quipu of the best other"), |row, column| self.rate_cell(row, column, &mut notes)),
        );
        let _ = writeln!(text, "\nLatency of a call in ms, p50 / p99; of *live*, from the append to the subscriber:\n");
        text.push_str(&self.grid(None, latency_cell));
        let _ = writeln!(text, "\nProcessor seconds of the server for 100,000 events:\n");
        text.push_str(&self.grid(None, |row, column| {
            column.figure(row, |sample| Some(sample.cpu)).map_or_else(dash, |cpu| format!("{cpu:.2}"))
        }));
        text.push_str(&footprint::markdown(self));
        for (number, note) in notes.iter().enumerate() {
            let _ = writeln!(text, "- [{}] {note}.", number + 1);
        }
        text.push('\n');
        for column in &self.columns {
            let _ = writeln!(text, "- **{}** ({}): {}", column.name, column.version, column.note);
        }
        text
    }

    fn grid(&self, last: Option<&str>, mut cell: impl FnMut(usize, &Column) -> String) -> String {
        let mut text = String::from("| workload |");
        for column in &self.columns {
            let warning = if column.keeps_no_promise() { " **NOT DURABLE**" } else { "" };
            let _ = write!(text, " {}{warning} |", column.name);
        }
        text.push_str(&last.map(|last| format!(" {last} |\n|---|")).unwrap_or_else(|| "\n|---|".to_owned()));
        text.push_str(&"--:|".repeat(self.columns.len() + usize::from(last.is_some())));
        text.push('\n');
        for (row, about) in self.rows.iter().enumerate() {
            let _ = write!(text, "| {} |", about.label());
            for column in &self.columns {
                let _ = write!(text, " {} |", cell(row, column));
            }
            if last.is_some() {
                let _ = write!(text, " {} |", self.against_the_best_other(row));
            }
            text.push('\n');
        }
        text
    }

    /// The best of a row among the columns that are compared and chosen: by rate, or where all are offered the
    /// same, by how soon 99 of 100 have arrived.
    fn best(&self, row: usize, chosen: impl Fn(&Column) -> bool) -> Option<(f64, &str)> {
        let columns = self.columns.iter().filter(|column| column.compared && chosen(column));
        let merits = columns.filter_map(|column| Some((self.merit(row, column)?, column.name.as_str())));
        merits.max_by(|one, other| one.0.total_cmp(&other.0))
    }

    /// The more, the better.
    fn merit(&self, row: usize, column: &Column) -> Option<f64> {
        if self.rows[row].kind.is_offered() {
            column.figure(row, |sample| sample.p99).map(f64::recip)
        } else {
            column.rate(row)
        }
    }

    fn against_the_best_other(&self, row: usize) -> String {
        let quipu = self.columns.iter().find(|column| column.name == "Quipu");
        let quipu = quipu.and_then(|column| self.merit(row, column));
        let what = if self.rows[row].kind.is_offered() { ", 1 / p99" } else { "" };
        match (quipu, self.best(row, |column| !column.name.starts_with("Quipu"))) {
            (Some(quipu), Some((best, name))) => format!("{:.2} × {name}{what}", quipu / best),
            _ => dash(),
        }
    }

    fn rate_cell(&self, row: usize, column: &Column, notes: &mut Vec<String>) -> String {
        let Some(rate) = column.rate(row) else {
            let Some(why) = column.gaps.get(&row) else { return dash() };
            let number = notes.iter().position(|note| note == why).unwrap_or_else(|| {
                notes.push(why.clone());
                notes.len() - 1
            });
            return format!("– [{}]", number + 1);
        };
        let size = column.figure(row, |sample| sample.events.map(|events| events as f64));
        let size = size.map(|events| format!(" of {:.2} M", events / 1e6)).unwrap_or_default();
        if self.rows[row].kind.is_offered() {
            // All are offered the same: they differ in how late it arrives.
            return grouped(rate);
        }
        match self.best(row, |_| true) {
            Some((best, _)) if column.compared && rate >= best => format!("**{}**{size}", grouped(rate)),
            Some((best, _)) if column.compared => format!("{}{size} ({:.2})", grouped(rate), rate / best),
            _ => format!("{}{size}", grouped(rate)),
        }
    }
}

/// What stands for a figure that is not there.
pub(crate) fn dash() -> String {
    "–".to_owned()
}

fn latency_cell(row: usize, column: &Column) -> String {
    let (p50, p99) = (column.figure(row, |sample| sample.p50), column.figure(row, |sample| sample.p99));
    match (p50, p99) {
        (Some(p50), Some(p99)) => format!("{} / {}", in_digits(p50), in_digits(p99)),
        _ => dash(),
    }
}

/// Three digits or so.
pub(crate) fn in_digits(value: f64) -> String {
    match value {
        _ if value < 10.0 => format!("{value:.2}"),
        _ if value < 100.0 => format!("{value:.1}"),
        _ => grouped(value),
    }
}

/// A whole number with commas.
pub(crate) fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let lead = digits.len() % 3;
    let mut text = digits[..lead].to_owned();
    for (at, three) in digits.as_bytes()[lead..].chunks(3).enumerate() {
        if at > 0 || lead > 0 {
            text.push(',');
        }
        text.push_str(&String::from_utf8_lossy(three));
    }
    text
}

/// The rows of one kind, by their numbers.
pub(crate) fn rows_of(rows: &[Row], kind: Kind) -> impl Iterator<Item = (usize, &Row)> {
    rows.iter().enumerate().filter(move |(_, row)| row.kind == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, rates: &[f64]) -> Column {
        let sample = |&per_second: &f64| Sample { per_second, p50: Some(1.0), p99: Some(12.3), ..Sample::default() };
        let samples = BTreeMap::from([(0, rates.iter().map(sample).collect())]);
        Column { name: name.to_owned(), compared: true, samples, ..Column::default() }
    }

    fn results() -> Results {
        let rows = vec![Row { kind: Kind::Guarded, load: 16 }];
        let columns = vec![column("Quipu", &[900.0, 1_000.0, 5_000.0]), column("Other", &[2_000.0])];
        Results { rows, columns, ..Results::default() }
    }

    #[test]
    fn medians_and_ratios_are_told() {
        let text = results().markdown();
        assert!(text.contains("| guarded append, 16 in flight | 1,000 (0.50) | **2,000** | 0.50 × Other |"), "{text}");
        assert!(text.contains("| 1.00 / 12.3 | 1.00 / 12.3 |"), "{text}");
    }

    #[test]
    fn live_events_are_compared_by_how_late_they_come() {
        let mut results = results();
        results.rows[0].kind = Kind::Live;
        results.columns[1].samples.get_mut(&0).expect("it has some")[0].p99 = Some(24.6);
        assert!(results.markdown().contains("| 1,000 | 2,000 | 2.00 × Other, 1 / p99 |"));
    }

    #[test]
    fn a_server_that_answers_too_early_is_told_loudly() {
        let mut results = results();
        let elapsed = std::time::Duration::from_secs(1);
        results.columns[1].durability = Some(Ok(Durability { appends: 200, syncs: 3, elapsed }));
        assert!(results.markdown().contains("| Other **NOT DURABLE** |"));
    }

    #[test]
    fn a_gap_has_a_footnote() {
        let mut results = results();
        results.columns[1].samples.clear();
        results.columns[1].gaps.insert(0, "it can not".to_owned());
        let text = results.markdown();
        assert!(text.contains("| – [1] | – |") && text.contains("- [1] it can not."), "{text}");
    }

    #[test]
    fn numbers_are_grouped() {
        let told = [1.0, 12.4, 999.6, 123_456.0, 1_234_567.0].map(grouped);
        assert_eq!(told, ["1", "12", "1,000", "123,456", "1,234,567"]);
    }

    #[test]
    fn the_median_of_two_lies_between() {
        assert_eq!(median([3.0, 1.0]), Some(2.0));
        assert_eq!(median([]), None);
    }
}
