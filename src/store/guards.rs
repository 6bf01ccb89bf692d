//! The one evaluator of guards.
//!
//! A guard over a query may have to look at all of history, which the writer never does. So it is judged in
//! two steps: whoever asks looks at the log up to the head, `P`, where that costs nobody else anything; the
//! writer looks at what came after `P`, and at the group in the making.
//!
//! ```text
//!   after              P           head       the group in the making
//!     |-- who asks ----|-- writer --|-- writer --|
//! ```

use std::sync::Arc;

use super::Error;
use super::error::{Actual, Found};
use super::group::{Group, Knowledge};
use super::read::{PageSize, Reader};
use crate::log::StoredEvent;
use crate::model::{Guard, Match, Position, Walk};
use crate::seeded::{Bug, is_planted};

/// What whoever asks has found out about a guard: the newest match up to a position.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    until: Position,
    found: Option<Found>,
}

/// Looks for matches up to the head. Blocks only where the disk must be asked, on a thread for that.
pub(super) async fn judge(reader: &Reader, guards: &[Guard], head: Position) -> Result<Vec<Judged>, Error> {
    let mut judged = Vec::with_capacity(guards.len());
    for guard in guards {
        let found = match guard {
            Guard::NoneMatch(wanted) | Guard::SomeMatch(wanted) => look(reader, wanted, head).await?,
            Guard::Stream { .. } | Guard::Checkpoint { .. } => None,
        };
        judged.push(Judged { until: head, found });
    }
    Ok(judged)
}

async fn look(reader: &Reader, wanted: &Match, head: Position) -> Result<Option<Found>, Error> {
    if wanted.after > head {
        return Err(Error::BeyondEnd { asked: wanted.after.0, last: Some(head.0) });
    }
    let range = wanted.after.next()..=head;
    if !reader.may_match(&wanted.query, &range) {
        return Ok(None);
    }
    let mut rest = Some(range);
    // Piece by piece, so that it ends with whoever asks.
    while let Some(range) = rest {
        let query = Arc::clone(&wanted.query);
        let look = move |reader: &Reader| reader.select(&query, range, Walk::Backwards, PageSize::ONE);
        let piece = reader.aside(look).await?;
        if let Some(event) = piece.events.first() {
            return Ok(Some(found(event)));
        }
        rest = piece.rest;
    }
    Ok(None)
}

fn found(event: &StoredEvent) -> Found {
    Found { position: event.position(), event_type: event.labels().event_type.to_owned() }
}

impl Group {
    /// Decides every guard of a request against what is committed and what this group holds.
    pub(super) fn check_guards(
        &mut self,
        known: &mut Knowledge,
        guards: &[Guard],
        judged: &[Judged],
    ) -> Result<(), Error> {
        for (index, (guard, judged)) in guards.iter().zip(judged).enumerate() {
            let actual = match guard {
                Guard::Stream { stream, expected } => {
                    let state = self.state(known, stream)?;
                    let actual = state.last();
                    let expected = *expected;
                    (!state.holds(expected)).then(|| Actual::Stream { stream: stream.clone(), expected, actual })
                }
                Guard::NoneMatch(wanted) => self.newest_match(known, wanted, judged)?.map(Actual::Event),
                Guard::SomeMatch(wanted) => match self.newest_match(known, wanted, judged)? {
                    None => Some(Actual::NoEvent),
                    Some(_) => None,
                },
                Guard::Checkpoint { name, position } => {
                    let actual = self.checkpoint(known, name).map(|checkpoint| checkpoint.position);
                    let expected = *position;
                    (actual != expected).then(|| Actual::Checkpoint { name: name.clone(), expected, actual })
                }
            };
            if let Some(actual) = actual.filter(|_| !is_planted(Bug::GuardSkipped)) {
                return Err(Error::GuardNotMet { index, actual, head: self.head() });
            }
        }
        Ok(())
    }

    /// The newest match there is: in this group, behind what was judged before, or there.
    fn newest_match(&mut self, known: &Knowledge, wanted: &Match, judged: &Judged) -> Result<Option<Found>, Error> {
        if is_planted(Bug::GuardNotLookedAtAgain) {
            return Ok(judged.found.clone());
        }
        if let Some(found) = self.staged.newest_match(&self.draft, &wanted.query, &known.reader) {
            return Ok(Some(found));
        }
        let from = judged.until.max(wanted.after).next();
        let range = from..=self.first_position.before();
        if known.reader.may_match(&wanted.query, &range)
            && let Some(event) = known.reader.newest_match(&wanted.query, range)?
        {
            return Ok(Some(found(&event)));
        }
        Ok(judged.found.clone())
    }
}
