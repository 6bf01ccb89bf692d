//! The set of segments, shared by everyone who reads.
//!
//! Readers hold segments by reference count; the writing side adds new ones. A segment that is in the
//! set stays readable for as long as somebody holds it.

use std::path::Path;
use std::sync::{Arc, RwLock};

use super::segment::{self, HEADER_BYTES, Segment};
use super::{Error, Slot};
use crate::disk::{Disk, Open};
use crate::model::Position;

/// The segments of a log, oldest first. Clones share the set.
#[derive(Debug, Clone, Default)]
pub struct Segments {
    held: Arc<RwLock<Held>>,
}

#[derive(Debug, Default)]
struct Held {
    all: Vec<Arc<Segment>>,
    reach: Reach,
}

/// How far a log is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// How much of the newest segment is.
    pub bytes: u64,
    /// The slot of the last block; 0 when there is none.
    pub slot: Slot,
    /// The position of the last event; zero when there is none.
    pub position: Position,
}

impl Default for Reach {
    fn default() -> Self {
        Self { bytes: HEADER_BYTES as u64, slot: Slot(0), position: Position::ZERO }
    }
}

/// The segments of a log as they were at one moment. What is in them up to its reach never changes again.
#[derive(Debug, Clone)]
pub struct Pinned {
    /// All of them, oldest first; all but the last are sealed.
    pub segments: Vec<Arc<Segment>>,
    /// Where the last one ends.
    pub reach: Reach,
}

impl Pinned {
    /// How many bytes of a segment belong to this moment.
    pub fn bytes_of(&self, index: usize) -> u64 {
        if index + 1 == self.segments.len() { self.reach.bytes } else { self.segments[index].end() }
    }
}

impl Segments {
    /// The segments of a directory that can be opened, oldest first, without any check between them.
    pub fn read_only(disk: &dyn Disk, directory: &Path) -> Result<Vec<Arc<Segment>>, Error> {
        let files = segment::files(disk, directory)?;
        let opened = files.iter().filter_map(|file| Segment::open(disk, file, Open::Read).ok());
        Ok(opened.map(Arc::new).collect())
    }

    /// The segment of a number.
    pub fn get(&self, number: u32) -> Option<Arc<Segment>> {
        let held = self.held.read().expect("no panic under this lock");
        let first = held.all.first()?.header.number;
        held.all.get(number.checked_sub(first)? as usize).cloned()
    }

    /// All of them, oldest first.
    pub fn all(&self) -> Vec<Arc<Segment>> {
        self.held.read().expect("no panic under this lock").all.clone()
    }

    /// All of them, and how far they are durable.
    pub fn pin(&self) -> Pinned {
        let held = self.held.read().expect("no panic under this lock");
        Pinned { segments: held.all.clone(), reach: held.reach }
    }

    /// The newest, which is being written.
    pub fn newest(&self) -> Option<Arc<Segment>> {
        self.held.read().expect("no panic under this lock").all.last().cloned()
    }

    /// Adds one behind the newest, with nothing in it.
    pub(super) fn push(&self, segment: Arc<Segment>) {
        let mut held = self.held.write().expect("no panic under this lock");
        held.all.push(segment);
        held.reach.bytes = HEADER_BYTES as u64;
    }

    /// Says how far the newest one is durable now.
    pub(super) fn reach(&self, reach: Reach) {
        let mut held = self.held.write().expect("no panic under this lock");
        held.reach = reach;
        if let Some(newest) = held.all.last() {
            newest.ends_at(reach.bytes);
        }
    }

    /// Puts the same segment, opened otherwise, in the newest one's place.
    pub(super) fn replace_newest(&self, segment: Arc<Segment>) {
        if let Some(newest) = self.held.write().expect("no panic under this lock").all.last_mut() {
            *newest = segment;
        }
    }
}
