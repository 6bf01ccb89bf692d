//! Fuzzes control records.

#![no_main]

use quipu_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| quipu::store::fuzzing::control_records::check(bytes));
