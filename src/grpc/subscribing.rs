//! Subscriptions: what the store says, as messages.

use bytes::Bytes;
use futures_util::stream;
use tonic::Status;

use super::status::status;
use super::{Doors, Responses, convert};
use crate::clock::Clock;
use crate::log::StoredEvent;
use crate::metrics::{Metrics, SubscriptionGuard};
use crate::proto::{
    CaughtUp, Checkpoint, FellBehind, Heartbeat, SubscribeAllResponse, SubscribeStreamResponse,
    subscribe_all_response as all, subscribe_stream_response as one,
};
use crate::store::{Message, Subscription};

use std::sync::Arc;

/// A message of either subscription.
pub(super) trait FromMessage: Sized + Send + 'static {
    fn events(events: Vec<Bytes>) -> Self;
    fn signal(signal: Signal) -> Self;
}

/// Anything but events.
pub(super) enum Signal {
    CaughtUp(CaughtUp),
    FellBehind(FellBehind),
    Checkpoint(Checkpoint),
    Heartbeat(Heartbeat),
}

struct Following {
    subscription: Subscription,
    metrics: Arc<Metrics>,
    clock: Clock,
    _counted: SubscriptionGuard,
    is_over: bool,
}

impl Doors {
    /// The responses of a subscription.
    pub(super) fn follow<T: FromMessage>(&self, subscription: Subscription) -> Responses<T> {
        let following = Following {
            subscription,
            metrics: self.metrics.clone(),
            clock: self.tenants.options().clock.clone(),
            _counted: self.metrics.subscribed(),
            is_over: false,
        };
        Box::pin(stream::unfold(following, |mut following| async move {
            let message = following.next().await?;
            Some((message, following))
        }))
    }
}

impl Following {
    async fn next<T: FromMessage>(&mut self) -> Option<Result<T, Status>> {
        if self.is_over {
            return None;
        }
        Some(match self.subscription.next().await {
            Ok(message) => Ok(self.message(message)),
            Err(error) => {
                self.is_over = true;
                Err(status(&error))
            }
        })
    }

    fn message<T: FromMessage>(&self, message: Message) -> T {
        T::signal(match message {
            Message::Events(events) => {
                self.metrics.delivered(events.len());
                return T::events(events.into_iter().map(StoredEvent::into_bytes).collect());
            }
            Message::CaughtUp(position) => Signal::CaughtUp(CaughtUp { position: position.0 }),
            Message::FellBehind { position, head } => {
                Signal::FellBehind(FellBehind { position: position.0, head: head.0 })
            }
            Message::Checkpoint(position) => Signal::Checkpoint(Checkpoint { position: position.0 }),
            Message::Heartbeat(position) => {
                let time = Some(convert::time(self.clock.now()));
                Signal::Heartbeat(Heartbeat { position: position.0, time })
            }
        })
    }
}

impl FromMessage for SubscribeAllResponse {
    fn events(events: Vec<Bytes>) -> Self {
        Self { events, signal: None }
    }

    fn signal(signal: Signal) -> Self {
        let signal = match signal {
            Signal::CaughtUp(signal) => all::Signal::CaughtUp(signal),
            Signal::FellBehind(signal) => all::Signal::FellBehind(signal),
            Signal::Checkpoint(signal) => all::Signal::Checkpoint(signal),
            Signal::Heartbeat(signal) => all::Signal::Heartbeat(signal),
        };
        Self { events: Vec::new(), signal: Some(signal) }
    }
}

impl FromMessage for SubscribeStreamResponse {
    fn events(events: Vec<Bytes>) -> Self {
        Self { events, signal: None }
    }

    fn signal(signal: Signal) -> Self {
        let signal = match signal {
            Signal::CaughtUp(signal) => Some(one::Signal::CaughtUp(signal)),
            Signal::FellBehind(signal) => Some(one::Signal::FellBehind(signal)),
            Signal::Heartbeat(signal) => Some(one::Signal::Heartbeat(signal)),
            // Places to resume from are revisions here: only events are.
            Signal::Checkpoint(_) => None,
        };
        Self { events: Vec::new(), signal }
    }
}
