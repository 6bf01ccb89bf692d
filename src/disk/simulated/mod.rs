//! A disk that does what disks do to a store that trusts them, the same way each time from one seed.
//!
//! What a program sees and what would outlive a power cut are two things here: bytes are *pending* until
//! their file is synced, names until their directory is. A [`power cut`](SimulatedDisk::cut_power) keeps or
//! drops each pending sector and each pending name by itself, so writes are torn and reordered at once; a
//! length may arrive without its bytes. A sync that fails marks pages clean: the next one succeeds, what was
//! to be synced is read until the machine restarts, and is gone then. Names and lengths are kept by a journal:
//! what a failed sync left of them goes with the next one. Calls fail as [`Fault`]s are planned.
//!
//! Stricter than most file systems on purpose: a synced file is there only if its name was synced as well.
//! Every change is written into a [`trace`](SimulatedDisk::trace), so that two runs can be compared.

pub mod chance;
mod content;
mod fault;
mod names;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use chance::Chance;
use content::Content;
pub use content::SECTOR;
pub use fault::Fault;
use names::Names;

use super::{Disk, Error, File, Lock, Open, Operation};

/// A machine's disk. Clones share it.
#[derive(Clone)]
pub struct SimulatedDisk {
    machine: Arc<Mutex<Machine>>,
}

struct Machine {
    chance: Chance,
    names: Names,
    contents: Vec<Content>,
    locked: HashSet<PathBuf>,
    capacity: u64,
    /// What happens at which change, counted from 0.
    faults: BTreeMap<u64, Fault>,
    /// The read that fails, counted from 0.
    failing_read: Option<u64>,
    changes: u64,
    reads: u64,
    /// The process that used the disk is gone.
    is_gone: bool,
    /// Files that were opened before the machine was last started are of no use.
    start: u64,
    trace: u64,
}

impl SimulatedDisk {
    /// An empty disk whose chances are drawn from a seed.
    pub fn new(seed: u64) -> Self {
        let machine = Machine {
            chance: Chance::of(seed),
            names: Names::default(),
            contents: Vec::new(),
            locked: HashSet::new(),
            capacity: u64::MAX,
            faults: BTreeMap::new(),
            failing_read: None,
            changes: 0,
            reads: 0,
            is_gone: false,
            start: 0,
            trace: 0,
        };
        Self { machine: Arc::new(Mutex::new(machine)) }
    }

    /// Has something happen at the `after`-th change from now on.
    pub fn plan(&self, after: u64, fault: Fault) {
        let mut machine = self.machine();
        let at = machine.changes + after;
        machine.faults.insert(at, fault);
    }

    /// Has the `after`-th read from now on fail.
    pub fn fail_read(&self, after: u64) {
        let mut machine = self.machine();
        machine.failing_read = Some(machine.reads + after);
    }

    /// Plans nothing any more.
    pub fn forget_plans(&self) {
        let mut machine = self.machine();
        machine.faults.clear();
        machine.failing_read = None;
    }

    /// Lets no more than so many bytes be stored from now on.
    pub fn limit(&self, bytes: u64) {
        self.machine().capacity = bytes;
    }

    /// Takes away the process that uses the disk, now: no call of it has any effect any more.
    pub fn vanish(&self) {
        self.machine().is_gone = true;
    }

    /// The process that used the disk is killed: what it wrote is there, synced or not.
    pub fn kill(&self) {
        self.machine().restart();
    }

    /// The machine loses its power: of what was not synced, chance decides.
    pub fn cut_power(&self) {
        let mut machine = self.machine();
        let Machine { chance, names, contents, .. } = &mut *machine;
        contents.iter_mut().for_each(Content::forgive);
        names.cut_power(chance);
        contents.iter_mut().for_each(|content| content.cut_power(chance));
        machine.restart();
    }

    /// Flips a bit of a file as it lies on the disk, within the first bytes of it as `within` says for its path: none,
    /// or so many. Says where.
    pub fn rot(&self, within: impl Fn(&Path, u64) -> u64) -> Option<(PathBuf, u64)> {
        let mut machine = self.machine();
        let Machine { chance, names, contents, .. } = &mut *machine;
        let files = names.seen().map(|(path, file)| (path, file, within(path, contents[file].durable_len())));
        let files: Vec<_> = files.filter(|(_, _, bytes)| *bytes > 0).collect();
        if files.is_empty() {
            return None;
        }
        let (path, file, bytes) = files[chance.below(files.len() as u64) as usize];
        Some((path.to_path_buf(), contents[file].rot(bytes, chance)))
    }

    /// How many changes were made so far, or tried.
    pub fn changes(&self) -> u64 {
        self.machine().changes
    }

    /// How many times something was read so far, or tried.
    pub fn reads(&self) -> u64 {
        self.machine().reads
    }

    /// Whether a planned fault has taken the process or the machine away.
    pub fn is_gone(&self) -> bool {
        self.machine().is_gone
    }

    /// A hash of every change so far, in order.
    pub fn trace(&self) -> u64 {
        self.machine().trace
    }

    fn machine(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().expect("no panic under this lock")
    }

    /// Makes a change: `act` does it and says whether it can be done, and how much of it where it can be torn.
    fn change<T>(
        &self,
        (operation, path): (Operation, &Path),
        bytes: &[u8],
        act: impl FnOnce(&mut Machine, Extent) -> io::Result<T>,
    ) -> Result<T, Error> {
        let mut machine = self.machine();
        machine.check().map_err(|source| Error::new(operation, path, source))?;
        machine.note(operation, path, bytes);
        let number = machine.changes;
        machine.changes += 1;
        let done = match machine.faults.remove(&number) {
            None => act(&mut machine, Extent::Whole),
            Some(fault) => machine.suffer(fault, act),
        };
        done.map_err(|source| Error::new(operation, path, source))
    }
}

/// How much of a change happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    /// A part, where it has parts; nothing else.
    Part,
    /// Somewhere else than it was meant for, where that can be; all the same it is told as done.
    Elsewhere,
    /// A sync is told as failed, and what it was to sync is taken for clean.
    Forgotten,
}

impl Extent {
    /// Whether a change that has no parts and no place happens.
    fn is_whole(self) -> bool {
        matches!(self, Self::Whole | Self::Elsewhere)
    }
}

impl Machine {
    fn check(&self) -> io::Result<()> {
        if self.is_gone { Err(io::Error::other("the machine is gone")) } else { Ok(()) }
    }

    fn restart(&mut self) {
        self.contents.iter_mut().for_each(Content::forgive);
        self.locked.clear();
        self.faults.clear();
        self.failing_read = None;
        self.is_gone = false;
        self.start += 1;
    }

    fn note(&mut self, operation: Operation, path: &Path, bytes: &[u8]) {
        let told = [&[operation as u8], path.as_os_str().as_encoded_bytes(), bytes].concat();
        self.trace = xxhash_rust::xxh3::xxh3_64_with_seed(&told, self.trace);
    }

    fn suffer<T>(&mut self, fault: Fault, act: impl FnOnce(&mut Self, Extent) -> io::Result<T>) -> io::Result<T> {
        match fault {
            Fault::Gone => self.is_gone = true,
            Fault::GoneWithin => {
                act(self, Extent::Part)?;
                self.is_gone = true;
            }
            Fault::GoneAfter => {
                act(self, Extent::Whole)?;
                self.is_gone = true;
            }
            Fault::Fails => {
                act(self, Extent::Forgotten)?;
            }
            Fault::FailsWithin => {
                act(self, Extent::Part)?;
            }
            Fault::NoSpace => return Err(io::ErrorKind::StorageFull.into()),
            Fault::Misdirected => return act(self, Extent::Elsewhere),
        }
        Err(io::Error::other("planned"))
    }

    fn used(&self) -> u64 {
        self.names.seen().map(|(_, file)| self.contents[file].len()).sum()
    }

    fn read(&mut self) -> io::Result<()> {
        self.check()?;
        let number = self.reads;
        self.reads += 1;
        if self.failing_read == Some(number) { Err(io::Error::other("planned")) } else { Ok(()) }
    }
}

impl Disk for SimulatedDisk {
    fn open(&self, path: &Path, how: Open) -> Result<Arc<dyn File>, Error> {
        let failed = |source: io::Error| Error::new(Operation::Open, path, source);
        let found = {
            let machine = self.machine();
            machine.check().map_err(failed)?;
            machine.names.get(path)
        };
        let file = match (found, how) {
            (Some(_), Open::Create) => return Err(failed(io::ErrorKind::AlreadyExists.into())),
            (Some(file), Open::Read | Open::Write) => file,
            (None, Open::Read | Open::Write) => return Err(failed(io::ErrorKind::NotFound.into())),
            (None, Open::Create) => self.change((Operation::Open, path), &[], |machine, extent| {
                let file = machine.contents.len();
                if extent.is_whole() {
                    machine.contents.push(Content::default());
                    machine.names.set(path, Some(file));
                }
                Ok(file)
            })?,
        };
        let start = self.machine().start;
        Ok(Arc::new(SimulatedFile { disk: self.clone(), path: path.into(), file, start }))
    }

    fn list(&self, directory: &Path) -> Result<Vec<String>, Error> {
        let machine = self.machine();
        machine.check().map_err(|source| Error::new(Operation::Directory, directory, source))?;
        Ok(machine.names.inside(directory))
    }

    fn create_dir(&self, directory: &Path) -> Result<(), Error> {
        self.machine().check().map_err(|source| Error::new(Operation::Directory, directory, source))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), Error> {
        let told = to.as_os_str().as_encoded_bytes();
        self.change((Operation::Rename, from), told, |machine, extent| {
            let file = machine.names.get(from).ok_or(io::ErrorKind::NotFound)?;
            if extent.is_whole() {
                machine.names.rename(from, to, file);
            }
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> Result<(), Error> {
        self.change((Operation::Remove, path), &[], |machine, extent| {
            machine.names.get(path).ok_or(io::ErrorKind::NotFound)?;
            if extent.is_whole() {
                machine.names.set(path, None);
            }
            Ok(())
        })
    }

    fn sync_dir(&self, directory: &Path) -> Result<(), Error> {
        self.change((Operation::Sync, directory), &[], |machine, extent| {
            match extent {
                Extent::Whole | Extent::Elsewhere => machine.names.sync(directory),
                Extent::Part | Extent::Forgotten => machine.names.write_some_out(directory, &mut machine.chance),
            }
            Ok(())
        })
    }

    fn available(&self, directory: &Path) -> Result<u64, Error> {
        let machine = self.machine();
        machine.check().map_err(|source| Error::new(Operation::Space, directory, source))?;
        Ok(machine.capacity.saturating_sub(machine.used()))
    }

    fn lock(&self, path: &Path) -> Result<Option<Box<dyn Lock>>, Error> {
        let mut machine = self.machine();
        machine.check().map_err(|source| Error::new(Operation::Lock, path, source))?;
        if !machine.locked.insert(path.into()) {
            return Ok(None);
        }
        Ok(Some(Box::new(SimulatedLock { disk: self.clone(), path: path.into(), start: machine.start })))
    }

    fn is_durable(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct SimulatedFile {
    disk: SimulatedDisk,
    path: PathBuf,
    file: usize,
    start: u64,
}

impl SimulatedFile {
    fn is_stale(&self, machine: &Machine) -> io::Result<()> {
        if self.start == machine.start { Ok(()) } else { Err(io::Error::other("opened before the restart")) }
    }

    fn change(
        &self,
        operation: Operation,
        told: &[u8],
        act: impl FnOnce(&mut Machine, Extent) -> io::Result<()>,
    ) -> Result<(), Error> {
        self.is_stale(&self.disk.machine()).map_err(|source| Error::new(operation, &self.path, source))?;
        self.disk.change((operation, &self.path), told, act)
    }

    fn read<T>(&self, read: impl FnOnce(&Content) -> io::Result<T>) -> Result<T, Error> {
        let mut machine = self.disk.machine();
        let found =
            self.is_stale(&machine).and_then(|()| machine.read()).and_then(|()| read(&machine.contents[self.file]));
        found.map_err(|source| Error::new(Operation::Read, &self.path, source))
    }
}

impl File for SimulatedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), Error> {
        self.read(|content| content.read(buffer, offset))
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), Error> {
        let told = [&offset.to_be_bytes()[..], bytes].concat();
        self.change(Operation::Write, &told, |machine, extent| {
            let grows = (offset + bytes.len() as u64).saturating_sub(machine.contents[self.file].len());
            if grows > 0 && grows > machine.capacity.saturating_sub(machine.used()) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let content = &mut machine.contents[self.file];
            match extent {
                Extent::Whole => content.write(bytes, offset),
                Extent::Part => {
                    let reached = machine.chance.below(bytes.len() as u64 + 1) as usize;
                    content.write(&bytes[..reached], offset);
                }
                Extent::Elsewhere => content.write_astray(bytes, offset, &mut machine.chance),
                Extent::Forgotten => {}
            }
            Ok(())
        })
    }

    fn sync_data(&self) -> Result<(), Error> {
        self.change(Operation::Sync, &[], |machine, extent| {
            let content = &mut machine.contents[self.file];
            match extent {
                Extent::Whole | Extent::Elsewhere => content.sync(),
                Extent::Part => content.write_some_out(&mut machine.chance),
                Extent::Forgotten => content.forget(&mut machine.chance),
            }
            Ok(())
        })
    }

    fn len(&self) -> Result<u64, Error> {
        self.read(|content| Ok(content.len()))
    }

    fn set_len(&self, length: u64) -> Result<(), Error> {
        self.change(Operation::Resize, &length.to_be_bytes(), |machine, extent| {
            if extent.is_whole() {
                machine.contents[self.file].set_len(length);
            }
            Ok(())
        })
    }
}

struct SimulatedLock {
    disk: SimulatedDisk,
    path: PathBuf,
    start: u64,
}

impl Lock for SimulatedLock {}

impl fmt::Debug for SimulatedLock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("SimulatedLock").field(&self.path).finish()
    }
}

impl Drop for SimulatedLock {
    fn drop(&mut self) {
        let mut machine = self.disk.machine();
        if machine.start == self.start {
            machine.locked.remove(&self.path);
        }
    }
}

impl fmt::Debug for SimulatedDisk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let machine = self.machine();
        let mut told = formatter.debug_struct("SimulatedDisk");
        told.field("changes", &machine.changes).field("is_gone", &machine.is_gone).finish_non_exhaustive()
    }
}
