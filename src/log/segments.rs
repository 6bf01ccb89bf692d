//! The set of segments, shared by everyone who reads.
//!
//! Readers hold segments by reference count; the writing side adds new ones. A segment that is in the
//! set stays readable for as long as somebody holds it.

use std::path::Path;
use std::sync::{Arc, RwLock};

use super::Error;
use super::segment::{SUFFIX, Segment};
use crate::disk::{Disk, Open};

/// The segments of a log, oldest first. Clones share the set.
#[derive(Debug, Clone, Default)]
pub struct Segments {
    all: Arc<RwLock<Vec<Arc<Segment>>>>,
}

impl Segments {
    /// The segments of a directory that can be opened, oldest first, without any check between them.
    pub fn read_only(disk: &dyn Disk, directory: &Path) -> Result<Vec<Arc<Segment>>, Error> {
        let mut names = disk.list(directory)?;
        names.retain(|name| name.ends_with(SUFFIX));
        let opened = names.iter().filter_map(|name| Segment::open(disk, &directory.join(name), Open::Read).ok());
        Ok(opened.map(Arc::new).collect())
    }

    /// The segment of a number.
    pub fn get(&self, number: u32) -> Option<Arc<Segment>> {
        let all = self.all.read().expect("no panic under this lock");
        let first = all.first()?.header.number;
        all.get(number.checked_sub(first)? as usize).cloned()
    }

    /// All of them, oldest first.
    pub fn all(&self) -> Vec<Arc<Segment>> {
        self.all.read().expect("no panic under this lock").clone()
    }

    /// The newest, which is being written.
    pub fn newest(&self) -> Option<Arc<Segment>> {
        self.all.read().expect("no panic under this lock").last().cloned()
    }

    /// Adds one behind the newest.
    pub(super) fn push(&self, segment: Arc<Segment>) {
        self.all.write().expect("no panic under this lock").push(segment);
    }

    /// Puts the same segment, opened otherwise, in the newest one's place.
    pub(super) fn replace_newest(&self, segment: Arc<Segment>) {
        if let Some(newest) = self.all.write().expect("no panic under this lock").last_mut() {
            *newest = segment;
        }
    }
}
