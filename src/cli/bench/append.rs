//! Rows of appends that wait for their answer: do-nothing, append, batch.
//!
//! Owns [`Appender`]. It uses the generated stub, so that the do-nothing row and the append row have
//! exactly the same client. Each worker has a stream of its own and guards every append with the
//! exact revision; after a failure it goes on with a new stream, since it cannot know where the old
//! one stands.

use quipu_client::proto::event_store_client::EventStoreClient;
use quipu_client::{Expected, proto};
use tonic::transport::Channel;

use super::failure::Failure;
use super::load::{Done, Work};
use super::payload::{PAYLOAD_BYTES, Proposer};

/// Appends so many events at a time to a stream of its own.
#[derive(Debug)]
pub(super) struct Appender {
    stub: EventStoreClient<Channel>,
    proposer: Proposer,
    events: usize,
    name: String,
    streams: u64,
    stream: String,
    expected: Expected,
}

impl Appender {
    /// Over this connection, to streams whose names begin with `name`.
    pub(super) fn new(channel: Channel, name: String, events: usize) -> Self {
        let stub = EventStoreClient::new(channel).max_encoding_message_size(usize::MAX);
        let stream = format!("{name}-0");
        let proposer = Proposer::new();
        Self { stub, proposer, events, name, streams: 1, stream, expected: Expected::NoStream }
    }

    fn next_stream(&mut self) {
        self.stream = format!("{}-{}", self.name, self.streams);
        self.streams += 1;
        self.expected = Expected::NoStream;
    }
}

impl Work for Appender {
    async fn once(&mut self) -> Result<Done, Failure> {
        let request = proto::AppendRequest {
            stream: self.stream.clone(),
            expected: Some(self.expected.into()),
            events: (0..self.events).map(|_| self.proposer.wire_event()).collect(),
            guards: Vec::new(),
        };
        let answer = self.stub.append(request).await;
        match answer.map(|answer| answer.into_inner().last_revision) {
            Ok(Some(last)) => {
                self.expected = Expected::Revision(last);
                Ok(Done { count: self.events as u64, bytes: (self.events * PAYLOAD_BYTES) as u64 })
            }
            Ok(None) => Err("an answer without revision".into()),
            Err(status) => {
                self.next_stream();
                Err(status.into())
            }
        }
    }
}

/// Appends streams of so many events, one stream a call: what the reading rows read.
#[derive(Debug)]
pub(super) struct Seeder {
    appender: Appender,
    name: String,
    next: u64,
    step: u64,
}

impl Seeder {
    /// Makes the streams `first`, `first + step` and so on of those called `name`.
    pub(super) fn new(channel: Channel, name: String, events: usize, first: u64, step: u64) -> Self {
        Self { appender: Appender::new(channel, name.clone(), events), name, next: first, step }
    }
}

impl Work for Seeder {
    async fn once(&mut self) -> Result<Done, Failure> {
        self.appender.stream = seeded_stream(&self.name, self.next);
        self.appender.expected = Expected::NoStream;
        self.next += self.step;
        self.appender.once().await
    }
}

/// The name of a seeded stream.
pub(super) fn seeded_stream(name: &str, number: u64) -> String {
    format!("{name}-{number}")
}
