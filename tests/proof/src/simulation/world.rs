//! One seed: a machine, a store on it, its clients, and what happens to them.

use std::cmp::Ordering;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use quipu::clock::Clock;
use quipu::crew::Crew;
use quipu::disk::simulated::{Fault, SimulatedDisk};
use quipu::log::segment::{Segment, Step};
use quipu::log::{LogOptions, Salts, Segments};
use quipu::metrics::Metrics;
use quipu::model::{Limits, Timestamp, Walk};
use quipu::store::read::PageSize;
use quipu::store::{Error, Start, Store, StoreOptions};
use quipu_proof::checker::check;
use quipu_proof::history::{Event, Outcome, Scope};

use super::client::{Client, any_query};
use super::events::{scope_query, seen};
use super::notebook::Notebook;
use super::shelf::SimulatedShelf;
use super::turning::{Task, turn_until_over};
use crate::chance::Chance;

const HOME: &str = "/data/tenants/default";

/// When the simulated clock begins, in seconds since 1970.
const BEGINNING: u64 = 1_800_000_000;

/// How many starts in a row may be cut short before one is left in peace.
const CUT_STARTS_MAX: u64 = 3;

/// What a seed made of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// What is wrong.
    pub(super) violations: Vec<String>,
    pub(super) figures: Figures,
    /// A hash of every change of the disk: the same for the same seed.
    pub(super) trace: u64,
}

/// What happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) starts: u64,
    pub(super) kills: u64,
    pub(super) power_cuts: u64,
    /// Calls of the disk that failed, and crashes in the middle of one.
    pub(super) faults: u64,
    pub(super) rotten: u64,
    /// Starts and reads that were refused because bytes are damaged.
    pub(super) refused: u64,
    pub(super) acknowledged: u64,
    pub(super) unknown: u64,
    pub(super) events: u64,
}

/// How kind the machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kindness {
    /// It only fails and goes. Nothing may be lost, and every start succeeds.
    Fails,
    /// Its disk also rots or writes elsewhere. Nothing wrong may be shown.
    Lies,
}

/// Where the last good block of a segment begins.
fn last_block(segment: &Segment) -> Option<u64> {
    let (mut blocks, mut last) = (segment.blocks(), None);
    while let Ok(Step::Block(placed)) = blocks.step() {
        last = Some(u64::from(placed.place.offset));
    }
    last
}

/// A machine and everything on it.
struct World {
    chance: Chance,
    kindness: Kindness,
    disk: SimulatedDisk,
    shelf: SimulatedShelf,
    options: StoreOptions,
    notebook: Notebook,
    told: Told,
    data_bytes: u64,
}

/// Lives one seed from an empty disk to its last check.
pub(super) fn live(seed: u64) -> Told {
    let mut world = World::of(seed);
    let lives = 2 + world.chance.below(3);
    for life in 0..lives {
        if !world.life(life) {
            return world.end(None);
        }
    }
    let log = world.last_look();
    world.end(log)
}

impl World {
    fn of(seed: u64) -> Self {
        let mut chance = Chance::of(seed);
        let disk = SimulatedDisk::new(chance.number());
        let shelf = SimulatedShelf::default();
        let kindness = if chance.once_in(6) { Kindness::Lies } else { Kindness::Fails };
        let (time, jumps) = (AtomicU64::new(0), chance.below(5));
        // It goes on with every look, and back now and then.
        let tell = move || {
            let looks = time.fetch_add(1, Relaxed);
            let back = if jumps > 0 && looks % (7 * jumps) == 6 { 5 } else { 0 };
            Timestamp { seconds: BEGINNING + looks.saturating_sub(back), nanos: 0 }
        };
        let salt = AtomicU64::new(chance.number());
        let options = StoreOptions {
            log: LogOptions {
                segment_bytes: 2 << (10 + chance.below(4)),
                segment_events: 3 + chance.below(12),
                disk_reserve_bytes: 0,
                salts: Salts::new(move || salt.fetch_add(0x9e37_79b9_7f4a_7c15, Relaxed)),
            },
            limits: Arc::new(Limits { snapshots_per_stream: 3, recent_event_ids: 10_000, ..Limits::default() }),
            recent_bytes: [0, 2 << 10, 1 << 20][chance.below(3) as usize],
            heads: [0, 8, 1 << 10][chance.below(3) as usize],
            index_bytes: [0, 4 << 10, 1 << 20][chance.below(3) as usize],
            clock: Clock::new(tell),
            crew: Crew::turned(),
            shelf: Some(Arc::new(shelf.clone())),
            term_mask: if chance.once_in(6) { 0x1f } else { u64::MAX },
            ..StoreOptions::default()
        };
        let notebook = Notebook::default();
        notebook.history().snapshots_kept = 3;
        let data_bytes = 1 + chance.below(2000);
        Self { chance, kindness, disk, shelf, options, notebook, told: Told::default(), data_bytes }
    }

    /// A start, some load, and a violent end. Says whether there is more to come.
    fn life(&mut self, number: u64) -> bool {
        for _ in 0..self.chance.below(CUT_STARTS_MAX + 1) {
            if self.chance.once_in(2) {
                self.plan(60);
            }
            match self.start() {
                Ok(store) => {
                    self.look(&store);
                    self.load(&store, number);
                    self.go(Some(&store));
                    return true;
                }
                Err(error) if !self.may_refuse(&error) => {
                    self.told.violations.push(format!("a start was refused: {error:?}"));
                    return false;
                }
                Err(Error::Damaged(_)) => {
                    self.told.figures.refused += 1;
                    return false;
                }
                Err(_) => self.go(None),
            }
        }
        true
    }

    /// Plans what goes wrong next.
    fn plan(&mut self, within: u64) {
        let after = self.chance.below(within);
        let fault = match self.chance.below(if self.kindness == Kindness::Lies { 10 } else { 9 }) {
            0 | 1 => Fault::Gone,
            2 | 3 => Fault::GoneWithin,
            4 => Fault::GoneAfter,
            5 | 6 => Fault::Fails,
            7 => Fault::FailsWithin,
            8 => Fault::NoSpace,
            _ => Fault::Misdirected,
        };
        self.disk.plan(after, fault);
        if self.chance.once_in(12) {
            self.disk.fail_read(self.chance.below(200));
        }
        self.told.figures.faults += 1;
    }

    /// Whether a start may fail so.
    fn may_refuse(&self, error: &Error) -> bool {
        // What failed by plan is no fault of the store.
        let is_planned = |error: &Error| format!("{error:?}").contains("planned") || self.disk.is_gone();
        match error {
            Error::Damaged(_) => self.kindness == Kindness::Lies || is_planned(error),
            other => is_planned(other) || format!("{other:?}").contains("StorageFull"),
        }
    }

    fn start(&mut self) -> Result<Arc<Store>, Error> {
        self.told.figures.starts += 1;
        self.options.crew = Crew::turned();
        let metrics = Arc::new(Metrics::new().expect("metrics"));
        Store::open(Arc::new(self.disk.clone()), Path::new(HOME), &self.options, metrics)
    }

    /// Reads everything in several ways. What a store has shown once counts as told.
    fn look(&mut self, store: &Store) {
        let size = PageSize { bytes: 1 << 20, events: 100 };
        self.notebook.read(store, Scope::All, Walk::Forwards, size);
        self.notebook.read(store, Scope::All, Walk::Backwards, PageSize { bytes: 3 << 10, events: 5 });
        for number in 0..3 {
            self.notebook.read_stream(store, &format!("shared-{number}"));
            self.notebook.read_stream(store, &format!("own-{number}"));
            self.notebook.ask_checkpoint(store, &format!("reader-{number}"));
            self.notebook.ask_snapshot(store, &format!("own-{number}"), u64::MAX);
        }
    }

    fn load(&mut self, store: &Arc<Store>, number: u64) {
        if self.chance.once_in(2) {
            self.plan(120);
        }
        let clients = 1 + self.chance.below(3);
        let requests = 3 + self.chance.below(12);
        let mut tasks: Vec<Task<'_>> = Vec::new();
        let mut chance = Chance::of(self.chance.number());
        for client in 0..clients {
            let client = Client {
                store: store.clone(),
                notebook: &self.notebook,
                chance: Chance::of(chance.number()),
                name: client.to_string(),
                data_bytes: self.data_bytes,
            };
            tasks.push(Box::pin(client.work(requests)));
        }
        let mut followers: Vec<Task<'_>> = Vec::new();
        for follower in 0..chance.below(3) {
            followers.extend(self.follower(store, &mut chance, follower + number));
        }
        let crew = self.options.crew.clone();
        turn_until_over(tasks, followers, &crew, &mut chance, || self.disk.is_gone());
    }

    /// Somebody who follows the log or a query, from the beginning or from somewhere.
    fn follower(&self, store: &Arc<Store>, chance: &mut Chance, number: u64) -> Option<Task<'_>> {
        let after = if number.is_multiple_of(2) { 0 } else { chance.below(store.head().0 + 1) };
        let scope = if chance.once_in(2) {
            Scope::All
        } else {
            Scope::Query(any_query(&mut Chance::of(chance.number()), "own-0".into()))
        };
        let query = scope_query(&scope);
        let bytes = 1 + chance.below(4 << 10) as usize;
        let subscription = store.subscribe(query, Start::After(after), bytes, std::time::Duration::from_secs(3600));
        Some(Box::pin(self.notebook.follow(subscription.ok()?, scope, after)))
    }

    /// The end of a life: a stop, a kill, or a power cut.
    fn go(&mut self, store: Option<&Arc<Store>>) {
        let stops = store.is_some() && !self.disk.is_gone() && self.chance.once_in(4);
        if !stops {
            self.disk.vanish();
        }
        if let Some(store) = store {
            store.close();
        }
        let at = self.notebook.tick();
        self.notebook.history().ended(at);
        if self.chance.once_in(3) {
            self.told.figures.kills += 1;
            self.disk.kill();
        } else {
            self.told.figures.power_cuts += 1;
            self.disk.cut_power();
        }
        self.shelf.cut(&mut self.chance);
        if self.kindness == Kindness::Lies && self.chance.once_in(2) {
            self.rot();
        }
    }

    /// Flips a bit of the log, of its mark, or of the index; not of the newest block, which nothing vouches for.
    fn rot(&mut self) {
        let log = Path::new(HOME).join("log");
        let Ok(segments) = Segments::read_only(&self.disk, &log) else { return };
        // Behind the newest block there are at most segments that were being made.
        let newest = segments.iter().rev().find_map(|segment| Some((segment.header.number, last_block(segment)?)));
        let (number, offset) = newest.unwrap_or_default();
        let vouched_for = |path: &Path, bytes: u64| {
            let segment = segments.iter().find(|segment| segment.path == path);
            match segment.map(|segment| segment.header.number.cmp(&number)) {
                Some(Ordering::Less) => bytes,
                Some(Ordering::Equal) => offset,
                Some(Ordering::Greater) => 0,
                None => bytes,
            }
        };
        let is_rotten = self.disk.rot(|path, bytes| match path.starts_with(HOME) {
            true => vouched_for(path, bytes),
            false => 0,
        });
        self.told.figures.rotten += u64::from(is_rotten.is_some());
    }

    /// A start that nothing disturbs; returns the whole log.
    fn last_look(&mut self) -> Option<Vec<Event>> {
        self.disk.forget_plans();
        let store = match self.start() {
            Ok(store) => store,
            Err(error) if self.may_refuse(&error) => {
                self.told.figures.refused += 1;
                return None;
            }
            Err(error) => {
                self.told.violations.push(format!("the last start was refused: {error:?}"));
                return None;
            }
        };
        self.look(&store);
        let mut log = Vec::new();
        let mut is_whole = true;
        while (log.len() as u64) < store.head().0 {
            let from = quipu::model::Position(log.len() as u64 + 1);
            match store.reader().log_forwards(from, store.head(), PageSize { bytes: 1 << 20, events: 1000 }) {
                Ok(page) => log.extend(page.iter().map(seen)),
                Err(error) => {
                    self.notebook.failed(&error);
                    is_whole = false;
                    break;
                }
            }
        }
        store.close();
        is_whole.then_some(log)
    }

    fn end(mut self, log: Option<Vec<Event>>) -> Told {
        let history = self.notebook.history();
        if let Some(log) = log {
            self.told.figures.events = log.len() as u64;
            self.told.violations.extend(check(&history, &log).iter().map(ToString::to_string));
        }
        self.told.violations.extend(self.notebook.wrong());
        let attempts = history.appends.iter().flat_map(|append| &append.attempts);
        for attempt in attempts {
            match attempt.outcome {
                Outcome::Ok(_) => self.told.figures.acknowledged += 1,
                Outcome::Unknown => self.told.figures.unknown += 1,
                Outcome::Refused(_) => {}
            }
        }
        drop(history);
        self.told.figures.refused += self.notebook.refused();
        if self.kindness == Kindness::Fails && self.told.figures.refused > 0 {
            self.told.violations.push("good bytes were told to be damaged".into());
        }
        self.told.trace = self.disk.trace();
        let kindness = self.kindness;
        self.told.violations.iter_mut().for_each(|what| what.insert_str(0, &format!("{kindness:?}: ")));
        self.told
    }
}
