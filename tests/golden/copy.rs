//! A copy of a fixture in a directory of its own: opening a store writes beside what is there.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::fixtures::Fixture;

/// A copy. Paths are relative to its data directory.
#[derive(Debug)]
pub(crate) struct Copy {
    home: TempDir,
}

impl Copy {
    /// Of a fixture.
    pub(crate) fn of_fixture(fixture: &Fixture) -> Self {
        Self::of(Path::new(&fixture.directory()), fixture)
    }

    /// Of a data directory that is made of the same files as a fixture.
    pub(crate) fn of(directory: &Path, fixture: &Fixture) -> Self {
        let copy = Self { home: tempfile::tempdir().expect("files can be copied and read") };
        for name in fixture.files() {
            fs::create_dir_all(copy.path(name).parent().expect("a file lies in a directory"))
                .expect("files can be copied and read");
            fs::copy(directory.join(name), copy.path(name)).expect("files can be copied and read");
        }
        copy
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect("files can be copied and read")
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).expect("files can be copied and read");
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).expect("files can be copied and read");
    }

    /// The names in a directory, sorted.
    pub(crate) fn names(&self, directory: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(directory)).expect("files can be copied and read");
        let mut names: Vec<_> = entries
            .map(|entry| {
                entry.expect("files can be copied and read").file_name().into_string().expect("a name in UTF-8")
            })
            .collect();
        names.sort_unstable();
        names
    }

    /// Which file this is, and when it was last written: a file made again is another.
    pub(crate) fn identity(&self, name: &str) -> (u64, i64, i64) {
        let metadata = fs::metadata(self.path(name)).expect("files can be copied and read");
        (metadata.ino(), metadata.mtime(), metadata.mtime_nsec())
    }
}
