//! Damaged bytes: never shown as if they were right, and never taken for a torn tail once a mark says
//! that they were acknowledged.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use quipu::disk::memory::MemoryDisk;
use quipu::disk::{Disk, Open};
use quipu::log::verify::verify;
use quipu::log::{self, StoredEvent};
use quipu::model::Position;
use quipu::store::read::PageSize;
use quipu::store::{Error, Store};

use crate::chance::Chance;
use crate::life::{HOME, open};
use crate::load::SMALL;
use crate::witness::{Witness, whole_log};

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// The files of a store that was closed, and its events.
fn closed_store() -> (Files, Vec<StoredEvent>) {
    let disk = MemoryDisk::default();
    let store = open(&disk).expect("a good disk");
    SMALL.run(&store, &mut Witness::default(), 5);
    let events = whole_log(&store).expect("a good log");
    store.close();
    let mut files = Files::new();
    for directory in ["log", "index"] {
        let directory = Path::new(HOME).join(directory);
        for name in disk.list(&directory).expect("memory does not fail") {
            let path = directory.join(name);
            let bytes = disk.read(&path).expect("memory does not fail");
            files.insert(path, bytes);
        }
    }
    (files, events)
}

fn disk_with(files: &Files) -> MemoryDisk {
    let disk = MemoryDisk::default();
    for (path, bytes) in files {
        let file = disk.open(path, Open::Create).expect("memory does not fail");
        file.write_at(bytes, 0).expect("memory does not fail");
    }
    disk
}

fn segments(files: &Files) -> Vec<PathBuf> {
    files.keys().filter(|path| path.extension().is_some_and(|end| end == "seg")).cloned().collect()
}

/// Whether a verification finds fault with the log.
fn is_reported(disk: &MemoryDisk) -> bool {
    let findings = verify(disk, &Path::new(HOME).join("log"), &mut |_, _| {}).expect("memory does not fail");
    !findings.damage.is_empty()
}

/// Reads one event after the other, by position and by id. How many are refused as damaged.
fn read_each(store: &Store, events: &[StoredEvent], what: &str) -> usize {
    let mut refused = 0;
    for (event, position) in events.iter().zip(1..) {
        let id = event.id().expect("an event has an id");
        let backwards = PageSize { bytes: 1, events: 1 };
        let backwards = store.reader().log_backwards(Position(position), backwards).map(|mut page| page.remove(0));
        for found in [store.event_at(Position(position)), backwards, store.event_by_id(id)] {
            match found {
                Ok(found) => assert_eq!(&found, event, "{what}: other bytes than were written"),
                Err(Error::Damaged(_)) => refused += 1,
                Err(error) => panic!("{what}: position {position}: {error:?}"),
            }
        }
    }
    refused
}

fn flip_and_look(files: &Files, events: &[StoredEvent], path: &Path, at: usize, bits: u8) -> bool {
    let what = format!("{} byte {at} xor {bits:#04x}", path.display());
    let mut damaged = files.clone();
    damaged.get_mut(path).expect("a file of the store")[at] ^= bits;
    let disk = disk_with(&damaged);
    assert!(is_reported(&disk), "{what}: not reported by a verification");
    match open(&disk) {
        Err(Error::Damaged(_)) => true,
        Err(error) => panic!("{what}: {error:?}"),
        Ok(store) => {
            read_each(&store, events, &what);
            store.close();
            false
        }
    }
}

#[test]
fn a_flipped_bit_in_any_segment_is_refused_or_harmless_and_always_reported() {
    let (files, events) = closed_store();
    let paths = segments(&files);
    assert!(paths.len() > 2, "some segments are sealed");
    let mut chance = Chance::of(17);
    let mut refused = 0;
    for round in 0..800 {
        let path = &paths[round % paths.len()];
        let length = files[path].len() as u64;
        let at = if chance.once_in(4) { chance.below(400.min(length)) } else { chance.below(length) };
        refused += usize::from(flip_and_look(&files, &events, path, at as usize, 1 << chance.below(8)));
    }
    assert!(refused > 500, "only {refused} of 800 flips were refused");
}

#[test]
fn damage_that_comes_while_the_store_is_open_is_refused_when_it_is_read_and_never_shown() {
    let (files, events) = closed_store();
    let mut chance = Chance::of(23);
    let mut refused = 0;
    for path in segments(&files) {
        for _ in 0..100 {
            let disk = disk_with(&files);
            let store = open(&disk).expect("a good log");
            let (at, bits) = (chance.below(files[&path].len() as u64), 1 << chance.below(8));
            let byte = files[&path][at as usize] ^ bits;
            disk.open(&path, Open::Write).and_then(|file| file.write_at(&[byte], at)).expect("memory does not fail");
            refused += read_each(&store, &events, &format!("{} byte {at}", path.display()));
        }
    }
    assert!(refused > 100, "only {refused} reads met the damage");
}

#[test]
fn a_log_cut_short_after_a_clean_stop_is_refused_as_damage() {
    let (files, _) = closed_store();
    let newest = segments(&files).pop().expect("a segment");
    let length = files[&newest].len();
    for cut in [1, 7, 64, length - 129, length - 128, length - 1] {
        let mut shorter = files.clone();
        shorter.get_mut(&newest).expect("a file of the store").truncate(length - cut);
        let disk = disk_with(&shorter);
        assert!(matches!(open(&disk), Err(Error::Damaged(_))), "{cut} bytes cut off");
        assert!(is_reported(&disk), "{cut} bytes cut off");
        assert_eq!(disk.read(&newest).expect("there").len(), length - cut, "damage is left as it is");
    }
    let mut without = files;
    without.remove(&newest);
    assert!(matches!(open(&disk_with(&without)), Err(Error::Damaged(_))), "a segment is gone");
}

#[test]
fn a_torn_tail_that_no_mark_vouches_for_is_cut_off_and_kept_in_quarantine() {
    let (mut files, events) = closed_store();
    files.remove(&Path::new(HOME).join("log/mark"));
    let newest = segments(&files).pop().expect("a segment");
    let tail = [b"QBLK".as_slice(), &[0xee; 90]].concat();
    files.get_mut(&newest).expect("a file of the store").extend_from_slice(&tail);
    let disk = disk_with(&files);

    let store = open(&disk).expect("a torn tail is no damage");
    assert_eq!(whole_log(&store).expect("a good log"), events);
    store.close();
    let quarantine = Path::new(HOME).join("quarantine");
    let kept = disk.list(&quarantine).expect("memory does not fail");
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(disk.read(&quarantine.join(&kept[0])).expect("kept"), tail);
}

#[test]
fn a_damaged_mark_is_refused_and_a_mark_of_another_log_is_too() {
    let (files, _) = closed_store();
    let (other, _) = closed_store();
    let mark = Path::new(HOME).join("log/mark");
    for at in 0..files[&mark].len() {
        let mut damaged = files.clone();
        damaged.get_mut(&mark).expect("a file of the store")[at] ^= 1;
        assert!(matches!(open(&disk_with(&damaged)), Err(Error::Damaged(_))), "byte {at} of the mark");
    }
    let mut mixed = files;
    mixed.insert(mark.clone(), other[&mark].clone());
    let refused = open(&disk_with(&mixed)).expect_err("the mark is another log's");
    let Error::Damaged(why) = refused else { panic!("{refused:?}") };
    assert!(matches!(&*why, log::Error::Damaged { .. }));
}
