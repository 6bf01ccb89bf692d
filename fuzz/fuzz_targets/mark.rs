//! Fuzzes the mark of what was acknowledged.

#![no_main]

use quipu_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| quipu::log::fuzzing::mark::check(bytes));
