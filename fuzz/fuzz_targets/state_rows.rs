//! Fuzzes the rows of the directory.

#![no_main]

use quipu_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| quipu::state::fuzzing::state_rows::check(bytes));
