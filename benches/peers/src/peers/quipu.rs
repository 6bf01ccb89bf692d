//! Quipu, through its Rust client.
//!
//! Owns nothing but the calls: a stream is a stream, a guard an expected revision, and pipelining an append
//! session over one connection.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use bytes::Bytes;
use quipu_client::{
    AppendReceiver, AppendSender, Client as Quipu, Expected, Message, NewEvent, ReadAll, ReadStream, SubscribeAll,
    Subscription, Transaction,
};
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use crate::load::{Measured, Span};
use crate::payload::{EVENT_TYPE, Payloads};
use crate::peer::{Audience, Client, Guard, Peer, Site, Subscriber};
use crate::server::said;
use crate::workload::Kind;

/// How long an answer of a session may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The server of this tree.
#[derive(Debug)]
pub(crate) struct QuipuPeer;

/// Where the build of this tree puts it.
pub(crate) fn program() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/release/quipu"))
}

/// `quipu serve` with its defaults.
pub(crate) fn command(site: &Site) -> Command {
    let mut command = Command::new(program());
    command.args(["serve", "--log-level", "warn", "--listen", &site.address(), "--data"]).arg(&site.data);
    command
}

#[async_trait]
impl Peer for QuipuPeer {
    fn name(&self) -> &'static str {
        "Quipu"
    }

    fn program(&self, _: &Path) -> PathBuf {
        program()
    }

    fn version(&self, tools: &Path) -> Result<String> {
        said(&self.program(tools), &["--version"])
    }

    fn command(&self, site: &Site) -> Command {
        command(site)
    }

    async fn connect(&self, site: &Site) -> Result<Arc<dyn Client>> {
        Ok(Arc::new(Connection(Quipu::builder(endpoint(site)).share_session().connect().await?)))
    }

    fn note(&self) -> &'static str {
        "Defaults. gRPC, client `quipu-client`, whose single appends share a session of a connection. Every append but \
         the first of a stream names its exact revision. Pipelined: one `AppendSession` over one connection."
    }
}

/// The same server, with each append a call of its own, as clients in other languages make it.
#[derive(Debug)]
pub(crate) struct QuipuByCall;

#[async_trait]
impl Peer for QuipuByCall {
    fn name(&self) -> &'static str {
        "Quipu by call"
    }

    fn program(&self, _: &Path) -> PathBuf {
        program()
    }

    fn version(&self, tools: &Path) -> Result<String> {
        QuipuPeer.version(tools)
    }

    fn command(&self, site: &Site) -> Command {
        command(site)
    }

    async fn connect(&self, site: &Site) -> Result<Arc<dyn Client>> {
        connect_by_call(site).await
    }

    fn lacks(&self, kind: Kind) -> Option<&'static str> {
        (kind != Kind::Guarded).then_some("as in the column of Quipu")
    }

    fn note(&self) -> &'static str {
        "The same server, settings and client as Quipu, but each append is a unary rpc of its own."
    }
}

/// A connection whose appends are calls.
pub(crate) async fn connect_by_call(site: &Site) -> Result<Arc<dyn Client>> {
    Ok(Arc::new(Connection(Quipu::connect(endpoint(site)).await?)))
}

fn endpoint(site: &Site) -> String {
    format!("http://{}", site.address())
}

struct Connection(Quipu);

impl From<Guard> for Expected {
    fn from(guard: Guard) -> Self {
        match guard {
            Guard::Nothing => Self::Any,
            Guard::NoEvent => Self::NoStream,
            Guard::Last(revision) => Self::Revision(revision),
        }
    }
}

fn event(payload: Bytes) -> NewEvent {
    NewEvent::new(EVENT_TYPE, payload)
}

#[async_trait]
impl Client for Connection {
    async fn append(&self, stream: &str, guard: Guard, events: Vec<Bytes>) -> Result<u64> {
        let events = events.into_iter().map(event).collect();
        Ok(self.0.append(stream, guard.into(), events).await?.last_revision)
    }

    async fn pipeline(&self, in_flight: usize, span: Span) -> Result<Option<Measured>> {
        let (sender, receiver) = self.0.append_session().await?.split();
        // The queue's places are the permissions to send, and it keeps the times that answers are held against.
        let (starts, started) = mpsc::channel(in_flight);
        let sending = tokio::spawn(send(sender, in_flight, starts, span));
        let measured = receive(receiver, started, span).await?;
        sending.await??;
        Ok(Some(measured))
    }

    async fn fill(&self, streams: Vec<(String, Vec<Bytes>)>) -> Result<()> {
        let transaction = streams.into_iter().fold(Transaction::new(), |transaction, (stream, events)| {
            transaction.append(stream, Expected::Any, events.into_iter().map(event).collect())
        });
        self.0.transact(transaction).await?;
        Ok(())
    }

    async fn read_log(&self) -> Result<u64> {
        let mut reading = self.0.read_all(ReadAll::new()).await?;
        let mut events = 0;
        while let Some(batch) = reading.next_batch().await {
            events += batch?.len() as u64;
        }
        Ok(events)
    }

    async fn read_stream(&self, stream: &str) -> Result<u64> {
        Ok(self.0.read_stream(ReadStream::new(stream)).await?.collect().await?.len() as u64)
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscriber>> {
        Ok(Box::new(Following(self.0.subscribe_all(SubscribeAll::new().from_end()).await?)))
    }
}

async fn send(sender: AppendSender, streams: usize, starts: mpsc::Sender<Instant>, span: Span) -> Result<()> {
    let mut payloads = Payloads::new();
    let streams: Vec<String> = (0..streams).map(|stream| format!("session-{stream}")).collect();
    for stream in streams.iter().cycle() {
        let events = payloads.take(1).into_iter().map(event).collect();
        // The receiver knows why when this ends early.
        let Ok(place) = starts.reserve().await else { break };
        let start = Instant::now();
        if start >= span.until {
            break;
        }
        sender.send(stream, Expected::Any, events).await?;
        place.send(start);
    }
    Ok(())
}

async fn receive(mut answers: AppendReceiver, mut started: mpsc::Receiver<Instant>, span: Span) -> Result<Measured> {
    let mut measured = Measured::new();
    // The answer first: its start leaves the queue only then, and so keeps its place in flight.
    while let Some(answer) = timeout(ANSWER_TIMEOUT, answers.next()).await.context("no answer in time")? {
        answer??;
        let end = Instant::now();
        let start = started.recv().await.context("an answer that nobody asked for")?;
        if span.has(end) {
            measured.done(end - start, 1);
        }
    }
    ensure!(Instant::now() >= span.until, "the session ended before its time");
    measured.elapsed = span.until - span.from;
    Ok(measured)
}

struct Following(Subscription);

#[async_trait]
impl Subscriber for Following {
    async fn next(&mut self, each: &mut Audience<'_>) -> Result<()> {
        if let Message::Events(events) = self.0.next().await? {
            events.iter().for_each(|event| each(&event.data));
        }
        Ok(())
    }
}
