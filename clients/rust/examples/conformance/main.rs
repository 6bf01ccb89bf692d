//! What a client of Quipu must be able to do, shown against real servers.
//!
//! Owns the list of scenarios and runs them, all or those named, one after the other, each against a server of
//! its own. It prints one line for each and ends with status 1 when one failed.

mod aggregates;
mod appending;
mod following;
mod groups;
mod keeping;
mod projecting;
mod reacting;
mod reading;
mod refusals;
#[path = "../../tests/server/mod.rs"]
mod server;
mod waiting;

use std::io::{self, Write};
use std::panic::{self, PanicHookInfo};
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;

use tokio::time;

use server::Server;

/// How long a scenario may take before it has failed.
const PATIENCE: Duration = Duration::from_secs(90);

/// How a scenario ends: by an error or a panic when it fails.
type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

type Running = Pin<Box<dyn Future<Output = Outcome> + Send>>;

type Scenario = (&'static str, fn(Server) -> Running);

macro_rules! scenarios {
    ($($name:literal => $function:path,)*) => {
        [$(($name, |server| Box::pin($function(server)))),*]
    };
}

const SCENARIOS: [Scenario; 28] = scenarios! {
    "append-expected" => appending::expected,
    "append-retry" => appending::retry,
    "append-guards" => appending::guards,
    "transact" => appending::transact,
    "read-stream" => reading::stream,
    "read-all-query" => reading::all_by_query,
    "read-resume" => reading::resume,
    "subscribe-live" => following::live,
    "subscribe-resume" => following::resume,
    "append-resume" => appending::resume,
    "snapshots" => keeping::snapshots,
    "state" => keeping::state,
    "checkpoints" => keeping::checkpoints,
    "stream-life" => keeping::stream_life,
    "statistics" => keeping::statistics,
    "tenants" => keeping::tenants,
    "errors" => refusals::errors,
    "aggregate" => aggregates::aggregate,
    "upcasters" => aggregates::upcasters,
    "group-order" => groups::order,
    "group-park" => groups::park,
    "group-members" => groups::members,
    "group-fetch" => groups::fetch,
    "group-errors" => refusals::group_errors,
    "reactor" => reacting::reactor,
    "read-models" => projecting::read_models,
    "projector" => projecting::projector,
    "replay" => projecting::replay,
};

#[tokio::main]
async fn main() -> ExitCode {
    panic::set_hook(Box::new(|_: &PanicHookInfo<'_>| {}));
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let unknown = wanted.iter().find(|name| SCENARIOS.iter().all(|(known, _)| known != name));
    if let Some(name) = unknown {
        say(&format!("FAIL {name}: there is no such scenario"));
        return ExitCode::FAILURE;
    }
    let mut all_ok = true;
    for (name, scenario) in SCENARIOS {
        if !wanted.is_empty() && wanted.iter().all(|wanted| wanted != name) {
            continue;
        }
        match run(scenario).await {
            Ok(()) => say(&format!("ok {name}")),
            Err(why) => {
                all_ok = false;
                say(&format!("FAIL {name}: {}", why.replace('\n', " ")));
            }
        }
    }
    if all_ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs a scenario; why it failed, if it did.
async fn run(scenario: fn(Server) -> Running) -> Result<(), String> {
    let running = tokio::spawn(async move { scenario(Server::start().await).await });
    match time::timeout(PATIENCE, running).await {
        Ok(Ok(Ok(()))) => Ok(()),
        Ok(Ok(Err(error))) => Err(error.to_string()),
        Ok(Err(panicked)) => Err(words(panicked)),
        Err(_) => Err(format!("it takes longer than {PATIENCE:?}")),
    }
}

fn words(panicked: tokio::task::JoinError) -> String {
    let Ok(payload) = panicked.try_into_panic() else { return "it was aborted".to_owned() };
    let words = payload.downcast_ref::<String>().cloned();
    words.or_else(|| payload.downcast_ref::<&str>().map(|&words| words.to_owned())).unwrap_or_default()
}

fn say(line: &str) {
    // Nobody is left to be told when standard output is closed.
    drop(writeln!(io::stdout(), "{line}"));
}
