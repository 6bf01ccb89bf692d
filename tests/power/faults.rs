//! A disk that fails on demand: at a call, for a call, or by lying.
//!
//! It stands before a [`MemoryDisk`], counts every call that changes something, and at one of them does
//! as planned. After a plan that takes the machine away, no call does anything any more. What is then
//! found on the disk below is what the machine would find when it comes back.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use quipu::disk::memory::MemoryDisk;
use quipu::disk::{Disk, Error, File, Open, Operation};

/// What happens at the planned call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The machine goes before the call has any effect.
    Gone,
    /// The machine goes when the call has had its effect and nobody heard so.
    GoneAfter,
    /// The machine goes in the middle of a write: which sectors reached the disk, and what lies in the
    /// others, is drawn by this seed. Other calls are as [`Fault::Gone`].
    Torn(u64),
    /// This call fails, and no later one. A sync that fails leaves what it was to sync in memory only,
    /// where it looks as if it had been synced.
    Fails,
}

/// How truthful syncs of data are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syncs {
    /// They happen.
    Honest,
    /// They do not happen.
    Never,
    /// They are answered at once and happen before the next write.
    Late,
}

/// A disk with a plan. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct FaultyDisk {
    pub(crate) below: MemoryDisk,
    pub(crate) plan: Arc<Plan>,
}

/// What is to happen, and what has.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The planned call, counted from 0.
    at: AtomicU64,
    pub(crate) fault: Fault,
    pub(crate) syncs: Syncs,
    calls: AtomicU64,
    gone: AtomicBool,
    state: Mutex<State>,
}

/// What was written, and where it is.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Files whose sync was promised.
    pub(crate) owed: Vec<Arc<dyn File>>,
    /// By file: written since its last sync.
    pub(crate) dirty: HashMap<PathBuf, Vec<(u64, usize)>>,
    /// By file: what a failed sync left in memory only.
    memory_only: HashMap<PathBuf, Vec<(u64, usize)>>,
}

impl State {
    /// Bytes that are written go with the next sync, whatever became of those that were there.
    pub(crate) fn written(&mut self, path: &Path, offset: u64, length: usize) {
        self.dirty.entry(path.into()).or_default().push((offset, length));
        let end = offset + length as u64;
        if let Some(ranges) = self.memory_only.get_mut(path) {
            ranges.retain(|(at, length)| *at < offset || at + *length as u64 > end);
        }
    }

    /// After a sync that failed, the next one has nothing to do.
    pub(crate) fn sync_failed(&mut self, path: &Path) {
        let ranges = self.dirty.remove(path).unwrap_or_default();
        self.memory_only.entry(path.into()).or_default().extend(ranges);
    }
}

impl FaultyDisk {
    /// A disk before `below` with a fault at the call number `at`.
    pub(crate) fn failing(below: &MemoryDisk, at: u64, fault: Fault) -> Self {
        Self::planned(below, at, fault, Syncs::Honest)
    }

    /// A disk before `below` that syncs like this and goes at the call number `at`.
    pub(crate) fn lying(below: &MemoryDisk, at: u64, syncs: Syncs) -> Self {
        Self::planned(below, at, Fault::Gone, syncs)
    }

    fn planned(below: &MemoryDisk, at: u64, fault: Fault, syncs: Syncs) -> Self {
        let plan = Plan {
            at: at.into(),
            fault,
            syncs,
            calls: AtomicU64::new(0),
            gone: AtomicBool::new(false),
            state: Mutex::default(),
        };
        Self { below: below.clone(), plan: Arc::new(plan) }
    }

    /// How many calls changed something, or would have.
    pub(crate) fn calls(&self) -> u64 {
        self.plan.calls.load(Ordering::SeqCst)
    }

    /// Has the planned fault happen when so many more calls were made.
    pub(crate) fn fail_after(&self, calls: u64) {
        self.plan.at.store(self.calls() + calls, Ordering::SeqCst);
    }

    /// Takes the machine away now, if it is not gone yet.
    pub(crate) fn vanish(&self) {
        self.plan.gone.store(true, Ordering::SeqCst);
    }

    /// Cuts the power of the disk below. What a failed sync left in memory only is lost as well.
    pub(crate) fn cut_power(&self) {
        self.vanish();
        self.below.cut_power();
        for (path, ranges) in self.plan.state().memory_only.drain() {
            let Ok(file) = self.below.open(&path, Open::Write) else { continue };
            let length = file.len().expect("memory does not fail");
            for (offset, bytes) in ranges.into_iter().filter(|(offset, bytes)| offset + *bytes as u64 <= length) {
                file.write_at(&vec![0; bytes], offset).expect("memory does not fail");
            }
            file.sync_data().expect("memory does not fail");
        }
    }

    /// Makes one call that changes something: `act` does it, `tear` a part of it.
    pub(crate) fn change(
        &self,
        operation: Operation,
        path: &Path,
        act: impl FnOnce() -> Result<(), Error>,
        tear: impl FnOnce(u64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.plan.check(operation, path)?;
        let number = self.plan.calls.fetch_add(1, Ordering::SeqCst);
        if number != self.plan.at.load(Ordering::SeqCst) {
            return act();
        }
        if self.plan.fault != Fault::Fails {
            self.vanish();
        }
        match self.plan.fault {
            Fault::Gone | Fault::Fails => {}
            Fault::GoneAfter => act()?,
            Fault::Torn(seed) => tear(seed)?,
        }
        Err(failed(operation, path))
    }
}

impl Plan {
    pub(crate) fn check(&self, operation: Operation, path: &Path) -> Result<(), Error> {
        if self.gone.load(Ordering::SeqCst) { Err(failed(operation, path)) } else { Ok(()) }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic under this lock")
    }
}

fn failed(operation: Operation, path: &Path) -> Error {
    Error::new(operation, path, io::Error::other("planned"))
}

/// No part of a call.
pub(crate) fn nothing(_: u64) -> Result<(), Error> {
    Ok(())
}
