//! UmaDB's Rust client, against UmaDB and against Quipu.
//!
//! Owns the calls and both servers: Quipu speaks UmaDB's protocol on the port of its own. A stream is a tag;
//! that it is new is a condition that no event has the tag. There is no expected revision.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use async_trait::async_trait;
use bytes::Bytes;
use tokio::process::Command;
use umadb_client::{AsyncUmaDbClient, UmaDbClient};
use umadb_dcb::{
    DcbAppendCondition, DcbEvent, DcbEventStoreAsync, DcbQuery, DcbQueryItem, DcbReadResponseAsync,
    DcbSubscriptionAsync,
};
use uuid::Uuid;

use super::quipu;
use crate::payload::EVENT_TYPE;
use crate::peer::{Audience, Client, Guard, Peer, Site, Subscriber};
use crate::server::said;
use crate::workload::Kind;

/// UmaDB itself.
#[derive(Debug)]
pub(crate) struct UmaDb;

/// Quipu, spoken to by UmaDB's client.
#[derive(Debug)]
pub(crate) struct QuipuDoor;

#[async_trait]
impl Peer for UmaDb {
    fn name(&self) -> &'static str {
        "UmaDB"
    }

    fn program(&self, tools: &Path) -> PathBuf {
        tools.join("bin/umadb")
    }

    fn version(&self, tools: &Path) -> Result<String> {
        said(&self.program(tools), &["--version"])
    }

    fn command(&self, site: &Site) -> Command {
        let mut command = Command::new(self.program(&site.tools));
        command.args(["--listen", &site.address(), "--db-path"]).arg(site.data.join("uma.db"));
        command
    }

    async fn connect(&self, site: &Site) -> Result<Arc<dyn Client>> {
        connect(site).await
    }

    fn note(&self) -> &'static str {
        "Defaults. gRPC, client `umadb-client`. Streams are tags; there is no expected revision, so nine appends \
         of ten carry no condition."
    }
}

#[async_trait]
impl Peer for QuipuDoor {
    fn name(&self) -> &'static str {
        "Quipu as UmaDB"
    }

    fn program(&self, _: &Path) -> PathBuf {
        quipu::program()
    }

    fn version(&self, tools: &Path) -> Result<String> {
        said(&self.program(tools), &["--version"])
    }

    fn command(&self, site: &Site) -> Command {
        quipu::command(site)
    }

    async fn connect(&self, site: &Site) -> Result<Arc<dyn Client>> {
        connect(site).await
    }

    fn lacks(&self, kind: Kind) -> Option<&'static str> {
        kind.is_large().then_some("the large log of this server is in Quipu's column")
    }

    fn note(&self) -> &'static str {
        "The same server and settings as Quipu, the same client and calls as UmaDB."
    }
}

async fn connect(site: &Site) -> Result<Arc<dyn Client>> {
    Ok(Arc::new(Connection(UmaDbClient::new(format!("http://{}", site.address())).connect_async().await?)))
}

struct Connection(AsyncUmaDbClient);

fn tagged(stream: &str) -> DcbQuery {
    DcbQuery::new().item(DcbQueryItem::new().tags([stream]))
}

fn event(stream: &str, payload: Bytes) -> DcbEvent {
    DcbEvent::new().event_type(EVENT_TYPE).tags([stream]).data(payload).uuid(Uuid::new_v4())
}

#[async_trait]
impl Client for Connection {
    async fn append(&self, stream: &str, guard: Guard, events: Vec<Bytes>) -> Result<u64> {
        let condition = (guard == Guard::NoEvent).then(|| DcbAppendCondition::new(tagged(stream)));
        let events = events.into_iter().map(|payload| event(stream, payload)).collect();
        Ok(self.0.append(events, condition, None).await?)
    }

    async fn fill(&self, streams: Vec<(String, Vec<Bytes>)>) -> Result<()> {
        let of_stream = |(stream, events): (String, Vec<Bytes>)| {
            events.into_iter().map(|payload| event(&stream, payload)).collect::<Vec<_>>()
        };
        self.0.append(streams.into_iter().flat_map(of_stream).collect(), None, None).await?;
        Ok(())
    }

    async fn read_log(&self) -> Result<u64> {
        drain(self.0.read(None, None, false, None).await?).await
    }

    async fn read_stream(&self, stream: &str) -> Result<u64> {
        drain(self.0.read(Some(tagged(stream)), None, false, None).await?).await
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscriber>> {
        let head = self.0.head().await?;
        Ok(Box::new(Following(self.0.subscribe(None, head).await?)))
    }
}

async fn drain(mut reading: Box<dyn DcbReadResponseAsync + Send>) -> Result<u64> {
    let mut events = 0;
    loop {
        let batch = reading.next_batch().await?;
        if batch.is_empty() {
            return Ok(events);
        }
        events += batch.len() as u64;
    }
}

struct Following(Box<dyn DcbSubscriptionAsync + Send>);

#[async_trait]
impl Subscriber for Following {
    async fn next(&mut self, each: &mut Audience<'_>) -> Result<()> {
        let events = self.0.next_batch().await?;
        anyhow::ensure!(!events.is_empty(), "the subscription ended");
        events.iter().for_each(|event| each(&event.event.data));
        Ok(())
    }
}
