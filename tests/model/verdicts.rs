//! The model's verdict on what is asked to go in: appends, guards and checkpoints, all or nothing.

use quipu::model::{ExpectedRevision, Position, Revision};
use quipu::store::Appended;

use crate::guards::{Asked, Guarded};
use crate::offers::Tried;
use crate::plain::Plain;
use crate::run::Wrong;
use crate::wanted::Wanted;

/// Why something is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A stream is not as expected; it is at this revision.
    Expected(String, Option<Revision>),
    /// A stream has a tombstone.
    Gone(String),
    /// A stream has no event.
    Missing(String),
    /// An id is taken.
    Taken,
    /// A guard does not hold.
    Guard(usize, Seen),
    /// A checkpoint is elsewhere.
    Mark(String, Option<u64>),
    /// There is no such checkpoint.
    NoMark(String),
    /// A position lies beyond the head.
    Beyond(u64),
    /// There would be too many checkpoints.
    TooMany,
}

/// What is so where a guard wanted something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    Stream(Option<Revision>),
    Event(u64, String),
    NoEvent,
    Mark(Option<u64>),
}

/// An answer: where each append went, and whether all of it had gone in before.
pub(crate) type Verdict = Result<Vec<Appended>, Refusal>;

impl Plain {
    /// Decides a transaction, and takes it in if it goes in.
    pub(crate) fn transact(&mut self, asked: &Asked) -> Verdict {
        let again: Vec<_> = asked.appends.iter().map(|tried| self.went_in(tried)).collect();
        if !again.is_empty() && again.iter().all(Option::is_some) {
            let repeated = asked.appends.iter().zip(again.into_iter().flatten());
            return Ok(repeated.map(|(tried, first)| self.placed(tried, first, true)).collect());
        }
        let mut offers = asked.appends.iter().flat_map(|tried| &tried.offers);
        if offers.any(|offer| self.recent(offer.id()).is_some()) {
            return Err(Refusal::Taken);
        }
        if let Err(refusal) = self.allows(asked) {
            return Err(if self.is_taken(asked) { Refusal::Taken } else { refusal });
        }
        let appends = asked.appends.iter().map(|tried| self.take_in(tried)).collect();
        for (name, position) in &asked.advances {
            self.marks.insert(name.clone(), (*position, self.time));
        }
        Ok(appends)
    }

    /// Whether everything holds that is asked for.
    fn allows(&self, asked: &Asked) -> Result<(), Refusal> {
        for tried in &asked.appends {
            self.is_as_expected(&tried.stream, tried.expected)?;
            self.is_not_gone(&tried.stream)?;
        }
        let ignored = usize::from(self.wrong == Wrong::Guard);
        for (index, guard) in asked.guards.iter().enumerate().skip(ignored) {
            self.refuted(guard).map_or(Ok(()), |seen| Err(Refusal::Guard(index, seen)))?;
        }
        let mut new = 0;
        for (name, position) in &asked.advances {
            let there = self.marks.get(name).map(|(position, _)| *position);
            if there.is_some_and(|there| there >= *position) {
                return Err(Refusal::Mark(name.clone(), there));
            }
            if *position > self.head() {
                return Err(Refusal::Beyond(*position));
            }
            new += usize::from(there.is_none());
            if there.is_none() && self.marks.len() + new > self.marks_most {
                return Err(Refusal::TooMany);
            }
        }
        Ok(())
    }

    /// What is so instead, when a guard does not hold.
    fn refuted(&self, guard: &Guarded) -> Option<Seen> {
        let newest = |wanted: &Wanted, after: u64| {
            let after = if self.wrong == Wrong::After { after.saturating_sub(1) } else { after };
            let newest = self.meant(wanted).rfind(|at| *at as u64 >= after);
            newest.map(|at| Seen::Event(at as u64 + 1, self.log[at].signs.event_type.clone()))
        };
        match guard {
            Guarded::Stream(name, expected) => (!self.expects(name, *expected)).then(|| Seen::Stream(self.last(name))),
            Guarded::None(wanted, after) => newest(wanted, *after),
            Guarded::Some(wanted, after) => newest(wanted, *after).is_none().then_some(Seen::NoEvent),
            Guarded::Mark(name, position) => {
                let there = self.marks.get(name).map(|(position, _)| *position);
                (there != *position).then_some(Seen::Mark(there))
            }
        }
    }

    pub(crate) fn is_as_expected(&self, stream: &str, expected: ExpectedRevision) -> Result<(), Refusal> {
        let refusal = || Refusal::Expected(stream.to_owned(), self.last(stream));
        if self.expects(stream, expected) { Ok(()) } else { Err(refusal()) }
    }

    pub(crate) fn is_not_gone(&self, stream: &str) -> Result<(), Refusal> {
        if self.life(stream).is_tombstoned { Err(Refusal::Gone(stream.to_owned())) } else { Ok(()) }
    }

    /// Whether a stream is as expected. Deleted, it looks as if it had no event; but its last revision may be
    /// named all the same.
    fn expects(&self, stream: &str, expected: ExpectedRevision) -> bool {
        let is_there = !self.stream(stream).is_empty() && !self.is_deleted(stream);
        match expected {
            ExpectedRevision::Any => true,
            ExpectedRevision::NoStream => !is_there,
            ExpectedRevision::StreamExists => is_there,
            ExpectedRevision::Exactly(revision) => self.last(stream) == Some(revision),
        }
    }

    /// Where an append went, if it did before: where it expected to, or lately.
    fn went_in(&self, tried: &Tried) -> Option<usize> {
        let place = self.place_named(tried).filter(|first| self.says_the_same(tried, *first) == Some(true));
        place.or_else(|| self.lately(tried))
    }

    /// Whether an append names a place where its first event is, or one that says something else.
    fn is_taken(&self, asked: &Asked) -> bool {
        for tried in &asked.appends {
            match self.place_named(tried).and_then(|first| self.says_the_same(tried, first)) {
                Some(true) => {}
                Some(false) => return true,
                None => return false,
            }
        }
        false
    }

    /// The newest place of an id in the window.
    fn recent(&self, id: u128) -> Option<usize> {
        let window = self.log.len().saturating_sub(self.window);
        (window..self.log.len()).rfind(|at| self.log[*at].id == id)
    }

    /// The revision that an append's first event has if it went in as it expected.
    fn place_named(&self, tried: &Tried) -> Option<usize> {
        let first = match tried.expected {
            ExpectedRevision::NoStream => self.life(&tried.stream).deleted_before.unwrap_or(0) as usize,
            ExpectedRevision::Exactly(revision) => usize::try_from(revision.0).ok()?.checked_add(1)?,
            ExpectedRevision::Any | ExpectedRevision::StreamExists => return None,
        };
        let end = first.checked_add(tried.offers.len())?;
        (end <= self.stream(&tried.stream).len()).then_some(first)
    }

    /// Whether the stream's events from a revision on are those of the append. The first that is not
    /// decides: `None` when it has another id, `false` when it has the same and says something else.
    fn says_the_same(&self, tried: &Tried, first: usize) -> Option<bool> {
        for (offer, at) in tried.offers.iter().zip(&self.stream(&tried.stream)[first..]) {
            let entry = &self.log[*at];
            if entry.id != offer.id() {
                return None;
            }
            if (&entry.data, &entry.signs) != (&offer.data, &offer.signs) {
                return Some(false);
            }
        }
        Some(true)
    }

    /// The revision of the first event, if all are in the window, in this stream, one after another, and the
    /// append expected no other place.
    fn lately(&self, tried: &Tried) -> Option<usize> {
        let found: Option<Vec<usize>> = tried.offers.iter().map(|offer| self.recent(offer.id())).collect();
        let found = found?;
        let first = self.log[found[0]].revision as usize;
        for (index, (offer, at)) in tried.offers.iter().zip(&found).enumerate() {
            let entry = &self.log[*at];
            let is_there = entry.stream == tried.stream && entry.revision as usize == first + index;
            if !is_there || (&entry.data, &entry.signs) != (&offer.data, &offer.signs) {
                return None;
            }
        }
        let is_place = match tried.expected {
            ExpectedRevision::Any | ExpectedRevision::StreamExists => true,
            // It began the stream, which may have been deleted since.
            ExpectedRevision::NoStream => first as u64 <= self.life(&tried.stream).deleted_before.unwrap_or(0),
            ExpectedRevision::Exactly(_) => false,
        };
        is_place.then_some(first)
    }

    fn placed(&self, tried: &Tried, first: usize, deduplicated: bool) -> Appended {
        let places = &self.stream(&tried.stream)[first..first + tried.offers.len()];
        Appended {
            first_revision: Revision(first as u64),
            last_revision: Revision((first + places.len() - 1) as u64),
            first_position: Position(places[0] as u64 + 1),
            last_position: Position(places[places.len() - 1] as u64 + 1),
            deduplicated,
        }
    }

    fn take_in(&mut self, tried: &Tried) -> Appended {
        let first = self.stream(&tried.stream).len();
        for offer in &tried.offers {
            let sent = [&offer.event.bytes[..], &offer.added].concat();
            self.put(&tried.stream, offer.id(), &offer.signs, &offer.data, &sent);
        }
        self.placed(tried, first, false)
    }
}
