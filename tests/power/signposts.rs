//! Index files that are damaged while the store is open, in the middle of a question: the answer is the right
//! one, and so is that of the next start.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quipu::clock::Clock;
use quipu::disk::memory::MemoryDisk;
use quipu::disk::{Disk, Open};
use quipu::log::LogOptions;
use quipu::metrics::Metrics;
use quipu::model::{
    ExpectedRevision, Guard, Limits, Match, Position, Query, QueryItem, Revision, StreamName, Timestamp, Walk,
};
use quipu::store::read::PageSize;
use quipu::store::{Append, LifeChange, LifeEvent, Store, StoreOptions, Transaction};

use crate::chance::Chance;
use crate::life::{HOME, options};
use crate::questions::tagged;

const PAGE: usize = 4096;
const SMALL_PAGE: PageSize = PageSize { bytes: 64 << 10, events: 40 };

fn open(disk: &MemoryDisk, index_bytes: u64) -> Arc<Store> {
    let seconds = AtomicU64::new(1_800_000_000);
    let options = StoreOptions {
        log: LogOptions {
            segment_bytes: 16 << 20,
            segment_events: 900,
            disk_reserve_bytes: 0,
            ..LogOptions::default()
        },
        clock: Clock::new(move || Timestamp { seconds: seconds.fetch_add(1, Ordering::Relaxed), nanos: 0 }),
        index_bytes,
        ..options()
    };
    let metrics = Arc::new(Metrics::new().expect("metrics"));
    Store::open(Arc::new(disk.clone()), Path::new(HOME), &options, metrics).expect("a store opens")
}

fn query(item: QueryItem) -> Query {
    Query::of(vec![item], &Limits::default()).expect("a query").with_system(true)
}

fn with_tag(tag: &str) -> Query {
    query(QueryItem { tags: vec![tag.to_owned()], ..QueryItem::default() })
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

/// A closed store: three segments, two of them with an index file of several pages.
fn filled() -> MemoryDisk {
    let disk = MemoryDisk::default();
    let store = open(&disk, 0);
    let mut chance = Chance::of(41);
    for number in 0..200_u64 {
        let stream = if number == 20 { "gone-1".to_owned() } else { format!("s{}-{}", number % 3, number % 20) };
        let stream = StreamName::from_log(&stream);
        let events = (0..10).map(|_| {
            let tags = [format!("few:{}", chance.below(300)), format!("many:{}", chance.below(3))];
            tagged(chance.id(), b"data", &[&tags[0], &tags[1]])
        });
        let append = Append { stream, expected: ExpectedRevision::Any, events: events.collect() };
        wait(store.append(append)).expect("memory does not fail");
        if number == 50 {
            let (stream, expected) = (StreamName::from_log("gone-1"), ExpectedRevision::Any);
            wait(store.change_life(LifeChange { stream, expected, what: LifeEvent::Tombstoned })).expect("it is there");
        }
    }
    store.close();
    disk
}

/// What the store says to many questions. `meanwhile` happens in the middle of the first.
fn answers(store: &Store, meanwhile: impl FnOnce()) -> Vec<String> {
    let mut answers = Vec::new();
    let mut meanwhile = Some(meanwhile);
    for tag in ["many:1", "few:7", "few:299", "few:absent"] {
        for walk in [Walk::Forwards, Walk::Backwards] {
            let (mut found, mut rest) = (Vec::new(), Some(Position(1)..=store.head()));
            while let Some(range) = rest {
                let page = store.reader().select(&with_tag(tag), range, walk, SMALL_PAGE).expect("it can be mended");
                found.extend(page.events.iter().map(|event| event.position().0));
                rest = page.rest;
                if let Some(meanwhile) = meanwhile.take() {
                    meanwhile();
                }
            }
            answers.push(format!("{tag} {walk:?}: {found:?}"));
        }
        // A guard over all of history looks at the same places.
        let guard = Guard::NoneMatch(Match { query: Arc::new(with_tag(tag)), after: Position::ZERO });
        let refused = wait(store.transact(Transaction { guards: vec![guard, never()], ..Transaction::default() }));
        answers.push(format!("{tag}: {refused:?}"));
    }
    for name in store.stream_names("", 1000).expect("it can be mended") {
        let stream = StreamName::from_log(&name);
        let page = PageSize { bytes: 1 << 20, events: 1000 };
        let forwards = store.reader().stream_forwards(&stream, Revision(0), store.head(), page);
        let forwards = forwards.expect("it can be mended");
        let info = store.stream_info(&stream);
        answers
            .push(format!("{name}: {info:?} {:?}", forwards.iter().map(|event| event.position()).collect::<Vec<_>>()));
    }
    for position in (1..=store.head().0).step_by(37).map(Position) {
        let event = store.event_at(position).expect("it can be mended");
        assert_eq!(store.event_by_id(event.id().expect("an id")).expect("it can be mended"), event);
        let first = store.reader().position_at(event.recorded_at(), store.head());
        answers.push(format!("{position}: {first:?}"));
    }
    let tally = store.tally().expect("it can be mended");
    answers.push(format!("{} {} {:?}", tally.events, tally.streams, tally.types.names.get("Happened")));
    answers
}

/// A guard that never holds, so that nothing is changed by asking.
fn never() -> Guard {
    Guard::SomeMatch(Match { query: Arc::new(with_tag("never")), after: Position::ZERO })
}

fn files(disk: &MemoryDisk) -> Vec<(PathBuf, Vec<u8>)> {
    let directory = Path::new(HOME).join("index");
    let names = disk.list(&directory).expect("memory does not fail");
    let files = names.iter().map(|name| directory.join(name));
    files.map(|path| (path.clone(), disk.read(&path).expect("memory does not fail"))).collect()
}

/// Every way to damage the file, by name. Open files see it.
fn damages(bytes: &[u8], other: &[u8]) -> Vec<(String, Option<Vec<u8>>)> {
    let flipped = (0..bytes.len() / PAGE).map(|page| {
        let mut bytes = bytes.to_vec();
        bytes[page * PAGE + page * 31 % PAGE] ^= 4;
        (format!("page {page} flipped"), Some(bytes))
    });
    let cut = [PAGE, bytes.len() - PAGE, PAGE / 2, 0].map(|at| (format!("cut at {at}"), Some(bytes[..at].to_vec())));
    flipped.chain(cut).chain([("swapped".into(), Some(other.to_vec())), ("missing".into(), None)]).collect()
}

fn damage(disk: &MemoryDisk, path: &Path, bytes: Option<&[u8]>) {
    let Some(bytes) = bytes else { return disk.remove(path).expect("memory does not fail") };
    let file = disk.open(path, Open::Write).expect("memory does not fail");
    file.set_len(0).and_then(|()| file.write_at(bytes, 0)).expect("memory does not fail");
}

fn assert_same(found: &[String], expected: &[String], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected, "{what}");
    }
}

#[test]
fn an_index_file_that_is_damaged_in_the_middle_of_a_question_is_mended_and_the_answer_is_right() {
    let disk = filled();
    let files = files(&disk);
    assert!(files.len() == 2 && files[0].1.len() > 3 * PAGE, "{} files", files.len());
    for index_bytes in [0, StoreOptions::default().index_bytes] {
        let store = open(&disk, index_bytes);
        let expected = answers(&store, || {});
        store.close();
        for ((path, bytes), other) in files.iter().zip([&files[1].1, &files[0].1]) {
            for (how, damaged) in damages(bytes, other) {
                let what = format!("{}: {how}, index_bytes {index_bytes}", path.display());
                let store = open(&disk, index_bytes);
                let found = answers(&store, || damage(&disk, path, damaged.as_deref()));
                assert_same(&found, &expected, &what);
                store.close();
                if !disk.exists(path).expect("memory does not fail") {
                    disk.open(path, Open::Create).expect("memory does not fail");
                }
                damage(&disk, path, damaged.as_deref());
                let store = open(&disk, index_bytes);
                assert_same(&answers(&store, || {}), &expected, &format!("{what}, at a start"));
                store.close();
                assert!(disk.read(path).is_ok_and(|found| found == *bytes), "{what}: not mended to the byte");
            }
        }
    }
}
