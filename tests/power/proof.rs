//! The checks can fail: on a disk that lies about its syncs, they find what was lost.

use quipu::disk::memory::MemoryDisk;

use crate::chance::Chance;
use crate::faults::{FaultyDisk, Syncs};
use crate::life::{End, check_start, end, open};
use crate::load::SMALL;
use crate::witness::Witness;

const ROUNDS: u64 = 40;

/// In how many rounds a power cut on a disk that syncs like this lost something acknowledged.
fn rounds_with_losses(syncs: Syncs) -> usize {
    let has_loss = |seed: &u64| {
        let (below, mut witness) = (MemoryDisk::cuttable(), Witness::default());
        let disk = FaultyDisk::lying(&below, Chance::of(*seed).below(60) + 5, syncs);
        let store = open(&disk).ok();
        if let Some(store) = &store {
            SMALL.run(store, &mut witness, *seed);
        }
        end(&disk, store, End::PowerCut);
        let faults = check_start(&below, &mut witness, End::PowerCut);
        faults.iter().any(|fault| fault.starts_with("lost") || fault.starts_with("the start was refused"))
    };
    (0..ROUNDS).filter(has_loss).count()
}

#[test]
fn without_syncs_the_check_finds_acknowledged_events_lost() {
    let found = rounds_with_losses(Syncs::Never);
    assert!(found > 0, "the check saw no loss in {ROUNDS} rounds");
}

#[test]
fn with_answers_before_the_sync_the_check_finds_acknowledged_events_lost() {
    let found = rounds_with_losses(Syncs::Late);
    assert!(found > 0, "the check saw no loss in {ROUNDS} rounds");
}

#[test]
fn with_honest_syncs_the_same_rounds_lose_nothing() {
    assert_eq!(rounds_with_losses(Syncs::Honest), 0);
}
