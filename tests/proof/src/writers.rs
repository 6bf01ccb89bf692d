//! Clients that append in every way there is until the server is gone, and now and then send again what is known
//! to be in. An append without an answer stays unknown to them.

use std::sync::Arc;
use std::time::Duration;

use quipu_client::{AppendSender, Client};
use quipu_proof::history::{Append, Expected, Guard, Part, Query, QueryItem, Refusal, Ticket};
use tokio::sync::mpsc;

use crate::chance::Chance;
use crate::events::{TYPES, large, proposals};
use crate::recorder::{Answer, Recorder};
use crate::speech::{events, wanted};

/// How many appends of a session may wait for their answers.
const UNDER_WAY: usize = 32;

/// The most events of an append.
const EVENTS_MAX: u64 = 20;

/// What can be claimed once.
const CLAIMS: u64 = 400;

/// How long a client waits that was told that there is no room.
const NO_ROOM_PAUSE: Duration = Duration::from_millis(20);

/// A client and what it needs for its work.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    pub(crate) client: Client,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) chance: Chance,
}

impl Writer {
    /// Appends to a stream of its own with exact revisions, now and then with a wrong one or to a new stream.
    pub(crate) async fn keep_a_stream(mut self, stream: String) {
        let mut last = self.recorder.head_of(&stream);
        loop {
            let (name, expected) = match self.chance.below(8) {
                0 => (stream.clone(), Expected::Revision(1 << 40)),
                1 => (self.new_stream(), Expected::NoStream),
                _ => (stream.clone(), exactly(last)),
            };
            match self.append(&name, expected).await {
                Answer::In(places) if name == stream => last = Some(places[0].last_revision),
                Answer::In(_) => {}
                Answer::Out(refusal) => self.expect_no_conflict(&name, expected, last, &refusal),
                Answer::Gone => return,
            }
        }
    }

    /// Appends to streams that others append to as well.
    pub(crate) async fn share(mut self) {
        loop {
            let (stream, expected) = (self.shared(), self.any_or_some());
            if self.append(&stream, expected).await == Answer::Gone {
                return;
            }
        }
    }

    /// Races others for each revision of one stream.
    pub(crate) async fn compete(mut self) {
        let mut last = self.recorder.head_of("contested");
        loop {
            match self.append("contested", exactly(last)).await {
                Answer::In(places) => last = Some(places[0].last_revision),
                Answer::Out(Refusal::WrongRevision { actual, .. }) => last = actual,
                Answer::Out(_) => {}
                Answer::Gone => return,
            }
        }
    }

    /// Appends to a stream of its own, one that others append to as well, and a new one, and moves a checkpoint
    /// with it: to all or none.
    pub(crate) async fn transact(mut self, stream: String) {
        let mut last = self.recorder.head_of(&stream);
        let mut checkpoint = match self.client.get_checkpoint(&stream).await {
            Ok(found) => found.map(|found| found.position),
            Err(error) => return self.recorder.failed("a checkpoint", &error),
        };
        loop {
            let mut asked = vec![(stream.clone(), exactly(last)), (self.shared(), Expected::Any)];
            if self.chance.once_in(2) {
                asked.push((self.new_stream(), Expected::NoStream));
            }
            let mut append = self.request(asked);
            let head = self.recorder.answers.borrow().head;
            let moves = self.chance.once_in(2) && checkpoint.is_none_or(|at| at < head) && head > 0;
            if moves {
                append.advances.push((stream.clone(), head));
                append.guards.push(Guard::Checkpoint { name: stream.clone(), position: checkpoint });
            }
            match self.ask(append).await {
                Answer::In(places) => {
                    last = Some(places[0].last_revision);
                    checkpoint = if moves { Some(head) } else { checkpoint };
                }
                Answer::Out(Refusal::NoRoom) => {}
                Answer::Out(refusal) => {
                    return self.recorder.surprise(format!("a transaction of nobody else's was refused: {refusal:?}"));
                }
                Answer::Gone => return,
            }
        }
    }

    /// Claims what can be claimed once, says more about what was claimed, and counts from where it has read.
    pub(crate) async fn claim(mut self) {
        loop {
            let claim = format!("claim:{}", self.chance.below(CLAIMS));
            let query = tagged(&claim);
            let head = self.recorder.answers.borrow().head;
            let kind = TYPES[usize::try_from(self.chance.below(3)).expect("a small number")];
            let item = QueryItem {
                types: vec![kind.into()],
                categories: vec!["shared".into()],
                stream_prefix: Some("shared-".into()),
                ..QueryItem::default()
            };
            let recent = Query { items: Some(vec![item]), include_system: false };
            let guard = match self.chance.below(4) {
                0 => Guard::SomeMatch { query, after: 0 },
                1 => Guard::NoneMatch { query: recent, after: head },
                2 => Guard::Stream { stream: "contested".into(), expected: Expected::StreamExists },
                _ => Guard::NoneMatch { query, after: 0 },
            };
            let mut append = self.request(vec![("claims".into(), Expected::Any)]);
            append.parts[0].events = proposals(&mut self.chance, 1, &[claim]);
            append.guards = vec![guard];
            if self.ask(append).await == Answer::Gone {
                return;
            }
        }
    }

    /// Appends through a session, each append building on those that are not answered yet.
    pub(crate) async fn pipeline(self) {
        let session = match self.client.append_session().await {
            Ok(session) => session,
            Err(error) => return self.recorder.failed("a session", &error),
        };
        let recorder = self.recorder.clone();
        let (sender, mut receiver) = session.split();
        let (under_way, mut asked) = mpsc::channel(UNDER_WAY);
        let sending = tokio::spawn(self.send(sender, under_way));
        while let Some((ticket, append)) = asked.recv().await {
            let answer = match receiver.next().await {
                Some(Ok(answer)) => answer.map(|place| vec![place]),
                Some(Err(error)) => {
                    recorder.failed("a session", &error);
                    break;
                }
                None => break,
            };
            match recorder.answered(ticket, &append, &answer) {
                Answer::In(_) => {}
                // Those behind it build on it.
                Answer::Out(Refusal::NoRoom) | Answer::Gone => break,
                Answer::Out(refusal) => {
                    recorder.surprise(format!("a session was refused: {refusal:?}"));
                    break;
                }
            }
        }
        sending.abort();
    }

    async fn send(mut self, sender: AppendSender, under_way: mpsc::Sender<(Ticket, Append)>) {
        let mut last = self.recorder.head_of("piped");
        loop {
            let append = self.request(vec![("piped".to_owned(), exactly(last))]);
            let part = append.parts[0].clone();
            let ticket = self.recorder.begin(append.clone());
            let asked = under_way.send((ticket, append)).await.is_ok();
            if !asked || sender.send("piped", wanted(part.expected), events(&part)).await.is_err() {
                return;
            }
            last = Some(last.map_or(0, |last| last + 1) + part.events.len() as u64 - 1);
        }
    }

    /// Appends events of a size that fills a small disk soon.
    pub(crate) async fn fill(mut self) {
        loop {
            let mut append = self.request(vec![("large".into(), Expected::Any)]);
            append.parts[0].events = large(&mut self.chance);
            if self.ask(append).await == Answer::Gone {
                return;
            }
        }
    }

    async fn append(&mut self, stream: &str, expected: Expected) -> Answer {
        let mut append = self.request(vec![(stream.to_owned(), expected)]);
        if self.chance.once_in(3) {
            let mark = format!("own:{:x}", append.parts[0].events[0].id);
            let query = tagged(&mark);
            append.parts[0].events.iter_mut().for_each(|event| event.tags.push(mark.clone()));
            append.guards.push(Guard::NoneMatch { query, after: 0 });
        }
        self.ask(append).await
    }

    /// Asks, some time after it has sent something again.
    async fn ask(&mut self, append: Append) -> Answer {
        while self.chance.once_in(2) {
            let Some(earlier) = self.recorder.any_in(&mut self.chance) else { break };
            if self.recorder.again(&self.client, earlier).await == Answer::Gone {
                return Answer::Gone;
            }
        }
        let answer = self.recorder.ask(&self.client, append).await;
        if answer == Answer::Out(Refusal::NoRoom) {
            tokio::time::sleep(NO_ROOM_PAUSE).await;
        }
        answer
    }

    fn request(&mut self, asked: Vec<(String, Expected)>) -> Append {
        let most = EVENTS_MAX / asked.len() as u64;
        let part = |(stream, expected): (String, Expected)| {
            let count = 1 + self.chance.below(most);
            Part { stream, expected, events: proposals(&mut self.chance, count, &[]) }
        };
        Append { parts: asked.into_iter().map(part).collect(), ..Append::default() }
    }

    fn expect_no_conflict(&self, stream: &str, expected: Expected, last: Option<u64>, refusal: &Refusal) {
        if *refusal != Refusal::NoRoom && expected == exactly(last) && expected != Expected::Revision(1 << 40) {
            self.recorder
                .surprise(format!("{stream}, which nobody else appends to, refused {expected:?}: {refusal:?}"));
        }
    }

    fn new_stream(&mut self) -> String {
        format!("new-{:x}", self.chance.number())
    }

    fn shared(&mut self) -> String {
        format!("shared-{}", self.chance.below(3))
    }

    fn any_or_some(&mut self) -> Expected {
        if self.chance.once_in(4) { Expected::StreamExists } else { Expected::Any }
    }
}

/// What has a tag.
fn tagged(tag: &str) -> Query {
    let item = QueryItem { tags: vec![tag.to_owned()], ..QueryItem::default() };
    Query { items: Some(vec![item]), include_system: false }
}

fn exactly(last: Option<u64>) -> Expected {
    last.map_or(Expected::NoStream, Expected::Revision)
}
