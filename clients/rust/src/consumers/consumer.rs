//! Taking part in a group over one call.
//!
//! Owns [`Consumer`], which takes deliveries, and [`Settler`], which says what became of them. Like a session
//! of appends it is one connection's worth: when it breaks, what was not settled is delivered again, to
//! whoever is there. Joining again is the caller's decision; `reactor` does so by itself.

use tokio::sync::mpsc;
use tokio::time::{self, Instant};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::settlement::{self, Delivery, Settled, Settlement};
use super::{Group, NotSettled};
use crate::listing::entries;
use crate::proto::consumers_consume_request::{Join, Kind};
use crate::subscribe::SILENCE_TIMEOUT;
use crate::{Error, proto};

/// How many messages may wait to be put on the wire.
const QUEUE_LENGTH: usize = 256;

/// A membership in a group. Dropping it gives back what it holds.
#[derive(Debug)]
pub struct Consumer {
    answers: Streaming<proto::ConsumersConsumeResponse>,
    settler: Option<Settler>,
    silent_at: Instant,
}

/// Says what became of deliveries. Clones belong to the same membership, and keep it open.
#[derive(Clone, Debug)]
pub struct Settler {
    requests: mpsc::Sender<proto::ConsumersConsumeRequest>,
}

/// What a member is told; at least one part has something in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerMessage {
    /// Events to deal with.
    pub deliveries: Vec<Delivery>,
    /// What has become of settlements.
    pub settled: Settled,
}

impl Group {
    /// Takes part in the group as this member, with at most so many events in flight, up to 10,000. Returns
    /// when the member is in; until then it is retried while the server is unavailable.
    ///
    /// [`Error::MemberExists`] when the group has a member of this name, [`Error::GroupNotFound`] when there is
    /// no such group.
    pub async fn consume(&self, member: &str, credits: u32) -> Result<Consumer, Error> {
        self.client.retry(|| self.join(member, credits)).await
    }

    async fn join(&self, member: &str, credits: u32) -> Result<Consumer, Error> {
        let (requests, queue) = mpsc::channel(QUEUE_LENGTH);
        let join = Join { group: self.name.clone(), member: member.to_owned(), credits: Some(credits) };
        let settler = Settler { requests };
        settler.say(Kind::Join(join)).await?;
        let joining = async {
            let request = self.client.request(ReceiverStream::new(queue));
            let mut answers = self.client.consumers().consume(request).await?.into_inner();
            // The first answer is empty: the member is in.
            answers.message().await?.ok_or_else(cut_short)?;
            Ok(Consumer { answers, settler: Some(settler), silent_at: silent_at() })
        };
        time::timeout(SILENCE_TIMEOUT, joining).await.unwrap_or_else(|_| Err(silent()))
    }
}

impl Consumer {
    /// What the member is told next. Dropping the future loses nothing.
    ///
    /// [`Error::Unavailable`] when the connection breaks or the server is silent for 45 s: what is not settled
    /// is then delivered again, and a settlement that has not been told of may or may not have been taken.
    /// [`Error::GroupNotFound`] when the group was deleted. None after [`close`](Self::close), once
    /// everything that was said is settled.
    pub async fn next(&mut self) -> Result<Option<ConsumerMessage>, Error> {
        loop {
            let heard = time::timeout_at(self.silent_at, self.answers.message()).await;
            self.silent_at = silent_at();
            let answer = match heard.map_err(|_| silent())?? {
                Some(answer) => answer,
                None if self.settler.is_none() => return Ok(None),
                None => return Err(cut_short()),
            };
            let message = ConsumerMessage::try_from(answer)?;
            // Without any part it is a sign of life.
            if message != ConsumerMessage::default() {
                return Ok(Some(message));
            }
        }
    }

    /// A way to settle from elsewhere. [`Error::Ended`] after [`close`](Self::close).
    pub fn settler(&self) -> Result<Settler, Error> {
        self.settler.clone().ok_or(Error::Ended)
    }

    /// Says what became of deliveries; what has become of that is told by [`next`](Self::next).
    pub async fn settle(&self, settlement: Settlement) -> Result<(), Error> {
        self.settler()?.settle(settlement).await
    }

    /// Changes how many events the member wants to have in flight; 0 for none for now.
    pub async fn set_credits(&self, credits: u32) -> Result<(), Error> {
        self.settler()?.set_credits(credits).await
    }

    /// Settles no more: what the member still holds is delivered again, and [`next`](Self::next) ends once
    /// what was said is durable. Clones of the settler must be gone for that.
    pub fn close(&mut self) {
        self.settler = None;
    }
}

impl Settler {
    /// Says what became of deliveries; waits while the queue is full. [`Error::Ended`] when the membership is
    /// over; the consumer has the cause.
    pub async fn settle(&self, settlement: Settlement) -> Result<(), Error> {
        self.room().await?.settle(settlement)
    }

    /// Changes how many events the member wants to have in flight; 0 for none for now.
    pub async fn set_credits(&self, credits: u32) -> Result<(), Error> {
        self.say(Kind::Credits(credits)).await
    }

    /// Room to settle something without waiting. [`Error::Ended`] when the membership is over.
    pub(crate) async fn room(&self) -> Result<Room<'_>, Error> {
        self.requests.reserve().await.map(Room).map_err(|_| Error::Ended)
    }

    async fn say(&self, kind: Kind) -> Result<(), Error> {
        let request = proto::ConsumersConsumeRequest { kind: Some(kind) };
        self.requests.send(request).await.map_err(|_| Error::Ended)
    }
}

/// Room for one message in the queue.
pub(crate) struct Room<'a>(mpsc::Permit<'a, proto::ConsumersConsumeRequest>);

impl Room<'_> {
    /// Says what became of deliveries.
    pub(crate) fn settle(self, settlement: Settlement) -> Result<(), Error> {
        let settle = proto::Settle { ack: settlement.ack, nack: settlement::nacks(settlement.nack)? };
        self.0.send(proto::ConsumersConsumeRequest { kind: Some(Kind::Settle(settle)) });
        Ok(())
    }
}

fn cut_short() -> Error {
    Error::unavailable("the membership was cut short")
}

fn silent_at() -> Instant {
    Instant::now() + SILENCE_TIMEOUT
}

fn silent() -> Error {
    Error::unavailable(format!("the group was silent for {SILENCE_TIMEOUT:?}"))
}

impl TryFrom<proto::ConsumersConsumeResponse> for ConsumerMessage {
    type Error = Error;

    fn try_from(answer: proto::ConsumersConsumeResponse) -> Result<Self, Error> {
        let not_settled = answer.not_settled.into_iter().map(NotSettled::from).collect();
        Ok(Self { deliveries: entries(answer.deliveries)?, settled: Settled { settled: answer.settled, not_settled } })
    }
}
