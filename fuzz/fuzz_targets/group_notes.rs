//! Fuzzes the notes of consumer groups.

#![no_main]

use quipu_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| quipu::store::fuzzing::group_notes::check(bytes));
