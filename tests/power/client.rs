//! A client that appends, saves snapshots, moves its checkpoint, ends a stream's life, and claims what must go to
//! one only.

use std::cell::RefCell;
use std::sync::Arc;

use bytes::Bytes;
use quipu::model::wire::put_bytes;
use quipu::model::{
    CheckpointName, ExpectedRevision, Guard, Limits, Match, Position, ProposedEvent, ProposedSnapshot, Query,
    QueryItem, Revision, StreamName,
};
use quipu::store::{Append, CheckpointAdvance, CheckpointChange, LifeChange, LifeEvent, Store, Transaction};

use crate::chance::Chance;
use crate::load::{CLAIMS, Load, claim};
use crate::questions::tagged;
use crate::tracks::{Life, Track, is_unknown};
use crate::witness::{Outcome, Tried, Witness};

/// A client.
pub(crate) struct Client<'a> {
    load: Load,
    store: &'a Store,
    told: &'a RefCell<Witness>,
    chance: Chance,
    /// A stream of its own, and the last revision that it knows of.
    own: StreamName,
    last: Option<Revision>,
    /// The revision of its last snapshot.
    saved: Option<Revision>,
    /// A stream that it deletes now and then, how many events that has, and from where they are shown.
    mortal: StreamName,
    events: u64,
    first: u64,
    /// Its checkpoint.
    reader: CheckpointName,
}

impl<'a> Client<'a> {
    pub(crate) fn new(load: Load, store: &'a Store, told: &'a RefCell<Witness>, chance: Chance, name: &str) -> Self {
        let own = StreamName::from_log(&format!("own-{name}"));
        let mortal = StreamName::from_log(&format!("mortal-{name}"));
        let reader = CheckpointName::from_log(&format!("reader-{name}"));
        let mut witness = told.borrow_mut();
        // The same seed makes the same names: what was told of them before still holds.
        witness.tracks.checkpoints.entry(reader.clone()).or_insert(Track::of(None));
        witness.tracks.lives.entry(mortal.clone()).or_insert(Track::of(Life::Absent));
        drop(witness);
        Self { load, store, told, chance, own, last: None, saved: None, mortal, events: 0, first: 0, reader }
    }

    /// Makes its requests, until one is not answered.
    pub(crate) async fn work(mut self) {
        for _ in 0..self.load.requests {
            let goes_on = match (self.chance.below(12), self.last) {
                (0, Some(last)) if self.saved != self.last => self.save(last).await,
                (1, _) => self.append_wrongly().await,
                (2, _) => self.append_anywhere().await,
                (3, _) => self.claim().await,
                (4, _) => self.change_checkpoint().await,
                (5 | 6, _) if self.life() != Life::Tombstoned => self.append_to_mortal().await,
                (7, _) if matches!(self.life(), Life::Alive(_)) => self.end_life().await,
                (8 | 9, Some(last)) if self.life() != Life::Tombstoned => self.transact(last).await,
                _ => self.append_to_own().await,
            };
            if !goes_on {
                return;
            }
        }
    }

    fn life(&self) -> Life {
        self.told.borrow().tracks.lives[&self.mortal].told
    }

    fn checkpoint(&self) -> Option<u64> {
        self.told.borrow().tracks.checkpoints[&self.reader].told
    }

    fn on_checkpoint<T>(&self, change: impl FnOnce(&mut Track<Option<u64>>) -> T) -> T {
        change(self.told.borrow_mut().tracks.checkpoints.get_mut(&self.reader).expect("its own"))
    }

    fn on_life<T>(&self, change: impl FnOnce(&mut Track<Life>) -> T) -> T {
        change(self.told.borrow_mut().tracks.lives.get_mut(&self.mortal).expect("its own"))
    }

    async fn append_to_own(&mut self) -> bool {
        let expected = self.last.map_or(ExpectedRevision::NoStream, ExpectedRevision::Exactly);
        let (outcome, events) = self.append(self.own.clone(), expected).await;
        assert_ne!(outcome, Outcome::Out, "nobody else appends to this stream");
        if let Outcome::In(first, _) = outcome {
            self.last = Some(Revision(first.0 + events - 1));
        }
        outcome != Outcome::Unknown
    }

    async fn append_anywhere(&mut self) -> bool {
        let stream = StreamName::from_log(&format!("shared-{}", self.chance.below(3)));
        self.append(stream, ExpectedRevision::Any).await.0 != Outcome::Unknown
    }

    async fn append_wrongly(&mut self) -> bool {
        let (outcome, _) = self.append(self.own.clone(), ExpectedRevision::Exactly(Revision(1 << 40))).await;
        assert!(!matches!(outcome, Outcome::In(..)), "an append with a wrong expectation went in");
        outcome != Outcome::Unknown
    }

    /// Begins its life, goes on with it, or revives it.
    async fn append_to_mortal(&mut self) -> bool {
        self.ask_for_life();
        let (outcome, events) = self.append(self.mortal.clone(), ExpectedRevision::Any).await;
        self.lives(outcome, events)
    }

    fn ask_for_life(&self) {
        self.on_life(|life| life.ask(Life::Alive(self.first)));
    }

    fn lives(&mut self, outcome: Outcome, events: u64) -> bool {
        if outcome == Outcome::Unknown {
            return false;
        }
        let is_in = matches!(outcome, Outcome::In(..));
        self.on_life(|life| life.answered(is_in));
        self.events += if is_in { events } else { 0 };
        true
    }

    async fn end_life(&mut self) -> bool {
        let (what, then) = match self.chance.below(4) {
            0 => (LifeEvent::Tombstoned, Life::Tombstoned),
            _ => (LifeEvent::Deleted, Life::Deleted),
        };
        self.on_life(|life| life.ask(then));
        let (stream, expected) = (self.mortal.clone(), ExpectedRevision::Any);
        let answer = self.store.change_life(LifeChange { stream, expected, what }).await;
        if is_unknown(&answer) {
            return false;
        }
        self.on_life(|life| life.answered(answer.is_ok()));
        if answer.is_ok() {
            self.first = self.events;
        }
        true
    }

    async fn change_checkpoint(&mut self) -> bool {
        let (name, position) = (self.reader.clone(), Position(self.chance.below(self.store.head().0 + 1)));
        let is_deletion = self.checkpoint().is_some() && self.chance.once_in(3);
        self.on_checkpoint(|checkpoint| checkpoint.ask((!is_deletion).then_some(position.0)));
        let change = match is_deletion {
            true => CheckpointChange::Delete(name),
            false => CheckpointChange::Set { name, position, expected: Some(self.checkpoint().map(Position)) },
        };
        let answer = self.store.change_checkpoint(change).await;
        let is_known = !is_unknown(&answer);
        if is_known {
            self.on_checkpoint(|checkpoint| checkpoint.answered(answer.is_ok()));
        }
        is_known
    }

    /// Two streams and a checkpoint: all of it or nothing.
    async fn transact(&mut self, last: Revision) -> bool {
        let to = self.store.head().0;
        let streams =
            [(self.own.clone(), ExpectedRevision::Exactly(last)), (self.mortal.clone(), ExpectedRevision::Any)];
        let appends = streams.map(|(stream, expected)| Append { stream, expected, events: self.proposals(&[]) });
        let counts = [0, 1].map(|number: usize| appends[number].events.len() as u64);
        let numbers = [0, 1].map(|number: usize| self.tries(&appends[number]));
        self.ask_for_life();
        self.on_checkpoint(|checkpoint| checkpoint.ask(Some(to)));
        let advances = vec![CheckpointAdvance { name: self.reader.clone(), position: Position(to) }];
        let transaction = Transaction { appends: appends.into(), guards: Vec::new(), advances };
        let answer = self.store.transact(transaction).await;
        for (part, number) in numbers.into_iter().enumerate() {
            let part = answer.as_ref().map(|transacted| transacted.appends[part]).map_err(Clone::clone);
            self.told.borrow_mut().appends[number].answered(&part);
        }
        if is_unknown(&answer) {
            // A checkpoint that was there before tells nothing of the transaction.
            if self.checkpoint() != Some(to) {
                self.told.borrow_mut().unanswered.push((numbers, self.reader.clone(), to));
            }
            return false;
        }
        self.on_checkpoint(|checkpoint| checkpoint.answered(answer.is_ok()));
        let outcome = self.told.borrow().appends[numbers[1]].outcome;
        self.last = answer.map_or(self.last, |_| Some(Revision(last.0 + counts[0])));
        self.lives(outcome, counts[1])
    }

    /// Claims what nobody has claimed before.
    async fn claim(&mut self) -> bool {
        let tag = claim(self.chance.below(CLAIMS));
        let item = QueryItem { tags: vec![tag.clone()], ..QueryItem::default() };
        let query = Arc::new(Query::of(vec![item], &Limits::default()).expect("a query"));
        let guards = vec![Guard::NoneMatch(Match { query, after: Position::ZERO })];
        let (stream, expected) = (StreamName::from_log("shared-claims"), ExpectedRevision::Any);
        let append = Append { stream, expected, events: self.proposals(&[&tag]) };
        let append = Append { events: append.events[..1].to_vec(), ..append };
        let number = self.tries(&append);
        let answer = self.store.transact(Transaction { appends: vec![append], guards, advances: Vec::new() }).await;
        let tried = &mut self.told.borrow_mut().appends[number];
        tried.answered(&answer.map(|transacted| transacted.appends[0]));
        tried.outcome != Outcome::Unknown
    }

    fn proposals(&mut self, tags: &[&str]) -> Vec<ProposedEvent> {
        let count = 1 + self.chance.below(4);
        let proposed = (0..count).map(|_| {
            let fill = self.chance.number() as u8;
            let length = self.chance.below(self.load.data_bytes) as usize;
            let size = format!("size:{}", length % 3);
            tagged(self.chance.id(), &vec![fill; length], &[&[size.as_str()], tags].concat())
        });
        proposed.collect()
    }

    /// Notes an append that is going to be tried.
    fn tries(&self, append: &Append) -> usize {
        let (stream, events) = (append.stream.clone(), append.events.clone());
        let appends = &mut self.told.borrow_mut().appends;
        appends.push(Tried { stream, events, outcome: Outcome::Unknown });
        appends.len() - 1
    }

    async fn append(&mut self, stream: StreamName, expected: ExpectedRevision) -> (Outcome, u64) {
        let append = Append { stream, expected, events: self.proposals(&[]) };
        let (number, count) = (self.tries(&append), append.events.len() as u64);
        let answer = self.store.append(append).await;
        let tried = &mut self.told.borrow_mut().appends[number];
        tried.answered(&answer);
        (tried.outcome, count)
    }

    async fn save(&mut self, revision: Revision) -> bool {
        self.saved = Some(revision);
        let mut bytes = Vec::new();
        put_bytes(&mut bytes, 1, self.own.as_str().as_bytes());
        bytes.extend([2 << 3, u8::try_from(revision.0).expect("few events") & 0x7f]);
        put_bytes(&mut bytes, 3, &self.chance.number().to_be_bytes());
        let bytes = Bytes::from(bytes);
        let snapshot = ProposedSnapshot { stream: self.own.clone(), revision, bytes: bytes.clone() };
        let saved = self.store.save_snapshot(snapshot).await;
        if saved.is_ok() {
            self.told.borrow_mut().snapshots.push((self.own.clone(), revision, bytes));
        }
        saved.is_ok()
    }
}
