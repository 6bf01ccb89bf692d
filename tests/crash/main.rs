//! The real server, killed with SIGKILL again and again under load: nothing that was acknowledged is
//! lost, nothing half is left, and every start succeeds.
//!
//! Writers, a session, snapshot savers and a subscriber work until so many appends are acknowledged;
//! then the process dies, some of its successors die while they start, and what the survivor holds is
//! compared with what the clients were told. What is known to be in is sent again, under load and after each
//! start, and must get its first answer. `QUIPU_CRASH_ROUNDS` says how often the server dies,
//! `QUIPU_CRASH_RETRIES` how many retries each start is met with, and `QUIPU_CRASH_SEED`
//! repeats the draws of an earlier run (what the threads make of them is theirs). A run that fails
//! tells its seed and keeps its data directory.

#[path = "../power/chance.rs"]
mod chance;
mod checker;
mod events;
mod follower;
mod life;
mod proof;
mod reading;
#[path = "../it/server.rs"]
mod server;
mod starts;
mod tally;
mod witness;
mod writers;

use chance::Chance;
use life::Life;
use tally::Tally;

/// After so many rounds a data directory is checked as a whole, and the next begins empty.
const ROUNDS_OF_A_LIFE: u64 = 25;

/// Rounds when nothing is said.
const ROUNDS: u64 = 10;

/// Retries after each start when nothing is said.
const RETRIES: u64 = 64;

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

#[test]
fn a_server_killed_at_any_moment_loses_nothing_acknowledged_leaves_no_half_and_starts_again() {
    let rounds = setting("QUIPU_CRASH_ROUNDS").unwrap_or(ROUNDS);
    let seed = setting("QUIPU_CRASH_SEED").unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0);
    let retries = setting("QUIPU_CRASH_RETRIES").unwrap_or(RETRIES);
    let mut chance = Chance::of(seed);
    let mut tally = Tally::default();
    while tally.rounds < rounds {
        let mut life = Life::begin(seed, chance.number(), retries, &mut tally);
        for _ in 0..ROUNDS_OF_A_LIFE.min(rounds - life.tally.rounds) {
            life.round();
        }
        life.end();
    }
    tally.print(seed);
    assert!(rounds == 0 || tally.acknowledged > 0, "a run without an acknowledged append proves nothing");
}
