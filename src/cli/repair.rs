//! `quipu repair`: mends a log that a start refuses, and says what that costs.
//!
//! It says what it would do, and does it when told to. Nothing is ever deleted: the log that was there goes to
//! quarantine as it is, and so do read models, which may be of events that are lost. A log that was cut has an id
//! of its own, so that nobody who knows positions of the old one goes on with them; other views are made again
//! by the next start, since they are of another log.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};
use uuid::Uuid;

use super::connection::PrintArgs;
use super::error::print_chain;
use super::progress::Progress;
use super::staging;
use crate::disk::real::RealDisk;
use crate::disk::{self, Disk};
use crate::log::graft::graft;
use crate::log::repair::{Diagnosis, Lost, Verdict, diagnose, remake_mark};
use crate::log::survey::Survey;
use crate::log::{self, Salts};
use crate::model::TenantId;
use crate::store::home::{Home, HomeError, REPAIRED};

/// How many streams are named in text.
const STREAMS_TOLD: usize = 20;

/// The arguments of `repair`.
#[derive(Debug, Args)]
pub struct RepairArgs {
    /// The data directory.
    #[arg(long, env = "QUIPU_DATA", default_value = "quipu-data", value_name = "DIRECTORY")]
    data: PathBuf,
    /// The tenant to look at; without it, all.
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// Allow a log to be cut before its first damaged block: all events from there on are lost.
    #[arg(long)]
    cut: bool,
    /// Do it. Without this, nothing is changed.
    #[arg(long)]
    apply: bool,
    #[command(flatten)]
    print: PrintArgs,
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{} is not a data directory", .0.display())]
    NoHome(PathBuf),
    #[error("{0} is no name of a tenant")]
    Tenant(String),
    #[error(
        "tenant {0} can only be mended by a cut, which loses events: see what it would cost, and allow it by --cut"
    )]
    NeedsCut(TenantId),
    #[error("a repair of tenant {0} has not come to its end: see it through by --apply")]
    Unfinished(TenantId),
    #[error("{} is there already", .0.display())]
    Occupied(PathBuf),
    #[error("a repaired log needs {needed} bytes of the disk, {available} are free")]
    NoRoom { needed: u64, available: u64 },
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error("the disk failed")]
    Disk(#[from] disk::Error),
    #[error("the log can not be repaired")]
    Log(#[from] log::Error),
    #[error(transparent)]
    Output(#[from] super::Error),
}

/// Repairs a data directory.
pub(super) fn run(args: &RepairArgs) -> ExitCode {
    match repair(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_chain(&error);
            ExitCode::FAILURE
        }
    }
}

fn repair(args: &RepairArgs) -> Result<(), Error> {
    if !RealDisk.exists(&args.data.join("FORMAT"))? {
        return Err(Error::NoHome(args.data.clone()));
    }
    let home = Home::take(Arc::new(RealDisk), &args.data)?;
    let tenants = match &args.tenant {
        Some(name) => vec![TenantId::new(name).map_err(|_| Error::Tenant(name.clone()))?],
        None => home.tenants()?,
    };
    let mut output = args.print.output();
    for tenant in tenants {
        let directory = home.tenant(&tenant);
        if !home.disk().exists(&directory.join("log"))? && home.disk().exists(&directory.join(REPAIRED))? {
            if !args.apply {
                return Err(Error::Unfinished(tenant));
            }
            name_repaired(&home, &directory)?;
        }
        let disk = home.disk_of(&tenant)?;
        let progress = Progress::bytes(None);
        let mut walked = 0;
        let diagnosis = diagnose(&*disk, &directory.join("log"), &mut |bytes| {
            walked += bytes;
            progress.at(walked);
        })?;
        progress.finish();
        output.print(&told(&tenant, &diagnosis, args.apply), || text(&tenant, &diagnosis, args.apply))?;
        output.flush()?;
        if args.apply {
            apply(&home, disk, &tenant, diagnosis, args.cut)?;
        }
    }
    Ok(())
}

/// Gives a repaired log its name. Until then a start refuses.
fn name_repaired(home: &Home, directory: &Path) -> Result<(), Error> {
    home.disk().rename(&directory.join(REPAIRED), &directory.join("log"))?;
    Ok(home.disk().sync_dir(directory)?)
}

fn apply(
    home: &Home,
    disk: Arc<dyn Disk>,
    tenant: &TenantId,
    diagnosis: Diagnosis,
    may_cut: bool,
) -> Result<(), Error> {
    let directory = home.tenant(tenant);
    let quarantine = directory.join("quarantine");
    match &diagnosis.verdict {
        Verdict::Sound => Ok(()),
        Verdict::Mark(_) => Ok(remake_mark(&*disk, &directory.join("log"), &quarantine, &diagnosis.survey)?),
        Verdict::Cut(..) if may_cut => cut(home, disk, &directory, &quarantine, diagnosis.survey),
        Verdict::Cut(..) => Err(Error::NeedsCut(tenant.clone())),
    }
}

/// Makes a log of what is good, and puts it into the place of the old one.
fn cut(home: &Home, disk: Arc<dyn Disk>, directory: &Path, quarantine: &Path, survey: Survey) -> Result<(), Error> {
    let (needed, available) = (survey.bytes(), home.disk().available(directory)?);
    if needed > available {
        return Err(Error::NoRoom { needed, available });
    }
    let repaired = staging::empty(&directory.join(REPAIRED))?;
    graft(&*home.disk_for(&repaired)?, &survey, &repaired, Some(&Salts::random()), &mut |_| {})?;
    let old = survey.log_id().map_or_else(|| "unknown".to_owned(), |id| Uuid::from_u128(id).to_string());
    // What the old log lies in must be closed before it gets another name.
    drop((survey, disk));
    let disk = home.disk();
    disk.create_dir(quarantine)?;
    for name in ["read-models", "log"] {
        let aside = quarantine.join(format!("{name}-{old}"));
        if disk.exists(&aside)? {
            return Err(Error::Occupied(aside));
        }
        if disk.exists(&directory.join(name))? {
            disk.rename(&directory.join(name), &aside)?;
        }
    }
    disk.sync_dir(quarantine)?;
    disk.sync_dir(directory)?;
    name_repaired(home, directory)
}

fn told(tenant: &TenantId, diagnosis: &Diagnosis, is_applied: bool) -> Value {
    let lost = |lost: &Lost| {
        json!({
            "first_lost_position": lost.first.0,
            "last_lost_position": (lost.last >= lost.first).then_some(lost.last.0),
            "lost_events": (lost.last.0 + 1).saturating_sub(lost.first.0),
            "streams": lost.streams,
        })
    };
    let (action, damage, lost) = match &diagnosis.verdict {
        Verdict::Sound => ("none", None, None),
        Verdict::Mark(damage) => ("mark", Some(damage.to_string()), None),
        Verdict::Cut(damage, found) => ("cut", Some(damage.to_string()), Some(lost(found))),
    };
    json!({
        "tenant": tenant.as_str(),
        "action": action,
        "applied": is_applied,
        "damage": damage,
        "head": diagnosis.survey.position.0,
        "lost": lost,
    })
}

fn text(tenant: &TenantId, diagnosis: &Diagnosis, is_applied: bool) -> String {
    let head = diagnosis.survey.position;
    let will = if is_applied { "is" } else { "would be" };
    match &diagnosis.verdict {
        Verdict::Sound => format!("tenant {tenant}: nothing to repair, up to position {head}"),
        Verdict::Mark(damage) => format!("tenant {tenant}: {damage}\n  the mark {will} made anew, at position {head}"),
        Verdict::Cut(damage, lost) => {
            let known = (lost.last.0 + 1).saturating_sub(lost.first.0);
            let mut lines = vec![
                format!("tenant {tenant}: {damage}"),
                format!("  the log {will} cut behind position {head}; what it was {will} kept in quarantine"),
                format!("  lost from position {} on: {known} events, as far as is known", lost.first),
            ];
            let named = lost.streams.iter().take(STREAMS_TOLD);
            lines.extend(named.map(|(stream, events)| format!("  {events} of stream {stream}")));
            if lost.streams.len() > STREAMS_TOLD {
                lines.push(format!("  and of {} more streams", lost.streams.len() - STREAMS_TOLD));
            }
            lines.join("\n")
        }
    }
}
