//! The data directory: its lock, its format, and where tenants lie.
//!
//! ```text
//!   <data>/FORMAT                what wrote this directory, and what its logs lie in
//!          LOCK                  held by the process that serves it
//!          tenants/<name>/log, index, state, quarantine
//! ```

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use serde::Deserialize;
use thiserror::Error;

use crate::disk::{self, Disk, Lock, SledDisk};
use crate::log::{self, segment};
use crate::model::TenantId;

/// The format of the directory that this program writes and reads.
const FORMAT: u32 = 1;

/// What the logs of a data directory lie in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// Files, one for each segment.
    #[default]
    Segments,
    /// A sled database for each tenant.
    Sled,
}

impl fmt::Display for Engine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Segments => "segments",
            Self::Sled => "sled",
        })
    }
}
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
    /// Its logs lie in something else.
    #[error("as {}/FORMAT says, its logs lie in {found}: serve it with `--log {found}`", directory.display())]
    OtherEngine {
        /// The data directory.
        directory: PathBuf,
        /// What they lie in.
        found: Engine,
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
    engine: Engine,
    _lock: Box<dyn Lock>,
}

impl Home {
    /// Takes a data directory as it is, or makes one of segments.
    pub fn take(disk: Arc<dyn Disk>, directory: &Path) -> Result<Self, HomeError> {
        Self::take_as(disk, directory, None)
    }

    /// Takes a data directory whose logs lie in `engine`, or makes it.
    pub fn take_with(disk: Arc<dyn Disk>, directory: &Path, engine: Engine) -> Result<Self, HomeError> {
        Self::take_as(disk, directory, Some(engine))
    }

    fn take_as(disk: Arc<dyn Disk>, directory: &Path, asked: Option<Engine>) -> Result<Self, HomeError> {
        disk.create_dir(directory)?;
        let lock = disk.lock(&directory.join("LOCK"))?.ok_or_else(|| HomeError::Locked(directory.into()))?;
        let format = directory.join("FORMAT");
        let mut engine = asked.unwrap_or_default();
        if disk.exists(&format)? {
            let (version, found) =
                read_format(&disk.read(&format)?).ok_or_else(|| HomeError::Foreign(directory.into()))?;
            if version > FORMAT {
                return Err(HomeError::Newer { directory: directory.into(), found: version });
            }
            if asked.is_some_and(|asked| asked != found) {
                return Err(HomeError::OtherEngine { directory: directory.into(), found });
            }
            engine = found;
            // Whoever wrote it may have died before its name was synced.
            disk.sync_dir(directory)?;
        } else {
            let is_ours = |name: &String| name == "LOCK" || name == "FORMAT.tmp";
            if !disk.list(directory)?.iter().all(is_ours) {
                return Err(HomeError::Foreign(directory.into()));
            }
            disk.replace(&format, write_format(engine).as_bytes())?;
        }
        disk.create_dir(&directory.join("tenants"))?;
        Ok(Self { disk, directory: directory.into(), engine, _lock: lock })
    }

    /// What its logs lie in.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// The disk on which a tenant is opened: it holds the tenant's log, whatever that lies in.
    ///
    /// # Errors
    /// When the log's disk can not be opened, or a restore or repair has not come to its end.
    pub fn disk_of(&self, tenant: &TenantId) -> Result<Arc<dyn Disk>, log::Error> {
        let directory = self.tenant(tenant);
        if let Some(file) = self.unfinished(&directory)? {
            let what = "a restore or repair has not come to its end: run it again";
            return Err(log::Error::Damaged { file, offset: 0, what });
        }
        Ok(self.disk_for(&directory.join("log"))?)
    }

    /// The disk that holds the log in a directory.
    pub fn disk_for(&self, log: &Path) -> Result<Arc<dyn Disk>, disk::Error> {
        match self.engine {
            Engine::Segments => Ok(self.disk.clone()),
            Engine::Sled => Ok(Arc::new(SledDisk::open(self.disk.clone(), log, segment::SUFFIX)?)),
        }
    }

    /// The disk it lies on.
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// Where a tenant lies.
    pub fn tenant(&self, tenant: &TenantId) -> PathBuf {
        self.directory.join("tenants").join(tenant.as_str())
    }

    /// The log that a restore or repair was making in a tenant's place.
    fn unfinished(&self, directory: &Path) -> Result<Option<PathBuf>, disk::Error> {
        let names = self.disk.list(directory)?;
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

/// The format and the engine. A program that knows of segments alone takes a second line for none of its own.
fn read_format(bytes: &[u8]) -> Option<(u32, Engine)> {
    let text = std::str::from_utf8(bytes).ok()?.strip_prefix("quipu ")?.trim_end();
    let (version, engine) = match text.split_once('\n') {
        Some((version, line)) => (version, Engine::from_str(line.strip_prefix("log ")?, false).ok()?),
        None => (text, Engine::Segments),
    };
    Some((version.parse().ok()?, engine))
}

fn write_format(engine: Engine) -> String {
    match engine {
        Engine::Segments => format!("quipu {FORMAT}\n"),
        Engine::Sled => format!("quipu {FORMAT}\nlog {engine}\n"),
    }
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

    #[test]
    fn a_directory_remembers_what_its_logs_lie_in() {
        let disk = MemoryDisk::default();
        let take = |path, engine| Home::take_with(Arc::new(disk.clone()), Path::new(path), engine);
        for (path, is, other) in [("/a", Engine::Sled, Engine::Segments), ("/b", Engine::Segments, Engine::Sled)] {
            drop(take(path, is).unwrap());
            let format = disk.read(&Path::new(path).join("FORMAT")).unwrap();
            let refused = take(path, other);
            assert!(matches!(refused, Err(HomeError::OtherEngine { found, .. }) if found == is), "{refused:?}");
            assert_eq!(disk.read(&Path::new(path).join("FORMAT")).unwrap(), format);
            assert_eq!(take(path, is).unwrap().engine(), is);
            assert_eq!(Home::take(Arc::new(disk.clone()), Path::new(path)).unwrap().engine(), is);
        }
        write(&disk, "/c/FORMAT", b"quipu 1\nlog wood\n");
        assert!(matches!(take("/c", Engine::Segments), Err(HomeError::Foreign(_))));
    }
}
