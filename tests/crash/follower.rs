//! A subscriber: what it is shown counts as told, for somebody may have acted on it.

use quipu_client::{Client, Message, RetryPolicy, SubscribeAll, Subscription};

use crate::events::{Found, found};
use crate::witness::is_gone;

/// Follows the log from behind a position until the server is gone; returns all that it was shown.
pub(crate) async fn follow(client: Client, seed: u64, after: u64) -> Vec<Found> {
    read(client, seed, after, |_| false).await
}

/// Reads the whole log as a new subscriber does.
pub(crate) async fn catch_up(client: Client, seed: u64) -> Vec<Found> {
    read(client, seed, 0, |message| matches!(message, Message::CaughtUp { .. })).await
}

async fn read(client: Client, seed: u64, after: u64, is_last: impl Fn(&Message) -> bool) -> Vec<Found> {
    let mut shown = Vec::new();
    let from = SubscribeAll::new().after_position(after).retry(RetryPolicy::none());
    let mut subscription: Subscription = match client.subscribe_all(from).await {
        Ok(subscription) => subscription,
        Err(error) if is_gone(&error) => return shown,
        Err(error) => panic!("no subscription after {after}: {error:?}"),
    };
    loop {
        match subscription.next().await {
            Ok(message) if is_last(&message) => return shown,
            Ok(Message::Events(events)) => shown.extend(events.iter().map(|event| found(seed, event))),
            Ok(_) => {}
            Err(error) if is_gone(&error) => return shown,
            Err(error) => panic!("the subscription ended in a way that no kill explains: {error:?}"),
        }
    }
}
