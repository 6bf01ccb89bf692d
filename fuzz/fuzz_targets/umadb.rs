//! Fuzzes requests of UmaDB's clients.

#![no_main]

use quipu_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| quipu::grpc::fuzzing::umadb::check(bytes));
