//! A read in progress.
//!
//! Owns [`StreamReading`] and [`LogReading`], two faces of one machine that hands out batches as they
//! come or events one at a time. The last message of a read carries the head; an end without it
//! means that the connection broke: then the rest is asked for again, under the client's retry policy.
//! After an error or the end nothing follows.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use tokio::time::{Instant, Sleep};
use tokio_stream::Stream;
use tonic::Streaming;

use crate::rest::{Asked, Rest};
use crate::{Client, Error, RecordedEvent, Snapshot, proto, recorded};

/// What a message of a read brings.
struct Part {
    events: Vec<proto::RecordedEvent>,
    snapshot: Option<proto::Snapshot>,
    head: Option<u64>,
}

impl From<proto::ReadStreamResponse> for Part {
    fn from(message: proto::ReadStreamResponse) -> Self {
        Self { events: message.events, snapshot: message.snapshot, head: message.head_revision }
    }
}

impl From<proto::ReadAllResponse> for Part {
    fn from(message: proto::ReadAllResponse) -> Self {
        Self { events: message.events, snapshot: None, head: message.head }
    }
}

type Opening<M> = Pin<Box<dyn Future<Output = Result<Streaming<M>, Error>> + Send>>;

/// A request that opens a read.
trait Read: Asked + Send + 'static {
    type Message: Into<Part> + Send + 'static;

    fn open(&self, client: &Client) -> Opening<Self::Message>;
    /// The place of an event in what is read.
    fn place(event: &RecordedEvent) -> u64;
}

impl Read for proto::ReadStreamRequest {
    type Message = proto::ReadStreamResponse;

    fn open(&self, client: &Client) -> Opening<Self::Message> {
        let (mut api, request) = (client.events(), client.request(self.clone()));
        Box::pin(async move { Ok(api.read_stream(request).await?.into_inner()) })
    }

    fn place(event: &RecordedEvent) -> u64 {
        event.revision
    }
}

impl Read for proto::ReadAllRequest {
    type Message = proto::ReadAllResponse;

    fn open(&self, client: &Client) -> Opening<Self::Message> {
        let (mut api, request) = (client.events(), client.request(self.clone()));
        Box::pin(async move { Ok(api.read_all(request).await?.into_inner()) })
    }

    fn place(event: &RecordedEvent) -> u64 {
        event.position
    }
}

enum State<M> {
    Open(Box<Streaming<M>>),
    Pausing(Pin<Box<Sleep>>),
    Opening(Opening<M>),
    Ended,
}

/// The machine behind both kinds of reading.
struct Reading<R: Read> {
    client: Client,
    rest: Rest<R>,
    state: State<R::Message>,
    failures: u32,
    events: vec::IntoIter<RecordedEvent>,
    /// Why the events behind those in hand cannot be lifted.
    failure: Option<Error>,
    snapshot: Option<Snapshot>,
    head: Option<u64>,
}

impl<R: Read> Reading<R> {
    /// Opens a read and waits for its first message.
    async fn begin(client: &Client, request: &R) -> Result<Self, Error> {
        let mut messages = request.open(client).await?;
        let first = messages.message().await?.ok_or_else(cut_short)?;
        let mut reading = Self {
            client: client.clone(),
            rest: Rest::new(request.clone()),
            state: State::Open(Box::new(messages)),
            failures: 0,
            events: Vec::new().into_iter(),
            failure: None,
            snapshot: None,
            head: None,
        };
        let events = reading.take(first)?;
        reading.events = events.into_iter();
        Ok(reading)
    }

    /// What is left of the batch in hand, or else the next one.
    fn poll_batch(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Vec<RecordedEvent>, Error>>> {
        loop {
            if self.events.len() > 0 {
                return Poll::Ready(Some(Ok(std::mem::take(&mut self.events).collect())));
            }
            if let Some(error) = self.failure.take() {
                self.state = State::Ended;
                return Poll::Ready(Some(Err(error)));
            }
            let outcome = match &mut self.state {
                State::Open(messages) => match ready!(Pin::new(messages).poll_next(cx)) {
                    Some(Ok(message)) => self.take(message).map(|events| self.events = events.into_iter()),
                    // All there is has been read: how the call ends no longer matters.
                    _ if self.head.is_some() => {
                        self.state = State::Ended;
                        Ok(())
                    }
                    Some(Err(status)) => self.broke(status.into()),
                    None => self.broke(cut_short()),
                },
                State::Pausing(pause) => {
                    ready!(pause.as_mut().poll(cx));
                    self.state = State::Opening(self.rest.request.open(&self.client));
                    Ok(())
                }
                State::Opening(opening) => match ready!(opening.as_mut().poll(cx)) {
                    Ok(messages) => {
                        self.state = State::Open(Box::new(messages));
                        Ok(())
                    }
                    Err(error) => self.broke(error),
                },
                State::Ended => return Poll::Ready(None),
            };
            if let Err(error) = outcome {
                self.state = State::Ended;
                return Poll::Ready(Some(Err(error)));
            }
        }
    }

    /// Takes note of a message; its events in the shapes of today.
    fn take(&mut self, message: R::Message) -> Result<Vec<RecordedEvent>, Error> {
        let part: Part = message.into();
        self.failures = 0;
        if let Some(snapshot) = part.snapshot.map(Snapshot::try_from).transpose()? {
            self.rest.passed_snapshot(snapshot.revision);
            self.snapshot = Some(snapshot);
        }
        let events = recorded::all(part.events)?;
        if let [first, ..] = events.as_slice() {
            let last = events.last().unwrap_or(first);
            self.rest.passed(R::place(first), R::place(last), events.len() as u64);
        }
        if let Some(head) = part.head {
            self.head = self.rest.head(Some(head));
        }
        let (lifted, failure) = self.client.upcasters.apply_all(events);
        self.failure = failure;
        Ok(lifted)
    }

    /// Takes note of a failure: a pause comes next, or the end.
    fn broke(&mut self, error: Error) -> Result<(), Error> {
        if error.is_retryable() && !self.rest.broke() {
            self.head = self.rest.head(None);
            self.state = State::Ended;
            return Ok(());
        }
        self.failures = self.failures.saturating_add(1);
        let policy = self.client.retry_policy();
        if !error.is_retryable() || !policy.allows(self.failures) {
            return Err(error);
        }
        let pause = policy.pause(self.failures);
        tracing::debug!(%error, failures = self.failures, ?pause, "the read broke, asking for the rest of it");
        self.state = State::Pausing(Box::pin(tokio::time::sleep_until(Instant::now() + pause)));
        Ok(())
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<RecordedEvent, Error>>> {
        loop {
            if let Some(event) = self.events.next() {
                return Poll::Ready(Some(Ok(event)));
            }
            match ready!(self.poll_batch(cx)) {
                Some(Ok(events)) => self.events = events.into_iter(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }

    async fn next_batch(&mut self) -> Option<Result<Vec<RecordedEvent>, Error>> {
        std::future::poll_fn(|cx| self.poll_batch(cx)).await
    }
}

impl<R: Read + fmt::Debug> fmt::Debug for Reading<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").field("rest", &self.rest).field("failures", &self.failures).finish_non_exhaustive()
    }
}

fn cut_short() -> Error {
    Error::unavailable("the read was cut short")
}

macro_rules! reading {
    ($(#[$doc:meta])* $name:ident of $request:ty) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name {
            inner: Reading<$request>,
        }

        impl $name {
            pub(crate) async fn begin(client: &Client, request: &$request) -> Result<Self, Error> {
                Ok(Self { inner: Reading::begin(client, request).await? })
            }

            /// The next event, none after the last. Dropping the future loses nothing.
            ///
            /// When the connection breaks, the read goes on behind what has come; [`Error::Unavailable`]
            /// when the client's retry policy gives up. [`Error::UpcastFailed`] when an upcaster fails.
            pub async fn next(&mut self) -> Option<Result<RecordedEvent, Error>> {
                std::future::poll_fn(|cx| self.inner.poll_event(cx)).await
            }

            /// The next events as they came over the wire, about 1 MiB together and never empty: the
            /// fast way to read much. None after the last. Errors as for [`next`](Self::next).
            pub async fn next_batch(&mut self) -> Option<Result<Vec<RecordedEvent>, Error>> {
                self.inner.next_batch().await
            }

            /// All events that are left, or the first error.
            pub async fn collect(mut self) -> Result<Vec<RecordedEvent>, Error> {
                let mut all = Vec::new();
                while let Some(batch) = self.inner.next_batch().await {
                    all.append(&mut batch?);
                }
                Ok(all)
            }
        }

        impl Stream for $name {
            type Item = Result<RecordedEvent, Error>;

            fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
                self.inner.poll_event(cx)
            }
        }
    };
}

reading! {
    /// A read of one stream in progress.
    StreamReading of proto::ReadStreamRequest
}

reading! {
    /// A read of the whole log in progress.
    LogReading of proto::ReadAllRequest
}

impl StreamReading {
    /// The snapshot that the read begins with, if asked for and there is one. Known from the start.
    #[must_use]
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.inner.snapshot.as_ref()
    }

    /// The revision of the stream's last event when the read began, or went on after a break. Known after
    /// the end.
    #[must_use]
    pub fn head_revision(&self) -> Option<u64> {
        self.inner.head
    }
}

impl LogReading {
    /// The head that the read was pinned to, 0 when the log was empty. Known after the end. When the read
    /// went on after a break, forwards it is pinned to the head at that time, backwards the position of its
    /// first event is told.
    #[must_use]
    pub fn head(&self) -> Option<u64> {
        self.inner.head
    }
}
