//! The whole index of a log: one part a segment, the newest in memory.
//!
//! When the log rolls to a new segment, the part of the complete one is written to its file in the
//! background and, once durable, takes the place of the one in memory. A part whose file is missing,
//! torn or damaged is made again from its segment, also in the middle of a question.

use std::ops::{ControlFlow, Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};

use super::active::Active;
use super::candidates::Candidates;
use super::part::{Control, Part, Postings};
use super::parts::Parts;
use super::plan::Plan;
use super::sealed::Sealed;
use super::sieve::Sieve;
use super::tally::Tally;
use super::{Error, Term, Terms, build};
use crate::crew::{Crew, Hired};
use crate::disk::{Disk, Open};
use crate::log::segment::Segment;
use crate::log::{Place, Placed, Segments, Slot};
use crate::model::{Position, Query, Timestamp, Walk};

/// Events that are no further apart than this, on average, are looked up in one go.
const ORDINALS_APART: usize = 64;

/// A part, and its filter when that is to be held in memory.
type Opened = (Arc<dyn Part>, Option<Sieve>);

/// An index. Shared by its writer and its readers.
#[derive(Debug)]
pub struct Index {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    terms: Terms,
    segments: Segments,
    /// What directories and filters of sealed parts may take, in bytes.
    memory_bytes: u64,
    parts: RwLock<Arc<Parts>>,
    active: Mutex<Arc<Active>>,
    crew: Crew,
    sealing: Mutex<Option<Hired>>,
    /// Held while a file is written or a part replaced.
    changing: Mutex<()>,
}

/// Events of one segment that may have a term, in one part of the index: a question that goes on looks
/// at the same part, also when another has taken its place meanwhile, since lists differ between them.
#[derive(Debug, Clone)]
pub struct Located {
    part: Arc<dyn Part>,
    postings: Postings,
    /// How many there are, collisions among them.
    pub count: usize,
}

impl Located {
    /// The segment's number.
    pub fn segment(&self) -> u32 {
        self.part.segment()
    }
}

/// The segments that may have events with a term, oldest first.
#[derive(Debug)]
pub struct Spread<'a> {
    index: &'a Index,
    term: Term,
    parts: Arc<Parts>,
    places: Vec<usize>,
}

impl Spread<'_> {
    /// How many segments there are.
    pub fn count(&self) -> usize {
        self.places.len()
    }

    /// The events of one of the segments; `None` when memory was wrong about it.
    pub fn locate(&self, place: usize) -> Result<Option<Located>, Error> {
        let part = &self.parts[self.places[place]];
        let postings = self.index.ask(part, |part| part.postings(self.term))?;
        Ok(postings.map(|postings| Located { part: part.clone(), postings, count: postings.count }))
    }
}

impl Index {
    /// Opens the parts of all complete segments, making those that are missing or damaged, and an
    /// empty part for the newest segment, to be filled by [`Self::learn`]. Sealed parts hold at most
    /// `memory_bytes` in memory, the newest first.
    pub fn open(
        disk: Arc<dyn Disk>,
        directory: &Path,
        terms: Terms,
        segments: &Segments,
        memory_bytes: u64,
        crew: Crew,
    ) -> Result<Self, Error> {
        disk.create_dir(directory)?;
        let all = segments.all();
        let (newest, complete) = all.split_last().expect("a log has a segment");
        let active = Arc::new(Active::new(terms, newest.header.number, newest.header.first_position));
        let index = Self {
            disk,
            directory: directory.into(),
            terms,
            segments: segments.clone(),
            memory_bytes,
            parts: RwLock::default(),
            active: Mutex::new(active.clone()),
            crew,
            sealing: Mutex::default(),
            changing: Mutex::default(),
        };
        let mut opened: Vec<Opened> = vec![(active, None)];
        let mut room = memory_bytes;
        for (segment, next) in complete.iter().zip(&all[1..]).rev() {
            let (part, sieve) = match index.open_sealed(segment, next, room) {
                Err(error) if error.is_mendable() => index.make_again(segment, &error, room),
                opened => opened,
            }?;
            room -= room.min(part.held_bytes() + sieve.as_ref().map_or(0, Sieve::bytes));
            opened.push((part, sieve));
        }
        index.change(|parts| opened.into_iter().rev().for_each(|(part, sieve)| parts.push(part, sieve)));
        index.tidy();
        Ok(index)
    }

    /// The terms of this log.
    pub fn terms(&self) -> Terms {
        self.terms
    }

    /// Takes in a block, in the order of the log, and shows its terms to `seen`.
    pub fn learn(self: &Arc<Self>, placed: &Placed, seen: &mut dyn FnMut(Term)) {
        let mut active = self.active.lock().expect("no panic under this lock");
        if placed.place.segment != active.segment() {
            let complete = active.clone();
            let first = placed.block.header.first_position;
            *active = Arc::new(Active::new(self.terms, placed.place.segment, first));
            self.change(|parts| parts.push(active.clone(), None));
            self.seal_in_background(complete);
        }
        active.learn(placed, seen);
    }

    /// Waits for what runs in the background.
    pub fn close(&self) {
        let running = self.sealing.lock().expect("no panic under this lock").take();
        if running.is_some_and(|worker| worker.finish().is_err()) {
            tracing::error!("whoever was sealing a part of the index panicked");
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

    /// Whether a position lies in the part that is in memory.
    pub fn is_in_memory(&self, position: Position) -> bool {
        self.part_with(position).is_some_and(|part| part.is_in_memory())
    }

    /// The position of the first event in the segment that holds `position`.
    pub fn segment_start(&self, position: Position) -> Option<Position> {
        self.part_with(position).map(|part| part.first_position())
    }

    /// The plan of a query.
    pub fn plan(&self, query: &Query) -> Plan {
        Plan::of(query, &self.terms)
    }

    /// Whether an event in a range of positions may match, as far as memory tells. Never asks the disk.
    pub fn may_match(&self, plan: &Plan, range: &RangeInclusive<Position>) -> bool {
        let (parts, span) = self.span(range);
        plan.places(&parts, span).in_order(Walk::Backwards).into_iter().any(|place| {
            let part = &parts[place];
            !part.is_in_memory() || !self.has_none(plan, part.clone(), range)
        })
    }

    /// Whether the part in memory has no candidate in a range.
    fn has_none(&self, plan: &Plan, part: Arc<dyn Part>, range: &RangeInclusive<Position>) -> bool {
        let candidates = Candidates::of(self, plan, part, range, Walk::Backwards);
        let ordinals = candidates.and_then(|found| found.map_or(Ok(Vec::new()), |mut found| found.ordinals(1)));
        ordinals.is_ok_and(|ordinals| ordinals.is_empty())
    }

    /// The events of one segment that may match: of the first segment with such events, from the beginning
    /// of `range`, or from its end when walking backwards.
    pub fn candidates(
        &self,
        plan: &Plan,
        range: &RangeInclusive<Position>,
        walk: Walk,
    ) -> Result<Option<Candidates<'_>>, Error> {
        let (parts, span) = self.span(range);
        for place in plan.places(&parts, span).in_order(walk) {
            let plan = plan.within(&parts, place);
            if let Some(found) = Candidates::of(self, &plan, parts[place].clone(), range, walk)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Two positions between which the first event lies that was committed at `time` or later, both
    /// inclusive; the second may be one beyond the last event.
    pub fn around(&self, time: Timestamp) -> Result<(Position, Position), Error> {
        let parts = self.parts();
        let earlier = |part: &Arc<dyn Part>| part.first_time().is_some_and(|first| first < time);
        let Some(part) = parts.iter().rev().find(|part| earlier(part)) else {
            return Ok((Position::ZERO.next(), Position::ZERO.next()));
        };
        let (low, high) = self.ask(part, |part| part.around(time))?;
        let at = |ordinal: u32| Position(part.first_position().0 + u64::from(ordinal));
        Ok((at(low), at(high)))
    }

    /// How many events there are.
    pub fn tally(&self) -> Result<Tally, Error> {
        let mut tally = Tally::default();
        for part in self.parts().iter() {
            tally.absorb(&self.ask(part, |part| part.tally())?);
        }
        Ok(tally)
    }

    /// The segments with events that may have a term, newest first, found one at a time.
    pub fn locate(&self, term: Term) -> impl Iterator<Item = Result<Located, Error>> + '_ {
        let spread = self.spread(term);
        (0..spread.count()).rev().filter_map(move |place| spread.locate(place).transpose())
    }

    /// The segments that may have events with a term, as far as memory tells.
    pub fn spread(&self, term: Term) -> Spread<'_> {
        let parts = self.parts();
        let places = parts.with(term, 0..parts.len()).in_order(Walk::Forwards);
        Spread { index: self, term, parts, places }
    }

    /// Places of located events, ascending: from the `skip`-th on, at most `most`. None that came after they
    /// were located: whoever reads them has opened the segment before.
    pub fn places_of(&self, located: &Located, skip: usize, most: usize) -> Result<Vec<Place>, Error> {
        let segment = located.segment();
        let most = most.min(located.count.saturating_sub(skip));
        self.ask(&located.part, |part| {
            let ordinals = part.ordinals(&located.postings, skip, most)?;
            let offsets = offsets_of(part, &ordinals)?;
            Ok(offsets.into_iter().map(|offset| Place { segment, offset }).collect())
        })
    }

    /// Names of streams that are not below `from`, sorted; at most `most`.
    pub fn stream_names(&self, from: &str, most: usize) -> Result<Vec<String>, Error> {
        let mut names = Vec::new();
        for part in self.parts().iter() {
            names.append(&mut self.ask(part, |part| part.names(from, most))?);
        }
        names.sort_unstable();
        names.dedup();
        names.truncate(most);
        Ok(names)
    }

    /// The control records in blocks after `slot`, in the order of the log.
    pub fn controls(&self, slot: Slot) -> Result<Vec<Control>, Error> {
        let mut controls = Vec::new();
        let all = self.segments.all();
        // The last segment that begins at the slot or before it is the first that may have a later one.
        let first = all.partition_point(|segment| segment.header.first_slot <= slot).saturating_sub(1);
        for part in self.parts().iter().skip(first) {
            controls.append(&mut self.ask(part, |part| part.controls(slot))?);
        }
        Ok(controls)
    }

    /// Checks every page of the index file of a segment that has a successor. Mends nothing.
    pub fn check(disk: &dyn Disk, directory: &Path, segment: &Segment, next: &Segment) -> Result<(), Error> {
        let path = directory.join(file_name(segment.header.number));
        Sealed::open(disk, &path, segment, next)?.check()
    }

    /// Checks every page of the index file of a sealed segment, and has it made again when it is missing or
    /// damaged. Says how many bytes the file has.
    ///
    /// # Errors
    /// When it can not be made again, because the segment is damaged or the disk fails.
    pub fn scrub(&self, segment: u32) -> Result<u64, Error> {
        let (Some(of), Some(next)) = (self.segments.get(segment), self.segments.get(segment + 1)) else {
            return Ok(0);
        };
        // Nobody writes the file meanwhile, and none is missed that is about to be written.
        let _alone = self.changing.lock().expect("no panic under this lock");
        let parts = self.parts();
        let Some(part) = parts.iter().find(|part| part.segment() == segment) else { return Ok(0) };
        if part.is_in_memory() {
            return Ok(0);
        }
        match Self::check(&*self.disk, &self.directory, &of, &next) {
            Err(error) if error.is_mendable() => {
                let (made, sieve) = self.make_again(&of, &error, self.memory_bytes)?;
                self.put_in_place(made, sieve);
            }
            checked => checked?,
        }
        Ok(self.disk.open(&self.path(segment), Open::Read)?.len()?)
    }

    fn path(&self, segment: u32) -> PathBuf {
        self.directory.join(file_name(segment))
    }

    fn parts(&self) -> Arc<Parts> {
        self.parts.read().expect("no panic under this lock").clone()
    }

    fn change(&self, change: impl FnOnce(&mut Parts)) {
        let mut parts = self.parts.write().expect("no panic under this lock");
        change(Arc::make_mut(&mut parts));
    }

    /// The parts, and the places of those with positions of a range.
    fn span(&self, range: &RangeInclusive<Position>) -> (Arc<Parts>, Range<usize>) {
        let parts = self.parts();
        let first = parts.partition_point(|part| part.first_position() <= *range.start()).saturating_sub(1);
        let end = parts.partition_point(|part| part.first_position() <= *range.end()).max(first);
        (parts, first..end)
    }

    fn part_with(&self, position: Position) -> Option<Arc<dyn Part>> {
        let parts = self.parts();
        let after = parts.partition_point(|part| part.first_position() <= position);
        parts.get(after.checked_sub(1)?).cloned()
    }

    /// Asks a part, and if its file is damaged, asks the one in its place: of whoever was faster, or made now.
    pub(super) fn ask<T>(&self, part: &Arc<dyn Part>, ask: impl Fn(&dyn Part) -> Result<T, Error>) -> Result<T, Error> {
        let error = match ask(&**part) {
            Err(error) if error.is_mendable() => error,
            answer => return answer,
        };
        let _alone = self.changing.lock().expect("no panic under this lock");
        let number = part.segment();
        let in_place = self.parts().iter().find(|other| other.segment() == number).cloned();
        if let Some(other) = in_place.filter(|other| !Arc::ptr_eq(other, part)) {
            match ask(&*other) {
                Err(error) if error.is_mendable() => {}
                answer => return answer,
            }
        }
        let Some(segment) = self.segments.get(number) else { return Err(error) };
        let (made, sieve) = self.make_again(&segment, &error, self.memory_bytes)?;
        self.put_in_place(made.clone(), sieve);
        ask(&*made)
    }

    /// Makes the part of a complete segment from the segment, and its file anew.
    fn make_again(&self, segment: &Segment, why: &Error, room: u64) -> Result<Opened, Error> {
        tracing::warn!(segment = segment.header.number, reason = %why, "making an index file again");
        let active = Active::new(self.terms, segment.header.number, segment.header.first_position);
        segment.blocks().each(&mut |placed| {
            active.learn(&placed, &mut |_| {});
            ControlFlow::Continue(())
        })?;
        self.seal(segment, &active, room).or_else(|error| {
            tracing::warn!(segment = segment.header.number, %error, "an index part stays in memory");
            Ok((Arc::new(active), None))
        })
    }

    fn seal(&self, segment: &Segment, active: &Active, room: u64) -> Result<Opened, Error> {
        let number = segment.header.number;
        active.with_state(|state| build::build(&*self.disk, &self.path(number), segment, state))?;
        let next = self.segments.get(number + 1).expect("a part is sealed when its segment has a successor");
        self.open_sealed(segment, &next, room)
    }

    /// Opens the file of a part. It holds at most `room` bytes in memory.
    fn open_sealed(&self, segment: &Segment, next: &Segment, room: u64) -> Result<Opened, Error> {
        let mut sealed = Sealed::open(&*self.disk, &self.path(segment.header.number), segment, next)?;
        let sieve = sealed.hold(room)?;
        Ok((Arc::new(sealed), sieve))
    }

    fn seal_in_background(self: &Arc<Self>, complete: Arc<Active>) {
        self.close();
        let index = self.clone();
        let work = move || {
            let number = complete.segment();
            let _alone = index.changing.lock().expect("no panic under this lock");
            let Some(segment) = index.segments.get(number) else { return };
            match index.seal(&segment, &complete, index.memory_bytes) {
                Ok((part, sieve)) => index.put_in_place(part, sieve),
                Err(error) => tracing::warn!(segment = number, %error, "an index part stays in memory"),
            }
        };
        let sealing = self.crew.hire_once("quipu-index", work);
        *self.sealing.lock().expect("no panic under this lock") = sealing.ok();
    }

    fn put_in_place(&self, part: Arc<dyn Part>, sieve: Option<Sieve>) {
        self.change(|parts| {
            let place = parts.iter().position(|old| old.segment() == part.segment());
            parts.put(place.expect("a part has a predecessor"), part, sieve);
        });
        self.tidy();
    }

    /// Keeps to the memory there is, and puts the filters of neighbours together. Nobody else may change
    /// parts meanwhile, but for new ones at the end.
    fn tidy(&self) {
        loop {
            self.change(|parts| parts.lighten(self.memory_bytes));
            // Not under the lock: it takes some milliseconds.
            let Some((first, sieve)) = self.parts().together() else { return };
            self.change(|parts| parts.put_together(first, sieve));
        }
    }
}

/// Where records begin. Ordinals that lie close together are looked up together.
pub(super) fn offsets_of(part: &dyn Part, ordinals: &[u32]) -> Result<Vec<u32>, Error> {
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

fn file_name(segment: u32) -> String {
    format!("{segment:06}.idx")
}
