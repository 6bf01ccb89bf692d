//! A workload from its first stream to its last row.
//!
//! Owns the order: streams are made if anything is read, subscribers come, then the load, then what became of it.
//! The calls are in `calls.rs`, their loop in `drive.rs`, their times in `schedule.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use quipu_client::Client;
use tokio::sync::watch;
use tokio::time::Instant;

use super::super::progress::Progress;
use super::Error;
use super::calls::{Load, MixCaller};
use super::drive::{ANSWER_TIMEOUT, drive};
use super::listening::{Listening, subscribe};
use super::live;
use super::load::{Measured, Span, gather};
use super::mix::Operation;
use super::payload::Payloads;
use super::prepare::make_streams;
use super::report::{Report, Row};
use super::schedule::Schedule;
use super::streams::Streams;
use super::tally::Tally;
use super::workload::{GuardKind, Workload};

/// How long the last events may take to arrive after the last answer.
const GRACE: Duration = Duration::from_secs(15);

/// Runs a workload against streams whose names begin with `prefix`, and prints its rows.
pub(super) async fn measure(
    clients: &[Client],
    prefix: String,
    workload: Workload,
    length: Duration,
    report: &mut Report,
) -> Result<(), Error> {
    let streams = Streams::new(prefix.clone(), workload.streams, workload.skew);
    let payloads = Payloads::new(workload.payload_bytes);
    let load = Load { workload, streams, payloads, origin: Instant::now(), accepted: AtomicU64::new(0) };
    let load = Arc::new(load);
    let workload = &load.workload;
    if workload.mix.reads() {
        make_streams(clients, &load).await?;
    }
    load.streams.learn_head(clients[0].server_info().await?.head);
    let subscriptions = subscribe(clients, workload.subscribers).await?;

    let span = Span::after(workload.warm_up, length);
    let (tell_total, total) = watch::channel(None);
    let deadline = span.until + ANSWER_TIMEOUT + GRACE;
    let listening = Listening { prefix, origin: load.origin, span, deadline, total }.spawn(subscriptions);
    let (schedule, tally) = (Arc::new(Schedule::new(span, workload.rate)), Arc::new(Tally::new()));
    let caller = |client: &Client| MixCaller::new(client.clone(), load.clone());
    let callers = clients.iter().cycle().take(workload.in_flight).map(caller).collect();
    let progress = Progress::line();
    tokio::select! {
        () = drive(callers, &schedule, &tally) => {}
        never = live::watch(&tally, &progress) => match never {},
    }
    progress.finish();
    tell_total.send_replace(Some(load.accepted.load(Ordering::Relaxed)));

    print_calls(workload, span, &tally, report)?;
    if workload.subscribers > 0 {
        let mut measured = gather(listening, deadline + GRACE).await;
        measured.elapsed = span.length();
        report.row(&Row::of("delivery", workload.subscribers, "events", measured))?;
    }
    schedule.outcome().map_or(Ok(()), |outcome| report.open_loop(outcome))
}

/// A row for each operation, and one for all of them where there are several.
fn print_calls(workload: &Workload, span: Span, tally: &Tally, report: &mut Report) -> Result<(), Error> {
    let operations: Vec<Operation> = workload.mix.operations().collect();
    let mut all = Measured::new();
    all.elapsed = span.length();
    for operation in &operations {
        let mut measured = tally.of(*operation);
        measured.elapsed = span.length();
        all.add(&measured);
        let conflicts_expected = *operation == Operation::Append && workload.guard != GuardKind::None;
        let row = Row::of(operation.name(), workload.in_flight, "calls", measured);
        report.row(&Row { conflicts_expected, ..row })?;
    }
    if operations.len() > 1 {
        report.figures(&Row::of("all calls", workload.in_flight, "calls", all))?;
    }
    Ok(())
}
