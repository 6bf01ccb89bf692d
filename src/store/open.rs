//! From a directory to a running store.
//!
//! ```text
//!   log     open the segments, walk the newest, cut a torn tail or refuse
//!   index   open the sealed parts, fill the newest from that walk
//!   ids     fill the window of recent event ids from the end of the log
//!   state   open the shelf, enter what it does not have yet, and take the checkpoints from it
//!   writer  start
//! ```

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::sync::{Semaphore, mpsc, watch};

use super::Error;
use super::checkpoints::Checkpoints;
use super::consumers::Consumers;
use super::controls::{self, Controls};
use super::folding::Folder;
use super::group::Knowledge;
use super::heads::Heads;
use super::idempotency::RecentIds;
use super::policies::{self, Policies};
use super::read::{PageSize, Reader};
use super::read_models::Cabinet;
use super::recent::Recent;
use super::store::{Condition, Store};
use super::watchers::Watchers;
use super::writer::Writer;
use crate::clock::Clock;
use crate::crew::Crew;
use crate::disk::Disk;
use crate::index::{Index, Terms};
use crate::log::{CommitLog, DraftSize, LogOptions, Placed, SegmentLog, Segments};
use crate::metrics::Metrics;
use crate::model::{Limits, Position, Timestamp};
use crate::state::{Directory, Keeping, MemoryShelf, Shelf, open_sled};

/// How many requests may wait for the writer.
const QUEUE_REQUESTS: usize = 16 << 10;

/// How stores are kept. The same for all tenants.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// What requests may ask.
    pub limits: Arc<Limits>,
    /// How logs are kept.
    pub log: LogOptions,
    /// How many bytes of appends may wait for the writer.
    pub queue_bytes: usize,
    /// How many bytes of the newest blocks are kept for live subscribers.
    pub recent_bytes: usize,
    /// How many streams' last revisions are kept in memory.
    pub heads: usize,
    /// What the index may hold of sealed segments in memory, in bytes.
    pub index_bytes: u64,
    /// Tells the time.
    pub clock: Clock,
    /// Does the work.
    pub crew: Crew,
    /// Holds the directory. Otherwise sled does where the disk lasts, and memory where it does not.
    pub shelf: Option<Arc<dyn Shelf>>,
    /// Bits of a term's hash that count: all, but for tests that need collisions.
    pub term_mask: u64,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            limits: Arc::default(),
            log: LogOptions::default(),
            queue_bytes: 64 << 20,
            recent_bytes: 16 << 20,
            heads: 1 << 21,
            index_bytes: 512 << 20,
            clock: Clock::system(),
            crew: Crew::threads(),
            shelf: None,
            term_mask: u64::MAX,
        }
    }
}

/// Where the parts of a store lie.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// The segments and the mark.
    pub log: PathBuf,
    /// The sealed parts of the index.
    pub index: PathBuf,
    /// The shelf.
    pub state: PathBuf,
    /// The read models.
    pub(super) read_models: PathBuf,
    /// What was cut off or set aside.
    pub quarantine: PathBuf,
}

impl Layout {
    /// The layout below a directory.
    pub(super) fn below(directory: &Path) -> Self {
        let sub = |name| directory.join(name);
        Self {
            log: sub("log"),
            index: sub("index"),
            state: sub("state"),
            read_models: sub("read-models"),
            quarantine: sub("quarantine"),
        }
    }
}

impl Store {
    /// Opens the store in a directory, or makes it. Blocks on the disk.
    ///
    /// # Errors
    /// When acknowledged data is damaged or of a newer format, and when the disk fails.
    pub fn open(
        disk: Arc<dyn Disk>,
        directory: &Path,
        options: &StoreOptions,
        metrics: Arc<Metrics>,
    ) -> Result<Arc<Self>, Error> {
        Self::open_through(disk, directory, options, metrics, |log| Box::new(log))
    }

    /// Opens a store whose blocks are agreed on by what `through` makes of the local log.
    pub(super) fn open_through(
        disk: Arc<dyn Disk>,
        directory: &Path,
        options: &StoreOptions,
        metrics: Arc<Metrics>,
        through: impl FnOnce(SegmentLog) -> Box<dyn CommitLog>,
    ) -> Result<Arc<Self>, Error> {
        let started = Instant::now();
        let layout = Layout::below(directory);
        disk.create_dir(directory)?;
        let shelf_disk = disk.clone();
        let (log, index) = open_log(disk, &layout, options)?;
        let (log_id, head, segments) = (log.id(), log.next_position().before(), log.segments());
        let reader = Reader::new(index.clone(), segments, options.crew.clone());

        // Before the shelf: a start that finds damage here leaves every file as it is.
        reader.find_lives()?;
        let (ids, last_time) = recent_ids(&reader, head, options.limits.recent_event_ids)?;

        let shelf = open_shelf(&*shelf_disk, &layout, options)?;
        let per_stream = options.limits.snapshots_per_stream;
        let directory_of = Directory::new(shelf, log_id, per_stream);
        let controls = Arc::new(Controls::new(directory_of, index.clone(), reader.clone(), log_id, per_stream));
        controls.catch_up(log.tail())?;
        let checkpoints = Arc::new(Checkpoints::new(controls.checkpoints()?));
        let consumers = Consumers::find(&controls)?;
        let policies = Arc::new(Policies::find(&controls)?);
        let watchers = Arc::<Watchers>::default();
        let recent = Arc::new(Recent::new(options.recent_bytes, head.next()));
        let crew = &options.crew;
        let (to_directory, clerk) = controls::start(crew, controls.clone())?;
        let (queue, requests) = mpsc::channel(QUEUE_REQUESTS);
        let queue_bytes = Arc::new(Semaphore::new(options.queue_bytes));
        let folder = Folder { reader: reader.clone(), controls: controls.clone(), clock: options.clock.clone() };
        let (asks, room, most) = (queue.downgrade(), queue_bytes.clone(), options.limits.data_bytes);
        let (to_policies, saver) = policies::start(crew, policies.clone(), folder, asks, room, most)?;
        let (head_sender, head_receiver) = watch::channel(head);
        let (condition, _) = watch::channel(Condition::Serving);
        metrics.head(head);
        let writer = Writer {
            log: through(log),
            known: Knowledge {
                heads: Heads::new(options.heads),
                ids,
                reader: reader.clone(),
                checkpoints: checkpoints.clone(),
                checkpoints_max: options.limits.checkpoints,
            },
            index,
            recent: recent.clone(),
            watchers: watchers.clone(),
            queue: requests,
            head: head_sender,
            condition: condition.clone(),
            to_directory,
            to_policies,
            clock: options.clock.clone(),
            last_time,
            last_size: DraftSize::default(),
            metrics,
            deferred: Vec::new(),
        };
        let writer = crew.hire("quipu-writer", writer).map_err(Error::internal)?;
        tracing::info!(directory = %directory.display(), %head, elapsed = ?started.elapsed(), "opened a store");
        Ok(Arc::new(Self {
            log_id,
            disk: shelf_disk.clone(),
            reader,
            recent,
            head: head_receiver,
            condition,
            controls,
            checkpoints,
            consumers,
            policies,
            cabinet: Cabinet::new(shelf_disk, layout.read_models, layout.quarantine, log_id),
            watchers,
            clock: options.clock.clone(),
            queue,
            queue_bytes,
            queue_bytes_max: options.queue_bytes,
            workers: Mutex::new(vec![writer, clerk, saver]),
            opened: Instant::now(),
            used: AtomicU64::new(0),
        }))
    }
}

fn open_log(disk: Arc<dyn Disk>, layout: &Layout, options: &StoreOptions) -> Result<(SegmentLog, Arc<Index>), Error> {
    let index_disk = disk.clone();
    let open_index = |segments: &Segments| {
        let all = segments.all();
        let first = all.first().expect("a log has a segment");
        let terms = Terms::seeded(first.header.salt).masked(options.term_mask);
        let crew = options.crew.clone();
        Index::open(index_disk.clone(), &layout.index, terms, segments, options.index_bytes, crew).map(Arc::new)
    };
    let mut index = None;
    let mut learn = |segments: &Segments, placed: Placed| {
        if let Ok(index) = index.get_or_insert_with(|| open_index(segments)) {
            index.learn(&placed, &mut |_| {});
        }
    };
    let log = SegmentLog::open(disk, &layout.log, &layout.quarantine, options.log.clone(), &mut learn)?;
    let index = index.unwrap_or_else(|| open_index(&log.segments()))?;
    Ok((log, index))
}

fn open_shelf(disk: &dyn Disk, layout: &Layout, options: &StoreOptions) -> Result<Arc<dyn Shelf>, Error> {
    if let Some(shelf) = &options.shelf {
        return Ok(shelf.clone());
    }
    if disk.is_durable() {
        return Ok(open_sled(disk, &layout.state, &layout.quarantine, Keeping::DIRECTORY)?);
    }
    Ok(Arc::new(MemoryShelf::default()))
}

/// Fills the window from the end of the log; also returns when the last event was committed.
fn recent_ids(reader: &Reader, head: Position, most: usize) -> Result<(RecentIds, Timestamp), Error> {
    let mut ids = RecentIds::new(most);
    let mut last_time = Timestamp::default();
    let mut from = Position(head.0.saturating_sub(most as u64)).next();
    if most == 0 && head > Position::ZERO {
        from = head;
    }
    while from <= head {
        let page = reader.log_forwards(from, head, PageSize { bytes: 1 << 20, events: usize::MAX })?;
        let Some(last) = page.last() else { return Err(Error::EventNotFound) };
        from = last.position().next();
        last_time = last.recorded_at();
        for event in &page {
            ids.push(event.id().ok_or(Error::EventNotFound)?, event.position());
        }
    }
    Ok((ids, last_time))
}
