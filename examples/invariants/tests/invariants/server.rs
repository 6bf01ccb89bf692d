//! A real server for a test.
//!
//! Owns [`Server`]: a process over a directory or in memory, on a free port. It can be killed and comes back
//! on the same port.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use tempfile::TempDir;

const INVARIANTS: &str = env!("CARGO_BIN_EXE_invariants");

/// A running server. It ends with the value.
pub(crate) struct Server {
    process: Child,
    address: String,
    data: TempDir,
}

impl Server {
    /// One that forgets everything: for tests that do not kill it.
    pub(crate) fn in_memory() -> Self {
        Self::start(&["--in-memory"])
    }

    /// One that keeps everything.
    pub(crate) fn on_disk() -> Self {
        Self::start(&[])
    }

    fn start(flags: &[&str]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let (process, address) = serve("127.0.0.1:0", data.path(), flags);
        Self { process, address, data }
    }

    /// Kills it, as a power cut would, and starts it again.
    pub(crate) fn kill_and_restart(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        (self.process, self.address) = serve(&self.address, self.data.path(), &[]);
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, which the test has seen.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The program, without the settings of whoever runs the test.
pub(crate) fn invariants() -> Command {
    command(Path::new(INVARIANTS))
}

/// Starts a server, and waits until it says where it listens.
fn serve(listen: &str, data: &Path, flags: &[&str]) -> (Child, String) {
    let mut serve = command(&quipu());
    serve.args(["serve", "--log-format", "json", "--listen", listen, "--data"]).arg(data).args(flags);
    let mut process = serve.stderr(Stdio::piped()).spawn().unwrap();
    let address = listened(BufReader::new(process.stderr.take().unwrap()));
    (process, address)
}

fn listened(log: BufReader<ChildStderr>) -> String {
    let mut lines = log.lines().map_while(Result::ok);
    let mut seen = Vec::new();
    for line in lines.by_ref() {
        let said: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
        if said["fields"]["message"] == "listening" {
            let address = said["fields"]["address"].as_str().unwrap().to_owned();
            // Whatever else it says is read, so that it never waits for a reader.
            std::thread::spawn(move || lines.for_each(drop));
            return address;
        }
        seen.push(line);
    }
    panic!("the server does not start:\n{}", seen.join("\n"));
}

fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("QUIPU_") {
            command.env_remove(name);
        }
    }
    command
}

/// The server's binary, which lies beside the program's.
fn quipu() -> PathBuf {
    let path = Path::new(INVARIANTS).with_file_name("quipu");
    assert!(path.exists(), "{} is missing: build the whole workspace", path.display());
    path
}
