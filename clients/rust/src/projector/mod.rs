//! Projecting events into a read model, each exactly once.
//!
//! Owns [`Projection`], what a program makes of events, and [`Projector`], which has it done. The documents and
//! the position change together, on condition of the position before: whoever loses track, by a crash or a lost
//! answer, asks for the position and goes on behind it. The work itself is in `projecting.rs`.

mod changes;
mod projecting;

pub use changes::Changes;

use std::fmt;
use std::sync::Arc;

use crate::stopping::StopSwitch;
use crate::{BoxError, Client, Error, Query, ReadModel, RecordedEvent};
use projecting::{Extent, Projecting};

const BATCH_SIZE: usize = 500;

/// What a program makes of events.
pub trait Projection: Send + Sync + 'static {
    /// Says what an event changes. It may be asked again of events whose changes were not written: the changes
    /// must be all that it does. An error stops the projector; nothing of the batch is written then.
    fn apply(&self, event: &RecordedEvent, changes: &mut Changes) -> impl Future<Output = Result<(), BoxError>> + Send;
}

/// A projection at work on a read model. Clones are the same projector.
pub struct Projector<P> {
    shared: Arc<Shared<P>>,
}

struct Shared<P> {
    client: Client,
    model: ReadModel,
    projection: P,
    query: Option<Query>,
    batch_size: usize,
    stop: StopSwitch,
}

impl<P: Projection> Projector<P> {
    /// A projector of all events into the read model of this name. Whatever upcasters the client has are used.
    pub fn new(client: &Client, model: impl Into<String>, projection: P) -> Self {
        let shared = Shared {
            client: client.clone(),
            model: client.read_model(model),
            projection,
            query: None,
            batch_size: BATCH_SIZE,
            stop: StopSwitch::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Projects only events that match.
    ///
    /// # Panics
    ///
    /// When there are clones of it already.
    #[must_use]
    pub fn query(mut self, query: Query) -> Self {
        self.settings().query = Some(query);
        self
    }

    /// How many events are written together at most; 500 by default, 0 is taken as 1. Fewer are once it has
    /// caught up: then each change is written as soon as it is there.
    ///
    /// # Panics
    ///
    /// When there are clones of it already.
    #[must_use]
    pub fn batch_size(mut self, events: usize) -> Self {
        self.settings().batch_size = events.max(1);
        self
    }

    fn settings(&mut self) -> &mut Shared<P> {
        Arc::get_mut(&mut self.shared).expect("a projector is set up before it is cloned")
    }

    /// Projects into the active generation until [`stop`](Self::stop), through whatever breaks of the
    /// connection, and also before the tenant holds anything.
    ///
    /// Fails with [`Error::HandlerFailed`] when the projection fails, with [`Error::UpcastFailed`] when an
    /// upcaster does, and with [`Error::BeyondEnd`] when the log was replaced by an older copy.
    pub async fn run(&self) -> Result<(), Error> {
        Projecting::new(&self.shared, Extent::Endless).run().await
    }

    /// Projects into the active generation what there is by now, and returns the position that it has got to.
    /// Fails as [`run`](Self::run) does, and with [`Error::Unavailable`] when the client's retry policy gives
    /// up.
    pub async fn catch_up(&self) -> Result<u64, Error> {
        let mut projecting = Projecting::new(&self.shared, Extent::UntilCaughtUp);
        projecting.run().await?;
        Ok(projecting.position())
    }

    /// Projects everything from the beginning into a new generation, then makes that the active one, and
    /// returns its number; until then readers see the old one. A projector that [`run`](Self::run)s goes on
    /// with the new one. Fails as [`catch_up`](Self::catch_up) does, and with [`Error::Ended`] when it is stopped
    /// before; the active generation is then as it was.
    pub async fn rebuild(&self) -> Result<u64, Error> {
        let generation = self.shared.model.begin().await?;
        let mut projecting = Projecting::new(&self.shared, Extent::Generation(generation));
        projecting.run().await?;
        if projecting.was_stopped() {
            return Err(Error::Ended);
        }
        self.shared.model.switch(generation, Some(projecting.position())).await?;
        Ok(generation)
    }

    /// Has it write what is in hand and return. It stays stopped.
    pub fn stop(&self) {
        self.shared.stop.tell();
    }
}

impl<P> Clone for Projector<P> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<P> fmt::Debug for Projector<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Projector").field("model", &self.shared.model.name()).finish_non_exhaustive()
    }
}
