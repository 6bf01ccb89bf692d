//! The cold archive: a closed opportunity's events as a file of JSON lines.
//!
//! Owns [`keep`]. The file is written beside, synced and renamed, so that there is all of it or nothing. The log keeps
//! the events too: an archive is a copy for those who have no server.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use quipu_client::{BoxError, Client, ReadStream};

use crate::envelope::Envelope;

/// Writes the stream's events, in the shapes of today, to a file in the directory; returns how many.
pub(crate) async fn keep(client: &Client, stream: &str, directory: &Path) -> Result<usize, BoxError> {
    let events = client.read_stream(ReadStream::new(stream)).await?.collect().await?;
    let envelopes = events.iter().map(Envelope::of).collect::<Result<Vec<_>, _>>()?;
    write(&envelopes, &directory.join(format!("{stream}.jsonl")))?;
    Ok(envelopes.len())
}

fn write(envelopes: &[Envelope], path: &Path) -> io::Result<()> {
    let beside = path.with_extension("part");
    let mut file = BufWriter::new(File::create(&beside)?);
    for envelope in envelopes {
        serde_json::to_writer(&mut file, envelope)?;
        file.write_all(b"\n")?;
    }
    file.into_inner()?.sync_all()?;
    fs::rename(&beside, path)
}
