//! Appending without waiting for each answer.
//!
//! Owns the two halves of a session: requests go in through a queue of limited length, answers come
//! out in the same order. There is no automatic retry: when a session breaks, appends without an
//! answer may or may not have gone in, and sending them again in a new session, with the same
//! ids, settles it. A session that ends with answers missing is a break, never a clean end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use crate::proto::append_session_response::Outcome;
use crate::{Appended, Client, Error, Expected, Guard, NewEvent, append, proto};

/// How many appends may wait to be put on the wire.
const QUEUE_LENGTH: usize = 256;

/// A session of pipelined appends; [`split`](Self::split) it to use it.
#[derive(Debug)]
pub struct AppendSession {
    sender: AppendSender,
    receiver: AppendReceiver,
}

/// Puts appends into a session. Dropping it ends the session once all answers are there.
#[derive(Debug)]
pub struct AppendSender {
    requests: mpsc::Sender<proto::AppendSessionRequest>,
    sent: Arc<AtomicU64>,
}

/// Takes the answers out of a session, in the order of sending.
#[derive(Debug)]
pub struct AppendReceiver {
    answers: Streaming<proto::AppendSessionResponse>,
    sent: Arc<AtomicU64>,
    answered: u64,
    ended: bool,
}

impl Client {
    /// Opens a session of pipelined appends. The opening is retried while the server is unavailable;
    /// the session is not.
    pub async fn append_session(&self) -> Result<AppendSession, Error> {
        self.retry(|| async {
            let (requests, queue) = mpsc::channel(QUEUE_LENGTH);
            let request = self.request(ReceiverStream::new(queue));
            let answers = self.events().append_session(request).await?.into_inner();
            let sent = Arc::new(AtomicU64::new(0));
            Ok(AppendSession {
                sender: AppendSender { requests, sent: Arc::clone(&sent) },
                receiver: AppendReceiver { answers, sent, answered: 0, ended: false },
            })
        })
        .await
    }
}

impl AppendSession {
    /// The two halves, to be used from two tasks. The queue is limited on both ends: a caller that
    /// only sends and never receives comes to a halt.
    #[must_use]
    pub fn split(self) -> (AppendSender, AppendReceiver) {
        (self.sender, self.receiver)
    }
}

impl AppendSender {
    /// Puts one append into the session; waits while the queue is full. [`Error::Ended`] when the
    /// session is over; the receiver has the cause.
    pub async fn send(&self, stream: &str, expected: Expected, events: Vec<NewEvent>) -> Result<(), Error> {
        self.send_guarded(stream, expected, events, Vec::new()).await
    }

    /// Puts one append into the session as [`send`](Self::send) does, to go in only if all guards hold.
    pub async fn send_guarded(
        &self,
        stream: &str,
        expected: Expected,
        events: Vec<NewEvent>,
        guards: Vec<Guard>,
    ) -> Result<(), Error> {
        let append = append::request(stream, expected, events, guards);
        let place = self.requests.reserve().await.map_err(|_| Error::Ended)?;
        // Counted before it goes, so that an answer never comes before its count.
        self.sent.fetch_add(1, Ordering::AcqRel);
        place.send(proto::AppendSessionRequest { append: Some(append) });
        Ok(())
    }
}

impl AppendReceiver {
    /// The next answer; none after a clean end.
    ///
    /// The outer error ends the session, with [`Error::Unavailable`] when it broke. The inner one is
    /// about one append, which changed nothing; the session goes on.
    pub async fn next(&mut self) -> Option<Result<Result<Appended, Error>, Error>> {
        if self.ended {
            return None;
        }
        let answer = match self.answers.message().await {
            Ok(Some(answer)) => outcome(answer),
            Ok(None) => {
                self.ended = true;
                return self.missing().map(Err);
            }
            Err(status) => Err(status.into()),
        };
        self.ended = answer.is_err();
        self.answered += 1;
        Some(answer)
    }

    /// The error of an end that comes too early.
    fn missing(&self) -> Option<Error> {
        let missing = self.sent.load(Ordering::Acquire).saturating_sub(self.answered);
        (missing > 0).then(|| Error::unavailable(format!("the session ended with {missing} appends unanswered")))
    }
}

/// What became of one append; the outer error is about the answer itself.
pub(crate) fn outcome(answer: proto::AppendSessionResponse) -> Result<Result<Appended, Error>, Error> {
    match answer.outcome {
        Some(Outcome::Appended(appended)) => Appended::try_from(appended).map(Ok),
        Some(Outcome::Failed(failure)) => Ok(Err(failure.into())),
        None => Err(Error::InvalidResponse("an append's outcome is missing".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_append_is_not_the_end_of_the_session() {
        let failure = proto::AppendFailure { code: 8, message: "full".to_owned(), ..Default::default() };
        let answer = proto::AppendSessionResponse { outcome: Some(Outcome::Failed(failure)) };
        let inner = outcome(answer).expect("the session goes on").expect_err("the append failed");
        assert_eq!(inner.code(), Some(tonic::Code::ResourceExhausted));
    }

    #[test]
    fn an_answer_without_outcome_ends_it() {
        let answer = proto::AppendSessionResponse { outcome: None };
        assert!(matches!(outcome(answer), Err(Error::InvalidResponse(_))));
    }
}
