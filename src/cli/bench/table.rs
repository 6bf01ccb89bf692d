//! The table of a bench.
//!
//! Owns its columns and how a row is laid out in them. Held against an earlier run, a figure has its ratio
//! beside it, as in `1204 ×0.98`.

use serde_json::{Map, Value};

/// How many columns there are.
pub(super) const COLUMNS: usize = 11;

/// The room that a ratio takes.
const RATIO_WIDTH: usize = " ×99.99".len() - 1;

struct Column {
    head: &'static str,
    width: usize,
    /// The name that its figure has in JSON, if it can be held against another.
    figure: Option<&'static str>,
}

const fn plain(head: &'static str, width: usize) -> Column {
    Column { head, width, figure: None }
}

const fn figure(head: &'static str, width: usize, name: &'static str) -> Column {
    Column { head, width, figure: Some(name) }
}

const LAYOUT: [Column; COLUMNS] = [
    plain("workload", 12),
    plain("in flight", 9),
    figure("per second", 10, "per_second"),
    plain("of", 7),
    figure("MB/s", 6, "mb_per_second"),
    figure("p50", 8, "p50_us"),
    figure("p99", 8, "p99_us"),
    figure("p999", 8, "p999_us"),
    plain("count", 9),
    plain("errors", 6),
    plain("of ceiling", 10),
];

/// The heads and the ruler below them.
pub(super) fn head(is_compared: bool) -> String {
    let heads = LAYOUT.map(|column| column.head.to_owned());
    let ruler = LAYOUT.map(|column| "-".repeat(width(&column, is_compared) + 2));
    format!("{}\n|{}|", laid_out(&heads, is_compared), ruler.join("|"))
}

/// A row, with the ratios of its figures if there is something to hold it against.
pub(super) fn line(cells: &[String; COLUMNS], ratios: Option<&Map<String, Value>>) -> String {
    let Some(ratios) = ratios else { return laid_out(cells, false) };
    let mut compared = cells.clone();
    for (cell, column) in compared.iter_mut().zip(&LAYOUT) {
        let Some(figure) = column.figure else { continue };
        let ratio = ratios.get(figure).and_then(Value::as_f64).map(|ratio| format!("×{ratio:.2}"));
        *cell = format!("{cell} {:>width$}", ratio.unwrap_or_default(), width = RATIO_WIDTH - 1);
    }
    laid_out(&compared, true)
}

fn width(column: &Column, is_compared: bool) -> usize {
    column.width + if is_compared && column.figure.is_some() { RATIO_WIDTH } else { 0 }
}

fn laid_out(cells: &[String; COLUMNS], is_compared: bool) -> String {
    let cell = |(cell, column): (&String, &Column)| {
        let width = width(column, is_compared);
        // Words to the left, numbers to the right.
        if ["workload", "of"].contains(&column.head) {
            format!(" {cell:<width$} ")
        } else {
            format!(" {cell:>width$} ")
        }
    };
    let cells: Vec<String> = cells.iter().zip(&LAYOUT).map(cell).collect();
    format!("|{}|", cells.join("|"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cells() -> [String; COLUMNS] {
        ["append", "16", "1204", "calls", "2.0", "100 µs", "12.3 ms", "12.3 ms", "20", "0", "0.50"].map(str::to_owned)
    }

    #[test]
    fn a_row_is_as_wide_as_its_ruler() {
        let ratios = json!({"per_second": 0.984, "p50_us": 12.0});
        for ratios in [None, ratios.as_object()] {
            let (head, line) = (head(ratios.is_some()), line(&cells(), ratios));
            let widths: Vec<usize> = head.lines().chain([line.as_str()]).map(|line| line.chars().count()).collect();
            assert!(widths.iter().all(|width| *width == widths[0]), "{head}\n{line}");
        }
    }

    #[test]
    fn ratios_stand_beside_their_figures() {
        let ratios = json!({"per_second": 0.984, "p50_us": 12.0});
        let line = line(&cells(), ratios.as_object());
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        assert_eq!((cells[3], cells[6]), ("1204  ×0.98", "100 µs ×12.00"));
        assert_eq!((cells[7], cells[9]), ("12.3 ms", "20"), "there is nothing to hold them against");
    }
}
