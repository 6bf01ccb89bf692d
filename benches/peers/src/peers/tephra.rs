//! Tephra, through its multiplexing client.
//!
//! Owns the calls. A stream is a tag; that it is new is a condition that no event has the tag. There is no
//! expected revision. Subscribers that never read on use the blocking client: the other one takes from its sockets
//! whatever comes, and keeps it itself.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use tephra_client::{
    AppendCondition, AsyncClient, AsyncReadStream, AsyncSubscribeStream, BuildError, Client as Blocking, Event,
    Position, Query, QueryItem, SubEvent, Tag, Tags,
};
use tokio::process::Command;
use tokio::task::spawn_blocking;

use crate::payload::EVENT_TYPE;
use crate::peer::{Audience, Client, Guard, Peer, Site, Subscriber};

/// Tephra's server.
#[derive(Debug)]
pub(crate) struct Tephra;

#[async_trait]
impl Peer for Tephra {
    fn name(&self) -> &'static str {
        "Tephra"
    }

    fn program(&self, tools: &Path) -> PathBuf {
        tools.join("bin/tephra-server")
    }

    fn version(&self, tools: &Path) -> Result<String> {
        let installed = std::fs::read_to_string(tools.join(".crates.toml")).context("what cargo installed")?;
        let line = installed.lines().find(|line| line.starts_with("\"tephra-server ")).context("tephra-server")?;
        Ok(line.trim_matches('"').split(' ').take(2).collect::<Vec<_>>().join(" "))
    }

    fn command(&self, site: &Site) -> Command {
        let mut command = Command::new(self.program(&site.tools));
        command.args(["--bind", &site.address(), "--data-dir"]).arg(&site.data);
        command
    }

    async fn connect(&self, site: &Site) -> Result<Arc<dyn Client>> {
        let address = site.address();
        Ok(Arc::new(Connection { client: AsyncClient::connect(&address).await?, address }))
    }

    fn note(&self) -> &'static str {
        "Defaults. A protocol of its own over TCP, client `tephra-client` with `async`, which multiplexes. Streams \
         are tags; there is no expected revision, so nine appends of ten carry no condition."
    }
}

struct Connection {
    client: AsyncClient,
    address: String,
}

impl Connection {
    async fn head(&self) -> Result<Position> {
        // Positions are counted from 1, without gaps.
        Ok(Position::new(self.client.stats().await?.event_count))
    }
}

fn event(stream: &str, payload: Bytes) -> Result<Event, BuildError> {
    Event::new(EVENT_TYPE, [stream], payload)
}

fn tagged(stream: &str) -> Result<Query> {
    Ok(Query::item(QueryItem::with_tags(Tags::new([Tag::new(stream)?])?)))
}

#[async_trait]
impl Client for Connection {
    async fn append(&self, stream: &str, guard: Guard, events: Vec<Bytes>) -> Result<u64> {
        let events: Result<Vec<_>, _> = events.into_iter().map(|payload| event(stream, payload)).collect();
        let condition = match guard {
            Guard::NoEvent => Some(AppendCondition::new(tagged(stream)?)),
            Guard::Nothing | Guard::Last(_) => None,
        };
        Ok(self.client.append(events?, condition).await?.last.get())
    }

    async fn fill(&self, streams: Vec<(String, Vec<Bytes>)>) -> Result<()> {
        let of_stream = |(stream, events): (String, Vec<Bytes>)| {
            events.into_iter().map(|payload| event(&stream, payload)).collect::<Vec<_>>()
        };
        let events: Result<Vec<_>, _> = streams.into_iter().flat_map(of_stream).collect();
        self.client.append(events?, None).await?;
        Ok(())
    }

    async fn read_log(&self) -> Result<u64> {
        drain(self.client.read(Query::all(), Position::ZERO, None).await).await
    }

    async fn read_stream(&self, stream: &str) -> Result<u64> {
        drain(self.client.read(tagged(stream)?, Position::ZERO, None).await).await
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscriber>> {
        let mut stream = self.client.subscribe(Query::all(), self.head().await?).await;
        loop {
            match stream.next().await.context("the subscription ended")?? {
                SubEvent::CaughtUp(_) => return Ok(Box::new(Following(stream))),
                SubEvent::Event(_) => {}
            }
        }
    }

    async fn stall(&self, subscribers: usize) -> Result<Box<dyn Send>> {
        let (address, head) = (self.address.clone(), self.head().await?);
        let stalled = spawn_blocking(move || {
            let mut client = Blocking::connect(address)?;
            for _ in 0..subscribers {
                client.subscribe(Query::all(), head)?;
            }
            anyhow::Ok(client)
        });
        Ok(Box::new(stalled.await??))
    }
}

async fn drain(mut reading: AsyncReadStream) -> Result<u64> {
    let mut events = 0;
    while let Some(event) = reading.next().await {
        event?;
        events += 1;
    }
    Ok(events)
}

struct Following(AsyncSubscribeStream);

#[async_trait]
impl Subscriber for Following {
    async fn next(&mut self, each: &mut Audience<'_>) -> Result<()> {
        match self.0.next().await {
            Some(Ok(SubEvent::Event(event))) => each(event.event().payload()),
            Some(Ok(SubEvent::CaughtUp(_))) => {}
            Some(Err(error)) => return Err(error.into()),
            None => bail!("the subscription ended"),
        }
        Ok(())
    }
}
