//! A reactor at work.
//!
//! Owns [`Running`]: joins the group, hands deliveries to tasks, says what came of them, and joins again after
//! a break while the tasks go on. It never waits for room to settle without listening at the same time, so
//! neither side can hold up the other.

use std::sync::{Arc, PoisonError};
use std::time::Instant;

use tokio::task::JoinSet;
use tokio::time;

use super::handlers::Tried;
use super::ledger::Ledger;
use super::{ReactorMetrics, Shared};
use crate::stopping::StopListener;
use crate::{Consumer, ConsumerMessage, Delivery, Error, RetryPolicy, Settler};

pub(super) struct Running {
    shared: Arc<Shared>,
    stop: StopListener,
    ledger: Ledger,
    tasks: JoinSet<(u64, u32, Tried)>,
    /// After how many tries the group parks an event.
    max_tries: u32,
    /// Whether it has been in the group: then a member of its name may be what is left of its last connection.
    was_in: bool,
}

impl Running {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let stop = shared.stop.listener();
        Self { shared, stop, ledger: Ledger::new(), tasks: JoinSet::new(), max_tries: u32::MAX, was_in: false }
    }

    /// Works until it is told to stop, or something cannot be mended.
    pub(super) async fn run(mut self) -> Result<(), Error> {
        let policy = RetryPolicy::forever();
        let mut failures = 0;
        loop {
            let mut stop = self.stop.clone();
            let joined = tokio::select! {
                biased;
                () = stop.told() => break,
                joined = self.join() => joined,
            };
            let outcome = match joined {
                Ok(consumer) => {
                    failures = 0;
                    self.work(consumer).await
                }
                Err(error) => Err(error),
            };
            let error = match outcome {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let is_own_shadow = self.was_in && matches!(error, Error::MemberExists);
            if !error.is_retryable() && !is_own_shadow {
                self.finish().await;
                return Err(error);
            }
            failures += 1;
            let pause = policy.pause(failures);
            tracing::debug!(%error, failures, ?pause, "the reactor's connection broke, joining again");
            tokio::select! {
                () = stop.told() => break,
                () = time::sleep(pause) => {}
            }
        }
        self.finish().await;
        Ok(())
    }

    /// Takes part in the group, which is made if it is not there.
    async fn join(&mut self) -> Result<Consumer, Error> {
        let shared = Arc::clone(&self.shared);
        if !self.was_in {
            let group = match shared.group.get().await? {
                Some(group) => Some(group),
                None => match shared.group.create(shared.settings.clone(), shared.start).await {
                    Ok(group) => Some(group),
                    // Somebody else made it just now.
                    Err(Error::GroupExists) => shared.group.get().await?,
                    Err(error) => return Err(error),
                },
            };
            if let Some(group) = group {
                let wanted = &shared.settings.query;
                if wanted.is_some() && group.settings.query != *wanted {
                    tracing::warn!(group = group.name, "the group that is there has another query, and keeps it");
                }
                self.max_tries = group.settings.max_tries.unwrap_or(u32::MAX);
            }
        }
        let consumer = shared.group.consume(&shared.member, shared.concurrency).await?;
        self.was_in = true;
        self.ledger.connected(Instant::now());
        Ok(consumer)
    }

    /// Works over one connection until it breaks, or until the stop is done.
    async fn work(&mut self, mut consumer: Consumer) -> Result<(), Error> {
        let mut stop = self.stop.clone();
        let settler = consumer.settler()?;
        loop {
            tokio::select! {
                () = stop.told() => break,
                step = self.step(&mut consumer, &settler) => {
                    if let Some(message) = step? {
                        self.take(message);
                    }
                }
            }
        }
        let deadline = self.shared.stop_timeout;
        match time::timeout(deadline, self.leave(consumer, settler)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "the connection broke during the stop: some events may be delivered again");
                self.finish().await;
            }
            Err(_) => tracing::warn!(in_hand = self.tasks.len(), "the stop took too long: giving up what is in hand"),
        }
        self.count(|metrics| metrics.in_flight = 0);
        Ok(())
    }

    /// Takes nothing new, finishes what is in hand, settles it, and leaves the group.
    async fn leave(&mut self, mut consumer: Consumer, settler: Settler) -> Result<(), Error> {
        settler.set_credits(0).await?;
        while !self.tasks.is_empty() || !self.ledger.pending.is_empty() {
            // What is delivered now was on its way: it goes back to the group with the membership.
            if let Some(message) = self.step(&mut consumer, &settler).await? {
                self.ledger.settled(&message.settled);
            }
        }
        drop(settler);
        consumer.close();
        while let Some(message) = consumer.next().await? {
            self.ledger.settled(&message.settled);
        }
        Ok(())
    }

    /// Waits for one thing to happen: a message, the end of a task, or room to settle.
    async fn step(&mut self, consumer: &mut Consumer, settler: &Settler) -> Result<Option<ConsumerMessage>, Error> {
        tokio::select! {
            message = consumer.next() => match message? {
                Some(message) => return Ok(Some(message)),
                None => return Err(Error::Ended),
            },
            Some(ended) = self.tasks.join_next() => {
                // A task neither panics nor is aborted while somebody waits for it.
                if let Ok(end) = ended {
                    self.ended(end);
                }
            }
            room = settler.room(), if !self.ledger.pending.is_empty() => {
                // Without room the membership is over, and the consumer has the cause.
                if let Ok(room) = room {
                    room.settle(std::mem::take(&mut self.ledger.pending))?;
                } else if let Some(message) = consumer.next().await? {
                    return Ok(Some(message));
                }
            }
        }
        Ok(None)
    }

    fn take(&mut self, message: ConsumerMessage) {
        self.ledger.settled(&message.settled);
        for delivery in message.deliveries {
            let Some(done) = self.ledger.begin(&delivery, Instant::now()) else { continue };
            let Delivery { event, try_number } = delivery;
            let (shared, position) = (Arc::clone(&self.shared), event.position);
            self.tasks.spawn(async move {
                let tried = shared.handlers.handle(&shared.client, event, done).await;
                (position, try_number, tried)
            });
        }
        let in_flight = self.tasks.len() as u64;
        self.count(|metrics| metrics.in_flight = in_flight);
    }

    fn ended(&mut self, (position, try_number, tried): (u64, u32, Tried)) {
        let (was_last, in_flight) = (try_number >= self.max_tries, self.tasks.len() as u64);
        self.count(|metrics| {
            metrics.tried(&tried, was_last);
            metrics.in_flight = in_flight;
        });
        self.ledger.end(position, tried);
    }

    /// Lets the tasks in hand come to their end, without a connection to settle them on.
    async fn finish(&mut self) {
        let deadline = self.shared.stop_timeout;
        let finishing = async {
            while let Some(ended) = self.tasks.join_next().await {
                if let Ok(end) = ended {
                    self.ended(end);
                }
            }
        };
        if time::timeout(deadline, finishing).await.is_err() {
            tracing::warn!(in_hand = self.tasks.len(), "the stop took too long: giving up what is in hand");
        }
        self.count(|metrics| metrics.in_flight = 0);
    }

    fn count(&self, change: impl FnOnce(&mut ReactorMetrics)) {
        change(&mut self.shared.metrics.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
