//! The bytes on disk, held against directories that were written once and are never written again.
//!
//! `tests/fixtures/format-<n>` is a data directory of format n: segments, the mark, the index of the sealed
//! segments. Every later program must read it to the same values, find no damage in it, and write the same
//! bytes under a header that says n. The index is a view: of an older format, it is made again.
//!
//! **When a test of this file fails, the format has changed.** Give it a new version, teach the program
//! to read both, and add a directory `format-<n>` beside the old one. The bytes that are there are
//! never made again: somebody's events are written like that.
//!
//! A new directory is made by `QUIPU_GOLDEN_WRITE=<a directory that is not there yet> cargo test --test
//! golden`. It is then read like the others; copying it to `tests/fixtures` is for whoever bumps the
//! format.
#![allow(clippy::wildcard_enum_match_arm, reason = "whatever else it is, it is not this")]

mod copy;
mod encoding;
mod expected;
mod fixtures;
mod making;
mod reading;

use std::path::PathBuf;
use std::sync::Arc;

use quipu::disk::real::RealDisk;
use quipu::index::Index;
use quipu::log::segment::Step;
use quipu::log::verify::{Findings, verify};
use quipu::log::{Kind, Segments, segment};

use copy::Copy;
use expected::EVENTS;
use fixtures::{FIRST, FORMAT, Fixture, MARK, SECOND, THIRD};

const ALL: [&Fixture; 3] = [&FIRST, &SECOND, &THIRD];

/// That of the format that is written today.
const NEWEST: &Fixture = &THIRD;

const LOG: &str = "tenants/default/log";

fn verified(copy: &Copy) -> Findings {
    verify(&RealDisk, &copy.path(LOG), &mut |_, _| {}).expect("files can be read")
}

/// The segments whose index does not check out.
fn damaged_indexes(copy: &Copy) -> Vec<u32> {
    let segments = Segments::read_only(&RealDisk, &copy.path(LOG)).expect("files can be read");
    let index = copy.path("tenants/default/index");
    let pairs = segments.iter().zip(&segments[1..]);
    let damaged = pairs.filter(|(segment, next)| Index::check(&RealDisk, &index, segment, next).is_err());
    damaged.map(|(segment, _)| segment.header.number).collect()
}

#[test]
fn a_directory_of_any_format_is_read_to_its_last_value_and_left_as_it_was() {
    for fixture in ALL {
        let copy = Copy::of_fixture(fixture);
        reading::assert_holds(&copy.path(""), fixture);
        for file in fixture.files().filter(|file| !fixture.indexes.contains(file)) {
            assert!(copy.bytes(file) == fixture.bytes(file), "{file} has changed by being read");
        }
        let names = |files: &[&str]| files.iter().map(|file| name(file).to_owned()).collect::<Vec<_>>();
        assert_eq!(copy.names(LOG), [&names(fixture.segments)[..], &names(&[MARK])].concat());
        assert_eq!(copy.names("tenants/default/index"), names(fixture.indexes));
    }
}

#[test]
fn verify_finds_every_event_of_any_format_and_no_damage() {
    for fixture in ALL {
        let copy = Copy::of_fixture(fixture);
        let findings = verified(&copy);
        assert!(findings.damage.is_empty(), "{findings:?}");
        let counts = (findings.segments, findings.blocks, findings.events, findings.controls, findings.torn_bytes);
        let (segments, blocks) = (fixture.segments.len() as u64, fixture.requests as u64);
        assert_eq!(counts, (segments, blocks, fixture.events as u64, fixture.controls, 0));
        let is_newest = fixture.format == NEWEST.format;
        assert_eq!(damaged_indexes(&copy).is_empty(), is_newest, "an index of an older format is not used");
    }
}

#[test]
fn verify_sees_one_changed_byte_wherever_it_is() {
    for fixture in ALL {
        let copy = Copy::of_fixture(fixture);
        // The last block has nothing behind it and could be torn, but for the mark.
        for file in fixture.segments.iter().chain([&MARK]) {
            let bytes = fixture.bytes(file);
            for at in (0..bytes.len()).step_by(11).chain([bytes.len() - 1]) {
                let mut changed = bytes.clone();
                changed[at] ^= 1;
                copy.write(file, &changed);
                let findings = verified(&copy);
                assert!(!findings.damage.is_empty(), "byte {at} of {file}: {findings:?}");
            }
            copy.write(file, &bytes);
        }
    }
}

#[test]
fn a_changed_byte_of_the_index_is_seen_wherever_it_is() {
    let copy = Copy::of_fixture(NEWEST);
    for (file, number) in NEWEST.indexes.iter().zip(1..) {
        let bytes = NEWEST.bytes(file);
        for at in (0..bytes.len()).step_by(11).chain([bytes.len() - 1]) {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            copy.write(file, &changed);
            assert_eq!(damaged_indexes(&copy), [number], "byte {at} of {file}");
        }
        copy.write(file, &bytes);
    }
}

#[test]
fn the_encoders_still_write_every_format_to_the_byte() {
    for fixture in ALL {
        let copy = Copy::of_fixture(fixture);
        let segments = Segments::read_only(&RealDisk, &copy.path(LOG)).unwrap();
        let written = encoding::encode_again(&segments, fixture);
        assert_eq!(written.len(), fixture.segments.len());
        for (written, file) in written.iter().zip(fixture.segments) {
            assert!(*written == fixture.bytes(file), "{file} is written otherwise");
        }
        assert_eq!(fixture.bytes(MARK), encoding::mark(segments[0].header.log_id, fixture));
        assert_eq!(fixture.bytes(FORMAT), b"quipu 1\n");
    }
}

#[test]
fn notes_are_written_as_format_3_has_them_to_the_byte() {
    let home = tempfile::tempdir().unwrap();
    making::make(&home.path().join("new"));
    let notes = |copy: &Copy| {
        let segments = Segments::read_only(&RealDisk, &copy.path(LOG)).unwrap();
        let mut notes = Vec::new();
        for segment in &segments {
            let mut blocks = segment.blocks();
            while let Step::Block(placed) = blocks.step().unwrap() {
                let controls = placed.block.controls();
                let of_notes = controls.filter(|entry| matches!(entry.kind, Kind::NoteSet | Kind::NoteDeleted));
                notes.extend(of_notes.map(|entry| placed.block.record(entry).to_vec()));
            }
        }
        notes
    };
    let (new, fixed) = (notes(&Copy::of(&home.path().join("new"), &THIRD)), notes(&Copy::of_fixture(&THIRD)));
    assert_eq!(fixed.len(), 14);
    assert!(new == fixed, "a note is written otherwise");
}

#[test]
fn a_log_of_an_older_format_goes_on_in_a_new_segment_that_its_readers_refuse() {
    for older in [&FIRST, &SECOND] {
        let copy = Copy::of_fixture(older);
        making::go_on(&copy.path(""), older.requests);
        for file in older.segments {
            assert!(copy.bytes(file) == older.bytes(file), "{file} was written into");
        }
        let segments = Segments::read_only(&RealDisk, &copy.path(LOG)).unwrap();
        let (old, new) = segments.split_at(older.segments.len());
        assert!(old.iter().all(|segment| segment.header.format == older.format));
        assert!(!new.is_empty() && new.iter().all(|segment| segment.header.format == segment::FORMAT));
        for segment in new {
            let header = segment.header_bytes().unwrap();
            assert_eq!(header[8..12], [0, 3, 0, 3], "what it was written by, and who can read it");
        }
        let findings = verified(&copy);
        assert!(findings.damage.is_empty(), "{findings:?}");
        // What was made in two goes, over two formats, holds what was made in one.
        reading::assert_holds(&copy.path(""), NEWEST);
        assert_eq!(damaged_indexes(&copy), [0; 0]);
    }
}

#[test]
fn the_index_of_todays_format_is_used_as_it_is_and_an_older_one_is_made_again() {
    for fixture in ALL {
        let copy = Copy::of_fixture(fixture);
        let identities = || fixture.indexes.iter().map(|file| copy.identity(file)).collect::<Vec<_>>();
        let before = identities();
        reading::assert_holds(&copy.path(""), fixture);
        assert_eq!(identities() == before, fixture.format == NEWEST.format);
        assert_eq!(damaged_indexes(&copy), [0; 0]);
    }
}

#[test]
fn an_index_that_is_made_anew_is_that_of_todays_format_to_the_byte() {
    for damage in [None, Some(vec![0; 4096])] {
        let copy = Copy::of_fixture(NEWEST);
        for file in NEWEST.indexes {
            match &damage {
                Some(bytes) => copy.write(file, bytes),
                None => copy.remove(file),
            }
        }
        reading::assert_holds(&copy.path(""), NEWEST);
        for file in NEWEST.indexes {
            assert!(copy.bytes(file) == NEWEST.bytes(file), "{file} is built otherwise");
        }
    }
}

#[test]
fn a_directory_that_is_written_today_reads_as_that_of_todays_format() {
    assert_eq!(NEWEST.format, segment::FORMAT, "a new format has a fixture of its own");
    let home = tempfile::tempdir().unwrap();
    making::make(&home.path().join("new"));
    reading::assert_holds(&home.path().join("new"), NEWEST);
    if let Some(elsewhere) = std::env::var_os("QUIPU_GOLDEN_WRITE").map(PathBuf::from) {
        making::make(&elsewhere);
        let copy = Copy::of(&elsewhere, NEWEST);
        reading::assert_holds(&copy.path(""), NEWEST);
    }
}

#[test]
fn the_numbers_of_the_expectation_are_dense() {
    assert!(EVENTS.iter().map(|event| event.position).eq(1..=19));
}

/// The last part of a path.
fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The disk that fixtures lie on.
fn disk() -> Arc<RealDisk> {
    Arc::new(RealDisk)
}
