//! Quipu: an event store over gRPC.
pub mod clock;
pub mod disk;
pub mod grpc;
pub mod index;
pub mod log;
pub mod metrics;
pub mod model;
pub mod proto;
pub mod state;
pub mod store;
