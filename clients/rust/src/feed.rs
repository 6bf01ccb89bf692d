//! One connection's worth of a subscription.
//!
//! Owns [`Feed`]: opens a call at a cursor and turns what comes into messages. An end without an
//! error is a break like any other, since subscriptions end only by the client. Going on after a
//! break is the work of `subscription.rs`.

use std::time::Duration;

use tokio::time;
use tonic::Streaming;

use crate::cursor::{Cursor, Followed};
use crate::proto::{self, subscribe_all_request, subscribe_all_response as log};
use crate::proto::{subscribe_stream_request, subscribe_stream_response as stream};
use crate::subscription::Message;
use crate::{Client, Error, Query, recorded, timestamp};

/// An open call.
#[derive(Debug)]
pub(crate) enum Feed {
    Log(Streaming<proto::SubscribeAllResponse>),
    Stream(Streaming<proto::SubscribeStreamResponse>),
}

impl Feed {
    /// Opens a call and waits for its first message, for as long as `silence`.
    pub(crate) async fn open(
        client: &Client,
        followed: &Followed,
        cursor: Cursor,
        silence: Duration,
    ) -> Result<(Self, Message), Error> {
        let opening = async {
            let mut feed = match followed {
                Followed::Log { include_system, query } => {
                    let request = client.request(log_request(*include_system, query.clone(), cursor));
                    Self::Log(client.events().subscribe_all(request).await?.into_inner())
                }
                Followed::Stream { name, types } => {
                    let request = client.request(stream_request(name, types, cursor));
                    Self::Stream(client.events().subscribe_stream(request).await?.into_inner())
                }
            };
            let first = feed.message().await?;
            Ok((feed, first))
        };
        time::timeout(silence, opening).await.unwrap_or_else(|_| Err(silent(silence)))
    }

    /// The next message. Dropping the future loses nothing.
    pub(crate) async fn message(&mut self) -> Result<Message, Error> {
        loop {
            let message = match self {
                Self::Log(messages) => log_message(messages.message().await?.ok_or_else(ended)?)?,
                Self::Stream(messages) => stream_message(messages.message().await?.ok_or_else(ended)?)?,
            };
            // A message that says nothing is a signal newer than this client: passed over.
            if let Some(message) = message {
                return Ok(message);
            }
        }
    }
}

/// The break of a subscription that has gone silent.
pub(crate) fn silent(silence: Duration) -> Error {
    Error::unavailable(format!("the subscription was silent for {silence:?}"))
}

fn ended() -> Error {
    Error::unavailable("the subscription was cut short")
}

fn log_request(include_system: bool, query: Option<Query>, cursor: Cursor) -> proto::SubscribeAllRequest {
    let from = match cursor {
        Cursor::Start => subscribe_all_request::From::Start(proto::Start {}),
        Cursor::End => subscribe_all_request::From::End(proto::End {}),
        Cursor::Time(time) => subscribe_all_request::From::FromTime(timestamp::to_wire(time)),
        Cursor::After(position) => subscribe_all_request::From::AfterPosition(position),
    };
    proto::SubscribeAllRequest { from: Some(from), include_system, query: query.map(Into::into) }
}

fn stream_request(name: &str, types: &[String], cursor: Cursor) -> proto::SubscribeStreamRequest {
    let from = match cursor {
        // A time is a place in the log; no builder gives one for a stream.
        Cursor::Start | Cursor::Time(_) => subscribe_stream_request::From::Start(proto::Start {}),
        Cursor::End => subscribe_stream_request::From::End(proto::End {}),
        Cursor::After(revision) => subscribe_stream_request::From::AfterRevision(revision),
    };
    proto::SubscribeStreamRequest { stream: name.to_owned(), from: Some(from), types: types.to_vec() }
}

fn log_message(message: proto::SubscribeAllResponse) -> Result<Option<Message>, Error> {
    if !message.events.is_empty() {
        return recorded::all(message.events).map(|events| Some(Message::Events(events)));
    }
    Ok(message.signal.map(|signal| match signal {
        log::Signal::CaughtUp(it) => Message::CaughtUp { position: it.position },
        log::Signal::FellBehind(it) => Message::FellBehind { position: it.position, head: it.head },
        log::Signal::Checkpoint(it) => Message::Checkpoint { position: it.position },
        log::Signal::Heartbeat(it) => Message::Heartbeat { position: it.position },
    }))
}

fn stream_message(message: proto::SubscribeStreamResponse) -> Result<Option<Message>, Error> {
    if !message.events.is_empty() {
        return recorded::all(message.events).map(|events| Some(Message::Events(events)));
    }
    Ok(message.signal.map(|signal| match signal {
        stream::Signal::CaughtUp(it) => Message::CaughtUp { position: it.position },
        stream::Signal::FellBehind(it) => Message::FellBehind { position: it.position, head: it.head },
        stream::Signal::Heartbeat(it) => Message::Heartbeat { position: it.position },
    }))
}
