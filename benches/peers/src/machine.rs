//! The machine that all of them share.
//!
//! Owns what is asked of it as a whole: memory, processor time, room on the disk, what it keeps of files, a free port.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;

use anyhow::Result;
use rustix::fs::{Advice, fadvise};

use crate::process::TICKS_PER_SECOND;

/// The number after a field's name, in lines such as `MemTotal:  1024 kB`.
pub(crate) fn kilobytes(text: &str, field: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// The memory that there is, in bytes.
pub(crate) fn memory_of_the_machine() -> u64 {
    kilobytes(&fs::read_to_string("/proc/meminfo").unwrap_or_default(), "MemTotal:") * 1024
}

/// Bytes that a directory takes on the disk.
pub(crate) fn bytes_on_disk(dir: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    let taken = |entry: fs::DirEntry| match entry.metadata() {
        Ok(about) if about.is_dir() => bytes_on_disk(&entry.path()),
        Ok(about) => about.blocks() * 512,
        // A file that was removed meanwhile.
        Err(_) => 0,
    };
    entries.flatten().map(taken).sum()
}

/// Has the kernel forget what it keeps in memory of the files of a directory. Nobody may have them open.
pub(crate) fn evict(dir: &Path) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            evict(&entry.path())?;
        } else if entry.file_type()?.is_file() {
            let file = File::open(entry.path())?;
            // Only pages that the disk has can go.
            file.sync_all()?;
            fadvise(&file, 0, None, Advice::DontNeed)?;
        }
    }
    Ok(())
}

/// A port that is free at the moment.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// How many processors there are.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Processor time that anybody has taken so far, in seconds.
pub(crate) fn cpu_of_all() -> f64 {
    busy(&fs::read_to_string("/proc/stat").unwrap_or_default()) as f64 / TICKS_PER_SECOND
}

/// The first line of `/proc/stat` without what is idle, and without guests, who count as users already.
fn busy(stat: &str) -> u64 {
    let fields = stat.lines().next().unwrap_or_default().split_whitespace().skip(1);
    let ticks = fields.take(8).enumerate().filter(|(at, _)| ![3, 4].contains(at));
    ticks.filter_map(|(_, field)| field.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_whole_after_their_pages_were_evicted() {
        let dir = tempfile::tempdir().expect("a directory");
        let inner = dir.path().join("inner");
        fs::create_dir(&inner).expect("a directory within");
        fs::write(inner.join("file"), [7; 10_000]).expect("a file");
        evict(dir.path()).expect("no file is special");
        assert_eq!(fs::read(inner.join("file")).expect("it is there"), [7; 10_000]);
    }

    #[test]
    fn idle_time_is_nobody_s() {
        assert_eq!(busy("cpu  1 2 4 1000 1000 8 16 32 64 64\ncpu0 9 9 9"), 63);
    }
}
