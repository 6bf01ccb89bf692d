//! `invariants`: runs one of the three programs under load, and checks its rule over the log.
//!
//! Owns the command line and the exit code: 1 when the rule was broken or the load could not be run.

use std::error::Error as _;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use invariants::{Failure, Guarding, Load, Report, enrolment, transfer, user_names};

/// Has many clients contend for something scarce, and checks over the log that the rule held.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Which rule.
    #[command(subcommand)]
    program: Program,
    /// The server's address.
    #[arg(long, env = "QUIPU_ENDPOINT", default_value = "http://127.0.0.1:2113", global = true)]
    endpoint: String,
    /// How many clients there are at the same time.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = at_least_one, global = true)]
    clients: usize,
    /// How many attempts they make together.
    #[arg(long, value_name = "N", default_value_t = 2000, global = true)]
    attempts: usize,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Program {
    /// A course has so many seats, a student takes so many courses.
    Enrolment,
    /// No two users have the same name at the same time.
    UserNames,
    /// Money moves between two accounts: none is lost, no account is overdrawn.
    Transfer,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args).await {
        Ok(report) => {
            // Whoever reads the table, such as `head`, has seen what it wanted.
            let _ = write!(io::stdout(), "{report}");
            if report.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(failure) => {
            let mut text = failure.to_string();
            let mut cause = failure.source();
            while let Some(error) = cause {
                text = format!("{text}: {error}");
                cause = error.source();
            }
            // Nobody is left to tell when this cannot be written.
            let _ = writeln!(io::stderr(), "invariants: {text}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> Result<Report, Failure> {
    let load = Load { clients: args.clients, attempts: args.attempts };
    match args.program {
        Program::Enrolment => enrolment::run(&args.endpoint, load, Guarding::On).await,
        Program::UserNames => user_names::run(&args.endpoint, load, Guarding::On).await,
        Program::Transfer => transfer::run(&args.endpoint, load, Guarding::On).await,
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|clients| *clients > 0).ok_or_else(|| "a number from 1 is expected".to_owned())
}
