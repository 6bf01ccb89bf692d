//! An opportunity platform: opportunities found by agents, decided on by users, kept as events.
//!
//! Owns the command line. Each reactor and each projector is a process of its own: the same program with another
//! subcommand.

mod activity;
mod alerts;
mod archive;
mod audit;
mod contract;
mod driver;
mod envelope;
mod facts;
mod health;
mod migrators;
mod notifier;
mod opportunity;
mod parallel;
mod portfolio;
#[cfg(test)]
mod promises;
mod replaying;
#[cfg(test)]
mod sample;
mod scenario;
mod valuation;
mod workload;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::{Parser, Subcommand};
use quipu_client::{BoxError, Client, Projection, Projector, Reactor, RetryPolicy};
use serde::Serialize;
use serde_json::{Value, json};

use crate::activity::Activity;
use crate::portfolio::Portfolio;
use crate::replaying::Plan;
use crate::valuation::Rates;

#[derive(Debug, Parser)]
#[command(version, about = "An opportunity platform on an event store")]
struct Args {
    /// The server's address.
    #[arg(long, global = true, env = "OPPORTUNITIES_ENDPOINT", default_value = "http://127.0.0.1:2113")]
    endpoint: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Issue commands until so many events have come of them
    Driver {
        #[arg(long)]
        seed: u64,
        #[arg(long)]
        events: u64,
    },
    /// Project opportunities into the portfolio
    Portfolio,
    /// Project agents, users and counts into the activity
    Activity,
    /// Tell people what concerns them
    Notifier,
    /// Convert amounts into euros
    Valuation {
        /// A rate besides those that are known, such as CHF=1050: thousandths of a euro
        #[arg(long = "rate", value_parser = rate)]
        rates: Vec<(String, u64)>,
    },
    /// Raise an alert for each event that a reactor has given up
    Alerts,
    /// Have a reactor's parked events delivered again
    Retry { group: String },
    /// Rebuild both read models from the first event
    Rebuild,
    /// Count events by time and types, under a name, in batches
    Replay {
        name: String,
        #[arg(long = "type")]
        types: Vec<String>,
        #[arg(long)]
        from: Option<DateTime<Utc>>,
        #[arg(long)]
        before: Option<DateTime<Utc>>,
        #[arg(long, default_value_t = 100)]
        batch_size: usize,
    },
    /// Tell what happened to an aggregate, and by whose doing
    Audit {
        stream: String,
        #[arg(long, default_value = "1970-01-01T00:00:00Z")]
        from: DateTime<Utc>,
        #[arg(long, default_value = "9999-01-01T00:00:00Z")]
        before: DateTime<Utc>,
    },
    /// Fold all opportunities side by side
    States {
        #[arg(long, default_value_t = 8)]
        at_once: usize,
        #[arg(long)]
        without_snapshots: bool,
    },
    /// Copy an opportunity's events to a file
    Archive {
        stream: String,
        #[arg(long, default_value = ".")]
        directory: PathBuf,
    },
    /// Count events, in all and by type
    Statistics,
    /// Tell how reactors, read models and the log are doing
    Health {
        /// What counts as recent.
        #[arg(long, default_value_t = 5)]
        minutes: u32,
    },
    /// Run everything, kill it, rebuild it, and compare
    Scenario {
        #[arg(long, default_value_t = 1500)]
        events: u64,
        #[arg(long, default_value_t = 7)]
        seed: u64,
        /// The server's program.
        #[arg(long, env = "QUIPU_BINARY")]
        server: PathBuf,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    match run(args).await {
        Ok(code) => code,
        Err(error) => {
            let mut text = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                text = format!("{text}: {error}");
                cause = error.source();
            }
            // Nobody is left to tell when this cannot be written.
            let _ = writeln!(io::stderr(), "opportunities: {text}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<ExitCode, BoxError> {
    let client = connect(&args.endpoint)?;
    match args.command {
        Command::Driver { seed, events } => {
            let driven = driver::drive(&client, seed, events).await?;
            print(&json!({ "events": driven.events, "refused": driven.refused }))?;
        }
        Command::Portfolio => project(&client, portfolio::MODEL, Portfolio).await?,
        Command::Activity => project(&client, activity::MODEL, Activity).await?,
        Command::Notifier => react(&notifier::reactor(&client)).await?,
        Command::Valuation { rates } => react(&valuation::reactor(&client, Rates::with(rates))).await?,
        Command::Alerts => alerts::watch(&client).await?,
        Command::Retry { group } => print(&json!({ "replayed": client.group(group).replay_parked(&[]).await? }))?,
        Command::Rebuild => {
            let portfolio = Projector::new(&client, portfolio::MODEL, Portfolio).rebuild().await?;
            let activity = Projector::new(&client, activity::MODEL, Activity).rebuild().await?;
            print(&json!({ "generations": { "portfolio": portfolio, "activity": activity } }))?;
        }
        Command::Replay { name, types, from, before, batch_size } => {
            print(&replaying::run(&client, &Plan { name, types, from, before, batch_size }).await?)?;
        }
        Command::Audit { stream, from, before } => {
            for entry in audit::trail(&client, &stream, from..before).await? {
                print(&entry)?;
            }
        }
        Command::States { at_once, without_snapshots } => {
            print(&parallel::states(&client, at_once, !without_snapshots).await?)?;
        }
        Command::Archive { stream, directory } => {
            print(&json!({ "events": archive::keep(&client, &stream, &directory).await? }))?;
        }
        Command::Statistics => print(&health::counts(&client).await?)?,
        Command::Health { minutes } => {
            print(&health::health(&client, Utc::now(), chrono::Duration::minutes(minutes.into())).await?)?;
        }
        Command::Scenario { events, seed, server } => return scenario::run(&server, seed, events).await,
    }
    Ok(ExitCode::SUCCESS)
}

/// A client that waits for a server that is away, and reads old facts in the shapes of today.
fn connect(endpoint: &str) -> Result<Client, quipu_client::Error> {
    migrators::migrating(&Client::builder(endpoint).retry(RetryPolicy::forever()).connect_lazy()?)
}

/// Projects until Ctrl-C.
async fn project<P: Projection>(client: &Client, model: &str, projection: P) -> Result<(), BoxError> {
    let projector = Projector::new(client, model, projection);
    let stopping = projector.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stopping.stop();
        }
    });
    Ok(projector.run().await?)
}

/// Reacts until Ctrl-C, then tells how long handlers took.
async fn react(reactor: &Reactor) -> Result<(), BoxError> {
    let stopping = reactor.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stopping.stop();
        }
    });
    reactor.run().await?;
    let done = reactor.metrics();
    let times = done.by_type.iter().map(|(event_type, time)| {
        let seconds = json!({ "calls": time.count, "sum": time.sum.as_secs_f64(), "max": time.max.as_secs_f64() });
        (event_type.clone(), seconds)
    });
    let times: serde_json::Map<String, Value> = times.collect();
    print(&json!({ "handled": done.handled, "failed": done.failed, "parked": done.parked, "seconds": times }))
}

fn print(value: &impl Serialize) -> Result<(), BoxError> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, value)?;
    Ok(writeln!(out)?)
}

fn rate(text: &str) -> Result<(String, u64), String> {
    let (currency, rate) = text.split_once('=').ok_or("expected CURRENCY=RATE")?;
    Ok((currency.to_owned(), rate.parse().map_err(|_| "the rate is no number")?))
}
