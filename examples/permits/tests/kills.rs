//! Server and reactor are killed twenty times in the middle of an import; the read model is as if
//! nothing had happened.
//!
//! Runs on the real events where they are (`$QUIPU_PERMITS`, or `../shared/data/permit-receipts.jsonl.gz`
//! beside the repository), and says so; elsewhere on events made here. Needs the `quipu` binary of the
//! same build: `cargo test --workspace` makes it.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed, which is what a panic is for")]
#![allow(clippy::print_stdout, reason = "a test says which events it ran on")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use quipu_client::{Client, Message, RetryPolicy, SubscribeAll, Subscription};

const KILLS: u64 = 20;

/// After so long without an event the import is not going on.
const PATIENCE: Duration = Duration::from_secs(60);
const PERMITS: &str = env!("CARGO_BIN_EXE_permits");

/// Who is killed, in turn.
#[derive(Clone, Copy, PartialEq)]
enum Victim {
    Server,
    Reactor,
    Both,
}

const TURNS: [Victim; 3] = [Victim::Server, Victim::Reactor, Victim::Both];

/// The processes of one run.
struct Stage {
    directory: tempfile::TempDir,
    endpoint: String,
    events: PathBuf,
    server: Child,
    reactor: Child,
}

impl Stage {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let endpoint = format!("http://127.0.0.1:{port}");
        let events = events(directory.path());
        let server = start_server(directory.path(), &endpoint);
        let reactor = start_reactor(directory.path(), &endpoint);
        Self { directory, endpoint, events, server, reactor }
    }

    fn kill(&mut self, victim: Victim) {
        if victim != Victim::Reactor {
            end(&mut self.server);
            self.server = start_server(self.directory.path(), &self.endpoint);
        }
        if victim != Victim::Server {
            end(&mut self.reactor);
            self.reactor = start_reactor(self.directory.path(), &self.endpoint);
        }
    }

    /// Imports the lines that it is fed.
    fn import(&self) -> Child {
        let mut import = command(&quipu());
        import.args(["import", "--endpoint", &self.endpoint, "-"]);
        import.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        end(&mut self.server);
        end(&mut self.reactor);
    }
}

#[tokio::test]
async fn twenty_kills_of_server_and_reactor_change_nothing_in_the_model() {
    let mut stage = Stage::new();
    let text = std::fs::read_to_string(&stage.events).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let total = lines.len() as u64;
    let builder = Client::builder(&stage.endpoint).retry(RetryPolicy::forever());
    let client = builder.connect_lazy().unwrap();
    let mut subscription = client.subscribe_all(SubscribeAll::new()).await.unwrap();
    let mut import = stage.import();
    let mut feed = import.stdin.take().unwrap();
    let mut portions = lines.chunks(lines.len().div_ceil(KILLS as usize + 2));
    let mut fed = 0;
    for kill in 0..KILLS {
        let before = fed;
        let portion = portions.next().unwrap();
        feed.write_all(portion.concat().as_bytes()).unwrap();
        fed += portion.len() as u64;
        // There is always a portion on its way when somebody is killed, however fast the import is.
        reach(&mut subscription, before).await;
        stage.kill(TURNS[kill as usize % TURNS.len()]);
    }
    for portion in portions {
        feed.write_all(portion.concat().as_bytes()).unwrap();
    }
    drop(feed);
    assert!(import.wait().unwrap().success(), "the import goes on through every kill");
    assert_eq!(client.server_info().await.unwrap().head, total, "every line is in, none twice");
    end(&mut stage.reactor);

    let mut check = permits(stage.directory.path(), &stage.endpoint);
    let checked = check.arg("--check").arg(&stage.events).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    println!("{total} events, {KILLS} kills, no difference between the model and the file");
}

/// Follows the log until an event at a position or behind it comes.
async fn reach(subscription: &mut Subscription, position: u64) {
    let reached = async {
        loop {
            let message = subscription.next().await.unwrap();
            if matches!(message, Message::Events(events) if events.last().unwrap().position >= position) {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, reached).await.expect("the import goes on");
}

/// The events, one JSON object a line.
fn events(directory: &Path) -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/permit-receipts.jsonl.gz");
    let real = std::env::var_os("QUIPU_PERMITS").map_or(beside, PathBuf::from);
    let mut text = String::new();
    match std::fs::File::open(&real) {
        Ok(file) => {
            println!("with the real events");
            std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(file), &mut text).unwrap();
        }
        Err(_) => {
            println!("without the real events, which are not there: with events made here");
            made_up(&mut text);
        }
    }
    let path = directory.join("events.jsonl");
    std::fs::write(&path, text).unwrap();
    path
}

fn made_up(text: &mut String) {
    for number in 0..4000_u64 {
        let (permit, day, activity) = (number * 7919 % 300, number % 28 + 1, number % 9);
        let time = format!("2011-02-{day:02}T10:00:00Z");
        let (stream, activity) = (format!("permit-{permit}"), format!("T{activity:02}"));
        writeln!(text, r#"{{"stream":"{stream}","type":"{activity}","occurred_at":"{time}","data":{{}}}}"#).unwrap();
    }
}

/// The server's binary, which lies beside the reactor's.
fn quipu() -> PathBuf {
    let path = Path::new(PERMITS).with_file_name("quipu");
    assert!(path.exists(), "{} is missing: build the whole workspace", path.display());
    path
}

/// A command without the settings of whoever runs the test.
fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("QUIPU_") {
            command.env_remove(name);
        }
    }
    command
}

fn start_server(directory: &Path, endpoint: &str) -> Child {
    let mut serve = command(&quipu());
    serve.args(["serve", "--listen", endpoint.trim_start_matches("http://"), "--log-level", "error", "--data"]);
    serve.arg(directory.join("data")).spawn().unwrap()
}

fn start_reactor(directory: &Path, endpoint: &str) -> Child {
    permits(directory, endpoint).spawn().unwrap()
}

fn permits(directory: &Path, endpoint: &str) -> Command {
    let mut permits = command(Path::new(PERMITS));
    permits.args(["--endpoint", endpoint, "--save-every", "50", "--model"]).arg(directory.join("model.json"));
    permits
}

fn end(child: &mut Child) {
    // It may have ended by itself: a reactor whose server was away for too long.
    let _ = child.kill();
    child.wait().unwrap();
}
