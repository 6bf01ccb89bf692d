//! A reactor: keeps a read model of a permit process up to date.
//!
//! Owns the command line and the exit code. It follows the whole log, folds every event into the
//! model (`model.rs`), and keeps model and position together in one file (`model_file.rs`), so that
//! it can be killed at any moment and goes on from where the file says. It appends nothing.

mod check;
mod model;
mod model_file;
mod reactor;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use quipu_client::RetryPolicy;

use crate::model::Model;
use crate::model_file::ModelFile;
use crate::reactor::Reactor;

/// Keeps a read model of permits: how far each one is, and how often each activity happens.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// The server's address.
    #[arg(long, env = "QUIPU_ENDPOINT", default_value = "http://127.0.0.1:2113")]
    endpoint: String,
    /// The tenant whose log is followed.
    #[arg(long, env = "QUIPU_TENANT")]
    tenant: Option<String>,
    /// The file that holds the model and its position.
    #[arg(long, value_name = "FILE", default_value = "permits.json")]
    model: PathBuf,
    /// Save at the latest after so many events.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    save_every: u64,
    /// Stop when caught up, and print a summary.
    #[arg(long)]
    once: bool,
    /// Stop when this position is dealt with, and print a summary.
    #[arg(long, value_name = "POSITION")]
    until: Option<u64>,
    /// As --once; then fold this file of events, and compare the result with the saved model.
    #[arg(long, value_name = "FILE.jsonl[.gz]", conflicts_with = "until")]
    check: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Reactor(#[from] reactor::Error),
    #[error(transparent)]
    ModelFile(#[from] model_file::Error),
    #[error(transparent)]
    Check(#[from] check::Error),
    #[error("cannot print")]
    Print(#[from] io::Error),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(code) => code,
        // Whoever reads the summary, such as `head`, has seen what it wanted.
        Err(Failure::Print(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => {
            let mut text = failure.to_string();
            let mut cause = std::error::Error::source(&failure);
            while let Some(error) = cause {
                text = format!("{text}: {error}");
                cause = error.source();
            }
            // Nobody is left to tell when this cannot be written.
            let _ = writeln!(io::stderr(), "permits: {text}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<ExitCode, Failure> {
    let file = ModelFile::new(args.model);
    let once = args.once || args.check.is_some();
    let is_service = !once && args.until.is_none();
    let patience = if is_service { RetryPolicy::forever() } else { RetryPolicy::default() };
    let connecting = Reactor::connect(&args.endpoint, args.tenant, patience, file.clone(), args.save_every);
    let mut reactor = connecting.await?;
    reactor.run(once, args.until).await?;
    // What counts is what the next start will find.
    let model = file.load()?.unwrap_or_default();
    let mut out = io::stdout().lock();
    summarize(&mut out, &model)?;
    let Some(path) = args.check else { return Ok(ExitCode::SUCCESS) };
    let differences = check::differences(&model, &check::fold_file(&path)?);
    if differences.is_empty() {
        writeln!(out, "equal to {}", path.display())?;
        return Ok(ExitCode::SUCCESS);
    }
    for difference in differences.iter().take(10) {
        writeln!(out, "different: {difference}")?;
    }
    writeln!(out, "{} differences from {}", differences.len(), path.display())?;
    Ok(ExitCode::FAILURE)
}

/// The model in a few lines: how much there is, what happens most, what takes longest.
fn summarize(out: &mut impl Write, model: &Model) -> io::Result<()> {
    let events: u64 = model.activities.values().sum();
    writeln!(out, "{} permits, {events} events, up to position {}", model.permits.len(), model.position)?;
    let mut activities: Vec<_> = model.activities.iter().collect();
    activities.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    for (activity, count) in activities.iter().take(5) {
        writeln!(out, "{count:>8}  {activity}")?;
    }
    let mut permits: Vec<_> = model.permits.iter().collect();
    permits.sort_by(|a, b| b.1.days.cmp(&a.1.days).then(a.0.cmp(b.0)));
    for (name, permit) in permits.iter().take(3) {
        writeln!(out, "{:>8}  days for {name}, now at {:?}", permit.days, permit.last_activity)?;
    }
    Ok(())
}
