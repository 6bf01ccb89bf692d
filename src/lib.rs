//! Quipu: a gRPC event store.
//!
//! ```text
//!            an append walks in                       an event walks out
//!
//!   grpc     unwrap, who calls, check            wrap, send                       the doors
//!   store    queue, decide, commit, publish      page by page, or as it comes     the rules
//!   log      one write, one sync                 records by place                 the truth
//!   index    learn terms                         from a term to places            the signposts
//!   state    enter snapshots                     find snapshots                   the shelf
//!   disk     write at, sync                      read at                          the ground
//! ```
//!
//! Rooms use those below them, never those above; `model` is used by all and uses none. The map with
//! the reasons is in `ARCHITECTURE.md`.

pub mod cli;
pub mod config;
pub mod server;
pub mod telemetry;

pub mod grpc;
pub mod store;

pub mod index;
pub mod log;
pub mod state;

pub mod disk;

#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;

pub mod clock;
pub mod crew;
pub mod metrics;
pub mod model;
pub mod proto;
pub mod seeded;
