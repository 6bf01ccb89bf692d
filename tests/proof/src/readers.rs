//! Clients that look, and take down what they are shown: readers, subscribers, and those who keep snapshots and
//! checkpoints.

use std::sync::Arc;

use quipu_client::{
    Client, Error, ExpectedCheckpoint, LogReading, Message, ReadAll, ReadStream, RecordedEvent, RetryPolicy,
    SnapshotToSave, SubscribeAll, SubscribeStream, Subscription,
};
use quipu_proof::history::{
    CheckpointMove, CheckpointView, Event, NEVER, Outcome, Query, QueryItem, Scope, SnapshotSave, SnapshotView, View,
    Walk, digest,
};

use crate::chance::Chance;
use crate::events::{shown, state, state_digest};
use crate::recorder::Recorder;
use crate::speech::{question, refusal};

/// The most events that a reader looks at in one go.
const LOOK: u64 = 300;

/// A client that looks.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    pub(crate) client: Client,
    pub(crate) recorder: Arc<Recorder>,
}

impl Reader {
    /// The position of the last event.
    pub(crate) async fn head(&self) -> Result<u64, Error> {
        Ok(self.client.server_info().await?.head)
    }

    /// Reads what lies behind a position, or what of it matches.
    pub(crate) async fn log_after(&self, position: u64, scope: Scope) -> Result<Vec<Event>, Error> {
        let invoked = self.recorder.now();
        let head = self.head().await?;
        let mut view = View {
            reader: format!("a reader from {}", position + 1),
            invoked,
            returned: self.recorder.now(),
            scope,
            walk: Walk::Forwards,
            from: position + 1,
            until: head + 1,
            is_pinned: true,
            events: Vec::new(),
        };
        if head > position {
            let read = ReadAll::new().from_position(position + 1);
            let read = match &view.scope {
                Scope::Query(query) => read.query(question(query)),
                Scope::All | Scope::Stream(_) => read,
            };
            view.invoked = self.recorder.now();
            let (events, head) = drain(self.client.read_all(read).await?).await?;
            (view.until, view.events) = (head + 1, events);
        }
        let events = view.events.clone();
        self.take_down(view);
        Ok(events)
    }

    /// Reads so many of the newest events, newest first.
    pub(crate) async fn backwards(&self, most: u64) -> Result<(), Error> {
        let invoked = self.recorder.now();
        if most == 0 || self.head().await? == 0 {
            return Ok(());
        }
        let reading = self.client.read_all(ReadAll::new().backwards().limit(most)).await?;
        let (events, head) = drain(reading).await?;
        let from = events.last().map_or(head + 1, |event| event.position);
        self.take_down(View {
            reader: format!("a reader of the newest {most}, backwards"),
            invoked,
            returned: 0,
            scope: Scope::All,
            walk: Walk::Backwards,
            from,
            until: head + 1,
            is_pinned: true,
            events,
        });
        Ok(())
    }

    /// Reads a stream from a revision on.
    pub(crate) async fn stream(&self, stream: &str, from: u64) -> Result<(), Error> {
        let invoked = self.recorder.now();
        let mut reading = self.client.read_stream(ReadStream::new(stream).from_revision(from)).await?;
        let mut events = Vec::new();
        while let Some(batch) = reading.next_batch().await {
            events.extend(batch?.iter().map(shown));
        }
        let last = events.last().map(|event: &Event| event.revision);
        let until = reading.head_revision().or(last).map_or(0, |revision| revision + 1);
        self.take_down(View {
            reader: format!("a reader of {stream} from {from}"),
            invoked,
            returned: 0,
            scope: Scope::Stream(stream.into()),
            walk: Walk::Forwards,
            from,
            until,
            is_pinned: true,
            events,
        });
        Ok(())
    }

    /// Asks for a snapshot.
    pub(crate) async fn snapshot(&self, stream: &str, at_or_before: u64) -> Result<(), Error> {
        let invoked = self.recorder.now();
        let found = self.client.get_snapshot(stream, Some(at_or_before)).await?;
        let found = found.map(|found| (found.revision, digest(&found.data)));
        let (stream, returned) = (stream.to_owned(), self.recorder.now());
        let view = SnapshotView { stream, at_or_before, invoked, returned, found };
        self.recorder.history().snapshots.push(view);
        Ok(())
    }

    /// Asks for a checkpoint.
    pub(crate) async fn checkpoint(&self, name: &str) -> Result<Option<u64>, Error> {
        let invoked = self.recorder.now();
        let found = self.client.get_checkpoint(name).await?.map(|found| found.position);
        let (name, returned) = (name.to_owned(), self.recorder.now());
        self.recorder.history().checkpoints.push(CheckpointView { name, invoked, returned, found });
        Ok(found)
    }

    /// Looks here and there until the server is gone.
    pub(crate) async fn look_around(self, mut chance: Chance) {
        loop {
            if let Err(error) = self.look(&mut chance).await {
                return self.recorder.failed("a reader", &error);
            }
        }
    }

    async fn look(&self, chance: &mut Chance) -> Result<(), Error> {
        match chance.below(4) {
            0 => self.backwards(1 + chance.below(LOOK)).await,
            1 => match self.recorder.head_of("contested") {
                Some(last) => self.stream("contested", last).await,
                None => Ok(()),
            },
            way => {
                let head = self.recorder.answers.borrow().head;
                let scope = if way == 2 { Scope::All } else { Scope::Query(some_types()) };
                self.log_after(head.saturating_sub(chance.below(LOOK)), scope).await.map(|_| ())
            }
        }
    }

    /// Saves snapshots of a stream that grows, and looks for them, until the server is gone.
    pub(crate) async fn keep_snapshots(self, stream: String) {
        let mut saved = None;
        loop {
            let kept = match self.client.stream(&stream).await {
                Ok(info) => match info.and_then(|info| info.head_revision) {
                    Some(last) if saved != Some(last) => {
                        saved = Some(last);
                        self.save(&stream, last).await
                    }
                    _ => self.backwards(1).await,
                },
                Err(error) => Err(error),
            };
            if let Err(error) = kept {
                return self.recorder.failed("a snapshot", &error);
            }
        }
    }

    async fn save(&self, stream: &str, revision: u64) -> Result<(), Error> {
        let place = {
            let mut history = self.recorder.history();
            history.saves.push(SnapshotSave {
                stream: stream.to_owned(),
                revision,
                digest: state_digest(stream, revision),
                invoked: self.recorder.now(),
                returned: NEVER,
                outcome: Outcome::Unknown,
            });
            history.saves.len() - 1
        };
        let snapshot = SnapshotToSave::new(stream, revision, state(stream, revision));
        let answer = self.client.save_snapshot(snapshot).await;
        let told = told(&self.recorder, answer)?;
        let mut history = self.recorder.history();
        let save = &mut history.saves[place];
        (save.returned, save.outcome) = told;
        Ok(())
    }

    /// Moves a checkpoint to and fro, deletes it, and looks where it is, until the server is gone.
    pub(crate) async fn keep_a_checkpoint(self, name: String, mut chance: Chance) {
        loop {
            let moved = match self.checkpoint(&name).await {
                Ok(at) => self.change(&name, at, &mut chance).await,
                Err(error) => Err(error),
            };
            if let Err(error) = moved {
                return self.recorder.failed("a checkpoint", &error);
            }
        }
    }

    async fn change(&self, name: &str, at: Option<u64>, chance: &mut Chance) -> Result<(), Error> {
        let head = self.recorder.answers.borrow().head;
        let to = (at.is_none() || !chance.once_in(5)).then(|| chance.below(head + 1));
        let expected = (to.is_some() && chance.once_in(2)).then_some(at);
        let place = {
            let mut history = self.recorder.history();
            history.moves.push(CheckpointMove {
                name: name.to_owned(),
                to,
                expected,
                invoked: self.recorder.now(),
                returned: NEVER,
                outcome: Outcome::Unknown,
            });
            history.moves.len() - 1
        };
        let answer = match (to, expected) {
            (None, _) => self.client.delete_checkpoint(name).await,
            (Some(to), expected) => {
                let expected = match expected {
                    None => ExpectedCheckpoint::Any,
                    Some(None) => ExpectedCheckpoint::NoCheckpoint,
                    Some(Some(at)) => ExpectedCheckpoint::Position(at),
                };
                self.client.set_checkpoint(name, to, expected).await.map(|_| ())
            }
        };
        let told = told(&self.recorder, answer)?;
        let mut history = self.recorder.history();
        let change = &mut history.moves[place];
        (change.returned, change.outcome) = told;
        Ok(())
    }

    /// Follows the log, or what of it matches, from a place on until the server is gone; returns where to resume.
    pub(crate) async fn follow(self, scope: Scope, from: u64) -> u64 {
        let mut view = View {
            reader: format!("a subscriber to {scope:?} from {from}"),
            invoked: self.recorder.now(),
            returned: 0,
            walk: Walk::Following,
            from,
            until: from,
            is_pinned: false,
            events: Vec::new(),
            scope,
        };
        let error = match self.subscribe(&view.scope, from).await {
            Ok(mut subscription) => loop {
                match subscription.next().await {
                    Ok(message) => pass(&mut view, &message),
                    Err(error) => break error,
                }
            },
            Err(error) => error,
        };
        self.recorder.failed("a subscription", &error);
        let until = view.until;
        self.take_down(view);
        until
    }

    /// Subscribes anew and reads the whole log until it has caught up.
    pub(crate) async fn catch_up(&self) -> Result<(), Error> {
        let mut view = View {
            reader: "a new subscriber".into(),
            invoked: self.recorder.now(),
            returned: 0,
            scope: Scope::All,
            walk: Walk::Following,
            from: 1,
            until: 1,
            is_pinned: true,
            events: Vec::new(),
        };
        let mut subscription = self.subscribe(&view.scope, 1).await?;
        loop {
            let message = subscription.next().await?;
            pass(&mut view, &message);
            if matches!(message, Message::CaughtUp { .. }) {
                self.take_down(view);
                return Ok(());
            }
        }
    }

    async fn subscribe(&self, scope: &Scope, from: u64) -> Result<Subscription, Error> {
        let all = SubscribeAll::new().retry(RetryPolicy::none()).after_position(from - u64::from(from > 0));
        match scope {
            Scope::All => self.client.subscribe_all(all).await,
            Scope::Query(query) => self.client.subscribe_all(all.query(question(query))).await,
            Scope::Stream(name) => {
                let one = SubscribeStream::new(name).retry(RetryPolicy::none());
                let one = if from > 0 { one.after_revision(from - 1) } else { one };
                self.client.subscribe_stream(one).await
            }
        }
    }

    fn take_down(&self, mut view: View) {
        view.returned = self.recorder.now();
        self.recorder.history().views.push(view);
    }
}

/// What became of a request without a place in the log.
fn told(recorder: &Recorder, answer: Result<impl Sized, Error>) -> Result<(u64, Outcome<()>), Error> {
    match answer {
        Ok(_) => Ok((recorder.now(), Outcome::Ok(()))),
        Err(error) => match refusal(&error) {
            Some(refusal) => Ok((recorder.now(), Outcome::Refused(refusal))),
            None => Err(error),
        },
    }
}

/// Takes down what a subscriber is told.
fn pass(view: &mut View, message: &Message) {
    let of_log = !matches!(view.scope, Scope::Stream(_));
    match message {
        Message::Events(events) => {
            let place = |event: &RecordedEvent| if of_log { event.position } else { event.revision };
            view.until = events.last().map_or(view.until, |last| place(last) + 1);
            view.events.extend(events.iter().map(shown));
        }
        Message::CaughtUp { position }
        | Message::FellBehind { position, .. }
        | Message::Checkpoint { position }
        | Message::Heartbeat { position } => {
            if of_log {
                view.until = view.until.max(position + 1);
            }
        }
        Message::Reconnected => {}
    }
}

async fn drain(mut reading: LogReading) -> Result<(Vec<Event>, u64), Error> {
    let mut events = Vec::new();
    while let Some(batch) = reading.next_batch().await {
        events.extend(batch?.iter().map(shown));
    }
    Ok((events, reading.head().unwrap_or_default()))
}

/// A query of several items, for readers and subscribers.
pub(crate) fn some_types() -> Query {
    let moved = QueryItem { types: vec!["Moved".into()], tags: vec!["group:3".into()], ..QueryItem::default() };
    let closed = QueryItem {
        types: vec!["Closed".into()],
        categories: vec!["own".into(), "shared".into()],
        ..QueryItem::default()
    };
    Query { items: Some(vec![moved, closed]), include_system: false }
}
