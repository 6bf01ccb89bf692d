//! Fuzzes what a segment counts of its events.

#![no_main]

use quipu_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| quipu::index::fuzzing::tally::check(bytes));
