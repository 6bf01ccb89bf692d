//! Fuzzes the header of a segment.

#![no_main]

use quipu_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| quipu::log::fuzzing::segment_header::check(bytes));
