//! The history of a run in the making, shared by all of its clients. It lives in the process of the campaign,
//! which nobody kills.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use quipu_client::{Appended, Client, Error};
use quipu_proof::history::{Append, Event, History, Outcome, Refusal, Ticket};
use tokio::sync::watch;

use crate::chance::Chance;
use crate::speech::{is_gone, outcome, send};

/// What an answer means to whoever asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is in: where each of its parts is.
    In(Vec<Appended>),
    /// It is not.
    Out(Refusal),
    /// The server is gone.
    Gone,
}

/// How many answers there were.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Answers {
    pub(crate) acknowledged: u64,
    pub(crate) events: u64,
    pub(crate) refused: u64,
    pub(crate) no_room: u64,
    /// Of requests that were known to be in and were sent again.
    pub(crate) retries: u64,
    /// The highest position that was acknowledged.
    pub(crate) head: u64,
}

/// What all clients of a life write to.
#[derive(Debug)]
pub(crate) struct Recorder {
    begun: Instant,
    history: Mutex<History>,
    /// Answers that no fault explains.
    surprises: Mutex<Vec<String>>,
    /// Whether the server's disk is failing by now, so that whatever error it answers with is right.
    is_failing: AtomicBool,
    /// The last revisions of streams, as the last start showed them and answers told since.
    heads: Mutex<HashMap<String, u64>>,
    pub(crate) answers: watch::Sender<Answers>,
}

impl Recorder {
    /// Nothing has happened yet.
    pub(crate) fn new(snapshots_kept: usize) -> Self {
        Self {
            begun: Instant::now(),
            history: Mutex::new(History { snapshots_kept, ..History::default() }),
            surprises: Mutex::default(),
            is_failing: AtomicBool::new(false),
            heads: Mutex::default(),
            answers: watch::Sender::default(),
        }
    }

    /// This moment.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).expect("a run of less than five hundred years")
    }

    pub(crate) fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().expect("no panic under this lock")
    }

    /// Takes down what no fault explains.
    pub(crate) fn surprise(&self, what: String) {
        self.surprises.lock().expect("no panic under this lock").push(what);
    }

    /// From now on the server's disk fails, or does no more.
    pub(crate) fn disk_fails(&self, is_failing: bool) {
        self.is_failing.store(is_failing, Ordering::SeqCst);
    }

    /// Whether the server's disk fails.
    pub(crate) fn has_failing_disk(&self) -> bool {
        self.is_failing.load(Ordering::SeqCst)
    }

    /// Takes down an error, unless it only tells that the server or its disk is gone.
    pub(crate) fn failed(&self, what: &str, error: &Error) {
        if !is_gone(error) && !self.has_failing_disk() {
            self.surprise(format!("{what}: {error:?}"));
        }
    }

    pub(crate) fn take_surprises(&self) -> Vec<String> {
        std::mem::take(&mut *self.surprises.lock().expect("no panic under this lock"))
    }

    /// Takes over where streams end.
    pub(crate) fn learn(&self, log: &[Event]) {
        let mut heads = self.heads.lock().expect("no panic under this lock");
        heads.extend(log.iter().map(|event| (event.stream.clone(), event.revision)));
    }

    /// The last revision of a stream, as far as it is known.
    pub(crate) fn head_of(&self, stream: &str) -> Option<u64> {
        self.heads.lock().expect("no panic under this lock").get(stream).copied()
    }

    /// Makes a request, takes it down before it is sent, and its answer.
    pub(crate) async fn ask(&self, client: &Client, append: Append) -> Answer {
        let (append, ticket) = {
            let mut history = self.history();
            let number = history.propose(append);
            let ticket = history.invoke(number, self.now());
            (history.appends[number].clone(), ticket)
        };
        let answer = send(client, &append).await;
        self.answered(ticket, &append, &answer)
    }

    /// Takes down a request that goes its own way.
    pub(crate) fn begin(&self, append: Append) -> Ticket {
        let mut history = self.history();
        let number = history.propose(append);
        history.invoke(number, self.now())
    }

    /// Takes down the first answer to a request.
    pub(crate) fn answered(&self, ticket: Ticket, append: &Append, answer: &Result<Vec<Appended>, Error>) -> Answer {
        let meaning = self.take_down(ticket, append, answer);
        self.answers.send_modify(|answers| match &meaning {
            Answer::In(_) => {
                answers.acknowledged += 1;
                answers.events += append.events().count() as u64;
                let last = answer.iter().flatten().map(|place| place.last_position).max();
                answers.head = answers.head.max(last.unwrap_or_default());
            }
            Answer::Out(Refusal::NoRoom) => answers.no_room += 1,
            Answer::Out(_) => answers.refused += 1,
            Answer::Gone => {}
        });
        meaning
    }

    fn take_down(&self, ticket: Ticket, append: &Append, answer: &Result<Vec<Appended>, Error>) -> Answer {
        let outcome = outcome(answer);
        self.history().answer(ticket, self.now(), outcome.clone());
        let mut heads = self.heads.lock().expect("no panic under this lock");
        for (part, place) in append.parts.iter().zip(answer.iter().flatten()) {
            let head = heads.entry(part.stream.clone()).or_default();
            *head = place.last_revision.max(*head);
        }
        drop(heads);
        match outcome {
            Outcome::Ok(_) => Answer::In(answer.as_ref().cloned().unwrap_or_default()),
            Outcome::Refused(refusal) => Answer::Out(refusal),
            Outcome::Unknown => {
                let error = answer.as_ref().expect_err("whoever knows nothing has an error");
                self.failed("an append", error);
                Answer::Gone
            }
        }
    }

    /// Sends a request again.
    pub(crate) async fn again(&self, client: &Client, number: usize) -> Answer {
        let (append, ticket) = {
            let mut history = self.history();
            let ticket = history.invoke(number, self.now());
            (history.appends[number].clone(), ticket)
        };
        let answer = self.take_down(ticket, &append, &send(client, &append).await);
        self.answers.send_modify(|answers| answers.retries += u64::from(answer != Answer::Gone));
        answer
    }

    /// Any request that is known to be in; `None` when there are few. Guarded ones and transactions are as
    /// likely as all others, of which there are more.
    pub(crate) fn any_in(&self, chance: &mut Chance) -> Option<usize> {
        let history = self.history();
        let draws = if history.appends.is_empty() { 0 } else { 40 };
        let wants_plain = chance.once_in(2);
        (0..draws).find_map(|_| {
            let drawn = usize::try_from(chance.below(history.appends.len() as u64)).expect("a place in memory");
            let append = &history.appends[drawn];
            let is_plain = append.guards.is_empty() && append.parts.len() == 1;
            (append.placed().is_some() && is_plain == wants_plain).then_some(drawn)
        })
    }
}
