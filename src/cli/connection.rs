//! Where a command speaks to, and in which form it prints.
//!
//! Owns the arguments that all client commands share.

use std::io::{self, IsTerminal};

use quipu_client::{Client, ClientBuilder};

use super::Error;
use super::output::Output;

/// How to reach the server.
#[derive(Clone, Debug, clap::Args)]
pub struct ConnectionArgs {
    /// The server's address.
    #[arg(long, env = "QUIPU_ENDPOINT", default_value = "http://127.0.0.1:2113", value_name = "URL")]
    pub endpoint: String,
    /// The tenant to speak for; without it, the server's default.
    #[arg(long, env = "QUIPU_TENANT", value_name = "NAME")]
    pub tenant: Option<String>,
}

impl ConnectionArgs {
    /// The settings of a client that were asked for.
    pub(crate) fn builder(&self) -> ClientBuilder {
        let builder = Client::builder(&self.endpoint);
        match &self.tenant {
            Some(tenant) => builder.tenant(tenant),
            None => builder,
        }
    }

    /// A connected client.
    pub(crate) async fn connect(&self) -> Result<Client, Error> {
        Ok(self.builder().connect().await?)
    }
}

/// How to print.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct PrintArgs {
    /// The form of what is printed; auto is text on a terminal and JSON lines into a pipe or file.
    #[arg(long, value_enum, default_value_t = Format::Auto)]
    format: Format,
}

/// The forms to print in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Auto,
    Text,
    Json,
}

impl PrintArgs {
    /// Standard output, in the form asked for.
    pub(crate) fn output(self) -> Output {
        match self.format {
            Format::Text => Output::text(),
            Format::Json => Output::json(),
            Format::Auto if io::stdout().is_terminal() => Output::text(),
            Format::Auto => Output::json(),
        }
    }
}
