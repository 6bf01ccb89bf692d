//! Fuzzes an event as a client sends it.

#![no_main]

use quipu_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| quipu::grpc::fuzzing::event::check(bytes));
