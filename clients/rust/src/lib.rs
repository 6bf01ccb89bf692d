//! stub
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, rustdoc::all, reason = "generated")]
pub mod proto { tonic::include_proto!("quipu.v1"); }
