//! The workload of a user's own, as it is typed.
//!
//! Owns the flags of `--mix` and what of them does not go together.

use std::ops::RangeInclusive;
use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::Error;
use super::mix::{Mix, Operation};
use super::payload::{PAYLOAD_BYTES, STAMPED_BYTES_MIN};
use super::sizes::Sizes;
use super::streams::Skew;

/// How many callers there are when nothing is said: of a closed loop, and of an open one, which needs enough to
/// begin calls in time.
const IN_FLIGHT_CLOSED: u64 = 16;
const IN_FLIGHT_OPEN: u64 = 1024;

/// A workload instead of the rows.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Workload")]
pub(super) struct WorkloadArgs {
    /// Run this mix of calls instead of the rows: append, read-stream, read-all (from a position drawn by lot), query
    /// (by a tag), each with its weight, such as append=8,read-stream=2.
    #[arg(long, value_name = "CALL=WEIGHT,..", conflicts_with_all = ["rows", "quick", "read_events"])]
    mix: Option<Mix>,
    /// Open loop: begin so many calls a second, whether or not answers come; latencies count from when a call was due.
    /// Without it, each caller begins its next call when the last one was answered.
    #[arg(long, value_name = "N", requires = "mix", value_parser = number(1..=10_000_000))]
    rate: Option<u64>,
    /// How many calls are under way at most: 16, with --rate 1024.
    #[arg(long, value_name = "N", requires = "mix", value_parser = number(1..=100_000))]
    in_flight: Option<u64>,
    /// How long the load runs before it is measured, in seconds.
    #[arg(long, value_name = "N", requires = "mix", default_value_t = 1, value_parser = number(0..=3600))]
    warm_up: u64,
    /// The size of payloads: N, or A..B for all sizes alike.
    #[arg(long, value_name = "BYTES", requires = "mix", default_value_t = Sizes::exactly(PAYLOAD_BYTES))]
    payload_bytes: Sizes,
    /// How many streams there are.
    #[arg(long, value_name = "N", requires = "mix", default_value_t = 1000, value_parser = number(1..=10_000_000))]
    streams: u64,
    /// Which streams come more often.
    #[arg(long, value_enum, requires = "mix", default_value_t)]
    skew: Skew,
    /// How many events an append has.
    #[arg(long, value_name = "N", requires = "mix", default_value_t = 1, value_parser = number(1..=10_000))]
    events_per_append: u64,
    /// How many tags an event has. The first is that of its stream, by which `query` reads.
    #[arg(long, value_name = "N", requires = "mix", default_value_t = 0, value_parser = number(0..=64))]
    tags: u64,
    /// What an append is on condition of. Where two calls meet on a stream, one is refused: that is counted, and no
    /// failure of the run.
    #[arg(long, value_enum, requires = "mix", default_value_t)]
    guard: GuardKind,
    /// The most events that a read returns.
    #[arg(long, value_name = "N", requires = "mix", default_value_t = 100, value_parser = number(1..=1_000_000))]
    page: u64,
    /// How many subscribers to all events there are. Deliveries count from when their append was due.
    #[arg(long, value_name = "N", requires = "mix", default_value_t = 0, value_parser = number(0..=10_000))]
    subscribers: u64,
}

fn number(range: RangeInclusive<u64>) -> RangedU64ValueParser<u64> {
    RangedU64ValueParser::new().range(range)
}

/// What appends are on condition of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum GuardKind {
    /// Nothing.
    #[default]
    None,
    /// The stream's last revision, as this run knows it.
    Revision,
    /// No event with the stream's tag after the last one that this run knows.
    Query,
}

impl GuardKind {
    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Revision => "revision",
            Self::Query => "query",
        }
    }
}

/// A workload that can be run.
#[derive(Clone, Debug)]
pub(super) struct Workload {
    pub(super) mix: Mix,
    pub(super) rate: Option<u64>,
    pub(super) in_flight: usize,
    pub(super) warm_up: Duration,
    pub(super) payload_bytes: Sizes,
    pub(super) streams: usize,
    pub(super) skew: Skew,
    pub(super) events_per_append: usize,
    pub(super) tags: usize,
    pub(super) guard: GuardKind,
    pub(super) page: u64,
    pub(super) subscribers: usize,
}

impl WorkloadArgs {
    /// What was asked for; none when the rows are wanted.
    pub(super) fn workload(&self) -> Result<Option<Workload>, Error> {
        let Some(mix) = self.mix else { return Ok(None) };
        let unfit = |why: &str| Err(Error::Unfit(why.to_owned()));
        if self.tags == 0 && (mix.has(Operation::Query) || self.guard == GuardKind::Query) {
            return unfit("a query is by the tag of a stream: give events one by --tags 1");
        }
        if self.guard != GuardKind::None && !mix.has(Operation::Append) {
            return unfit("--guard is on appends, and the mix has none");
        }
        if self.subscribers > 0 && !mix.has(Operation::Append) {
            return unfit("--subscribers wait for appends, and the mix has none");
        }
        if self.subscribers > 0 && self.payload_bytes.smallest() < STAMPED_BYTES_MIN {
            return unfit("with --subscribers, payloads carry a time and have at least 39 bytes");
        }
        let in_flight = if self.rate.is_some() { IN_FLIGHT_OPEN } else { IN_FLIGHT_CLOSED };
        Ok(Some(Workload {
            mix,
            rate: self.rate,
            in_flight: self.in_flight.unwrap_or(in_flight) as usize,
            warm_up: Duration::from_secs(self.warm_up),
            payload_bytes: self.payload_bytes,
            streams: self.streams as usize,
            skew: self.skew,
            events_per_append: self.events_per_append as usize,
            tags: self.tags as usize,
            guard: self.guard,
            page: self.page,
            subscribers: self.subscribers as usize,
        }))
    }
}

impl Workload {
    /// What the results are to be seen with.
    pub(super) fn facts(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("mix", json!(self.mix.to_string())),
            ("rate", self.rate.map_or(json!("closed loop"), |rate| json!(rate))),
            ("in_flight_max", json!(self.in_flight)),
            ("warm_up_seconds", json!(self.warm_up.as_secs())),
            ("payload_bytes", json!(self.payload_bytes.to_string())),
            ("streams", json!(self.streams)),
            ("skew", json!(self.skew.name())),
            ("events_per_append", json!(self.events_per_append)),
            ("tags", json!(self.tags)),
            ("guard", json!(self.guard.name())),
            ("page", json!(self.page)),
            ("subscribers", json!(self.subscribers)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::BenchArgs;
    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        bench: BenchArgs,
    }

    fn typed(arguments: &str) -> Result<Option<Workload>, String> {
        let arguments = std::iter::once("bench").chain(arguments.split_whitespace());
        let command = Command::try_parse_from(arguments).map_err(|error| error.to_string())?;
        command.bench.workload.workload().map_err(|error| error.to_string())
    }

    #[test]
    fn a_closed_loop_has_fewer_callers_than_an_open_one() {
        let in_flight = |arguments| typed(arguments).map(|workload| workload.map(|workload| workload.in_flight));
        assert_eq!(in_flight("--seconds 3"), Ok(None));
        assert_eq!(in_flight("--mix append"), Ok(Some(16)));
        assert_eq!(in_flight("--mix append --rate 50"), Ok(Some(1024)));
        assert_eq!(in_flight("--mix append --rate 50 --in-flight 3"), Ok(Some(3)));
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let cases = [
            ("--rate 50", "--mix"),
            ("--mix append --rows append", "--rows"),
            ("--mix query", "--tags"),
            ("--mix append --guard query", "--tags"),
            ("--mix read-all --guard revision", "--guard"),
            ("--mix read-all --subscribers 1", "--subscribers"),
            ("--mix append --payload-bytes 38 --subscribers 1", "39"),
            ("--mix append --payload-bytes 10", "11 bytes"),
            ("--mix appends", "no operation"),
            ("--mix append --rate 0", "--rate"),
        ];
        for (arguments, why) in cases {
            let refused = typed(arguments).expect_err(arguments);
            assert!(refused.contains(why), "{arguments}: {refused}");
        }
        assert_eq!(STAMPED_BYTES_MIN, 39);
        assert!(typed("--mix append,query --tags 1 --guard query --payload-bytes 39 --subscribers 1").is_ok());
    }
}
