//! Servers that die while they start.
//!
//! The moment is told by what the process has done, not by a clock: after so many reads and writes, as
//! the system counts them, or at the latest when it says that it listens. Where the system does not
//! count, it always dies as it begins to listen.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Instant;

use crate::server::{PATIENCE, quipu};

/// Starts a server and kills it after so many calls.
pub(crate) fn cut_short(data: &Path, flags: &[&str], calls: u64) {
    let mut command = quipu(&["serve", "--listen", "127.0.0.1:0", "--data"]);
    command.arg(data).args(flags).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("run");
    let lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    let (listening, listens) = mpsc::channel();
    let log = std::thread::spawn(move || {
        let mut log = Vec::new();
        for line in lines.map_while(Result::ok) {
            if line.contains("listening") {
                // Nobody listens for it any more when the process is dead by now.
                let _ = listening.send(());
            }
            log.push(line);
        }
        log
    });
    let begun = Instant::now();
    let mut ended = None;
    while ended.is_none() && calls_of(child.id()) < calls && listens.try_recv().is_err() {
        assert!(begun.elapsed() < PATIENCE, "the server neither starts nor ends");
        ended = child.try_wait().expect("it is a child of ours");
        std::thread::yield_now();
    }
    child.kill().expect("it may be killed");
    child.wait().expect("it is a child of ours");
    let log = log.join().expect("reading does not panic");
    assert!(ended.is_none(), "refused recovery: {ended:?}\n{}", log.join("\n"));
}

/// How many reads and writes a process has made.
fn calls_of(process: u32) -> u64 {
    let counts = std::fs::read_to_string(format!("/proc/{process}/io")).unwrap_or_default();
    let count = |name: &str| counts.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
    count("syscr:").unwrap_or(0) + count("syscw:").unwrap_or(0)
}
