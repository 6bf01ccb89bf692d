//! Where a bench keeps its data.
//!
//! Owns [`BenchDir`]: a new directory under the one the user names, so that it lies on the disk in
//! question, and gone at the end, also after a failure or Ctrl-C. It touches nothing else there.

use std::fs;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::Error;
use super::error::refused;

/// A directory of this run, removed when dropped.
#[derive(Debug)]
pub(super) struct BenchDir {
    path: PathBuf,
    parent: Option<PathBuf>,
}

impl BenchDir {
    /// Makes a directory of a new name under `parent`, which need not exist.
    pub(super) fn create(parent: &Path) -> Result<Self, Error> {
        let made_parent = !parent.exists();
        let path = parent.join(format!("run-{}", Uuid::new_v4()));
        fs::create_dir_all(&path).map_err(refused(format!("create {}", path.display())))?;
        Ok(Self { path, parent: made_parent.then(|| parent.to_owned()) })
    }

    /// The directory.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for BenchDir {
    fn drop(&mut self) {
        // What cannot be removed is left for its owner to see.
        let _ = fs::remove_dir_all(&self.path);
        if let Some(parent) = &self.parent {
            let _ = fs::remove_dir(parent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_behind() {
        let outer = tempfile::tempdir().expect("a temporary directory");
        let parent = outer.path().join("bench");
        let dir = BenchDir::create(&parent).expect("created");
        fs::write(dir.path().join("file"), b"x").expect("written");
        drop(dir);
        assert!(!parent.exists());
    }

    #[test]
    fn what_was_there_before_stays() {
        let outer = tempfile::tempdir().expect("a temporary directory");
        drop(BenchDir::create(outer.path()).expect("created"));
        assert!(outer.path().exists());
        assert_eq!(fs::read_dir(outer.path()).expect("listed").count(), 0);
    }
}
