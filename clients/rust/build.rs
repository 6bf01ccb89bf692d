//! Compiles `proto/` in pure Rust, for the client's side of the wire.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let files = [
        "quipu/v1/event_store.proto",
        "quipu/v1/checkpoints.proto",
        "quipu/v1/snapshots.proto",
        "quipu/v1/streams.proto",
        "quipu/v1/server_info.proto",
        "quipu/v1/errors.proto",
    ];
    let descriptors = protox::compile(files, ["proto"])?;
    tonic_prost_build::configure().build_server(false).bytes(".").compile_fds(descriptors)?;
    Ok(())
}
