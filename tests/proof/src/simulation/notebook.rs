//! What the clients of one seed write down together.

use std::cell::{Cell, Ref, RefCell, RefMut};
use std::collections::HashMap;
use std::rc::Rc;

use quipu::model::wire::{Fields, Value};
use quipu::model::{CheckpointName, Position, Revision, StreamName};
use quipu::store::read::PageSize;
use quipu::store::{Error, Message, Store, Subscription};
use quipu_proof::history::{
    CheckpointMove, CheckpointView, Event, History, NEVER, Outcome, Scope, SnapshotSave, SnapshotView, View, Walk,
    digest,
};

use super::events::{scope_query, seen};

/// A history in the making. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Notebook {
    shared: Rc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    history: RefCell<History>,
    moment: Cell<u64>,
    /// By event: what was sent, to be sent again.
    payloads: RefCell<HashMap<u128, Vec<u8>>>,
    /// Reads that were refused because bytes are damaged.
    refused: Cell<u64>,
    /// Answers that no reader may get.
    wrong: RefCell<Vec<String>>,
}

impl Notebook {
    pub(super) fn history(&self) -> RefMut<'_, History> {
        self.shared.history.borrow_mut()
    }

    pub(super) fn payloads(&self) -> Ref<'_, HashMap<u128, Vec<u8>>> {
        self.shared.payloads.borrow()
    }

    pub(super) fn keep_payload(&self, id: u128, data: Vec<u8>) {
        self.shared.payloads.borrow_mut().insert(id, data);
    }

    /// The next moment.
    pub(super) fn tick(&self) -> u64 {
        self.shared.moment.set(self.shared.moment.get() + 1);
        self.shared.moment.get()
    }

    /// How many reads were refused because bytes are damaged.
    pub(super) fn refused(&self) -> u64 {
        self.shared.refused.get()
    }

    /// Answers that no reader may get.
    pub(super) fn wrong(&self) -> Vec<String> {
        self.shared.wrong.borrow().clone()
    }

    pub(super) fn save(&self, stream: &str, revision: u64, digest: u64) -> usize {
        let invoked = self.tick();
        let (stream, outcome) = (stream.to_owned(), Outcome::Unknown);
        let save = SnapshotSave { stream, revision, digest, invoked, returned: NEVER, outcome };
        let saves = &mut self.history().saves;
        saves.push(save);
        saves.len() - 1
    }

    pub(super) fn checkpoint_move(&self, name: &str, to: Option<u64>, expected: Option<Option<u64>>) -> usize {
        let invoked = self.tick();
        let (name, outcome) = (name.to_owned(), Outcome::Unknown);
        let moves = &mut self.history().moves;
        moves.push(CheckpointMove { name, to, expected, invoked, returned: NEVER, outcome });
        moves.len() - 1
    }

    /// Reads the log, or what a query means, up to the head of now, page by page.
    pub(super) fn read(&self, store: &Store, scope: Scope, walk: quipu::model::Walk, size: PageSize) {
        let invoked = self.tick();
        let head = store.head().0;
        let query = scope_query(&scope);
        let (mut events, mut rest) = (Vec::new(), Some(Position(1)..=Position(head)));
        while let Some(range) = rest {
            match store.reader().select(&query, range, walk, size) {
                Ok(page) => {
                    events.extend(page.events.iter().map(seen));
                    rest = page.rest;
                }
                Err(error) => return self.failed(&error),
            }
        }
        let walk = match walk {
            quipu::model::Walk::Forwards => Walk::Forwards,
            quipu::model::Walk::Backwards => Walk::Backwards,
        };
        self.view("a reader", invoked, scope, walk, (1, head + 1), true, events);
    }

    /// Reads a stream from its beginning to its end.
    pub(super) fn read_stream(&self, store: &Store, stream: &str) {
        let (invoked, head, name) = (self.tick(), store.head(), StreamName::from_log(stream));
        let (mut events, size) = (Vec::new(), PageSize { bytes: 2 << 10, events: 7 });
        loop {
            match store.reader().stream_forwards(&name, Revision(events.len() as u64), head, size) {
                Ok(page) if page.is_empty() => break,
                Ok(page) => events.extend(page.iter().map(seen)),
                Err(error) => return self.failed(&error),
            }
        }
        let until = events.len() as u64;
        self.view(
            "a reader of a stream",
            invoked,
            Scope::Stream(stream.to_owned()),
            Walk::Forwards,
            (0, until),
            true,
            events,
        );
    }

    pub(super) fn ask_snapshot(&self, store: &Store, stream: &str, at_or_before: u64) {
        let invoked = self.tick();
        let found = match store.snapshot(&StreamName::from_log(stream), Some(Revision(at_or_before))) {
            Ok(found) => found.map(|(revision, bytes)| (revision.0, digest(state_of(&bytes)))),
            Err(error) => return self.failed(&error),
        };
        let returned = self.tick();
        self.history().snapshots.push(SnapshotView {
            stream: stream.to_owned(),
            at_or_before,
            invoked,
            returned,
            found,
        });
    }

    pub(super) fn ask_checkpoint(&self, store: &Store, name: &str) {
        let invoked = self.tick();
        let found = store.checkpoint(&CheckpointName::from_log(name)).map(|found| found.position.0);
        let returned = self.tick();
        self.history().checkpoints.push(CheckpointView { name: name.to_owned(), invoked, returned, found });
    }

    /// Follows a subscription until it ends, and writes down on the way what it was shown.
    pub(super) async fn follow(&self, mut subscription: Subscription, scope: Scope, after: u64) {
        let number = {
            let invoked = self.tick();
            let mut history = self.history();
            history.views.push(View {
                reader: "a subscriber".into(),
                invoked,
                returned: invoked,
                scope,
                walk: Walk::Following,
                from: after + 1,
                until: after + 1,
                is_pinned: false,
                events: Vec::new(),
            });
            history.views.len() - 1
        };
        while let Ok(message) = subscription.next().await {
            let returned = self.tick();
            let view = &mut self.history().views[number];
            view.returned = returned;
            match message {
                Message::Events(events) => {
                    view.events.extend(events.iter().map(seen));
                    view.until = view.events.last().map_or(view.until, |last| last.position + 1);
                }
                Message::CaughtUp(position) | Message::Checkpoint(position) | Message::Heartbeat(position) => {
                    view.until = view.until.max(position.0 + 1);
                }
                Message::FellBehind { .. } => {}
            }
        }
    }

    #[allow(clippy::too_many_arguments, reason = "a view has so many sides")]
    fn view(
        &self,
        reader: &str,
        invoked: u64,
        scope: Scope,
        walk: Walk,
        (from, until): (u64, u64),
        is_pinned: bool,
        events: Vec<Event>,
    ) {
        let returned = self.tick();
        let reader = reader.to_owned();
        self.history().views.push(View { reader, invoked, returned, scope, walk, from, until, is_pinned, events });
    }

    /// A read failed: because the machine went, because bytes are damaged, or wrongly.
    pub(super) fn failed(&self, error: &Error) {
        match error {
            Error::Damaged(_) => self.shared.refused.set(self.shared.refused.get() + 1),
            // The disk failed: nothing was shown.
            Error::Internal(_) | Error::Poisoned | Error::ShuttingDown => {}
            other => self.shared.wrong.borrow_mut().push(format!("a read failed: {other:?}")),
        }
    }
}

/// The state in a stored snapshot.
fn state_of(snapshot: &[u8]) -> &[u8] {
    let state = Fields::of(snapshot).find_map(|field| match field.map(|field| (field.number, field.value)) {
        Ok((3, Value::Bytes(bytes))) => Some(bytes),
        _ => None,
    });
    state.unwrap_or_default()
}
