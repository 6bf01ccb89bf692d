//! Reads what nobody reads, to find damage before it is asked for.
//!
//! One worker for the process goes through the sealed segments of all tenants and, of tenants that are open, the
//! index files beside them: one file after the other, at its pace, and again once its interval is over. Damage of
//! a segment is told and changes nothing; an index file that is damaged is made again from its segment, as
//! a question that met it would have it made.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use super::home::Engine;
use super::tenants::Tenants;
use crate::crew::{Crew, Hired, Idle, Work, Worker};
use crate::disk::Disk;
use crate::log;
use crate::log::pace::Pace;
use crate::log::segment;
use crate::log::verify::verify_sealed;
use crate::model::TenantId;

/// How a server scrubs.
#[derive(Debug, Clone, Copy)]
pub struct ScrubOptions {
    /// How many bytes are read in a second, on average. 0 means that nothing is scrubbed.
    pub bytes_per_second: u64,
    /// The least time between the beginnings of two passes.
    pub interval: Duration,
}

impl Default for ScrubOptions {
    fn default() -> Self {
        Self { bytes_per_second: 8 << 20, interval: Duration::from_secs(24 * 60 * 60) }
    }
}

/// A scrub in progress.
#[derive(Debug)]
pub struct Scrub {
    /// It ends when this is gone.
    stop: SyncSender<()>,
    worker: Hired,
}

impl Scrub {
    /// Begins to scrub; `None` when nothing is to be scrubbed, or the machine gives no thread.
    pub fn begin(tenants: Arc<Tenants>, options: ScrubOptions) -> Option<Self> {
        if options.bytes_per_second == 0 {
            return None;
        }
        let (stop, stopped) = sync_channel(0);
        let scrubber = Scrubber { tenants, options, stopped };
        match Crew::threads().hire("quipu-scrub", scrubber) {
            Ok(worker) => Some(Self { stop, worker }),
            Err(error) => {
                tracing::error!(%error, "nothing is scrubbed");
                None
            }
        }
    }

    /// Ends it, in the middle of a segment if need be.
    pub fn end(self) {
        drop(self.stop);
        if self.worker.finish().is_err() {
            tracing::error!("the scrub panicked");
        }
    }
}

struct Scrubber {
    tenants: Arc<Tenants>,
    options: ScrubOptions,
    stopped: Receiver<()>,
}

impl Worker for Scrubber {
    /// Does a pass, and waits until it is time for the next one.
    fn work(&mut self, _: Idle) -> Work {
        let begun = Instant::now();
        if self.pass().is_break() {
            return Work::Over;
        }
        match self.pause(self.options.interval.saturating_sub(begun.elapsed())) {
            ControlFlow::Continue(()) => Work::Done,
            ControlFlow::Break(()) => Work::Over,
        }
    }
}

impl Scrubber {
    /// Waits, but not longer than until the end.
    fn pause(&self, pause: Duration) -> ControlFlow<()> {
        match self.stopped.recv_timeout(pause) {
            Err(RecvTimeoutError::Timeout) => ControlFlow::Continue(()),
            Ok(()) | Err(RecvTimeoutError::Disconnected) => ControlFlow::Break(()),
        }
    }

    fn pass(&self) -> ControlFlow<()> {
        let mut pace = Pace::new(self.options.bytes_per_second);
        let tenants = self.tenants.home().tenants().unwrap_or_else(|error| {
            tracing::error!(%error, "the tenants can not be listed, nothing is scrubbed");
            Vec::new()
        });
        for tenant in tenants {
            self.tenant(&tenant, &mut pace)?;
        }
        self.tenants.metrics().scrubbed_all(self.tenants.options().clock.now());
        tracing::info!("all sealed segments were scrubbed");
        ControlFlow::Continue(())
    }

    fn tenant(&self, tenant: &TenantId, pace: &mut Pace) -> ControlFlow<()> {
        let home = self.tenants.home();
        let directory = home.tenant(tenant).join("log");
        // What lies in a database is read by those who have it open.
        let store = self.tenants.open_store(tenant);
        let disk = match (home.engine(), &store) {
            (Engine::Segments, _) => home.disk(),
            (Engine::Sled, Some(store)) => &store.disk,
            (Engine::Sled, None) => return ControlFlow::Continue(()),
        };
        let files = match segment::files(&**disk, &directory) {
            Ok(files) => files,
            Err(error) => {
                self.tenants.found_damage(tenant, error.into());
                return ControlFlow::Continue(());
            }
        };
        for (number, pair) in (1..).zip(files.windows(2)) {
            self.segment(tenant, &**disk, &pair[0], &pair[1], pace)?;
            self.index(tenant, number, pace)?;
        }
        ControlFlow::Continue(())
    }

    fn segment(
        &self,
        tenant: &TenantId,
        disk: &dyn Disk,
        path: &Path,
        next: &Path,
        pace: &mut Pace,
    ) -> ControlFlow<()> {
        let metrics = self.tenants.metrics();
        let mut flow = ControlFlow::Continue(());
        let findings = verify_sealed(disk, path, next, &mut |bytes, _| {
            metrics.scrubbed_bytes(bytes);
            flow = self.pause(pace.pause_after(bytes).unwrap_or_default());
            flow
        });
        flow?;
        metrics.scrubbed_segment();
        match findings {
            Ok(findings) => findings.damage.into_iter().for_each(|found| self.tenants.found_damage(tenant, found)),
            Err(error) => self.tenants.found_damage(tenant, error),
        }
        ControlFlow::Continue(())
    }

    /// Has a look at the index file of a sealed segment, if the tenant is open: else the next start has it.
    fn index(&self, tenant: &TenantId, number: u32, pace: &mut Pace) -> ControlFlow<()> {
        let Some(store) = self.tenants.open_store(tenant) else { return ControlFlow::Continue(()) };
        match store.reader.index.scrub(number) {
            Ok(bytes) => {
                drop(store);
                self.tenants.metrics().scrubbed_bytes(bytes);
                self.pause(pace.pause_after(bytes).unwrap_or_default())
            }
            Err(error) => {
                tracing::warn!(%tenant, segment = number, %error, "an index file can not be made again");
                ControlFlow::Continue(())
            }
        }
    }
}

impl Tenants {
    /// Takes note of damage in a tenant's log, which is told from then on.
    fn found_damage(&self, tenant: &TenantId, found: log::Error) {
        let mut all = self.damage.lock().expect("no panic under this lock");
        let known = all.entry(tenant.clone()).or_default();
        if known.iter().any(|other| other.to_string() == found.to_string()) {
            return;
        }
        self.metrics().scrub_damage();
        tracing::error!(%tenant, error = &found as &dyn std::error::Error, "the scrub met damage");
        known.push(Arc::new(found));
    }

    /// The damage that the scrub has met in a tenant's log so far.
    pub fn scrubbed(&self, tenant: &TenantId) -> Vec<Arc<log::Error>> {
        self.damage.lock().expect("no panic under this lock").get(tenant).cloned().unwrap_or_default()
    }
}
