//! Appends: fresh ones with right and wrong guards, retries, and what only looks like a retry.

use quipu::model::{ExpectedRevision, Revision};
use quipu::store::{Appended, Error};

use crate::chance::Chance;
use crate::checked::{Checked, holds, same};
use crate::offers::{Offer, Tried, any_data};
use crate::plain::{Plain, Refusal};
use crate::run::Run;

/// Streams that are appended to again and again. Some names begin as others do; `$` marks one of the
/// store's own.
const STREAMS: [&str; 8] = ["a", "ab", "a-1", "b", "é", "b\u{10ffff}", "$audit", "A"];

/// A stream, most often one of a few.
pub(crate) fn any_stream(chance: &mut Chance) -> String {
    match chance.below(12) {
        0 => format!("n-{}", chance.below(60)),
        1..4 => STREAMS[chance.below(STREAMS.len() as u64) as usize].to_owned(),
        _ => STREAMS[chance.below(3) as usize].to_owned(),
    }
}

/// What may be expected of a stream that ends here: right, stale, or far ahead.
fn any_expected(chance: &mut Chance, last: Option<Revision>) -> ExpectedRevision {
    let end = last.map_or(0, |last| last.0);
    match chance.below(12) {
        0..3 => ExpectedRevision::Any,
        3 => ExpectedRevision::NoStream,
        4 => ExpectedRevision::StreamExists,
        5 => ExpectedRevision::Exactly(Revision(chance.below(end + 1))),
        6 => ExpectedRevision::Exactly(Revision(end + 1 + chance.below(3))),
        7 if chance.once_in(2) => ExpectedRevision::Exactly(Revision(u64::MAX - chance.below(2))),
        _ => last.map_or(ExpectedRevision::NoStream, ExpectedRevision::Exactly),
    }
}

fn fresh(chance: &mut Chance, plain: &Plain, stream: String) -> Tried {
    let count = if chance.once_in(15) { 12 } else { 1 + chance.below(4) };
    let offers = (0..count).map(|_| Offer::fresh(chance)).collect();
    Tried { expected: any_expected(chance, plain.last(&stream)), stream, offers }
}

/// An append that was tried before, or something like it.
fn again(chance: &mut Chance, plain: &Plain, before: &[Tried]) -> Tried {
    let count = before.len() as u64;
    let back = if chance.once_in(2) { chance.below(count.min(5)) } else { chance.below(count) };
    let mut tried = before[(count - 1 - back) as usize].once_more(chance);
    let middle = chance.below(tried.offers.len() as u64) as usize;
    match chance.below(14) {
        0 => tried.expected = any_expected(chance, plain.last(&tried.stream)),
        1 => tried.expected = ExpectedRevision::Any,
        2 | 3 => tried.expected = as_it_went_in(plain, &tried),
        4 => tried.stream = any_stream(chance),
        5 => tried.offers[middle] = Offer::of(tried.offers[middle].id(), any_data(chance), chance),
        6 => tried.offers.truncate(middle + 1),
        7 => drop(tried.offers.drain(..middle)),
        8 => tried.offers.push(Offer::fresh(chance)),
        9 => tried.offers.insert(middle, Offer::fresh(chance)),
        10 => tried.offers.reverse(),
        11 => tried.offers.extend(before[chance.below(count) as usize].once_more(chance).offers),
        _ => {}
    }
    tried.without_doubles()
}

/// The guard that an append would have passed by when its first event went in.
fn as_it_went_in(plain: &Plain, tried: &Tried) -> ExpectedRevision {
    let first = plain.log.iter().find(|entry| entry.id == tried.offers[0].id());
    let before = first.and_then(|entry| entry.revision.checked_sub(1));
    before.map_or(ExpectedRevision::NoStream, |revision| ExpectedRevision::Exactly(Revision(revision)))
}

/// Compares an answer with the model's.
fn compare(
    plain: &Plain,
    tried: &Tried,
    answer: &Result<Appended, Error>,
    model: &Result<Appended, Refusal>,
) -> Checked {
    let wrong = || Err(format!("{}: the store says {answer:?}, the model {model:?}", tried.told()));
    match (answer, model) {
        (Ok(answer), Ok(model)) if answer == model => Ok(()),
        (Err(Error::WrongExpectedRevision { stream, expected, actual, .. }), Err(Refusal::Guard(last))) => {
            same("the stream refused", &stream.as_str(), &tried.stream.as_str())?;
            same("the revision expected", expected, &tried.expected)?;
            same("the actual revision", actual, last)
        }
        (Err(Error::EventIdConflict { id, stream, position }), Err(Refusal::Taken)) => {
            holds(tried.offers.iter().any(|offer| offer.event.id == *id), || format!("{id} is not in the append"))?;
            let entry = (*position as usize).checked_sub(1).and_then(|at| plain.log.get(at));
            let holder = entry.map(|entry| (entry.id, entry.stream.as_str()));
            same("who holds the id", &Some((id.0, stream.as_str())), &holder)
        }
        _ => wrong(),
    }
}

impl Run {
    /// One append.
    pub(crate) fn append(&mut self) -> Checked {
        let tried = if self.tried.is_empty() || self.chance.once_in(2) {
            let stream = any_stream(&mut self.chance);
            fresh(&mut self.chance, &self.plain, stream)
        } else {
            again(&mut self.chance, &self.plain, &self.tried)
        };
        self.note(tried.told());
        let answer = self.runtime.block_on(self.store.append(tried.append()));
        self.plain.tick(self.time.now());
        let model = self.plain.append(&tried);
        compare(&self.plain, &tried, &answer, &model)?;
        self.tried.push(tried);
        Ok(())
    }

    /// Many appends that do not wait for each other: they share blocks, and build on each other. A copy
    /// of one among them is answered as if it had come later.
    pub(crate) fn burst(&mut self) -> Checked {
        let is_crowd = self.chance.once_in(8);
        let count = if is_crowd { 90 } else { 2 + self.chance.below(10) };
        // A copy waits for the next block, and the window may by then have moved on.
        let has_copies = count * 12 <= self.plain.window as u64;
        self.note(format!("{count} appends at once, copies: {has_copies}"));
        let mut pending: Vec<(Tried, _, _)> = Vec::new();
        self.plain.tick(self.time.now());
        for number in 0..count {
            let crowd = self.plain.head() + number;
            let stream = if is_crowd { format!("crowd-{crowd}") } else { any_stream(&mut self.chance) };
            let mut tried = match pending.last() {
                Some((copied, ..)) if has_copies && self.chance.once_in(4) => copied.once_more(&mut self.chance),
                _ => fresh(&mut self.chance, &self.plain, stream),
            };
            if is_crowd {
                tried.offers.truncate(1);
            }
            let model = self.plain.append(&tried);
            let answer = self.runtime.block_on(self.store.append_in_turn(tried.append()));
            pending.push((tried, model, answer.map_err(|error| format!("a burst was refused: {error}"))?));
        }
        for (tried, model, answer) in pending {
            let answer = self.runtime.block_on(answer).map_err(|_| "an answer never came".to_owned())?;
            compare(&self.plain, &tried, &answer, &model)?;
            self.tried.push(tried);
        }
        Ok(())
    }
}
