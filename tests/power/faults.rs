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
use quipu::disk::{Disk, Error, File, Lock, Open, Operation};

use crate::chance::Chance;

/// The unit in which a disk writes: of a torn write, each one is there or not.
const SECTOR: usize = 512;

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
    below: MemoryDisk,
    plan: Arc<Plan>,
}

#[derive(Debug)]
struct Plan {
    /// The planned call, counted from 0.
    at: AtomicU64,
    fault: Fault,
    syncs: Syncs,
    calls: AtomicU64,
    gone: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Files whose sync was promised.
    owed: Vec<Arc<dyn File>>,
    /// By file: written since its last sync.
    dirty: HashMap<PathBuf, Vec<(u64, usize)>>,
    /// By file: what a failed sync left in memory only.
    memory_only: HashMap<PathBuf, Vec<(u64, usize)>>,
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

    /// Has the planned fault happen at the very next call.
    pub(crate) fn fail_next(&self) {
        self.plan.at.store(self.calls(), Ordering::SeqCst);
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
    fn change(
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
    fn check(&self, operation: Operation, path: &Path) -> Result<(), Error> {
        if self.gone.load(Ordering::SeqCst) { Err(failed(operation, path)) } else { Ok(()) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic under this lock")
    }
}

fn failed(operation: Operation, path: &Path) -> Error {
    Error::new(operation, path, io::Error::other("planned"))
}

fn nothing(_: u64) -> Result<(), Error> {
    Ok(())
}

impl Disk for FaultyDisk {
    fn open(&self, path: &Path, how: Open) -> Result<Arc<dyn File>, Error> {
        if how == Open::Create {
            let make = || self.below.open(path, how).map(drop);
            self.change(Operation::Open, path, make, nothing)?;
        }
        self.plan.check(Operation::Open, path)?;
        let again = if how == Open::Create { Open::Write } else { how };
        let file = self.below.open(path, again)?;
        Ok(Arc::new(FaultyFile { disk: self.clone(), file, path: path.into() }))
    }

    fn list(&self, directory: &Path) -> Result<Vec<String>, Error> {
        self.plan.check(Operation::Directory, directory)?;
        self.below.list(directory)
    }

    fn create_dir(&self, directory: &Path) -> Result<(), Error> {
        self.plan.check(Operation::Directory, directory)?;
        self.below.create_dir(directory)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), Error> {
        self.change(Operation::Rename, from, || self.below.rename(from, to), nothing)
    }

    fn remove(&self, path: &Path) -> Result<(), Error> {
        self.change(Operation::Remove, path, || self.below.remove(path), nothing)
    }

    fn sync_dir(&self, directory: &Path) -> Result<(), Error> {
        self.change(Operation::Sync, directory, || self.below.sync_dir(directory), nothing)
    }

    fn available(&self, directory: &Path) -> Result<u64, Error> {
        self.plan.check(Operation::Space, directory)?;
        self.below.available(directory)
    }

    fn lock(&self, path: &Path) -> Result<Option<Box<dyn Lock>>, Error> {
        self.plan.check(Operation::Lock, path)?;
        self.below.lock(path)
    }

    fn is_durable(&self) -> bool {
        self.below.is_durable()
    }
}

#[derive(Debug)]
struct FaultyFile {
    disk: FaultyDisk,
    file: Arc<dyn File>,
    path: PathBuf,
}

impl FaultyFile {
    fn write(&self, bytes: &[u8], offset: u64) -> Result<(), Error> {
        self.file.write_at(bytes, offset)?;
        let mut state = self.disk.plan.state();
        state.dirty.entry(self.path.clone()).or_default().push((offset, bytes.len()));
        let end = offset + bytes.len() as u64;
        if let Some(ranges) = state.memory_only.get_mut(&self.path) {
            ranges.retain(|(at, length)| *at < offset || at + *length as u64 > end);
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), Error> {
        let mut state = self.disk.plan.state();
        state.dirty.remove(&self.path);
        match self.disk.plan.syncs {
            Syncs::Honest => self.file.sync_data(),
            Syncs::Never => Ok(()),
            Syncs::Late => {
                state.owed.push(self.file.clone());
                Ok(())
            }
        }
    }

    /// Which sectors of a write reached the disk is chance, and what the others hold is too.
    fn torn_write(&self, bytes: &[u8], offset: u64, seed: u64) -> Result<(), Error> {
        let mut chance = Chance::of(seed);
        let mut torn = bytes[..1 + chance.below(bytes.len() as u64) as usize].to_vec();
        let tidy = chance.once_in(3);
        for sector in torn.chunks_mut(SECTOR) {
            match chance.below(4) {
                0 if !tidy => sector.fill(0),
                1 if !tidy => sector.iter_mut().for_each(|byte| *byte = chance.number() as u8),
                _ => {}
            }
        }
        // The last byte is wrong, so that a write that is torn is never whole.
        if let (true, Some(last)) = (torn.len() == bytes.len(), torn.last_mut()) {
            *last ^= 0x55;
        }
        self.file.write_at(&torn, offset)?;
        self.file.sync_data()
    }
}

impl File for FaultyFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), Error> {
        self.disk.plan.check(Operation::Read, &self.path)?;
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), Error> {
        let owed = std::mem::take(&mut self.disk.plan.state().owed);
        self.disk.plan.check(Operation::Write, &self.path)?;
        owed.iter().try_for_each(|file| file.sync_data())?;
        let write = || self.write(bytes, offset);
        self.disk.change(Operation::Write, &self.path, write, |seed| self.torn_write(bytes, offset, seed))
    }

    fn sync_data(&self) -> Result<(), Error> {
        let done = self.disk.change(Operation::Sync, &self.path, || self.sync(), nothing);
        if done.is_err() && self.disk.plan.fault == Fault::Fails {
            let mut state = self.disk.plan.state();
            let ranges = state.dirty.remove(&self.path).unwrap_or_default();
            state.memory_only.entry(self.path.clone()).or_default().extend(ranges);
        }
        done
    }

    fn len(&self) -> Result<u64, Error> {
        self.disk.plan.check(Operation::Read, &self.path)?;
        self.file.len()
    }

    fn set_len(&self, length: u64) -> Result<(), Error> {
        self.disk.change(Operation::Resize, &self.path, || self.file.set_len(length), nothing)
    }
}
