//! Fuzzes the folding of events to a state.

#![no_main]

use quipu_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| quipu::model::fuzzing::merge_patch::check(bytes));
