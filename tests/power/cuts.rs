//! Power cuts: at every call to the disk, under load, and while a store recovers from one.

use quipu::disk::memory::MemoryDisk;

use crate::chance::Chance;
use crate::faults::Fault;
use crate::life::{End, any_fault, check_start, live};
use crate::load::{LARGE, Load, SMALL};
use crate::tracks::Life;
use crate::witness::{Outcome, Witness};

const CUTS: [End; 2] = [End::PowerCut, End::PowerCutThatKeepsNames];

/// A first life with this fault, and what a start after it finds.
fn cut_once(at: u64, fault: Fault, how: End, load: (Load, u64)) -> (u64, Vec<String>, Witness) {
    let (below, mut witness) = (MemoryDisk::cuttable(), Witness::default());
    let (calls, mut faults) = live(&below, &mut witness, (at, fault), how, load);
    faults.extend(check_start(&below, &mut witness, End::PowerCut));
    (calls, faults, witness)
}

fn acknowledged(witness: &Witness) -> usize {
    witness.appends.iter().filter(|tried| matches!(tried.outcome, Outcome::In(..))).count()
}

#[test]
fn any_single_call_to_the_disk_may_be_the_last() {
    let (calls, faults, witness) = cut_once(u64::MAX, Fault::Gone, End::PowerCut, (SMALL, 1));
    assert!(faults.is_empty(), "without a fault: {faults:#?}");
    assert!(calls > 50 && acknowledged(&witness) > 6, "the load is too small to mean something: {calls} calls");
    let torn = (0..6).map(Fault::Torn);
    for fault in [Fault::Gone, Fault::GoneAfter].into_iter().chain(torn) {
        for (how, at) in CUTS.into_iter().flat_map(|how| (0..calls).map(move |at| (how, at))) {
            let (_, faults, _) = cut_once(at, fault, how, (SMALL, 1));
            assert!(faults.is_empty(), "{how:?}, {fault:?} at call {at}: {faults:#?}");
        }
    }
}

#[test]
fn a_cut_under_concurrent_load_loses_nothing_acknowledged_and_leaves_no_half() {
    let (mut told, mut lives, mut checkpoints) = (0, 0, 0);
    for seed in 0..150 {
        let mut chance = Chance::of(seed);
        let (at, fault) = (chance.below(300), any_fault(&mut chance));
        let how = CUTS[chance.below(2) as usize];
        let (_, faults, witness) = cut_once(at, fault, how, (LARGE, chance.number()));
        assert!(faults.is_empty(), "seed {seed}, {how:?}, {fault:?} at call {at}: {faults:#?}");
        told += acknowledged(&witness);
        let has_ended = |life: &Life| matches!(life, Life::Deleted | Life::Tombstoned);
        lives += witness.tracks.lives.values().filter(|track| has_ended(&track.told)).count();
        checkpoints += witness.tracks.checkpoints.values().filter(|track| track.told.is_some()).count();
    }
    assert!(told > 1000, "only {told} appends were in");
    assert!(lives > 100 && checkpoints > 300, "only {lives} streams were deleted, {checkpoints} checkpoints set");
}

#[test]
fn a_cut_while_recovering_from_a_cut_loses_nothing() {
    let mut recoveries = 0;
    for at in (10..60).step_by(3) {
        for again in 0.. {
            let (below, mut witness) = (MemoryDisk::cuttable(), Witness::default());
            let idle = Load { requests: 0, ..SMALL };
            let tear = Fault::Torn(at);
            live(&below, &mut witness, (at, tear), End::PowerCutThatKeepsNames, (SMALL, 1));
            let fault = Fault::Torn(again);
            let (calls, mut faults) = live(&below, &mut witness, (again, fault), End::PowerCut, (idle, 1));
            faults.extend(check_start(&below, &mut witness, End::PowerCut));
            assert!(faults.is_empty(), "cut at call {at}, and at call {again} of the recovery: {faults:#?}");
            if calls <= again {
                break;
            }
            recoveries += 1;
        }
    }
    assert!(recoveries > 20, "only {recoveries} recoveries were cut");
}

#[test]
fn a_store_that_is_killed_and_cut_again_and_again_keeps_what_it_ever_told() {
    for seed in 0..120 {
        let (below, mut witness, mut chance) = (MemoryDisk::cuttable(), Witness::default(), Chance::of(seed));
        let mut story = Vec::new();
        for life in 0..8 {
            let reach = if chance.once_in(3) { 8 } else { 60 };
            let (at, fault) = (chance.below(reach), any_fault(&mut chance));
            let how = [End::Kill, End::PowerCut, End::PowerCutThatKeepsNames][chance.below(3) as usize];
            // A kill tears no write.
            let fault = if how == End::Kill && matches!(fault, Fault::Torn(_)) { Fault::GoneAfter } else { fault };
            story.push(format!("life {life}: {fault:?} at call {at}, then {how:?}"));
            let (_, faults) = live(&below, &mut witness, (at, fault), how, (SMALL, chance.number()));
            assert!(faults.is_empty(), "seed {seed}: {faults:#?}\n{story:#?}");
        }
        let faults = check_start(&below, &mut witness, End::PowerCut);
        assert!(faults.is_empty(), "seed {seed}, at the end: {faults:#?}\n{story:#?}");
    }
}
