//! The table of growth: a column for each size, a line for each cost, and how it compares with the smallest.

use std::io::{self, Write};
use std::time::Duration;

use super::super::Error;
use super::super::load::Measured;
use super::IN_FLIGHT;
use super::filling::Filled;
use super::guarded::GuardedKind;

/// Stream, type, category, tag and id of every event.
const TERMS_PER_EVENT: f64 = 5.0;

/// What is measured at each size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Costed {
    /// The time of an append, with so many calls in flight.
    Append(GuardedKind, usize),
    /// The time of half the reads of ten events: by a query, or of a stream.
    PointQuery { by_query: bool },
}

impl Costed {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let appends =
            GuardedKind::ALL.into_iter().flat_map(|kind| [1, IN_FLIGHT].map(|calls| Self::Append(kind, calls)));
        appends.chain([true, false].map(|by_query| Self::PointQuery { by_query }))
    }

    fn name(self) -> String {
        match self {
            Self::Append(kind, in_flight) => format!("{}, {in_flight} in flight: time each", kind.name()),
            Self::PointQuery { by_query: true } => "10 events of a tag, warm: p50".to_owned(),
            Self::PointQuery { by_query: false } => "10 events of a stream, warm: p50".to_owned(),
        }
    }
}

/// The mean time that the server needs for a call, calls in flight shared out.
pub(super) fn mean(measured: &Measured) -> Result<Duration, Error> {
    all_well(measured)?;
    Ok(measured.elapsed.div_f64(measured.count.max(1) as f64))
}

/// The time of half of the calls.
pub(super) fn p50(measured: &Measured) -> Result<Duration, Error> {
    all_well(measured)?;
    Ok(Duration::from_nanos(measured.latencies.value_at_quantile(0.5)))
}

fn all_well(measured: &Measured) -> Result<(), Error> {
    measured.first_error.clone().map_or(Ok(()), |cause| Err(Error::Prepare { row: "growth", cause }))
}

/// The one in the middle.
pub(super) fn median(mut durations: Vec<Duration>) -> Option<Duration> {
    durations.sort_unstable();
    durations.get(durations.len() / 2).copied()
}

/// The lines, each with a cell a size.
#[derive(Debug, Default)]
pub(super) struct Table {
    lines: Vec<(String, Vec<String>)>,
    events: u64,
}

impl Table {
    pub(super) fn begin(&mut self, size: u64, filled: &Filled) {
        self.events = size;
        self.put("events", size.to_string());
        let rate = filled.events as f64 / filled.took.as_secs_f64().max(1e-9);
        self.put("filled with, events/s", format!("{rate:.0}"));
    }

    /// Tells a cost, and how many times that of the smaller log it is, measured in turns.
    pub(super) fn cost(&mut self, cost: Costed, own: Duration, smaller: Option<Duration>) {
        let micros = own.as_secs_f64() * 1e6;
        let ratio = smaller.map(|smaller| format!(" = {:.2}", own.as_secs_f64() / smaller.as_secs_f64()));
        self.put(&cost.name(), format!("{micros:.1} µs{}", ratio.unwrap_or_default()));
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
