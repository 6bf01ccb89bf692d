//! Compiles `proto/` in pure Rust, for the client's side of the wire, and makes functions of the samples in the
//! README, for the test that runs them.

use std::fmt::Write;
use std::path::Path;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    println!("cargo:rerun-if-changed=proto");
    println!("cargo:rerun-if-changed=README.md");
    let files = [
        "quipu/v1/event_store.proto",
        "quipu/v1/checkpoints.proto",
        "quipu/v1/consumers.proto",
        "quipu/v1/read_models.proto",
        "quipu/v1/snapshots.proto",
        "quipu/v1/streams.proto",
        "quipu/v1/operations.proto",
        "quipu/v1/server_info.proto",
        "quipu/v1/errors.proto",
    ];
    let descriptors = protox::compile(files, ["proto"])?;
    tonic_prost_build::configure()
        .build_server(false)
        .bytes(".")
        .codec_path("crate::Codec")
        .compile_fds(descriptors)?;
    let samples = samples(&std::fs::read_to_string("README.md")?)?;
    std::fs::write(Path::new(&std::env::var("OUT_DIR")?).join("readme.rs"), samples)?;
    Ok(())
}

/// A function for each block of Rust, and a table of them with what they are to print: the block of text behind.
fn samples(readme: &str) -> Outcome<String> {
    let (mut functions, mut table) = (String::new(), String::new());
    // What stands between fences: its language, its text and the line it begins at.
    let (mut open, mut line_number) = (None::<(&str, String, usize)>, 0);
    let mut last = None;
    for line in readme.lines() {
        line_number += 1;
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => open = Some((language, String::new(), line_number)),
            (Some((_, text, _)), None) => writeln!(text, "{line}")?,
            (None, None) => {}
            (Some(_), Some(_)) => match open.take() {
                Some(("rust", text, at)) => {
                    flush(&mut table, last.replace((at, String::new())))?;
                    let body = text.replace("\"http://127.0.0.1:2113\"", "crate::endpoint()");
                    writeln!(functions, "async fn line_{at}(client: quipu_client::Client) -> Outcome {{")?;
                    writeln!(functions, "{body}Ok(())\n}}")?;
                }
                Some(("text", text, _)) => {
                    if let Some((_, printed)) = &mut last {
                        *printed = text;
                    }
                }
                _ => {}
            },
        }
    }
    flush(&mut table, last)?;
    Ok(format!("{functions}const SAMPLES: &[Sample] = &[\n{table}];\n"))
}

/// Puts a sample into the table, if there is one.
fn flush(table: &mut String, sample: Option<(usize, String)>) -> Outcome<()> {
    if let Some((at, printed)) = sample {
        writeln!(table, "({at}, |client| Box::pin(line_{at}(client)), {printed:?}),")?;
    }
    Ok(())
}
