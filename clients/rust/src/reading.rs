//! A read in progress.
//!
//! Owns [`StreamReading`] and [`LogReading`], two faces of one machine that hands out batches as they
//! come or events one at a time. The last message of a read carries the head; an end without it
//! means that the connection broke, and is an error. After an error or the end nothing follows.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use tokio_stream::Stream;
use tonic::Streaming;

use crate::{Error, RecordedEvent, Snapshot, proto, recorded};

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

/// The machine behind both kinds of reading.
#[derive(Debug)]
struct Reading<M> {
    messages: Streaming<M>,
    events: vec::IntoIter<RecordedEvent>,
    snapshot: Option<Snapshot>,
    head: Option<u64>,
    ended: bool,
}

impl<M: Into<Part>> Reading<M> {
    async fn begin(mut messages: Streaming<M>) -> Result<Self, Error> {
        let first: Part = messages.message().await?.ok_or_else(cut_short)?.into();
        Ok(Self {
            messages,
            events: recorded::all(first.events)?.into_iter(),
            snapshot: first.snapshot.map(Snapshot::try_from).transpose()?,
            head: first.head,
            ended: false,
        })
    }

    /// What is left of the batch in hand, or else the next one.
    fn poll_batch(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Vec<RecordedEvent>, Error>>> {
        if self.events.len() > 0 {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.events).collect())));
        }
        while !self.ended {
            let message = ready!(Pin::new(&mut self.messages).poll_next(cx));
            match self.take(message) {
                Ok(events) if events.is_empty() => {}
                outcome => return Poll::Ready(Some(outcome)),
            }
        }
        Poll::Ready(None)
    }

    fn take(&mut self, message: Option<Result<M, tonic::Status>>) -> Result<Vec<RecordedEvent>, Error> {
        let taken = match message {
            Some(Ok(message)) => {
                let part: Part = message.into();
                self.head = part.head.or(self.head);
                recorded::all(part.events)
            }
            // All there is has been read: how the call ends no longer matters.
            _ if self.head.is_some() => {
                self.ended = true;
                Ok(Vec::new())
            }
            Some(Err(status)) => Err(status.into()),
            None => Err(cut_short()),
        };
        self.ended |= taken.is_err();
        taken
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

fn cut_short() -> Error {
    Error::unavailable("the read was cut short")
}

macro_rules! reading {
    ($(#[$doc:meta])* $name:ident of $message:ty) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name {
            inner: Reading<$message>,
        }

        impl $name {
            pub(crate) async fn begin(messages: Streaming<$message>) -> Result<Self, Error> {
                Ok(Self { inner: Reading::begin(messages).await? })
            }

            /// The next event, none after the last. Dropping the future loses nothing.
            ///
            /// [`Error::Unavailable`] when the connection breaks: read again from the event after the
            /// last one that came.
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
    StreamReading of proto::ReadStreamResponse
}

reading! {
    /// A read of the whole log in progress.
    LogReading of proto::ReadAllResponse
}

impl StreamReading {
    /// The snapshot that the read begins with, if asked for and there is one. Known from the start.
    #[must_use]
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.inner.snapshot.as_ref()
    }

    /// The revision of the stream's last event when the read began. Known after the end.
    #[must_use]
    pub fn head_revision(&self) -> Option<u64> {
        self.inner.head
    }
}

impl LogReading {
    /// The head that the read was pinned to, 0 when the log was empty. Known after the end.
    #[must_use]
    pub fn head(&self) -> Option<u64> {
        self.inner.head
    }
}
