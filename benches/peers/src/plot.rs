//! What was measured, as one picture.
//!
//! Owns an SVG of panels on white, three in a row, each for a kind of workload or two that was measured, with a bar for
//! each peer. Axes begin at zero and are labelled with their units; latencies, which differ by powers of ten, have a
//! logarithmic axis. Colours are told apart by most who see few of them.

use std::fmt::Write;

use crate::table::{Column, Results, grouped, in_digits, rows_of};
use crate::workload::{Kind, Row, Sample};

const WIDTH: f64 = 1200.0;
const PANEL_WIDTH: f64 = 380.0;
const PANEL_HEIGHT: f64 = 300.0;
const HEAD: f64 = 76.0;
const FOOT: f64 = 24.0;
const PANELS_ABREAST: usize = 3;

/// The plot area within a panel.
const LEFT: f64 = 62.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 46.0;

const COLOURS: [&str; 7] = ["#d55e00", "#f0b27a", "#0072b2", "#009e73", "#cc79a7", "#8c7853", "#b0b0b0"];

const DASH: &str = "–";

/// One of them.
struct Panel {
    kinds: &'static [Kind],
    title: &'static str,
    /// What the upright axis counts.
    unit: &'static str,
    /// What the words below the bars are.
    axis: &'static str,
    logarithmic: bool,
    value: fn(&Sample) -> Option<f64>,
}

fn per_second(sample: &Sample) -> Option<f64> {
    Some(sample.per_second)
}

fn p99(sample: &Sample) -> Option<f64> {
    sample.p99
}

const PANELS: [Panel; 9] = [
    Panel {
        kinds: &[Kind::Guarded],
        title: "Guarded durable append of one event",
        unit: "thousand events/s",
        axis: "appends in flight",
        logarithmic: false,
        value: per_second,
    },
    Panel {
        kinds: &[Kind::Pipelined],
        title: "Pipelined durable append of one event",
        unit: "thousand events/s",
        axis: "appends in flight",
        logarithmic: false,
        value: per_second,
    },
    Panel {
        kinds: &[Kind::Batch],
        title: "Durable append of many events, 16 clients",
        unit: "thousand events/s",
        axis: "events an append",
        logarithmic: false,
        value: per_second,
    },
    Panel {
        kinds: &[Kind::ReadLog],
        title: "Read of the whole log",
        unit: "thousand events/s",
        axis: "readers",
        logarithmic: false,
        value: per_second,
    },
    Panel {
        kinds: &[Kind::ReadStream],
        title: "Read of a stream of ten events",
        unit: "thousand reads/s",
        axis: "readers",
        logarithmic: false,
        value: per_second,
    },
    Panel {
        kinds: &[Kind::Live],
        title: "Append to live subscriber, p99, 5,000 events/s",
        unit: "milliseconds",
        axis: "subscribers",
        logarithmic: true,
        value: p99,
    },
    Panel {
        kinds: &[Kind::Fill, Kind::LargeLog],
        title: "Large log: fill, read of the whole",
        unit: "thousand events/s",
        axis: "clients that fill, reader",
        logarithmic: false,
        value: per_second,
    },
    Panel {
        kinds: &[Kind::Warm],
        title: "Large log: read of a stream of ten events, warm",
        unit: "thousand reads/s",
        axis: "readers",
        logarithmic: false,
        value: per_second,
    },
    Panel {
        kinds: &[Kind::Cold],
        title: "Large log: read of a stream of ten events, cold",
        unit: "thousand reads/s",
        axis: "readers",
        logarithmic: false,
        value: per_second,
    },
];

/// All of it.
pub(crate) fn svg(results: &Results) -> String {
    let panels: Vec<&Panel> = PANELS.iter().filter(|panel| panel.has_any_of(&results.rows)).collect();
    let height = HEAD + panels.len().div_ceil(PANELS_ABREAST) as f64 * PANEL_HEIGHT + FOOT;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"11\" fill=\"#222\">\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    let columns: Vec<(&Column, &str)> = results.columns.iter().zip(COLOURS.iter().copied().cycle()).collect();
    text(&mut svg, (20.0, 26.0), "font-size=\"17\" font-weight=\"bold\"", "Quipu beside its peers");
    let conditions =
        "medians of interleaved rounds on one machine; payloads of 256 bytes; – not offered or not measured";
    text(&mut svg, (230.0, 26.0), "fill=\"#555\"", conditions);
    let mut left = 20.0;
    for (column, colour) in &columns {
        let _ = writeln!(svg, "<rect x=\"{left:.0}\" y=\"42\" width=\"12\" height=\"12\" fill=\"{colour}\"/>");
        text(&mut svg, (left + 17.0, 52.0), "font-size=\"12\"", &column.name);
        left += 44.0 + 7.2 * column.name.len() as f64;
    }
    for (at, panel) in panels.into_iter().enumerate() {
        let (across, down) = ((at % PANELS_ABREAST) as f64, (at / PANELS_ABREAST) as f64);
        let origin = (10.0 + across * (PANEL_WIDTH + 15.0), HEAD + down * PANEL_HEIGHT);
        panel.draw(&mut svg, origin, results, &columns);
    }
    if results.large_streams > 0 {
        text(&mut svg, (20.0, height - 8.0), "fill=\"#555\"", &format!("Large log: {}", results.large_log()));
    }
    svg.push_str("</svg>\n");
    svg
}

impl Panel {
    fn has_any_of(&self, rows: &[Row]) -> bool {
        rows.iter().any(|row| self.kinds.contains(&row.kind))
    }

    fn draw(&self, svg: &mut String, (x, y): (f64, f64), results: &Results, columns: &[(&Column, &str)]) {
        let middle = x + LEFT + (PANEL_WIDTH - LEFT) / 2.0;
        text(svg, (middle, y + 16.0), "font-weight=\"bold\" font-size=\"12\" text-anchor=\"middle\"", self.title);
        let scale = if self.unit.starts_with("thousand") { 1e-3 } else { 1.0 };
        let value = |column: &Column, row| column.figure(row, self.value).map(|value| value * scale);
        let rows: Vec<(usize, &Row)> = self.kinds.iter().flat_map(|kind| rows_of(&results.rows, *kind)).collect();
        let all = rows.iter().flat_map(|(row, _)| columns.iter().filter_map(|(column, _)| value(column, *row)));
        let axis = Axis::over(all, self.logarithmic);
        let (foot, height) = (y + PANEL_HEIGHT - BOTTOM, PANEL_HEIGHT - TOP - BOTTOM);
        for tick in axis.ticks() {
            let at = foot - axis.part(tick) * height;
            let (left, right) = (x + LEFT, x + PANEL_WIDTH);
            let _ = writeln!(svg, "<path d=\"M{left:.1} {at:.1}H{right:.1}\" stroke=\"#ddd\"/>");
            text(svg, (x + LEFT - 5.0, at + 4.0), "text-anchor=\"end\"", &tick_label(tick));
        }
        let turn = (x + 14.0, y + TOP + height / 2.0);
        let turned = format!("text-anchor=\"middle\" transform=\"rotate(-90 {:.1} {:.1})\"", turn.0, turn.1);
        text(svg, turn, &turned, self.unit);
        text(svg, (middle, foot + 32.0), "text-anchor=\"middle\"", self.axis);
        let group = (PANEL_WIDTH - LEFT) / rows.len().max(1) as f64;
        let width = (group * 0.86 / columns.len().max(1) as f64).min(34.0);
        for (place, (row, about)) in rows.iter().enumerate() {
            let centre = x + LEFT + group * (place as f64 + 0.5);
            text(svg, (centre, foot + 16.0), "text-anchor=\"middle\"", &grouped(about.load as f64));
            let from = centre - width * columns.len() as f64 / 2.0;
            for (at, (column, colour)) in columns.iter().enumerate() {
                let left = from + at as f64 * width;
                let label = (left + width / 2.0, foot - 3.0);
                let Some(value) = value(column, *row) else {
                    text(svg, label, "text-anchor=\"middle\" fill=\"#888\"", DASH);
                    continue;
                };
                let tall = axis.part(value) * height;
                let (top, thick) = (foot - tall, width - 1.0);
                let about = format!("{}: {} {}", column.name, in_digits(value), self.unit);
                let _ = writeln!(
                    svg,
                    "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{thick:.1}\" height=\"{tall:.1}\" fill=\"{colour}\">\
                     <title>{about}</title></rect>"
                );
                if width >= 20.0 {
                    let style = "text-anchor=\"middle\" font-size=\"9\"";
                    text(svg, (left + width / 2.0, top - 3.0), style, &in_digits(value));
                }
            }
        }
        let _ = writeln!(svg, "<path d=\"M{:.1} {foot:.1}H{:.1}\" stroke=\"#222\"/>", x + LEFT, x + PANEL_WIDTH);
    }
}

/// An upright axis.
struct Axis {
    from: f64,
    until: f64,
    logarithmic: bool,
}

impl Axis {
    /// With room for all of these values.
    fn over(values: impl Iterator<Item = f64>, logarithmic: bool) -> Self {
        let (low, high) = values.fold((f64::MAX, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        if high <= 0.0 {
            return Self { from: 0.0, until: 1.0, logarithmic: false };
        }
        if logarithmic {
            let whole = |value: f64| 10.0_f64.powf(value);
            return Self { from: whole(low.log10().floor()), until: whole((high * 1.01).log10().ceil()), logarithmic };
        }
        let step = step_of(high);
        Self { from: 0.0, until: (high * 1.08 / step).ceil() * step, logarithmic }
    }

    /// How far up a value is, from 0 to 1.
    fn part(&self, value: f64) -> f64 {
        let part = if self.logarithmic {
            (value / self.from).log10() / (self.until / self.from).log10()
        } else {
            (value - self.from) / (self.until - self.from)
        };
        part.clamp(0.0, 1.0)
    }

    fn ticks(&self) -> Vec<f64> {
        let mut ticks = vec![self.from];
        let step = step_of(self.until);
        while let Some(&last) = ticks.last() {
            let next = if self.logarithmic { last * 10.0 } else { last + step };
            if next > self.until * 1.001 {
                break;
            }
            ticks.push(next);
        }
        ticks
    }
}

/// A round step that divides the axis into four to ten.
fn step_of(high: f64) -> f64 {
    let power = 10.0_f64.powf(high.log10().floor());
    match high / power {
        part if part < 2.0 => power * 0.2,
        part if part < 5.0 => power * 0.5,
        _ => power,
    }
}

/// Ticks are sums, so that 0.6 may be a little more.
fn tick_label(tick: f64) -> String {
    let tick = (tick * 1e6).round() / 1e6;
    if tick < 10.0 && tick.fract() > 0.0 { tick.to_string() } else { grouped(tick) }
}

fn text(svg: &mut String, (x, y): (f64, f64), style: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" {style}>{words}</text>");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn an_axis_has_round_ticks_and_room_above() {
        let axis = Axis::over([31.6, 95.6].into_iter(), false);
        assert_eq!(axis.ticks().first(), Some(&0.0));
        assert!(axis.until > 95.6 && axis.ticks().len() >= 4 && axis.ticks().len() <= 12);
        assert!((axis.part(axis.until) - 1.0).abs() < 1e-9);
        assert_eq!(
            Axis::over([0.9].into_iter(), false).ticks().into_iter().map(tick_label).nth(3).as_deref(),
            Some("0.6")
        );
        let decades = Axis::over([0.4, 250.0].into_iter(), true).ticks();
        assert_eq!(decades.len(), 5, "{decades:?}");
    }

    #[test]
    fn a_panel_is_there_if_one_of_its_rows_is() {
        let panels = |kinds: &[Kind]| {
            let rows: Vec<Row> = kinds.iter().map(|&kind| Row { kind, load: 1 }).collect();
            PANELS.iter().filter(|panel| panel.has_any_of(&rows)).count()
        };
        assert_eq!(panels(&[Kind::Stalled]), 0);
        assert_eq!(panels(&[Kind::Fill, Kind::LargeLog, Kind::Cold]), 2);
    }

    #[test]
    fn what_is_not_there_is_a_dash() {
        let rows = vec![Row { kind: Kind::Guarded, load: 1 }];
        let sample = Sample { per_second: 2_000.0, ..Sample::default() };
        let there =
            Column { name: "There".to_owned(), samples: BTreeMap::from([(0, vec![sample])]), ..Column::default() };
        let results = Results { rows, columns: vec![there, Column::default()], ..Results::default() };
        let svg = svg(&results);
        assert!(svg.contains("<title>There: 2.00 thousand events/s</title>"));
        assert_eq!(svg.matches(&format!(">{DASH}</text>")).count(), 1);
    }
}
