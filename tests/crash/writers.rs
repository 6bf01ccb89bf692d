//! Clients that append and save snapshots until the server is gone. An append without an answer stays
//! unknown to them; now and then they send again what is known to be in.

use std::ops::Range;
use std::sync::Arc;

use quipu_client::{
    AppendSender, Appended, Client, Error, Expected, Guard, Query, QueryItem, SnapshotToSave, Transaction,
};
use tokio::sync::mpsc;

use crate::chance::Chance;
use crate::events::{events, tag};
use crate::witness::{Answer, Tried, Witness, is_gone, places};

/// How many appends of a session may wait for their answers.
const UNDER_WAY: usize = 32;

/// The most events of an append.
const EVENTS_MAX: u64 = 20;

/// A client and what it needs for its work.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) client: Client,
    pub(crate) witness: Arc<Witness>,
    pub(crate) chance: Chance,
    /// What its events are made from.
    pub(crate) seed: u64,
}

impl Writer {
    /// Appends to a stream of its own with exact revisions, now and then with a wrong one or to a
    /// new stream, and saves snapshots of what was acknowledged.
    pub(crate) async fn keep_a_stream(mut self, stream: String) {
        let mut last = self.witness.head(&stream);
        let mut saved = None;
        loop {
            let goes_on = match (self.chance.below(8), last) {
                (0, _) => self.append(&stream, Expected::Revision(1 << 40)).await != Answer::Gone,
                (1, _) => {
                    let new = format!("new-{:x}", self.chance.number());
                    self.append(&new, Expected::NoStream).await != Answer::Gone
                }
                (2, Some(revision)) if saved != last => {
                    saved = last;
                    self.save(&stream, revision).await
                }
                _ => match self.append(&stream, exactly(last)).await {
                    Answer::In(appended) => {
                        last = Some(appended.last_revision);
                        true
                    }
                    Answer::Out(actual) => panic!("{stream} is at {actual:?}, nobody else appends to it"),
                    Answer::Gone => false,
                },
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Appends without a condition to streams that others append to as well.
    pub(crate) async fn share(mut self) {
        loop {
            let stream = self.shared();
            match self.append(&stream, Expected::Any).await {
                Answer::In(_) => {}
                Answer::Out(actual) => panic!("refused at {actual:?}, but nothing was expected"),
                Answer::Gone => return,
            }
        }
    }

    /// Appends to a stream of its own, one that others append to as well, and a new one: to all or none.
    pub(crate) async fn transact(mut self, stream: String) {
        let mut last = self.witness.head(&stream);
        loop {
            let mut asked = vec![(stream.clone(), exactly(last)), (self.shared(), Expected::Any)];
            if self.chance.once_in(2) {
                asked.push((format!("new-{:x}", self.chance.number()), Expected::NoStream));
            }
            let guarded = self.chance.once_in(2);
            match self.ask(asked, guarded).await {
                Answer::In(appended) => last = Some(appended.last_revision),
                Answer::Out(actual) => panic!("{stream} is at {actual:?}, nobody else appends to it"),
                Answer::Gone => return,
            }
        }
    }

    /// Races others for each revision of one stream.
    pub(crate) async fn compete(mut self) {
        let mut last = self.witness.head("contested");
        loop {
            match self.append("contested", exactly(last)).await {
                Answer::In(appended) => last = Some(appended.last_revision),
                Answer::Out(actual) => last = actual,
                Answer::Gone => return,
            }
        }
    }

    /// Appends through a session, each append building on those that are not answered yet.
    pub(crate) async fn pipeline(self) {
        let session = match self.client.append_session().await {
            Ok(session) => session,
            Err(error) if is_gone(&error) => return,
            Err(error) => panic!("no session: {error:?}"),
        };
        let witness = self.witness.clone();
        let (sender, mut receiver) = session.split();
        let (under_way, mut asked) = mpsc::channel(UNDER_WAY);
        let sending = tokio::spawn(self.send(sender, under_way));
        while let Some(append) = asked.recv().await {
            match receiver.next().await {
                Some(Ok(answer)) => match witness.answered(&append, &answer.map(|place| vec![place])) {
                    Answer::In(_) => {}
                    Answer::Out(actual) => panic!("piped is at {actual:?}, nobody else appends to it"),
                    Answer::Gone => break,
                },
                Some(Err(error)) if is_gone(&error) => break,
                end => panic!("the session ended in a way that no kill explains: {end:?}"),
            }
        }
        sending.abort();
    }

    async fn send(mut self, sender: AppendSender, under_way: mpsc::Sender<Range<u64>>) {
        let mut last = self.witness.head("piped");
        loop {
            let size = 1 + self.chance.below(EVENTS_MAX);
            let append = self.witness.propose(&[("piped".to_owned(), exactly(last), size)], false);
            let batch = events(self.seed, append.start, size);
            let asked = under_way.send(append).await.is_ok();
            if !asked || sender.send("piped", exactly(last), batch).await.is_err() {
                return;
            }
            last = Some(last.map_or(0, |last| last + 1) + size - 1);
        }
    }

    async fn append(&mut self, stream: &str, expected: Expected) -> Answer {
        let guarded = self.chance.once_in(3);
        self.ask(vec![(stream.to_owned(), expected)], guarded).await
    }

    /// Asks for appends that go in together, some time after it has sent something again.
    async fn ask(&mut self, asked: Vec<(String, Expected)>, guarded: bool) -> Answer {
        while self.chance.once_in(2) {
            let Some(earlier) = self.witness.any_in(&mut self.chance) else { break };
            let answer = send(&self.client, &self.witness, self.seed, &earlier).await;
            if !self.witness.retried(&earlier, &answer) {
                return Answer::Gone;
            }
        }
        let most = EVENTS_MAX / asked.len() as u64;
        let sized = asked.into_iter().map(|(stream, expected)| (stream, expected, 1 + self.chance.below(most)));
        let sized: Vec<_> = sized.collect();
        let parts = self.witness.propose(&sized, guarded);
        let answer = send(&self.client, &self.witness, self.seed, &parts).await;
        self.witness.answered(&parts, &answer)
    }

    /// The name of a stream that others append to as well.
    fn shared(&mut self) -> String {
        format!("shared-{}", self.chance.below(3))
    }

    async fn save(&mut self, stream: &str, revision: u64) -> bool {
        match self.client.save_snapshot(SnapshotToSave::new(stream, revision, state(stream, revision))).await {
            Ok(_) => self.witness.saved(stream, revision),
            Err(error) if is_gone(&error) => return false,
            Err(error) => panic!("the snapshot of {stream} at {revision} failed: {error:?}"),
        }
        true
    }
}

/// Sends a request as it was taken down, the first time or again.
pub(crate) async fn send(
    client: &Client,
    witness: &Witness,
    seed: u64,
    parts: &Range<u64>,
) -> Result<Vec<Appended>, Error> {
    let tried = witness.appends()[places(parts)].to_vec();
    let none_of = |append| Guard::none_match(Query::item(QueryItem::new().tags([tag(append)])));
    let guards = if tried[0].guarded { parts.clone().map(none_of).collect() } else { Vec::new() };
    if let [Tried { stream, expected, size, .. }] = &tried[..] {
        let batch = events(seed, parts.start, *size);
        return client.append_guarded(stream, *expected, batch, guards).await.map(|place| vec![place]);
    }
    let whole = parts.clone().zip(tried).fold(Transaction::new(), |whole, (append, tried)| {
        whole.append(tried.stream, tried.expected, events(seed, append, tried.size))
    });
    client.transact(guards.into_iter().fold(whole, Transaction::guard)).await.map(|done| done.appends)
}

/// The folded state in a snapshot.
pub(crate) fn state(stream: &str, revision: u64) -> String {
    format!("{{\"state of\":\"{stream}\",\"at\":{revision}}}")
}

fn exactly(last: Option<u64>) -> Expected {
    last.map_or(Expected::NoStream, Expected::Revision)
}
