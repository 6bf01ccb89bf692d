//! Appending to many streams at once.
//!
//! Owns [`Transaction`], [`Transacted`] and [`Client::transact`]. The events have their ids before the
//! first try, so a retry of a transaction that went in gets the original answer.

use crate::{Appended, Client, Error, Expected, Guard, NewEvent, proto};

/// Events for any number of streams, checkpoints to move, and guards over all of it. It goes in as a
/// whole or not at all.
#[derive(Clone, Debug, Default)]
pub struct Transaction {
    request: proto::TransactRequest,
}

/// Where a transaction went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transacted {
    /// For each append, in the order of asking: where it went.
    pub appends: Vec<Appended>,
    /// The position of the first event; none when the transaction had no event.
    pub first_position: Option<u64>,
    /// The position of the last event; none when the transaction had no event.
    pub last_position: Option<u64>,
    /// Whether the events were already there, from an earlier try, and nothing was changed.
    pub deduplicated: bool,
}

impl Transaction {
    /// A transaction of nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends events to a stream, each stream at most once.
    #[must_use]
    pub fn append(mut self, stream: impl Into<String>, expected: Expected, events: Vec<NewEvent>) -> Self {
        self.request.appends.push(proto::StreamAppend {
            stream: stream.into(),
            expected: Some(expected.into()),
            events: events.into_iter().map(proto::NewEvent::from).collect(),
        });
        self
    }

    /// Goes in only if this holds. The first guard has the index 0.
    #[must_use]
    pub fn guard(mut self, guard: Guard) -> Self {
        self.request.guards.push(guard.into());
        self
    }

    /// Moves a checkpoint forwards to this position, each name at most once.
    #[must_use]
    pub fn advance(mut self, checkpoint: impl Into<String>, position: u64) -> Self {
        self.request.checkpoints.push(proto::CheckpointAdvance { name: checkpoint.into(), position });
        self
    }
}

impl Client {
    /// Does all of a transaction or nothing, durable before the answer; its events lie one after another
    /// in the log.
    ///
    /// Retried as [`append`](Self::append) is. A transaction without events cannot be recognised when it
    /// is retried: it then meets its own checkpoints, with [`Error::WrongCheckpoint`].
    ///
    /// Fails as [`append_guarded`](Self::append_guarded) does, with [`Error::WrongCheckpoint`] when a
    /// checkpoint would not move forwards, and with [`Error::BeyondEnd`] when it would pass the head.
    pub async fn transact(&self, transaction: Transaction) -> Result<Transacted, Error> {
        let request = transaction.request;
        self.call(Self::events, request, |mut api, request| async move { api.transact(request).await })
            .await?
            .try_into()
    }
}

impl TryFrom<proto::TransactResponse> for Transacted {
    type Error = Error;

    fn try_from(answer: proto::TransactResponse) -> Result<Self, Error> {
        Ok(Self {
            appends: answer.appends.into_iter().map(Appended::try_from).collect::<Result<_, _>>()?,
            first_position: answer.first_position,
            last_position: answer.last_position,
            deduplicated: answer.deduplicated,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Query;

    #[test]
    fn everything_goes_in_the_order_of_asking() {
        let event = NewEvent::new("T", "{}");
        let request = Transaction::new()
            .append("b", Expected::NoStream, vec![event.clone()])
            .append("a", Expected::Any, vec![NewEvent::new("U", "{}"), NewEvent::new("V", "{}")])
            .guard(Guard::checkpoint("c", None))
            .guard(Guard::none_match(Query::all()).after(9))
            .advance("c", 8)
            .advance("d", 9)
            .request;
        let appends: Vec<_> = request.appends.iter().map(|it| (it.stream.as_str(), it.events.len())).collect();
        assert_eq!(appends, [("b", 1), ("a", 2)]);
        assert_eq!(request.appends[0].expected, Some(Expected::NoStream.into()));
        assert_eq!(request.appends[0].events[0].id, event.id.to_string());
        assert_eq!(request.guards[1], Guard::none_match(Query::all()).after(9).into());
        let moves: Vec<_> = request.checkpoints.iter().map(|it| (it.name.as_str(), it.position)).collect();
        assert_eq!(moves, [("c", 8), ("d", 9)]);
    }

    #[test]
    fn an_answer_tells_of_each_append() {
        let place = proto::AppendResponse {
            first_revision: Some(0),
            last_revision: Some(1),
            first_position: 4,
            last_position: 5,
            deduplicated: false,
        };
        let answer = proto::TransactResponse {
            appends: vec![place],
            first_position: Some(4),
            last_position: Some(5),
            deduplicated: false,
        };
        let transacted = Transacted::try_from(answer.clone()).expect("complete");
        assert_eq!((transacted.appends[0].last_revision, transacted.last_position), (1, Some(5)));
        let torn =
            proto::TransactResponse { appends: vec![proto::AppendResponse { last_revision: None, ..place }], ..answer };
        assert!(matches!(Transacted::try_from(torn), Err(Error::InvalidResponse(_))));
    }
}
