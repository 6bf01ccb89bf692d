//! The one place where threads come in.
//!
//! A store has workers: its writer, the one who enters control records, those who seal parts of the index.
//! A [`Crew`] has each of them work on a thread of its own. Or it has them all worked by whoever turns it,
//! one piece of work after the other: then a whole store runs in one thread, and the same way each time.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;

use thiserror::Error;

/// What a worker does when there is no work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idle {
    /// It blocks until there is some.
    Waits,
    /// It says so.
    Returns,
}

/// What came of asking a worker to work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// It did a piece of work.
    Done,
    /// There was none.
    Missing,
    /// There never will be any.
    Over,
}

/// Somebody who works until there is nothing to do any more.
pub trait Worker: Send + 'static {
    /// Does the next piece of work. May block on the disk.
    fn work(&mut self, idle: Idle) -> Work;
}

/// The next thing that a worker was sent.
///
/// # Errors
/// What its work comes to without one: [`Work::Missing`], or [`Work::Over`] when nobody can send any more.
pub fn next<T>(sent: &Receiver<T>, idle: Idle) -> Result<T, Work> {
    match idle {
        Idle::Waits => sent.recv().map_err(|_| Work::Over),
        Idle::Returns => sent.try_recv().map_err(|error| match error {
            TryRecvError::Empty => Work::Missing,
            TryRecvError::Disconnected => Work::Over,
        }),
    }
}

/// A worker who has one thing to do.
struct Once<F>(Option<F>);

impl<F: FnOnce() + Send + 'static> Worker for Once<F> {
    fn work(&mut self, _: Idle) -> Work {
        if let Some(work) = self.0.take() {
            work();
        }
        Work::Over
    }
}

/// Whoever has workers work. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Crew {
    turned: Option<Arc<Turned>>,
}

/// Somebody who was hired and may still work.
#[derive(Debug)]
#[must_use = "a worker who is not waited for may outlive what it works on"]
pub struct Hired(Engagement);

#[derive(Debug)]
enum Engagement {
    OnThread(JoinHandle<()>),
    Turned(Arc<Turned>, u64),
}

/// A worker panicked.
#[derive(Debug, Error)]
#[error("a worker panicked")]
pub struct Panicked;

/// The workers of a crew without threads.
#[derive(Default)]
struct Turned {
    workers: Mutex<BTreeMap<u64, Box<dyn Worker>>>,
    hired: Mutex<u64>,
}

impl Crew {
    /// Each worker has a thread.
    pub fn threads() -> Self {
        Self { turned: None }
    }

    /// Nobody works but in [`Self::turn`], and when somebody is waited for.
    pub fn turned() -> Self {
        Self { turned: Some(Arc::default()) }
    }

    /// Has somebody work from now on.
    ///
    /// # Errors
    /// When the machine gives no thread.
    pub fn hire(&self, name: &str, mut worker: impl Worker) -> io::Result<Hired> {
        if let Some(turned) = &self.turned {
            return Ok(Hired(Engagement::Turned(turned.clone(), turned.take_in(Box::new(worker)))));
        }
        let work = move || while worker.work(Idle::Waits) != Work::Over {};
        std::thread::Builder::new().name(name.into()).spawn(work).map(|thread| Hired(Engagement::OnThread(thread)))
    }

    /// Has one thing done.
    ///
    /// # Errors
    /// When the machine gives no thread.
    pub fn hire_once(&self, name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<Hired> {
        self.hire(name, Once(Some(work)))
    }

    /// Does something that may block, where it blocks nobody who is in a hurry.
    ///
    /// # Errors
    /// When it panicked, or the runtime ended before it began.
    pub async fn aside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Panicked> {
        if self.turned.is_some() {
            return Ok(work());
        }
        tokio::task::spawn_blocking(work).await.map_err(|_| Panicked)
    }

    /// Has the first of the workers from the `from`-th on, round and round, who has work do a piece of it. Says
    /// whether there was one. Does nothing when there are threads.
    pub fn turn(&self, from: u64) -> bool {
        let Some(turned) = &self.turned else { return false };
        let all: Vec<u64> = turned.workers().keys().copied().collect();
        let first = if all.is_empty() { 0 } else { (from % all.len() as u64) as usize };
        all[first..].iter().chain(&all[..first]).any(|worker| turned.work(*worker) == Work::Done)
    }
}

impl Hired {
    /// Waits until the worker has nothing to do any more.
    ///
    /// # Errors
    /// When it panicked.
    pub fn finish(self) -> Result<(), Panicked> {
        match self.0 {
            Engagement::OnThread(thread) => thread.join().map_err(|_| Panicked),
            Engagement::Turned(turned, worker) => {
                while turned.work(worker) == Work::Done {}
                Ok(())
            }
        }
    }
}

impl Turned {
    fn workers(&self) -> MutexGuard<'_, BTreeMap<u64, Box<dyn Worker>>> {
        self.workers.lock().expect("no panic under this lock")
    }

    fn take_in(&self, worker: Box<dyn Worker>) -> u64 {
        let mut hired = self.hired.lock().expect("no panic under this lock");
        *hired += 1;
        self.workers().insert(*hired, worker);
        *hired
    }

    /// Has a worker do a piece of work. It may hire others, and have others finish, on the way.
    fn work(&self, number: u64) -> Work {
        let Some(mut worker) = self.workers().remove(&number) else { return Work::Over };
        let work = worker.work(Idle::Returns);
        if work != Work::Over {
            self.workers().insert(number, worker);
        }
        work
    }
}

impl fmt::Debug for Turned {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Turned").field("workers", &self.workers().len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    /// Adds up what it is sent.
    struct Adder(Receiver<u32>, Arc<Mutex<u32>>);

    impl Worker for Adder {
        fn work(&mut self, idle: Idle) -> Work {
            match next(&self.0, idle) {
                Ok(number) => *self.1.lock().expect("no panic under this lock") += number,
                Err(without) => return without,
            }
            Work::Done
        }
    }

    #[test]
    fn with_threads_and_without_the_same_work_is_done() {
        for crew in [Crew::threads(), Crew::turned()] {
            let (sender, receiver) = channel();
            let sum = Arc::default();
            let adder = crew.hire("adder", Adder(receiver, Arc::clone(&sum))).expect("a worker");
            for number in 1..=4 {
                sender.send(number).expect("somebody listens");
            }
            drop(sender);
            adder.finish().expect("no panic");
            assert_eq!(*sum.lock().expect("no panic under this lock"), 10);
        }
    }

    #[test]
    fn a_turned_crew_does_nothing_by_itself_and_one_piece_of_work_a_turn() {
        let crew = Crew::turned();
        let (sender, receiver) = channel();
        let sum = Arc::default();
        let adder = crew.hire("adder", Adder(receiver, Arc::clone(&sum))).expect("a worker");
        let told = || *sum.lock().expect("no panic under this lock");
        for number in [5, 6] {
            sender.send(number).expect("somebody listens");
        }
        assert_eq!(told(), 0);
        assert!(crew.turn(7));
        assert_eq!(told(), 5);
        assert!(crew.turn(0) && !crew.turn(0));
        drop(sender);
        adder.finish().expect("no panic");
        assert_eq!(told(), 11);
    }

    #[test]
    fn a_worker_on_a_thread_that_panics_is_told() {
        let hired = Crew::threads().hire_once("unlucky", || panic!("planned")).expect("a thread");
        assert!(hired.finish().is_err());
    }
}
