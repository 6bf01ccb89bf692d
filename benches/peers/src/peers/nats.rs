//! NATS JetStream with a sync for every write.
//!
//! Owns the server's configuration and the calls. The log is one JetStream stream, a stream a subject of it, a
//! guard the expected last sequence of the subject. Several events go in as an atomic batch: its messages are
//! published one after the other, the last one commits. Reads of a subject are batched direct gets.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use async_nats::jetstream::Context;
use async_nats::jetstream::consumer::pull::{Ordered, OrderedConfig};
use async_nats::jetstream::consumer::{DeliverPolicy, ReplayPolicy};
use async_nats::jetstream::context::ContextBuilder;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::stream::{Config, StorageType, Stream};
use async_nats::{ConnectOptions, HeaderMap, StatusCode};
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use serde_json::json;
use tokio::process::Command;
use uuid::Uuid;

use crate::peer::{Audience, Client, Guard, Peer, Site, Subscriber};
use crate::server::said;
use crate::workload::Kind;

const LOG: &str = "log";

/// Events of a stream that one request asks for.
const READ_BATCH: u64 = 1_000;

/// How long an answer may take: large batches take longer than the client waits by itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// NATS' server.
#[derive(Debug)]
pub(crate) struct Nats;

#[async_trait]
impl Peer for Nats {
    fn name(&self) -> &'static str {
        "NATS JetStream"
    }

    fn program(&self, tools: &Path) -> PathBuf {
        tools.join("bin/nats-server")
    }

    fn version(&self, tools: &Path) -> Result<String> {
        said(&self.program(tools), &["--version"])
    }

    async fn prepare(&self, site: &Site) -> Result<()> {
        let mut config = String::new();
        writeln!(config, "listen: \"{}\"", site.address())?;
        writeln!(config, "jetstream {{ store_dir: \"{}\", sync_interval: always }}", site.data.display())?;
        Ok(std::fs::write(site.data.join("server.conf"), config)?)
    }

    fn command(&self, site: &Site) -> Command {
        let mut command = Command::new(self.program(&site.tools));
        command.arg("--config").arg(site.data.join("server.conf"));
        command
    }

    async fn furnish(&self, site: &Site) -> Result<()> {
        let context = context(site).await?;
        let config = Config {
            name: LOG.to_owned(),
            subjects: vec![format!("{LOG}.>")],
            storage: StorageType::File,
            allow_direct: true,
            allow_atomic_publish: true,
            ..Config::default()
        };
        context.create_stream(config).await?;
        Ok(())
    }

    async fn connect(&self, site: &Site) -> Result<Arc<dyn Client>> {
        let context = context(site).await?;
        let log = context.get_stream(LOG).await?;
        Ok(Arc::new(Connection { context, log }))
    }

    fn lacks(&self, kind: Kind) -> Option<&'static str> {
        if kind == Kind::Stalled {
            return Some("a NATS consumer pulls: one that does not read on asks for nothing, and is sent nothing");
        }
        kind.is_large().then_some("NATS syncs each message by itself: the fill alone would take too long")
    }

    fn note(&self) -> &'static str {
        "`sync_interval: always`; everything else by default. A protocol of its own over TCP, client `async-nats`. One \
         JetStream stream in a file, streams are subjects of it, guards the expected last subject sequence, batches \
         atomic ones, one stream is read by a batched direct get, the whole log and live events by ordered pull \
         consumers."
    }
}

async fn context(site: &Site) -> Result<Context> {
    let client = ConnectOptions::new().request_timeout(Some(PATIENCE)).connect(site.address()).await?;
    Ok(ContextBuilder::new().ack_timeout(PATIENCE).build(client))
}

struct Connection {
    context: Context,
    log: Stream,
}

fn subject(stream: &str) -> String {
    format!("{LOG}.{stream}")
}

fn expected(guard: Guard) -> Option<u64> {
    match guard {
        Guard::Nothing => None,
        Guard::NoEvent => Some(0),
        Guard::Last(sequence) => Some(sequence),
    }
}

impl Connection {
    async fn append_one(&self, stream: &str, guard: Guard, event: Bytes) -> Result<u64> {
        let mut message = PublishMessage::build().payload(event);
        if let Some(sequence) = expected(guard) {
            message = message.expected_last_subject_sequence(sequence);
        }
        Ok(self.context.send_publish(subject(stream), message).await?.await?.sequence)
    }

    async fn append_batch(&self, stream: &str, guard: Guard, events: Vec<Bytes>) -> Result<u64> {
        let (client, subject, batch) = (self.context.client(), subject(stream), Uuid::new_v4().to_string());
        let last = events.len();
        for (at, event) in (1..).zip(events) {
            let mut headers = HeaderMap::new();
            headers.insert("Nats-Batch-Id", batch.as_str());
            headers.insert("Nats-Batch-Sequence", at.to_string());
            if let (1, Some(sequence)) = (at, expected(guard)) {
                headers.insert("Nats-Expected-Last-Subject-Sequence", sequence.to_string());
            }
            if at < last {
                client.publish_with_headers(subject.clone(), headers, event).await?;
                continue;
            }
            headers.insert("Nats-Batch-Commit", "1");
            let answer = client.request_with_headers(subject.clone(), headers, event).await?;
            let told = || String::from_utf8_lossy(&answer.payload).into_owned();
            let ack: PublishAck = serde_json::from_slice(&answer.payload).with_context(told)?;
            ensure!(ack.batch_size == Some(last as u64), "the batch has another size: {}", told());
            return Ok(ack.sequence);
        }
        bail!("a batch without events")
    }

    async fn follow(&self, deliver_policy: DeliverPolicy) -> Result<Ordered> {
        let config = OrderedConfig { deliver_policy, replay_policy: ReplayPolicy::Instant, ..OrderedConfig::default() };
        Ok(self.log.create_consumer(config).await?.messages().await?)
    }
}

#[async_trait]
impl Client for Connection {
    async fn append(&self, stream: &str, guard: Guard, mut events: Vec<Bytes>) -> Result<u64> {
        match events.len() {
            1 => self.append_one(stream, guard, events.swap_remove(0)).await,
            _ => self.append_batch(stream, guard, events).await,
        }
    }

    async fn read_log(&self) -> Result<u64> {
        let all = self.log.get_info().await?.state.messages;
        let mut messages = self.follow(DeliverPolicy::All).await?;
        for _ in 0..all {
            messages.next().await.context("the read ended early")??;
        }
        Ok(all)
    }

    async fn read_stream(&self, stream: &str) -> Result<u64> {
        let client = self.context.client();
        let inbox = client.new_inbox();
        let mut answers = client.subscribe(inbox.clone()).await?;
        let request = json!({"seq": 1, "next_by_subj": subject(stream), "batch": READ_BATCH});
        let request = serde_json::to_vec(&request)?;
        client.publish_with_reply(format!("$JS.API.DIRECT.GET.{LOG}"), inbox, request.into()).await?;
        let mut events = 0;
        while let Some(answer) = answers.next().await {
            match answer.status {
                None => events += 1,
                // "EOB": the batch is complete.
                Some(status) if status == StatusCode::from_u16(204)? => return Ok(events),
                Some(status) => bail!("a direct get was answered with {status}"),
            }
        }
        bail!("the connection ended")
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscriber>> {
        Ok(Box::new(Following(self.follow(DeliverPolicy::New).await?)))
    }
}

struct Following(Ordered);

#[async_trait]
impl Subscriber for Following {
    async fn next(&mut self, each: &mut Audience<'_>) -> Result<()> {
        each(&self.0.next().await.context("the subscription ended")??.payload);
        Ok(())
    }
}
