//! The door for operators: copies and checks of a log that is being written.

use std::ops::ControlFlow;
use std::sync::Arc;

use futures_util::stream;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::caller::tenant;
use super::status::{invalid, status};
use super::{Doors, Responses, convert};
use crate::log;
use crate::log::export::Held;
use crate::log::pace::Pace;
use crate::log::verify::Findings;
use crate::model::{Invalid, Position, TenantId};
use crate::proto::operations_server::Operations;
use crate::proto::{
    BackupChunk, BackupManifest, BackupSegment, Damage, HeldSegment, OperationsBackupRequest, OperationsBackupResponse,
    OperationsVerifyRequest, OperationsVerifyResponse, VerifyFindings, VerifyProgress, operations_backup_response,
    operations_verify_response,
};
use crate::store::{Absent, Backup, Check, Error, Manifest, Part, Store};

/// How often progress is told, in bytes read.
const PROGRESS_BYTES: u64 = 1 << 20;

#[tonic::async_trait]
impl Operations for Doors {
    type BackupStream = Responses<OperationsBackupResponse>;
    type VerifyStream = Responses<OperationsVerifyResponse>;

    async fn backup(&self, request: Request<OperationsBackupRequest>) -> Result<Response<Self::BackupStream>, Status> {
        let tenant = tenant(&request)?;
        let store = self.store_of(&tenant, Absent::Refuse).await?;
        let held = request.get_ref().held.iter().map(held).collect::<Result<_, _>>().map_err(invalid)?;
        let backup = store.backup(held).await.map_err(|error| status(&error))?;
        let plan = operations_backup_response::Part::Plan(manifest(&tenant, backup.plan()));
        Ok(Response::new(parts(tenant, plan, backup)))
    }

    async fn verify(&self, request: Request<OperationsVerifyRequest>) -> Result<Response<Self::VerifyStream>, Status> {
        let tenant = tenant(&request)?;
        let store = self.store_of(&tenant, Absent::Refuse).await?;
        let check = store.check().await.map_err(|error| status(&error))?;
        let scrubbed = self.tenants.scrubbed(&tenant).iter().map(|found| damage(found)).collect();
        let first = VerifyProgress { bytes_total: check.bytes, scrubbed, ..VerifyProgress::default() };
        let (progress, told) = watch::channel(VerifyProgress { bytes_total: check.bytes, ..VerifyProgress::default() });
        let (head, pace) = (check.head(), Pace::new(request.get_ref().bytes_per_second));
        let running = tokio::task::spawn_blocking(move || run(&store, &check, pace, &progress));
        Ok(Response::new(progress_and_findings(first, told, head, running)))
    }
}

fn held(held: &HeldSegment) -> Result<Held, Invalid> {
    let hash = held.hash.as_ref().try_into().map_err(|_| Invalid::malformed("a BLAKE3 hash has 32 bytes"))?;
    Ok(Held { number: held.number, bytes: held.bytes, hash })
}

fn manifest(tenant: &TenantId, manifest: &Manifest) -> BackupManifest {
    let segments = manifest.segments.iter().map(|segment| BackupSegment {
        number: segment.number,
        name: segment.name.clone(),
        bytes: segment.bytes,
        hash: segment.hash.map(|hash| hash.to_vec().into()).unwrap_or_default(),
    });
    BackupManifest {
        log_id: Uuid::from_u128(manifest.log_id).to_string(),
        tenant: tenant.to_string(),
        format: u32::from(manifest.format),
        head: manifest.head.0,
        slot: manifest.slot,
        last_recorded_at: manifest.last_recorded_at.map(convert::time),
        segments: segments.collect(),
    }
}

/// The plan, then what the backup gives, each part read when the one before was taken.
fn parts(
    tenant: TenantId,
    plan: operations_backup_response::Part,
    backup: Backup,
) -> Responses<OperationsBackupResponse> {
    let message = |part| OperationsBackupResponse { part: Some(part) };
    Box::pin(stream::unfold((Some(plan), backup, tenant), move |(mut plan, mut backup, tenant)| async move {
        if let Some(plan) = plan.take() {
            return Some((Ok(message(plan)), (None, backup, tenant)));
        }
        let part = match backup.next().await {
            Ok(part) => part?,
            Err(error) => return Some((Err(status(&error)), (None, backup, tenant))),
        };
        let part = match part {
            Part::Bytes(number, offset, data) => {
                operations_backup_response::Part::Chunk(BackupChunk { number, offset, data })
            }
            Part::Manifest(found) => operations_backup_response::Part::Manifest(manifest(&tenant, &found)),
        };
        Some((Ok(message(part)), (None, backup, tenant)))
    }))
}

/// Reads everything at its pace, and tells how far it has got. Ends when nobody listens any more.
fn run(
    store: &Arc<Store>,
    check: &Check,
    mut pace: Pace,
    progress: &watch::Sender<VerifyProgress>,
) -> Result<Findings, Error> {
    let (runtime, mut read) = (Handle::current(), 0);
    store.run_check(check, &mut |bytes, events| {
        let told = read / PROGRESS_BYTES;
        read += bytes;
        if read / PROGRESS_BYTES > told {
            progress.send_modify(|progress| (progress.bytes, progress.events) = (read, events));
        }
        if let Some(pause) = pace.pause_after(bytes) {
            runtime.block_on(async {
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = store.stopped() => {}
                    () = progress.closed() => {}
                }
            });
        }
        if progress.is_closed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
}

/// Where a check stands that somebody listens to.
enum Listening {
    First(VerifyProgress, watch::Receiver<VerifyProgress>, JoinHandle<Result<Findings, Error>>),
    Running(watch::Receiver<VerifyProgress>, JoinHandle<Result<Findings, Error>>),
    Over,
}

fn progress_and_findings(
    first: VerifyProgress,
    told: watch::Receiver<VerifyProgress>,
    head: Position,
    running: JoinHandle<Result<Findings, Error>>,
) -> Responses<OperationsVerifyResponse> {
    let message = |part| Ok(OperationsVerifyResponse { part: Some(part) });
    Box::pin(stream::unfold(Listening::First(first, told, running), move |state| async move {
        let (mut told, mut running) = match state {
            Listening::First(first, told, running) => {
                let first = operations_verify_response::Part::Progress(first);
                return Some((message(first), Listening::Running(told, running)));
            }
            Listening::Running(told, running) => (told, running),
            Listening::Over => return None,
        };
        if told.changed().await.is_ok() {
            let progress = told.borrow_and_update().clone();
            let progress = operations_verify_response::Part::Progress(progress);
            return Some((message(progress), Listening::Running(told, running)));
        }
        // Whoever told is gone: the check is over.
        let findings = (&mut running).await.map_err(Error::internal).and_then(|findings| findings);
        let last = match findings {
            Ok(found) => message(operations_verify_response::Part::Findings(findings_out(head, &found))),
            Err(error) => Err(status(&error)),
        };
        Some((last, Listening::Over))
    }))
}

fn findings_out(head: Position, found: &Findings) -> VerifyFindings {
    VerifyFindings {
        head: head.0,
        segments: found.segments,
        blocks: found.blocks,
        events: found.events,
        control_records: found.controls,
        bytes: found.bytes,
        damage: found.damage.iter().map(damage).collect(),
    }
}

fn damage(found: &log::Error) -> Damage {
    let (file, offset) = match found {
        log::Error::Damaged { file, offset, .. } => (file.display().to_string(), *offset),
        log::Error::Newer { file, .. } => (file.display().to_string(), 0),
        log::Error::Disk(error) => (error.path.display().to_string(), 0),
        log::Error::Poisoned => (String::new(), 0),
    };
    let what = match found {
        log::Error::Damaged { what, .. } => (*what).to_owned(),
        log::Error::Newer { .. } | log::Error::Disk(_) | log::Error::Poisoned => found.to_string(),
    };
    Damage { file, offset, what }
}
