//! `proof`: fault campaigns against Quipu, one subcommand each.
//!
//! Every campaign draws from a seed, which it prints, and judges what it saw by one checker. It ends with 0
//! when there is no violation, and with 1 when there is one; what a machine can not do is said loudly.

mod simulation;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Fault campaigns against Quipu.
#[derive(Debug, Parser)]
#[command(name = "proof")]
struct Proof {
    #[command(subcommand)]
    campaign: Campaign,
}

#[derive(Debug, Subcommand)]
enum Campaign {
    /// The whole store on a simulated machine, from a seed
    Simulate(simulation::SimulateArgs),
    /// Bugs on purpose: each must be found
    #[cfg(feature = "seeded-bugs")]
    Bugs(simulation::bugs::BugsArgs),
}

fn main() -> ExitCode {
    match Proof::parse().campaign {
        Campaign::Simulate(args) => simulation::run(&args),
        #[cfg(feature = "seeded-bugs")]
        Campaign::Bugs(args) => simulation::bugs::run(&args),
    }
}
