//! Compiles `proto/` in pure Rust, for the server's side of the wire.
//!
//! The server never decodes an event on its way through, so it is generated from a mirror of the
//! public schema in which the messages that carry stored bytes (`NewEvent`, `RecordedEvent`,
//! `Snapshot`, and UmaDB's `Event`) are `bytes`: on the wire, a sub-message and a bytes field are the
//! same. Clients see the public schema, by reflection too.

use std::error::Error;
use std::path::PathBuf;

use prost::Message;
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FileDescriptorSet};

const FILES: [&str; 10] = [
    "quipu/v1/event_store.proto",
    "quipu/v1/checkpoints.proto",
    "quipu/v1/consumers.proto",
    "quipu/v1/read_models.proto",
    "quipu/v1/snapshots.proto",
    "quipu/v1/streams.proto",
    "quipu/v1/operations.proto",
    "quipu/v1/server_info.proto",
    "quipu/v1/errors.proto",
    "umadb/v1/dcb.proto",
];

const OPAQUE: [&str; 4] = [".quipu.v1.NewEvent", ".quipu.v1.RecordedEvent", ".quipu.v1.Snapshot", ".umadb.v1.Event"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let mut descriptors: FileDescriptorSet = protox::compile(FILES, ["proto"])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("quipu_descriptor.bin"), descriptors.encode_to_vec())?;

    for file in &mut descriptors.file {
        file.message_type.iter_mut().for_each(make_opaque);
    }
    tonic_prost_build::configure()
        .build_client(false)
        .bytes(".")
        .codec_path("quipu_client::Codec")
        .compile_fds(descriptors)?;
    Ok(())
}

fn make_opaque(message: &mut DescriptorProto) {
    for field in &mut message.field {
        if OPAQUE.contains(&field.type_name()) {
            field.set_type(Type::Bytes);
            field.type_name = None;
        }
    }
    message.nested_type.iter_mut().for_each(make_opaque);
}
