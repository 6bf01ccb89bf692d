//! Files in memory, which remember what a power cut would take.
//!
//! Every change that was not synced is kept with its undoing, for bytes by file and for names by
//! directory. [`MemoryDisk::cut_power`] plays the undoings back in reverse order: what is left is
//! what a machine would find after the plug was pulled, in the worst case that the contract of
//! [`Disk`] allows. `--in-memory` runs on the same disk without the undoings.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use super::{Disk, Error, File, Lock, Open, Operation};

/// Files in memory. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryDisk {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Whether to keep undoings.
    cuttable: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    names: BTreeMap<PathBuf, Arc<Inode>>,
    /// By directory, oldest change first.
    unsynced_names: HashMap<PathBuf, Vec<Meant>>,
    locked: HashSet<PathBuf>,
    capacity: Option<u64>,
    /// Counts syncs of data, for tests that ask whether there was one.
    syncs: u64,
}

/// A name, and what it meant before it was changed.
type Meant = (PathBuf, Option<Arc<Inode>>);

#[derive(Debug, Default)]
struct Inode {
    content: Mutex<Content>,
}

#[derive(Debug, Default)]
struct Content {
    bytes: Vec<u8>,
    /// The length and the overwritten bytes before each change, oldest first.
    unsynced: Vec<Undo>,
}

#[derive(Debug)]
struct Undo {
    length: usize,
    at: usize,
    bytes: Vec<u8>,
}

impl Content {
    fn change(&mut self, cuttable: bool, at: usize, end: usize) {
        if cuttable {
            let bytes = self.bytes.get(at..end.min(self.bytes.len())).unwrap_or_default().to_vec();
            self.unsynced.push(Undo { length: self.bytes.len(), at, bytes });
        }
    }

    fn forget_unsynced(&mut self) {
        for undo in std::mem::take(&mut self.unsynced).into_iter().rev() {
            self.bytes.resize(undo.length, 0);
            self.bytes[undo.at.min(undo.length)..][..undo.bytes.len()].copy_from_slice(&undo.bytes);
        }
    }
}

impl MemoryDisk {
    /// A disk whose power can be cut.
    pub fn cuttable() -> Self {
        Self { shared: Arc::new(Shared { cuttable: true, ..Shared::default() }) }
    }

    /// Forgets all bytes and names that were not synced, and all locks, as a power cut would.
    pub fn cut_power(&self) {
        let mut state = self.state();
        let State { names, unsynced_names, .. } = &mut *state;
        for inode in names.values().chain(unsynced_names.values().flatten().filter_map(|(_, inode)| inode.as_ref())) {
            inode.content.lock().expect("no panic under this lock").forget_unsynced();
        }
        for (name, before) in std::mem::take(unsynced_names).into_values().flat_map(|undo| undo.into_iter().rev()) {
            match before {
                Some(inode) => drop(names.insert(name, inode)),
                None => drop(names.remove(&name)),
            }
        }
        state.locked.clear();
    }

    /// Lets no more than `bytes` be stored from now on.
    pub fn limit(&self, bytes: u64) {
        self.state().capacity = Some(bytes);
    }

    /// How many times data was synced so far.
    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().expect("no panic under this lock")
    }

    fn set_name(&self, state: &mut State, path: &Path, inode: Option<Arc<Inode>>) {
        let before = match inode {
            Some(inode) => state.names.insert(path.into(), inode),
            None => state.names.remove(path),
        };
        if self.shared.cuttable {
            let directory = path.parent().unwrap_or(Path::new("")).to_path_buf();
            state.unsynced_names.entry(directory).or_default().push((path.into(), before));
        }
    }
}

fn failed(operation: Operation, path: &Path, kind: io::ErrorKind) -> Error {
    Error::new(operation, path, kind.into())
}

impl Disk for MemoryDisk {
    fn open(&self, path: &Path, how: Open) -> Result<Arc<dyn File>, Error> {
        let mut state = self.state();
        let inode = match (state.names.get(path), how) {
            (Some(_), Open::Create) => return Err(failed(Operation::Open, path, io::ErrorKind::AlreadyExists)),
            (Some(inode), _) => inode.clone(),
            (None, Open::Create) => {
                let inode = Arc::<Inode>::default();
                self.set_name(&mut state, path, Some(inode.clone()));
                inode
            }
            (None, _) => return Err(failed(Operation::Open, path, io::ErrorKind::NotFound)),
        };
        Ok(Arc::new(MemoryFile { disk: self.clone(), path: path.into(), inode }))
    }

    fn list(&self, directory: &Path) -> Result<Vec<String>, Error> {
        let state = self.state();
        let inside = state.names.keys().filter_map(|path| path.strip_prefix(directory).ok()?.iter().next());
        let mut names: Vec<String> = inside.filter_map(|name| name.to_str()).map(str::to_owned).collect();
        names.dedup();
        Ok(names)
    }

    fn create_dir(&self, _directory: &Path) -> Result<(), Error> {
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), Error> {
        let mut state = self.state();
        let Some(inode) = state.names.get(from).cloned() else {
            return Err(failed(Operation::Rename, from, io::ErrorKind::NotFound));
        };
        self.set_name(&mut state, to, Some(inode));
        self.set_name(&mut state, from, None);
        Ok(())
    }

    fn remove(&self, path: &Path) -> Result<(), Error> {
        let mut state = self.state();
        if !state.names.contains_key(path) {
            return Err(failed(Operation::Remove, path, io::ErrorKind::NotFound));
        }
        self.set_name(&mut state, path, None);
        Ok(())
    }

    fn sync_dir(&self, directory: &Path) -> Result<(), Error> {
        self.state().unsynced_names.remove(directory);
        Ok(())
    }

    fn available(&self, _directory: &Path) -> Result<u64, Error> {
        let state = self.state();
        let Some(capacity) = state.capacity else { return Ok(u64::MAX) };
        let length = |inode: &Arc<Inode>| inode.content.lock().expect("no panic under this lock").bytes.len() as u64;
        Ok(capacity.saturating_sub(state.names.values().map(length).sum()))
    }

    fn lock(&self, path: &Path) -> Result<Option<Box<dyn Lock>>, Error> {
        let fresh = self.state().locked.insert(path.into());
        Ok(fresh.then(|| Box::new(MemoryLock { disk: self.clone(), path: path.into() }) as Box<dyn Lock>))
    }

    fn is_durable(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct MemoryFile {
    disk: MemoryDisk,
    path: PathBuf,
    inode: Arc<Inode>,
}

impl MemoryFile {
    fn content(&self) -> MutexGuard<'_, Content> {
        self.inode.content.lock().expect("no panic under this lock")
    }
}

impl File for MemoryFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), Error> {
        let content = self.content();
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let Some(bytes) = content.bytes.get(start..start.saturating_add(buffer.len())) else {
            return Err(failed(Operation::Read, &self.path, io::ErrorKind::UnexpectedEof));
        };
        buffer.copy_from_slice(bytes);
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), Error> {
        let start = usize::try_from(offset).expect("a file that fits in memory");
        let end = start + bytes.len();
        let grows = end.saturating_sub(self.content().bytes.len()) as u64;
        if grows > 0 && grows > self.disk.available(&self.path)? {
            return Err(failed(Operation::Write, &self.path, io::ErrorKind::StorageFull));
        }
        let mut content = self.content();
        content.change(self.disk.shared.cuttable, start, end);
        if content.bytes.len() < start {
            content.bytes.resize(start, 0);
        }
        let overwritten = content.bytes.len().min(end) - start;
        content.bytes[start..start + overwritten].copy_from_slice(&bytes[..overwritten]);
        content.bytes.extend_from_slice(&bytes[overwritten..]);
        Ok(())
    }

    fn sync_data(&self) -> Result<(), Error> {
        self.content().unsynced.clear();
        self.disk.state().syncs += 1;
        Ok(())
    }

    fn len(&self) -> Result<u64, Error> {
        Ok(self.content().bytes.len() as u64)
    }

    fn set_len(&self, length: u64) -> Result<(), Error> {
        let length = usize::try_from(length).expect("a file that fits in memory");
        let mut content = self.content();
        let end = content.bytes.len();
        content.change(self.disk.shared.cuttable, length.min(end), end);
        content.bytes.resize(length, 0);
        Ok(())
    }
}

#[derive(Debug)]
struct MemoryLock {
    disk: MemoryDisk,
    path: PathBuf,
}

impl Lock for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        self.disk.state().locked.remove(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_cut_takes_what_was_not_synced_and_nothing_else() {
        let disk = MemoryDisk::cuttable();
        let (kept, lost) = (Path::new("/d/kept"), Path::new("/d/lost"));
        let file = disk.open(kept, Open::Create).unwrap();
        file.write_at(b"synced", 0).unwrap();
        file.sync_data().unwrap();
        disk.sync_dir(Path::new("/d")).unwrap();
        file.write_at(b"S and more", 0).unwrap();
        file.set_len(3).unwrap();
        disk.open(lost, Open::Create).unwrap().sync_data().unwrap();

        disk.cut_power();

        assert_eq!(disk.read(kept).unwrap(), b"synced");
        assert!(!disk.exists(lost).unwrap());
    }

    #[test]
    fn a_rename_that_was_not_synced_is_undone() {
        let disk = MemoryDisk::cuttable();
        let path = Path::new("/d/file");
        disk.replace(path, b"old").unwrap();
        let draft = Path::new("/d/draft");
        disk.open(draft, Open::Create).unwrap().write_at(b"new", 0).unwrap();
        disk.rename(draft, path).unwrap();
        assert_eq!(disk.read(path).unwrap(), b"new");

        disk.cut_power();

        assert_eq!(disk.read(path).unwrap(), b"old");
        assert!(!disk.exists(draft).unwrap());
    }

    #[test]
    fn a_full_disk_refuses_and_keeps_what_it_has() {
        let disk = MemoryDisk::default();
        let file = disk.open(Path::new("/f"), Open::Create).unwrap();
        file.write_at(b"1234", 0).unwrap();
        disk.limit(6);
        assert!(file.write_at(b"5678", 4).is_err());
        file.write_at(b"56", 4).unwrap();
        assert_eq!(disk.read(Path::new("/f")).unwrap(), b"123456");
    }
}
