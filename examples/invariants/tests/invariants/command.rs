//! The command line: a table, and an exit code that tells whether the rule held.

use crate::server::{Server, invariants};

#[test]
fn every_program_prints_its_table_and_ends_well() {
    let server = Server::in_memory();
    for program in ["enrolment", "user-names", "transfer"] {
        let ran = invariants().args([program, "--attempts", "100", "--endpoint", &server.endpoint()]).output().unwrap();
        let table = String::from_utf8(ran.stdout).unwrap();
        assert!(ran.status.success(), "{table}{}", String::from_utf8_lossy(&ran.stderr));
        let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!((lines[0].as_slice(), lines.len()), (["attempts", "100"].as_slice(), 6), "{table}");
        assert_eq!(lines[5], ["broken", "invariants", "0"], "{table}");
    }
}

#[test]
fn a_server_that_is_not_there_is_told() {
    let ran = invariants().args(["transfer", "--endpoint", "http://127.0.0.1:1"]).output().unwrap();
    let told = String::from_utf8(ran.stderr).unwrap();
    assert!(!ran.status.success() && told.starts_with("invariants: cannot connect to http://127.0.0.1:1"), "{told}");
}
