//! Processes, by their ids.
//!
//! Owns what `/proc` tells of a process and its descendants: who they are, the processor time that they took, the
//! memory that they hold.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use crate::machine::kilobytes;

/// Processor time is told in these.
pub(crate) const TICKS_PER_SECOND: f64 = 100.0;

/// A process as `/proc` tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    /// Its own.
    pub(crate) id: u32,
    parent: u32,
    /// What it calls itself.
    pub(crate) name: String,
    /// Of its own, and of its children that have ended.
    ticks: u64,
}

/// A line of `/proc/<pid>/stat`.
fn parsed(stat: &str) -> Option<Process> {
    let (id, rest) = stat.split_once(" (")?;
    // The name may have spaces and brackets in it.
    let (name, rest) = rest.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let ticks: u64 = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
    Some(Process { id: id.parse().ok()?, parent: fields.get(1)?.parse().ok()?, name: name.to_owned(), ticks })
}

/// A process and its descendants, parents before children.
pub(crate) fn family(root: u32) -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let stats = entries.flatten().filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
    let all: Vec<Process> = stats.filter_map(|stat| parsed(&stat)).collect();
    let mut family: Vec<Process> = all.iter().filter(|process| process.id == root).cloned().collect();
    let mut at = 0;
    while let Some(parent) = family.get(at).map(|process| process.id) {
        family.extend(all.iter().filter(|process| process.parent == parent).cloned());
        at += 1;
    }
    family
}

/// Bytes in memory; what processes share is divided among them.
pub(crate) fn resident(id: u32) -> u64 {
    let told = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap_or_default();
    kilobytes(&told, "Pss:") * 1024
}

/// Processor time of these processes so far, in seconds.
pub(crate) fn cpu(processes: &[Process]) -> f64 {
    processes.iter().map(|process| process.ticks).sum::<u64>() as f64 / TICKS_PER_SECOND
}

/// Sends a signal to one process.
pub(crate) fn signal(id: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        // The process may have ended meanwhile.
        let _ = kill_process(pid, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_parsed_whatever_its_name() {
        let stat = "42 (a) b (c) S 7 42 42 0 -1 4194304 1 2 3 4 10 20 30 40 20 0 1 0 5";
        let expected = Process { id: 42, parent: 7, name: "a) b (c".to_owned(), ticks: 100 };
        assert_eq!(parsed(stat), Some(expected));
    }

    #[test]
    fn this_process_is_of_its_own_family_and_takes_memory() {
        let me = std::process::id();
        assert_eq!(family(me).first().map(|process| process.id), Some(me));
        assert!(resident(me) > 1 << 20);
    }
}
