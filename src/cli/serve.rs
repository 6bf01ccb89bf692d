//! `quipu serve`: runs a server until it is told to stop.
//!
//! Ends with 0 after SIGTERM or SIGINT, and with 1 when the server could not start or its log failed.

use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::error::print_chain;
use crate::config::{self, Config, ServeArgs};
use crate::{server, telemetry};

/// Why a server could not start, or ended.
#[derive(Debug, thiserror::Error)]
enum Error {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// The directives of the log level are wrong.
    #[error("the log level is malformed")]
    LogLevel(#[from] tracing_subscriber::filter::ParseError),
    /// The operating system refused.
    #[error("the server could not start")]
    Start(#[from] std::io::Error),
    /// The address can not be listened on.
    #[error("can not listen on {address}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The server failed.
    #[error(transparent)]
    Server(#[from] server::Error),
}

/// Runs a server.
pub fn run(args: ServeArgs) -> ExitCode {
    match serve(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_chain(&error);
            ExitCode::FAILURE
        }
    }
}

fn serve(args: ServeArgs) -> Result<(), Error> {
    config::check_variables(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()))?;
    let config = Config::of(args)?;
    telemetry::start(config.log_format, &config.log_level)?;
    allow_open_files();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(config.worker_threads).enable_all().build()?;
    runtime.block_on(async {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let listened = TcpListener::bind(config.listen).await;
        let listener = listened.map_err(|source| Error::Listen { address: config.listen, source })?;
        let shutdown = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        Ok(server::run(config, listener, shutdown).await?)
    })
}

/// Takes as many open files as the system lets this process have: a store keeps two for each complete
/// segment.
fn allow_open_files() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}
