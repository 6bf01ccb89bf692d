//! A copy of the fixture in a directory of its own: opening a store writes beside what is there.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/format-1");

/// The files that make up a directory; the rest is made from them.
const FILES: [&str; 5] = ["FORMAT", crate::SEALED, crate::ACTIVE, crate::MARK, crate::INDEX];

/// A copy. Paths are relative to its data directory.
#[derive(Debug)]
pub(crate) struct Copy {
    home: TempDir,
}

impl Copy {
    /// Of the fixture.
    pub(crate) fn of_fixture() -> Self {
        Self::of(Path::new(FIXTURE))
    }

    /// Of any data directory.
    pub(crate) fn of(directory: &Path) -> Self {
        let copy = Self { home: tempfile::tempdir().expect("files can be copied and read") };
        for name in FILES {
            fs::create_dir_all(copy.path(name).parent().expect("a file lies in a directory"))
                .expect("files can be copied and read");
            fs::copy(directory.join(name), copy.path(name)).expect("files can be copied and read");
        }
        copy
    }

    /// The bytes of a file of the fixture itself.
    pub(crate) fn fixture(name: &str) -> Vec<u8> {
        fs::read(Path::new(FIXTURE).join(name)).expect("files can be copied and read")
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
