//! Runs the samples of the README against a real server, in their order, and compares what they print.
//!
//! `build.rs` makes a function of each; what is appended by one is there for the next.
#![allow(unused, clippy::all, clippy::wildcard_enum_match_arm, reason = "samples are written for readers")]

mod server;

use std::pin::Pin;
use std::sync::{Mutex, OnceLock};

use quipu_client::Client;
use server::Server;

type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;
type Running = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// The line it begins at, what it does, and what it is to print.
type Sample = (usize, fn(Client) -> Running, &'static str);

static PRINTED: Mutex<String> = Mutex::new(String::new());
static ENDPOINT: OnceLock<String> = OnceLock::new();

/// Stands for the address in the samples.
fn endpoint() -> String {
    ENDPOINT.get().expect("a server is there").clone()
}

macro_rules! println {
    ($($arg:tt)*) => {{
        let line = format!($($arg)*);
        let mut printed = PRINTED.lock().expect("not poisoned");
        printed.push_str(&line);
        printed.push('\n');
    }};
}

include!(concat!(env!("OUT_DIR"), "/readme.rs"));

#[tokio::test(flavor = "multi_thread")]
async fn every_sample_runs_and_prints_what_it_says() {
    let server = Server::start().await;
    ENDPOINT.set(server.endpoint()).expect("set once");
    let client = Client::builder(server.endpoint()).tenant("acme").connect().await.expect("it listens");
    for (line, run, expected) in SAMPLES {
        PRINTED.lock().expect("not poisoned").clear();
        run(client.clone()).await.unwrap_or_else(|error| panic!("README.md:{line}: {error}"));
        let printed = PRINTED.lock().expect("not poisoned").clone();
        assert_eq!(printed, *expected, "README.md:{line}");
    }
    assert!(SAMPLES.len() > 15, "the samples are not found");
}
