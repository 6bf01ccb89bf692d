//! Clients that stall, vanish in the middle of a request, or flood, beside good ones: the good ones stay served,
//! memory stays bounded, and nothing is lost.

use std::time::{Duration, Instant};

use quipu_client::{Client, RetryPolicy, SubscribeAll};
use quipu_proof::history::{Append, Expected, Part};

use super::Campaign;
use crate::chance::Chance;
use crate::events::proposals;
use crate::ground::Ground;
use crate::life::{Failure, Life};
use crate::proxy::Proxy;
use crate::recorder::Answer;
use crate::server::Server;
use crate::workers::Workers;

/// Clients that send as much as they can.
const FLOODING: u64 = 16;

/// Connections that are reset in a round.
const RESETS: u64 = 8;

/// Appends of the client that is timed.
const PROBES: u64 = 20;

/// The longest that one of them may take.
const PROBE_LATE: Duration = Duration::from_secs(20);

/// The most memory that a server may have in use, in bytes.
const MEMORY_MAX: u64 = 768 << 20;

/// See the module.
#[derive(Debug)]
pub(crate) struct Clients;

impl Campaign for Clients {
    const NAME: &'static str = "clients";
    const ROUNDS_OF_A_LIFE: u64 = 5;

    fn flags(&self) -> Vec<String> {
        Vec::new()
    }

    fn ground(&self) -> Result<Ground, String> {
        Ground::directory()
    }

    #[allow(clippy::print_stdout, reason = "memory before and after is what one wants to see")]
    async fn round(&self, life: &mut Life, _: &mut Ground) -> Result<(), Failure> {
        let server = life.start()?;
        life.catch_up(&server).await?;
        let before = server.memory();
        let mut workers = life.work(&server).await?;
        let failed = |error| vec![format!("a client: {error:?}")];
        let client = server.client().await.map_err(failed)?;
        let stalled = client.subscribe_all(SubscribeAll::new().retry(RetryPolicy::none())).await.map_err(failed)?;
        for _ in 0..FLOODING {
            workers.fill(&server.client().await.map_err(failed)?);
        }
        let proxy = Proxy::to(&server.endpoint).await?;
        let chance = Chance::of(life.chance.number());
        let (reset, probed) = tokio::join!(reset(&proxy, &mut workers, chance), probe(life, &server));
        reset?;
        let slowest = probed?;
        let after = server.memory();
        println!("clients: memory {} MiB, then {} MiB; slowest append {slowest:?}", before >> 20, after >> 20);
        drop(stalled);
        life.kill(server, workers).await?;
        if after > MEMORY_MAX {
            life.tally.wrong += 1;
            return Err(vec![format!("the server has {after} bytes in use")]);
        }
        Ok(())
    }
}

/// Has writers lose their connection in the middle of what they send, again and again.
async fn reset(proxy: &Proxy, workers: &mut Workers, mut chance: Chance) -> Result<(), Failure> {
    for _ in 0..RESETS {
        let client = Client::builder(proxy.endpoint()).retry(RetryPolicy::none()).connect();
        let next = proxy.reset_next(2_000 + chance.below(60_000));
        let (client, reset) = tokio::join!(
            async {
                let client = client.await.map_err(|error| vec![format!("no client: {error:?}")])?;
                workers.write_loosely(&client);
                Ok::<_, Failure>(())
            },
            next
        );
        client?;
        reset?;
    }
    Ok(())
}

/// Appends one after the other as a client with all the right does; returns the longest that one took.
async fn probe(life: &Life, server: &Server) -> Result<Duration, Failure> {
    let client = server.client().await.map_err(|error| vec![format!("no client: {error:?}")])?;
    let mut chance = life.chance.clone();
    let mut slowest = Duration::ZERO;
    for _ in 0..PROBES {
        let events = proposals(&mut chance, 1, &["probe".to_owned()]);
        let part = Part { stream: "probed".into(), expected: Expected::Any, events };
        let begun = Instant::now();
        let asked = life.recorder.ask(&client, Append { parts: vec![part], ..Append::default() });
        let late = |_| vec![format!("a good client was not served in {PROBE_LATE:?}")];
        match tokio::time::timeout(PROBE_LATE, asked).await.map_err(late)? {
            // A full queue is told at once, to good and bad alike.
            Answer::In(_) | Answer::Out(_) => {}
            Answer::Gone => return Err(vec!["a good client lost its server".into()]),
        }
        slowest = slowest.max(begun.elapsed());
    }
    Ok(slowest)
}
