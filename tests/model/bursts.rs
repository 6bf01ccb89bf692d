//! Bursts: requests that do not wait for each other, share blocks and build on each other.

use std::pin::Pin;
use std::task::Poll;

use quipu::model::Position;
use quipu::store::{Checkpoint, Error, Pending};

use crate::appends::{any_stream, fresh};
use crate::checked::Checked;
use crate::guards::{Asked, compare};
use crate::lives::{Lived, compare_life};
use crate::marks::{Marked, compare_mark};
use crate::run::Run;
use crate::verdicts::Verdict;

/// An answer on its way.
type Awaited<T> = Pin<Box<dyn Future<Output = Result<T, Error>>>>;

/// What was asked, what the model says, and the answer to come.
enum Due {
    Transact { asked: Asked, model: Verdict, head: u64, answer: Pending },
    Life(Lived, Asking<Position>),
    Mark(Marked, Asking<Option<Checkpoint>>),
}

/// A request in the queue: its future was polled once. The answer may have come at once.
struct Asking<T> {
    future: Awaited<T>,
    answer: Option<Result<T, Error>>,
}

impl<T> Asking<T> {
    async fn begun(mut future: Awaited<T>) -> Self {
        let first = std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await;
        let answer = match first {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        };
        Self { future, answer }
    }

    async fn answer(self) -> Result<T, Error> {
        match self.answer {
            Some(answer) => answer,
            None => self.future.await,
        }
    }
}

impl Run {
    /// Many requests at once. A copy of an append among them is answered as if it had come later, which is
    /// no matter as long as no stream is deleted meanwhile.
    pub(crate) fn burst(&mut self) -> Checked {
        let is_crowd = self.chance.once_in(8);
        let count = if is_crowd { 90 } else { 2 + self.chance.below(10) };
        let has_lives = !is_crowd && self.chance.once_in(2);
        // A copy waits for the next block, and the window may by then have moved on.
        let has_copies = !has_lives && count * 36 <= self.plain.window as u64;
        self.note(format!("{count} requests at once, lives: {has_lives}, copies: {has_copies}"));
        let settled = self.plain.head();
        let mut dues = Vec::new();
        self.plain.tick(self.time.now());
        for number in 0..count {
            let due = match self.chance.below(8) {
                0 if has_lives => self.begin_life(),
                1 if !is_crowd => self.begin_mark(),
                _ => {
                    let asked = self.any_of_burst(&dues, is_crowd.then_some(number), has_copies, settled);
                    self.begin_transaction(asked)?
                }
            };
            dues.push(due);
        }
        for due in dues {
            self.finish(due)?;
        }
        self.learn_ids()
    }

    fn any_of_burst(&mut self, dues: &[Due], crowd: Option<u64>, has_copies: bool, settled: u64) -> Asked {
        if let Some(number) = crowd {
            let stream = format!("crowd-{}", self.plain.head() + number);
            let mut tried = fresh(&mut self.chance, &self.plain, stream);
            tried.offers.truncate(1);
            return tried.into();
        }
        if has_copies
            && self.chance.once_in(4)
            && let Some(Due::Transact { asked, .. }) = dues.last()
            && !asked.appends.is_empty()
        {
            let mut copy = asked.clone();
            for tried in &mut copy.appends {
                *tried = tried.once_more(&mut self.chance);
            }
            return copy;
        }
        if self.chance.once_in(3) {
            let stream = any_stream(&mut self.chance);
            return fresh(&mut self.chance, &self.plain, stream).into();
        }
        self.any_asked(settled, false)
    }

    fn begin_transaction(&mut self, asked: Asked) -> Result<Due, String> {
        self.note(format!("  {}", asked.told()));
        let head = self.plain.head();
        let model = self.plain.transact(&asked);
        let answer = self.runtime.block_on(self.store.transact_in_turn(asked.transaction()));
        let answer = answer.map_err(|error| format!("a burst was refused: {error}"))?;
        Ok(Due::Transact { asked, model, head, answer })
    }

    fn begin_life(&mut self) -> Due {
        let (lived, store) = (self.any_life(), self.store.clone());
        let change = lived.0.clone();
        let future: Awaited<Position> = Box::pin(async move { store.change_life(change).await });
        Due::Life(lived, self.runtime.block_on(Asking::begun(future)))
    }

    fn begin_mark(&mut self) -> Due {
        let (marked, store) = (self.any_change_of_mark(), self.store.clone());
        let change = marked.0.clone();
        let future: Awaited<Option<Checkpoint>> = Box::pin(async move { store.change_checkpoint(change).await });
        Due::Mark(marked, self.runtime.block_on(Asking::begun(future)))
    }

    fn finish(&mut self, due: Due) -> Checked {
        match due {
            Due::Transact { asked, model, head, answer } => {
                let answer = self.runtime.block_on(answer).map_err(|_| "an answer never came".to_owned())?;
                compare(&self.plain, &asked, &answer, &model, head)?;
                self.tried.extend(asked.appends.iter().cloned());
                self.asked.push(asked);
                Ok(())
            }
            Due::Life(lived, asking) => compare_life(&lived, &self.runtime.block_on(asking.answer())),
            Due::Mark(marked, asking) => compare_mark(&marked, &self.runtime.block_on(asking.answer())),
        }
    }
}
