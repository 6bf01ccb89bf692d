//! Repeats: requests whose events went in before.
//!
//! A repeat gets the first answer again. It is recognised by the ids of its events: among the newest events
//! whatever it asked for, and in the stream itself where it named an exact revision or no stream.

use super::Error;
use super::group::Knowledge;
use super::heads::Known;
use super::read::PageSize;
use super::transaction::{Append, Appended, Transacted, Transaction};
use crate::log::{StoredEvent, record};
use crate::model::event::same_content;
use crate::model::{EventId, ExpectedRevision, Position, ProposedEvent, Revision, StreamName};

/// The verdict on a request with an id that was appended lately, by an event at `first`. All of it was
/// appended before, or it is refused.
pub(super) fn lately(
    known: &Knowledge,
    transaction: &Transaction,
    states: &[Known],
    first: Position,
) -> Result<Transacted, Error> {
    let appends = transaction.appends.iter().zip(states).map(|(append, state)| {
        let by_revision = append_long_ago(known, append, state)?;
        by_revision.map_or_else(|| append_lately(known, append, state, first), Ok)
    });
    Ok(Transacted { appends: appends.collect::<Result<_, _>>()?, deduplicated: true })
}

/// What a request got that was appended before, however long ago; `None` when it was not, as far as the
/// streams themselves tell.
pub(super) fn long_ago(
    known: &Knowledge,
    transaction: &Transaction,
    states: &[Known],
) -> Result<Option<Transacted>, Error> {
    let mut appends = Vec::with_capacity(transaction.appends.len());
    for (append, state) in transaction.appends.iter().zip(states) {
        match append_long_ago(known, append, state)? {
            Some(appended) => appends.push(appended),
            None => return Ok(None),
        }
    }
    Ok((!appends.is_empty()).then_some(Transacted { appends, deduplicated: true }))
}

fn append_lately(known: &Knowledge, append: &Append, state: &Known, first: Position) -> Result<Appended, Error> {
    let conflict = |event: &StoredEvent, id: EventId| {
        let stream = StreamName::from_log(event.stream());
        Err(Error::EventIdConflict { id, stream, position: event.position().0 })
    };
    let mut earlier = Vec::with_capacity(append.events.len());
    for proposed in &append.events {
        let Some(position) = known.ids.get(proposed.id) else {
            let event = known.reader.event_at(first)?;
            let id = event.id().unwrap_or(proposed.id);
            return conflict(&event, id);
        };
        let event = known.reader.event_at(position)?;
        let follows = earlier.last().is_none_or(|last: &StoredEvent| event.revision().0 == last.revision().0 + 1);
        let same = event.stream() == append.stream.as_str() && follows && is_repeat(proposed, &event);
        if !same {
            return conflict(&event, proposed.id);
        }
        earlier.push(event);
    }
    let (Some(first), Some(last)) = (earlier.first(), earlier.last()) else { return Err(Error::EventNotFound) };
    match append.expected {
        ExpectedRevision::Exactly(revision) if first.revision() != Revision::following(Some(revision)) => {
            conflict(first, append.events[0].id)
        }
        // It began the stream, or the stream behind a deletion: the last one, or one before it.
        ExpectedRevision::NoStream if first.revision() > first_of(state) => conflict(first, append.events[0].id),
        ExpectedRevision::Any
        | ExpectedRevision::StreamExists
        | ExpectedRevision::NoStream
        | ExpectedRevision::Exactly(_) => Ok(original(first, last)),
    }
}

/// Where the first event of a stream goes: behind what was deleted.
fn first_of(state: &Known) -> Revision {
    Revision(state.life.as_ref().and_then(|life| life.deleted_before).unwrap_or(0))
}

/// The events of an append may be what follows the revision that it expected. The stream itself knows,
/// however long ago that was.
fn append_long_ago(known: &Knowledge, append: &Append, state: &Known) -> Result<Option<Appended>, Error> {
    let from = match append.expected {
        ExpectedRevision::NoStream => first_of(state),
        ExpectedRevision::Exactly(revision) => Revision(revision.0.saturating_add(1)),
        ExpectedRevision::Any | ExpectedRevision::StreamExists => return Ok(None),
    };
    let until = Revision(from.0.saturating_add(append.events.len() as u64 - 1));
    if state.last().is_none_or(|last| last < until) || !append.events[0].id_is_given {
        return Ok(None);
    }
    let mut earlier: Vec<StoredEvent> = Vec::new();
    while earlier.len() < append.events.len() {
        let next = Revision(from.0 + earlier.len() as u64);
        let size = PageSize { bytes: 1 << 20, events: if earlier.is_empty() { 1 } else { 1000 } };
        let page = known.reader.stream_forwards(&append.stream, next, Position(u64::MAX), size)?;
        if page.is_empty() {
            return Ok(None);
        }
        for event in page {
            let Some(proposed) = append.events.get(earlier.len()) else { break };
            if event.id() != Some(proposed.id) {
                return Ok(None);
            }
            if !is_repeat(proposed, &event) {
                let stream = append.stream.clone();
                return Err(Error::EventIdConflict { id: proposed.id, stream, position: event.position().0 });
            }
            earlier.push(event);
        }
    }
    Ok(Some(original(&earlier[0], &earlier[earlier.len() - 1])))
}

fn is_repeat(proposed: &ProposedEvent, stored: &StoredEvent) -> bool {
    let is_as_long = stored.bytes().len() == record::event_bytes(proposed, stored.stream());
    (is_as_long && stored.bytes().starts_with(&proposed.bytes)) || same_content(&proposed.bytes, stored.bytes())
}

fn original(first: &StoredEvent, last: &StoredEvent) -> Appended {
    Appended {
        first_revision: first.revision(),
        last_revision: last.revision(),
        first_position: first.position(),
        last_position: last.position(),
        deduplicated: true,
    }
}
