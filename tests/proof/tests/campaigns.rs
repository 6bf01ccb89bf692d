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

/// Whether a campaign ends well, and what it says.
fn proof(arguments: &[&str]) -> (bool, String) {
    // A campaign that failed leaves nothing behind that the next one could stumble over.
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut proof = Command::new(env!("CARGO_BIN_EXE_proof"));
    let told = proof.args(arguments).arg("--where-possible").arg("--binary").arg(quipu()).output().expect("it runs");
    let said = [told.stdout, told.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (told.status.success(), said.concat())
}

fn assert_proof(arguments: &[&str]) {
    let (is_well, said) = proof(arguments);
    assert!(is_well, "{arguments:?}: {said}");
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
fn a_power_cut_after_syncs_that_lied_is_seen_to_lose_what_was_acknowledged() {
    let (is_well, said) = proof(&["power", "--rounds", "10", "--lying-syncs"]);
    let is_left_out = said.contains("LEFT OUT");
    assert!(is_left_out || (!is_well && said.contains("VIOLATION")), "{said}");
    if let Some(kept) = said.lines().find_map(|line| line.split_once("the data is kept in ")) {
        std::fs::remove_dir_all(kept.1).expect("what was kept to be looked at can go");
    }
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
