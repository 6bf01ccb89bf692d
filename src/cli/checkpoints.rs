//! `quipu checkpoints`: how far named consumers have got.

use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::value_parser;
use quipu_client::{Checkpoint, ExpectedCheckpoint, WaitOutcome};
use serde::Serialize;

use super::connection::PrintArgs;
use super::place::place;
use super::{ConnectionArgs, Error, time};

/// The most checkpoints in a page.
const PAGE_CHECKPOINTS: u64 = 1_000;

/// The arguments of `checkpoints`.
#[derive(Debug, clap::Args)]
pub struct CheckpointsArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List checkpoints in the order of their names.
    List(ListArgs),
    /// Tell where a consumer is.
    Get(NameArgs),
    /// Set a checkpoint, forwards or backwards.
    Set(SetArgs),
    /// Delete a checkpoint.
    Delete(NameArgs),
    /// Wait until a consumer has reached a position; fails when the time is up before.
    Wait(WaitArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Only names that begin with this.
    #[arg(long, default_value = "", hide_default_value = true)]
    prefix: String,
    /// At most so many.
    #[arg(long, value_name = "CHECKPOINTS", value_parser = value_parser!(u64).range(1..))]
    limit: Option<u64>,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    print: PrintArgs,
}

#[derive(Debug, clap::Args)]
struct NameArgs {
    /// The consumer's name.
    name: String,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    print: PrintArgs,
}

#[derive(Debug, clap::Args)]
struct SetArgs {
    /// The consumer's name.
    name: String,
    /// Everything up to here, inclusive, has been dealt with.
    #[arg(allow_negative_numbers = true, value_parser = place)]
    position: u64,
    /// What the checkpoint must be: any, none (not there yet), or its position.
    #[arg(long, default_value = "any", value_name = "any|none|N", value_parser = expected)]
    expect: ExpectedCheckpoint,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    print: PrintArgs,
}

#[derive(Debug, clap::Args)]
struct WaitArgs {
    /// The consumer's name. It need not have a checkpoint yet.
    name: String,
    /// The position to be reached, such as the last of an append.
    #[arg(allow_negative_numbers = true, value_parser = place)]
    position: u64,
    /// How long to wait, at most 10m: a number and s, m, h, d or w.
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = time::span)]
    timeout: Duration,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    print: PrintArgs,
}

/// A checkpoint, as it is printed. A wait does not tell when it changed.
#[derive(Serialize)]
struct CheckpointJson<'a> {
    name: &'a str,
    position: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<DateTime<Utc>>,
}

/// A checkpoint that is gone, as it is printed.
#[derive(Serialize)]
struct DeletedJson<'a> {
    deleted: &'a str,
}

/// Lists, tells, sets, deletes, or waits.
pub(super) async fn run(args: CheckpointsArgs) -> Result<(), Error> {
    match args.action {
        Action::List(args) => list(args).await,
        Action::Get(args) => get(args).await,
        Action::Set(args) => set(args).await,
        Action::Delete(args) => delete(args).await,
        Action::Wait(args) => wait(args).await,
    }
}

async fn list(args: ListArgs) -> Result<(), Error> {
    let client = args.connection.connect().await?;
    let mut output = args.print.output();
    let mut left = args.limit.unwrap_or(u64::MAX);
    let mut token = None;
    while left > 0 {
        let size = u32::try_from(left.min(PAGE_CHECKPOINTS)).unwrap_or(u32::MAX);
        let page = client.list_checkpoints(&args.prefix, size, token.as_deref()).await;
        let page = page.map_err(Error::call("cannot list the checkpoints"))?;
        for checkpoint in &page.checkpoints {
            output.print(&json(checkpoint), || text(checkpoint))?;
        }
        output.flush()?;
        left = left.saturating_sub(page.checkpoints.len() as u64);
        token = page.next_page_token;
        if token.is_none() {
            break;
        }
    }
    Ok(())
}

async fn get(args: NameArgs) -> Result<(), Error> {
    let found = args.connection.connect().await?.get_checkpoint(&args.name).await;
    let found = found.map_err(Error::call(format!("cannot get checkpoint {:?}", args.name)))?;
    let checkpoint = found.ok_or_else(|| Error::NotFound(format!("there is no checkpoint {:?}", args.name)))?;
    show(args.print, &checkpoint)
}

async fn set(args: SetArgs) -> Result<(), Error> {
    let set = args.connection.connect().await?.set_checkpoint(&args.name, args.position, args.expect).await;
    show(args.print, &set.map_err(Error::call(format!("cannot set checkpoint {:?}", args.name)))?)
}

async fn delete(args: NameArgs) -> Result<(), Error> {
    let deleted = args.connection.connect().await?.delete_checkpoint(&args.name).await;
    deleted.map_err(Error::call(format!("cannot delete checkpoint {:?}", args.name)))?;
    let mut output = args.print.output();
    output.print(&DeletedJson { deleted: &args.name }, || format!("{} is deleted", args.name))?;
    output.flush()
}

async fn wait(args: WaitArgs) -> Result<(), Error> {
    let WaitArgs { name, position: wanted, timeout, connection, print } = args;
    let waited = connection.connect().await?.wait_for_checkpoint(&name, wanted, timeout).await;
    match waited.map_err(Error::call(format!("cannot wait for checkpoint {name:?}")))? {
        WaitOutcome::Reached { position } => {
            let mut output = print.output();
            let reached = CheckpointJson { name: &name, position, updated_at: None };
            output.print(&reached, || format!("{name} is at position {position}"))?;
            output.flush()
        }
        WaitOutcome::TimedOut { position } => {
            let place = position.map_or_else(|| "is not there".to_owned(), |it| format!("is at position {it}"));
            Err(Error::Precondition(format!("checkpoint {name:?} {place}, and has not reached {wanted}")))
        }
    }
}

fn show(print: PrintArgs, checkpoint: &Checkpoint) -> Result<(), Error> {
    let mut output = print.output();
    output.print(&json(checkpoint), || text(checkpoint))?;
    output.flush()
}

fn expected(text: &str) -> Result<ExpectedCheckpoint, String> {
    match text {
        "any" => Ok(ExpectedCheckpoint::Any),
        "none" => Ok(ExpectedCheckpoint::NoCheckpoint),
        position => position
            .parse()
            .map(ExpectedCheckpoint::Position)
            .map_err(|_| "expected any, none, or the checkpoint's position".to_owned()),
    }
}

fn json(checkpoint: &Checkpoint) -> CheckpointJson<'_> {
    let Checkpoint { name, position, updated_at } = checkpoint;
    CheckpointJson { name, position: *position, updated_at: Some(*updated_at) }
}

fn text(checkpoint: &Checkpoint) -> String {
    let Checkpoint { name, position, updated_at } = checkpoint;
    format!("{name} is at position {position} since {}", time::shown(*updated_at))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::Args;
    use super::*;

    #[test]
    fn an_expectation_is_a_word_or_a_position() {
        assert_eq!(expected("any"), Ok(ExpectedCheckpoint::Any));
        assert_eq!(expected("none"), Ok(ExpectedCheckpoint::NoCheckpoint));
        assert_eq!(expected("0"), Ok(ExpectedCheckpoint::Position(0)));
        for text in ["", "-1", "exists", "1.5"] {
            assert!(expected(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_position_is_no_negative_number() {
        let typed = |arguments: &str| {
            Args::try_parse_from(["quipu", "checkpoints"].into_iter().chain(arguments.split(' '))).map(|_| ())
        };
        for arguments in ["set c 7 --expect none", "wait c 0 --timeout 5m", "list --prefix c", "get c", "delete c"] {
            typed(arguments).expect(arguments);
        }
        for arguments in ["set c -1", "wait c -1", "set c", "wait c 1 --timeout 0s", "list --limit 0"] {
            assert_eq!(typed(arguments).expect_err(arguments).exit_code(), 2, "{arguments}");
        }
    }
}
