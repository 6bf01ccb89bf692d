//! The server that the script speaks to: a child process with a directory and a port of its own.
//!
//! That is `quipu` (`BINARY`, or the debug build). With `REFERENCE` set to UmaDB's own server the same
//! script runs against that, which shows that it asks for nothing but what UmaDB does.

use std::env;
use std::io::{BufRead, BufReader, PipeReader, pipe};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;

/// How long anything may take before the test has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What both servers say once they listen.
const LISTENING: &str = "listening";

/// A server process and what belongs to it. Goes away with its value.
#[derive(Debug)]
pub struct Server {
    process: Child,
    port: u16,
    home: TempDir,
}

/// UmaDB's own server, if the script is to run against that.
fn reference() -> Option<PathBuf> {
    env::var_os("REFERENCE").map(PathBuf::from)
}

/// The quipu binary.
pub fn binary() -> PathBuf {
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/debug/quipu");
    env::var_os("BINARY").map_or_else(|| built.into(), PathBuf::from)
}

impl Server {
    /// A server with an empty directory.
    pub fn start() -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let (process, port) = run(&home, None);
        Self { process, port, home }
    }

    /// What it is reached at.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Kills it, without a warning, and starts it again on the same directory and port.
    pub fn kill_and_restart(&mut self) {
        self.kill();
        (self.process, _) = run(&self.home, Some(self.port));
    }

    /// Asks it to stop.
    pub fn ask_to_stop(&self) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("run").success());
    }

    fn kill(&mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it ends");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts a server; returns once it listens.
fn run(home: &TempDir, port: Option<u16>) -> (Child, u16) {
    let data = home.path().join("data");
    let (mut command, port) = match reference() {
        Some(umadb) => {
            // It does not say which port it was given.
            let free = || TcpListener::bind("127.0.0.1:0").and_then(|taken| taken.local_addr()).expect("a port").port();
            let port = port.unwrap_or_else(free);
            let mut command = Command::new(umadb);
            command.args(["--listen", &format!("127.0.0.1:{port}"), "--db-path"]).arg(data);
            (command, port)
        }
        None => {
            let port = port.unwrap_or(0);
            let mut command = Command::new(binary());
            command.args(["serve", "--log-format", "json", "--listen", &format!("127.0.0.1:{port}"), "--data"]);
            command.arg(data);
            (command, port)
        }
    };
    let (said, says) = pipe().expect("a pipe");
    command.stdin(Stdio::null()).stdout(says.try_clone().expect("a pipe")).stderr(says);
    let process = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    // The child alone must hold the writing ends, or its silence is never an end.
    drop(command);
    let (listening, listens) = mpsc::channel();
    std::thread::spawn(move || listen(said, &listening));
    let line = listens.recv_timeout(PATIENCE).expect("the server listens");
    (process, if port == 0 { port_in(&line) } else { port })
}

/// Reads all that a server says, and passes on where it says that it listens.
fn listen(said: PipeReader, listening: &mpsc::Sender<String>) {
    for line in BufReader::new(said).lines().map_while(Result::ok) {
        if line.contains(LISTENING) {
            // Nobody waits for it a second time.
            drop(listening.send(line));
        }
    }
}

fn port_in(line: &str) -> u16 {
    let (_, rest) = line.split_once("\"address\":\"127.0.0.1:").expect("an address");
    rest.split('"').next().and_then(|port| port.parse().ok()).expect("a port")
}
