//! A server process of one's own, and its end. A start is over when the server says that it listens, an end when
//! the process is gone.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use quipu_client::{Client, RetryPolicy};
use rustix::process::{Pid, Signal, kill_process};

/// How long anything may take before the run has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// What is run, and with what settings.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) binary: PathBuf,
    /// Of every server of a campaign.
    pub(crate) flags: Vec<String>,
    /// The bug that is planted in it on purpose.
    pub(crate) bug: Option<String>,
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) endpoint: String,
    lines: Arc<Mutex<Vec<String>>>,
    reading: Option<JoinHandle<()>>,
}

/// A server that did not come to listen, and what it said.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) log: Vec<String>,
    /// Whether it did not end by itself either.
    pub(crate) hung: bool,
}

impl Program {
    /// Starts a server over a directory, under another program if there is one.
    pub(crate) fn start(&self, data: &Path, flags: &[String], under: &[String]) -> Result<Server, Refused> {
        let (mut server, listens) = self.spawn(data, flags, under);
        let begun = Instant::now();
        loop {
            match listens.recv_timeout(Duration::from_millis(50)) {
                Ok(endpoint) => {
                    server.endpoint = endpoint;
                    return Ok(server);
                }
                Err(RecvTimeoutError::Timeout) if begun.elapsed() < PATIENCE && !server.has_ended() => {}
                Err(ended) => {
                    let hung = ended == RecvTimeoutError::Timeout && !server.has_ended();
                    return Err(Refused { log: server.kill(), hung });
                }
            }
        }
    }

    /// Starts a server and kills it after so many reads and writes, as the system counts them, or when it
    /// listens. Fails when it ends by itself.
    pub(crate) fn cut_short(&self, data: &Path, flags: &[String], calls: u64) -> Result<(), Refused> {
        let (mut server, listens) = self.spawn(data, flags, &[]);
        let begun = Instant::now();
        let mut has_ended = false;
        while !has_ended && calls_of(server.child.id()) < calls && listens.try_recv().is_err() {
            has_ended = server.has_ended() || begun.elapsed() > PATIENCE;
            std::thread::yield_now();
        }
        let log = server.kill();
        if has_ended { Err(Refused { log, hung: begun.elapsed() > PATIENCE }) } else { Ok(()) }
    }

    /// Whether `verify` finds a directory well; if not, what it says.
    pub(crate) fn verify(&self, data: &Path) -> Result<(), String> {
        let told = self.command(&[]).arg("verify").arg("--data").arg(data).output().map_err(|it| it.to_string())?;
        let said = [told.stdout, told.stderr].concat();
        if told.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&said).into_owned()) }
    }

    fn spawn(&self, data: &Path, flags: &[String], under: &[String]) -> (Server, mpsc::Receiver<String>) {
        let mut command = self.command(under);
        command.args(["serve", "--log-format", "json", "--listen", "127.0.0.1:0", "--data"]).arg(data);
        command.args(&self.flags).args(flags).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program can be run");
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let (listening, listens) = mpsc::channel();
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let kept = lines.clone();
        let reading = std::thread::spawn(move || listen(stderr, &kept, &listening));
        (Server { child, endpoint: String::new(), lines, reading: Some(reading) }, listens)
    }

    /// The program, with none of the settings of whoever runs the campaign.
    fn command(&self, under: &[String]) -> Command {
        let mut command = match under {
            [] => Command::new(&self.binary),
            [first, rest @ ..] => {
                let mut command = Command::new(first);
                command.args(rest).arg(&self.binary);
                command
            }
        };
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("QUIPU_")) {
            command.env_remove(name);
        }
        if let Some(bug) = &self.bug {
            command.env("QUIPU_SEEDED_BUG", bug);
        }
        command
    }
}

impl Server {
    /// A client that tries once.
    pub(crate) async fn client(&self) -> Result<Client, quipu_client::Error> {
        Client::builder(&self.endpoint).retry(RetryPolicy::none()).connect().await
    }

    /// Whether the process has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.status().is_some()
    }

    /// How it ended by itself, if it has.
    pub(crate) fn status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it is a child of ours")
    }

    /// The bytes of memory that it has in use.
    pub(crate) fn memory(&self) -> u64 {
        self.bytes_of("VmRSS:")
    }

    /// The most bytes of memory that it has ever had in use.
    pub(crate) fn memory_peak(&self) -> u64 {
        self.bytes_of("VmHWM:")
    }

    fn bytes_of(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib: u64 = line.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default();
        kib * 1024
    }

    /// Has it stand still, as on a machine without power: whatever its calls return from now on, it tells nobody.
    pub(crate) fn freeze(&self) {
        let process = Pid::from_child(&self.child);
        // One that has ended by itself stands still.
        let _ = kill_process(process, Signal::STOP);
        let begun = Instant::now();
        while is_running(process) && begun.elapsed() < PATIENCE {
            std::thread::yield_now();
        }
    }

    /// Stops it, as an operator would.
    pub(crate) fn stop(mut self) {
        // One that has ended by itself needs no signal.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let begun = Instant::now();
        while !self.has_ended() && begun.elapsed() < PATIENCE {
            std::thread::yield_now();
        }
    }

    /// Kills it, as a crash would; returns what it said.
    pub(crate) fn kill(mut self) -> Vec<String> {
        self.end();
        std::mem::take(&mut *self.lines.lock().expect("no panic under this lock"))
    }

    fn end(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.child.kill();
        self.child.wait().expect("it is a child of ours");
        if let Some(reading) = self.reading.take() {
            reading.join().expect("reading does not panic");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// Collects what a server says and passes on where it listens.
fn listen(lines: impl BufRead, kept: &Mutex<Vec<String>>, listening: &Sender<String>) {
    for line in lines.lines().map_while(Result::ok) {
        let said: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
        if said["fields"]["message"] == "listening"
            && let Some(address) = said["fields"]["address"].as_str()
        {
            // Nobody listens for it any more when the process is dead by now.
            let _ = listening.send(format!("http://{address}"));
        }
        kept.lock().expect("no panic under this lock").push(line);
    }
}

/// Whether a thread of a process may still do something: it is neither stopped, nor ended, nor inside of a call
/// from which it goes nowhere else than to its stop.
fn is_running(process: Pid) -> bool {
    let tasks = format!("/proc/{}/task", process.as_raw_nonzero());
    let state = |task: std::fs::DirEntry| {
        let told = std::fs::read_to_string(task.path().join("stat")).ok()?;
        told.rsplit_once(") ")?.1.chars().next()
    };
    let tasks = std::fs::read_dir(tasks).into_iter().flatten().flatten();
    tasks.filter_map(state).any(|state| !matches!(state, 'T' | 't' | 'D' | 'Z' | 'X'))
}

/// How many reads and writes a process has made.
fn calls_of(process: u32) -> u64 {
    let counts = std::fs::read_to_string(format!("/proc/{process}/io")).unwrap_or_default();
    let count = |name: &str| counts.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
    count("syscr:").unwrap_or(0) + count("syscw:").unwrap_or(0)
}

/// Waits for a future, but not for ever.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> Result<T, String> {
    tokio::time::timeout(PATIENCE, future).await.map_err(|_| format!("in {PATIENCE:?} it did not come: {what}"))
}
