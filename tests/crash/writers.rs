//! Clients that append and save snapshots until the server is gone. They never try again: an append
//! without an answer stays unknown.

use std::sync::Arc;

use quipu_client::{AppendSender, Client, Expected, SnapshotToSave};
use tokio::sync::mpsc;

use crate::chance::Chance;
use crate::events::events;
use crate::witness::{Answer, Witness, is_gone};

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
            let stream = format!("shared-{}", self.chance.below(3));
            match self.append(&stream, Expected::Any).await {
                Answer::In(_) => {}
                Answer::Out(actual) => panic!("refused at {actual:?}, but nothing was expected"),
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
                Some(Ok(answer)) => match witness.answered(append, &answer) {
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

    async fn send(mut self, sender: AppendSender, under_way: mpsc::Sender<u64>) {
        let mut last = self.witness.head("piped");
        loop {
            let size = 1 + self.chance.below(EVENTS_MAX);
            let append = self.witness.propose("piped", exactly(last), size);
            let asked = under_way.send(append).await.is_ok();
            if !asked || sender.send("piped", exactly(last), events(self.seed, append, size)).await.is_err() {
                return;
            }
            last = Some(last.map_or(0, |last| last + 1) + size - 1);
        }
    }

    async fn append(&mut self, stream: &str, expected: Expected) -> Answer {
        let size = 1 + self.chance.below(EVENTS_MAX);
        let append = self.witness.propose(stream, expected, size);
        let answer = self.client.append(stream, expected, events(self.seed, append, size)).await;
        self.witness.answered(append, &answer)
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

/// The folded state in a snapshot.
pub(crate) fn state(stream: &str, revision: u64) -> String {
    format!("{{\"state of\":\"{stream}\",\"at\":{revision}}}")
}

fn exactly(last: Option<u64>) -> Expected {
    last.map_or(Expected::NoStream, Expected::Revision)
}
