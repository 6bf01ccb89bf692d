//! The platform's processes, on a data directory of their own.
//!
//! Owns [`Stage`]: it starts them, kills them with SIGKILL and starts them again, and waits until all have caught up.
//! Whatever is left when it goes is killed.

use std::collections::BTreeMap;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use quipu_client::{BoxError, Client, ReadAll};
use tokio::time::{interval, timeout};

use crate::{activity, connect, health, notifier, portfolio, valuation};

/// How long anything may take to come about.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

/// How often a condition is looked at.
const EVERY: Duration = Duration::from_millis(50);

/// A process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Server,
    Portfolio,
    Activity,
    Notifier,
    Valuation,
    Alerts,
}

impl Role {
    /// All but the server.
    pub(crate) const REACTING: [Self; 5] =
        [Self::Portfolio, Self::Activity, Self::Notifier, Self::Valuation, Self::Alerts];

    fn subcommand(self) -> String {
        format!("{self:?}").to_lowercase()
    }
}

/// The processes of one run.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) endpoint: String,
    pub(crate) client: Client,
    directory: tempfile::TempDir,
    server: PathBuf,
    children: BTreeMap<Role, Child>,
}

impl Stage {
    /// Starts the server and everything that reacts.
    pub(crate) fn start(server: &Path) -> Result<Self, BoxError> {
        let mut stage = Self::server(server)?;
        for role in Role::REACTING {
            stage.spawn(role)?;
        }
        Ok(stage)
    }

    /// Starts only the server.
    pub(crate) fn server(server: &Path) -> Result<Self, BoxError> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let endpoint = format!("http://127.0.0.1:{port}");
        let mut stage = Self {
            client: connect(&endpoint)?,
            endpoint,
            directory: tempfile::tempdir()?,
            server: server.to_owned(),
            children: BTreeMap::new(),
        };
        stage.spawn(Role::Server)?;
        Ok(stage)
    }

    /// Kills a process and starts it again.
    pub(crate) fn restart(&mut self, role: Role) -> io::Result<()> {
        if let Some(mut child) = self.children.remove(&role) {
            child.kill()?;
            child.wait()?;
        }
        self.spawn(role)
    }

    fn spawn(&mut self, role: Role) -> io::Result<()> {
        let mut command = match role {
            Role::Server => self.serve(),
            Role::Portfolio | Role::Activity | Role::Notifier | Role::Valuation | Role::Alerts => {
                self.command(&[&role.subcommand()])
            }
        };
        self.children.insert(role, command.stdin(Stdio::null()).spawn()?);
        Ok(())
    }

    /// The server's command. It refuses variables that it does not know, so it gets none of ours.
    fn serve(&self) -> Command {
        let mut command = Command::new(&self.server);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("QUIPU_")) {
            command.env_remove(name);
        }
        let address = self.endpoint.trim_start_matches("http://");
        command.args(["serve", "--log-format", "json", "--listen", address, "--data"]).arg(self.directory.path());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// This program with these arguments.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(std::env::current_exe().expect("a running program has a file"));
        command.args(args).args(["--endpoint", &self.endpoint]).stdout(Stdio::null());
        command
    }

    /// Starts the driver.
    pub(crate) fn driver(&self, seed: u64, events: u64) -> io::Result<Child> {
        self.command(&["driver", "--seed", &seed.to_string(), "--events", &events.to_string()]).spawn()
    }

    /// Waits until the driver has ended well and everything has caught up with it.
    pub(crate) async fn settled(&self, driver: &mut Child) -> Result<(), BoxError> {
        let waiting = async {
            let mut ticks = interval(EVERY);
            loop {
                ticks.tick().await;
                match driver.try_wait()? {
                    None => {}
                    Some(status) if status.success() && self.is_settled().await? => return Ok(()),
                    Some(status) if status.success() => {}
                    Some(status) => return Err(BoxError::from(format!("the driver ended with {status}"))),
                }
            }
        };
        timeout(DEADLINE, waiting).await?
    }

    /// Whether all groups have settled their last event, all read models are at the head, every parked event has its
    /// alert, and the head has not moved while that was asked.
    async fn is_settled(&self) -> Result<bool, BoxError> {
        let head = self.client.server_info().await?.head;
        let mut parked = 0;
        for (name, query) in [(notifier::GROUP, notifier::query()), (valuation::GROUP, valuation::query())] {
            let Some(group) = self.client.group(name).get().await? else { return Ok(false) };
            // What lies behind the last event for it does not matter to the group.
            let last = self.client.read_all(ReadAll::new().query(query).backwards().limit(1)).await?.collect().await?;
            if group.settled_position < last.first().map_or(0, |event| event.position) {
                return Ok(false);
            }
            parked += group.parked;
        }
        for name in [portfolio::MODEL, activity::MODEL] {
            let generations = self.client.read_model(name).generations().await?;
            if generations.iter().any(|it| it.position < head) || generations.is_empty() {
                return Ok(false);
            }
        }
        let alerts = health::counts(&self.client).await?.by_type.get("AlertRaised").copied().unwrap_or(0);
        Ok(alerts >= parked && head == self.client.server_info().await?.head)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for child in self.children.values_mut() {
            // One that is gone already is what is wanted.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
