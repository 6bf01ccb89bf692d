//! Quipu: an event store over gRPC.
pub mod clock;
pub mod disk;
pub mod index;
pub mod log;
pub mod model;
