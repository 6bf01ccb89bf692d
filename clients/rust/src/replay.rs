//! Going through events once, in batches, with a checkpoint.
//!
//! Owns [`Replay`]: it hands batches to a handler and keeps how far it has got under a name in the store, so
//! that a replay which was stopped or killed goes on where it was. A batch whose checkpoint was not set comes
//! again.

use chrono::{DateTime, Utc};

use crate::{BoxError, Client, Error, ExpectedCheckpoint, Message, Query, ReadAll, RecordedEvent, SubscribeAll};

const BATCH_SIZE: usize = 500;

/// A replay under a name: all events from the first to the head, unless said otherwise.
#[derive(Clone, Debug)]
pub struct Replay {
    client: Client,
    name: String,
    query: Option<Query>,
    from: From,
    batch_size: usize,
    follows: bool,
}

/// What a replay has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// How many events were handed over, by this run.
    pub events: u64,
    /// Where the checkpoint is: everything up to here is dealt with; 0 when the log is empty.
    pub position: u64,
}

#[derive(Clone, Copy, Debug)]
enum From {
    Position(u64),
    Time(DateTime<Utc>),
}

impl Replay {
    /// A replay whose checkpoint has this name. Whatever upcasters the client has are used.
    pub fn new(client: &Client, name: impl Into<String>) -> Self {
        Self {
            client: client.clone(),
            name: name.into(),
            query: None,
            from: From::Position(1),
            batch_size: BATCH_SIZE,
            follows: false,
        }
    }

    /// Only events that match.
    #[must_use]
    pub fn query(mut self, query: Query) -> Self {
        self.query = Some(query);
        self
    }

    /// Begins at this position, inclusive, unless the checkpoint is there already.
    #[must_use]
    pub fn from_position(mut self, position: u64) -> Self {
        self.from = From::Position(position);
        self
    }

    /// Begins with the first event recorded at this time or later, unless the checkpoint is there already.
    #[must_use]
    pub fn from_time(mut self, time: DateTime<Utc>) -> Self {
        self.from = From::Time(time);
        self
    }

    /// How many events are handed over at once, at most; 500 by default, 0 is taken as 1.
    #[must_use]
    pub fn batch_size(mut self, events: usize) -> Self {
        self.batch_size = events.max(1);
        self
    }

    /// Goes on behind the head with what comes, and does not end by itself. [`Error::TenantNotFound`] for a
    /// tenant that holds nothing yet.
    #[must_use]
    pub fn follow(mut self) -> Self {
        self.follows = true;
        self
    }

    /// Hands events to the handler, batch by batch, and sets the checkpoint after each; ends at the head that
    /// it saw first. Dropping the future stops it: the batch in hand comes again next time.
    ///
    /// Fails with [`Error::HandlerFailed`] when the handler fails, with [`Error::WrongCheckpoint`] when somebody
    /// else moved the checkpoint meanwhile, and as [`Client::read_all`] does.
    pub async fn run<E, Fut>(&self, mut handler: impl FnMut(Vec<RecordedEvent>) -> Fut) -> Result<Replayed, Error>
    where
        E: Into<BoxError>,
        Fut: Future<Output = Result<(), E>>,
    {
        let checkpoint = self.client.get_checkpoint(&self.name).await?.map(|checkpoint| checkpoint.position);
        let mut progress = Progress { replay: self, checkpoint, batch: Vec::new(), events: 0 };
        let head = self.client.server_info().await?.head;
        self.read(head, &mut progress, &mut handler).await?;
        progress.hand_over(&mut handler).await?;
        progress.advance(head).await?;
        if self.follows {
            self.go_on(&mut progress, &mut handler).await?;
        }
        Ok(Replayed { events: progress.events, position: progress.checkpoint.unwrap_or(0) })
    }

    /// Goes through what there is up to the head.
    async fn read<E, Fut>(
        &self,
        head: u64,
        progress: &mut Progress<'_>,
        handler: &mut impl FnMut(Vec<RecordedEvent>) -> Fut,
    ) -> Result<(), Error>
    where
        E: Into<BoxError>,
        Fut: Future<Output = Result<(), E>>,
    {
        let read = match (progress.checkpoint, self.from) {
            _ if head == 0 => return Ok(()),
            (Some(position), _) if position >= head => return Ok(()),
            (Some(position), _) => ReadAll::new().from_position(position + 1),
            (None, From::Position(position)) => ReadAll::new().from_position(position.max(1)),
            (None, From::Time(time)) => ReadAll::new().from_time(time),
        };
        let mut reading = self.client.read_all(self.query.iter().cloned().fold(read, ReadAll::query)).await?;
        while let Some(event) = reading.next().await {
            let event = event?;
            if event.position > head {
                break;
            }
            progress.take(event, handler).await?;
        }
        Ok(())
    }

    /// Goes on with what comes behind the checkpoint.
    async fn go_on<E, Fut>(
        &self,
        progress: &mut Progress<'_>,
        handler: &mut impl FnMut(Vec<RecordedEvent>) -> Fut,
    ) -> Result<(), Error>
    where
        E: Into<BoxError>,
        Fut: Future<Output = Result<(), E>>,
    {
        let after = progress.checkpoint.unwrap_or(0);
        let subscribe = SubscribeAll::new().after_position(after);
        let subscribe = self.query.iter().cloned().fold(subscribe, SubscribeAll::query);
        let mut subscription = self.client.subscribe_all(subscribe).await?;
        loop {
            match subscription.next().await? {
                Message::Events(events) => {
                    for event in events {
                        progress.take(event, handler).await?;
                    }
                    progress.hand_over(handler).await?;
                }
                Message::CaughtUp { position } | Message::Checkpoint { position } | Message::Heartbeat { position } => {
                    progress.advance(position).await?
                }
                Message::FellBehind { .. } | Message::Reconnected => {}
            }
        }
    }
}

/// How far a run has got.
struct Progress<'a> {
    replay: &'a Replay,
    /// Where the checkpoint is, if it is there.
    checkpoint: Option<u64>,
    batch: Vec<RecordedEvent>,
    events: u64,
}

impl Progress<'_> {
    /// Takes an event into the batch, which is handed over when it is full.
    async fn take<E, Fut>(
        &mut self,
        event: RecordedEvent,
        handler: &mut impl FnMut(Vec<RecordedEvent>) -> Fut,
    ) -> Result<(), Error>
    where
        E: Into<BoxError>,
        Fut: Future<Output = Result<(), E>>,
    {
        self.batch.push(event);
        if self.batch.len() >= self.replay.batch_size { self.hand_over(handler).await } else { Ok(()) }
    }

    /// Has the batch dealt with, and notes that it is.
    async fn hand_over<E, Fut>(&mut self, handler: &mut impl FnMut(Vec<RecordedEvent>) -> Fut) -> Result<(), Error>
    where
        E: Into<BoxError>,
        Fut: Future<Output = Result<(), E>>,
    {
        let (Some(first), Some(last)) = (self.batch.first(), self.batch.last()) else { return Ok(()) };
        let (first, last, count) = (first.position, last.position, self.batch.len() as u64);
        let handled = handler(std::mem::take(&mut self.batch)).await;
        handled.map_err(|source| Error::HandlerFailed { position: first, source: source.into() })?;
        self.events += count;
        self.advance(last).await
    }

    /// Moves the checkpoint forwards, unless somebody else has moved it.
    async fn advance(&mut self, position: u64) -> Result<(), Error> {
        if position <= self.checkpoint.unwrap_or(0) {
            return Ok(());
        }
        let expected = self.checkpoint.map_or(ExpectedCheckpoint::NoCheckpoint, ExpectedCheckpoint::Position);
        let set = self.replay.client.set_checkpoint(&self.replay.name, position, expected).await?;
        self.checkpoint = Some(set.position);
        Ok(())
    }
}
