//! Appends: fresh ones with right and wrong guards, retries, and what only looks like a retry.

use quipu::model::{ExpectedRevision, Revision};

use crate::chance::Chance;
use crate::checked::Checked;
use crate::offers::{Offer, Tried, any_data, any_signs};
use crate::plain::Plain;
use crate::run::Run;

/// Streams that are appended to again and again. Some names begin as others do; `$` marks one of the
/// store's own.
const STREAMS: [&str; 11] = ["a", "ab", "a-1", "a-1-x", "a-2", "b", "é", "b\u{10ffff}", "$audit", "A", "-a"];

/// A stream, most often one of a few.
pub(crate) fn any_stream(chance: &mut Chance) -> String {
    match chance.below(12) {
        0 => format!("n-{}", chance.below(60)),
        1..4 => STREAMS[chance.below(STREAMS.len() as u64) as usize].to_owned(),
        _ => STREAMS[chance.below(4) as usize].to_owned(),
    }
}

/// What may be expected of a stream that ends here: right, stale, or far ahead.
pub(crate) fn any_expected(chance: &mut Chance, last: Option<Revision>) -> ExpectedRevision {
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

/// An append of new events.
pub(crate) fn fresh(chance: &mut Chance, plain: &Plain, stream: String) -> Tried {
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
        5 => tried.offers[middle] = otherwise(&tried.offers[middle], chance),
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

/// An event of the same id that says something else: other data, or other labels.
fn otherwise(offer: &Offer, chance: &mut Chance) -> Offer {
    if chance.once_in(2) {
        return Offer::of(offer.id(), offer.signs.clone(), any_data(chance), chance);
    }
    let signs = any_signs(chance);
    Offer::of(offer.id(), signs, offer.data.clone(), chance)
}

/// The guard that an append would have passed by when its first event went in.
fn as_it_went_in(plain: &Plain, tried: &Tried) -> ExpectedRevision {
    let first = plain.log.iter().find(|entry| entry.id == tried.offers[0].id());
    let before = first.and_then(|entry| entry.revision.checked_sub(1));
    before.map_or(ExpectedRevision::NoStream, |revision| ExpectedRevision::Exactly(Revision(revision)))
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
        self.ask(tried.into())
    }
}
