//! A log whose newest segment is not what was written, at its start.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use arbitrary::Arbitrary;

use super::super::segment::HEADER_BYTES;
use super::super::verify::verify;
use super::super::{Appended, CommitLog, Draft, Error, Kind, LogOptions, Salts, SegmentLog};
use crate::disk::memory::MemoryDisk;
use crate::disk::{Disk, Open};
use crate::fuzzing::{Edit, made};

const LOG: &str = "/log";
const ASIDE: &str = "/quarantine";

/// How many blocks the newest segment has.
const NEWEST_BLOCKS: u64 = 4;

/// What is done to the newest segment, and what is beside it.
#[derive(Debug, Arbitrary)]
struct Damage {
    /// Whether the mark is that of a clean stop.
    is_marked: bool,
    /// Whether it is replaced altogether behind its header, rather than edited.
    replaced: Option<Vec<u8>>,
    edits: Vec<Edit>,
}

/// The files of a good log.
struct Good {
    files: Vec<(PathBuf, Vec<u8>)>,
    newest: PathBuf,
    /// The mark as it was when the newest segment was begun, and after a clean stop.
    marks: [Vec<u8>; 2],
    /// The blocks of the newest segment.
    blocks: Vec<Vec<u8>>,
    /// The blocks of the one before.
    blocks_before: Vec<Vec<u8>>,
}

/// A start on it refuses, and then has changed nothing, or goes on with blocks that were written, and with all
/// of them that the mark says were acknowledged. After that the log is whole, and stays as it is.
pub fn check(bytes: &[u8]) {
    let Some(damage) = made::<Damage>(bytes) else { return };
    let good = good();
    let disk = MemoryDisk::default();
    for (path, bytes) in &good.files {
        write(&disk, path, bytes);
    }
    let mut newest = good.files.iter().find(|(path, _)| *path == good.newest).expect("it is there").1.clone();
    if let Some(replaced) = &damage.replaced {
        newest.truncate(HEADER_BYTES);
        newest.extend_from_slice(replaced);
    }
    Edit::apply(&damage.edits, &mut newest);
    write(&disk, &good.newest, &newest);
    write(&disk, &Path::new(LOG).join("mark"), &good.marks[usize::from(damage.is_marked)]);

    let before = files(&disk);
    let found = verify(&disk, Path::new(LOG), &mut |_, _| {}).expect("memory does not fail");
    match open(&disk) {
        Err(Error::Damaged { .. } | Error::Newer { .. }) => {
            assert_eq!(files(&disk), before, "a refused start changes nothing");
            assert!(!found.damage.is_empty(), "a start refuses what a check lets pass");
        }
        Err(error) => panic!("{error}"),
        Ok((_, blocks)) => {
            // A file that is not even a header was being made: then the segment before is the newest.
            let is_prefix = good.blocks.starts_with(&blocks);
            assert!(is_prefix || newest.len() <= HEADER_BYTES && blocks == good.blocks_before, "only what was written");
            assert!(!damage.is_marked || blocks == good.blocks, "what was acknowledged is there");
            let again = verify(&disk, Path::new(LOG), &mut |_, _| {}).expect("memory does not fail");
            assert!(again.damage.is_empty() && again.torn_bytes == 0, "{again:?}");
            assert!(found.damage.is_empty(), "a start goes on, and yet there is damage: {found:?}");
            let after = files(&disk);
            let (_, second) = open(&disk).expect("a log that was opened opens again");
            assert_eq!((second, files(&disk)), (blocks, after));
        }
    }
}

/// No damage, and some of each kind.
pub fn seeds() -> Vec<Vec<u8>> {
    vec![vec![0; 8], vec![1; 8], (0..64).collect(), (0..=255).rev().collect(), vec![0x55; 100]]
}

fn open(disk: &MemoryDisk) -> Result<(SegmentLog, Vec<Vec<u8>>), Error> {
    let salts = std::sync::atomic::AtomicU64::new(1);
    let draw = move || salts.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let options =
        LogOptions { disk_reserve_bytes: 0, segment_events: 6, salts: Salts::new(draw), ..LogOptions::default() };
    let mut blocks = Vec::new();
    let on = Arc::new(disk.clone());
    let log = SegmentLog::open(on, Path::new(LOG), Path::new(ASIDE), options, &mut |_, placed| {
        blocks.push(placed.block.bytes().to_vec());
    })?;
    Ok((log, blocks))
}

fn good() -> &'static Good {
    static GOOD: OnceLock<Good> = OnceLock::new();
    GOOD.get_or_init(|| {
        let disk = MemoryDisk::default();
        let (mut log, _) = open(&disk).expect("memory does not fail");
        let (mut first, mut blocks_before) = (Vec::new(), Vec::new());
        for number in 0..3 + NEWEST_BLOCKS {
            let mut draft = Draft::new(log.next_position());
            let position = draft.next_position();
            super::event::put(&mut draft, number, position);
            if number < 3 {
                let position = draft.next_position();
                super::event::put(&mut draft, 100 + number, position);
            }
            draft.put_control(Kind::CheckpointDeleted, "reader", b"reader");
            let Ok(Appended::Committed(placed)) = log.append(log.tail(), draft) else { panic!("memory does not fail") };
            if placed.place.segment == 1 {
                blocks_before.push(placed.block.bytes().to_vec());
            }
            if log.segments().all().len() == 2 && first.is_empty() {
                first = disk.read(&Path::new(LOG).join("mark")).expect("it was written");
            }
        }
        let newest = log.segments().newest().expect("there is one").path.clone();
        log.close().expect("memory does not fail");
        let last = disk.read(&Path::new(LOG).join("mark")).expect("it was written");
        drop(log);
        let (_, blocks) = open(&disk).expect("a good log opens");
        assert_eq!(blocks.len() as u64, NEWEST_BLOCKS);
        Good { files: files(&disk), newest, marks: [first, last], blocks, blocks_before }
    })
}

fn files(disk: &MemoryDisk) -> Vec<(PathBuf, Vec<u8>)> {
    let directories = [LOG, ASIDE].map(Path::new);
    let paths = directories.iter().flat_map(|directory| {
        let names = disk.list(directory).expect("memory does not fail");
        names.into_iter().map(|name| directory.join(name))
    });
    paths.map(|path| (path.clone(), disk.read(&path).expect("it is there"))).collect()
}

fn write(disk: &MemoryDisk, path: &Path, bytes: &[u8]) {
    if disk.exists(path).expect("memory does not fail") {
        disk.remove(path).expect("it is there");
    }
    let file = disk.open(path, Open::Create).expect("it is not there");
    file.write_at(bytes, 0).expect("memory does not fail");
}
