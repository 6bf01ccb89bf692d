//! The data directory: its lock, its format, and where tenants lie.
//!
//! ```text
//!   <data>/FORMAT                what wrote this directory
//!          LOCK                  held by the process that serves it
//!          tenants/<name>/log, index, state, quarantine
//! ```

use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::disk::{self, Disk, Lock};
use crate::model::TenantId;

/// The format of the directory that this program writes and reads.
const FORMAT: u32 = 1;

/// Beside a tenant's log: one that `restore` is making. Where there is no log, that has not come to its end.
pub const RESTORED: &str = "log.restored";

/// Beside a tenant's log: one that `repair` has made. Where there is no log, it is complete and to be taken.
pub const REPAIRED: &str = "log.repaired";

/// Why a data directory can not be used.
#[derive(Debug, Error)]
pub enum HomeError {
    /// The disk refused.
    #[error("the data directory can not be used")]
    Disk(#[from] disk::Error),
    /// Another process serves it.
    #[error("another process serves {}", .0.display())]
    Locked(PathBuf),
    /// A newer program wrote it.
    #[error("{} has format {found}, this program reads up to {FORMAT}", directory.display())]
    Newer {
        /// The data directory.
        directory: PathBuf,
        /// Its format.
        found: u32,
    },
    /// It is not a data directory.
    #[error("{} is neither empty nor a data directory: its FORMAT is missing or unreadable", .0.display())]
    Foreign(PathBuf),
}

/// A data directory that is ours while this lives.
#[derive(Debug)]
pub struct Home {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    _lock: Box<dyn Lock>,
}

impl Home {
    /// Takes a data directory, or makes it.
    pub fn take(disk: Arc<dyn Disk>, directory: &Path) -> Result<Self, HomeError> {
        disk.create_dir(directory)?;
        let lock = disk.lock(&directory.join("LOCK"))?.ok_or_else(|| HomeError::Locked(directory.into()))?;
        let format = directory.join("FORMAT");
        if disk.exists(&format)? {
            let found = read_format(&disk.read(&format)?).ok_or_else(|| HomeError::Foreign(directory.into()))?;
            if found > FORMAT {
                return Err(HomeError::Newer { directory: directory.into(), found });
            }
            // Whoever wrote it may have died before its name was synced.
            disk.sync_dir(directory)?;
        } else {
            let is_ours = |name: &String| name == "LOCK" || name == "FORMAT.tmp";
            if !disk.list(directory)?.iter().all(is_ours) {
                return Err(HomeError::Foreign(directory.into()));
            }
            disk.replace(&format, format!("quipu {FORMAT}\n").as_bytes())?;
        }
        disk.create_dir(&directory.join("tenants"))?;
        Ok(Self { disk, directory: directory.into(), _lock: lock })
    }

    /// The disk it lies on.
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// Where a tenant lies.
    pub fn tenant(&self, tenant: &TenantId) -> PathBuf {
        self.directory.join("tenants").join(tenant.as_str())
    }

    /// Whether a log is being restored or repaired in a tenant's place.
    pub(super) fn unfinished(disk: &dyn Disk, directory: &Path) -> Result<Option<PathBuf>, disk::Error> {
        let names = disk.list(directory)?;
        let has_log = names.iter().any(|name| name == "log");
        let found = names.into_iter().find(|name| !has_log && (name == RESTORED || name == REPAIRED));
        Ok(found.map(|name| directory.join(name)))
    }

    /// Whether a tenant holds anything.
    pub fn has(&self, tenant: &TenantId) -> Result<bool, disk::Error> {
        Ok(!self.disk.list(&self.tenant(tenant).join("log"))?.is_empty())
    }

    /// The tenants that hold something.
    pub fn tenants(&self) -> Result<Vec<TenantId>, disk::Error> {
        let names = self.disk.list(&self.directory.join("tenants"))?;
        Ok(names.iter().filter_map(|name| TenantId::new(name).ok()).collect())
    }
}

fn read_format(bytes: &[u8]) -> Option<u32> {
    std::str::from_utf8(bytes).ok()?.strip_prefix("quipu ")?.trim_end().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Open;
    use crate::disk::memory::MemoryDisk;

    fn write(disk: &MemoryDisk, path: &str, bytes: &[u8]) {
        disk.open(Path::new(path), Open::Create).unwrap().write_at(bytes, 0).unwrap();
    }

    #[test]
    fn a_directory_is_taken_once_and_again_when_it_is_free() {
        let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::default());
        let home = Home::take(disk.clone(), Path::new("/d")).unwrap();
        assert!(matches!(Home::take(disk.clone(), Path::new("/d")), Err(HomeError::Locked(_))));
        drop(home);
        assert!(Home::take(disk, Path::new("/d")).is_ok());
    }

    #[test]
    fn a_newer_or_foreign_directory_is_left_alone() {
        let disk = MemoryDisk::default();
        write(&disk, "/new/FORMAT", b"quipu 2\n");
        write(&disk, "/odd/FORMAT", b"something");
        write(&disk, "/photos/cat.jpg", b"miaow");
        let take = |path| Home::take(Arc::new(disk.clone()), Path::new(path));
        assert!(matches!(take("/new"), Err(HomeError::Newer { found: 2, .. })));
        assert!(matches!(take("/odd"), Err(HomeError::Foreign(_))));
        assert!(matches!(take("/photos"), Err(HomeError::Foreign(_))));
    }
}
