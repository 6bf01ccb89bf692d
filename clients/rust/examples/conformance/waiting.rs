//! Waiting for what must come.
//!
//! Owns [`eventually`], for conditions that nobody tells of, and small ways to make events.

use std::time::Duration;

use quipu_client::{Client, Error, Expected, NewEvent};
use tokio::time::{self, Instant};

/// How long a condition may take to come true.
const PATIENCE: Duration = Duration::from_secs(20);

/// Asks again and again until the answer is there; fails when that takes too long.
pub(crate) async fn eventually<T, F, Fut>(what: &str, mut ask: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + PATIENCE;
    let mut pause = time::interval(Duration::from_millis(5));
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "not in time: {what}");
        pause.tick().await;
    }
}

/// An event that carries a number.
pub(crate) fn numbered(event_type: &str, number: u64) -> NewEvent {
    NewEvent::new(event_type, format!("{{\"number\":{number}}}"))
}

/// Appends so many numbered events to a stream at once, numbered from 0.
pub(crate) async fn fill(client: &Client, stream: &str, count: u64) -> Result<u64, Error> {
    let events = (0..count).map(|number| numbered("Counted", number)).collect();
    Ok(client.append(stream, Expected::Any, events).await?.last_position)
}
