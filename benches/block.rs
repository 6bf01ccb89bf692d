//! The inner loops of an append, without disk and network.
//!
//! Owns three measurements of a batch of events of 256 bytes: taking proposed events apart, making
//! the block (copies and checksums), and checking a block as it is read. What a whole server does is
//! measured by `quipu bench`.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use prost::Message;
use quipu::log::record::Stamp;
use quipu::log::{Block, Draft, Slot};
use quipu::model::limits::Limits;
use quipu::model::{Position, ProposedEvent, Revision, Timestamp};
use quipu_client::{NewEvent, proto};

const EVENTS: u64 = 100;
const PAYLOAD_BYTES: usize = 256;
const SALT: u64 = 7;

fn encoded() -> Vec<Bytes> {
    let event = |_| NewEvent::new("Measured", "x".repeat(PAYLOAD_BYTES));
    (0..EVENTS).map(event).map(|event| proto::NewEvent::from(event).encode_to_vec().into()).collect()
}

fn proposed(encoded: &[Bytes]) -> Vec<ProposedEvent> {
    let limits = Limits::default();
    let parse = |bytes: &Bytes| ProposedEvent::parse(bytes.clone(), &limits).expect("a client's event is sound");
    encoded.iter().map(parse).collect()
}

fn block(events: &[ProposedEvent]) -> Block {
    let mut draft = Draft::new(Position(1));
    for (revision, event) in (0..).zip(events) {
        let recorded_at = Timestamp { seconds: 1_700_000_000, nanos: 0 };
        let stamp = Stamp { revision: Revision(revision), position: draft.next_position(), recorded_at };
        draft.put_event(event, "order-1", &stamp);
    }
    draft.finish(SALT, Slot(1), 0, 0)
}

fn blocks(criterion: &mut Criterion) {
    let encoded = encoded();
    let events = proposed(&encoded);
    let made = block(&events);
    let mut group = criterion.benchmark_group("block of 100 events");
    group.throughput(Throughput::Elements(EVENTS));
    group.bench_function("propose", |bencher| bencher.iter(|| black_box(proposed(&encoded))));
    group.bench_function("make", |bencher| bencher.iter(|| black_box(block(&events))));
    group.bench_function("check", |bencher| {
        let fresh = || (made.header, made.bytes().clone());
        bencher.iter_batched(fresh, |(header, bytes)| Block::parse(header, bytes), BatchSize::SmallInput);
    });
    group.finish();
}

criterion_group!(benches, blocks);
criterion_main!(benches);
