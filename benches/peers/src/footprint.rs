//! What servers take, and what it costs them that some subscribers never read on.
//!
//! Owns [`Footprint`] and [`LargeFootprint`], and the small tables below the rows: one line for each server.

use std::fmt::Write;

use crate::table::{Column, Results, dash, in_digits, median, rows_of};
use crate::workload::{Kind, WATCHERS};

/// The head of what is said of servers.
const SERVERS: &str = "
Each server under a tracer with one append in flight; the disk by itself right before the server's turns, 4 KiB added to \
a file and synced, p50 / p99 in ms; and what the server takes after the appends:

| server | appends | syncs | syncs/s, traced | durable | disk alone | resident | bytes on disk per byte of payload |
|---|--:|--:|--:|---|--:|--:|--:|
";

/// What a server was left with after the load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Footprint {
    /// Resident bytes.
    pub(crate) memory: u64,
    /// Bytes on disk for a byte of payload.
    pub(crate) disk: f64,
}

/// What a server takes with a large log.
#[derive(Clone, Debug)]
pub(crate) struct LargeFootprint {
    /// Resident bytes after the fill.
    pub(crate) filled: u64,
    /// Resident bytes after the reads too.
    pub(crate) read: u64,
    /// Bytes on disk for a byte of payload.
    pub(crate) disk: f64,
    /// Seconds until it has answered a first read when the page cache has nothing of its files, each time.
    pub(crate) starts: Vec<f64>,
}

/// All of it as Markdown.
pub(crate) fn markdown(results: &Results) -> String {
    servers(results) + &stalled(results) + &large(results)
}

/// Durability and what a server takes after the appends of a round.
fn servers(results: &Results) -> String {
    let mut text = SERVERS.to_owned();
    for column in results.columns.iter().filter(|column| column.compared) {
        let durability = match &column.durability {
            Some(Ok(it)) => {
                let rate = it.syncs as f64 / it.elapsed.as_secs_f64();
                let verdict = if it.holds() { "yes" } else { "**NOT DURABLE**" };
                format!("{} | {} | {rate:.0} | {verdict}", it.appends, it.syncs)
            }
            Some(Err(why)) => format!("– | – | – | **not checked**: {why}"),
            None => "– | – | – | not checked".to_owned(),
        };
        let memory = median(column.footprints.iter().map(|it| it.memory as f64)).map_or_else(dash, megabytes);
        let disk = median(column.footprints.iter().map(|it| it.disk)).map_or_else(dash, |ratio| format!("{ratio:.2}"));
        let syncs = |of: fn(&(f64, f64)) -> f64| median(column.disk_syncs.iter().map(of)).map_or_else(dash, in_digits);
        let (p50, p99) = (syncs(|sync| sync.0), syncs(|sync| sync.1));
        let _ = writeln!(text, "| {} | {durability} | {p50} / {p99} | {memory} | {disk} |", column.name);
    }
    text.push('\n');
    text
}

/// Appends with stalled subscribers beside those without, of those who have both.
fn stalled(results: &Results) -> String {
    let rows: Vec<_> = rows_of(&results.rows, Kind::Stalled).collect();
    let [(without, _), (with, about)] = rows[..] else { return String::new() };
    let mut text = format!(
        "Appends beside {WATCHERS} live subscribers, without and with {} more that never read on:\n\n\
         | server | p99 with / p99 without | resident without | resident with |\n|---|--:|--:|--:|\n",
        about.load
    );
    let mut any = false;
    for column in &results.columns {
        let p99 = |row| column.figure(row, |sample| sample.p99);
        let memory = |row| column.figure(row, |sample| sample.memory.map(|bytes| bytes as f64)).map(megabytes);
        let (Some(calm), Some(loaded)) = (p99(without), p99(with)) else { continue };
        let (before, after) = (memory(without).unwrap_or_else(dash), memory(with).unwrap_or_else(dash));
        let _ = writeln!(text, "| {} | {:.2} | {before} | {after} |", column.name, loaded / calm);
        any = true;
    }
    text.push('\n');
    if any { text } else { String::new() }
}

/// What servers take with a large log.
fn large(results: &Results) -> String {
    let columns: Vec<(&Column, &LargeFootprint)> =
        results.columns.iter().filter_map(|column| Some((column, column.large.as_ref()?))).collect();
    if columns.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "With the large log of {}. A payload is not all that is stored: each event also has a type and its stream or \
         tag, and in Quipu and UmaDB an id of 16 bytes.\n\n\
         | server | resident after the fill | resident after the reads | bytes on disk per byte of payload | start, cold |\n\
         |---|--:|--:|--:|--:|\n",
        results.large_log()
    );
    for (column, it) in columns {
        let (filled, read) = (megabytes(it.filled as f64), megabytes(it.read as f64));
        let start = median(it.starts.iter().copied()).map_or_else(dash, |seconds| format!("{seconds:.2} s"));
        let _ = writeln!(text, "| {} | {filled} | {read} | {:.2} | {start} |", column.name, it.disk);
    }
    text.push('\n');
    text
}

fn megabytes(bytes: f64) -> String {
    format!("{:.0} MB", bytes / 1e6)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::workload::{Row, Sample};

    #[test]
    fn stalled_subscribers_are_told_by_their_ratio() {
        let rows = vec![Row { kind: Kind::Stalled, load: 0 }, Row { kind: Kind::Stalled, load: 300 }];
        let of = |p99, memory| vec![Sample { p99: Some(p99), memory: Some(memory), ..Sample::default() }];
        let samples = BTreeMap::from([(0, of(2.0, 50_000_000)), (1, of(3.0, 70_000_000))]);
        let there = Column { name: "There".to_owned(), samples, ..Column::default() };
        let mut results = Results { rows, columns: vec![there, Column::default()], ..Results::default() };
        let text = stalled(&results);
        assert!(text.ends_with("| There | 1.50 | 50 MB | 70 MB |\n\n"), "{text}");
        results.columns.remove(0);
        assert_eq!(stalled(&results), "");
    }

    #[test]
    fn the_large_log_is_told_with_its_size() {
        let it = LargeFootprint { filled: 100_000_000, read: 200_000_000, disk: 1.5, starts: vec![0.5, 9.0, 0.25] };
        let there = Column { name: "There".to_owned(), large: Some(it), ..Column::default() };
        let results = Results { columns: vec![there], large_streams: 1_000, ..Results::default() };
        let text = large(&results);
        assert!(text.contains("large log of 10,000 events of 256 bytes in 1,000 streams or tags of 10"), "{text}");
        assert!(text.ends_with("| There | 100 MB | 200 MB | 1.50 | 0.50 s |\n\n"), "{text}");
        assert_eq!(large(&Results::default()), "");
    }
}
