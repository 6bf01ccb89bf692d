//! The workloads: what is asked of every peer.
//!
//! Owns [`Row`], one line of the table, and [`Sample`], what it gave. How a row is measured is in `lab.rs`.

/// Clients that append batches.
pub(crate) const BATCH_CLIENTS: usize = 16;

/// Events of a stream that is read.
pub(crate) const STREAM_EVENTS: usize = 10;

/// Events that are offered to subscribers each millisecond.
pub(crate) const LIVE_EVENTS_PER_MILLISECOND: usize = 5;

/// Subscribers that are live while single appends are measured.
pub(crate) const WATCHERS: usize = 700;

/// Appends offered meanwhile each second.
pub(crate) const WATCHED_APPENDS_PER_SECOND: u32 = 100;

/// Clients that fill the large log.
pub(crate) const FILL_CLIENTS: usize = 16;

/// A kind of workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Kind {
    /// Appends of single events, guarded.
    Guarded,
    /// Appends of single events, as the client does it best.
    Pipelined,
    /// Appends of several events.
    Batch,
    /// One read of the whole log.
    ReadLog,
    /// Reads of one short stream.
    ReadStream,
    /// From the append to the subscriber.
    Live,
    /// Appends of single events while many subscribe, and some of these never read on.
    Stalled,
    /// Appends that make the large log.
    Fill,
    /// One read of the whole large log.
    LargeLog,
    /// Reads of one short stream of the large log, all of which was read just before.
    Warm,
    /// The same from a server that has just started, with nothing of its files in the page cache.
    Cold,
}

impl Kind {
    /// Whether it is done with the large log, after the rounds.
    pub(crate) fn is_large(self) -> bool {
        matches!(self, Self::Fill | Self::LargeLog | Self::Warm | Self::Cold)
    }

    /// Whether all are offered the same number of events, so that they differ in how late these are done with.
    pub(crate) fn is_offered(self) -> bool {
        matches!(self, Self::Live | Self::Stalled)
    }
}

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// What is done.
    pub(crate) kind: Kind,
    /// Calls in flight, events of an append, readers, subscribers, or those of them who stall.
    pub(crate) load: usize,
}

/// All lines, in their order.
pub(crate) fn rows() -> Vec<Row> {
    let of = |kind, loads: &[usize]| loads.iter().map(move |&load| Row { kind, load }).collect::<Vec<_>>();
    [
        of(Kind::Guarded, &[1, 16, 64, 256]),
        of(Kind::Pipelined, &[256]),
        of(Kind::Batch, &[10, 100, 1_000]),
        of(Kind::ReadLog, &[1]),
        of(Kind::ReadStream, &[1, 64]),
        of(Kind::Live, &[1, 100]),
        of(Kind::Stalled, &[0, 300]),
        of(Kind::Fill, &[FILL_CLIENTS]),
        of(Kind::LargeLog, &[1]),
        of(Kind::Warm, &[1, 64]),
        of(Kind::Cold, &[1, 64]),
    ]
    .concat()
}

impl Row {
    /// What it says at its left.
    pub(crate) fn label(self) -> String {
        match (self.kind, self.load) {
            (Kind::Guarded, load) => format!("guarded append, {load} in flight"),
            (Kind::Pipelined, load) => format!("pipelined append, {load} in flight"),
            (Kind::Batch, load) => format!("{BATCH_CLIENTS} clients × {load} events an append"),
            (Kind::ReadLog, _) => "whole log, 1 reader".to_owned(),
            (Kind::ReadStream, load) => format!("stream of {STREAM_EVENTS} events, {}", many(load, "reader")),
            (Kind::Live, load) => {
                let offered = 1_000 * LIVE_EVENTS_PER_MILLISECOND;
                format!("live, {offered} events/s offered, {}", many(load, "subscriber"))
            }
            (Kind::Stalled, 0) => format!("append, {WATCHERS} live subscribers"),
            (Kind::Stalled, load) => format!("append, {WATCHERS} live and {load} stalled subscribers"),
            (Kind::Fill, load) => format!("large log: fill by {load} clients"),
            (Kind::LargeLog, _) => "large log: whole, 1 reader".to_owned(),
            (Kind::Warm, load) => {
                format!("large log: stream of {STREAM_EVENTS} events, {}, warm", many(load, "reader"))
            }
            (Kind::Cold, load) => {
                format!("large log: stream of {STREAM_EVENTS} events, {}, cold", many(load, "reader"))
            }
        }
    }

    /// What is counted.
    pub(crate) fn unit(self) -> &'static str {
        match self.kind {
            Kind::Guarded | Kind::Pipelined | Kind::Batch | Kind::ReadLog => "events",
            Kind::Stalled | Kind::Fill | Kind::LargeLog => "events",
            Kind::ReadStream | Kind::Warm | Kind::Cold => "reads",
            Kind::Live => "deliveries",
        }
    }
}

fn many(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// What a row gave in one round.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample {
    /// Of the row's unit.
    pub(crate) per_second: f64,
    /// In milliseconds; none where there is no single call.
    pub(crate) p50: Option<f64>,
    /// Likewise.
    pub(crate) p99: Option<f64>,
    /// Processor seconds of the server for 100,000 events.
    pub(crate) cpu: f64,
    /// The part of all processors that others took meanwhile, kernel threads among them.
    pub(crate) others: f64,
    /// How many events were read, of the row that reads all.
    pub(crate) events: Option<u64>,
    /// Resident bytes of the server while all were subscribed, of the rows that compare that.
    pub(crate) memory: Option<u64>,
}
