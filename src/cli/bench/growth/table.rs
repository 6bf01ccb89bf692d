//! The table of growth: a column for each size, a line for each cost, and how it compares with the smallest.

use std::io::{self, Write};
use std::time::Duration;

use super::super::Error;
use super::super::load::Measured;
use super::filling::Filled;
use super::guarded::GuardedKind;

/// Stream, type, category, tag and id of every event.
const TERMS_PER_EVENT: f64 = 5.0;

/// What a call costs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    /// The mean time that the server needs for one, calls in flight shared out.
    mean: Duration,
    p50: Duration,
}

impl Cost {
    /// Of calls that all went well.
    pub(super) fn of(measured: &Measured) -> Result<Self, Error> {
        if let Some(cause) = measured.first_error.clone() {
            return Err(Error::Prepare { row: "growth", cause });
        }
        let mean = measured.elapsed.div_f64(measured.count.max(1) as f64);
        Ok(Self { mean, p50: Duration::from_nanos(measured.latencies.value_at_quantile(0.5)) })
    }
}

/// The lines, each with a cell a size.
#[derive(Debug, Default)]
pub(super) struct Table {
    lines: Vec<(String, Vec<String>)>,
    /// The first size's figures, to compare with.
    first: Vec<(String, Duration)>,
    events: u64,
}

impl Table {
    pub(super) fn begin(&mut self, size: u64, filled: &Filled) {
        self.events = size;
        self.put("events", size.to_string());
        let rate = filled.events as f64 / filled.took.as_secs_f64().max(1e-9);
        self.put("filled with, events/s", format!("{rate:.0}"));
    }

    pub(super) fn append(&mut self, kind: GuardedKind, in_flight: usize, cost: Cost) {
        self.compare(&format!("{}, {in_flight} in flight: time each", kind.name()), cost.mean);
    }

    pub(super) fn point_query(&mut self, by_query: bool, cost: Cost) {
        let how = if by_query { "a tag" } else { "a stream" };
        self.compare(&format!("10 events of {how}, warm: p50"), cost.p50);
    }

    pub(super) fn held(&mut self, resident: u64, log: u64, index: u64) {
        self.put("resident memory after load", megabytes(resident));
        self.put("log on disk", megabytes(log));
        self.put("index on disk", megabytes(index));
        let each = index as f64 / self.events.max(1) as f64 / TERMS_PER_EVENT;
        self.put("index bytes per event and term", format!("{each:.2}"));
    }

    pub(super) fn starts(&mut self, after_stop: Duration, after_kill: Duration, resident: u64) {
        self.put("start after a clean stop", format!("{:.2} s", after_stop.as_secs_f64()));
        self.put("start after a kill", format!("{:.2} s", after_kill.as_secs_f64()));
        self.put("resident memory after a start", megabytes(resident));
    }

    /// Prints what there is.
    pub(super) fn print(&self) -> Result<(), Error> {
        let mut out = io::stdout().lock();
        let width = self.lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (index, (name, cells)) in self.lines.iter().enumerate() {
            let cells: String = cells.iter().map(|cell| format!(" {cell:>18} |")).collect();
            writeln!(out, "| {name:<width$} |{cells}").map_err(Error::Print)?;
            if index == 0 {
                let ruler: String = self.lines[0].1.iter().map(|_| format!("-{:->18}:|", "")).collect();
                writeln!(out, "|-{:-<width$}-|{ruler}", "").map_err(Error::Print)?;
            }
        }
        writeln!(out).map_err(Error::Print)
    }

    fn compare(&mut self, name: &str, cost: Duration) {
        let micros = cost.as_secs_f64() * 1e6;
        let Some((_, first)) = self.first.iter().find(|(known, _)| known == name) else {
            self.first.push((name.to_owned(), cost));
            return self.put(name, format!("{micros:.1} µs"));
        };
        let ratio = cost.as_secs_f64() / first.as_secs_f64();
        self.put(name, format!("{micros:.1} µs = {ratio:.2}"));
    }

    fn put(&mut self, name: &str, cell: String) {
        match self.lines.iter_mut().find(|(known, _)| known == name) {
            Some((_, cells)) => cells.push(cell),
            None => self.lines.push((name.to_owned(), vec![cell])),
        }
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.0} MB", bytes as f64 / 1e6)
}
