//! Fuzzes nothing: makes what each target begins with, below the directory that `SEEDS` names.

#![no_main]

use std::path::PathBuf;
use std::{env, fs, process};

use quipu_fuzz as _;

libfuzzer_sys::fuzz_target!(init: make(), |_bytes: &[u8]| {});

/// Runs before anything is fuzzed, and ends the process.
fn make() {
    let corpus = env::var_os("SEEDS").map(PathBuf::from).expect("SEEDS names a directory");
    for target in quipu::fuzzing::TARGETS {
        let directory = corpus.join(target.name);
        fs::create_dir_all(&directory).expect("a directory can be made there");
        for (number, seed) in (target.seeds)().iter().enumerate() {
            fs::write(directory.join(format!("seed-{number}")), seed).expect("a seed can be written");
        }
    }
    process::exit(0);
}
