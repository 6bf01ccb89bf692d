//! Fuzzes the scanner of protobuf bytes.

#![no_main]

use quipu_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| quipu::model::fuzzing::wire::check(bytes));
