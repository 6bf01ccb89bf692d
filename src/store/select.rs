//! Events by query and by time.
//!
//! The index says which events may match, the events themselves say which do. Everything here blocks on the
//! disk and is called from threads that may.

use std::ops::RangeInclusive;

use super::Error;
use super::read::{Page, PageSize, Reader, run_bytes};
use crate::log::{Place, StoredEvent};
use crate::model::{Position, Query, Revision, StreamName, Timestamp, Walk};

/// How many events are looked at before a page is given out as it is, so that nobody waits for long and a
/// reader that has gone is noticed.
const LOOKED_AT_MAX: usize = 16 << 10;

/// How many candidates are asked for at first; then twice as many each time.
const CANDIDATES_MIN: usize = 4;
const CANDIDATES_MAX: usize = 512;

/// What a look at a range of positions found.
#[derive(Debug)]
pub struct Selection {
    /// Events that match, in the order of the walk.
    pub events: Vec<StoredEvent>,
    /// What is left of the range; `None` when nothing is.
    pub rest: Option<RangeInclusive<Position>>,
}

impl Reader {
    /// A page of the events in a range of positions that match, in the order of the walk. The range ends at
    /// the head or before it. The page may be empty although more is to come.
    pub fn select(
        &self,
        query: &Query,
        range: RangeInclusive<Position>,
        walk: Walk,
        size: PageSize,
    ) -> Result<Selection, Error> {
        if range.is_empty() {
            return Ok(Selection { events: Vec::new(), rest: None });
        }
        let plan = self.index.plan(query);
        if plan.is_everything() {
            return self.sift(query, range, walk, size);
        }
        let mut page = Page::new(size);
        let mut looked_at = 0;
        let mut rest = Some(range);
        while let Some(range) = rest.take() {
            let Some(mut candidates) = self.index.candidates(&plan, &range, walk)? else { break };
            let mut cursor = self.cursor(candidates.segment())?;
            let mut wanted = CANDIDATES_MIN;
            rest = behind(&range, candidates.beyond(), walk);
            loop {
                let found = candidates.next(wanted.min(size.events.saturating_mul(2)))?;
                let Some((last, _)) = found.last() else { break };
                let after = behind(&range, step(*last, walk), walk);
                let places: Vec<Place> = found.iter().map(|(_, place)| *place).collect();
                let mut run_end = 0;
                for (index, (position, place)) in found.iter().enumerate() {
                    let offset = u64::from(place.offset);
                    let is_ahead = walk == Walk::Forwards && offset >= run_end;
                    let ahead = if is_ahead { run_bytes(&places[index..], size.bytes) } else { 0 };
                    run_end = run_end.max(offset + ahead);
                    let event = self.event_in(&mut cursor, *place, ahead)?;
                    if event.position() != *position {
                        return Err(cursor.misplaced(offset).into());
                    }
                    if is_meant(query, &event) {
                        page.push(event);
                    }
                    if page.is_full() {
                        return Ok(Selection {
                            events: page.events,
                            rest: behind(&range, step(*position, walk), walk),
                        });
                    }
                }
                looked_at += found.len();
                if looked_at >= LOOKED_AT_MAX {
                    return Ok(Selection { events: page.events, rest: after });
                }
                wanted = (wanted * 2).min(CANDIDATES_MAX);
            }
        }
        Ok(Selection { events: page.events, rest })
    }

    /// The newest event in a range of positions that matches.
    pub(super) fn newest_match(
        &self,
        query: &Query,
        range: RangeInclusive<Position>,
    ) -> Result<Option<StoredEvent>, Error> {
        let one = PageSize { bytes: 1 << 20, events: 1 };
        let mut rest = Some(range);
        while let Some(range) = rest {
            let found = self.select(query, range, Walk::Backwards, one)?;
            if let Some(event) = found.events.into_iter().next() {
                return Ok(Some(event));
            }
            rest = found.rest;
        }
        Ok(None)
    }

    /// Whether an event in a range of positions may match, as far as memory tells. Does not block.
    pub(super) fn may_match(&self, query: &Query, range: &RangeInclusive<Position>) -> bool {
        !range.is_empty() && self.index.may_match(&self.index.plan(query), range)
    }

    /// The position of the first event that was committed at `time` or later; the one behind the head when
    /// there is none.
    pub fn position_at(&self, time: Timestamp, head: Position) -> Result<Position, Error> {
        // The index may know of events that are not seen yet.
        let (low, high) = self.index.around(time)?;
        let (mut low, mut high) = (low.min(head.next()), high.min(head.next()));
        while low < high {
            let middle = Position(low.0 + (high.0 - low.0) / 2);
            if self.event_at(middle)?.recorded_at() < time { low = middle.next() } else { high = middle }
        }
        Ok(low)
    }

    /// Where a read begins that begins at a time: with the first event committed then or later; backwards,
    /// with the last event committed then or before.
    pub fn position_from(&self, time: Timestamp, walk: Walk, head: Position) -> Result<Position, Error> {
        match walk {
            Walk::Forwards => self.position_at(time, head),
            Walk::Backwards => Ok(self.position_at(time.next(), head)?.before()),
        }
    }

    /// Between which positions the events of a stream with these revisions lie; `None` when there are none.
    pub fn positions(
        &self,
        stream: &StreamName,
        revisions: RangeInclusive<u64>,
        head: Position,
    ) -> Result<Option<RangeInclusive<u64>>, Error> {
        if revisions.is_empty() {
            return Ok(None);
        }
        let one = PageSize { bytes: 1, events: 1 };
        let position = |revision| {
            let page = self.stream_forwards(stream, Revision(revision), head, one)?;
            Ok::<_, Error>(page.first().ok_or(Error::EventNotFound)?.position().0)
        };
        Ok(Some(position(*revisions.start())?..=position(*revisions.end())?))
    }

    /// Takes every event of a page and keeps those that match.
    fn sift(
        &self,
        query: &Query,
        range: RangeInclusive<Position>,
        walk: Walk,
        size: PageSize,
    ) -> Result<Selection, Error> {
        // How many match is not known: no more than a page is read for them.
        let events = if query.items().is_none() { size.events.max(64) } else { usize::MAX };
        let sieve = PageSize { events, ..size };
        let mut events = match walk {
            Walk::Forwards => self.log_forwards(*range.start(), *range.end(), sieve)?,
            Walk::Backwards => self.log_backwards(*range.end(), sieve)?,
        };
        let mut last = events.last().ok_or(Error::EventNotFound)?.position();
        let is_inside = |event: &StoredEvent| range.contains(&event.position());
        events.retain(|event| is_inside(event) && is_meant(query, event));
        if events.len() > size.events {
            events.truncate(size.events);
            last = events.last().map_or(last, StoredEvent::position);
        }
        Ok(Selection { events, rest: behind(&range, step(last, walk), walk) })
    }
}

/// Whether a query means a stored event. Its fields are walked only where the query asks for one.
pub(super) fn is_meant(query: &Query, event: &StoredEvent) -> bool {
    match query.items() {
        None => query.include_system || !event.is_system(),
        Some(_) => query.matches(&event.labels()),
    }
}

/// The place behind a position.
fn step(position: Position, walk: Walk) -> Position {
    match walk {
        Walk::Forwards => position.next(),
        Walk::Backwards => position.before(),
    }
}

/// What of a range lies at a position and beyond it.
fn behind(range: &RangeInclusive<Position>, position: Position, walk: Walk) -> Option<RangeInclusive<Position>> {
    let rest = match walk {
        Walk::Forwards => position..=*range.end(),
        Walk::Backwards => *range.start()..=position,
    };
    (!rest.is_empty()).then_some(rest)
}
