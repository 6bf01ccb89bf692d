//! What the clients were told, written down before they ask for anything more.
//!
//! It lives in the process of the test, which nobody kills.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use quipu_client::{Appended, Error, Expected};
use tokio::sync::watch;

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
}

/// Everything that clients were told, shared by them.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    appends: Mutex<Vec<Tried>>,
    /// The revisions of acknowledged snapshots, oldest first.
    snapshots: Mutex<HashMap<String, Vec<u64>>>,
    pub(crate) answers: watch::Sender<Answers>,
}

impl Witness {
    /// Takes down an append before it is sent, and gives it its number.
    pub(crate) fn propose(&self, stream: &str, expected: Expected, size: u64) -> u64 {
        let mut appends = self.appends();
        appends.push(Tried { stream: stream.into(), expected, size, outcome: Outcome::Unknown });
        appends.len() as u64 - 1
    }

    /// Takes down what became of it.
    pub(crate) fn answered(&self, append: u64, answer: &Result<Appended, Error>) -> Answer {
        let (outcome, answer) = match answer {
            Ok(appended) => {
                let (first_revision, first_position) = (appended.first_revision, appended.first_position);
                (Outcome::In { first_revision, first_position }, Answer::In(*appended))
            }
            Err(Error::WrongExpectedRevision { actual, .. }) => (Outcome::Out, Answer::Out(*actual)),
            Err(error) if is_gone(error) => return Answer::Gone,
            Err(error) => panic!("append {append} failed in a way that no kill explains: {error:?}"),
        };
        let size = {
            let tried = &mut self.appends()[usize::try_from(append).expect("a place in memory")];
            tried.outcome = outcome;
            tried.size
        };
        self.answers.send_modify(|answers| {
            if outcome == Outcome::Out {
                answers.refused += 1;
            } else {
                answers.acknowledged += 1;
                answers.events += size;
            }
        });
        answer
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

/// Whether an error tells that the connection broke, and not that the server said something.
pub(crate) fn is_gone(error: &Error) -> bool {
    matches!(error, Error::Unavailable(fault) if fault.reason.is_none())
        || matches!(error, Error::Connect { .. } | Error::Ended)
}
