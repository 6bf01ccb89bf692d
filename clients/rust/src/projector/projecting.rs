//! A projector at work.
//!
//! Owns [`Projecting`]: begins behind the read model's position, gathers the changes of a batch, and writes them
//! with the position of its last event. Whenever the read model turns out to be elsewhere, since somebody else
//! is projecting or the answer to a write got lost, it begins again from there.

use tokio::time;

use super::{Changes, Projection, Shared};
use crate::stopping::StopListener;
use crate::{Error, Message, ReadModel, RecordedEvent, RetryPolicy, SubscribeAll, Subscription};

/// How large the changes of a batch may get, in bytes.
const BATCH_BYTES: usize = 4 << 20;

/// How many documents a batch may change.
const BATCH_DOCUMENTS: usize = 10_000;

/// How far to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// On and on, in the active generation.
    Endless,
    /// Until it has caught up, in the active generation.
    UntilCaughtUp,
    /// Until it has caught up, in this generation.
    Generation(u64),
}

pub(super) struct Projecting<'a, P> {
    shared: &'a Shared<P>,
    extent: Extent,
    stop: StopListener,
    was_stopped: bool,
    /// The generation, once it is there.
    model: ReadModel,
    /// Where the read model is.
    written: u64,
    changes: Changes,
    /// The last position that the changes stand for, or that was passed.
    reached: u64,
    /// Events since the last write.
    events: usize,
}

impl<'a, P: Projection> Projecting<'a, P> {
    pub(super) fn new(shared: &'a Shared<P>, extent: Extent) -> Self {
        let (model, changes) = (shared.model.clone(), Changes::new(shared.model.clone(), 0));
        let stop = shared.stop.listener();
        Self { shared, extent, stop, was_stopped: false, model, written: 0, changes, reached: 0, events: 0 }
    }

    /// Where the read model has got to.
    pub(super) fn position(&self) -> u64 {
        self.written
    }

    pub(super) fn was_stopped(&self) -> bool {
        self.was_stopped
    }

    /// Projects as far as it is to go.
    pub(super) async fn run(&mut self) -> Result<(), Error> {
        let policy = RetryPolicy::forever();
        let mut failures = 0;
        loop {
            let before = self.written;
            let error = match self.project().await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            // A generation is gone when somebody made another one the active one.
            let is_gone = matches!(error, Error::ReadModelNotFound) && !matches!(self.extent, Extent::Generation(_));
            let is_elsewhere = is_gone || matches!(error, Error::WrongReadModelPosition { .. });
            let is_nothing_there = matches!(error, Error::TenantNotFound);
            if is_nothing_there && self.extent == Extent::UntilCaughtUp {
                return Ok(());
            }
            let is_away = self.extent == Extent::Endless && (error.is_retryable() || is_nothing_there);
            if !is_elsewhere && !is_away {
                return Err(error);
            }
            failures = if self.written > before { 1 } else { failures + 1 };
            let pause = policy.pause(failures);
            tracing::debug!(%error, failures, ?pause, "beginning again from the read model's position");
            let mut stop = self.stop.clone();
            tokio::select! {
                () = stop.told() => {
                    self.was_stopped = true;
                    return Ok(());
                }
                () = time::sleep(pause) => {}
            }
        }
    }

    /// Projects from where the read model is, until the extent's end, a stop, or something in the way.
    async fn project(&mut self) -> Result<(), Error> {
        let mut subscription = self.begin().await?;
        let mut stop = self.stop.clone();
        let mut is_live = false;
        loop {
            let message = tokio::select! {
                biased;
                () = stop.told() => {
                    self.was_stopped = true;
                    return self.write().await;
                }
                message = subscription.next() => message?,
            };
            match message {
                Message::Events(events) => {
                    for event in events {
                        self.apply(&event).await?;
                    }
                    if is_live && self.changes.len() > 0 {
                        self.write().await?;
                    }
                }
                Message::CaughtUp { position } => {
                    self.pass(position).await?;
                    is_live = true;
                    if self.extent != Extent::Endless {
                        return Ok(());
                    }
                }
                Message::Checkpoint { position } | Message::Heartbeat { position } => self.pass(position).await?,
                Message::FellBehind { .. } | Message::Reconnected => is_live = false,
            }
        }
    }

    /// Asks where the read model is, and follows the log behind that.
    async fn begin(&mut self) -> Result<Subscription, Error> {
        let generations = self.shared.model.generations().await?;
        let found = generations.into_iter().find(|it| match self.extent {
            Extent::Endless | Extent::UntilCaughtUp => it.is_active,
            Extent::Generation(number) => it.number == number,
        });
        let (generation, position) = match (found, self.extent) {
            (Some(found), _) => (found.number, found.position),
            (None, Extent::Generation(_)) => return Err(Error::ReadModelNotFound),
            // The first write makes it.
            (None, _) => (0, 0),
        };
        self.model = self.shared.model.generation(generation);
        self.changes = Changes::new(self.model.clone(), position);
        (self.written, self.reached, self.events) = (position, position, 0);
        let mut subscribe = SubscribeAll::new().after_position(position);
        if let Some(query) = &self.shared.query {
            subscribe = subscribe.query(query.clone());
        }
        if self.extent != Extent::Endless {
            subscribe = subscribe.retry(self.shared.client.retry_policy());
        }
        self.shared.client.subscribe_all(subscribe).await
    }

    async fn apply(&mut self, event: &RecordedEvent) -> Result<(), Error> {
        let applied = self.shared.projection.apply(event, &mut self.changes).await;
        if let Some(error) = self.changes.failure() {
            return Err(error);
        }
        applied.map_err(|source| Error::HandlerFailed { position: event.position, source })?;
        self.reached = event.position;
        self.events += 1;
        let is_full = self.events >= self.shared.batch_size
            || self.changes.bytes() >= BATCH_BYTES
            || self.changes.len() >= BATCH_DOCUMENTS;
        if is_full { self.write().await } else { Ok(()) }
    }

    /// Takes note that nothing more comes up to a position.
    async fn pass(&mut self, position: u64) -> Result<(), Error> {
        self.reached = self.reached.max(position);
        self.write().await
    }

    /// Writes the changes with the position reached, if it is not there already.
    async fn write(&mut self) -> Result<(), Error> {
        if self.reached == self.written {
            return Ok(());
        }
        let generation = self.model.write(self.changes.take(self.reached)).await?;
        // The first write makes it. From now on it is this generation, whichever is active.
        self.model = self.shared.model.generation(generation);
        self.changes = Changes::new(self.model.clone(), self.reached);
        (self.written, self.events) = (self.reached, 0);
        Ok(())
    }
}
