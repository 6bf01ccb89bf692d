//! What the clients were told, written down before they ask for anything more.
//!
//! It lives in the process of the test, which nobody kills.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard};

use quipu_client::{Appended, Error, Expected};
use tokio::sync::watch;

use crate::chance::Chance;
use crate::checker::{Fault, same_answer};
use crate::events::Found;

/// What a client knows of its append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was acknowledged, or found: its first event is here.
    In { first_revision: u64, first_position: u64 },
    /// It was refused, or not found.
    Out,
    /// No answer came.
    Unknown,
}

/// An append that was tried. Its number is its place among all that were.
#[derive(Debug, Clone)]
pub(crate) struct Tried {
    pub(crate) stream: String,
    pub(crate) expected: Expected,
    pub(crate) size: u64,
    /// The numbers of all appends that went with it, in one transaction; of itself alone if none did.
    pub(crate) parts: Range<u64>,
    /// Whether it was to go in only if none of its events was there.
    pub(crate) guarded: bool,
    pub(crate) outcome: Outcome,
}

/// What an answer means to its writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    In(Appended),
    /// The stream is not as expected; its last revision.
    Out(Option<u64>),
    /// The server is gone.
    Gone,
}

/// How many answers there were.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Answers {
    /// Appends that were acknowledged, and the events in them.
    pub(crate) acknowledged: u64,
    pub(crate) events: u64,
    /// Appends that were refused.
    pub(crate) refused: u64,
    pub(crate) retries: Retries,
}

/// How many requests whose outcome was known were sent again and answered again.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Retries {
    pub(crate) plain: u64,
    pub(crate) guarded: u64,
    pub(crate) transactions: u64,
}

impl Retries {
    pub(crate) fn all(&self) -> u64 {
        self.plain + self.guarded + self.transactions
    }
}

/// Everything that clients were told, shared by them.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    appends: Mutex<Vec<Tried>>,
    /// The revisions of acknowledged snapshots, oldest first.
    snapshots: Mutex<HashMap<String, Vec<u64>>>,
    /// Retries that got another answer than the first try.
    other_answers: Mutex<Vec<Fault>>,
    pub(crate) answers: watch::Sender<Answers>,
}

impl Witness {
    /// Takes down the appends of a request before it is sent, and gives them their numbers.
    pub(crate) fn propose(&self, asked: &[(String, Expected, u64)], guarded: bool) -> Range<u64> {
        let mut appends = self.appends();
        let first = appends.len() as u64;
        let parts = first..first + asked.len() as u64;
        appends.extend(asked.iter().map(|(stream, expected, size)| Tried {
            stream: stream.clone(),
            expected: *expected,
            size: *size,
            parts: parts.clone(),
            guarded,
            outcome: Outcome::Unknown,
        }));
        parts
    }

    /// Takes down what became of a request. The answer is that of its first append.
    pub(crate) fn answered(&self, parts: &Range<u64>, answer: &Result<Vec<Appended>, Error>) -> Answer {
        let (outcomes, answer) = match answer {
            Ok(places) => {
                let place = |it: &Appended| (it.first_revision, it.first_position);
                let is_in = |(first_revision, first_position)| Outcome::In { first_revision, first_position };
                (places.iter().map(|it| is_in(place(it))).collect(), Answer::In(places[0]))
            }
            Err(Error::WrongExpectedRevision { actual, .. }) => {
                (parts.clone().map(|_| Outcome::Out).collect::<Vec<_>>(), Answer::Out(*actual))
            }
            Err(error) if is_gone(error) => return Answer::Gone,
            Err(error) => panic!("request {parts:?} failed in a way that no kill explains: {error:?}"),
        };
        assert_eq!(outcomes.len() as u64, parts.end - parts.start, "each append of {parts:?} is answered");
        let mut events = 0;
        for (tried, outcome) in self.appends()[places(parts)].iter_mut().zip(outcomes) {
            tried.outcome = outcome;
            events += tried.size;
        }
        self.answers.send_modify(|answers| match answer {
            Answer::In(_) => {
                answers.acknowledged += 1;
                answers.events += events;
            }
            Answer::Out(_) | Answer::Gone => answers.refused += 1,
        });
        answer
    }

    /// Takes down the answer to a request that was sent again and is known to be in: it must be the first
    /// one. False when the server is gone.
    pub(crate) fn retried(&self, parts: &Range<u64>, answer: &Result<Vec<Appended>, Error>) -> bool {
        if answer.as_ref().is_err_and(is_gone) {
            return false;
        }
        let tried = self.appends()[places(parts)].to_vec();
        let faults = (parts.clone().zip(&tried).enumerate()).filter_map(|(place, (append, tried))| {
            same_answer(append, tried, answer.as_ref().ok().and_then(|places| places.get(place)))
        });
        self.other_answers.lock().expect("no panic under this lock").extend(faults);
        self.answers.send_modify(|answers| {
            let retries = &mut answers.retries;
            *(match &tried[..] {
                [one] if one.guarded => &mut retries.guarded,
                [_] => &mut retries.plain,
                _ => &mut retries.transactions,
            }) += 1;
        });
        true
    }

    /// Retries that got another answer than the first try, since this was asked last.
    pub(crate) fn other_answers(&self) -> Vec<Fault> {
        std::mem::take(&mut *self.other_answers.lock().expect("no panic under this lock"))
    }

    /// Any request that is known to be in; `None` when there are few. Guarded ones and transactions are as
    /// likely as all others, of which there are more.
    pub(crate) fn any_in(&self, chance: &mut Chance) -> Option<Range<u64>> {
        let appends = self.appends();
        let draws = if appends.is_empty() { 0 } else { 40 };
        let wants_plain = chance.once_in(2);
        (0..draws).find_map(|_| {
            let drawn = usize::try_from(chance.below(appends.len() as u64)).expect("a place in memory");
            let tried = &appends[drawn];
            let is_plain = !tried.guarded && tried.parts.end - tried.parts.start == 1;
            let is_wanted = matches!(tried.outcome, Outcome::In { .. }) && is_plain == wants_plain;
            is_wanted.then(|| tried.parts.clone())
        })
    }

    /// Takes down an acknowledged snapshot.
    pub(crate) fn saved(&self, stream: &str, revision: u64) {
        self.snapshots.lock().expect("no panic under this lock").entry(stream.into()).or_default().push(revision);
    }

    /// All appends.
    pub(crate) fn appends(&self) -> MutexGuard<'_, Vec<Tried>> {
        self.appends.lock().expect("no panic under this lock")
    }

    /// The newest acknowledged snapshots of each stream, so many at most.
    pub(crate) fn newest_snapshots(&self, most: usize) -> Vec<(String, u64)> {
        let snapshots = self.snapshots.lock().expect("no panic under this lock");
        let newest = |(stream, revisions): (&String, &Vec<u64>)| {
            revisions.iter().rev().take(most).map(|revision| (stream.clone(), *revision)).collect::<Vec<_>>()
        };
        snapshots.iter().flat_map(newest).collect()
    }

    /// The last revision of a stream, as far as it was told.
    pub(crate) fn head(&self, stream: &str) -> Option<u64> {
        let last = |tried: &Tried| match tried.outcome {
            Outcome::In { first_revision, .. } if tried.stream == stream => Some(first_revision + tried.size - 1),
            Outcome::In { .. } | Outcome::Out | Outcome::Unknown => None,
        };
        self.appends().iter().filter_map(last).max()
    }

    /// What was shown after a start is told, and what was not shown must not come back. Returns the
    /// appends that were unanswered until now.
    pub(crate) fn settle(&self, log: &[Found]) -> Vec<u64> {
        let firsts = log.iter().filter(|event| event.index == 0);
        let places: HashMap<u64, (u64, u64)> =
            firsts.map(|event| (event.append, (event.revision, event.position))).collect();
        let mut settled = Vec::new();
        for (append, tried) in (0..).zip(self.appends().iter_mut()) {
            if tried.outcome == Outcome::Unknown {
                tried.outcome = match places.get(&append) {
                    Some(&(first_revision, first_position)) => Outcome::In { first_revision, first_position },
                    None => Outcome::Out,
                };
                settled.push(append);
            }
        }
        settled
    }
}

/// Where the appends of a request are in memory.
pub(crate) fn places(parts: &Range<u64>) -> Range<usize> {
    let place = |number| usize::try_from(number).expect("a place in memory");
    place(parts.start)..place(parts.end)
}

/// Whether an error tells that the connection broke, and not that the server said something.
pub(crate) fn is_gone(error: &Error) -> bool {
    matches!(error, Error::Unavailable(fault) if fault.reason.is_none())
        || matches!(error, Error::Connect { .. } | Error::Ended)
}
