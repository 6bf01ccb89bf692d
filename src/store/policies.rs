//! Snapshots that the store saves by itself, after every so many events of a stream.
//!
//! The writer sees which events complete a number and hands their streams to a worker, who folds them and
//! asks the writer to save what comes out, like any client. When that worker cannot keep up, or a state cannot be
//! folded, a snapshot is left out: the next number brings another.

use std::collections::{BTreeMap, HashSet};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, RwLock};

use tokio::sync::{Semaphore, mpsc, oneshot};

use super::Error;
use super::controls::Controls;
use super::folding::{AsOf, Folder};
use super::group::Request;
use super::notes::{Note, key, parts};
use super::store::Store;
use crate::crew::{self, Crew, Hired, Idle, Work, Worker};
use crate::log::Placed;
use crate::model::limits::STREAM_NAME_BYTES_MAX;
use crate::model::name::{category, is_system};
use crate::model::wire::{put_bytes, put_varint};
use crate::model::{Invalid, Position, ProposedSnapshot, Revision, StreamName, Timestamp};

const POLICY: &str = "policy";

/// The fewest and the most events between two snapshots.
const EVERY_MIN: u32 = 2;
const EVERY_MAX: u32 = 1_000_000;

/// How many policies there may be.
const POLICIES_MAX: usize = 1000;

/// How many streams may wait to be folded.
const QUEUE: usize = 1024;

/// A stream whose state is to be saved as of a revision, and the position of that event.
type Due = (StreamName, Revision, Position);

/// After how many events of a stream a snapshot is saved, by category.
#[derive(Debug, Default)]
pub(super) struct Policies {
    every: RwLock<BTreeMap<String, u32>>,
    changing: tokio::sync::Mutex<()>,
}

/// What comes of asking the writer to save a snapshot.
type Answer = oneshot::Receiver<Result<Timestamp, Error>>;

/// What the writer tells of streams whose state is to be saved.
#[derive(Debug)]
pub(super) struct Teller {
    policies: Arc<Policies>,
    sender: SyncSender<Due>,
}

/// Saves what is told.
struct Saver {
    due: Receiver<Due>,
    /// What the writer was asked to save.
    asked: Option<(StreamName, Answer)>,
    folder: Folder,
    /// Weak: the writer must see when the store is gone.
    queue: mpsc::WeakSender<Request>,
    queue_bytes: Arc<Semaphore>,
    data_bytes_max: usize,
    /// Categories of which something could not be folded, and this was said.
    complained: HashSet<String>,
}

impl Policies {
    /// The policies that were noted.
    pub(super) fn find(controls: &Controls) -> Result<Self, Error> {
        let mut every = BTreeMap::new();
        for (of, bytes) in controls.notes(&key(&[POLICY, ""]))? {
            let number = serde_json::from_slice(&bytes).map_err(Error::internal)?;
            every.insert(parts(&of).get(1).copied().unwrap_or_default().to_owned(), number);
        }
        Ok(Self { every: RwLock::new(every), changing: tokio::sync::Mutex::default() })
    }
}

impl Teller {
    /// Looks for events that complete a number.
    pub(super) fn see(&self, placed: &Placed) {
        let policies = self.policies.every.read().expect("no panic under this lock");
        if policies.is_empty() {
            return;
        }
        for (_, event) in placed.block.events() {
            let Some(every) = category(event.stream()).and_then(|of| policies.get(of)) else { continue };
            if (event.revision().0 + 1).is_multiple_of(u64::from(*every)) {
                let due = (StreamName::from_log(event.stream()), event.revision(), event.position());
                if let Err(TrySendError::Full((stream, ..))) = self.sender.try_send(due) {
                    tracing::debug!(%stream, "too much to do: a snapshot is left out");
                }
            }
        }
    }
}

/// Checks a policy that a client wants.
///
/// # Errors
/// When the category or the number is none.
pub fn check_policy(of: &str, every: u32) -> Result<(), Invalid> {
    if category(&format!("{of}-")) != Some(of) || of.chars().any(char::is_control) {
        return Err(Invalid::malformed("a category is what stands before the first `-` of a stream's name"));
    }
    if is_system(of) {
        return Err(Invalid::malformed("streams that start with `$` belong to the store"));
    }
    Invalid::check("category_bytes", STREAM_NAME_BYTES_MAX, of.len())?;
    if !(EVERY_MIN..=EVERY_MAX).contains(&every) {
        return Err(Invalid::malformed("a snapshot is saved after every 2 to 1,000,000 events"));
    }
    Ok(())
}

/// Hires who saves snapshots. Returns how to tell them as well.
pub(super) fn start(
    crew: &Crew,
    policies: Arc<Policies>,
    folder: Folder,
    queue: mpsc::WeakSender<Request>,
    queue_bytes: Arc<Semaphore>,
    data_bytes_max: usize,
) -> Result<(Teller, Hired), Error> {
    let (sender, due) = sync_channel(QUEUE);
    let saver = Saver { due, asked: None, folder, queue, queue_bytes, data_bytes_max, complained: HashSet::new() };
    let hired = crew.hire("quipu-snapshots", saver).map_err(Error::internal)?;
    Ok((Teller { policies, sender }, hired))
}

impl Worker for Saver {
    /// Hears of the snapshot that was asked for last, or asks for the next.
    fn work(&mut self, idle: Idle) -> Work {
        if let Some((stream, mut answer)) = self.asked.take() {
            let saved = match idle {
                Idle::Waits => answer.blocking_recv().ok(),
                Idle::Returns => match answer.try_recv() {
                    Err(oneshot::error::TryRecvError::Empty) => {
                        self.asked = Some((stream, answer));
                        return Work::Missing;
                    }
                    answer => answer.ok(),
                },
            };
            return self.hear(&stream, saved.unwrap_or(Err(Error::ShuttingDown)).map(drop));
        }
        let (stream, revision, position) = match crew::next(&self.due, idle) {
            Ok(due) => due,
            Err(without) => return without,
        };
        match self.ask(&stream, revision, position) {
            Ok(answer) => {
                self.asked = answer.map(|answer| (stream, answer));
                Work::Done
            }
            Err(error) => self.hear(&stream, Err(error)),
        }
    }
}

impl Saver {
    fn hear(&mut self, stream: &StreamName, saved: Result<(), Error>) -> Work {
        if matches!(saved, Err(Error::ShuttingDown)) {
            return Work::Over;
        }
        let category = category(stream.as_str()).unwrap_or_default();
        if let Err(error) = saved
            && self.complained.insert(category.to_owned())
        {
            tracing::warn!(%stream, %error, "a snapshot was not saved; others of its category may follow unsaid");
        }
        Work::Done
    }

    /// Asks the writer to save a stream's state. No answer will come when it is saved already.
    fn ask(&self, stream: &StreamName, revision: Revision, head: Position) -> Result<Option<Answer>, Error> {
        let folded = self.folder.fold(stream, AsOf::Revision(revision), head, true)?;
        if folded.snapshot == Some(revision) {
            return Ok(None);
        }
        let data = serde_json::to_vec(&folded.state).map_err(Error::internal)?;
        Invalid::check("data_bytes", self.data_bytes_max, data.len())?;
        let mut bytes = Vec::with_capacity(data.len() + 64 + stream.as_str().len());
        put_bytes(&mut bytes, 1, stream.as_str().as_bytes());
        put_varint(&mut bytes, 2, revision.0);
        put_bytes(&mut bytes, 3, &data);
        let permits = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let permit = self.queue_bytes.clone().try_acquire_many_owned(permits).map_err(|_| Error::QueueFull)?;
        let snapshot = ProposedSnapshot { stream: stream.clone(), revision, bytes: bytes.into() };
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.upgrade().ok_or(Error::ShuttingDown)?;
        match queue.try_send(Request::Save { snapshot, reply, permit }) {
            Ok(()) => Ok(Some(answer)),
            Err(mpsc::error::TrySendError::Full(_)) => Err(Error::QueueFull),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(Error::ShuttingDown),
        }
    }
}

impl Store {
    /// Has snapshots saved of each stream of a category, after every so many events.
    ///
    /// # Errors
    /// When there are too many policies.
    pub async fn set_policy(&self, of: &str, every: u32) -> Result<(), Error> {
        let _alone = self.policies.changing.lock().await;
        {
            let there = self.policies.every.read().expect("no panic under this lock");
            Invalid::check("snapshot_policies", POLICIES_MAX, there.len() + usize::from(!there.contains_key(of)))?;
        }
        let value = serde_json::to_vec(&every).map_err(Error::internal)?;
        self.note(vec![Note { key: key(&[POLICY, of]), value: Some(value) }]).await?;
        self.policies.every.write().expect("no panic under this lock").insert(of.to_owned(), every);
        Ok(())
    }

    /// The policies: categories and after how many events, sorted.
    pub fn policies(&self) -> Vec<(String, u32)> {
        let every = self.policies.every.read().expect("no panic under this lock");
        every.iter().map(|(category, every)| (category.clone(), *every)).collect()
    }

    /// Ends the policy of a category.
    ///
    /// # Errors
    /// When there is none.
    pub async fn delete_policy(&self, of: &str) -> Result<(), Error> {
        let _alone = self.policies.changing.lock().await;
        if !self.policies.every.read().expect("no panic under this lock").contains_key(of) {
            return Err(Error::PolicyNotFound(of.to_owned()));
        }
        self.note(vec![Note { key: key(&[POLICY, of]), value: None }]).await?;
        self.policies.every.write().expect("no panic under this lock").remove(of);
        Ok(())
    }
}
