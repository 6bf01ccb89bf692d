//! A server of one's own: a child process, its data directory and its port.
//!
//! A test starts as many as it likes; each goes away with its value. Nothing here waits by sleeping:
//! a start is over when the server says that it listens, an end when the process is gone. The file
//! stands alone, so that other test binaries can take it in with `#[path]`.
#![allow(dead_code, reason = "each test binary uses its own part of it")]

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use quipu_client::{Client, RetryPolicy};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::sync::watch;
use tonic::transport::{Channel, Endpoint};

/// How long anything may take before the test has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A server process and what belongs to it.
#[derive(Debug)]
pub(crate) struct TestServer {
    process: Option<Process>,
    address: SocketAddr,
    flags: Vec<String>,
    data: PathBuf,
    log: Log,
    _home: Option<TempDir>,
}

/// What a server has written to standard error, all of its processes together.
type Log = Arc<Mutex<Vec<String>>>;

#[derive(Debug)]
struct Process {
    pid: Pid,
    exited: watch::Receiver<Option<ExitStatus>>,
    /// The same for those who cannot await.
    gone: Receiver<()>,
}

impl TestServer {
    /// A server with the default settings and an empty data directory.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with more flags.
    pub(crate) fn start_with(flags: &[&str]) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let mut server = Self::start_in(&home.path().join("data"), flags);
        server._home = Some(home);
        server
    }

    /// A server over a directory that outlives it.
    pub(crate) fn start_in(data: &Path, flags: &[&str]) -> Self {
        let mut server = Self {
            process: None,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            flags: flags.iter().map(|&flag| flag.to_owned()).collect(),
            data: data.to_owned(),
            log: Log::default(),
            _home: None,
        };
        server.run();
        server
    }

    /// Starts a process again, on the same port and directory.
    pub(crate) fn run(&mut self) {
        assert!(self.process.is_none(), "the server runs already");
        let mut command = quipu(&["serve", "--log-format", "json"]);
        command.args(["--listen", &self.address.to_string()]).arg("--data").arg(&self.data).args(&self.flags);
        if self.flags.iter().any(|flag| flag == "--in-memory") {
            command.env_remove("QUIPU_LOG");
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("run");
        let stderr = child.stderr.take().expect("piped");
        let (listening, listens) = mpsc::channel();
        let log = self.log.clone();
        std::thread::spawn(move || listen(BufReader::new(stderr), &log, &listening));
        self.process = Some(Process::watch(child));
        match listens.recv_timeout(PATIENCE) {
            Ok(address) => self.address = address,
            Err(error) => panic!("the server does not start: {error}\n{}", self.log().join("\n")),
        }
    }

    /// What it is reached at.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its data directory.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// What it has logged so far, line by line.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().expect("no panic under this lock").clone()
    }

    /// A connected client with the default settings.
    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.endpoint()).await.expect("the server listens")
    }

    /// A connected client of a tenant.
    pub(crate) async fn client_with_tenant(&self, tenant: &str) -> Client {
        Client::builder(self.endpoint()).tenant(tenant).connect().await.expect("the server listens")
    }

    /// A connected client that tries for as long as the server is away.
    pub(crate) async fn patient_client(&self) -> Client {
        let often = RetryPolicy { max_backoff: Duration::from_millis(200), ..RetryPolicy::forever() };
        Client::builder(self.endpoint()).retry(often).connect().await.expect("the server listens")
    }

    /// A connection for raw use.
    pub(crate) async fn channel(&self) -> Channel {
        self.connect(1 << 20).await
    }

    /// A connection that takes so little ahead that a reader who stops is soon noticed.
    pub(crate) async fn narrow_channel(&self) -> Channel {
        self.connect(65_535).await
    }

    async fn connect(&self, window: u32) -> Channel {
        let endpoint = Endpoint::from_shared(self.endpoint()).expect("an address");
        let endpoint = endpoint.initial_stream_window_size(window).initial_connection_window_size(window.max(8 << 20));
        endpoint.connect().await.expect("the server listens")
    }

    /// A command line that speaks to this server.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = quipu(args);
        command.env("QUIPU_ENDPOINT", self.endpoint());
        command
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.as_ref().expect("the server runs").pid.as_raw_nonzero().get().cast_unsigned()
    }

    /// Kills it, as a crash would.
    pub(crate) fn kill(&mut self) {
        let Some(process) = self.process.take() else { return };
        process.signal(Signal::KILL);
        process.gone.recv_timeout(PATIENCE).expect("a killed process ends");
    }

    /// Sends a signal and does not wait.
    pub(crate) fn signal(&self, signal: Signal) {
        self.process.as_ref().expect("the server runs").signal(signal);
    }

    /// Waits for the end of the process.
    pub(crate) async fn exited(&mut self) -> ExitStatus {
        let mut process = self.process.take().expect("the server runs");
        let ended = process.exited.wait_for(Option::is_some);
        let status = tokio::time::timeout(PATIENCE, ended).await.expect("the server ends in time");
        status.expect("the watcher tells").expect("it has ended")
    }

    /// Asks it to stop and waits until it has, cleanly.
    pub(crate) async fn stop(&mut self) {
        self.signal(Signal::TERM);
        let status = self.exited().await;
        assert_eq!(status.code(), Some(0), "{}", self.log().join("\n"));
    }

    /// Stops it, if it runs, and starts it again.
    pub(crate) async fn restart(&mut self) {
        if self.process.is_some() {
            self.stop().await;
        }
        self.run();
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Process {
    fn watch(mut child: Child) -> Self {
        let pid = Pid::from_child(&child);
        let (exit, exited) = watch::channel(None);
        let (end, gone) = mpsc::channel();
        std::thread::spawn(move || {
            let status = child.wait().expect("it is a child of ours");
            exit.send_replace(Some(status));
            // The server's value may be gone by now.
            let _ = end.send(());
        });
        Self { pid, exited, gone }
    }

    fn signal(&self, signal: Signal) {
        // A process that has ended may not be there any more, and need not be.
        if self.exited.borrow().is_none() {
            let _ = kill_process(self.pid, signal);
        }
    }
}

/// Collects what the server logs and passes on where it listens.
fn listen(lines: impl BufRead, log: &Log, listening: &Sender<SocketAddr>) {
    for line in lines.lines().map_while(Result::ok) {
        let said: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
        log.lock().expect("no panic under this lock").push(line);
        if said["fields"]["message"] == "listening" {
            let address = said["fields"]["address"].as_str().and_then(|address| address.parse().ok());
            let _ = listening.send(address.expect("the address is told"));
        }
    }
}

/// What the events of the servers under test lie in: `QUIPU_TEST_LOG`, or segments when nothing is said.
pub(crate) fn engine() -> String {
    std::env::var("QUIPU_TEST_LOG").unwrap_or_else(|_| "segments".to_owned())
}

/// Whether a test can not be as it is, and says so, because the events lie in sled.
#[allow(clippy::print_stdout, reason = "a test that is skipped says so")]
pub(crate) fn skipped_on_sled(why: &str) -> bool {
    let is_sled = engine() == "sled";
    if is_sled {
        println!("skipped with the log in sled: {why}");
    }
    is_sled
}

/// The program under test, with none of the settings of whoever runs the tests but [`engine`].
pub(crate) fn quipu<S: AsRef<OsStr>>(args: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quipu"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("QUIPU_")) {
        command.env_remove(name);
    }
    if let Ok(log) = std::env::var("QUIPU_TEST_LOG") {
        command.env("QUIPU_LOG", log);
    }
    command.args(args);
    command
}

/// Waits for a future, but not for ever.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let outcome = tokio::time::timeout(PATIENCE, future).await;
    outcome.unwrap_or_else(|_| panic!("in {PATIENCE:?} it did not come: {what}"))
}

/// Asks again and again until the answer is yes, but not for ever.
pub(crate) async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    while !condition().await {
        assert!(begun.elapsed() < PATIENCE, "in {PATIENCE:?} it did not come true: {what}");
        ticks.tick().await;
    }
}
