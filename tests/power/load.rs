//! Clients that append and save snapshots side by side, and write down what they are told.

use std::cell::RefCell;

use bytes::Bytes;
use futures_util::future::join_all;
use quipu::model::wire::put_bytes;
use quipu::model::{ExpectedRevision, ProposedSnapshot, Revision, StreamName};
use quipu::store::{Append, Store};

use crate::chance::Chance;
use crate::proposals::proposal;
use crate::witness::{Outcome, Tried, Witness};

/// How much is appended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// How many clients there are.
    pub(crate) clients: u64,
    /// How many requests each of them makes.
    pub(crate) requests: u64,
    /// The largest payload.
    pub(crate) data_bytes: u64,
}

/// A few small requests one after another: the same calls to the disk every time.
pub(crate) const SMALL: Load = Load { clients: 1, requests: 14, data_bytes: 700 };

/// Many clients at once.
pub(crate) const LARGE: Load = Load { clients: 8, requests: 25, data_bytes: 3000 };

impl Load {
    /// Runs until all requests are answered or the store is gone.
    pub(crate) fn run(self, store: &Store, witness: &mut Witness, seed: u64) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let told = RefCell::new(std::mem::take(witness));
        let mut chance = Chance::of(seed);
        let clients = (0..self.clients).map(|number| {
            let own = StreamName::from_log(&format!("own-{number}-{:x}", chance.number()));
            Client { load: self, store, told: &told, chance: Chance::of(chance.number()), own, last: None, saved: None }
        });
        runtime.block_on(join_all(clients.map(Client::work)));
        *witness = told.into_inner();
    }
}

struct Client<'a> {
    load: Load,
    store: &'a Store,
    told: &'a RefCell<Witness>,
    chance: Chance,
    /// A stream of its own, and the last revision that it knows of.
    own: StreamName,
    last: Option<Revision>,
    /// The revision of its last snapshot.
    saved: Option<Revision>,
}

impl Client<'_> {
    async fn work(mut self) {
        for _ in 0..self.load.requests {
            let goes_on = match (self.chance.below(6), self.last) {
                (0, Some(last)) if self.saved != self.last => self.save(last).await,
                (1, _) => self.append_wrongly().await,
                (2, _) => self.append_anywhere().await,
                _ => self.append_to_own().await,
            };
            if !goes_on {
                return;
            }
        }
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

    async fn append(&mut self, stream: StreamName, expected: ExpectedRevision) -> (Outcome, u64) {
        let count = 1 + self.chance.below(4);
        let events: Vec<_> = (0..count)
            .map(|_| {
                let fill = self.chance.number() as u8;
                let length = self.chance.below(self.load.data_bytes) as usize;
                proposal(self.chance.id(), &vec![fill; length])
            })
            .collect();
        let tried = Tried { stream: stream.clone(), events: events.clone(), outcome: Outcome::Unknown };
        self.told.borrow_mut().appends.push(tried);
        let number = self.told.borrow().appends.len() - 1;
        let answer = self.store.append(Append { stream, expected, events }).await;
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
