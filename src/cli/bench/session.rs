//! The row of pipelined appends.
//!
//! Owns the measuring of one append session: single events, a fixed number of them under way. One
//! task sends and one takes the answers, which come in the order of sending, so a queue of starting
//! times between the two is all that ties them together. Its length is the number in flight.

use std::time::Duration;

use quipu_client::{AppendReceiver, AppendSender, Client, Expected};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::Error;
use super::load::{Done, Measured, Span};
use super::payload::{PAYLOAD_BYTES, Proposer};

/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Appends single events for a while, `in_flight` at a time, to as many streams in turn.
pub(super) async fn measure(
    client: &Client,
    name: &str,
    in_flight: usize,
    length: Duration,
) -> Result<Measured, Error> {
    let (sender, receiver) = client.append_session().await?.split();
    let span = Span::of(length);
    let (starts, started) = mpsc::channel(in_flight.max(1));
    let streams = (0..in_flight).map(|stream| format!("{name}-{stream}")).collect();
    let sending = tokio::spawn(send(sender, streams, starts, span));
    let mut measured = receive(receiver, started, span).await;
    if sending.await.is_err() {
        measured.failed(1, "the sender panicked");
    }
    measured.elapsed = span.length();
    Ok(measured)
}

async fn send(sender: AppendSender, streams: Vec<String>, starts: mpsc::Sender<Instant>, span: Span) {
    let mut proposer = Proposer::new();
    for stream in streams.iter().cycle() {
        let event = proposer.event();
        // The queue's place is the permission to send; the receiver knows why when this ends early.
        let Ok(place) = starts.reserve().await else { return };
        let start = Instant::now();
        if start >= span.until || sender.send(stream, Expected::Any, vec![event]).await.is_err() {
            return;
        }
        place.send(start);
    }
}

async fn receive(mut answers: AppendReceiver, mut started: mpsc::Receiver<Instant>, span: Span) -> Measured {
    let mut measured = Measured::new();
    loop {
        // The answer first: its start leaves the queue only then, and so keeps its place in flight.
        let answer = match timeout(ANSWER_TIMEOUT, answers.next()).await {
            Ok(Some(Ok(answer))) => answer,
            Ok(None) => return measured,
            Ok(Some(Err(error))) => {
                measured.failed(1 + started.len() as u64, error);
                return measured;
            }
            Err(_) => {
                measured.failed(1, "no answer in time");
                return measured;
            }
        };
        let end = Instant::now();
        let Some(start) = started.recv().await else { return measured };
        match answer {
            Ok(_) if end >= span.from && end <= span.until => {
                measured.done(end - start, Done { count: 1, bytes: PAYLOAD_BYTES as u64 });
            }
            Ok(_) => {}
            Err(error) => measured.failed(1, error),
        }
    }
}
