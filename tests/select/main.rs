//! Queries over many events, each compared with a scan over a list of labels in memory.
//!
//! Terms are skewed as in life: a tag that every other event has, types that hardly any has, tags that only
//! one event has. The store lies on a disk in memory, in many segments. The questions are asked where it was
//! written, after a reopen, without memory for the index, and where files of the index are gone.
//! `QUIPU_SELECT_EVENTS` and `QUIPU_SELECT_QUERIES` say how many of each. What a query means is said here
//! once more, in other words than the engine's. A test that fails says its seed and its question.

mod corpus;
mod question;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quipu::clock::Clock;
use quipu::disk::Disk;
use quipu::disk::memory::MemoryDisk;
use quipu::disk::simulated::chance::{self, Chance};
use quipu::log::LogOptions;
use quipu::metrics::Metrics;
use quipu::model::{Position, Timestamp, Walk};
use quipu::store::read::PageSize;
use quipu::store::{Store, StoreOptions};

use corpus::Corpus;
use question::Question;

/// Where the store lies.
const HOME: &str = "/data";

/// In how many segments the events lie, about.
const SEGMENTS: u64 = 40;

/// What every sequence of numbers here begins with.
const SEED: u64 = 20_261_121;

fn number(name: &str, default: u64) -> u64 {
    let Ok(text) = std::env::var(name) else { return default };
    text.parse().unwrap_or_else(|_| panic!("{name} is a number"))
}

/// How the store is opened. The clock goes on by a second every few times it is asked.
fn options(events: u64, index_bytes: u64) -> StoreOptions {
    let asked = AtomicU64::new(0);
    let tell = move || {
        let seconds = 1_800_000_000 + asked.fetch_add(1, Ordering::SeqCst) / 3;
        Timestamp { seconds, nanos: 5 }
    };
    let log =
        LogOptions { segment_events: (events / SEGMENTS).max(10), disk_reserve_bytes: 0, ..LogOptions::default() };
    StoreOptions { log, index_bytes, clock: Clock::new(tell), ..StoreOptions::default() }
}

fn open(disk: &MemoryDisk, options: &StoreOptions) -> Arc<Store> {
    let metrics = Arc::new(Metrics::new().expect("metrics"));
    Store::open(Arc::new(disk.clone()), Path::new(HOME), options, metrics).expect("the store opens")
}

/// Asks questions, and compares each answer with what a scan finds.
fn ask(store: &Arc<Store>, corpus: &Corpus, chance: &mut Chance, questions: u64, place: &str) {
    for number in 0..questions {
        let question = Question::draw(chance, corpus);
        if let Err(fault) = question.compare(store, corpus) {
            panic!("seed {SEED}, {place}, question {number}\n  {question:?}\n{fault}");
        }
    }
}

/// Compares where reads begin that begin at a time, and how many events there are.
fn compare_times_and_counts(store: &Arc<Store>, corpus: &Corpus, chance: &mut Chance) {
    let head = store.head();
    let mut times = Vec::new();
    while (times.len() as u64) < head.0 {
        let from = Position(times.len() as u64 + 1);
        let page = store.reader().log_forwards(from, head, PageSize { bytes: 1 << 20, events: usize::MAX });
        times.extend(page.expect("a page").iter().map(quipu::log::StoredEvent::recorded_at));
    }
    assert!(times.is_sorted(), "time stepped back");
    for _ in 0..500 {
        let at = times[chance.below(head.0) as usize];
        let time = Timestamp { nanos: at.nanos + chance.below(3) as u32 - 1, ..at };
        let forwards = times.partition_point(|one| *one < time) as u64 + 1;
        let backwards = times.partition_point(|one| *one <= time) as u64;
        for (walk, place) in [(Walk::Forwards, forwards), (Walk::Backwards, backwards)] {
            let found = store.reader().position_from(time, walk, head).expect("a position");
            assert_eq!(found.0, place, "{time:?} {walk:?}");
        }
    }
    let tally = store.tally().expect("a tally");
    assert_eq!((tally.events, tally.streams), (corpus.events.len() as u64, corpus.streams_used()));
    for (name, count) in corpus.types_used() {
        assert_eq!(tally.types.names.get(&name), Some(&count), "{name}");
    }
}

/// Removes some files of the index.
fn harm_index(disk: &MemoryDisk) {
    let directory = Path::new(HOME).join("index");
    let names = disk.list(&directory).expect("the index has a directory");
    assert!(names.len() as u64 > SEGMENTS / 2, "{} files of the index", names.len());
    for name in names.iter().step_by(3) {
        disk.remove(&directory.join(name)).expect("it can be removed");
    }
}

#[test]
fn queries_find_what_a_scan_over_all_labels_finds() {
    let events = number("QUIPU_SELECT_EVENTS", 100_000);
    let questions = number("QUIPU_SELECT_QUERIES", 2000);
    let disk = MemoryDisk::default();
    let mut chance = Chance::of(SEED);
    let mut corpus = Corpus::new(events);
    let default_bytes = StoreOptions::default().index_bytes;

    let store = open(&disk, &options(events, default_bytes));
    corpus.fill(&store, &mut chance, events);
    ask(&store, &corpus, &mut chance, questions / 5, "where it was written");
    compare_times_and_counts(&store, &corpus, &mut chance);
    store.close();

    let store = open(&disk, &options(events, default_bytes));
    ask(&store, &corpus, &mut chance, questions / 5, "after a reopen");
    compare_times_and_counts(&store, &corpus, &mut chance);
    store.close();

    let store = open(&disk, &options(events, 0));
    ask(&store, &corpus, &mut chance, questions / 5, "without memory for the index");
    store.close();

    harm_index(&disk);
    // Room for some of the segments, not for all.
    let store = open(&disk, &options(events, events));
    ask(&store, &corpus, &mut chance, questions / 5, "where files of the index were gone");
    corpus.fill(&store, &mut chance, events / SEGMENTS * 3);
    ask(&store, &corpus, &mut chance, questions / 5, "where more was written");
    compare_times_and_counts(&store, &corpus, &mut chance);
    store.close();
}
