//! Whether an answer means that the disk has it.
//!
//! Owns [`Durability`]: a server is traced while one client appends, one append at a time, and its syncs are
//! counted: `fsync`, `fdatasync`, `sync_file_range`, `msync`, and writes to files that were opened with `O_SYNC`
//! or `O_DSYNC`. With one append in flight there is nothing to share a sync with, so a server that makes
//! fewer syncs than it gives answers answers too early. Owns also the disk's own sync, measured by itself.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{Seek, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::process::Command;

use crate::payload::Payloads;
use crate::peer::{Client, Guard, Peer, Site};
use crate::server::Server;

const APPENDS: u64 = 200;

/// The calls that make something durable.
const SYNCS: [&str; 4] = ["fsync(", "fdatasync(", "sync_file_range(", "msync("];

/// The calls that do so on some files.
const WRITES: [&str; 5] = ["write(", "pwrite64(", "writev(", "pwritev(", "pwritev2("];

const TRACED: &str = "trace=fsync,fdatasync,sync_file_range,msync,open,openat,write,pwrite64,writev,pwritev,pwritev2";

/// What a traced server did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Durability {
    /// Appends that were acknowledged, one after the other.
    pub(crate) appends: u64,
    /// Syncs meanwhile.
    pub(crate) syncs: u64,
    /// How long that took, slowed down by the tracer.
    pub(crate) elapsed: Duration,
}

impl Durability {
    /// Whether each append can have had a sync.
    pub(crate) fn holds(&self) -> bool {
        self.syncs >= self.appends
    }
}

/// Traces a server of this peer. Fails where `strace` is not allowed to.
pub(crate) async fn trace(peer: &dyn Peer, site: &Site) -> Result<Durability> {
    let path = site.data.with_extension("trace");
    let mut tracer = Command::new("strace");
    tracer.args(["-f", "-qq", "-y", "-s", "0", "-e", TRACED, "-e", "signal=none", "-o"]).arg(&path);
    let server = Server::start(peer, site, Some(tracer)).await?;
    let client = peer.connect(site).await?;
    // The first appends may open files and make room.
    append(&client, "warmup-0", APPENDS / 10).await?;
    let before = fs::read_to_string(&path).context("the trace")?;
    let start = Instant::now();
    append(&client, "traced-0", APPENDS).await?;
    let elapsed = start.elapsed();
    // A line is written before the call returns to the server, so what preceded the last answer is there.
    let after = fs::read_to_string(&path).context("the trace")?;
    drop(client);
    server.stop().await?;
    let syncs = syncs(&before, &after[before.len()..]);
    Ok(Durability { appends: APPENDS, syncs, elapsed })
}

async fn append(client: &Arc<dyn Client>, stream: &str, appends: u64) -> Result<()> {
    let mut payloads = Payloads::new();
    let mut guard = Guard::NoEvent;
    for _ in 0..appends {
        guard = Guard::Last(client.append(stream, guard, payloads.take(1)).await?);
    }
    Ok(())
}

/// Counts the syncs of the second part of a trace; the first part may have opened files.
fn syncs(before: &str, counted: &str) -> u64 {
    let synchronous: HashSet<&str> = before.lines().chain(counted.lines()).filter_map(opened_synchronous).collect();
    let call = |line: &str| line.split_once(' ').map(|(_, call)| call.trim_start().to_owned()).unwrap_or_default();
    let is_sync = |line: &&str| {
        let call = call(line);
        let writes = || WRITES.iter().any(|name| call.starts_with(name));
        SYNCS.iter().any(|name| call.starts_with(name))
            || writes() && written_path(&call).is_some_and(|path| synchronous.contains(path))
    };
    counted.lines().filter(is_sync).count() as u64
}

/// The path of a file that this line opens so that every write of it is durable.
fn opened_synchronous(line: &str) -> Option<&str> {
    let flags = line.contains("O_SYNC") || line.contains("O_DSYNC");
    (flags && line.contains("open")).then(|| line.split('"').nth(1)).flatten()
}

/// The path of the first argument: `pwrite64(7</data/log>, ...`.
fn written_path(call: &str) -> Option<&str> {
    call.split_once('<')?.1.split_once('>').map(|(path, _)| path)
}

/// How long it takes to add 4 KiB to a file and sync it: the median and the 99th percentile in milliseconds.
pub(crate) fn disk_sync(dir: &Path, length: Duration) -> Result<(f64, f64)> {
    let path = dir.join("disk-sync");
    let mut file = File::create(&path)?;
    let mut took = Vec::new();
    let start = Instant::now();
    while start.elapsed() < length {
        let before = Instant::now();
        file.write_all(&[b'x'; 4096])?;
        file.sync_data()?;
        took.push(before.elapsed().as_secs_f64() * 1e3);
    }
    file.rewind()?;
    fs::remove_file(&path)?;
    took.sort_by(f64::total_cmp);
    Ok((took[took.len() / 2], took[took.len() * 99 / 100]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syncs_are_counted_whoever_makes_them() {
        let before = "7 openat(AT_FDCWD</>, \"/d/wal\", O_RDWR|O_DSYNC) = 5</d/wal>\n7 fsync(5</d/wal>) = 0\n";
        let counted = "7 write(5</d/wal>, \"\"..., 9) = 9\n\
             8 write(6</d/other>, \"\"..., 9) = 9\n\
             8 fdatasync(6</d/other> <unfinished ...>\n\
             7 msync(0x7f, 4096, MS_SYNC) = 0\n\
             8 <... fdatasync resumed>) = 0\n";
        assert_eq!(syncs(before, counted), 3);
        assert_eq!(syncs("", counted), 2);
    }

    #[test]
    fn fewer_syncs_than_answers_is_not_durable() {
        let elapsed = Duration::from_secs(1);
        assert!(Durability { appends: 200, syncs: 200, elapsed }.holds());
        assert!(!Durability { appends: 200, syncs: 199, elapsed }.holds());
    }
}
