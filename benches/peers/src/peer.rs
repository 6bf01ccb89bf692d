//! What a peer has to offer to be measured.
//!
//! Owns [`Peer`], which knows how a server is started and connected to, and [`Client`], one connection in
//! the peer's own client library. A workload is written once, against these two, so that peers differ in
//! their clients and servers and in nothing else. What a peer does not have it says in words, which end
//! up as a footnote of the table.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use async_trait::async_trait;
use bytes::Bytes;
use rustix::process::Signal;
use tokio::process::Command;

use crate::load::{Measured, Span};
use crate::workload::Kind;

/// Where a server of a peer runs.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// What was installed.
    pub(crate) tools: PathBuf,
    /// An empty directory of its own.
    pub(crate) data: PathBuf,
    /// A free port.
    pub(crate) port: u16,
}

impl Site {
    /// Host and port.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

/// A server to be measured.
#[async_trait]
pub(crate) trait Peer: Send + Sync {
    /// What heads its column.
    fn name(&self) -> &'static str;

    /// The program that is the server, to be looked for among `tools`.
    fn program(&self, tools: &Path) -> PathBuf;

    /// Its version, in words, asked of the program.
    fn version(&self, tools: &Path) -> Result<String>;

    /// Makes what the server needs in its directory before it starts.
    async fn prepare(&self, site: &Site) -> Result<()> {
        let _ = site;
        Ok(())
    }

    /// The server in the foreground.
    fn command(&self, site: &Site) -> Command;

    /// Makes what it needs once it runs.
    async fn furnish(&self, site: &Site) -> Result<()> {
        let _ = site;
        Ok(())
    }

    /// One connection.
    async fn connect(&self, site: &Site) -> Result<Arc<dyn Client>>;

    /// Why a workload is left out, if it is.
    fn lacks(&self, kind: Kind) -> Option<&'static str> {
        let _ = kind;
        None
    }

    /// What asks the server to end at once, in good order.
    fn stop_signal(&self) -> Signal {
        Signal::TERM
    }

    /// What the reader of its figures should know: settings, and how a workload was done.
    fn note(&self) -> &'static str;

    /// Whether it keeps what it is sent: the ceiling does not.
    fn stores(&self) -> bool {
        true
    }
}

/// What must hold for an append to go in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Nothing.
    Nothing,
    /// The stream, or tag, has no event.
    NoEvent,
    /// The stream ends where the last append to it did, as that answered. Only peers that know an expected
    /// revision look at this.
    Last(u64),
}

/// One connection to a server.
#[async_trait]
pub(crate) trait Client: Send + Sync {
    /// Appends events to a stream, or under a tag; durable before the answer. Answers with what
    /// [`Guard::Last`] takes next.
    async fn append(&self, stream: &str, guard: Guard, events: Vec<Bytes>) -> Result<u64>;

    /// Appends single events over this connection with so many in flight, where the client has a way of its
    /// own to do so. None: appends side by side are its best way.
    async fn pipeline(&self, in_flight: usize, span: Span) -> Result<Option<Measured>> {
        let _ = (in_flight, span);
        Ok(None)
    }

    /// Appends the events of several streams, or tags, without guards: in one append where the client can.
    async fn fill(&self, streams: Vec<(String, Vec<Bytes>)>) -> Result<()> {
        for (stream, events) in streams {
            self.append(&stream, Guard::Nothing, events).await?;
        }
        Ok(())
    }

    /// Reads the whole log and returns how many events came.
    async fn read_log(&self) -> Result<u64>;

    /// Reads a stream, or what has a tag, and returns how many events came.
    async fn read_stream(&self, stream: &str) -> Result<u64>;

    /// Follows the log from its end. Returns once nothing that is appended later can be missed.
    async fn subscribe(&self) -> Result<Box<dyn Subscriber>>;

    /// Opens so many subscriptions that never read on, until what is returned goes away.
    async fn stall(&self, subscribers: usize) -> Result<Box<dyn Send>> {
        let mut stalled = Vec::with_capacity(subscribers);
        for _ in 0..subscribers {
            stalled.push(self.subscribe().await?);
        }
        Ok(Box::new(stalled))
    }
}

/// What a subscriber shows payloads to.
pub(crate) type Audience<'a> = dyn for<'e> FnMut(&'e [u8]) + Send + 'a;

/// A live subscription.
#[async_trait]
pub(crate) trait Subscriber: Send {
    /// Waits for what comes next and shows the payload of each event.
    async fn next(&mut self, each: &mut Audience<'_>) -> Result<()>;
}
