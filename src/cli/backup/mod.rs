//! `quipu backup`: a copy of a tenant's log, taken from a server while it serves.
//!
//! Run again into the same directory, it fetches what came since. What a broken transfer has brought is kept, and
//! the next run goes on behind it. The server tells where the bytes of a backup end: at a block that was
//! durable when it began, so what is copied is a log of whole appends.

mod copy;
pub(super) mod manifest;

use std::path::PathBuf;

use quipu_client::{BackupPart, Client};
use serde_json::json;

use self::copy::Copy;
use self::manifest::{Manifest, ManifestError};
use super::connection::PrintArgs;
use super::progress::Progress;
use super::{ConnectionArgs, Error};
use crate::disk;

/// The arguments of `backup`.
#[derive(Debug, clap::Args)]
pub struct BackupArgs {
    /// The directory of backups: the tenant's is in one below it that has its name.
    #[arg(long, value_name = "DIRECTORY")]
    to: PathBuf,
    /// Read all of the backup that is there, and fetch again what is not what it was.
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    print: PrintArgs,
}

/// Why a backup can not be kept.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The disk refused.
    #[error(transparent)]
    Disk(#[from] disk::Error),
    /// The manifest is of no use.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Somebody else is at it.
    #[error("another process uses {}", .0.display())]
    Locked(PathBuf),
    /// What is there is not the beginning of the server's log.
    #[error("{} is a backup of another log, or of one that went on differently: take another directory", .0.display())]
    AnotherLog(PathBuf),
    /// The server sends what it did not announce.
    #[error("the server sends something else than it announced")]
    Unplanned,
    /// The file is not what the server says that it sent.
    #[error("{} is not what was sent", .0.display())]
    NotWhatWasSent(PathBuf),
}

impl From<BackupError> for Error {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::AnotherLog(_) | BackupError::Locked(_) => Self::Precondition(error.to_string()),
            BackupError::Disk(_)
            | BackupError::Manifest(_)
            | BackupError::Unplanned
            | BackupError::NotWhatWasSent(_) => Self::Backup(error),
        }
    }
}

/// Copies everything there is when the command begins.
pub(super) async fn run(args: BackupArgs) -> Result<(), Error> {
    let client = args.connection.connect().await?;
    let tenant = client.server_info().await.map_err(Error::call("cannot ask the server"))?.tenant;
    let directory = args.to.join(&tenant);
    let mut received = 0;
    let manifest = loop {
        let before = received;
        let copy = Copy::open(&directory, args.check)?;
        match transfer(&client, copy, &mut received).await {
            // The transfer broke; it is begun again as long as it gets on.
            Err(Error::Call { source, .. }) if source.is_retryable() && received > before => {}
            ended => break ended?,
        }
    };
    let bytes = manifest.bytes();
    let value = json!({
        "tenant": tenant,
        "log_id": manifest.log_id,
        "head": manifest.head,
        "segments": manifest.segments.len(),
        "bytes": bytes,
        "received_bytes": received,
        "directory": directory.display().to_string(),
    });
    let mut output = args.print.output();
    output.print(&value, || {
        let (head, segments) = (manifest.head, manifest.segments.len());
        let all = format!("tenant {tenant} up to position {head}: {segments} segments, {bytes} bytes");
        format!("{all}, {received} received\n  in {}", directory.display())
    })?;
    output.flush()
}

/// Fetches what the copy has not, and completes it.
async fn transfer(client: &Client, mut copy: Copy, received: &mut u64) -> Result<Manifest, Error> {
    let failed = || Error::call("cannot back the log up");
    let mut backup = client.backup(copy.held()).await.map_err(failed())?;
    let BackupPart::Plan(plan) = backup.next().await.map_err(failed())? else {
        return Err(BackupError::Unplanned.into());
    };
    let plan = Manifest::of(&plan).map_err(BackupError::from)?;
    copy.check(&plan)?;
    let progress = Progress::bytes(Some(plan.bytes()));
    let manifest = loop {
        match backup.next().await.map_err(failed())? {
            BackupPart::Chunk { number, offset, data } => {
                copy.receive(&plan, number, offset, &data)?;
                *received += data.len() as u64;
                progress.at(before(&plan, number) + offset + data.len() as u64);
            }
            BackupPart::Manifest(manifest) => break Manifest::of(&manifest).map_err(BackupError::from)?,
            BackupPart::Plan(_) => return Err(BackupError::Unplanned.into()),
        }
    };
    progress.finish();
    copy.complete(&manifest)?;
    Ok(manifest)
}

/// How many bytes the segments before this one have.
fn before(plan: &Manifest, number: u32) -> u64 {
    plan.segments.iter().take_while(|segment| segment.number < number).map(|segment| segment.bytes).sum()
}
