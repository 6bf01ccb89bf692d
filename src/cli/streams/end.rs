//! `quipu streams delete` and `quipu streams tombstone`: the end of a stream.
//!
//! A tombstone cannot be taken back, so it wants a word more: `--yes`, or the stream's name typed again
//! where somebody is there to be asked.

use std::io::{self, BufRead, IsTerminal, Write};

use serde::Serialize;

use super::super::connection::PrintArgs;
use super::super::expect::ExpectArgs;
use super::super::{ConnectionArgs, Error};

#[derive(Debug, clap::Args)]
pub(super) struct DeleteArgs {
    /// The stream's name.
    stream: String,
    #[command(flatten)]
    expect: ExpectArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    print: PrintArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct TombstoneArgs {
    /// The stream's name, also one that was never used.
    stream: String,
    /// Do not ask whether this is meant.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    expect: ExpectArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    print: PrintArgs,
}

/// A stream and the position of the event that changed it, as they are printed.
#[derive(Serialize)]
pub(super) struct Changed<'a> {
    pub(super) stream: &'a str,
    pub(super) position: u64,
}

impl Changed<'_> {
    /// What happened, in a line.
    pub(super) fn text(&self, what: &str) -> String {
        format!("{} {what}, from position {}", self.stream, self.position)
    }
}

pub(super) async fn delete(args: DeleteArgs) -> Result<(), Error> {
    let DeleteArgs { stream, expect, connection, print } = args;
    let deleted = connection.connect().await?.delete_stream(&stream, expect.expect).await;
    let position = deleted.map_err(Error::call(format!("cannot delete {stream:?}")))?;
    let mut output = print.output();
    let changed = Changed { stream: &stream, position };
    output.print(&changed, || changed.text("is deleted"))?;
    output.flush()
}

pub(super) async fn tombstone(args: TombstoneArgs) -> Result<(), Error> {
    let TombstoneArgs { stream, yes, expect, connection, print } = args;
    if !yes {
        confirm(&stream)?;
    }
    let ended = connection.connect().await?.tombstone_stream(&stream, expect.expect).await;
    let position = ended.map_err(Error::call(format!("cannot delete {stream:?} for good")))?;
    let mut output = print.output();
    let changed = Changed { stream: &stream, position };
    output.print(&changed, || changed.text("is deleted for good"))?;
    output.flush()
}

/// Has the stream's name typed again, where there is a terminal to type at.
fn confirm(stream: &str) -> Result<(), Error> {
    if !io::stdin().is_terminal() {
        return Err(Error::Invalid("a tombstone cannot be taken back: say --yes if it is meant".to_owned()));
    }
    let mut typed = String::new();
    // When standard error is closed, the question is lost and the answer still counts.
    let _ = write!(io::stderr(), "A tombstone cannot be taken back. Type the stream's name to go on: ");
    let read = io::stdin().lock().read_line(&mut typed);
    read.map_err(|source| Error::Input { from: "standard input".to_owned(), source })?;
    if typed.trim_end_matches(['\n', '\r']) == stream {
        return Ok(());
    }
    Err(Error::Invalid(format!("that is not {stream:?}: nothing was done")))
}
