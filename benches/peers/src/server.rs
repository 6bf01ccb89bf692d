//! A peer's server: a process tree with a directory and a port of its own.
//!
//! Owns [`Server`]: starting it, what it uses, and its end. The process may have children, and may itself be
//! the child of a tracer, so time, memory and signals concern all descendants, found by their ids. When the
//! value goes away, so do they.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command as Blocking, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, interval, timeout};

use crate::peer::{Peer, Site};

const START_TIMEOUT: Duration = Duration::from_secs(60);
const STOP_TIMEOUT: Duration = Duration::from_secs(60);
const ASK_EVERY: Duration = Duration::from_millis(20);

/// What a process has used is told in these.
const TICKS_PER_SECOND: f64 = 100.0;

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    root: u32,
    log: PathBuf,
    stop_signal: Signal,
}

impl Server {
    /// Makes a server's directory and starts it, under `tracer` if there is one. Returns once it listens and has
    /// what it needs.
    pub(crate) async fn start(peer: &dyn Peer, site: &Site, tracer: Option<Command>) -> Result<Self> {
        fs::create_dir_all(&site.data)?;
        peer.prepare(site).await.context("prepare")?;
        let command = match tracer {
            None => peer.command(site),
            Some(tracer) => under(tracer, &peer.command(site)),
        };
        let log = site.data.with_extension("log");
        let mut server = Self::spawn(command, log, peer.stop_signal())?;
        server.wait_until_it_listens(&site.address()).await?;
        peer.furnish(site).await.context("furnish")?;
        Ok(server)
    }

    fn spawn(mut command: Command, log: PathBuf, stop_signal: Signal) -> Result<Self> {
        // What is set for the user's own servers and clients is not for these.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if ["QUIPU_", "UMADB_", "TEPHRA_", "PG", "RUST_LOG"].iter().any(|prefix| name.starts_with(prefix)) {
                command.env_remove(&*name);
            }
        }
        let out = File::create(&log)?;
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
        let child = command.spawn().with_context(|| format!("start {:?}", command.as_std().get_program()))?;
        let root = child.id().context("it ended at once")?;
        Ok(Self { child, root, log, stop_signal })
    }

    async fn wait_until_it_listens(&mut self, address: &str) -> Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        let mut asking = interval(ASK_EVERY);
        loop {
            asking.tick().await;
            if TcpStream::connect(address).await.is_ok() {
                return Ok(());
            }
            if self.child.try_wait()?.is_some() || Instant::now() > deadline {
                let said = fs::read_to_string(&self.log).unwrap_or_default();
                let tail = said.lines().rev().take(5).collect::<Vec<_>>();
                bail!("it does not listen on {address}: {}", tail.into_iter().rev().collect::<Vec<_>>().join(" / "));
            }
        }
    }

    /// Processor time of all its processes so far, in seconds.
    pub(crate) fn cpu(&self) -> f64 {
        let used: u64 = family(self.root).iter().map(|process| process.ticks).sum();
        used as f64 / TICKS_PER_SECOND
    }

    /// Resident bytes of all its processes, shared ones counted once.
    pub(crate) fn memory(&self) -> u64 {
        family(self.root).iter().map(|process| resident(process.id)).sum()
    }

    /// Asks it to end, and waits until it has.
    pub(crate) async fn stop(mut self) -> Result<()> {
        // A tracer would let go of its child: the child is asked, and the tracer ends with it.
        let processes = family(self.root);
        let traced = processes.first().is_some_and(|root| root.name == "strace");
        let asked = processes.get(usize::from(traced)).map_or(self.root, |process| process.id);
        signal(asked, self.stop_signal);
        let ended = timeout(STOP_TIMEOUT, self.child.wait()).await;
        ensure!(ended.is_ok(), "it did not stop in time");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Whoever has ended already can not be signalled, which is what is wanted.
        if self.child.id().is_some() {
            for process in family(self.root) {
                signal(process.id, Signal::KILL);
            }
        }
    }
}

fn signal(id: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        // The process may have ended meanwhile.
        let _ = kill_process(pid, signal);
    }
}

/// The same command as an argument of another.
fn under(mut tracer: Command, command: &Command) -> Command {
    let command = command.as_std();
    tracer.arg(command.get_program()).args(command.get_args());
    if let Some(dir) = command.get_current_dir() {
        tracer.current_dir(dir);
    }
    tracer
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Process {
    id: u32,
    parent: u32,
    name: String,
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
fn family(root: u32) -> Vec<Process> {
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
fn resident(id: u32) -> u64 {
    let told = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap_or_default();
    kilobytes(&told, "Pss:") * 1024
}

fn kilobytes(text: &str, field: &str) -> u64 {
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

/// A port that is free at the moment.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The first line that a program prints.
pub(crate) fn said(program: &Path, arguments: &[&str]) -> Result<String> {
    let output = Blocking::new(program).args(arguments).output().with_context(|| program.display().to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().next().unwrap_or_default().to_owned())
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
