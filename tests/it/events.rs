//! Events to append, and what must hold of whatever comes back.

use std::collections::HashMap;

use quipu_client::{Appended, Client, Expected, NewEvent, ReadAll, ReadStream, RecordedEvent};
use uuid::Uuid;

/// An event that says which one it is.
pub(crate) fn event(number: u64) -> NewEvent {
    NewEvent::new("Counted", format!("{{\"number\":{number}}}"))
}

/// Events with these numbers.
pub(crate) fn events(numbers: std::ops::Range<u64>) -> Vec<NewEvent> {
    numbers.map(event).collect()
}

/// Appends events without a condition.
pub(crate) async fn append(client: &Client, stream: &str, events: Vec<NewEvent>) -> Appended {
    client.append(stream, Expected::Any, events).await.expect("appended")
}

/// How many appends of `spread` are under way at once: few, so that they fill many blocks and segments.
const UNDER_WAY: u64 = 4;

/// Appends so many events, one an append, spread over so many streams called `<prefix>-<n>`.
pub(crate) async fn spread(client: &Client, prefix: &str, streams: u64, count: u64) {
    let (sender, mut receiver) = client.append_session().await.expect("a session").split();
    for first in (0..count).step_by(usize::try_from(UNDER_WAY).expect("a small number")) {
        let numbers = first..count.min(first + UNDER_WAY);
        for number in numbers.clone() {
            let stream = format!("{prefix}-{}", number % streams);
            sender.send(&stream, Expected::Any, vec![event(number)]).await.expect("the session goes on");
        }
        for _ in numbers {
            let answer = receiver.next().await.expect("an answer").expect("the session goes on");
            answer.expect("appended");
        }
    }
}

/// The whole log.
pub(crate) async fn log(client: &Client) -> Vec<RecordedEvent> {
    client.read_all(ReadAll::new()).await.expect("a log").collect().await.expect("all of it")
}

/// A whole stream.
pub(crate) async fn stream(client: &Client, name: &str) -> Vec<RecordedEvent> {
    client.read_stream(ReadStream::new(name)).await.expect("a stream").collect().await.expect("all of it")
}

/// The head of the log.
pub(crate) async fn head(client: &Client) -> u64 {
    client.server_info().await.expect("the server tells").head
}

pub(crate) fn positions(events: &[RecordedEvent]) -> Vec<u64> {
    events.iter().map(|event| event.position).collect()
}

pub(crate) fn revisions(events: &[RecordedEvent]) -> Vec<u64> {
    events.iter().map(|event| event.revision).collect()
}

pub(crate) fn ids(events: &[RecordedEvent]) -> Vec<Uuid> {
    events.iter().map(|event| event.id).collect()
}

/// Asserts that a log has no gaps: not in positions, not in the revisions of any stream, not in time.
pub(crate) fn assert_dense(log: &[RecordedEvent]) {
    let mut next: HashMap<&str, u64> = HashMap::new();
    for (event, position) in log.iter().zip(1..) {
        assert_eq!(event.position, position, "positions have no gap");
        let revision = next.entry(&event.stream).or_default();
        assert_eq!(event.revision, *revision, "the revisions of {} have no gap", event.stream);
        *revision += 1;
    }
    assert!(log.is_sorted_by_key(|event| event.recorded_at), "time runs forwards");
}
