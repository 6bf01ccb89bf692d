//! Starts after a process died and the machine lived: what a store finds then may be in memory only.
//!
//! The story: a server is killed, or its sync fails and it stops. It is started again, reads blocks and
//! names that no sync ever confirmed, and shows them. Then the power goes. What was shown must be there.

use quipu::disk::memory::MemoryDisk;

use crate::faults::{Fault, FaultyDisk};
use crate::life::{End, check_start, end, live, open};
use crate::load::{Load, SMALL};
use crate::witness::Witness;

/// Lives once with this fault, starts again without a power cut, runs `then`, and cuts the power.
fn killed_then_cut(at: u64, fault: Fault, then: Load) -> (u64, Vec<String>) {
    let (below, mut witness) = (MemoryDisk::cuttable(), Witness::default());
    let (calls, mut faults) = live(&below, &mut witness, (at, fault), End::Kill, (SMALL, 1));
    let quiet = (u64::MAX, Fault::Gone);
    faults.extend(live(&below, &mut witness, quiet, End::PowerCut, (then, 2)).1);
    faults.extend(check_start(&below, &mut witness, End::PowerCut));
    (calls, faults)
}

fn sweep(then: Load) {
    let (calls, _) = killed_then_cut(u64::MAX, Fault::Gone, then);
    let mut wrong = Vec::new();
    for (at, fault) in (0..calls).flat_map(|at| [(at, Fault::Gone), (at, Fault::GoneAfter)]) {
        let (_, faults) = killed_then_cut(at, fault, then);
        wrong.extend(faults.first().map(|first| format!("killed at call {at}, {fault:?}: {first}")));
    }
    assert!(wrong.is_empty(), "{} of {} kills: {wrong:#?}", wrong.len(), 2 * calls);
}

#[test]
fn what_a_start_after_a_kill_shows_survives_a_power_cut() {
    sweep(Load { requests: 0, ..SMALL });
}

#[test]
fn what_is_appended_after_a_kill_survives_a_power_cut() {
    sweep(Load { requests: 2, ..SMALL });
}

#[test]
fn a_block_whose_sync_failed_is_not_shown_by_the_next_start_unless_it_is_written_again() {
    let mut wrong = Vec::new();
    let mut failures = 0;
    for at in 0.. {
        let (below, mut witness) = (MemoryDisk::cuttable(), Witness::default());
        let disk = FaultyDisk::failing(&below, at, Fault::Fails);
        if let Ok(store) = open(&disk) {
            SMALL.run(&store, &mut witness, 1);
            store.close();
        }
        if disk.calls() <= at {
            break;
        }
        failures += 1;
        // The process starts anew on the same machine, which remembers as clean what it did not write.
        match open(&disk) {
            Ok(store) => {
                wrong.extend(witness.check(&store));
                end(&disk, Some(store), End::PowerCut);
            }
            Err(error) => wrong.push(format!("call {at} failed, then the start was refused: {error:?}")),
        }
        let found = check_start(&below, &mut witness, End::PowerCut);
        wrong.extend(found.first().map(|first| format!("call {at} failed: {first}")));
    }
    assert!(failures > 50, "only {failures} calls failed");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
