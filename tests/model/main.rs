//! Random sequences of everything that a store can be asked, each answer compared with a plain list.
//!
//! The store runs on a disk in memory, with segments, windows and caches so small that a hundred steps
//! meet their edges. `QUIPU_MODEL_SEQUENCES` says how many sequences are run; half as many more are run
//! with terms that collide, which takes longer. A test that fails says the seed, and the steps that led
//! there. That the comparison can fail is proved as well, with a model that has one rule wrong.

mod appends;
mod bursts;
mod checked;
mod follow;
mod guards;
mod lives;
mod marks;
mod news;
mod offers;
mod plain;
mod queries;
mod reads;
mod run;
mod setting;
mod snapshots;
mod verdicts;
mod wanted;

use quipu::disk::simulated::chance;

use run::{Wrong, sequence};

/// Runs sequences one after another, their seeds counted from `first_seed` on. The hashes of terms keep
/// the bits of `masks`, in turn. A store draws the seed of its hashes itself, so which terms collide
/// differs from run to run, and a failure that needs a collision may need a few.
fn run_all(first_seed: u64, count: u64, masks: &[u64]) {
    for (seed, mask) in (first_seed..first_seed + count).zip(masks.iter().cycle()) {
        if let Err(fault) = sequence(seed, *mask, Wrong::Nothing) {
            panic!("{fault}");
        }
    }
}

/// How many sequences are to be run.
fn sequences() -> u64 {
    let Ok(text) = std::env::var("QUIPU_MODEL_SEQUENCES") else { return 120 };
    text.parse().expect("QUIPU_MODEL_SEQUENCES is a number")
}

#[test]
fn a_store_answers_as_a_plain_list_would() {
    run_all(1, sequences(), &[u64::MAX]);
}

#[test]
fn a_store_whose_terms_collide_answers_as_a_plain_list_would() {
    run_all(
        1_000_000,
        sequences() / 2,
        &[0x3, 0xf0f, 7 << 61 | 1, 0xf0f, 0x3, 0xf0f, 7 << 61 | 1, 0xf0f, 1 << 63, 0xf << 40, 0],
    );
}

#[test]
fn a_store_that_has_a_rule_wrong_is_found_out() {
    let mut wrongs = vec![Wrong::Window, Wrong::Kept, Wrong::Time, Wrong::Bytes];
    wrongs.extend([Wrong::Guard, Wrong::After, Wrong::Tags, Wrong::Deleted]);
    for wrong in wrongs {
        let is_found = (1..100).any(|seed| sequence(seed, u64::MAX, wrong).is_err());
        assert!(is_found, "{wrong:?} goes unnoticed");
    }
}
