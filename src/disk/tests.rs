//! What every disk has to do, asked of each: of real files, of files in a sled database, and of memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tempfile::TempDir;

use super::memory::MemoryDisk;
use super::real::RealDisk;
use super::*;

const SUFFIX: &str = ".seg";

/// A disk and an empty directory on it.
struct Ground {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    home: TempDir,
}

impl Ground {
    fn real() -> Self {
        let home = tempfile::tempdir().unwrap();
        Self { disk: Arc::new(RealDisk), directory: home.path().join("log"), home }.ready()
    }

    fn sled() -> Self {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("log");
        Self { disk: sled_in(&directory), directory, home }.ready()
    }

    fn memory() -> Self {
        let home = tempfile::tempdir().unwrap();
        Self { disk: Arc::new(MemoryDisk::default()), directory: home.path().join("log"), home }.ready()
    }

    fn ready(self) -> Self {
        self.disk.create_dir(&self.directory).unwrap();
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn create(&self, name: &str) -> Arc<dyn File> {
        self.disk.open(&self.path(name), Open::Create).unwrap()
    }

    fn read(&self, name: &str) -> Vec<u8> {
        self.disk.read(&self.path(name)).unwrap()
    }
}

fn sled_in(directory: &Path) -> Arc<dyn Disk> {
    Arc::new(SledDisk::open(Arc::new(RealDisk), directory, SUFFIX).unwrap())
}

/// Asks the same of every disk.
fn of_each(ask: impl Fn(&Ground)) {
    for ground in [Ground::real(), Ground::sled(), Ground::memory()] {
        ask(&ground);
    }
}

/// Bytes that differ from their neighbours.
fn bytes(length: usize, seed: u8) -> Vec<u8> {
    (0..length).map(|at| (at / 251) as u8 ^ (at % 251) as u8 ^ seed).collect()
}

#[test]
fn what_was_written_is_read_at_any_place() {
    of_each(|ground| {
        let file = ground.create("a.seg");
        let (first, second) = (bytes(10, 1), bytes(40_000, 2));
        file.write_at(&first, 0).unwrap();
        file.write_at(&second, 10).unwrap();
        let all = [first, second].concat();
        assert_eq!(file.len().unwrap(), 40_010);
        for (offset, length) in [(0, 40_010), (0, 1), (9, 2), (6009, 2), (12_345, 20_000), (40_009, 1), (40_010, 0)] {
            let mut found = vec![0; length];
            file.read_at(&mut found, offset as u64).unwrap();
            assert_eq!(found, all[offset..offset + length], "{length} bytes at {offset}");
        }
        for (offset, length) in [(40_010, 1), (40_000, 11), (90_000, 1)] {
            let error = file.read_at(&mut vec![0; length], offset).unwrap_err();
            assert!(error.is_missing(), "{error:?}");
        }
    });
}

#[test]
fn bytes_are_overwritten_where_they_are_and_nowhere_else() {
    of_each(|ground| {
        let file = ground.create("a.seg");
        let mut all = bytes(30_000, 1);
        file.write_at(&all[..100], 0).unwrap();
        file.write_at(&all[100..], 100).unwrap();
        for (seed, offset, length) in [(2, 0, 100), (3, 50, 100), (4, 5_000, 15_000), (5, 6_100, 6_000), (6, 29_999, 1)]
        {
            let new = bytes(length, seed);
            file.write_at(&new, offset as u64).unwrap();
            all[offset..offset + length].copy_from_slice(&new);
            assert_eq!(ground.read("a.seg"), all, "{length} bytes at {offset}");
        }
        file.write_at(&bytes(20, 7), 29_990).unwrap();
        all.truncate(29_990);
        all.extend(bytes(20, 7));
        assert_eq!(ground.read("a.seg"), all);
    });
}

#[test]
fn a_file_is_cut_and_extended_with_zeros() {
    of_each(|ground| {
        let file = ground.create("a.seg");
        let all = bytes(20_000, 1);
        file.write_at(&all, 0).unwrap();
        for length in [20_000, 19_999, 12_000, 7_000, 5] {
            file.set_len(length as u64).unwrap();
            assert_eq!(ground.read("a.seg"), all[..length]);
        }
        file.set_len(15_000).unwrap();
        file.write_at(&all[..5], 15_005).unwrap();
        let expected = [&all[..5], &[0; 15_000], &all[..5]].concat();
        assert_eq!(ground.read("a.seg"), expected);
        file.set_len(0).unwrap();
        assert_eq!((file.len().unwrap(), ground.read("a.seg")), (0, Vec::new()));
    });
}

#[test]
fn names_are_made_renamed_over_others_removed_and_listed() {
    of_each(|ground| {
        let disk = &ground.disk;
        ground.create("b.seg").write_at(&bytes(9_000, 1), 0).unwrap();
        ground.create("a.seg").write_at(&bytes(20_000, 2), 0).unwrap();
        ground.create("other").write_at(b"other", 0).unwrap();
        assert_eq!(disk.list(&ground.directory).unwrap(), ["a.seg", "b.seg", "other"]);
        let again = disk.open(&ground.path("a.seg"), Open::Create).unwrap_err();
        assert_eq!(again.source.kind(), std::io::ErrorKind::AlreadyExists);
        for how in [Open::Read, Open::Write] {
            assert!(disk.open(&ground.path("c.seg"), how).unwrap_err().is_missing());
        }
        disk.rename(&ground.path("b.seg"), &ground.path("a.seg")).unwrap();
        assert_eq!(disk.list(&ground.directory).unwrap(), ["a.seg", "other"]);
        assert_eq!(ground.read("a.seg"), bytes(9_000, 1), "nothing of what had the name before");
        disk.rename(&ground.path("a.seg"), &ground.path("c.seg")).unwrap();
        assert_eq!(ground.read("c.seg"), bytes(9_000, 1));
        disk.remove(&ground.path("c.seg")).unwrap();
        assert!(disk.remove(&ground.path("c.seg")).unwrap_err().is_missing());
        assert!(disk.rename(&ground.path("c.seg"), &ground.path("d.seg")).unwrap_err().is_missing());
        ground.create("c.seg");
        assert_eq!(ground.read("c.seg"), b"", "nothing of the file that was removed");
        disk.replace(&ground.path("mark"), b"1").unwrap();
        disk.replace(&ground.path("mark"), b"2").unwrap();
        assert_eq!(ground.read("mark"), b"2");
        assert_eq!(disk.list(&ground.directory).unwrap(), ["c.seg", "mark", "other"]);
    });
}

#[test]
fn many_files_keep_to_themselves() {
    of_each(|ground| {
        let files: Vec<_> = (0..200).map(|n| ground.create(&format!("{n:03}.seg"))).collect();
        for round in 0..5 {
            for (n, file) in files.iter().enumerate() {
                file.write_at(&bytes(100 + n, n as u8), round * (100 + n as u64)).unwrap();
            }
        }
        for n in 0..files.len() {
            assert_eq!(ground.read(&format!("{n:03}.seg")), bytes(100 + n, n as u8).repeat(5));
        }
    });
}

#[test]
fn a_sled_database_holds_what_it_is_for_and_is_found_again() {
    let ground = Ground::sled();
    ground.create("a.seg").write_at(&bytes(500_000, 1), 0).unwrap();
    ground.create("mark").write_at(b"beside", 0).unwrap();
    let of_machine = RealDisk.list(&ground.directory).unwrap();
    assert_eq!(of_machine, ["mark", sled::DATABASE], "a segment is no file");
    let Ground { disk, directory, home } = ground;
    disk.sync_dir(&directory).unwrap();
    drop(disk);
    std::fs::write(directory.join(sled::DATABASE).join("snap.1.generating"), "half").unwrap();
    let ground = Ground { disk: sled_in(&directory), directory, home };
    assert_eq!(ground.read("a.seg"), bytes(500_000, 1));
    ground.create("b.seg").write_at(b"b", 0).unwrap();
    assert_eq!(ground.read("a.seg"), bytes(500_000, 1), "a new file has bytes of its own");
    let blobs = std::fs::read_dir(ground.directory.join(sled::DATABASE).join("blobs")).unwrap();
    assert_eq!(blobs.count(), 0, "what sled never syncs");
    drop(ground.home);
}

#[test]
fn a_sled_database_that_can_not_be_opened_is_an_error_and_is_left_as_it_is() {
    let ground = Ground::sled();
    ground.create("a.seg").write_at(&bytes(50_000, 1), 0).unwrap();
    let Ground { disk, directory, home } = ground;
    disk.sync_dir(&directory).unwrap();
    drop(disk);
    let database = directory.join(sled::DATABASE);
    let (settings, data) = (database.join("conf"), database.join("db"));
    let (good, rows) = (std::fs::read(&settings).unwrap(), std::fs::read(&data).unwrap());
    std::fs::write(&settings, "not what sled wrote here").unwrap();
    let error = SledDisk::open(Arc::new(RealDisk), &directory, SUFFIX).unwrap_err();
    assert_eq!((error.operation, error.path.as_path()), (Operation::Open, database.as_path()));
    assert!(std::fs::read(&data).unwrap() == rows, "the rows are touched");
    std::fs::write(&settings, good).unwrap();
    assert_eq!(sled_in(&directory).read(&directory.join("a.seg")).unwrap(), bytes(50_000, 1));
    drop(home);
}

#[test]
fn a_sled_database_that_is_just_being_let_go_of_is_opened() {
    let ground = Ground::sled();
    ground.create("a.seg").write_at(&bytes(50_000, 1), 0).unwrap();
    let Ground { disk, directory, home } = ground;
    disk.sync_dir(&directory).unwrap();
    drop(disk);
    let data = std::fs::File::open(directory.join(sled::DATABASE).join("db")).unwrap();
    data.lock().unwrap();
    // It has what it inherited for as long as it lives.
    let mut heir = std::process::Command::new("sleep").arg("0.2").stdin(data).spawn().unwrap();
    assert_eq!(sled_in(&directory).read(&directory.join("a.seg")).unwrap(), bytes(50_000, 1));
    assert!(heir.wait().unwrap().success());
    drop(home);
}

/// A step of the comparison with a plain map.
#[derive(Debug, Clone)]
enum Do {
    Write { file: u8, offset: u16, length: u16, seed: u8 },
    Append { file: u8, length: u16, seed: u8 },
    SetLen { file: u8, length: u16 },
    Rename { from: u8, to: u8 },
    Remove { file: u8 },
    OpenAgain,
}

fn step() -> impl Strategy<Value = Do> {
    let (file, length) = (0..3u8, 0..20_000u16);
    prop_oneof![
        4 => (file.clone(), 0..30_000u16, length.clone(), any::<u8>())
            .prop_map(|(file, offset, length, seed)| Do::Write { file, offset, length, seed }),
        6 => (file.clone(), length.clone(), any::<u8>())
            .prop_map(|(file, length, seed)| Do::Append { file, length, seed }),
        2 => (file.clone(), 0..40_000u16).prop_map(|(file, length)| Do::SetLen { file, length }),
        1 => (file.clone(), file.clone()).prop_map(|(from, to)| Do::Rename { from, to }),
        1 => file.prop_map(|file| Do::Remove { file }),
        1 => Just(Do::OpenAgain),
    ]
}

/// Does a step on both, and compares what they have then.
fn run(ground: &mut Ground, plain: &mut BTreeMap<u8, Vec<u8>>, step: &Do) {
    let path = |file: u8| ground.path(&format!("{file}.seg"));
    let open = |file: u8| {
        let disk = &ground.disk;
        disk.open(&path(file), Open::Write).unwrap_or_else(|_| disk.open(&path(file), Open::Create).unwrap())
    };
    match *step {
        Do::Write { file, offset, length, seed } => {
            let (offset, new) = (usize::from(offset), bytes(usize::from(length), seed));
            open(file).write_at(&new, offset as u64).unwrap();
            let old = plain.entry(file).or_default();
            if !new.is_empty() {
                old.resize(old.len().max(offset + new.len()), 0);
                old[offset..offset + new.len()].copy_from_slice(&new);
            }
        }
        Do::Append { file, length, seed } => {
            let new = bytes(usize::from(length), seed);
            let opened = open(file);
            opened.write_at(&new, opened.len().unwrap()).unwrap();
            plain.entry(file).or_default().extend(new);
        }
        Do::SetLen { file, length } => {
            open(file).set_len(u64::from(length)).unwrap();
            plain.entry(file).or_default().resize(usize::from(length), 0);
        }
        Do::Rename { from, to } => {
            let renamed = ground.disk.rename(&path(from), &path(to));
            assert_eq!(renamed.is_ok(), plain.contains_key(&from));
            if let Some(bytes) = plain.remove(&from) {
                plain.insert(to, bytes);
            }
        }
        Do::Remove { file } => {
            assert_eq!(ground.disk.remove(&path(file)).is_ok(), plain.remove(&file).is_some());
        }
        Do::OpenAgain => {
            ground.disk.sync_dir(&ground.directory).unwrap();
            ground.disk = Arc::new(MemoryDisk::default());
            ground.disk = sled_in(&ground.directory);
        }
    }
    let names: Vec<_> = plain.keys().map(|file| format!("{file}.seg")).collect();
    assert_eq!(ground.disk.list(&ground.directory).unwrap(), names);
    for (file, bytes) in plain {
        assert!(ground.read(&format!("{file}.seg")) == *bytes, "file {file} after {step:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn files_in_sled_are_what_a_plain_map_says_over_any_sequence(steps in prop::collection::vec(step(), 1..40)) {
        let mut ground = Ground::sled();
        let mut plain = BTreeMap::new();
        for step in &steps {
            run(&mut ground, &mut plain, step);
        }
    }
}
