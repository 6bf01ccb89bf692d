//! Deciding on the state of one stream.
//!
//! Owns [`AggregateState`], [`Aggregate`] and [`Loaded`]: a state is folded from the newest snapshot and
//! the events behind it, a decision is appended on condition that nothing came in between, and made again on
//! what came when that does not hold. Snapshots only spare reading: without them the state is the same.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Appended, Client, Error, Expected, NewEvent, ReadStream, RecordedEvent, Snapshot, SnapshotToSave};

/// How often a decision is made before a conflict is handed to the caller.
const TRIES: u32 = 10;

/// The metadata that tells snapshots of aggregates from those that others save of the same stream.
const FOLDED_BY: (&str, &str) = ("folded-by", "aggregate");

/// The state of a stream: how it begins, by `Default`, and what each event does to it.
pub trait AggregateState: Default + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The version of the state's shape, kept with its snapshots. Change it together with the fields or with
    /// [`apply`](Self::apply): then snapshots of the old shape are passed over.
    const VERSION: &'static str = "1";

    /// Lays an event over the state. An event that says nothing to this state changes nothing.
    fn apply(&mut self, event: &RecordedEvent) -> Result<(), Error>;
}

/// One stream, and how to decide on its state. Clones are cheap.
pub struct Aggregate<S> {
    client: Client,
    stream: Arc<str>,
    tries: u32,
    snapshot_every: Option<u64>,
    state: PhantomData<fn() -> S>,
}

/// A state as it was folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded<S> {
    /// The state.
    pub state: S,
    /// The revision of the last event in it; none when the stream has no event.
    pub revision: Option<u64>,
    /// The revision of the snapshot it began with; none when it began with the first event.
    pub snapshot_revision: Option<u64>,
}

impl<S: AggregateState> Aggregate<S> {
    /// The aggregate of this stream, without snapshots.
    pub fn new(client: &Client, stream: impl Into<String>) -> Self {
        let stream = stream.into().into();
        Self { client: client.clone(), stream, tries: TRIES, snapshot_every: None, state: PhantomData }
    }

    /// Saves a snapshot each time the stream has grown by so many events, behind the append and in the
    /// background: one that fails is logged and changes nothing. Not for streams of which the server saves
    /// snapshots by a policy: those are passed over here, and push these out.
    #[must_use]
    pub fn snapshot_every(mut self, events: u64) -> Self {
        self.snapshot_every = Some(events.max(1));
        self
    }

    /// How often a decision is made before a conflict is an error; 10 by default, 0 is taken as 1.
    #[must_use]
    pub fn tries(mut self, tries: u32) -> Self {
        self.tries = tries.max(1);
        self
    }

    /// The state as it is now: the newest snapshot with the events behind it. A stream that has no event or was
    /// deleted has the initial state.
    pub async fn load(&self) -> Result<Loaded<S>, Error> {
        let read = ReadStream::new(&*self.stream).with_snapshot();
        let Some(reading) = absent_is_none(self.client.read_stream(read).await)? else {
            return Ok(Loaded::initial());
        };
        let mut loaded = match reading.snapshot() {
            None => Loaded::initial(),
            Some(snapshot) => match of_snapshot(snapshot) {
                Some(loaded) => loaded,
                None => return self.load_without_snapshot().await,
            },
        };
        loaded.fold(reading).await?;
        Ok(loaded)
    }

    /// The state folded from the first event on, whatever snapshots there are.
    pub async fn load_without_snapshot(&self) -> Result<Loaded<S>, Error> {
        let mut loaded = Loaded::initial();
        if let Some(reading) = absent_is_none(self.client.read_stream(ReadStream::new(&*self.stream)).await)? {
            loaded.fold(reading).await?;
        }
        Ok(loaded)
    }

    /// Loads the state, has `decide` say what happens, and appends that if nothing came in between; otherwise
    /// the state takes in what came and `decide` is asked again. Returns where the events went, none when
    /// there were none.
    ///
    /// Fails with whatever `decide` fails with, with [`Error::WrongExpectedRevision`] when the tries are used
    /// up, and as [`Client::append`] does.
    pub async fn execute<E: From<Error>>(
        &self,
        mut decide: impl FnMut(&S) -> Result<Vec<NewEvent>, E>,
    ) -> Result<Option<Appended>, E> {
        let mut loaded = self.load().await?;
        let mut tries = 0;
        loop {
            let events = decide(&loaded.state)?;
            if events.is_empty() {
                return Ok(None);
            }
            tries += 1;
            match self.client.append(&self.stream, loaded.expected(), events).await {
                Ok(appended) => {
                    self.save_if_due(&appended);
                    return Ok(Some(appended));
                }
                Err(error @ Error::WrongExpectedRevision { .. }) if tries < self.tries => {
                    tracing::debug!(%error, tries, "somebody else was faster, deciding again");
                    self.catch_up(&mut loaded).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Takes in what has come behind a state.
    async fn catch_up(&self, loaded: &mut Loaded<S>) -> Result<(), Error> {
        let Some(revision) = loaded.revision else {
            *loaded = self.load().await?;
            return Ok(());
        };
        let read = ReadStream::new(&*self.stream).from_revision(revision + 1);
        match absent_is_none(self.client.read_stream(read).await)? {
            Some(reading) => loaded.fold(reading).await,
            None => {
                *loaded = Loaded::initial();
                Ok(())
            }
        }
    }

    /// Saves a snapshot in the background, if the append passed a multiple of the distance between two.
    fn save_if_due(&self, appended: &Appended) {
        let Some(every) = self.snapshot_every else { return };
        if appended.deduplicated || appended.first_revision / every == (appended.last_revision + 1) / every {
            return;
        }
        let aggregate = self.clone();
        tokio::spawn(async move {
            if let Err(error) = aggregate.save().await {
                tracing::warn!(stream = &*aggregate.stream, %error, "a snapshot is not saved");
            }
        });
    }

    async fn save(&self) -> Result<(), Error> {
        let loaded = self.load().await?;
        let Some(revision) = loaded.revision else { return Ok(()) };
        if loaded.snapshot_revision == Some(revision) {
            return Ok(());
        }
        let mut snapshot = SnapshotToSave::json(&*self.stream, revision, &loaded.state)?;
        S::VERSION.clone_into(&mut snapshot.schema_version);
        snapshot.metadata.insert(FOLDED_BY.0.to_owned(), FOLDED_BY.1.to_owned());
        self.client.save_snapshot(snapshot).await?;
        Ok(())
    }
}

impl<S: AggregateState> Loaded<S> {
    fn initial() -> Self {
        Self { state: S::default(), revision: None, snapshot_revision: None }
    }

    async fn fold(&mut self, mut reading: crate::StreamReading) -> Result<(), Error> {
        while let Some(batch) = reading.next_batch().await {
            for event in batch? {
                self.state.apply(&event)?;
                self.revision = Some(event.revision);
            }
        }
        // Events that the stream's metadata hides are counted, though not seen.
        self.revision = reading.head_revision().or(self.revision);
        Ok(())
    }

    fn expected(&self) -> Expected {
        self.revision.map_or(Expected::NoStream, Expected::Revision)
    }
}

/// The state that a snapshot holds, if it is one of ours and of the shape of today.
fn of_snapshot<S: AggregateState>(snapshot: &Snapshot) -> Option<Loaded<S>> {
    let is_ours = snapshot.metadata.get(FOLDED_BY.0).map(String::as_str) == Some(FOLDED_BY.1);
    if !is_ours || snapshot.schema_version != S::VERSION {
        return None;
    }
    let revision = snapshot.revision;
    match snapshot.json() {
        Ok(state) => Some(Loaded { state, revision: Some(revision), snapshot_revision: Some(revision) }),
        Err(error) => {
            tracing::warn!(stream = snapshot.stream, revision, %error, "a snapshot does not fit its state");
            None
        }
    }
}

/// None for a stream without events.
fn absent_is_none<T>(read: Result<T, Error>) -> Result<Option<T>, Error> {
    match read {
        Ok(reading) => Ok(Some(reading)),
        Err(error) if error.is_absent_stream() => Ok(None),
        Err(error) => Err(error),
    }
}

impl<S> Clone for Aggregate<S> {
    fn clone(&self) -> Self {
        Self { client: self.client.clone(), stream: Arc::clone(&self.stream), ..*self }
    }
}

impl<S> fmt::Debug for Aggregate<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aggregate").field("stream", &self.stream).finish_non_exhaustive()
    }
}
