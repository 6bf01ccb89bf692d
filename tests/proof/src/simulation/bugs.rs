//! `proof bugs`: every bug that is planted must be found by the simulation. Which campaigns on the real server find
//! it as well is told when there is one: some bugs show only when a disk does what no machine can be made to do.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

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
    /// A server with `seeded-bugs`: the campaigns that it goes through are told as well
    #[arg(long)]
    binary: Option<PathBuf>,
}

/// The campaigns on the real server, and how many rounds a bug may survive.
const LIVE: [(&str, &str); 4] = [("kill", "20"), ("power", "10"), ("calls", "20"), ("mutate", "150")];

/// Which campaigns find a bug in a real server.
fn found_live(binary: &Path, bug: Bug) -> Vec<&'static str> {
    let finds = |(campaign, rounds): &(&str, &str)| {
        let proof = std::env::current_exe().expect("this program is a file");
        let mut command = Command::new(proof);
        command.args([campaign, "--rounds", rounds, "--seed", "1", "--bug", &bug.name(), "--binary"]).arg(binary);
        let told = command.output().expect("it can be run again");
        String::from_utf8_lossy(&told.stdout).lines().any(|line| line.starts_with("VIOLATION "))
    };
    LIVE.iter().filter(|live| finds(live)).map(|(campaign, _)| *campaign).collect()
}

/// Plants one bug after the other and prints what found it.
#[allow(clippy::print_stdout, reason = "a campaign tells what it saw")]
pub(crate) fn run(args: &BugsArgs) -> ExitCode {
    std::panic::set_hook(Box::new(|_| {}));
    let mut survivors = 0;
    println!("| bug | found by seed | as | found in a real server by |");
    println!("|---|---:|---|---|");
    for bug in Bug::ALL {
        if !args.bugs.is_empty() && !args.bugs.contains(&bug.name()) {
            continue;
        }
        plant(Some(bug));
        let found = with_timers(|| (0..args.seeds).find_map(|seed| Some((seed, lived(seed, false).violations.pop()?))));
        plant(None);
        let live = args.binary.as_ref().map_or_else(Vec::new, |binary| found_live(binary, bug)).join(", ");
        match found {
            Some((seed, what)) => println!("| `{}` | {seed} | {what} | {live} |", bug.name()),
            None => {
                survivors += 1;
                println!("| `{}` | **survives {} seeds** | | {live} |", bug.name(), args.seeds);
            }
        }
    }
    println!("{survivors} bugs survive");
    if survivors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
