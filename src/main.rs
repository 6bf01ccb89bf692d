//! The program: parse what was typed, run it, end with its code.

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    quipu::cli::run(quipu::cli::Args::parse())
}
