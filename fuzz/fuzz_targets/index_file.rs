//! Fuzzes an index file, asked everything.

#![no_main]

use quipu_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| quipu::index::fuzzing::index_file::check(bytes));
