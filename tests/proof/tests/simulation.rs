//! A short run of the simulation: nothing is lost, nothing wrong is shown, and each seed does the same twice.

use std::process::Command;

#[test]
fn a_simulated_machine_that_fails_and_rots_loses_nothing_and_does_the_same_twice() {
    let mut proof = Command::new(env!("CARGO_BIN_EXE_proof"));
    let told = proof.args(["simulate", "--seeds", "600", "--twice"]).output().expect("it runs");
    let said = String::from_utf8_lossy(&told.stdout);
    assert!(told.status.success() && said.contains("seeds 600, violations 0"), "{said}");
}
