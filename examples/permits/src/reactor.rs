//! The loop: what comes from the log goes into the model, and the model to disk.
//!
//! Owns [`Reactor`]. It begins after the position that the file holds, so nothing is missed, and the
//! position is saved together with what was made of the events, so nothing counts twice. It saves
//! after a number of events, when it has caught up, and soon after the last change; never per event.
//! Broken connections are the client's business.

use std::future;
use std::time::Duration;

use quipu_client::{Client, Message, RecordedEvent, RetryPolicy, SubscribeAll};
use tokio::time::{self, Instant};

use crate::model::{Fact, Model};
use crate::model_file::{self, ModelFile};

/// How long a change may stay unsaved when nothing follows.
const QUIET: Duration = Duration::from_millis(100);

/// Why the reactor stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The server or the way to it.
    #[error(transparent)]
    Client(#[from] quipu_client::Error),
    /// The disk.
    #[error(transparent)]
    ModelFile(#[from] model_file::Error),
    /// The file belongs to another log.
    #[error("the model in {path} is of log {saved}, the server has log {found}; move it away to start anew")]
    OtherLog {
        /// The model's file.
        path: String,
        /// The log that the model was made from.
        saved: String,
        /// The log of the server.
        found: String,
    },
}

/// A model that follows a log.
#[derive(Debug)]
pub(crate) struct Reactor {
    client: Client,
    file: ModelFile,
    model: Model,
    save_every: u64,
    /// The position in the file.
    saved: u64,
    /// How many events have come since the last save.
    unsaved_events: u64,
}

impl Reactor {
    /// Loads the model and connects, and makes sure that the two belong together. A server that is not
    /// there yet is waited for as long as `patience` says.
    pub(crate) async fn connect(
        endpoint: &str,
        tenant: Option<String>,
        patience: RetryPolicy,
        file: ModelFile,
        save_every: u64,
    ) -> Result<Self, Error> {
        let builder = Client::builder(endpoint).retry(patience);
        let client = match tenant {
            Some(name) => builder.tenant(name),
            None => builder,
        }
        .connect_lazy()?;
        let log_id = client.server_info().await?.log_id;
        let model = match file.load()? {
            // An empty log may have no id yet, and nothing was folded from it.
            Some(model) if model.position > 0 && model.log_id != log_id => {
                let path = file.path().display().to_string();
                return Err(Error::OtherLog { path, saved: model.log_id, found: log_id });
            }
            Some(model) => Model { log_id, ..model },
            None => Model { log_id, ..Model::default() },
        };
        Ok(Self { client, file, saved: model.position, model, save_every, unsaved_events: 0 })
    }

    /// Follows the log: to its end with `once`, up to a position with `until`, otherwise for ever.
    /// Ctrl-C ends it too. Everything is saved in the end.
    pub(crate) async fn run(&mut self, once: bool, until: Option<u64>) -> Result<(), Error> {
        let last = until.unwrap_or(u64::MAX);
        if self.model.position < last {
            self.follow(once, last).await?;
        }
        self.save()
    }

    async fn follow(&mut self, once: bool, last: u64) -> Result<(), Error> {
        let from_here = SubscribeAll::new().after_position(self.model.position);
        let mut subscription = self.client.subscribe_all(from_here).await?;
        let mut save_at: Option<Instant> = None;
        let interrupted = tokio::signal::ctrl_c();
        tokio::pin!(interrupted);
        while self.model.position < last {
            let message = tokio::select! {
                message = subscription.next() => message?,
                () = at(save_at) => {
                    self.save()?;
                    save_at = None;
                    continue;
                }
                _ = &mut interrupted => return Ok(()),
            };
            let caught_up = matches!(message, Message::CaughtUp { .. });
            self.take(message, last)?;
            if caught_up {
                self.save()?;
                if once {
                    return Ok(());
                }
            }
            save_at = (self.model.position > self.saved).then(|| Instant::now() + QUIET);
        }
        Ok(())
    }

    fn take(&mut self, message: Message, last: u64) -> Result<(), Error> {
        match message {
            Message::Events(events) => {
                for event in events.iter().take_while(|event| event.position <= last) {
                    self.model.fold_at(event.position, fact(event));
                    self.unsaved_events += 1;
                    if self.unsaved_events >= self.save_every {
                        self.save()?;
                    }
                }
                // What lies between two events was not for us: the end is passed with the first beyond.
                if events.last().is_some_and(|event| event.position > last) {
                    self.model.position = last;
                }
            }
            Message::CaughtUp { position } | Message::Checkpoint { position } | Message::Heartbeat { position } => {
                self.model.position = self.model.position.max(position.min(last));
            }
            Message::FellBehind { .. } | Message::Reconnected => {}
        }
        Ok(())
    }

    /// Saves when there is something new. Short enough not to need a thread of its own: nothing else
    /// runs here.
    fn save(&mut self) -> Result<(), Error> {
        if self.model.position > self.saved || self.saved == 0 {
            self.file.save(&self.model)?;
            self.saved = self.model.position;
            self.unsaved_events = 0;
        }
        Ok(())
    }
}

/// The moment, or never.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => time::sleep_until(moment).await,
        None => future::pending().await,
    }
}

/// What the fold sees of an event.
fn fact(event: &RecordedEvent) -> Fact<'_> {
    Fact { permit: &event.stream, activity: &event.event_type, at: event.occurred_at.unwrap_or(event.recorded_at) }
}
