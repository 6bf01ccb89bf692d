//! Servers that the bench starts itself.
//!
//! Owns [`ChildServer`]: this same executable as a process of its own, so that load and server share
//! nothing but the machine. Its address comes from the JSON line "listening" on its standard error;
//! after that the rest is drained, and only warnings and worse are passed on. It never outlives the
//! bench, unless the bench is killed outright.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::Error;
use super::error::refused;

const START_TIMEOUT: Duration = Duration::from_secs(30);
const STOP_TIMEOUT: Duration = Duration::from_secs(60);

/// A running child. Dropping it without [`stop`](Self::stop) kills it.
#[derive(Debug)]
pub(super) struct ChildServer {
    child: Child,
    endpoint: String,
    /// Gets the address, and is disconnected when the child ends.
    heard: Receiver<String>,
}

impl ChildServer {
    /// Starts this executable with `arguments` and waits until it listens.
    pub(super) fn start(arguments: &[&OsStr]) -> Result<Self, Error> {
        let executable = std::env::current_exe().map_err(refused("find the executable"))?;
        let mut command = Command::new(executable);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        // The user's settings are for the user's server.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("QUIPU_") || name == "RUST_LOG" {
                command.env_remove(name);
            }
        }
        let mut child = command.spawn().map_err(refused("start a server"))?;
        let stderr = child.stderr.take().expect("it was asked for");
        let (hear, heard) = sync_channel(1);
        thread::spawn(move || drain(stderr, &hear));
        let mut started = Self { child, endpoint: String::new(), heard };
        match started.heard.recv_timeout(START_TIMEOUT) {
            Ok(address) => {
                started.endpoint = format!("http://{address}");
                Ok(started)
            }
            Err(_) => Err(Error::NotStarted(arguments.first().map_or_else(String::new, |it| it.display().to_string()))),
        }
    }

    /// Where it listens.
    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, and waits until it has.
    pub(super) fn stop(mut self) -> Result<(), Error> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)
            .map_err(|errno| refused("end the server")(errno.into()))?;
        if let Err(RecvTimeoutError::Timeout) = self.heard.recv_timeout(STOP_TIMEOUT) {
            self.child.kill().map_err(refused("kill the server"))?;
        }
        self.child.wait().map_err(refused("wait for the server's end")).map(drop)
    }
}

impl Drop for ChildServer {
    fn drop(&mut self) {
        // Both fail when it has ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads what the child says until its end.
fn drain(stderr: ChildStderr, hear: &SyncSender<String>) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        match heard_in(&line) {
            // Only the first address is awaited.
            Heard::Address(address) => drop(hear.try_send(address)),
            Heard::Trouble => drop(writeln!(io::stderr(), "{line}")),
            Heard::Routine => {}
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Address(String),
    Trouble,
    Routine,
}

fn heard_in(line: &str) -> Heard {
    let Ok(line) = serde_json::from_str::<Value>(line) else { return Heard::Trouble };
    let fields = &line["fields"];
    if let (Some("listening"), Some(address)) = (fields["message"].as_str(), fields["address"].as_str()) {
        return Heard::Address(address.to_owned());
    }
    match line["level"].as_str() {
        Some("ERROR" | "WARN") => Heard::Trouble,
        _ => Heard::Routine,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_heard_and_trouble_passed_on() {
        let listening = r#"{"level":"INFO","fields":{"message":"listening","address":"127.0.0.1:7"}}"#;
        assert_eq!(heard_in(listening), Heard::Address("127.0.0.1:7".to_owned()));
        assert_eq!(heard_in(r#"{"level":"INFO","fields":{"message":"opened"}}"#), Heard::Routine);
        assert_eq!(heard_in(r#"{"level":"WARN","fields":{"message":"slow"}}"#), Heard::Trouble);
        assert_eq!(heard_in("error: cannot bind"), Heard::Trouble);
    }
}
