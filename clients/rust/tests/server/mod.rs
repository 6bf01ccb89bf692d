//! A server of one's own: a child process, its data directory and its port.
//!
//! Owns [`Server`]. It goes away with its value, and can be killed and started again in between, at the same
//! address and with the same data. The binary is the one that `QUIPU_BINARY` names, or else the checkout's
//! own debug build.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

use quipu_client::Client;
use tempfile::TempDir;
use tokio::sync::oneshot;

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    address: String,
    home: TempDir,
}

impl Server {
    /// A server with an empty data directory, on a free port.
    pub(crate) async fn start() -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let (process, address) = spawn(&home, "127.0.0.1:0").await;
        Self { process, address, home }
    }

    /// Kills it, as a power cut would, without a word.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("it is a child of ours");
        self.process.wait().expect("it is a child of ours");
    }

    /// Starts it again after a kill.
    pub(crate) async fn start_again(&mut self) {
        (self.process, self.address) = spawn(&self.home, &self.address).await;
    }

    /// Kills it and starts it again.
    pub(crate) async fn kill_and_start_again(&mut self) {
        self.kill();
        self.start_again().await;
    }

    /// Where it listens.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A client of it, for the tenant `default`.
    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.endpoint()).await.expect("it listens")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn binary() -> PathBuf {
    let built = || concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/debug/quipu").into();
    let binary = std::env::var_os("QUIPU_BINARY").unwrap_or_else(built);
    let binary = PathBuf::from(binary);
    let path = binary.display();
    assert!(binary.is_file(), "{path} is no file: run `cargo build --bin quipu`, or name a binary in QUIPU_BINARY");
    binary
}

/// A process that listens, and where.
async fn spawn(home: &TempDir, listen: &str) -> (Child, String) {
    let mut command = Command::new(binary());
    // The server refuses settings that it does not know, and whose settings they are is not known here.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("QUIPU_")) {
        command.env_remove(name);
    }
    let mut process = command
        .args(["serve", "--log-format", "json", "--listen", listen, "--data"])
        .arg(home.path().join("data"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary can be run");
    let log = BufReader::new(process.stderr.take().expect("it is piped"));
    let (tell, told) = oneshot::channel();
    // It reads on to the end, so that the server can always write.
    thread::spawn(move || {
        let mut lines = log.lines().map_while(Result::ok);
        let mut said = Vec::new();
        let address = lines.by_ref().find_map(|line| {
            let address = address_in(&line);
            said.push(line);
            address
        });
        drop(tell.send(address.ok_or_else(|| said.join("\n"))));
        lines.for_each(drop);
    });
    let address = told.await.expect("the log ends with the process");
    (process, address.unwrap_or_else(|said| panic!("the server does not start:\n{said}")))
}

/// The address in the line that says that the server listens.
fn address_in(line: &str) -> Option<String> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    let fields = line.get("fields").filter(|fields| fields["message"] == "listening")?;
    fields["address"].as_str().map(str::to_owned)
}
