//! Fuzzes a line that is to be imported.

#![no_main]

use quipu_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| quipu::cli::fuzzing::event_line::check(bytes));
