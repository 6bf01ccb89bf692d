//! Running handlers on a consumer group.
//!
//! Owns [`Reactor`] and [`ReactorBuilder`]: which handlers there are, what group they work for and how. What is
//! called for an event is in `handlers.rs`, the work itself in `running.rs`, what must not be done twice in
//! `ledger.rs`.

mod failure;
mod handlers;
mod ledger;
mod metrics;
mod running;

pub use failure::Failure;
pub use metrics::{HandlerTime, ReactorMetrics};

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use crate::stopping::StopSwitch;
use crate::{Client, Error, Group, GroupSettings, GroupStart, RecordedEvent};
use handlers::Handlers;
use running::Running;

const CONCURRENCY: u32 = 32;
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// Handlers at work on a consumer group. Clones are the same reactor.
#[derive(Clone)]
pub struct Reactor {
    shared: Arc<Shared>,
}

/// Settings and handlers of a reactor.
pub struct ReactorBuilder {
    client: Client,
    group: String,
    member: String,
    settings: GroupSettings,
    start: GroupStart,
    concurrency: u32,
    stop_timeout: Duration,
    handlers: Handlers,
}

struct Shared {
    client: Client,
    group: Group,
    member: String,
    settings: GroupSettings,
    start: GroupStart,
    concurrency: u32,
    stop_timeout: Duration,
    handlers: Handlers,
    metrics: Mutex<ReactorMetrics>,
    stop: StopSwitch,
}

impl Reactor {
    /// A reactor of this group, still without handlers. Whatever upcasters the client has are used.
    pub fn builder(client: &Client, group: impl Into<String>) -> ReactorBuilder {
        ReactorBuilder {
            client: client.clone(),
            group: group.into(),
            member: format!("reactor-{}", Uuid::new_v4()),
            settings: GroupSettings::default(),
            start: GroupStart::default(),
            concurrency: CONCURRENCY,
            stop_timeout: STOP_TIMEOUT,
            handlers: Handlers::default(),
        }
    }

    /// Works until [`stop`](Self::stop), joining again whenever the connection breaks. The group is made if it
    /// is not there; one that is there keeps its settings.
    ///
    /// Fails with what cannot be mended by joining again: [`Error::GroupNotFound`] when the group was deleted,
    /// [`Error::MemberExists`] when the member's name is taken, or a setting that the server refuses.
    pub async fn run(&self) -> Result<(), Error> {
        Running::new(Arc::clone(&self.shared)).run().await
    }

    /// Has [`run`](Self::run) take nothing new, finish what is in hand, settle it, and return. It stays
    /// stopped.
    pub fn stop(&self) {
        self.shared.stop.tell();
    }

    /// The member's name in the group.
    #[must_use]
    pub fn member(&self) -> &str {
        &self.shared.member
    }

    /// What it has done so far.
    #[must_use]
    pub fn metrics(&self) -> ReactorMetrics {
        self.shared.metrics.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ReactorBuilder {
    /// Calls this handler for every event of this type whose version has no handler of its own. Several
    /// handlers of a type are called one after the other; all must succeed, and those that did are not called
    /// again when the event is tried again, as long as this process lives.
    ///
    /// A handler that fails by an error has the event tried again; [`Failure`] says what else there is.
    #[must_use]
    pub fn on<Fut>(
        mut self,
        event_type: &str,
        handler: impl Fn(Arc<RecordedEvent>) -> Fut + Send + Sync + 'static,
    ) -> Self
    where
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.handlers.add(event_type, None, handler);
        self
    }

    /// Calls this handler for events of this type and version, or, as for `2`, of its minor versions that have
    /// no handler of their own, such as `2.1`. An event that names no version has version `1`.
    #[must_use]
    pub fn on_version<Fut>(
        mut self,
        event_type: &str,
        version: &str,
        handler: impl Fn(Arc<RecordedEvent>) -> Fut + Send + Sync + 'static,
    ) -> Self
    where
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.handlers.add(event_type, Some(version), handler);
        self
    }

    /// The member's name in the group; one that nobody else has by default.
    #[must_use]
    pub fn member(mut self, name: impl Into<String>) -> Self {
        self.member = name.into();
        self
    }

    /// How the group works, if it is to be made; the server's defaults by default.
    #[must_use]
    pub fn settings(mut self, settings: GroupSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Where the group begins, if it is to be made; with the first event by default.
    #[must_use]
    pub fn start(mut self, start: GroupStart) -> Self {
        self.start = start;
        self
    }

    /// How many events may be in hand at a time; 32 by default, at least 1, at most 10,000.
    #[must_use]
    pub fn concurrency(mut self, events: u32) -> Self {
        self.concurrency = events.max(1);
        self
    }

    /// How long a stop waits for what is in hand; 30 s by default. What takes longer is given up, and
    /// delivered again.
    #[must_use]
    pub fn stop_timeout(mut self, timeout: Duration) -> Self {
        self.stop_timeout = timeout;
        self
    }

    /// The reactor, not running yet.
    #[must_use]
    pub fn build(self) -> Reactor {
        let shared = Shared {
            group: self.client.group(self.group),
            client: self.client,
            member: self.member,
            settings: self.settings,
            start: self.start,
            concurrency: self.concurrency,
            stop_timeout: self.stop_timeout,
            handlers: self.handlers,
            metrics: Mutex::default(),
            stop: StopSwitch::new(),
        };
        Reactor { shared: Arc::new(shared) }
    }
}

impl fmt::Debug for Reactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reactor")
            .field("group", &self.shared.group.name())
            .field("member", &self.shared.member)
            .finish()
    }
}

impl fmt::Debug for ReactorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReactorBuilder").field("group", &self.group).field("member", &self.member).finish()
    }
}
