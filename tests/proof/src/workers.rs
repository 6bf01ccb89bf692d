//! All clients of a server at work, and their ends when it is gone.

use std::collections::BTreeMap;
use std::sync::Arc;

use quipu_client::Client;
use quipu_proof::history::{Query, QueryItem, Scope};
use tokio::task::JoinSet;

use crate::chance::Chance;
use crate::life::Failure;
use crate::readers::{Reader, some_types};
use crate::recorder::Recorder;
use crate::server::within;
use crate::writers::Writer;

/// Where each subscriber goes on.
pub(crate) type Cursors = BTreeMap<&'static str, u64>;

/// Clients that work until their server is gone.
#[derive(Debug)]
pub(crate) struct Workers {
    recorder: Arc<Recorder>,
    chance: Chance,
    tasks: JoinSet<()>,
    subscribers: JoinSet<(&'static str, u64)>,
}

impl Workers {
    pub(crate) fn new(recorder: Arc<Recorder>, chance: Chance) -> Self {
        Self { recorder, chance, tasks: JoinSet::new(), subscribers: JoinSet::new() }
    }

    fn writer(&mut self, client: &Client) -> Writer {
        let (recorder, chance) = (self.recorder.clone(), Chance::of(self.chance.number()));
        Writer { client: client.clone(), recorder, chance }
    }

    /// Writers of every kind.
    pub(crate) fn write(&mut self, client: &Client) {
        for number in 0..10_u64 {
            let writer = self.writer(client);
            match number {
                0..3 => self.tasks.spawn(writer.keep_a_stream(format!("own-{number}"))),
                3..5 => self.tasks.spawn(writer.share()),
                5..7 => self.tasks.spawn(writer.compete()),
                7..9 => self.tasks.spawn(writer.transact(format!("paired-{number}"))),
                _ => self.tasks.spawn(writer.pipeline()),
            };
        }
        let claimant = self.writer(client);
        self.tasks.spawn(claimant.claim());
    }

    /// A writer of large events.
    pub(crate) fn fill(&mut self, client: &Client) {
        let writer = self.writer(client);
        self.tasks.spawn(writer.fill());
    }

    /// Writers that anybody may end at any time: nothing is only theirs.
    pub(crate) fn write_loosely(&mut self, client: &Client) {
        let (sharing, competing) = (self.writer(client), self.writer(client));
        self.tasks.spawn(sharing.share());
        self.tasks.spawn(competing.compete());
    }

    /// Readers and subscribers of every kind, and those who keep snapshots and checkpoints.
    pub(crate) fn look(&mut self, client: &Client, cursors: &Cursors) {
        let reader = Reader { client: client.clone(), recorder: self.recorder.clone() };
        self.tasks.spawn(reader.clone().look_around(Chance::of(self.chance.number())));
        self.tasks.spawn(reader.clone().keep_snapshots("own-0".into()));
        self.tasks.spawn(reader.clone().keep_snapshots("contested".into()));
        self.tasks.spawn(reader.clone().keep_a_checkpoint("reader-0".into(), Chance::of(self.chance.number())));
        for (name, scope) in subscriptions() {
            let (reader, from) = (reader.clone(), cursors.get(name).copied().unwrap_or(first_of(&scope)));
            self.subscribers.spawn(async move { (name, reader.follow(scope, from).await) });
        }
    }

    /// Waits for everybody's end; returns where subscribers go on.
    pub(crate) async fn end(mut self, cursors: &Cursors) -> Result<Cursors, Failure> {
        while let Some(ended) = within("the clients' ends", self.tasks.join_next()).await.map_err(|late| vec![late])? {
            ended.map_err(|error| vec![format!("a client failed: {error}")])?;
        }
        let mut cursors = cursors.clone();
        let late = |late| vec![late];
        while let Some(ended) = within("the subscribers' ends", self.subscribers.join_next()).await.map_err(late)? {
            let (name, until) = ended.map_err(|error| vec![format!("a subscriber failed: {error}")])?;
            cursors.insert(name, until);
        }
        Ok(cursors)
    }
}

/// Who follows what.
fn subscriptions() -> [(&'static str, Scope); 4] {
    let claimed = QueryItem { stream_prefix: Some("claim".into()), ..QueryItem::default() };
    [
        ("everything", Scope::All),
        ("types", Scope::Query(some_types())),
        ("claims", Scope::Query(Query { items: Some(vec![claimed]), include_system: false })),
        ("contested", Scope::Stream("contested".into())),
    ]
}

/// The first place of a scope.
fn first_of(scope: &Scope) -> u64 {
    match scope {
        Scope::All | Scope::Query(_) => 1,
        Scope::Stream(_) => 0,
    }
}
