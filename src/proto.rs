//! The generated words of the wire, on the server's side.
//!
//! Messages that carry stored bytes have them as `bytes` here: see `build.rs`.

#[allow(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    reason = "generated"
)]
#[allow(clippy::allow_attributes_without_reason, clippy::restriction, reason = "generated")]
#[allow(rustdoc::all, reason = "generated")]
mod generated {
    tonic::include_proto!("quipu.v1");

    /// The words of UmaDB's clients.
    pub mod umadb {
        tonic::include_proto!("umadb.v1");
    }
}

pub use generated::*;

/// The public schema, for reflection.
pub const FILE_DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/quipu_descriptor.bin"));
