//! Every campaign in its short form, against the server that was built beside it. What this machine can not do is
//! left out, and said.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// One at a time: each keeps a whole machine busy.
static TURN: Mutex<()> = Mutex::new(());

/// The program under test: the one named, or the one in the same directory.
fn quipu() -> PathBuf {
    let named = std::env::var_os("QUIPU_BINARY").map(PathBuf::from);
    let binary = named.unwrap_or_else(|| Path::new(env!("CARGO_BIN_EXE_proof")).with_file_name("quipu"));
    assert!(binary.is_file(), "`cargo build --bin quipu` makes {}", binary.display());
    binary
}

fn assert_proof(arguments: &[&str]) {
    // A campaign that failed leaves nothing behind that the next one could stumble over.
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut proof = Command::new(env!("CARGO_BIN_EXE_proof"));
    let told = proof.args(arguments).arg("--where-possible").arg("--binary").arg(quipu()).output().expect("it runs");
    let said = String::from_utf8_lossy(&told.stdout);
    assert!(told.status.success(), "{arguments:?}: {said}\n{}", String::from_utf8_lossy(&told.stderr));
}

#[test]
fn a_server_killed_at_any_moment_loses_nothing_acknowledged_leaves_no_half_and_starts_again() {
    assert_proof(&["kill", "--rounds", "10"]);
}

#[test]
fn a_power_cut_on_a_real_file_system_loses_nothing_acknowledged() {
    assert_proof(&["power", "--rounds", "4", "--filesystem", "ext4"]);
    assert_proof(&["power", "--rounds", "2", "--filesystem", "xfs"]);
}

#[test]
fn a_call_to_the_system_that_fails_loses_nothing_acknowledged() {
    assert_proof(&["calls", "--rounds", "6"]);
}

#[test]
fn a_disk_that_is_filled_freed_and_filled_again_refuses_and_recovers() {
    assert_proof(&["full", "--rounds", "2"]);
}

#[test]
fn clients_that_stall_vanish_or_flood_keep_nobody_from_being_served() {
    assert_proof(&["clients", "--rounds", "1"]);
}
