//! Fuzzes a record alone.

#![no_main]

use quipu_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| quipu::log::fuzzing::record::check(bytes));
