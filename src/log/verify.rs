//! Checks every byte of a log that nobody has open.
//!
//! Walks all segments: each block against its checksums, each event against its position, each segment
//! against the hash of the one before. Changes nothing, and goes on behind damage where it can.

use std::path::Path;

use super::mark::{self, Mark};
use super::recovery::{Tail, examine, was_being_made};
use super::segment::{Blocks, SUFFIX, Segment};
use super::{Error, Placed};
use crate::disk::{Disk, Open};

/// What a check found.
#[derive(Debug, Default)]
pub struct Findings {
    /// Segments walked.
    pub segments: u64,
    /// Good blocks.
    pub blocks: u64,
    /// Good events.
    pub events: u64,
    /// Good control records.
    pub controls: u64,
    /// Bytes of all segments.
    pub bytes: u64,
    /// Bytes at the end that were never acknowledged: the next start cuts them off.
    pub torn_bytes: u64,
    /// What is damaged.
    pub damage: Vec<Error>,
}

impl Findings {
    fn count(&mut self, placed: &Placed) {
        let header = &placed.block.header;
        self.blocks += 1;
        self.events += u64::from(header.events);
        self.controls += u64::from(header.records - header.events);
    }
}

/// Where a good segment ended: what the next one must say of it.
struct End {
    number: u32,
    slot: super::Slot,
    position: crate::model::Position,
    block: u32,
    hash: [u8; 32],
}

/// Checks the log in a directory. `progress` hears after each segment how many bytes
/// it had, and how many events were found so far.
///
/// # Errors
/// When the disk fails; damage is a finding, not an error.
pub fn verify(disk: &dyn Disk, directory: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Findings, Error> {
    let mut findings = Findings::default();
    let mark = keep_damage(&mut findings, Mark::read(disk, directory))?.flatten();
    let mut names = disk.list(directory)?;
    names.retain(|name| name.ends_with(SUFFIX));
    set_unfinished_aside(disk, directory, &mut names, &mut findings)?;
    if let (true, Some(_)) = (names.is_empty(), mark) {
        let file = mark::path(directory);
        findings.damage.push(Error::Damaged { file, offset: 0, what: "there is a mark, but no segment" });
    }
    let mut previous = None;
    for (index, name) in names.iter().enumerate() {
        let opened = Segment::open(disk, &directory.join(name), Open::Read);
        let Some(segment) = keep_damage(&mut findings, opened)? else {
            previous = None;
            continue;
        };
        if *name != segment.header.file_name() || index == 0 && segment.header.number != 1 {
            findings.damage.push(segment.damaged(0, "the segment does not follow the one before it"));
        }
        let bytes = segment.file().len()?;
        findings.segments += 1;
        findings.bytes += bytes;
        let is_newest = index + 1 == names.len();
        let walked = walk(&segment, is_newest, mark, previous.as_ref(), &mut findings);
        previous = keep_damage(&mut findings, walked)?.flatten();
        progress(bytes, findings.events);
    }
    Ok(findings)
}

/// Leaves a newest segment out that was being made when the power went, as a start does.
fn set_unfinished_aside(
    disk: &dyn Disk,
    directory: &Path,
    names: &mut Vec<String>,
    findings: &mut Findings,
) -> Result<(), Error> {
    let Some(path) = names.last().map(|name| directory.join(name)) else { return Ok(()) };
    let opened = Segment::open(disk, &path, Open::Read);
    if matches!(opened, Err(Error::Damaged { .. })) && was_being_made(disk, &path)? {
        names.pop();
        findings.torn_bytes = disk.open(&path, Open::Read)?.len()?;
    }
    Ok(())
}

fn keep_damage<T>(findings: &mut Findings, checked: Result<T, Error>) -> Result<Option<T>, Error> {
    match checked {
        Ok(value) => Ok(Some(value)),
        Err(damage @ (Error::Damaged { .. } | Error::Newer { .. })) => {
            findings.damage.push(damage);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn walk(
    segment: &Segment,
    is_newest: bool,
    mark: Option<Mark>,
    previous: Option<&End>,
    findings: &mut Findings,
) -> Result<Option<End>, Error> {
    if previous.is_some_and(|previous| !follows(segment, previous)) {
        findings.damage.push(segment.damaged(0, "the segment does not follow the one before it"));
    }
    let mut hash = blake3::Hasher::new();
    hash.update(&segment.header_bytes()?);
    let mut visit = |placed: &Placed, findings: &mut Findings| {
        hash.update(placed.block.bytes());
        findings.count(placed);
    };
    let blocks = if is_newest {
        let mut blocks = segment.blocks()?;
        if examine(segment, &mut blocks, mark, &mut |placed| visit(&placed, findings))? == Tail::Torn {
            findings.torn_bytes += blocks.file_bytes() - blocks.offset;
        }
        blocks
    } else {
        segment.each_block(&mut |placed| visit(&placed, findings))?
    };
    Ok(Some(end(segment, &blocks, hash.finalize().into())))
}

fn end(segment: &Segment, blocks: &Blocks<'_>, hash: [u8; 32]) -> End {
    End {
        number: segment.header.number,
        slot: blocks.next_slot,
        position: blocks.next_position,
        block: blocks.previous_block,
        hash,
    }
}

fn follows(segment: &Segment, previous: &End) -> bool {
    let header = &segment.header;
    header.number == previous.number + 1
        && header.first_slot == previous.slot
        && header.first_position == previous.position
        && header.previous_block == previous.block
        && header.previous_hash == previous.hash
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Appended, CommitLog, Draft, Kind, LogOptions, SegmentLog};
    use super::*;
    use crate::disk::memory::MemoryDisk;

    const LOG: &str = "/log";

    /// A log of three segments, each of one block, and the names of their files.
    fn made() -> (MemoryDisk, Vec<String>) {
        let disk = MemoryDisk::default();
        let options = LogOptions { segment_bytes: 200, disk_reserve_bytes: 0, ..LogOptions::default() };
        let mut log = open(&disk, options).unwrap();
        for _ in 0..3 {
            let mut draft = Draft::new(log.next_position());
            draft.put_control(Kind::CheckpointDeleted, "reader", b"reader");
            assert!(matches!(log.append(log.tail(), draft), Ok(Appended::Committed(_))));
        }
        let mut names = disk.list(Path::new(LOG)).unwrap();
        names.retain(|name| name.ends_with(SUFFIX));
        assert_eq!(names.len(), 3);
        (disk, names)
    }

    fn open(disk: &MemoryDisk, options: LogOptions) -> Result<SegmentLog, Error> {
        SegmentLog::open(Arc::new(disk.clone()), Path::new(LOG), Path::new("/aside"), options, &mut |_, _| {})
    }

    fn found(disk: &MemoryDisk) -> Findings {
        verify(disk, Path::new(LOG), &mut |_, _| {}).unwrap()
    }

    #[track_caller]
    fn assert_refused_and_found(disk: &MemoryDisk) {
        let findings = found(disk);
        assert!(!findings.damage.is_empty(), "{findings:?}");
        assert!(matches!(open(disk, LogOptions::default()), Err(Error::Damaged { .. })));
    }

    #[test]
    fn a_missing_segment_is_found_wherever_it_was() {
        for missing in 0..2 {
            let (disk, names) = made();
            disk.remove(&Path::new(LOG).join(&names[missing])).unwrap();
            assert_refused_and_found(&disk);
        }
        let (disk, names) = made();
        for name in names {
            disk.remove(&Path::new(LOG).join(name)).unwrap();
        }
        assert_refused_and_found(&disk);
    }

    #[test]
    fn a_segment_of_another_name_is_found() {
        let (disk, names) = made();
        let other = names[0].replace("-0000", "-0001");
        disk.rename(&Path::new(LOG).join(&names[0]), &Path::new(LOG).join(other)).unwrap();
        assert_refused_and_found(&disk);
    }

    #[test]
    fn a_segment_that_was_being_made_is_a_torn_tail() {
        let (disk, names) = made();
        disk.open(&Path::new(LOG).join(&names[2]), Open::Write).unwrap().set_len(70).unwrap();
        let findings = found(&disk);
        assert!(findings.damage.is_empty(), "{findings:?}");
        assert_eq!((findings.segments, findings.blocks, findings.torn_bytes), (2, 2, 70));
        assert!(open(&disk, LogOptions::default()).is_ok());
        assert_eq!(found(&disk).torn_bytes, 0);
    }
}
