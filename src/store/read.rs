//! Events by position, by revision and by id.
//!
//! Everything here blocks on the disk and is called from threads that may. A read comes in pages of
//! about so many bytes, so that nobody holds more than a page. Where the index leads is checked: the
//! event must say itself that it is the one looked for.

use crate::crew::Crew;
use crate::index::{Index, Located, Spread, Term};
use crate::log::{Cursor, Pinned, Place, Segments, StoredEvent, What};
use crate::model::{EventId, Position, Revision, StreamName};

use super::Error;
use super::heads::StreamHead;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Records of a stream closer than this are read together with what lies between them.
const GAP_BYTES: u64 = 16 << 10;

/// How many places of a stream are looked up at once.
const PLACES: usize = 1024;

/// How many events a page backwards looks at.
const BACKWARDS_EVENTS: usize = 4096;

/// How much a page may hold.
#[derive(Debug, Clone, Copy)]
pub struct PageSize {
    /// About so many bytes.
    pub bytes: usize,
    /// At most so many events.
    pub events: usize,
}

impl PageSize {
    /// Of one event.
    pub(super) const ONE: Self = Self { bytes: 1 << 20, events: 1 };
}

/// Reads a log with the help of its index. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Reader {
    pub(super) index: Arc<Index>,
    segments: Segments,
    crew: Crew,
    /// Whether any stream's life was ever told.
    pub(super) has_lives: Arc<AtomicBool>,
}

/// Events gathered for a page.
pub(super) struct Page {
    size: PageSize,
    bytes: usize,
    pub(super) events: Vec<StoredEvent>,
}

impl Page {
    pub(super) fn new(size: PageSize) -> Self {
        Self { size, bytes: 0, events: Vec::new() }
    }

    pub(super) fn push(&mut self, event: StoredEvent) {
        self.bytes += event.bytes().len();
        self.events.push(event);
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes >= self.size.bytes || self.events.len() >= self.size.events
    }
}

impl Reader {
    /// A reader.
    pub fn new(index: Arc<Index>, segments: Segments, crew: Crew) -> Self {
        Self { index, segments, crew, has_lives: Arc::default() }
    }

    /// The log as it is now.
    pub(super) fn pin(&self) -> Pinned {
        self.segments.pin()
    }

    /// Asks where it may block on the disk.
    pub(super) async fn aside<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let reader = self.clone();
        self.crew.aside(move || ask(&reader)).await.map_err(Error::internal)?
    }

    /// The event at a position up to the head.
    pub fn event_at(&self, position: Position) -> Result<StoredEvent, Error> {
        let page = self.log_forwards(position, position, PageSize::ONE)?;
        page.into_iter().next().ok_or(Error::EventNotFound)
    }

    /// The event of an id, if it lies at or before `until`.
    pub fn event_by_id(&self, id: EventId, until: Position) -> Result<StoredEvent, Error> {
        let term = self.index.terms().event_id(id);
        for located in self.index.locate(term) {
            let located = located?;
            for place in self.index.places_of(&located, 0, located.count)? {
                let event = self.event_in(&mut self.cursor(located.segment())?, place, 0)?;
                if event.id() == Some(id) && event.position() <= until {
                    return Ok(event);
                }
            }
        }
        Err(Error::EventNotFound)
    }

    /// A page of the log, oldest first: from a position up to `until`, inclusive.
    pub fn log_forwards(&self, from: Position, until: Position, size: PageSize) -> Result<Vec<StoredEvent>, Error> {
        let mut page = Page::new(size);
        if from > until {
            return Ok(page.events);
        }
        let Some(place) = self.index.place(from)? else { return Err(Error::EventNotFound) };
        let mut cursor = self.cursor(place.segment)?;
        let mut offset = u64::from(place.offset);
        let mut position = from;
        while position <= until && !page.is_full() {
            let ahead = size.bytes.saturating_sub(page.bytes) as u64 / 8 * 9;
            let Some(found) = cursor.read(offset, ahead)? else {
                let Some(next) = self.segments.get(cursor.segment() + 1) else { break };
                cursor = Cursor::new(next);
                offset = crate::log::segment::HEADER_BYTES as u64;
                continue;
            };
            if let What::Event(event) = found.what {
                if event.position() != position {
                    return Err(cursor.misplaced(offset).into());
                }
                position = position.next();
                page.push(event);
            }
            offset = found.next;
        }
        if position <= until && !page.is_full() {
            return Err(cursor.misplaced(offset).into());
        }
        Ok(page.events)
    }

    /// A page of the log, newest first: from a position down.
    pub fn log_backwards(&self, from: Position, size: PageSize) -> Result<Vec<StoredEvent>, Error> {
        let Some(start) = self.index.segment_start(from) else { return Ok(Vec::new()) };
        let count = BACKWARDS_EVENTS.min(size.events).min((from.0 - start.0 + 1) as usize);
        let places = self.index.places(Position(from.0 + 1 - count as u64), count)?;
        let Some(last) = places.last() else { return Ok(Vec::new()) };
        let span = |place: &Place| u64::from(last.offset - place.offset);
        let first = places.iter().position(|place| span(place) < size.bytes as u64).unwrap_or(places.len() - 1);
        let mut cursor = self.cursor(last.segment)?;
        let mut events = Vec::with_capacity(places.len() - first);
        for place in &places[first..] {
            events.push(self.event_in(&mut cursor, *place, span(place) + GAP_BYTES)?);
        }
        let expected = (from.0 + 1 - events.len() as u64)..=from.0;
        if !events.iter().map(|event| event.position().0).eq(expected) {
            return Err(cursor.misplaced(u64::from(last.offset)).into());
        }
        events.reverse();
        Ok(events)
    }

    /// Where a stream ends; `None` when it has no event.
    pub fn stream_head(&self, stream: &StreamName) -> Result<Option<StreamHead>, Error> {
        self.stream_head_at(stream, Position(u64::MAX))
    }

    /// Where a stream ended when the log ended at `until`.
    pub fn stream_head_at(&self, stream: &StreamName, until: Position) -> Result<Option<StreamHead>, Error> {
        let term = self.index.terms().stream(stream.as_str());
        for located in self.index.locate(term) {
            let located = located?;
            let mut cursor = self.cursor(located.segment())?;
            for index in (0..located.count).rev() {
                let event = self.nth(&mut cursor, &located, index)?;
                if event.stream() == stream.as_str() && event.position() <= until {
                    return Ok(Some(StreamHead { revision: event.revision(), position: event.position() }));
                }
            }
        }
        Ok(None)
    }

    /// A page of a stream, oldest first: from a revision up to the position `until`, inclusive. Empty
    /// when there is nothing (yet).
    pub fn stream_forwards(
        &self,
        stream: &StreamName,
        from: Revision,
        until: Position,
        size: PageSize,
    ) -> Result<Vec<StoredEvent>, Error> {
        let term = self.index.terms().stream(stream.as_str());
        let mut page = Page::new(size);
        let Some((located, mut skip)) = self.seek(stream, term, from)? else { return Ok(page.events) };
        let mut cursor = self.cursor(located.segment())?;
        loop {
            let places = self.index.places_of(&located, skip, PLACES.min(size.events.saturating_mul(2)))?;
            let mut run_end = 0;
            for (index, place) in places.iter().enumerate() {
                let offset = u64::from(place.offset);
                let ahead = if offset < run_end { 0 } else { run_bytes(&places[index..], size.bytes) };
                run_end = run_end.max(offset + ahead);
                let event = self.event_in(&mut cursor, *place, ahead)?;
                if event.stream() != stream.as_str() || event.revision() < from {
                    continue;
                }
                if page.is_full() || event.position() > until {
                    return Ok(page.events);
                }
                if event.revision().0 != from.0 + page.events.len() as u64 {
                    return Err(cursor.misplaced(u64::from(place.offset)).into());
                }
                page.push(event);
            }
            if places.is_empty() || page.is_full() {
                return Ok(page.events);
            }
            skip += places.len();
        }
    }

    /// A page of a stream, newest first: from a revision down.
    pub fn stream_backwards(
        &self,
        stream: &StreamName,
        from: Revision,
        size: PageSize,
    ) -> Result<Vec<StoredEvent>, Error> {
        let term = self.index.terms().stream(stream.as_str());
        let Some((located, guess)) = self.seek(stream, term, from)? else { return Ok(Vec::new()) };
        let mut cursor = self.cursor(located.segment())?;
        let mut page = Page::new(size);
        let mut index = guess;
        while !self.is_event(&self.nth(&mut cursor, &located, index)?, stream, from) {
            index += 1;
        }
        let mut end = index + 1;
        while end > 0 && !page.is_full() {
            let start = end.saturating_sub(PLACES.min(size.events.saturating_mul(2)));
            let places = self.index.places_of(&located, start, end - start)?;
            for place in places.iter().rev() {
                let event = self.event_in(&mut cursor, *place, 0)?;
                if event.stream() == stream.as_str() && !page.is_full() {
                    page.push(event);
                }
            }
            end = start;
        }
        Ok(page.events)
    }

    /// Names of streams that are not below `from`, sorted; at most `most`.
    pub fn stream_names(&self, from: &str, most: usize) -> Result<Vec<String>, Error> {
        Ok(self.index.stream_names(from, most)?)
    }

    /// A control record.
    pub fn control(&self, place: Place) -> Result<(crate::log::Kind, u16, bytes::Bytes), Error> {
        let mut cursor = self.cursor(place.segment)?;
        match cursor.read(u64::from(place.offset), 0)?.map(|found| found.what) {
            Some(What::Control(kind, name_bytes, bytes)) => Ok((kind, name_bytes, bytes)),
            _ => Err(cursor.misplaced(u64::from(place.offset)).into()),
        }
    }

    /// The segment that holds a revision of a stream, and about where in the stream's list: there or
    /// before. Revisions ascend from segment to segment, so the search halves what is left; but first it looks
    /// at the end, where most streams are read from.
    fn seek(&self, stream: &StreamName, term: Term, revision: Revision) -> Result<Option<(Located, usize)>, Error> {
        let spread = self.index.spread(term);
        let mut left: Vec<usize> = (0..spread.count()).collect();
        let mut turn = if revision == Revision::FIRST { 0 } else { left.len().saturating_sub(1) };
        let mut found = None;
        while let Some(place) = left.get(turn) {
            match self.first_in(&spread, *place, stream)? {
                None => {
                    left.remove(turn);
                }
                Some((_, _, first)) if first > revision => left.truncate(turn),
                Some((located, index, first)) => {
                    found = Some((located, index + (revision.0 - first.0) as usize));
                    left.drain(..=turn);
                    if first == revision {
                        break;
                    }
                }
            }
            turn = left.len() / 2;
        }
        Ok(found.filter(|(located, guess)| *guess < located.count))
    }

    /// The first event of a stream in a segment that may have some: where in the list it is, and its revision.
    fn first_in(
        &self,
        spread: &Spread<'_>,
        place: usize,
        stream: &StreamName,
    ) -> Result<Option<(Located, usize, Revision)>, Error> {
        let Some(located) = spread.locate(place)? else { return Ok(None) };
        let mut cursor = self.cursor(located.segment())?;
        for index in 0..located.count {
            let event = self.nth(&mut cursor, &located, index)?;
            if event.stream() == stream.as_str() {
                let first = event.revision();
                return Ok(Some((located, index, first)));
            }
        }
        Ok(None)
    }

    fn is_event(&self, event: &StoredEvent, stream: &StreamName, revision: Revision) -> bool {
        event.stream() == stream.as_str() && event.revision() == revision
    }

    fn nth(&self, cursor: &mut Cursor, located: &Located, index: usize) -> Result<StoredEvent, Error> {
        let places = self.index.places_of(located, index, 1)?;
        let Some(place) = places.first() else { return Err(cursor.misplaced(0).into()) };
        self.event_in(cursor, *place, 0)
    }

    pub(super) fn cursor(&self, segment: u32) -> Result<Cursor, Error> {
        Ok(Cursor::new(self.segments.get(segment).ok_or(Error::EventNotFound)?))
    }

    pub(super) fn event_in(&self, cursor: &mut Cursor, place: Place, ahead: u64) -> Result<StoredEvent, Error> {
        let offset = u64::from(place.offset);
        match cursor.read(offset, ahead)?.map(|found| found.what) {
            Some(What::Event(event)) => Ok(event),
            _ => Err(cursor.misplaced(offset).into()),
        }
    }
}

/// How much is worth reading at once to have the first of these records and those close behind it.
pub(super) fn run_bytes(places: &[Place], most: usize) -> u64 {
    let first = u64::from(places[0].offset);
    let mut end = first;
    for pair in places.windows(2) {
        let next = u64::from(pair[1].offset);
        if next - u64::from(pair[0].offset) > GAP_BYTES || next - first > most as u64 {
            break;
        }
        end = next;
    }
    end - first + if end == first { 1 } else { GAP_BYTES / 8 }
}
