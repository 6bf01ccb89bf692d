//! `quipu restore`: makes a data directory's log from a backup.
//!
//! Everything is checked before anything is written: each segment against its hash, each block against its
//! checksums and its neighbours. The log is made beside the place where it belongs and gets its name last, so
//! it is there as a whole or not at all. One that was cut has a log id of its own.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::{Value, json};
use uuid::Uuid;

use super::backup::BackupError;
use super::backup::manifest::{Manifest, ManifestError};
use super::connection::PrintArgs;
use super::error::print_chain;
use super::progress::Progress;
use super::staging;
use super::time::{moment, shown};
use crate::disk::real::RealDisk;
use crate::disk::{self, Disk, Open};
use crate::log::graft::graft;
use crate::log::survey::{Survey, Until, survey};
use crate::log::{self, Salts};
use crate::model::{Position, TenantId, Timestamp};
use crate::store::home::{Engine, Home, HomeError, RESTORED};

/// The arguments of `restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The directory of backups, as `backup --to` had it.
    #[arg(long, value_name = "DIRECTORY")]
    from: PathBuf,
    /// The data directory: empty, not there, or without the tenant.
    #[arg(long, value_name = "DIRECTORY")]
    data: PathBuf,
    /// The tenant to restore; without it, all that are in the backup.
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// Leave out what was appended behind this position.
    #[arg(long, value_name = "POSITION", conflicts_with = "to_time")]
    to_position: Option<u64>,
    /// Leave out what was committed after this time: a date, or RFC 3339.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    to_time: Option<DateTime<Utc>>,
    /// What the logs are to lie in; without it, what those that are there lie in, or segment files.
    #[arg(long, value_enum, value_name = "ENGINE")]
    log: Option<Engine>,
    #[command(flatten)]
    print: PrintArgs,
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("there is no backup in {}", .0.display())]
    NoBackup(PathBuf),
    #[error("the manifest in {} is of no use", directory.display())]
    Manifest { directory: PathBuf, source: ManifestError },
    #[error("{0} is no name of a tenant")]
    Tenant(String),
    #[error("tenant {0} is there already: nothing was changed")]
    Occupied(TenantId),
    #[error("position {asked} lies behind the end of the backup, which is {head}")]
    BeyondEnd { asked: u64, head: u64 },
    #[error("the backup is damaged")]
    Damaged(#[source] log::Error),
    #[error("{} is shorter than the backup says: it is damaged", .0.display())]
    Short(PathBuf),
    #[error("{} is not what the manifest of the backup says", .0.display())]
    Differs(PathBuf),
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error("the disk failed")]
    Disk(#[from] disk::Error),
    #[error("the log can not be written")]
    Log(#[from] log::Error),
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error(transparent)]
    Output(#[from] super::Error),
}

/// A tenant's backup that was found to be good.
struct Checked {
    tenant: TenantId,
    survey: Survey,
    head: u64,
}

/// Restores a data directory.
pub(super) fn run(args: &RestoreArgs) -> ExitCode {
    match restore(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_chain(&error);
            ExitCode::FAILURE
        }
    }
}

fn restore(args: &RestoreArgs) -> Result<(), Error> {
    let disk = RealDisk;
    let until = until(args);
    let tenants = match &args.tenant {
        Some(name) => vec![TenantId::new(name).map_err(|_| Error::Tenant(name.clone()))?],
        None => disk.list(&args.from)?.iter().filter_map(|name| TenantId::new(name).ok()).collect(),
    };
    let checked = tenants.into_iter().map(|tenant| check(&disk, &args.from, tenant, until));
    let checked = checked.collect::<Result<Vec<_>, _>>()?;
    if checked.is_empty() {
        return Err(Error::NoBackup(args.from.clone()));
    }
    let home = match args.log {
        Some(engine) => Home::take_with(Arc::new(disk), &args.data, engine)?,
        None => Home::take(Arc::new(disk), &args.data)?,
    };
    for Checked { tenant, .. } in &checked {
        if disk.list(&home.tenant(tenant))?.iter().any(|name| name != RESTORED) {
            return Err(Error::Occupied(tenant.clone()));
        }
    }
    let mut output = args.print.output();
    for checked in &checked {
        let log_id = write(&home, checked)?;
        let told = told(checked, log_id);
        output.print(&told, || text(checked))?;
    }
    Ok(output.flush()?)
}

fn until(args: &RestoreArgs) -> Until {
    match (args.to_position, args.to_time) {
        (Some(position), _) => Until::Position(Position(position)),
        (None, Some(time)) => {
            let seconds = u64::try_from(time.timestamp()).unwrap_or_default();
            Until::Time(Timestamp { seconds, nanos: time.timestamp_subsec_nanos() })
        }
        (None, None) => Until::Head,
    }
}

/// Checks a tenant's backup as far as it is wanted.
fn check(disk: &RealDisk, from: &Path, tenant: TenantId, until: Until) -> Result<Checked, Error> {
    let directory = from.join(tenant.as_str());
    let read = Manifest::read(disk, &directory);
    let read = read.map_err(|source| Error::Manifest { directory: directory.clone(), source })?;
    let manifest = read.ok_or_else(|| Error::NoBackup(directory.clone()))?;
    if let Until::Position(Position(asked)) = until
        && asked > manifest.head
    {
        return Err(Error::BeyondEnd { asked, head: manifest.head });
    }
    let mut files = Vec::with_capacity(manifest.segments.len());
    for segment in &manifest.segments {
        let path = directory.join(&segment.name);
        if disk.open(&path, Open::Read)?.len()? < segment.bytes {
            return Err(Error::Short(path));
        }
        files.push((path, segment.bytes));
    }
    let (progress, mut walked) = (Progress::bytes(Some(manifest.bytes())), 0);
    let mut survey = survey(disk, &files, until, &mut |bytes| {
        walked += bytes;
        progress.at(walked);
    })?;
    progress.finish();
    if let Some(damage) = survey.damage.take() {
        return Err(Error::Damaged(damage));
    }
    for (kept, segment) in survey.kept.iter().zip(&manifest.segments) {
        if kept.bytes == segment.bytes && Some(kept.hash) != segment.hash() {
            return Err(Error::Differs(kept.segment.path.clone()));
        }
    }
    let log_id = survey.log_id().map(|log_id| Uuid::from_u128(log_id).to_string());
    let is_whole = survey.position.0 == manifest.head && survey.slot.0 == manifest.slot;
    if log_id.as_ref() != Some(&manifest.log_id) || (!survey.is_cut && !is_whole) {
        return Err(Error::Differs(directory));
    }
    Ok(Checked { tenant, survey, head: manifest.head })
}

/// Writes a tenant's log.
fn write(home: &Home, checked: &Checked) -> Result<Option<u128>, Error> {
    let directory = home.tenant(&checked.tenant);
    let staging = staging::empty(&directory.join(RESTORED))?;
    let disk = home.disk_for(&staging)?;
    let (progress, mut written) = (Progress::bytes(Some(checked.survey.bytes())), 0);
    let salts = Salts::random();
    let log_id = graft(&*disk, &checked.survey, &staging, checked.survey.is_cut.then_some(&salts), &mut |bytes| {
        written += bytes;
        progress.at(written);
    })?;
    progress.finish();
    drop(disk);
    home.disk().rename(&staging, &directory.join("log"))?;
    home.disk().sync_dir(&directory)?;
    Ok(log_id)
}

fn told(checked: &Checked, log_id: Option<u128>) -> Value {
    let survey = &checked.survey;
    let time =
        survey.last_recorded_at.and_then(|time| DateTime::from_timestamp(time.seconds.cast_signed(), time.nanos));
    json!({
        "tenant": checked.tenant.as_str(),
        "log_id": log_id.map(|log_id| Uuid::from_u128(log_id).to_string()),
        "head": survey.position.0,
        "last_recorded_at": time.map(shown),
        "is_cut": survey.is_cut,
        "head_of_backup": checked.head,
        "segments": survey.kept.len(),
        "bytes": survey.bytes(),
    })
}

fn text(checked: &Checked) -> String {
    let (tenant, head, of) = (&checked.tenant, checked.survey.position, checked.head);
    if checked.survey.is_cut {
        format!("tenant {tenant}: cut behind position {head} of {of}, at the end of a block; the log has a new id")
    } else {
        format!("tenant {tenant}: whole, up to position {head}")
    }
}
