//! The rules of the three programs hold under 64 clients, and break when the guards are taken away.
//!
//! Each test starts a server of its own. Needs the `quipu` binary of the same build:
//! `cargo test --workspace` makes it.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed, which is what a panic is for")]

mod command;
mod enrolment;
mod lossy;
mod server;
mod transfer;
mod user_names;

use invariants::{Failure, Load, Report};

/// What every test puts upon the rules.
const LOAD: Load = Load { clients: 64, attempts: 640 };

/// How often a rule may hold by chance without its guard.
const ROUNDS_MAX: usize = 20;

/// Every attempt ended one way or the other, both ways happened, clients got in each other's way, and the
/// rule held.
fn assert_held(report: &Report) {
    let tally = report.tally;
    assert_eq!(tally.accepted + tally.refused, LOAD.attempts as u64, "{report}");
    assert!(tally.accepted > 0 && tally.refused > 0 && tally.conflicts > 0, "{report}");
    assert!(report.broken.is_empty(), "{report}");
}

/// Runs a load until its rule is broken.
async fn assert_breaks<F: Future<Output = Result<Report, Failure>>>(run: impl Fn() -> F) {
    for _ in 0..ROUNDS_MAX {
        let report = run().await.unwrap();
        assert_eq!(report.tally.conflicts, 0, "what is not guarded meets no conflict\n{report}");
        if !report.broken.is_empty() {
            return;
        }
    }
    panic!("the rule held {ROUNDS_MAX} times without its guard: the check sees nothing");
}
