//! The way in: from the bytes of a request to a durable event.
//!
//! Owns the parts of it, first to last: the request taken apart and checked, its events laid out as a block, and
//! both with everything between them, through a store. In memory the store works in one thread, which shows
//! what its own work costs; on files it has its threads and syncs, which shows what an append waits for.

mod samples;

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use quipu::crew::Crew;
use quipu::disk::real::RealDisk;
use quipu::log::LogOptions;
use quipu::model::Limits;
use samples::{Solo, Supply, append, lay_out, open, proposals, propose, request, stream};
use tokio::runtime::Builder;

/// A store is replaced before it has more events.
const EVENTS_MAX: u64 = 100_000;

/// The events of an append have one of so many streams.
const STREAMS: u64 = 10_000;

fn append_path(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append");
    group.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    for (events, name) in [(1, "1 event"), (100, "100 events")] {
        group.throughput(Throughput::Elements(events));
        parts(&mut group, events, name);
        in_memory(&mut group, events, name);
        on_files(&mut group, events, name);
    }
    group.finish();
}

fn parts(group: &mut BenchmarkGroup<'_, WallTime>, events: u64, name: &str) {
    let (request, limits) = (request(events), Limits::default());
    group.bench_function(format!("{name}/request to proposed events"), |bencher| {
        bencher.iter(|| propose(black_box(request.clone()), &limits));
    });
    let proposed = propose(request, &limits);
    group.bench_function(format!("{name}/proposed events to block"), |bencher| {
        bencher.iter(|| lay_out(black_box(&proposed), "order-000000"));
    });
}

fn in_memory(group: &mut BenchmarkGroup<'_, WallTime>, events: u64, name: &str) {
    let mut supply = Supply::new(Solo::empty, EVENTS_MAX);
    group.bench_function(format!("{name}/through a store in memory"), |bencher| {
        let next = || {
            let (solo, before) = supply.take(events);
            (solo, append(stream(before % STREAMS), proposals(before, events)))
        };
        bencher.iter_batched(
            next,
            |(solo, append)| {
                let appended = solo.answer(solo.store.append(append)).expect("an append");
                // Handed out, so that the last use of a store does not end it while it is measured.
                (solo, appended)
            },
            BatchSize::SmallInput,
        );
    });
}

fn on_files(group: &mut BenchmarkGroup<'_, WallTime>, events: u64, name: &str) {
    // Cargo's directory for this lies where builds do: on a disk, which the system's own may not.
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let store = open_files(directory.path());
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let mut before = 0;
    group.bench_function(format!("{name}/through a store on files"), |bencher| {
        let next = || {
            before += events;
            append(stream(before % STREAMS), proposals(before, events))
        };
        let routine = |append| runtime.block_on(store.append(append)).expect("an append");
        bencher.iter_batched(next, routine, BatchSize::SmallInput);
    });
    store.close();
}

fn open_files(directory: &Path) -> Arc<quipu::store::Store> {
    open(Arc::new(RealDisk), directory, Crew::threads(), LogOptions::default().segment_events)
}

criterion_group!(benches, append_path);
criterion_main!(benches);
