//! `proof bugs`: every bug that is planted must be found by the simulation.

use std::process::ExitCode;

use clap::Args;
use quipu::seeded::{Bug, plant};

use super::{lived, with_timers};

/// What was typed for `proof bugs`.
#[derive(Debug, Args)]
pub(crate) struct BugsArgs {
    /// How many seeds a bug may survive
    #[arg(long, default_value_t = 20_000)]
    seeds: u64,
    /// Only these bugs
    #[arg(long = "bug", value_name = "NAME")]
    bugs: Vec<String>,
}

/// Plants one bug after the other and prints what found it.
#[allow(clippy::print_stdout, reason = "a campaign tells what it saw")]
pub(crate) fn run(args: &BugsArgs) -> ExitCode {
    std::panic::set_hook(Box::new(|_| {}));
    let mut survivors = 0;
    println!("| bug | found by seed | as |");
    println!("|---|---:|---|");
    for bug in Bug::ALL {
        if !args.bugs.is_empty() && !args.bugs.contains(&bug.name()) {
            continue;
        }
        plant(Some(bug));
        let found = with_timers(|| (0..args.seeds).find_map(|seed| Some((seed, lived(seed, false).violations.pop()?))));
        plant(None);
        match found {
            Some((seed, what)) => println!("| `{}` | {seed} | {what} |", bug.name()),
            None => {
                survivors += 1;
                println!("| `{}` | **survives {} seeds** | |", bug.name(), args.seeds);
            }
        }
    }
    println!("{survivors} bugs survive");
    if survivors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
