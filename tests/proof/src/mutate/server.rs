//! The real program, as a child process.

use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Small segments, so that a small load fills several.
const FLAGS: [&str; 8] =
    ["--log-format", "json", "--listen", "127.0.0.1:0", "--segment-events", "60", "--heartbeat-seconds", "1"];

/// A server that listens.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    address: String,
    log: Arc<Mutex<Vec<String>>>,
    listener: Option<JoinHandle<()>>,
}

/// What came of a start.
#[derive(Debug)]
pub(super) enum Start {
    Listens(Server),
    /// It ended with an error; these are its last words.
    Refused(Vec<String>),
    Hangs,
}

impl Server {
    pub(super) fn start(binary: &Path, data: &Path, patience: Duration) -> io::Result<Start> {
        let mut command = Command::new(binary);
        command.arg("serve").args(FLAGS).arg("--data").arg(data);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let stderr = child.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let (sender, listens) = mpsc::channel();
        let log = Arc::<Mutex<Vec<String>>>::default();
        let listener = std::thread::spawn({
            let log = log.clone();
            move || listen(BufReader::new(stderr), &log, &sender)
        });
        let mut server = Self { child, address: String::new(), log, listener: Some(listener) };
        match listens.recv_timeout(patience) {
            Ok(address) => {
                server.address = address;
                Ok(Start::Listens(server))
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {
                server.kill()?;
                Ok(Start::Hangs)
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                server.child.wait()?;
                Ok(Start::Refused(server.log()))
            }
        }
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops it as an operator would.
    pub(super) fn stop(&mut self) -> io::Result<()> {
        // There is no other way to send it a signal without another dependency.
        Command::new("kill").arg(self.child.id().to_string()).status()?;
        self.child.wait()?;
        self.hear_out();
        Ok(())
    }

    pub(super) fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        self.hear_out();
        Ok(())
    }

    fn hear_out(&mut self) {
        if let Some(listener) = self.listener.take() {
            // Whoever only copies lines does not panic.
            drop(listener.join());
        }
    }

    /// What it has said so far.
    pub(super) fn log(&self) -> Vec<String> {
        self.log.lock().map(|log| log.clone()).unwrap_or_default()
    }

    /// The most memory that it ever had.
    pub(super) fn memory_bytes(&self) -> io::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        Ok(kilobytes.ok_or(io::ErrorKind::InvalidData)? << 10)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn listen(lines: impl BufRead, log: &Mutex<Vec<String>>, listening: &Sender<String>) {
    for line in lines.lines() {
        let Ok(line) = line else { return };
        let said: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
        if said["fields"]["message"] == "listening"
            && let Some(address) = said["fields"]["address"].as_str()
        {
            // Whoever started it may have lost patience.
            drop(listening.send(address.to_owned()));
        }
        if let Ok(mut log) = log.lock() {
            log.push(line);
        }
    }
}

/// Whether `quipu verify` finds the directory well, and what it says.
pub(super) fn verify(binary: &Path, data: &Path) -> io::Result<(bool, String)> {
    let output = Command::new(binary).arg("verify").arg("--data").arg(data).stdin(Stdio::null()).output()?;
    let said = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
}
