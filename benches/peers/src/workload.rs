//! The workloads: what is asked of every peer.
//!
//! Owns [`Row`], one line of the table, and [`Sample`], what it gave. How a row is measured is in `lab.rs`.

/// Clients that append batches.
pub(crate) const BATCH_CLIENTS: usize = 16;

/// Events of a stream that is read.
pub(crate) const STREAM_EVENTS: usize = 10;

/// Events that are offered to subscribers each millisecond.
pub(crate) const LIVE_EVENTS_PER_MILLISECOND: usize = 5;

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
}

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// What is done.
    pub(crate) kind: Kind,
    /// Calls in flight, events of an append, readers or subscribers.
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
            (Kind::ReadStream, 1) => format!("stream of {STREAM_EVENTS} events, 1 reader"),
            (Kind::ReadStream, load) => format!("stream of {STREAM_EVENTS} events, {load} readers"),
            (Kind::Live, load) => {
                let plural = if load == 1 { "" } else { "s" };
                format!("live, {} events/s offered, {load} subscriber{plural}", 1_000 * LIVE_EVENTS_PER_MILLISECOND)
            }
        }
    }

    /// What is counted.
    pub(crate) fn unit(self) -> &'static str {
        match self.kind {
            Kind::Guarded | Kind::Pipelined | Kind::Batch | Kind::ReadLog => "events",
            Kind::ReadStream => "reads",
            Kind::Live => "deliveries",
        }
    }
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
}
