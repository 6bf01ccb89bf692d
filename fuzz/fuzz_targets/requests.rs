//! Fuzzes requests of clients.

#![no_main]

use quipu_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| quipu::grpc::fuzzing::requests::check(bytes));
