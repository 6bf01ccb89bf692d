//! The simulated disk does what it says of itself, both the good and the bad.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::{Fault, SECTOR, SimulatedDisk};
use crate::disk::{Disk, File, Open};

const FILE: &str = "/d/file";

/// A file with three synced sectors of `a`, its name synced as well.
fn synced(seed: u64) -> (SimulatedDisk, Arc<dyn File>) {
    let disk = SimulatedDisk::new(seed);
    let file = disk.open(Path::new(FILE), Open::Create).unwrap();
    file.write_at(&[b'a'; 3 * SECTOR], 0).unwrap();
    file.sync_data().unwrap();
    disk.sync_dir(Path::new("/d")).unwrap();
    (disk, file)
}

fn found(disk: &SimulatedDisk) -> Vec<u8> {
    disk.read(Path::new(FILE)).unwrap()
}

#[test]
fn what_was_synced_outlives_every_power_cut_and_what_was_not_is_torn_in_every_way() {
    let mut ends = BTreeSet::new();
    for seed in 0..400 {
        let (disk, file) = synced(seed);
        file.write_at(&[b'b'; 3 * SECTOR], 2 * SECTOR as u64).unwrap();
        disk.cut_power();
        let bytes = found(&disk);
        assert!(bytes[..2 * SECTOR].iter().all(|byte| *byte == b'a'), "synced, and not written since");
        let sectors = bytes.chunks(SECTOR).skip(2).map(|sector| if sector[0] == b'b' { 'b' } else { '-' });
        ends.insert(sectors.collect::<String>());
    }
    for end in ["-", "b", "bb", "bbb", "b-b", "-bb"] {
        assert!(ends.contains(end), "{end} is missing in {ends:?}");
    }
}

#[test]
fn a_name_outlives_a_power_cut_once_its_directory_was_synced() {
    let (mut kept, mut lost) = (0, 0);
    for seed in 0..100 {
        let (disk, _) = synced(seed);
        let other = disk.open(Path::new("/d/other"), Open::Create).unwrap();
        other.write_at(b"other", 0).unwrap();
        other.sync_data().unwrap();
        disk.rename(Path::new("/d/other"), Path::new(FILE)).unwrap();
        disk.cut_power();
        match &found(&disk)[..] {
            b"other" => kept += 1,
            bytes => {
                assert_eq!(bytes.len(), 3 * SECTOR);
                lost += 1;
            }
        }
    }
    assert!(kept > 10 && lost > 10, "{kept} kept, {lost} lost");
}

#[test]
fn a_sync_that_fails_leaves_what_is_read_and_not_kept_and_the_next_one_succeeds() {
    let mut lost = 0;
    for seed in 0..100 {
        let (disk, file) = synced(seed);
        file.write_at(b"new", 0).unwrap();
        disk.plan(0, Fault::Fails);
        assert!(file.sync_data().is_err());
        file.sync_data().unwrap();
        assert!(found(&disk).starts_with(b"new"));
        disk.cut_power();
        lost += u32::from(found(&disk).starts_with(b"aaa"));
    }
    assert!(lost > 10, "{lost} lost");
}

#[test]
fn a_kill_keeps_what_was_written_and_closes_what_was_open() {
    let (disk, file) = synced(1);
    let lock = disk.lock(Path::new("/d/lock")).unwrap();
    assert!(lock.is_some() && disk.lock(Path::new("/d/lock")).unwrap().is_none());
    file.write_at(b"new", 0).unwrap();
    disk.plan(0, Fault::GoneAfter);
    assert!(file.write_at(b"newer", 0).is_err());
    assert!(disk.is_gone() && file.len().is_err() && disk.list(Path::new("/d")).is_err());
    disk.kill();
    assert!(found(&disk).starts_with(b"newer"), "the call had its effect, and nobody heard so");
    assert!(file.write_at(b"late", 0).is_err(), "opened by a process that is gone");
    assert!(disk.lock(Path::new("/d/lock")).unwrap().is_some());
}

#[test]
fn a_full_disk_and_a_write_that_goes_astray() {
    let (disk, file) = synced(2);
    disk.limit(3 * SECTOR as u64 + 10);
    assert!(file.write_at(&[0; 11], 3 * SECTOR as u64).is_err());
    file.write_at(&[0; 10], 3 * SECTOR as u64).unwrap();

    let (disk, file) = synced(5);
    disk.plan(0, Fault::Misdirected);
    file.write_at(&[b'b'; SECTOR], SECTOR as u64).unwrap();
    file.write_at(b"c", 0).unwrap();
    file.sync_data().unwrap();
    assert_ne!(found(&disk)[SECTOR], b'b', "told as written, and somewhere else");
}

#[test]
fn a_bit_rots_where_it_was_allowed_to() {
    let (disk, _) = synced(3);
    let (path, at) = disk.rot(|_, bytes| bytes / 3).expect("a file");
    assert_eq!(path, Path::new(FILE));
    assert!(at < SECTOR as u64);
    let differing = found(&disk).iter().filter(|byte| **byte != b'a').count();
    assert_eq!(differing, 1);
    assert_eq!(disk.rot(|_, _| 0), None);
}

#[test]
fn the_same_seed_and_the_same_calls_leave_the_same_trace_and_others_another() {
    let run = |seed, byte| {
        let (disk, file) = synced(seed);
        file.write_at(&[byte; 2000], 5).unwrap();
        disk.cut_power();
        (disk.trace(), found(&disk))
    };
    assert_eq!(run(7, b'x'), run(7, b'x'));
    assert_ne!(run(7, b'x').0, run(7, b'y').0);
    assert!((0..20).any(|seed| run(seed, b'x').1 != run(7, b'x').1));
}
