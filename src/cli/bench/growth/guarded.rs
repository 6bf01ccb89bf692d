//! The appends and reads whose cost must not grow with the log.

use quipu_client::proto::event_store_client::EventStoreClient;
use quipu_client::proto::{self, expected_revision, guard};
use quipu_client::{Client, Query, QueryItem, ReadAll, ReadStream};
use tonic::transport::Channel;

use super::super::failure::Failure;
use super::super::load::{Done, Work};
use super::super::payload::{Lots, Proposer};
use super::filling::{Entities, GROWTH_PAYLOAD_BYTES, stream_of, tag_of};

/// How many entities point queries ask for: few enough to stay in every cache.
const ASKED_FOR: u64 = 1000;

/// How many events a point query asks for.
const ASKED_EVENTS: u64 = 10;

/// What guards an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GuardedKind {
    /// Nothing: what the machine makes of an append by now.
    Unguarded,
    /// The exact revision of another stream, which ends anywhere in the log.
    StreamGuard,
    /// No event ever has a tag.
    TagGuard,
    /// No event ever has a type.
    TypeGuard,
    /// No event of a type that a twentieth of all events have, after the head.
    FrequentType,
}

impl GuardedKind {
    pub(super) const ALL: [Self; 5] =
        [Self::Unguarded, Self::StreamGuard, Self::TagGuard, Self::TypeGuard, Self::FrequentType];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Unguarded => "append, no guard",
            Self::StreamGuard => "append, revision of any stream",
            Self::TagGuard => "append, no such tag ever",
            Self::TypeGuard => "append, no such type ever",
            Self::FrequentType => "append, frequent type after head",
        }
    }
}

/// Appends one guarded event a call.
#[derive(Debug)]
pub(super) struct Guarded {
    stub: EventStoreClient<Channel>,
    proposer: Proposer,
    entities: Entities,
    kind: GuardedKind,
    lots: Lots,
    head: u64,
}

impl Guarded {
    pub(super) fn new(client: &Client, entities: Entities, kind: GuardedKind) -> Self {
        let stub = EventStoreClient::new(client.channel());
        Self { stub, proposer: Proposer::of_payloads(GROWTH_PAYLOAD_BYTES), entities, kind, lots: Lots::new(), head: 0 }
    }

    fn request(&mut self) -> proto::AppendRequest {
        let mut event = self.proposer.wire_event();
        let fresh = self.lots.text(20);
        event.tags = vec![format!("once:{fresh}")];
        let none_of = |item: proto::QueryItem, after_position| {
            let query = Some(proto::Query { items: vec![item], all: None });
            let kind = Some(guard::Kind::NoneMatch(guard::Match { query, after_position }));
            vec![proto::Guard { kind }]
        };
        let guards = match self.kind {
            GuardedKind::Unguarded => Vec::new(),
            GuardedKind::StreamGuard => {
                let kind = Some(expected_revision::Kind::Revision(self.entities.events - 1));
                let expected = Some(proto::ExpectedRevision { kind });
                let stream = stream_of(self.entities.drawn(self.lots.draw() >> 32));
                vec![proto::Guard { kind: Some(guard::Kind::Stream(guard::Stream { stream, expected })) }]
            }
            GuardedKind::TagGuard => {
                let item = proto::QueryItem { tags: event.tags.clone(), ..Default::default() };
                none_of(item, 0)
            }
            GuardedKind::TypeGuard => {
                let item = proto::QueryItem { types: vec![format!("Never{fresh}")], ..Default::default() };
                none_of(item, 0)
            }
            GuardedKind::FrequentType => {
                let item = proto::QueryItem { types: vec!["Kind7".to_owned()], ..Default::default() };
                none_of(item, self.head)
            }
        };
        proto::AppendRequest { stream: format!("free-{fresh}"), expected: None, events: vec![event], guards }
    }
}

impl Work for Guarded {
    async fn once(&mut self) -> Result<Done, Failure> {
        if self.kind == GuardedKind::FrequentType && self.head == 0 {
            // The head is learnt by an append without a guard.
            let event = self.proposer.wire_event();
            let request = proto::AppendRequest { stream: "free-0".into(), events: vec![event], ..Default::default() };
            let answer = self.stub.append(request).await;
            self.head = answer?.into_inner().last_position;
        }
        let request = self.request();
        let answer = self.stub.append(request).await?;
        self.head = answer.into_inner().last_position;
        Ok(Done { count: 1, bytes: GROWTH_PAYLOAD_BYTES as u64 })
    }
}

/// Reads ten events of one entity a call.
#[derive(Debug)]
pub(super) struct PointReader {
    client: Client,
    entities: Entities,
    by_query: bool,
    turn: u64,
}

impl PointReader {
    /// By a query for its tag over the log, or by its stream.
    pub(super) fn new(client: Client, entities: Entities, by_query: bool) -> Self {
        Self { client, entities, by_query, turn: 0 }
    }
}

impl Work for PointReader {
    async fn once(&mut self) -> Result<Done, Failure> {
        let entity = self.entities.drawn(self.turn % ASKED_FOR);
        self.turn += 1;
        let events = if self.by_query {
            let query = Query::item(QueryItem::new().tags([tag_of(entity)]));
            match self.client.read_all(ReadAll::new().query(query).limit(ASKED_EVENTS)).await {
                Ok(reading) => reading.collect().await,
                Err(error) => Err(error),
            }
        } else {
            let read = ReadStream::new(stream_of(entity)).limit(ASKED_EVENTS);
            match self.client.read_stream(read).await {
                Ok(reading) => reading.collect().await,
                Err(error) => Err(error),
            }
        }?;
        if events.len() as u64 != ASKED_EVENTS {
            return Err(format!("{} events of {}", events.len(), tag_of(entity)).into());
        }
        Ok(Done { count: 1, bytes: events.iter().map(|event| event.data.len() as u64).sum() })
    }
}
