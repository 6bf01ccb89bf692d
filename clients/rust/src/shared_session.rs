//! One session that the appends of a client share.
//!
//! Owns [`SharedSession`]. A call of its own costs an append a stream of HTTP/2, with headers there and back; in
//! a session it is one message each way, and messages of appends that run side by side travel together. Callers
//! notice nothing of it: each has the answer to its own append, and an append without an answer fails as a call
//! would whose connection broke. The session begins with the first append, and anew after it has ended.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use crate::session::outcome;
use crate::{Appended, Client, Error, proto};

/// How many appends may be without an answer; others wait for their turn.
const IN_FLIGHT_MAX: usize = 1024;

type Answer = Result<Appended, Error>;

/// The session of a client, if it has begun.
#[derive(Debug, Default)]
pub(crate) struct SharedSession(Mutex<Option<Open>>);

/// The sending end of a session that has begun.
#[derive(Clone, Debug)]
struct Open {
    requests: mpsc::Sender<proto::AppendSessionRequest>,
    unanswered: Arc<Unanswered>,
}

/// The appends that wait for an answer, in the order of sending.
#[derive(Debug)]
struct Unanswered {
    places: Arc<Semaphore>,
    queue: Mutex<VecDeque<Waiting>>,
}

/// One append that waits for its answer; it keeps its place even when nobody listens any more.
#[derive(Debug)]
struct Waiting {
    answer: oneshot::Sender<Answer>,
    _place: OwnedSemaphorePermit,
}

/// The receiving end. When it goes, the session is over for everybody.
#[derive(Debug)]
struct Receiving(Arc<Unanswered>);

impl SharedSession {
    /// Sends an append and waits for its answer.
    pub(crate) async fn append(&self, client: &Client, append: proto::AppendRequest) -> Answer {
        let open = self.open(client);
        let place = Arc::clone(&open.unanswered.places).acquire_owned().await.map_err(|_| ended())?;
        let (answer, answered) = oneshot::channel();
        open.send(append, Waiting { answer, _place: place })?;
        answered.await.map_err(|_| ended())?
    }

    /// The session, begun anew if it is over. Appends may be sent at once, also before the server is reached.
    fn open(&self, client: &Client) -> Open {
        let mut current = lock(&self.0);
        if let Some(open) = current.as_ref().filter(|open| !open.unanswered.places.is_closed()) {
            return open.clone();
        }
        let (requests, queue) = mpsc::channel(IN_FLIGHT_MAX);
        let places = Arc::new(Semaphore::new(IN_FLIGHT_MAX));
        let unanswered = Arc::new(Unanswered { places, queue: Mutex::default() });
        let receiving = Receiving(Arc::clone(&unanswered));
        let (mut api, request) = (client.events(), client.request(ReceiverStream::new(queue)));
        tokio::spawn(async move {
            match api.append_session(request).await {
                Ok(answers) => receiving.answer(answers.into_inner()).await,
                Err(status) => receiving.refuse(&status),
            }
        });
        current.insert(Open { requests, unanswered }).clone()
    }
}

impl Open {
    /// Puts an append on its way and its sender into the queue, in the same order.
    fn send(&self, append: proto::AppendRequest, waiting: Waiting) -> Result<(), Error> {
        let mut queue = lock(&self.unanswered.queue);
        // Whoever empties the queue for good has closed this before.
        if self.unanswered.places.is_closed() {
            return Err(ended());
        }
        self.requests.try_send(proto::AppendSessionRequest { append: Some(append) }).map_err(|_| ended())?;
        queue.push_back(waiting);
        Ok(())
    }
}

impl Receiving {
    /// Hands answers out until the session ends.
    async fn answer(self, mut answers: Streaming<proto::AppendSessionResponse>) {
        loop {
            let outcome = match answers.message().await {
                Ok(Some(answer)) => outcome(answer),
                Ok(None) => return,
                Err(status) => return self.refuse(&status),
            };
            let Some(waiting) = lock(&self.0.queue).pop_front() else { return };
            // The caller may have gone away, as from any call.
            drop(waiting.answer.send(outcome.and_then(|appended| appended)));
        }
    }

    /// Ends the session by a status of the server. One that says that it is away is for everybody who waits; any other
    /// is about the append that is next, and what came behind that was not looked at.
    fn refuse(self, status: &Status) {
        for waiting in self.0.end() {
            let error = Error::from(status.clone());
            let is_for_all = error.is_retryable();
            drop(waiting.answer.send(Err(error)));
            if !is_for_all {
                break;
            }
        }
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        // Whoever still waits learns by the end of its channel.
        drop(self.0.end());
    }
}

impl Unanswered {
    /// Lets nobody in any more, and takes out who is there.
    fn end(&self) -> VecDeque<Waiting> {
        self.places.close();
        std::mem::take(&mut *lock(&self.queue))
    }
}

/// What an append is told whose session is over: it may have gone in or not.
fn ended() -> Error {
    Error::unavailable("the session of appends ended")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
