//! Fuzzes a start on a log whose newest segment is not what was written.

#![no_main]

use quipu_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| quipu::log::fuzzing::segment_walk::check(bytes));
