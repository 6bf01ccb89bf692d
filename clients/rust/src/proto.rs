//! The generated messages and stubs of `quipu.v1`, for raw use over [`crate::Client::channel`].
//!
//! Everything here comes from `proto/` by way of `build.rs`; nothing is written by hand. The rest of
//! the crate wraps it, and checks what comes in.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    rustdoc::all,
    reason = "generated"
)]

tonic::include_proto!("quipu.v1");
