//! Fuzzes a block, its header and every record of its body.

#![no_main]

use quipu_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| quipu::log::fuzzing::block::check(bytes));
