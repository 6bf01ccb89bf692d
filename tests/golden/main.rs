//! The bytes on disk, held against directories that were written once and are never written again.
//!
//! `tests/fixtures/format-1` is a data directory of format 1: two segments, the mark, the index of the
//! sealed segment. Every later program must read it to the same values, find no damage in it, and, as
//! long as it writes format 1, write the same bytes.
//!
//! **When a test of this file fails, the format has changed.** Give it a new version, teach the program
//! to read both, and add a directory `format-<n>` beside the old one. The bytes that are there are
//! never made again: somebody's events are written like that.
//!
//! A new directory is made by `QUIPU_GOLDEN_WRITE=<a directory that is not there yet> cargo test --test
//! golden`. It is then read like the others; copying it to `tests/fixtures` is for whoever bumps the
//! format.

mod copy;
mod encoding;
mod expected;
mod making;
mod reading;

use std::path::PathBuf;
use std::sync::Arc;

use quipu::disk::real::RealDisk;
use quipu::index::Index;
use quipu::log::Segments;
use quipu::log::verify::verify;

use copy::Copy;
use expected::EVENTS;

const SEALED: &str = "tenants/default/log/000001-00000000000000000001.seg";
const ACTIVE: &str = "tenants/default/log/000002-00000000000000000007.seg";
const MARK: &str = "tenants/default/log/mark";
const INDEX: &str = "tenants/default/index/000001.idx";

#[test]
fn a_directory_of_format_1_is_read_to_its_last_value_and_left_as_it_was() {
    let copy = Copy::of_fixture();
    reading::assert_holds_what_was_written(&copy.path(""));
    for name in ["FORMAT", SEALED, ACTIVE, MARK, INDEX] {
        assert!(copy.bytes(name) == Copy::fixture(name), "{name} has changed by being read");
    }
    assert_eq!(copy.names("tenants/default/log"), [name(SEALED), name(ACTIVE), name(MARK)]);
    assert_eq!(copy.names("tenants/default/index"), [name(INDEX)]);
}

#[test]
fn verify_finds_every_event_of_format_1_and_no_damage() {
    let copy = Copy::of_fixture();
    let log = copy.path("tenants/default/log");
    let findings = verify(&RealDisk, &log, &mut |_, _| {}).unwrap();
    assert!(findings.damage.is_empty(), "{findings:?}");
    let counts = (findings.segments, findings.blocks, findings.events, findings.controls, findings.torn_bytes);
    assert_eq!(counts, (2, 12, 9, 5, 0));
    let segments = Segments::read_only(&RealDisk, &log).unwrap();
    Index::check(&RealDisk, &copy.path("tenants/default/index"), &segments[0], &segments[1]).unwrap();
}

#[test]
fn verify_sees_one_changed_byte_of_format_1_wherever_it_is() {
    let copy = Copy::of_fixture();
    for name in [SEALED, ACTIVE, MARK] {
        let bytes = Copy::fixture(name);
        // The last block has nothing behind it and could be torn, but for the mark.
        for at in [1, bytes.len() / 2, bytes.len() - 1] {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            copy.write(name, &changed);
            let findings = verify(&RealDisk, &copy.path("tenants/default/log"), &mut |_, _| {}).unwrap();
            assert!(!findings.damage.is_empty(), "byte {at} of {name}: {findings:?}");
        }
        copy.write(name, &bytes);
    }
}

#[test]
fn the_encoders_still_write_format_1_to_the_byte() {
    let copy = Copy::of_fixture();
    let segments = Segments::read_only(&RealDisk, &copy.path("tenants/default/log")).unwrap();
    let written = encoding::encode_again(&segments);
    assert_eq!(written.len(), 2);
    assert!(written[0] == Copy::fixture(SEALED), "the sealed segment is written otherwise");
    assert!(written[1] == Copy::fixture(ACTIVE), "the active segment is written otherwise");
    let mark = encoding::mark(segments[0].header.log_id);
    assert_eq!(Copy::fixture(MARK), mark);
    assert_eq!(Copy::fixture("FORMAT"), b"quipu 1\n");
}

#[test]
fn the_index_of_format_1_is_used_as_it_is() {
    let copy = Copy::of_fixture();
    let before = copy.identity(INDEX);
    reading::assert_holds_what_was_written(&copy.path(""));
    assert_eq!(copy.identity(INDEX), before, "the index was made again");
}

#[test]
fn an_index_that_is_made_anew_is_that_of_format_1_to_the_byte() {
    for damage in [None, Some(vec![0; 4096])] {
        let copy = Copy::of_fixture();
        let before = copy.identity(INDEX);
        match damage {
            Some(bytes) => copy.write(INDEX, &bytes),
            None => copy.remove(INDEX),
        }
        reading::assert_holds_what_was_written(&copy.path(""));
        assert_ne!(copy.identity(INDEX), before, "the index was not made again");
        assert!(copy.bytes(INDEX) == Copy::fixture(INDEX), "the index is built otherwise");
    }
}

#[test]
fn a_directory_that_is_written_today_reads_as_that_of_format_1() {
    let home = tempfile::tempdir().unwrap();
    making::make(&home.path().join("new"));
    reading::assert_holds_what_was_written(&home.path().join("new"));
    if let Some(elsewhere) = std::env::var_os("QUIPU_GOLDEN_WRITE").map(PathBuf::from) {
        making::make(&elsewhere);
        let copy = Copy::of(&elsewhere);
        reading::assert_holds_what_was_written(&copy.path(""));
    }
}

#[test]
fn the_numbers_of_the_expectation_are_dense() {
    assert!(EVENTS.iter().map(|event| event.position).eq(1..=9));
}

/// The last part of a path.
fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The disk that fixtures lie on.
fn disk() -> Arc<RealDisk> {
    Arc::new(RealDisk)
}
