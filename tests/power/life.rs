//! A store from its start to its violent end.

use std::path::Path;
use std::sync::Arc;

use quipu::clock::Clock;
use quipu::disk::Disk;
use quipu::disk::memory::MemoryDisk;
use quipu::log::LogOptions;
use quipu::metrics::Metrics;
use quipu::model::{Limits, Timestamp};
use quipu::store::{Error, Store, StoreOptions};

use crate::chance::Chance;
use crate::faults::{Fault, FaultyDisk};
use crate::load::Load;
use crate::witness::Witness;

/// Where the store lies.
pub(crate) const HOME: &str = "/data/tenants/default";

/// How a life ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The process dies, the machine lives: what was written is there, synced or not.
    Kill,
    /// The machine dies, and with it what was not synced.
    PowerCut,
    /// The machine dies, but the names of files were written out in time.
    PowerCutThatKeepsNames,
}

/// Small segments, so that a few appends fill some of them.
pub(crate) fn options() -> StoreOptions {
    StoreOptions {
        log: LogOptions { segment_bytes: 16 << 10, segment_events: 7, disk_reserve_bytes: 0, ..LogOptions::default() },
        limits: Arc::new(Limits { snapshots_per_stream: 1000, ..Limits::default() }),
        clock: Clock::new(|| Timestamp { seconds: 1_800_000_000, nanos: 0 }),
        ..StoreOptions::default()
    }
}

/// Opens the store on a disk.
pub(crate) fn open(disk: &(impl Disk + Clone + 'static)) -> Result<Arc<Store>, Error> {
    let metrics = Arc::new(Metrics::new().expect("metrics"));
    Store::open(Arc::new(disk.clone()), Path::new(HOME), &options(), metrics)
}

/// Ends a life on this disk.
pub(crate) fn end(disk: &FaultyDisk, store: Option<Arc<Store>>, end: End) {
    disk.vanish();
    if let Some(store) = store {
        store.close();
    }
    match end {
        End::Kill => {}
        End::PowerCut => disk.cut_power(),
        End::PowerCutThatKeepsNames => {
            for directory in ["log", "index", "quarantine"] {
                disk.below.sync_dir(&Path::new(HOME).join(directory)).expect("memory does not fail");
            }
            disk.cut_power();
        }
    }
}

/// A whole life under load, which the fault or the end of the load ends. Returns how many calls to the
/// disk it had, and what a check at its start found.
pub(crate) fn live(
    below: &MemoryDisk,
    witness: &mut Witness,
    (at, fault): (u64, Fault),
    how: End,
    (load, seed): (Load, u64),
) -> (u64, Vec<String>) {
    let disk = FaultyDisk::failing(below, at, fault);
    let (store, mut faults) = match open(&disk) {
        Ok(store) => {
            let faults = witness.check(&store);
            (Some(store), faults)
        }
        Err(error) => (None, vec![format!("the start was refused: {error:?}")]),
    };
    if disk.calls() > at {
        // What failed because the machine went is no fault of the store.
        faults.clear();
    }
    if let Some(store) = &store {
        load.run(store, witness, seed);
    }
    end(&disk, store, how);
    (disk.calls(), faults)
}

/// A start that nothing disturbs, and then an end like this. What it shows must be what was told.
pub(crate) fn check_start(below: &MemoryDisk, witness: &mut Witness, how: End) -> Vec<String> {
    let disk = FaultyDisk::failing(below, u64::MAX, Fault::Gone);
    match open(&disk) {
        Ok(store) => {
            let faults = witness.check(&store);
            end(&disk, Some(store), how);
            faults
        }
        Err(error) => vec![format!("the start was refused: {error:?}")],
    }
}

/// Draws a fault.
pub(crate) fn any_fault(chance: &mut Chance) -> Fault {
    match chance.below(4) {
        0 => Fault::Gone,
        1 => Fault::GoneAfter,
        _ => Fault::Torn(chance.number()),
    }
}
