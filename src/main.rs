//! stub
mod pb { tonic::include_proto!("quipu.v1"); }
fn main() {}
