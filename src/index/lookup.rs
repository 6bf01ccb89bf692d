//! The whole index of a log: one part a segment, the newest in memory.
//!
//! When the log rolls to a new segment, the part of the complete one is written to its file in the
//! background and, once durable, takes the place of the one in memory. A part whose file is missing,
//! torn or damaged is made again from its segment, also in the middle of a question.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};
use std::thread::JoinHandle;

use super::active::Active;
use super::part::{Control, Part};
use super::sealed::Sealed;
use super::{Error, Term, Terms, build};
use crate::disk::Disk;
use crate::log::segment::Segment;
use crate::log::{Place, Placed, Segments, Slot};
use crate::model::Position;

/// Events that are no further apart than this, on average, are looked up in one go.
const ORDINALS_APART: usize = 64;

/// An index. Shared by its writer and its readers.
#[derive(Debug)]
pub struct Index {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    terms: Terms,
    segments: Segments,
    parts: RwLock<Vec<Arc<dyn Part>>>,
    active: Mutex<Arc<Active>>,
    sealing: Mutex<Option<JoinHandle<()>>>,
}

/// Events of one segment that may have a term, in one part of the index: a question that goes on looks
/// at the same part, also when another has taken its place meanwhile, since lists differ between them.
#[derive(Debug, Clone)]
pub struct Located {
    part: Arc<dyn Part>,
    term: Term,
    /// How many there are, collisions among them.
    pub count: usize,
}

impl Located {
    /// The segment's number.
    pub fn segment(&self) -> u32 {
        self.part.segment()
    }
}

impl Index {
    /// Opens the parts of all complete segments, making those that are missing or damaged, and an
    /// empty part for the newest segment, to be filled by [`Self::learn`].
    pub fn open(disk: Arc<dyn Disk>, directory: &Path, terms: Terms, segments: &Segments) -> Result<Self, Error> {
        disk.create_dir(directory)?;
        let all = segments.all();
        let (newest, complete) = all.split_last().expect("a log has a segment");
        let active = Arc::new(Active::new(terms, newest.header.number, newest.header.first_position));
        let index = Self {
            disk,
            directory: directory.into(),
            terms,
            segments: segments.clone(),
            parts: RwLock::default(),
            active: Mutex::new(active.clone()),
            sealing: Mutex::default(),
        };
        let mut parts: Vec<Arc<dyn Part>> = Vec::with_capacity(all.len());
        for (segment, next) in complete.iter().zip(&all[1..]) {
            let path = index.path(segment.header.number);
            parts.push(match Sealed::open(&*index.disk, &path, segment, events_between(segment, next)) {
                Ok(sealed) => Arc::new(sealed),
                Err(error) if error.is_mendable() => index.make_again(segment, &error)?,
                Err(error) => return Err(error),
            });
        }
        parts.push(active);
        *index.parts.write().expect("no panic under this lock") = parts;
        Ok(index)
    }

    /// The terms of this log.
    pub fn terms(&self) -> Terms {
        self.terms
    }

    /// Takes in a block, in the order of the log.
    pub fn learn(self: &Arc<Self>, placed: &Placed) {
        let mut active = self.active.lock().expect("no panic under this lock");
        if placed.place.segment != active.segment() {
            let complete = active.clone();
            let first = placed.block.header.first_position;
            *active = Arc::new(Active::new(self.terms, placed.place.segment, first));
            self.parts.write().expect("no panic under this lock").push(active.clone());
            self.seal_in_background(complete);
        }
        active.learn(placed);
    }

    /// Waits for what runs in the background.
    pub fn close(&self) {
        let running = self.sealing.lock().expect("no panic under this lock").take();
        if running.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("a thread that was sealing an index panicked");
        }
    }

    /// Where the record of the event at a position begins.
    pub fn place(&self, position: Position) -> Result<Option<Place>, Error> {
        Ok(self.places(position, 1)?.first().copied())
    }

    /// Where the records of events begin, from a position on: at most `most`, of one segment.
    pub fn places(&self, position: Position, most: usize) -> Result<Vec<Place>, Error> {
        let Some(part) = self.part_with(position) else { return Ok(Vec::new()) };
        let first = part.first_position();
        let ordinal = u32::try_from(position.0 - first.0).unwrap_or(u32::MAX);
        let segment = part.segment();
        let offsets = self.ask(&part, |part| part.offsets(ordinal, most))?;
        Ok(offsets.into_iter().map(|offset| Place { segment, offset }).collect())
    }

    /// The position of the first event in the segment that holds `position`.
    pub fn segment_start(&self, position: Position) -> Option<Position> {
        self.part_with(position).map(|part| part.first_position())
    }

    /// The segments with events that may have a term, newest first, found one at a time.
    pub fn locate(&self, term: Term) -> impl Iterator<Item = Result<Located, Error>> + '_ {
        self.parts().into_iter().rev().filter_map(move |part| match self.ask(&part, |part| part.count(term)) {
            Ok(0) => None,
            Ok(count) => Some(Ok(Located { part, term, count })),
            Err(error) => Some(Err(error)),
        })
    }

    /// Places of located events, ascending: from the `skip`-th on, at most `most`.
    pub fn places_of(&self, located: &Located, skip: usize, most: usize) -> Result<Vec<Place>, Error> {
        let segment = located.segment();
        self.ask(&located.part, |part| {
            let ordinals = part.ordinals(located.term, skip, most)?;
            let offsets = offsets_of(part, &ordinals)?;
            Ok(offsets.into_iter().map(|offset| Place { segment, offset }).collect())
        })
    }

    /// Names of streams that are not below `from`, sorted; at most `most`.
    pub fn stream_names(&self, from: &str, most: usize) -> Result<Vec<String>, Error> {
        let mut names = Vec::new();
        for part in self.parts() {
            names.append(&mut self.ask(&part, |part| part.names(from, most))?);
        }
        names.sort_unstable();
        names.dedup();
        names.truncate(most);
        Ok(names)
    }

    /// The control records in blocks after `slot`, in the order of the log.
    pub fn controls(&self, slot: Slot) -> Result<Vec<Control>, Error> {
        let mut controls = Vec::new();
        for part in self.parts() {
            controls.append(&mut self.ask(&part, |part| part.controls(slot))?);
        }
        Ok(controls)
    }

    /// Checks every page of the index file of a segment that has a successor. Mends nothing.
    pub fn check(disk: &dyn Disk, directory: &Path, segment: &Segment, next: &Segment) -> Result<(), Error> {
        let path = directory.join(file_name(segment.header.number));
        Sealed::open(disk, &path, segment, events_between(segment, next))?.check()
    }

    fn path(&self, segment: u32) -> PathBuf {
        self.directory.join(file_name(segment))
    }

    fn parts(&self) -> Vec<Arc<dyn Part>> {
        self.parts.read().expect("no panic under this lock").clone()
    }

    fn part_with(&self, position: Position) -> Option<Arc<dyn Part>> {
        let parts = self.parts.read().expect("no panic under this lock");
        let after = parts.partition_point(|part| part.first_position() <= position);
        parts.get(after.checked_sub(1)?).cloned()
    }

    /// Asks a part, and if its file is damaged, makes it again and asks once more.
    fn ask<T>(&self, part: &Arc<dyn Part>, ask: impl Fn(&dyn Part) -> Result<T, Error>) -> Result<T, Error> {
        match ask(&**part) {
            Err(error) if error.is_mendable() => {
                let number = part.segment();
                let Some(segment) = self.segments.get(number) else { return Err(error) };
                let made = self.make_again(&segment, &error)?;
                self.put_in_place(made.clone());
                ask(&*made)
            }
            answer => answer,
        }
    }

    /// Makes the part of a complete segment from the segment, and its file anew.
    fn make_again(&self, segment: &Segment, why: &Error) -> Result<Arc<dyn Part>, Error> {
        tracing::warn!(segment = segment.header.number, reason = %why, "making an index file again");
        let active = Active::new(self.terms, segment.header.number, segment.header.first_position);
        segment.each_block(&mut |placed| active.learn(&placed))?;
        Ok(match self.seal(segment, &active) {
            Ok(sealed) => Arc::new(sealed),
            Err(error) => {
                tracing::warn!(segment = segment.header.number, %error, "an index part stays in memory");
                Arc::new(active)
            }
        })
    }

    fn seal(&self, segment: &Segment, active: &Active) -> Result<Sealed, Error> {
        let path = self.path(segment.header.number);
        let events = active.with_state(|state| {
            build::build(&*self.disk, &path, segment, state)?;
            Ok::<_, Error>(state.offsets.len() as u64)
        })?;
        Sealed::open(&*self.disk, &path, segment, events)
    }

    fn seal_in_background(self: &Arc<Self>, complete: Arc<Active>) {
        self.close();
        let index = self.clone();
        let work = move || {
            let number = complete.segment();
            let Some(segment) = index.segments.get(number) else { return };
            match index.seal(&segment, &complete) {
                Ok(sealed) => index.put_in_place(Arc::new(sealed)),
                Err(error) => tracing::warn!(segment = number, %error, "an index part stays in memory"),
            }
        };
        let spawned = std::thread::Builder::new().name("quipu-index".into()).spawn(work);
        *self.sealing.lock().expect("no panic under this lock") = spawned.ok();
    }

    fn put_in_place(&self, part: Arc<dyn Part>) {
        let mut parts = self.parts.write().expect("no panic under this lock");
        let old = parts.iter_mut().find(|old| old.segment() == part.segment());
        *old.expect("a part has a predecessor") = part;
    }
}

/// Where records begin. Ordinals that lie close together are looked up together.
fn offsets_of(part: &dyn Part, ordinals: &[u32]) -> Result<Vec<u32>, Error> {
    let (Some(first), Some(last)) = (ordinals.first(), ordinals.last()) else { return Ok(Vec::new()) };
    let span = (last - first) as usize + 1;
    if span <= ordinals.len() * ORDINALS_APART {
        let offsets = part.offsets(*first, span)?;
        return Ok(ordinals.iter().filter_map(|ordinal| offsets.get((ordinal - first) as usize)).copied().collect());
    }
    let mut offsets = Vec::with_capacity(ordinals.len());
    for ordinal in ordinals {
        offsets.extend(part.offsets(*ordinal, 1)?);
    }
    Ok(offsets)
}

fn events_between(segment: &Segment, next: &Segment) -> u64 {
    next.header.first_position.0 - segment.header.first_position.0
}

fn file_name(segment: u32) -> String {
    format!("{segment:06}.idx")
}
