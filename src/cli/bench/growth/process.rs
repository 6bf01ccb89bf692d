//! What a process and its files take, as Linux tells it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::super::Error;
use super::{is_named, unreadable};

/// The resident memory of a process, in bytes.
pub(super) fn resident_bytes(pid: u32) -> Result<u64, Error> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).map_err(unreadable("the server's memory"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap_or(0);
    Ok(kib << 10)
}

/// The processor time that a process has used.
pub(super) fn processor_time(pid: u32) -> Result<Duration, Error> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).map_err(unreadable("the server's processor time"))?;
    // Behind the name, which may hold anything: the state, then numbers. Ticks are a hundredth of a second.
    let behind = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
    let ticks = behind.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>();
    Ok(Duration::from_millis(ticks * 10))
}

/// The sizes of all files of a kind below a directory, together.
pub(super) fn bytes_below(directory: &Path, extension: &str) -> Result<u64, Error> {
    let mut bytes = 0;
    for entry in fs::read_dir(directory).map_err(unreadable("the data directory"))? {
        let entry = entry.map_err(unreadable("the data directory"))?;
        let found = entry.metadata().map_err(unreadable("a file's size"))?;
        if found.is_dir() {
            bytes += bytes_below(&entry.path(), extension)?;
        } else if is_named(&entry.path(), extension) {
            bytes += found.len();
        }
    }
    Ok(bytes)
}
