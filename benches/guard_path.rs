//! What it costs an append to be guarded, at 100,000 events.
//!
//! Owns one append of an event in four forms: without a guard, with the exact revision of its stream, and with
//! *no event matches a tag*, once over all of history and once after a position. Every guard holds, so each
//! append goes in. The store works in one thread.

mod samples;

use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use quipu::model::{ExpectedRevision, Guard, Match, Position, Revision};
use quipu::store::Transaction;
use samples::{EVENTS_ALIKE, FILLED, Solo, Supply, append, proposals, stream, tag, tagged};

/// A store is replaced before it has taken in more: its segment has room for these.
const APPENDS_MAX: u64 = 30_000;

const STREAMS: u64 = FILLED / EVENTS_ALIKE;

/// Makes the append that comes after so many others.
type Form = fn(u64) -> Transaction;

fn guard_path(criterion: &mut Criterion) {
    let forms: [(&str, Form); 4] = [
        ("without a guard", unguarded),
        ("exact revision", by_revision),
        ("no event has the tag", by_absent_tag),
        ("no event has the tag after a position", by_tag_after),
    ];
    let mut supply = Supply::new(|| Solo::filled(FILLED), APPENDS_MAX);
    let mut group = criterion.benchmark_group("guarded append");
    group.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    group.throughput(Throughput::Elements(1));
    for (name, form) in forms {
        group.bench_function(name, |bencher| {
            let next = || {
                let (solo, before) = supply.take(1);
                (solo, form(before))
            };
            bencher.iter_batched(
                next,
                |(solo, transaction)| {
                    let transacted = solo.answer(solo.store.transact(transaction)).expect("a guard that holds");
                    // Handed out, so that the last use of a store does not end it while it is measured.
                    (solo, transacted)
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

/// An event for each stream in turn. Its tag is none that a filled store has.
fn unguarded(before: u64) -> Transaction {
    append(stream(before % STREAMS), proposals(FILLED + before, 1)).into()
}

fn by_revision(before: u64) -> Transaction {
    let mut transaction = unguarded(before);
    let last = EVENTS_ALIKE - 1 + before / STREAMS;
    transaction.appends[0].expected = ExpectedRevision::Exactly(Revision(last));
    transaction
}

/// The tag that the event itself brings.
fn by_absent_tag(before: u64) -> Transaction {
    guarded(before, tag(FILLED + before), Position::ZERO)
}

/// A tag of ten events, all of which whoever asks has seen.
fn by_tag_after(before: u64) -> Transaction {
    guarded(before, tag(before % STREAMS), Position(FILLED))
}

fn guarded(before: u64, tag: String, after: Position) -> Transaction {
    let guard = Guard::NoneMatch(Match { query: Arc::new(tagged(tag)), after });
    Transaction { guards: vec![guard], ..unguarded(before) }
}

criterion_group!(benches, guard_path);
criterion_main!(benches);
