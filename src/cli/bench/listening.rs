//! Subscribers whose deliveries are measured.
//!
//! Owns [`Listening`], one subscriber. The payload of each event carries the time that its latency counts from. Every
//! subscriber has to get every event of the run, once and in order.

use std::time::Duration;

use bytes::Bytes;
use quipu_client::{Client, Message, SubscribeAll, Subscription};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::Error;
use super::load::{Done, Measured, Span};
use super::payload::stamp_of;

/// What a subscriber has to know.
#[derive(Clone, Debug)]
pub(super) struct Listening {
    /// What the names of the run's streams begin with.
    pub(super) prefix: String,
    /// What the times in payloads count from.
    pub(super) origin: Instant,
    /// Events whose time lies in it are measured.
    pub(super) span: Span,
    /// When the last event has to be there.
    pub(super) deadline: Instant,
    /// How many events there are, as soon as it is known.
    pub(super) total: watch::Receiver<Option<u64>>,
}

/// Subscribes so many times, spread over `clients`, to what comes from now on.
pub(super) async fn subscribe(clients: &[Client], subscribers: usize) -> Result<Vec<Subscription>, Error> {
    let mut subscriptions = Vec::with_capacity(subscribers);
    for client in clients.iter().cycle().take(subscribers) {
        subscriptions.push(client.subscribe_all(SubscribeAll::new().from_end()).await?);
    }
    Ok(subscriptions)
}

impl Listening {
    /// Has all of these listen.
    pub(super) fn spawn(self, subscriptions: Vec<Subscription>) -> JoinSet<Measured> {
        subscriptions.into_iter().map(|subscription| self.clone().run(subscription)).collect()
    }

    async fn run(mut self, mut subscription: Subscription) -> Measured {
        let mut measured = Measured::new();
        let (mut received, mut last_position) = (0_u64, 0);
        let mut total = None;
        while total.is_none_or(|total| received < total) {
            let message = tokio::select! {
                biased;
                message = timeout_at(self.deadline, subscription.next()) => message,
                changed = self.total.changed(), if total.is_none() => {
                    // A producer that is gone without a word has failed, and says so itself.
                    total = if changed.is_ok() { *self.total.borrow() } else { Some(received) };
                    continue;
                }
            };
            match message {
                Ok(Ok(Message::Events(events))) => {
                    let now = self.origin.elapsed();
                    for event in events.iter().filter(|event| event.stream.starts_with(&self.prefix)) {
                        if event.position <= last_position {
                            measured.failed(1, format!("position {} came after {last_position}", event.position));
                        }
                        last_position = event.position;
                        received += 1;
                        self.count(&mut measured, now, &event.data);
                    }
                }
                Ok(Ok(_)) => {}
                Ok(Err(error)) => {
                    measured.failed(1, error);
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
        let Some(start) = stamp_of(data) else { return measured.failed(1, "an event without its time") };
        if self.origin + start >= self.span.from && self.origin + start <= self.span.until {
            measured.done(now.saturating_sub(start), Done { count: 1, bytes: data.len() as u64 });
        }
    }
}
