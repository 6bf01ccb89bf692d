//! A peer's server: a process tree with a directory and a port of its own.
//!
//! Owns [`Server`]: starting it, what it uses, and its end. The process may have children, and may itself be
//! the child of a tracer, so time, memory and signals concern all descendants, found by their ids. When the
//! value goes away, so do they.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command as Blocking, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::Signal;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, interval, timeout};

use crate::peer::{Peer, Site};
use crate::process::{cpu, family, resident, signal};

/// How long a server may take to start.
pub(crate) const START_TIMEOUT: Duration = Duration::from_secs(60);
const STOP_TIMEOUT: Duration = Duration::from_secs(60);
/// How often it is asked whether it has.
pub(crate) const ASK_EVERY: Duration = Duration::from_millis(20);

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
        let server = Self::listening(peer, site, command).await?;
        peer.furnish(site).await.context("furnish")?;
        Ok(server)
    }

    /// Starts a server again over the directory that an earlier one has left.
    pub(crate) async fn start_again(peer: &dyn Peer, site: &Site) -> Result<Self> {
        Self::listening(peer, site, peer.command(site)).await
    }

    async fn listening(peer: &dyn Peer, site: &Site, command: Command) -> Result<Self> {
        let mut server = Self::spawn(command, site.data.with_extension("log"), peer.stop_signal())?;
        server.wait_until_it_listens(&site.address()).await?;
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
        cpu(&family(self.root))
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

/// The same command as an argument of another.
fn under(mut tracer: Command, command: &Command) -> Command {
    let command = command.as_std();
    tracer.arg(command.get_program()).args(command.get_args());
    if let Some(dir) = command.get_current_dir() {
        tracer.current_dir(dir);
    }
    tracer
}

/// The first line that a program prints.
pub(crate) fn said(program: &Path, arguments: &[&str]) -> Result<String> {
    let output = Blocking::new(program).args(arguments).output().with_context(|| program.display().to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
