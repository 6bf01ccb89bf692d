//! The way out, at 100,000 events.
//!
//! Owns the three kinds of reads: a stream of 10 events, 10 events of a tag from 10 streams, and a page of the
//! log of 1 MiB. Each takes another stream, tag or page every time. The disk is memory: what is shown is the
//! work of finding, checking and cutting out.

mod samples;

use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use quipu::log::Block;
use quipu::model::{Position, Query, StreamName, Walk};
use samples::{EVENTS_ALIKE, FILLED, PAGE, Solo, lay_out, proposals, stream, tag, tagged};

const STREAMS: u64 = FILLED / EVENTS_ALIKE;

/// From one stream, tag or position to the next: coprime with their number, so that all get their turn.
const STRIDE: u64 = 7919;

/// Where pages begin: so far before the end that every page is full.
const PAGE_STARTS: u64 = FILLED * 9 / 10;

fn read_path(criterion: &mut Criterion) {
    let solo = Solo::filled(FILLED);
    let (store, head) = (&solo.store, solo.store.head());
    let mut group = criterion.benchmark_group("read");
    group.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));

    let streams: Vec<StreamName> = (0..STREAMS).map(stream).collect();
    let mut turn = turns(STREAMS);
    group.throughput(Throughput::Elements(EVENTS_ALIKE));
    group.bench_function("stream of 10 events", |bencher| {
        bencher.iter(|| {
            let events = samples::read_stream(store, &streams[turn() as usize]);
            assert_eq!(events, EVENTS_ALIKE);
        });
    });

    let tags: Vec<Query> = (0..STREAMS).map(|number| tagged(tag(number))).collect();
    let mut turn = turns(STREAMS);
    group.bench_function("tag of 10 events", |bencher| {
        bencher.iter(|| {
            let query = &tags[turn() as usize];
            let found = store.reader().select(query, Position(1)..=head, Walk::Forwards, PAGE).expect("a read");
            assert_eq!((found.events.len() as u64, found.rest), (EVENTS_ALIKE, None));
            found.events
        });
    });

    let page = |from: u64| {
        let range = Position(from)..=head;
        store.reader().select(&Query::all(), range, Walk::Forwards, PAGE).expect("a read").events
    };
    let mut turn = turns(PAGE_STARTS);
    let events = page(1).len();
    group.throughput(Throughput::Elements(events as u64));
    group.bench_function(format!("page of the log, {events} events"), |bencher| {
        bencher.iter(|| {
            let found = page(1 + turn());
            assert_eq!(found.len(), events);
            found
        });
    });
    group.finish();
}

/// What a server does with each block of the newest segment when it starts.
fn check(criterion: &mut Criterion) {
    const EVENTS: u64 = 100;
    let block = lay_out(&proposals(0, EVENTS), "order-000000");
    let mut group = criterion.benchmark_group("start");
    group.throughput(Throughput::Elements(EVENTS));
    group.bench_function("block of 100 events, checked", |bencher| {
        let fresh = || (block.header, block.bytes().clone());
        bencher.iter_batched(fresh, |(header, bytes)| Block::parse(header, bytes), BatchSize::SmallInput);
    });
    group.finish();
}

/// The numbers below `most`, in an order that no cache foresees.
fn turns(most: u64) -> impl FnMut() -> u64 {
    let mut number = 0;
    move || {
        number = (number + STRIDE) % most;
        number
    }
}

criterion_group!(benches, read_path, check);
criterion_main!(benches);
