//! Quipu from the outside: the real program over the real wire, one file for each thing that it does.
//!
//! `server` runs the program, `wire` speaks in raw bytes, `events` has events to append. The rest are
//! tests, and each of their names is the sentence that it proves.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, which is what a panic is for")]
#![allow(clippy::wildcard_enum_match_arm, reason = "whatever else it is, the test has failed")]
#![allow(missing_docs, reason = "a test's name is its documentation")]

mod events;
mod member;
mod server;
mod wire;

mod append;
mod backup;
mod bad_input;
mod bench;
mod checkpoints;
mod commands;
mod consumers;
mod consumers_asking;
mod consumers_crowd;
mod consumers_input;
mod full_disk;
mod get_event;
mod idempotency;
mod life_cycle;
mod lifecycle;
mod permit_queries;
mod permits;
mod poison;
mod query;
mod questions;
mod race;
mod read_all;
mod read_models;
mod read_stream;
mod rebuild;
mod refused_start;
mod repair;
mod session;
mod sled;
mod snapshots;
mod state;
mod statistics;
mod streams;
mod subscribe;
mod tenants;
mod transact;
mod verify;
