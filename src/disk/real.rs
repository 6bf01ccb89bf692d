//! Files of the machine.

use std::fs;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Disk, Error, File, Lock, Open, Operation};

/// The machine's file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn open(&self, path: &Path, how: Open) -> Result<Arc<dyn File>, Error> {
        let mut options = fs::OpenOptions::new();
        options.read(true).write(how != Open::Read).create_new(how == Open::Create);
        let file = options.open(path).map_err(|source| Error::new(Operation::Open, path, source))?;
        Ok(Arc::new(RealFile { file, path: path.into() }))
    }

    fn list(&self, directory: &Path) -> Result<Vec<String>, Error> {
        let failed = |source| Error::new(Operation::Directory, directory, source);
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            names.extend(entry.map_err(failed)?.file_name().into_string());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn create_dir(&self, directory: &Path) -> Result<(), Error> {
        let parent = directory.parent().filter(|parent| !parent.as_os_str().is_empty());
        if !directory.is_dir() {
            if let Some(parent) = parent.filter(|parent| !parent.is_dir()) {
                self.create_dir(parent)?;
            }
            match fs::create_dir(directory) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => made.map_err(|source| Error::new(Operation::Directory, directory, source))?,
            }
        }
        // Also when it was there: whoever made it may have died before its name was synced.
        match self.sync_dir(parent.unwrap_or(Path::new("."))) {
            // A directory above ours that we may not read: its names are its owner's concern.
            Err(error) if error.source.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            synced => synced,
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), Error> {
        fs::rename(from, to).map_err(|source| Error::new(Operation::Rename, from, source))
    }

    fn remove(&self, path: &Path) -> Result<(), Error> {
        fs::remove_file(path).map_err(|source| Error::new(Operation::Remove, path, source))
    }

    fn sync_dir(&self, directory: &Path) -> Result<(), Error> {
        let synced = fs::File::open(directory).and_then(|opened| opened.sync_all());
        synced.map_err(|source| Error::new(Operation::Sync, directory, source))
    }

    fn available(&self, directory: &Path) -> Result<u64, Error> {
        match rustix::fs::statvfs(directory) {
            Ok(space) => Ok(space.f_bavail.saturating_mul(space.f_frsize)),
            Err(errno) => Err(Error::new(Operation::Space, directory, errno.into())),
        }
    }

    fn lock(&self, path: &Path) -> Result<Option<Box<dyn Lock>>, Error> {
        let failed = |source| Error::new(Operation::Lock, path, source);
        let file = fs::OpenOptions::new().write(true).create(true).truncate(false).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(RealLock { held: file }))),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    fn is_durable(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct RealFile {
    file: fs::File,
    path: PathBuf,
}

impl RealFile {
    fn failed(&self, operation: Operation) -> impl FnOnce(io::Error) -> Error {
        move |source| Error::new(operation, &self.path, source)
    }
}

impl File for RealFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), Error> {
        self.file.read_exact_at(buffer, offset).map_err(self.failed(Operation::Read))
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), Error> {
        self.file.write_all_at(bytes, offset).map_err(self.failed(Operation::Write))
    }

    fn sync_data(&self) -> Result<(), Error> {
        self.file.sync_data().map_err(self.failed(Operation::Sync))
    }

    fn len(&self) -> Result<u64, Error> {
        self.file.metadata().map(|metadata| metadata.len()).map_err(self.failed(Operation::Read))
    }

    fn set_len(&self, length: u64) -> Result<(), Error> {
        self.file.set_len(length).map_err(self.failed(Operation::Resize))
    }
}

#[derive(Debug)]
struct RealLock {
    held: fs::File,
}

impl Drop for RealLock {
    /// Closing would not do while a process that is just being started has inherited the file.
    fn drop(&mut self) {
        // The end of the process unlocks it, if this does not.
        drop(self.held.unlock());
    }
}

impl Lock for RealLock {}
