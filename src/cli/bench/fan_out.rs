//! The row of live delivery: one producer, many subscribers.
//!
//! Owns an open loop, unlike the other rows: the producer appends a single event every millisecond,
//! whether or not the last one is there yet. Each event carries the time of its append, so a latency
//! is the whole way: append, sync, delivery, decoding. The subscribers are in `listening.rs`.

use std::time::Duration;

use quipu_client::{AppendReceiver, Client, Expected, NewEvent};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout_at};

use super::Error;
use super::listening::{Listening, subscribe};
use super::load::{Measured, Span, gather};
use super::payload::{EVENT_TYPE, Lots, PAYLOAD_BYTES, stamped};
use super::schedule::TIMER_GRAIN;

const PRODUCE_EVERY: Duration = Duration::from_millis(1);

/// How long the last events may take to arrive.
const GRACE: Duration = Duration::from_secs(15);

/// Delivers a stream of 1,000 events a second to `subscribers`, spread over `clients`.
pub(super) async fn measure(
    producer: &Client,
    clients: &[Client],
    stream: &str,
    subscribers: usize,
    length: Duration,
) -> Result<Measured, Error> {
    let subscriptions = subscribe(clients, subscribers).await?;
    let (sender, receiver) = producer.append_session().await?.split();
    let origin = Instant::now();
    let span = Span::of(length);
    let (tell_total, total) = watch::channel(None);
    let listening = Listening { prefix: stream.to_owned(), origin, span, deadline: span.until + GRACE, total };
    let mut tasks = listening.spawn(subscriptions);
    tasks.spawn(confirm(receiver, span.until + GRACE));

    let mut ticks = interval_at(origin + PRODUCE_EVERY, PRODUCE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let fill = Lots::new().text(PAYLOAD_BYTES);
    let mut sent = 0_u64;
    while Instant::now() < span.until {
        let due = ticks.tick().await;
        let now = Instant::now();
        let start = if now - due > TIMER_GRAIN { due } else { now };
        let event = NewEvent::new(EVENT_TYPE, stamped(start - origin, PAYLOAD_BYTES, &fill));
        if sender.send(stream, Expected::Any, vec![event]).await.is_err() {
            break;
        }
        sent += 1;
    }
    drop(sender);
    tell_total.send_replace(Some(sent));
    let mut all = gather(tasks, Instant::now() + 2 * GRACE).await;
    all.elapsed = span.length();
    Ok(all)
}

/// Takes the producer's answers; only failures are of interest.
async fn confirm(mut answers: AppendReceiver, deadline: Instant) -> Measured {
    let mut measured = Measured::new();
    loop {
        match timeout_at(deadline, answers.next()).await {
            Ok(Some(Ok(Ok(_)))) => {}
            Ok(Some(Ok(Err(error)))) => measured.failed(1, error),
            Ok(Some(Err(error))) => measured.failed(1, error),
            Ok(None) => return measured,
            Err(_) => {
                measured.failed(1, "an append was not answered in time");
                return measured;
            }
        }
    }
}
