//! `quipu verify`: checks every byte of a data directory that no server has open, or has a running server check
//! the log of a tenant, up to the moment that it was asked.
//!
//! Reads everything and changes nothing. Ends with 0 when all is well and with 1 when acknowledged data
//! is damaged; a torn tail or an index that must be made again is told, but is no damage.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use quipu_client::VerifyPart;
use quipu_client::proto::{Damage, VerifyFindings};
use serde_json::json;

use super::ConnectionArgs;
use super::error::print_chain;
use super::progress::Progress;
use crate::disk::real::RealDisk;
use crate::disk::{self, Disk};
use crate::index::Index;
use crate::log::pace::Pace;
use crate::log::verify::Findings;
use crate::log::{self, Segments};
use crate::model::TenantId;
use crate::store::home::{Home, HomeError};

/// What was typed for `quipu verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The data directory
    #[arg(long, env = "QUIPU_DATA", default_value = "quipu-data", value_name = "DIRECTORY")]
    data: PathBuf,
    /// Have a running server check the log of a tenant.
    #[arg(long)]
    online: bool,
    /// Bytes that are read in a second, on average; 0 means as fast as it goes.
    #[arg(long, default_value_t = 0, value_name = "BYTES")]
    bytes_per_second: u64,
    #[command(flatten)]
    connection: ConnectionArgs,
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{} is not a data directory", .0.display())]
    NoHome(PathBuf),
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error("the disk failed")]
    Disk(#[from] disk::Error),
    #[error("the log can not be read")]
    Log(#[from] log::Error),
    #[error("standard output can not be written")]
    Output(#[from] io::Error),
}

/// Checks a data directory.
pub fn run(args: VerifyArgs) -> ExitCode {
    if args.online {
        return super::finish(online(args.connection, args.bytes_per_second));
    }
    match verify(&args.data, args.connection.tenant.as_deref(), args.bytes_per_second) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            print_chain(&error);
            ExitCode::FAILURE
        }
    }
}

fn verify(data: &Path, only: Option<&str>, bytes_per_second: u64) -> Result<bool, Error> {
    if !RealDisk.exists(&data.join("FORMAT"))? {
        return Err(Error::NoHome(data.into()));
    }
    let home = Home::take(Arc::new(RealDisk), data)?;
    let mut is_well = true;
    let mut pace = Pace::new(bytes_per_second);
    for tenant in home.tenants()? {
        if only.is_some_and(|only| only != tenant.as_str()) {
            continue;
        }
        let directory = home.tenant(&tenant);
        let disk = home.disk_of(&tenant)?;
        let progress = Progress::bytes(Some(log_bytes(&*disk, &directory)?));
        let mut reached = 0;
        let findings = log::verify::verify(&*disk, &directory.join("log"), &mut |bytes, events| {
            reached += bytes;
            progress.reached(reached, events);
            pace.keep_after(bytes);
        })?;
        progress.finish();
        let unfit = unfit_indexes(&*disk, &directory)?;
        is_well &= findings.damage.is_empty();
        print(&tenant, &findings, &unfit)?;
    }
    Ok(is_well)
}

/// Has a server check a tenant's log.
async fn online(connection: ConnectionArgs, bytes_per_second: u64) -> Result<(), super::Error> {
    let failed = || super::Error::call("cannot have the log checked");
    let client = connection.connect().await?;
    let tenant = client.server_info().await.map_err(failed())?.tenant;
    let mut check = client.verify(bytes_per_second).await.map_err(failed())?;
    let (mut progress, mut scrubbed) = (None, Vec::new());
    let found = loop {
        match check.next().await.map_err(failed())? {
            VerifyPart::Progress(now) => {
                progress.get_or_insert_with(|| Progress::bytes(Some(now.bytes_total))).reached(now.bytes, now.events);
                scrubbed.extend(now.scrubbed);
            }
            VerifyPart::Findings(found) => break found,
        }
    };
    progress.iter().for_each(Progress::finish);
    print_online(&tenant, &found, &scrubbed).map_err(super::Error::stdout)?;
    // Damage that the scrub has met and this check has not is of a disk that does not always fail.
    match found.damage.len() + scrubbed.len() {
        0 => Ok(()),
        _ => Err(super::Error::Invalid("the log is damaged".to_owned())),
    }
}

fn print_online(tenant: &str, found: &VerifyFindings, scrubbed: &[Damage]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let VerifyFindings { head, segments, blocks, events, control_records, bytes, damage } = found;
    if !io::stdout().is_terminal() {
        let row = |found: &Damage| json!({ "file": found.file, "offset": found.offset, "what": found.what });
        let line = json!({
            "tenant": tenant,
            "head": head,
            "segments": segments,
            "blocks": blocks,
            "events": events,
            "control_records": control_records,
            "bytes": bytes,
            "damage": damage.iter().map(row).collect::<Vec<_>>(),
            "scrubbed": scrubbed.iter().map(row).collect::<Vec<_>>(),
        });
        return writeln!(out, "{line}");
    }
    writeln!(out, "tenant {tenant}: {events} events and {control_records} control records in {blocks} blocks")?;
    writeln!(out, "  {segments} segments, {bytes} bytes, all read, up to position {head}")?;
    for found in damage {
        writeln!(out, "  DAMAGE in {} at byte {}: {}", found.file, found.offset, found.what)?;
    }
    for found in scrubbed {
        writeln!(out, "  DAMAGE met by the scrub in {} at byte {}: {}", found.file, found.offset, found.what)?;
    }
    if damage.is_empty() && scrubbed.is_empty() {
        writeln!(out, "  no damage")?;
    }
    Ok(())
}

fn log_bytes(disk: &dyn Disk, directory: &Path) -> Result<u64, Error> {
    let log = directory.join("log");
    let mut bytes = 0;
    for name in disk.list(&log)? {
        bytes += disk.open(&log.join(name), disk::Open::Read)?.len()?;
    }
    Ok(bytes)
}

/// The complete segments whose index file is missing or damaged.
fn unfit_indexes(disk: &dyn Disk, directory: &Path) -> Result<Vec<String>, Error> {
    let segments = Segments::read_only(disk, &directory.join("log"))?;
    let check = |pair: &[Arc<log::segment::Segment>]| {
        let checked = Index::check(disk, &directory.join("index"), &pair[0], &pair[1]);
        checked.err().map(|error| error.to_string())
    };
    Ok(segments.windows(2).filter_map(check).collect())
}

fn print(tenant: &TenantId, findings: &Findings, unfit: &[String]) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    let damage: Vec<String> = findings.damage.iter().map(ToString::to_string).collect();
    if !io::stdout().is_terminal() {
        let line = json!({
            "tenant": tenant.as_str(),
            "segments": findings.segments,
            "blocks": findings.blocks,
            "events": findings.events,
            "control_records": findings.controls,
            "bytes": findings.bytes,
            "torn_bytes": findings.torn_bytes,
            "indexes_to_make_again": unfit,
            "damage": damage,
        });
        return Ok(writeln!(out, "{line}")?);
    }
    let Findings { segments, blocks, events, controls, bytes, torn_bytes, .. } = findings;
    writeln!(out, "tenant {tenant}: {events} events and {controls} control records in {blocks} blocks")?;
    writeln!(out, "  {segments} segments, {bytes} bytes, all read")?;
    if *torn_bytes > 0 {
        writeln!(out, "  torn tail: {torn_bytes} bytes that were never acknowledged; the next start cuts them")?;
    }
    for reason in unfit {
        writeln!(out, "  the next start makes an index file again: {reason}")?;
    }
    for found in &damage {
        writeln!(out, "  DAMAGE: {found}")?;
    }
    if damage.is_empty() {
        writeln!(out, "  no damage")?;
    }
    Ok(())
}
