//! Fuzzes what has a notation of its own on the command line.

#![no_main]

use quipu_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| quipu::cli::fuzzing::expressions::check(bytes));
