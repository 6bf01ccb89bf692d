//! The row of live delivery: one producer, many subscribers.
//!
//! Owns an open loop, unlike the other rows: the producer appends a single event every millisecond,
//! whether or not the last one is there yet. Each event carries the time of its append, so a latency
//! is the whole way: append, sync, delivery, decoding. Every subscriber has to get every event, once
//! and in order.

use std::time::Duration;

use bytes::Bytes;
use quipu_client::{AppendReceiver, Client, Expected, Message, NewEvent, SubscribeAll, Subscription};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout_at};

use super::Error;
use super::error::told;
use super::load::{Done, Measured, Span, gather};
use super::payload::{EVENT_TYPE, Lots, PAYLOAD_BYTES};

const PRODUCE_EVERY: Duration = Duration::from_millis(1);

/// The timer's own grain is not the server's latency; a start later than this counts as it was due.
const TIMER_GRAIN: Duration = Duration::from_millis(2);

/// How long the last events may take to arrive.
const GRACE: Duration = Duration::from_secs(15);

const PREFIX: &str = r#"{"at":""#;
const DIGITS: usize = 20;

/// Delivers a stream of 1,000 events a second to `subscribers`, spread over `clients`.
pub(super) async fn measure(
    producer: &Client,
    clients: &[Client],
    stream: &str,
    subscribers: usize,
    length: Duration,
) -> Result<Measured, Error> {
    let mut subscriptions = Vec::with_capacity(subscribers);
    for client in clients.iter().cycle().take(subscribers) {
        subscriptions.push(client.subscribe_all(SubscribeAll::new().from_end()).await?);
    }
    let (sender, receiver) = producer.append_session().await?.split();
    let origin = Instant::now();
    let span = Span::of(length);
    // How many events there are, as soon as it is known.
    let (tell_total, total) = watch::channel(None);
    let mut tasks = JoinSet::new();
    for subscription in subscriptions {
        let listening = Listening { stream: stream.to_owned(), origin, span, total: total.clone() };
        tasks.spawn(listening.run(subscription));
    }
    tasks.spawn(confirm(receiver, span.until + GRACE));

    let mut ticks = interval_at(origin + PRODUCE_EVERY, PRODUCE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let fill = Lots::new().text(PAYLOAD_BYTES);
    let mut sent = 0_u64;
    while Instant::now() < span.until {
        let due = ticks.tick().await;
        let now = Instant::now();
        let start = if now - due > TIMER_GRAIN { due } else { now };
        let event = NewEvent::new(EVENT_TYPE, stamped(start - origin, &fill));
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
            Ok(Some(Ok(Err(error)))) => measured.failed(1, told(&error)),
            Ok(Some(Err(error))) => measured.failed(1, told(&error)),
            Ok(None) => return measured,
            Err(_) => {
                measured.failed(1, "an append was not answered in time".to_owned());
                return measured;
            }
        }
    }
}

/// What a subscriber has to know.
#[derive(Debug)]
struct Listening {
    stream: String,
    origin: Instant,
    span: Span,
    total: watch::Receiver<Option<u64>>,
}

impl Listening {
    async fn run(mut self, mut subscription: Subscription) -> Measured {
        let mut measured = Measured::new();
        let mut received = 0_u64;
        let deadline = self.span.until + GRACE;
        let mut total = None;
        while total.is_none_or(|total| received < total) {
            let message = tokio::select! {
                biased;
                message = timeout_at(deadline, subscription.next()) => message,
                changed = self.total.changed(), if total.is_none() => {
                    // A producer that is gone without a word has failed, and says so itself.
                    total = if changed.is_ok() { *self.total.borrow() } else { Some(received) };
                    continue;
                }
            };
            match message {
                Ok(Ok(Message::Events(events))) => {
                    let now = self.origin.elapsed();
                    for event in events.iter().filter(|event| event.stream == self.stream) {
                        if event.revision != received {
                            measured.failed(1, format!("revision {} came instead of {received}", event.revision));
                        }
                        received = event.revision + 1;
                        self.count(&mut measured, now, &event.data);
                    }
                }
                Ok(Ok(_)) => {}
                Ok(Err(error)) => {
                    measured.failed(1, told(&error));
                    break;
                }
                Err(_) => {
                    let missing = total.unwrap_or(received + 1).saturating_sub(received);
                    measured.failed(missing, format!("{missing} events did not arrive in time"));
                    break;
                }
            }
        }
        measured
    }

    /// Counts an event that was appended within the span.
    fn count(&self, measured: &mut Measured, now: Duration, data: &Bytes) {
        let Some(start) = stamp_of(data) else { return measured.failed(1, "an event without its time".to_owned()) };
        if self.origin + start >= self.span.from && self.origin + start <= self.span.until {
            measured.done(now.saturating_sub(start), Done { count: 1, bytes: data.len() as u64 });
        }
    }
}

/// A payload that carries a time.
fn stamped(at: Duration, fill: &str) -> String {
    let mut payload = format!("{PREFIX}{:0DIGITS$}\",\"text\":\"", at.as_nanos());
    let rest = PAYLOAD_BYTES - payload.len() - 2;
    payload.push_str(&fill[..rest]);
    payload.push_str("\"}");
    payload
}

/// The time that a payload carries.
fn stamp_of(data: &[u8]) -> Option<Duration> {
    let digits = data.strip_prefix(PREFIX.as_bytes())?.get(..DIGITS)?;
    std::str::from_utf8(digits).ok()?.parse().ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_carries_its_time() {
        let fill = Lots::new().text(PAYLOAD_BYTES);
        for nanos in [0, 1, 5_000_000_000] {
            let payload = stamped(Duration::from_nanos(nanos), &fill);
            assert_eq!(payload.len(), PAYLOAD_BYTES);
            assert!(serde_json::from_str::<serde_json::Value>(&payload).is_ok(), "{payload}");
            assert_eq!(stamp_of(payload.as_bytes()), Some(Duration::from_nanos(nanos)));
        }
        assert_eq!(stamp_of(b"{}"), None);
    }
}
