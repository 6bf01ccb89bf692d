//! What the disk can do by itself.
//!
//! Owns the row "disk sync": 4 KiB appended to a file and synced, one after the other. No durable
//! append can be answered faster than this, and those that arrive meanwhile have to share one.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use super::Error;
use super::error::refused;
use super::load::{Done, Measured};
use super::payload::Lots;

const WRITE_BYTES: usize = 4096;
const LENGTH: Duration = Duration::from_millis(1500);

/// Writes and syncs for a while in `directory`. Takes its thread for as long.
pub(super) fn measure(directory: &Path) -> Result<Measured, Error> {
    let path = directory.join("disk-sync");
    let what = |what: &str| refused(format!("{what} {}", path.display()));
    let mut file = File::create(&path).map_err(what("create"))?;
    let block = Lots::new().text(WRITE_BYTES);
    let mut measured = Measured::new();
    let start = Instant::now();
    let mut before = start;
    while before - start < LENGTH {
        file.write_all(block.as_bytes()).map_err(what("write"))?;
        file.sync_data().map_err(what("sync"))?;
        let after = Instant::now();
        measured.done(after - before, Done { count: 1, bytes: WRITE_BYTES as u64 });
        before = after;
    }
    measured.elapsed = before - start;
    std::fs::remove_file(&path).map_err(what("remove"))?;
    Ok(measured)
}
