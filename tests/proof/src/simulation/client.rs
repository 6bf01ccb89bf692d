//! A client of a store in the same process. It writes down what it asks for before it asks.

use std::sync::Arc;

use quipu::model::wire::put_bytes;
use quipu::model::{
    CheckpointName, EventId, ExpectedRevision, Limits, Match, Position, ProposedEvent, ProposedSnapshot, Revision,
    StreamName, Walk,
};
use quipu::store::read::PageSize;
use quipu::store::{Actual, Append, CheckpointAdvance, CheckpointChange, Error, Store, Transacted, Transaction};

use super::events::model_query;
use super::notebook::Notebook;
use crate::chance::Chance;
use quipu_proof::history::{
    self, Expected, Guard, Outcome, Part, Placed, Proposed, Query, QueryItem, Refusal, Scope, digest,
};

/// Streams that all clients append to.
const SHARED: u64 = 3;

/// Things of which each may be claimed once.
const CLAIMS: u64 = 6;

const TYPES: [&str; 3] = ["Opened", "Changed", "Closed"];

/// A client.
pub(super) struct Client<'a> {
    pub(super) store: Arc<Store>,
    pub(super) notebook: &'a Notebook,
    pub(super) chance: Chance,
    /// Names its stream and its checkpoint.
    pub(super) name: String,
    /// The longest payload.
    pub(super) data_bytes: u64,
}

/// Whether the store still answers.
type Answers = bool;

impl Client<'_> {
    /// Makes requests, until one is not answered.
    pub(super) async fn work(mut self, requests: u64) {
        for _ in 0..requests {
            let goes_on = match self.chance.below(16) {
                0..=2 => self.append_to_own().await,
                3 | 4 => self.append_to_shared().await,
                5 => self.race().await,
                6 => self.claim().await,
                7 => self.append_guarded().await,
                8 | 9 => self.transact().await,
                10 | 11 => self.again().await,
                12 => self.save().await,
                13 => self.move_checkpoint().await,
                14 => self.read(),
                _ => self.ask(),
            };
            if !goes_on {
                return;
            }
        }
    }

    fn own(&self) -> String {
        format!("own-{}", self.name)
    }

    fn shared(&mut self) -> String {
        format!("shared-{}", self.chance.below(SHARED))
    }

    fn last_of(&self, stream: &str) -> Result<Option<u64>, Error> {
        let head = self.store.reader().stream_head_at(&StreamName::from_log(stream), self.store.head())?;
        Ok(head.map(|head| head.revision.0))
    }

    async fn append_to_own(&mut self) -> Answers {
        let stream = self.own();
        let Ok(last) = self.last_of(&stream) else { return true };
        let expected = match (self.chance.below(8), last) {
            (0, _) => Expected::Revision(1 << 40),
            (1, _) => Expected::StreamExists,
            (_, None) => Expected::NoStream,
            (_, Some(last)) => Expected::Revision(last),
        };
        let parts = vec![self.part(stream, expected, &[])];
        self.append(history::Append { parts, ..history::Append::default() }).await
    }

    async fn append_to_shared(&mut self) -> Answers {
        let stream = self.shared();
        let parts = vec![self.part(stream, Expected::Any, &[])];
        self.append(history::Append { parts, ..history::Append::default() }).await
    }

    /// Appends where it saw a shared stream end, as others do.
    async fn race(&mut self) -> Answers {
        let stream = self.shared();
        let Ok(last) = self.last_of(&stream) else { return true };
        let expected = last.map_or(Expected::NoStream, Expected::Revision);
        let parts = vec![self.part(stream, expected, &[])];
        self.append(history::Append { parts, ..history::Append::default() }).await
    }

    /// Claims what nobody has claimed before.
    async fn claim(&mut self) -> Answers {
        let tag = format!("claim:{}", self.chance.below(CLAIMS));
        let query = Query {
            items: Some(vec![QueryItem { tags: vec![tag.clone()], ..QueryItem::default() }]),
            ..Query::default()
        };
        let guards = vec![Guard::NoneMatch { query, after: 0 }];
        let parts = vec![self.part("shared-claims".into(), Expected::Any, &[&tag])];
        self.append(history::Append { parts, guards, ..history::Append::default() }).await
    }

    async fn append_guarded(&mut self) -> Answers {
        let after = self.chance.below(self.store.head().0 + 1);
        let own = self.own();
        let query = any_query(&mut self.chance, own);
        let guard = match self.chance.below(4) {
            0 => Guard::SomeMatch { query, after },
            1 => {
                let stream = self.shared();
                let Ok(last) = self.last_of(&stream) else { return true };
                Guard::Stream { stream, expected: last.map_or(Expected::NoStream, Expected::Revision) }
            }
            2 => {
                let name = self.reader();
                let position = self.store.checkpoint(&CheckpointName::from_log(&name)).map(|found| found.position.0);
                Guard::Checkpoint { name, position }
            }
            _ => Guard::NoneMatch { query, after },
        };
        let stream = self.shared();
        let parts = vec![self.part(stream, Expected::Any, &[])];
        self.append(history::Append { parts, guards: vec![guard], ..history::Append::default() }).await
    }

    /// Two streams and a checkpoint: all of it or nothing.
    async fn transact(&mut self) -> Answers {
        let (own, shared) = (self.own(), self.shared());
        let (Ok(last), Ok(other)) = (self.last_of(&own), self.last_of(&shared)) else { return true };
        let expected = last.map_or(Expected::NoStream, Expected::Revision);
        let other =
            if self.chance.once_in(2) { Expected::Any } else { other.map_or(Expected::NoStream, Expected::Revision) };
        let parts = vec![self.part(own, expected, &[]), self.part(shared, other, &[])];
        let advances = if self.chance.once_in(2) { vec![(self.reader(), self.store.head().0)] } else { Vec::new() };
        self.append(history::Append { parts, advances, ..history::Append::default() }).await
    }

    /// Sends again what was sent before, by whomever.
    async fn again(&mut self) -> Answers {
        let known = self.notebook.history().appends.len() as u64;
        if known == 0 {
            return true;
        }
        // Rather one of the newest.
        let back = self.chance.below(known).min(self.chance.below(known));
        self.attempt((known - 1 - back) as usize).await
    }

    async fn append(&mut self, append: history::Append) -> Answers {
        let append = self.notebook.history().propose(append);
        self.attempt(append).await
    }

    async fn attempt(&mut self, number: usize) -> Answers {
        let transaction = transaction(&self.notebook.history().appends[number], &self.notebook.payloads());
        let at = self.notebook.tick();
        let ticket = self.notebook.history().invoke(number, at);
        let answer = self.store.transact(transaction).await;
        let outcome = outcome(answer.map(|transacted| placed(&transacted)));
        let is_known = outcome != Outcome::Unknown;
        let at = self.notebook.tick();
        self.notebook.history().answer(ticket, at, outcome);
        is_known
    }

    async fn save(&mut self) -> Answers {
        let stream = self.own();
        let Ok(Some(last)) = self.last_of(&stream) else { return true };
        let revision = if self.chance.once_in(6) { last + 1 } else { self.chance.below(last + 1) };
        let data = self.chance.number().to_be_bytes();
        let mut bytes = Vec::new();
        put_bytes(&mut bytes, 1, stream.as_bytes());
        quipu::model::wire::put_varint(&mut bytes, 2, revision);
        put_bytes(&mut bytes, 3, &data);
        let snapshot = ProposedSnapshot {
            stream: StreamName::from_log(&stream),
            revision: Revision(revision),
            bytes: bytes.into(),
        };
        let saves = self.notebook.save(&stream, revision, digest(&data));
        let outcome = outcome(self.store.save_snapshot(snapshot).await.map(drop));
        let is_known = outcome != Outcome::Unknown;
        let at = self.notebook.tick();
        let save = &mut self.notebook.history().saves[saves];
        (save.returned, save.outcome) = (if is_known { at } else { history::NEVER }, outcome);
        is_known
    }

    fn reader(&self) -> String {
        format!("reader-{}", self.name)
    }

    async fn move_checkpoint(&mut self) -> Answers {
        let name = CheckpointName::from_log(&self.reader());
        let found = self.store.checkpoint(&name).map(|found| found.position);
        let to = (!self.chance.once_in(4) || found.is_none()).then(|| self.chance.below(self.store.head().0 + 1));
        let expected = to.filter(|_| self.chance.once_in(2)).map(|_| found.map(|found| found.0));
        let number = self.notebook.checkpoint_move(name.as_str(), to, expected);
        let change = match to {
            Some(to) => CheckpointChange::Set {
                name,
                position: Position(to),
                expected: expected.map(|expected| expected.map(Position)),
            },
            None => CheckpointChange::Delete(name),
        };
        let outcome = outcome(self.store.change_checkpoint(change).await.map(drop));
        let is_known = outcome != Outcome::Unknown;
        let at = self.notebook.tick();
        let moved = &mut self.notebook.history().moves[number];
        (moved.returned, moved.outcome) = (if is_known { at } else { history::NEVER }, outcome);
        is_known
    }

    /// Reads the log or what a query means, in one go up to the head of now.
    fn read(&mut self) -> Answers {
        let own = self.own();
        let query = any_query(&mut self.chance, own);
        let walk = if self.chance.once_in(2) { Walk::Forwards } else { Walk::Backwards };
        let scope = if self.chance.once_in(3) { Scope::All } else { Scope::Query(query) };
        self.notebook.read(
            &self.store,
            scope,
            walk,
            PageSize { bytes: 4 << 10, events: 1 + self.chance.below(9) as usize },
        );
        true
    }

    /// Asks for a stream, a snapshot and a checkpoint.
    fn ask(&mut self) -> Answers {
        let stream = if self.chance.once_in(2) { self.own() } else { self.shared() };
        self.notebook.read_stream(&self.store, &stream);
        let until = self.chance.below(40);
        self.notebook.ask_snapshot(&self.store, &self.own(), until);
        self.notebook.ask_checkpoint(&self.store, &self.reader());
        true
    }

    fn part(&mut self, stream: String, expected: Expected, tags: &[&str]) -> Part {
        let count = if tags.is_empty() { 1 + self.chance.below(4) } else { 1 };
        let events = (0..count).map(|_| {
            let data = vec![self.chance.number() as u8; self.chance.below(self.data_bytes) as usize];
            let id = (u128::from(self.chance.number()) << 64) | u128::from(self.chance.number());
            let event_type = TYPES[self.chance.below(3) as usize].to_owned();
            let mut all = vec![format!("colour:{}", self.chance.below(4))];
            all.extend(tags.iter().map(|tag| (*tag).to_owned()));
            let event = Proposed { id, digest: digest(&data), event_type, tags: all };
            self.notebook.keep_payload(id, data);
            event
        });
        Part { stream, expected, events: events.collect() }
    }
}

/// Some of the events, by type, tag or category, or those of the stream `own`.
pub(super) fn any_query(chance: &mut Chance, own: String) -> Query {
    let item = QueryItem::default();
    let item = match chance.below(4) {
        0 => QueryItem { types: vec![TYPES[chance.below(3) as usize].into()], ..item },
        1 => QueryItem { tags: vec![format!("colour:{}", chance.below(4))], ..item },
        2 => QueryItem { categories: vec!["shared".into()], tags: vec![format!("colour:{}", chance.below(4))], ..item },
        _ => QueryItem { stream_prefix: Some(own), ..item },
    };
    Query { items: Some(vec![item]), include_system: false }
}

fn transaction(append: &history::Append, payloads: &std::collections::HashMap<u128, Vec<u8>>) -> Transaction {
    let appends = append.parts.iter().map(|part| Append {
        stream: StreamName::from_log(&part.stream),
        expected: expected(part.expected),
        events: part.events.iter().map(|event| proposed(event, &payloads[&event.id])).collect(),
    });
    let guards = append.guards.iter().map(|guard| match guard {
        Guard::Stream { stream, expected: wanted } => {
            quipu::model::Guard::Stream { stream: StreamName::from_log(stream), expected: expected(*wanted) }
        }
        Guard::NoneMatch { query, after } => quipu::model::Guard::NoneMatch(meant(query, *after)),
        Guard::SomeMatch { query, after } => quipu::model::Guard::SomeMatch(meant(query, *after)),
        Guard::Checkpoint { name, position } => {
            quipu::model::Guard::Checkpoint { name: CheckpointName::from_log(name), position: position.map(Position) }
        }
    });
    let advances = append.advances.iter().map(|(name, position)| CheckpointAdvance {
        name: CheckpointName::from_log(name),
        position: Position(*position),
    });
    Transaction { appends: appends.collect(), guards: guards.collect(), advances: advances.collect() }
}

fn meant(query: &Query, after: u64) -> Match {
    Match { query: Arc::new(model_query(query)), after: Position(after) }
}

fn expected(expected: Expected) -> ExpectedRevision {
    match expected {
        Expected::Any => ExpectedRevision::Any,
        Expected::NoStream => ExpectedRevision::NoStream,
        Expected::StreamExists => ExpectedRevision::StreamExists,
        Expected::Revision(revision) => ExpectedRevision::Exactly(Revision(revision)),
    }
}

fn proposed(event: &Proposed, data: &[u8]) -> ProposedEvent {
    let mut bytes = Vec::with_capacity(data.len() + 128);
    put_bytes(&mut bytes, 1, &EventId(event.id).text());
    put_bytes(&mut bytes, 2, event.event_type.as_bytes());
    put_bytes(&mut bytes, 3, data);
    event.tags.iter().for_each(|tag| put_bytes(&mut bytes, 9, tag.as_bytes()));
    ProposedEvent::parse(bytes.into(), &Limits::default()).expect("a good event")
}

fn placed(transacted: &Transacted) -> Placed {
    let firsts = transacted.appends.iter().map(|append| (append.first_revision.0, append.first_position.0));
    Placed { firsts: firsts.collect(), deduplicated: transacted.deduplicated }
}

/// What an answer says. One that failed inside says nothing: it may still be in.
fn outcome<T>(answer: Result<T, Error>) -> Outcome<T> {
    let refusal = match answer {
        Ok(value) => return Outcome::Ok(value),
        Err(Error::Poisoned | Error::ShuttingDown | Error::Internal(_) | Error::Damaged(_)) => return Outcome::Unknown,
        Err(Error::WrongExpectedRevision { stream, actual, head, .. }) => Refusal::WrongRevision {
            stream: stream.as_str().into(),
            actual: actual.map(|actual| actual.0),
            head: head.0,
        },
        Err(Error::GuardNotMet { index, actual, head }) => {
            let actual = match actual {
                Actual::Stream { actual, .. } => history::Actual::Stream(actual.map(|actual| actual.0)),
                Actual::Event(found) => history::Actual::Event(found.position.0),
                Actual::NoEvent => history::Actual::NoEvent,
                Actual::Checkpoint { actual, .. } => history::Actual::Checkpoint(actual.map(|actual| actual.0)),
            };
            Refusal::Guard { index, actual, head: head.0 }
        }
        Err(Error::WrongCheckpoint { name, actual, .. }) => {
            Refusal::WrongCheckpoint { name: name.as_str().into(), actual: actual.map(|actual| actual.0) }
        }
        Err(Error::QueueFull | Error::DiskFull) => Refusal::NoRoom,
        Err(error) => Refusal::Invalid(error.to_string()),
    };
    Outcome::Refused(refusal)
}
