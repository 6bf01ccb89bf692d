//! From an append to whoever follows, in one process.
//!
//! Owns two measurements, each for a subscription to everything and for one with a filter: from the call of an
//! append until its answer and its event are both there, and catching up with 100,000 events. The store has its
//! threads and a disk in memory.

mod samples;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use quipu::crew::Crew;
use quipu::disk::memory::MemoryDisk;
use quipu::log::LogOptions;
use quipu::model::Query;
use quipu::store::{Message, Start, Store, Subscription};
use samples::{FILLED, PAGE, Solo, TYPES, append, open, proposed, stream, tag, tagged, typed};
use tokio::runtime::{Builder, Runtime};

/// Nobody is told that nothing happens.
const HEARTBEAT: Duration = Duration::from_secs(24 * 60 * 60);

/// The tag of the events that are appended, and of one event in a filled store's ten thousand.
const FOLLOWED: u64 = 7;

fn live(criterion: &mut Criterion) {
    let runtime = runtime();
    let mut group = criterion.benchmark_group("append to live subscriber");
    group.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    group.throughput(Throughput::Elements(1));
    for (name, query) in [("everything", Query::all()), ("a tag", tagged(tag(FOLLOWED)))] {
        let segment_events = LogOptions::default().segment_events;
        let store = open(Arc::new(MemoryDisk::default()), Path::new("/store"), Crew::threads(), segment_events);
        let mut subscription = follow(&store, query, Start::End);
        runtime.block_on(caught_up(&mut subscription));
        let mut number = 0;
        group.bench_function(name, |bencher| {
            let next = || {
                number += 1;
                append(stream(number % 1000), vec![proposed(number, tag(FOLLOWED))])
            };
            let routine =
                |append| runtime.block_on(async { tokio::join!(store.append(append), next_events(&mut subscription)) });
            bencher.iter_batched(next, routine, BatchSize::SmallInput);
        });
        store.close();
    }
    group.finish();
}

fn catching_up(criterion: &mut Criterion) {
    let runtime = runtime();
    let store = Solo::filled(FILLED).on_threads();
    let mut group = criterion.benchmark_group("catch up with 100,000 events");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.throughput(Throughput::Elements(FILLED));
    let queries = [("everything", Query::all(), FILLED), ("one type of ten", typed(0), FILLED / TYPES)];
    for (name, query, matching) in queries {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut subscription = follow(&store, query.clone(), Start::Beginning);
                let delivered = runtime.block_on(caught_up(&mut subscription));
                assert_eq!(delivered, matching);
            });
        });
    }
    group.finish();
    store.close();
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("a runtime")
}

fn follow(store: &Arc<Store>, query: Query, start: Start) -> Subscription {
    store.subscribe(query, start, PAGE.bytes, HEARTBEAT).expect("a subscription")
}

/// Follows until everything is there; returns how many events came.
async fn caught_up(subscription: &mut Subscription) -> u64 {
    let mut events = 0;
    loop {
        match subscription.next().await.expect("a subscription goes on") {
            Message::Events(page) => events += page.len() as u64,
            Message::CaughtUp(_) => return events,
            Message::FellBehind { .. } | Message::Checkpoint(_) | Message::Heartbeat(_) => {}
        }
    }
}

/// Follows until events come.
async fn next_events(subscription: &mut Subscription) -> usize {
    loop {
        if let Message::Events(page) = subscription.next().await.expect("a subscription goes on") {
            return page.len();
        }
    }
}

criterion_group!(benches, live, catching_up);
criterion_main!(benches);
