//! The faces of [`FaultyDisk`]: what the store sees of a disk with a plan.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use quipu::disk::{Disk, Error, File, Lock, Open, Operation};

use crate::chance::Chance;
use crate::faults::{Fault, FaultyDisk, Syncs, nothing};

/// The unit in which a disk writes: of a torn write, each one is there or not.
const SECTOR: usize = 512;

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
        self.disk.plan.state().written(&self.path, offset, bytes.len());
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

    /// Of a torn write, each sector reached the disk or not. What lies in one that did not is what was
    /// there before; in a part of the file that is new, zeros or anything. Never is all of it there.
    fn torn_write(&self, bytes: &[u8], offset: u64, seed: u64) -> Result<(), Error> {
        let mut chance = Chance::of(seed);
        let before = self.file.len()?;
        let reached = chance.below(bytes.len().max(1) as u64) as usize;
        let is_prefix = chance.once_in(3);
        for (index, sector) in bytes[..reached].chunks(SECTOR).enumerate() {
            let at = offset + (index * SECTOR) as u64;
            let arrives = is_prefix || chance.below(4) > 1;
            if arrives {
                self.file.write_at(sector, at)?;
            } else if at >= before {
                let noise = if chance.once_in(2) { 0 } else { chance.number() as u8 };
                self.file.write_at(&vec![noise; sector.len()], at)?;
            }
        }
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
            self.disk.plan.state().sync_failed(&self.path);
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
