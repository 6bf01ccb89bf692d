//! `quipu stats`: how many events there are of which type, category and day.

use quipu_client::{NamedCount, Statistics};
use serde_json::{Value, json};

use super::columns::without_controls;
use super::connection::PrintArgs;
use super::{ConnectionArgs, Error};

/// The arguments of `stats`.
#[derive(Debug, clap::Args)]
pub struct StatsArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    print: PrintArgs,
}

/// Tells the counts of the log.
pub(super) async fn run(args: StatsArgs) -> Result<(), Error> {
    let counted = args.connection.connect().await?.statistics().await;
    let counted = counted.map_err(Error::call("cannot ask for the counts"))?;
    let mut output = args.print.output();
    output.print(&value(&counted), || text(&counted))?;
    output.flush()
}

fn value(counted: &Statistics) -> Value {
    let named = |counts: &[NamedCount]| -> Vec<Value> {
        counts.iter().map(|count| json!({"name": count.name, "events": count.events})).collect()
    };
    let days = counted.days.iter().map(|count| json!({"day": count.day.to_string(), "events": count.events}));
    json!({
        "events": counted.events,
        "streams": counted.streams,
        "types": named(&counted.types),
        "events_of_other_types": counted.events_of_other_types,
        "categories": named(&counted.categories),
        "events_of_other_categories": counted.events_of_other_categories,
        "days": days.collect::<Vec<_>>(),
    })
}

/// The counts below each other, each table with a heading.
fn text(counted: &Statistics) -> String {
    let width = counted.events.to_string().len().max("events".len());
    let line = |count: &str, name: &str| format!("{count:>width$}  {}", without_controls(name));
    let mut lines = vec![format!("{} events in {} streams", counted.events, counted.streams)];
    let mut table = |heading: &str, counts: Vec<(u64, String)>| {
        if !counts.is_empty() {
            lines.extend([String::new(), line("events", heading)]);
            lines.extend(counts.iter().map(|(events, name)| line(&events.to_string(), name)));
        }
    };
    table("type", rows(&counted.types, counted.events_of_other_types));
    table("category", rows(&counted.categories, counted.events_of_other_categories));
    table("day", counted.days.iter().map(|count| (count.events, count.day.to_string())).collect());
    lines.join("\n")
}

fn rows(counts: &[NamedCount], others: u64) -> Vec<(u64, String)> {
    let named = counts.iter().map(|count| (count.events, count.name.clone()));
    named.chain((others > 0).then(|| (others, "(others)".to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use quipu_client::DailyCount;

    use super::*;

    fn sample() -> Statistics {
        let count = |name: &str, events| NamedCount { name: name.to_owned(), events };
        Statistics {
            events: 12,
            streams: 3,
            types: vec![count("SeatTaken", 9), count("Odd\u{1b}", 2)],
            categories: Vec::new(),
            days: vec![DailyCount { day: "2026-11-21".parse().expect("a day"), events: 12 }],
            events_of_other_types: 1,
            events_of_other_categories: 0,
        }
    }

    #[test]
    fn people_see_tables() {
        let expected = "12 events in 3 streams\n\nevents  type\n     9  SeatTaken\n     2  Odd \n     1  (others)\n\n\
                        events  day\n    12  2026-11-21";
        assert_eq!(text(&sample()), expected);
        assert_eq!(text(&Statistics::default()), "0 events in 0 streams");
    }

    #[test]
    fn programs_see_every_count() {
        let value = value(&sample());
        assert_eq!(value["types"][0], json!({"name": "SeatTaken", "events": 9}));
        assert_eq!(value["days"], json!([{"day": "2026-11-21", "events": 12}]));
        assert_eq!((&value["categories"], &value["events_of_other_types"]), (&json!([]), &json!(1)));
    }
}
