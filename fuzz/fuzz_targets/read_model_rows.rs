//! Fuzzes the rows of read models.

#![no_main]

use quipu_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| quipu::state::fuzzing::read_model_rows::check(bytes));
