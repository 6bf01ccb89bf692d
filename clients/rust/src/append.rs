//! Appending, one request at a time.
//!
//! Owns [`Appended`], [`Client::append`] and [`Client::append_guarded`]. The events have their ids before
//! the first try, so a retry of one that went in gets the original answer. Appends of a client share a session
//! (`shared_session.rs`). For pipelined appends see `session.rs`, for many streams at once `transact.rs`.

use crate::{Client, Error, Expected, Guard, NewEvent, guard, proto};

/// Where an append went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The revision of the first event appended.
    pub first_revision: u64,
    /// The revision of the last event appended.
    pub last_revision: u64,
    /// The position of the first event appended.
    pub first_position: u64,
    /// The position of the last event appended.
    pub last_position: u64,
    /// Whether the events were already there, from an earlier try, and nothing was added.
    pub deduplicated: bool,
}

impl Client {
    /// Appends events to one stream: all of them or none, durable before the answer.
    ///
    /// Retried while the server is unavailable; this never appends twice. When the tries are used up
    /// it is not known whether the append went in: repeat it with the same events to find out.
    ///
    /// [`Error::WrongExpectedRevision`] when the stream is not as expected, [`Error::StreamTombstoned`]
    /// when it was deleted for good, [`Error::EventIdConflict`] when an id is taken,
    /// [`Error::InvalidArgument`] and [`Error::LimitExceeded`] for a malformed or too large request,
    /// [`Error::ResourceExhausted`] when the queue or the disk is full.
    pub async fn append(&self, stream: &str, expected: Expected, events: Vec<NewEvent>) -> Result<Appended, Error> {
        self.append_guarded(stream, expected, events, Vec::new()).await
    }

    /// Appends as [`append`](Self::append) does, if all guards hold too.
    ///
    /// [`Error::GuardNotMet`] when one does not, [`Error::BeyondEnd`] when one counts from beyond the
    /// head.
    pub async fn append_guarded(
        &self,
        stream: &str,
        expected: Expected,
        events: Vec<NewEvent>,
        guards: Vec<Guard>,
    ) -> Result<Appended, Error> {
        let request = request(stream, expected, events, guards);
        if self.shares(&request) {
            return self.retry(|| self.append_in_session(request.clone())).await;
        }
        self.call(Self::events, request, |mut api, request| async move { api.append(request).await }).await?.try_into()
    }
}

/// An append as it goes over the wire.
pub(crate) fn request(
    stream: &str,
    expected: Expected,
    events: Vec<NewEvent>,
    guards: Vec<Guard>,
) -> proto::AppendRequest {
    proto::AppendRequest {
        stream: stream.to_owned(),
        expected: Some(expected.into()),
        events: events.into_iter().map(proto::NewEvent::from).collect(),
        guards: guard::all(guards),
    }
}

impl TryFrom<proto::AppendResponse> for Appended {
    type Error = Error;

    fn try_from(answer: proto::AppendResponse) -> Result<Self, Error> {
        let (Some(first_revision), Some(last_revision)) = (answer.first_revision, answer.last_revision) else {
            return Err(Error::InvalidResponse("an append's revisions are missing".to_owned()));
        };
        Ok(Self {
            first_revision,
            last_revision,
            first_position: answer.first_position,
            last_position: answer.last_position,
            deduplicated: answer.deduplicated,
        })
    }
}
