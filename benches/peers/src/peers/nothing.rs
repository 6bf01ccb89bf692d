//! The ceiling: a unary rpc that does nothing.
//!
//! Owns the server `quipu bench-null`, which takes Quipu's appends over Quipu's own stack and answers them at
//! once. No gRPC server built like Quipu's can answer more with this client on this machine.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use async_trait::async_trait;
use tokio::process::Command;

use super::quipu::{self, QuipuPeer};
use crate::peer::{Client, Peer, Site};
use crate::workload::Kind;

const ONLY_APPENDS: &str = "it only answers appends";

/// The server that does nothing.
#[derive(Debug)]
pub(crate) struct Nothing;

#[async_trait]
impl Peer for Nothing {
    fn name(&self) -> &'static str {
        "do nothing"
    }

    fn program(&self, _: &Path) -> PathBuf {
        quipu::program()
    }

    fn version(&self, tools: &Path) -> Result<String> {
        QuipuPeer.version(tools)
    }

    fn command(&self, site: &Site) -> Command {
        let mut command = Command::new(quipu::program());
        command.args(["bench-null", "--listen", &site.address()]);
        command
    }

    async fn connect(&self, site: &Site) -> Result<Arc<dyn Client>> {
        quipu::connect_by_call(site).await
    }

    fn lacks(&self, kind: Kind) -> Option<&'static str> {
        match kind {
            Kind::Guarded | Kind::Batch => None,
            Kind::Pipelined | Kind::ReadLog | Kind::ReadStream | Kind::Live | Kind::Stalled => Some(ONLY_APPENDS),
            Kind::Fill | Kind::LargeLog | Kind::Warm | Kind::Cold => Some(ONLY_APPENDS),
        }
    }

    fn note(&self) -> &'static str {
        "The ceiling of a unary rpc: Quipu's client and transport, each append a call, and a server that answers every \
         append at once. It stores nothing and takes no part in the ratios."
    }

    fn stores(&self) -> bool {
        false
    }
}
