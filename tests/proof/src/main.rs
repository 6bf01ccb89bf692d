//! `proof`: fault campaigns against Quipu, one subcommand each.
//!
//! Every campaign draws from a seed, which it prints (what threads make of the draws is theirs), and judges what it
//! saw by one checker. It ends with 0 when there is no violation, and with 1 when there is one; what a machine can
//! not do is said loudly. The data of a failed round is kept, and named.

#![allow(clippy::wildcard_enum_match_arm, reason = "a campaign tells apart the few answers that matter to it")]

mod campaigns;
mod events;
mod ground;
mod image;
mod life;
mod mutate;
mod proxy;
mod readers;
mod recorder;
mod server;
mod simulation;
mod speech;
mod tally;
mod workers;
mod writers;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use quipu::disk::simulated::chance;

use campaigns::calls::Calls;
use campaigns::clients::Clients;
use campaigns::full::Full;
use campaigns::kill::Kill;
use campaigns::power::Power;
use campaigns::{Settings, run};
use image::FileSystem;
use server::Program;

/// Fault campaigns against Quipu.
#[derive(Debug, Parser)]
#[command(name = "proof")]
struct Proof {
    #[command(subcommand)]
    campaign: Campaign,
}

#[derive(Debug, Subcommand)]
enum Campaign {
    /// Kill the server at any moment, also while it starts
    Kill(Common),
    /// Cut the power of a file system of its own
    Power {
        #[command(flatten)]
        common: Common,
        /// Which file system
        #[arg(long, value_enum, default_value = "ext4")]
        filesystem: FileSystem,
        /// Have syncs do nothing, to see what was acknowledged get lost
        #[arg(long)]
        lying_syncs: bool,
    },
    /// Have calls to the system fail
    Calls(Common),
    /// Fill the disk, free it, and fill it again
    Full(Common),
    /// Let clients stall, vanish and flood beside good ones
    Clients(Common),
    /// Damage one place of a data directory and compare every answer
    Mutate {
        #[command(flatten)]
        common: Common,
        /// Repeats one mutation, by the number that a violation was told with
        #[arg(long)]
        only: Option<u64>,
    },
    /// The whole store on a simulated machine, from a seed
    Simulate(simulation::SimulateArgs),
    /// Bugs on purpose: each must be found
    #[cfg(feature = "seeded-bugs")]
    Bugs(simulation::bugs::BugsArgs),
}

#[derive(Debug, Args)]
struct Common {
    /// How often
    #[arg(long, default_value_t = 10)]
    rounds: u64,
    /// Repeats the draws of an earlier run
    #[arg(long)]
    seed: Option<u64>,
    /// The program under test
    #[arg(long, env = "QUIPU_BINARY", default_value = "target/release/quipu")]
    binary: PathBuf,
    /// What keeps the log [default: what the server takes]
    #[arg(long, value_enum)]
    log: Option<LogKind>,
    /// Plant a bug in the program, which must be built with `seeded-bugs`
    #[arg(long, value_name = "NAME")]
    bug: Option<String>,
    /// End well where the machine can not do this, and say so
    #[arg(long)]
    where_possible: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogKind {
    /// Segments.
    Segments,
    /// sled.
    Sled,
}

impl Common {
    fn settings(self) -> Settings {
        let log = self.log.map(|kind| match kind {
            LogKind::Segments => "segments",
            LogKind::Sled => "sled",
        });
        let flags = log.into_iter().flat_map(|kind| ["--log".to_owned(), kind.to_owned()]).collect();
        Settings {
            rounds: self.rounds,
            seed: self.seed.unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0),
            program: Program { binary: self.binary, flags, bug: self.bug },
            where_possible: self.where_possible,
        }
    }
}

fn main() -> ExitCode {
    let runtime = || tokio::runtime::Runtime::new().expect("a runtime");
    match Proof::parse().campaign {
        Campaign::Kill(common) => runtime().block_on(run(&Kill, common.settings())),
        Campaign::Power { common, filesystem, lying_syncs } => {
            let power = Power { file_system: filesystem, has_lying_syncs: lying_syncs };
            runtime().block_on(run(&power, common.settings()))
        }
        Campaign::Calls(common) => runtime().block_on(run(&Calls, common.settings())),
        Campaign::Full(common) => runtime().block_on(run(&Full, common.settings())),
        Campaign::Clients(common) => runtime().block_on(run(&Clients, common.settings())),
        Campaign::Mutate { common, only } => mutate::run(common.settings(), only),
        Campaign::Simulate(args) => simulation::run(&args),
        #[cfg(feature = "seeded-bugs")]
        Campaign::Bugs(args) => simulation::bugs::run(&args),
    }
}
