//! The scenario: the whole platform as processes, undisturbed, killed, and rebuilt.
//!
//! Owns [`run`] and the order of its three runs. Processes are in `stage.rs`, what the read models must be in
//! `oracle.rs`, what the reactors must have done in `effects.rs`.

mod effects;
mod oracle;
mod stage;

pub(crate) use stage::Stage;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use quipu_client::{BoxError, Client, ListDocuments, Message, ReadAll, RecordedEvent, SubscribeAll, WaitOutcome};
use serde_json::Value;
use uuid::Uuid;

use crate::workload::Chance;
use crate::{activity, contract, parallel, portfolio, replaying};
use contract::Facts;
use stage::{DEADLINE, Role};

const KILLS: u64 = 20;

/// How often the replay is killed.
const REPLAY_KILLS: u64 = 3;

const REPLAY: &str = "history";

/// Documents by type and id.
pub(crate) type Documents = BTreeMap<(String, String), Value>;

/// Makes the three runs and prints a line for each; fails unless nothing differs.
pub(crate) async fn run(server: &Path, seed: u64, events: u64) -> Result<ExitCode, BoxError> {
    let mut out = io::stdout();
    writeln!(out, "seed {seed}")?;
    let plain = Stage::start(server)?;
    let mut driver = plain.driver(seed, events)?;
    plain.settled(&mut driver).await?;
    let log = log(&plain).await?;
    let undisturbed = issued(&log);
    let mut differences = compared(&plain, &log, &mut out, "plain", 0, Vec::new()).await?;
    drop(plain);

    let mut stage = Stage::start(server)?;
    let mut driver = stage.driver(seed, events)?;
    kill(&mut stage, seed, events).await?;
    stage.settled(&mut driver).await?;
    let log = self::log(&stage).await?;
    let mut more = Vec::new();
    if issued(&log) != undisturbed {
        more.push("the driver's events are not those of the undisturbed run".to_owned());
    }
    differences += compared(&stage, &log, &mut out, "kills", KILLS, more).await?;

    let more = rebuilt(&stage, &log).await?;
    differences += compared(&stage, &log, &mut out, "rebuild", REPLAY_KILLS, more).await?;
    Ok(if differences == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Compares everything with what it must be, and prints the run's line; returns how much differs.
async fn compared(
    stage: &Stage,
    log: &[RecordedEvent],
    out: &mut impl Write,
    run: &str,
    kills: u64,
    mut differences: Vec<String>,
) -> Result<usize, BoxError> {
    let mut count = 0;
    let expected = [(portfolio::MODEL, oracle::portfolio(log)), (activity::MODEL, oracle::activity(log))];
    for (model, expected) in expected {
        let found = documents(&stage.client, model).await?;
        count += found.len();
        differences.extend(between(&format!("{run} {model}"), &found, &expected));
    }
    differences.extend(effects::differences(&stage.client, log).await?);
    for difference in differences.iter().take(10) {
        writeln!(out, "  {difference}")?;
    }
    let (events, differs) = (log.len(), differences.len());
    writeln!(out, "opportunities {run}: events {events}, kills {kills}, documents {count}, differences {differs}")?;
    Ok(differs)
}

/// Kills processes as the log grows, and starts each again: every third time the server, else a reactor or projector.
async fn kill(stage: &mut Stage, seed: u64, events: u64) -> Result<(), BoxError> {
    let mut chance = Chance::new(seed);
    let mut log = stage.client.subscribe_all(SubscribeAll::new()).await?;
    let slot = (events * 9 / 10 / KILLS).max(1);
    let first = chance.below(Role::REACTING.len() as u64);
    let mut seen = 0;
    for kill in 0..KILLS {
        let at = kill * slot + chance.below(slot) + 1;
        let reached = async {
            while seen < at {
                if let Message::Events(events) = log.next().await? {
                    seen = events.last().map_or(seen, |event| event.position);
                }
            }
            Ok::<_, BoxError>(())
        };
        tokio::time::timeout(DEADLINE, reached).await??;
        let turn = usize::try_from(first + kill - kill / 3).expect("few turns") % Role::REACTING.len();
        stage.restart(if kill % 3 == 0 { Role::Server } else { Role::REACTING[turn] })?;
    }
    Ok(())
}

/// Rebuilds the read models and the aggregates, and replays history through kills; tells what is wrong with it.
async fn rebuilt(stage: &Stage, log: &[RecordedEvent]) -> Result<Vec<String>, BoxError> {
    let mut wrong = Vec::new();
    if !stage.command(&["rebuild"]).status()?.success() {
        wrong.push("the rebuild failed".to_owned());
    }
    for model in [portfolio::MODEL, activity::MODEL] {
        let generations = stage.client.read_model(model).generations().await?;
        if generations.iter().map(|it| (it.number, it.is_active)).collect::<Vec<_>>() != [(2, true)] {
            wrong.push(format!("{model} is not in its second generation"));
        }
    }
    let with = parallel::states(&stage.client, 8, true).await?;
    if with != parallel::states(&stage.client, 8, false).await? || with.is_empty() {
        wrong.push("aggregates differ with and without snapshots".to_owned());
    }
    for stream in with.keys() {
        let snapshots = stage.client.list_snapshots(stream).await?.len();
        let events = log.iter().filter(|event| event.stream == *stream).count();
        if snapshots > 3 || (events >= 60 && snapshots == 0) {
            wrong.push(format!("{stream} has {snapshots} snapshots of {events} events"));
        }
    }
    let args = ["replay", REPLAY, "--batch-size", "10"];
    let mut replay = stage.command(&args).spawn()?;
    for kill in 1..=REPLAY_KILLS {
        let position = log.len() as u64 * kill / (REPLAY_KILLS + 2);
        let reached = stage.client.wait_for_checkpoint(REPLAY, position, Duration::from_secs(30)).await?;
        if !matches!(reached, WaitOutcome::Reached { .. }) {
            wrong.push("the replay does not get on".to_owned());
        }
        replay.kill()?;
        replay.wait()?;
        replay = stage.command(&args).spawn()?;
    }
    if !replay.wait()?.success() {
        wrong.push("the replay failed".to_owned());
    }
    let model = replaying::model(&stage.client, REPLAY);
    let mut types = documents(&stage.client, model.name()).await?;
    types.retain(|(doc_type, _), _| doc_type == "type");
    wrong.extend(between("replay", &types, &oracle::types(log)));
    if replaying::checkpoint(&model, REPLAY).await?.count != log.len() as u64 {
        wrong.push("the replay's checkpoint does not count every event once".to_owned());
    }
    Ok(wrong)
}

/// The whole log as it is stored, without migrators.
async fn log(stage: &Stage) -> Result<Vec<RecordedEvent>, BoxError> {
    Ok(Client::connect(&stage.endpoint).await?.read_all(ReadAll::new()).await?.collect().await?)
}

/// What the driver appended, in order.
fn issued(log: &[RecordedEvent]) -> Vec<(Uuid, String)> {
    let is_effect = |event: &&RecordedEvent| {
        let category = event.stream.split_once('-').map_or("", |(category, _)| category);
        crate::facts::EffectFact::CATEGORIES.contains(&category)
    };
    log.iter().filter(|event| !is_effect(event)).map(|event| (event.id, event.event_type.clone())).collect()
}

async fn documents(client: &Client, model: &str) -> Result<Documents, BoxError> {
    let mut documents = Documents::new();
    let mut all = client.read_model(model).list(ListDocuments::new());
    while let Some(document) = all.next().await {
        let document = document?;
        documents.insert((document.doc_type.clone(), document.id.clone()), document.json()?);
    }
    Ok(documents)
}

/// Where documents are not what they must be, a line each.
fn between(what: &str, found: &Documents, expected: &Documents) -> Vec<String> {
    let wrong = expected.iter().filter(|(key, value)| found.get(key) != Some(value));
    let wrong = wrong.map(|(key, value)| format!("{what}: {key:?} is {:?}, expected {value}", found.get(key)));
    let surplus = found.keys().filter(|key| !expected.contains_key(key));
    wrong.chain(surplus.map(|key| format!("{what}: {key:?} is too many"))).collect()
}
