//! `proof`: fault campaigns against Quipu, one subcommand each.
//!
//! Every campaign draws from a seed, which it prints, and judges what it saw by one checker. It ends with 0
//! when there is no violation, and with 1 when there is one; what a machine can not do is said loudly.

mod mutate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Fault campaigns against Quipu.
#[derive(Debug, Parser)]
#[command(name = "proof")]
struct Proof {
    #[command(subcommand)]
    campaign: Option<Campaign>,
}

#[derive(Debug, Subcommand)]
enum Campaign {
    Mutate(mutate::Args),
}

fn main() -> ExitCode {
    match Proof::parse().campaign {
        Some(Campaign::Mutate(args)) => mutate::run(&args),
        None => ExitCode::FAILURE,
    }
}
