//! Disks that refuse: a failed write or sync stops the store for good, a full disk only its appends.

use std::sync::Arc;

use quipu::disk::memory::MemoryDisk;
use quipu::model::{ExpectedRevision, Position, StreamName};
use quipu::store::{Append, Appended, Condition, Error, Store};

use crate::faults::{Fault, FaultyDisk};
use crate::life::open;
use crate::proposals::proposal;
use crate::witness::whole_log;

fn append(store: &Store, id: u128, data: &[u8]) -> Result<Appended, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let events = vec![proposal(id, data)];
    let append = Append { stream: StreamName::from_log("s"), expected: ExpectedRevision::Any, events };
    runtime.block_on(store.append(append))
}

/// A store with one event whose disk fails at the call so many calls ahead.
fn about_to_fail(ahead: u64) -> (FaultyDisk, Arc<Store>) {
    let below = MemoryDisk::cuttable();
    let disk = FaultyDisk::failing(&below, u64::MAX, Fault::Fails);
    let store = open(&disk).expect("a good disk");
    append(&store, 1, b"first").expect("a good disk");
    disk.fail_after(ahead);
    (disk, store)
}

/// What a store does from its first failure on.
fn stops_for_good(disk: &FaultyDisk, store: &Store) {
    assert!(matches!(append(store, 2, b"second"), Err(Error::Poisoned)));
    assert_eq!(*store.condition().borrow(), Condition::Poisoned);
    let calls = disk.calls();
    for id in 3..10 {
        assert!(matches!(append(store, id, b"more"), Err(Error::Poisoned)));
    }
    assert_eq!(whole_log(store).expect("reads go on").len(), 1, "what was not acknowledged is not shown");
    store.close();
    assert_eq!(disk.calls(), calls, "nothing is written or synced after a failure, at the end neither");
}

#[test]
fn a_write_that_fails_stops_the_store_and_nothing_is_written_after_it() {
    let (disk, store) = about_to_fail(0);
    stops_for_good(&disk, &store);
}

#[test]
fn a_sync_that_fails_stops_the_store_and_is_not_tried_again() {
    let (disk, store) = about_to_fail(1);
    stops_for_good(&disk, &store);
}

#[test]
fn a_full_disk_refuses_appends_goes_on_reading_and_takes_appends_again_when_there_is_room() {
    let disk = MemoryDisk::default();
    let store = open(&disk).expect("a good disk");
    append(&store, 1, b"first").expect("room");
    // What the segment has for small blocks already is room as well.
    disk.limit(66 << 10);
    assert!(matches!(append(&store, 2, &[7; 70_000]), Err(Error::DiskFull)));
    assert_eq!(*store.condition().borrow(), Condition::Serving, "a full disk was foreseen, it is no failure");
    assert_eq!(whole_log(&store).expect("reads go on").len(), 1);
    append(&store, 3, b"small").expect("there is room for a small one");
    disk.limit(1 << 20);
    let appended = append(&store, 2, &[7; 70_000]).expect("room again");
    assert_eq!((appended.first_position, appended.deduplicated), (Position(3), false));
    store.close();
    assert_eq!(whole_log(&open(&disk).expect("a good disk")).expect("whole").len(), 3);
}
