//! Checks every byte of a log: of one that nobody has open, or of one up to the moment it was pinned.
//!
//! Walks all segments: each block against its checksums, each event against its position, each segment
//! against the hash of the one before. Changes nothing, and goes on behind damage where it can.

use std::ops::ControlFlow;
use std::path::Path;

use super::mark::{self, Mark};
use super::recovery::{self, Tail, examine};
use super::segment::{End, HEADER_BYTES, NOT_FOLLOWING, Segment};
use super::{Error, Pinned, Placed};
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

/// Hears after each block how many bytes were read, and how many events were found so far. A break ends the check.
pub type Watch<'a> = dyn FnMut(u64, u64) -> ControlFlow<()> + 'a;

/// How the end of a segment is judged.
#[derive(Debug, Clone, Copy)]
enum Ends {
    /// It is sealed: nothing but good blocks is in it.
    Sealed,
    /// It is the newest of a log that nobody has open.
    Torn(Option<Mark>),
    /// It is the newest of a log that is open, and durable for so many bytes.
    Durable(u64),
}

/// Checks the log in a directory. `progress` hears after each block how many bytes
/// it had, and how many events were found so far.
///
/// # Errors
/// When the disk fails; damage is a finding, not an error.
pub fn verify(disk: &dyn Disk, directory: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Findings, Error> {
    let mut findings = Findings::default();
    let mark = keep_damage(&mut findings, Mark::read(disk, directory))?.flatten();
    let (files, unfinished) = recovery::segment_files(disk, directory)?;
    if let Some(unfinished) = unfinished {
        findings.torn_bytes = disk.open(&unfinished, Open::Read)?.len()?;
    }
    if let (true, Some(_)) = (files.is_empty(), mark) {
        let file = mark::path(directory);
        findings.damage.push(Error::Damaged { file, offset: 0, what: "there is a mark, but no segment" });
    }
    let mut watch = |bytes, events| {
        progress(bytes, events);
        ControlFlow::Continue(())
    };
    let mut previous = Some(End::NOTHING);
    for (index, file) in files.iter().enumerate() {
        let ends = if index + 1 == files.len() { Ends::Torn(mark) } else { Ends::Sealed };
        let checked = check(disk, file, ends, previous.as_ref(), &mut findings, &mut watch);
        previous = keep_damage(&mut findings, checked)?.flatten();
    }
    Ok(findings)
}

/// Checks a log that is open, as it was when it was pinned.
///
/// # Errors
/// When the disk fails; damage is a finding, not an error.
pub fn verify_pinned(disk: &dyn Disk, pinned: &Pinned, watch: &mut Watch<'_>) -> Result<Findings, Error> {
    let mut findings = Findings::default();
    let mut previous = Some(End::NOTHING);
    let mut flow = ControlFlow::Continue(());
    for (index, segment) in pinned.segments.iter().enumerate() {
        let is_newest = index + 1 == pinned.segments.len();
        let ends = if is_newest { Ends::Durable(pinned.reach.bytes) } else { Ends::Sealed };
        let mut told = |bytes, events| {
            flow = watch(bytes, events);
            flow
        };
        let checked = check(disk, &segment.path, ends, previous.as_ref(), &mut findings, &mut told);
        previous = keep_damage(&mut findings, checked)?.flatten();
        if flow.is_break() {
            break;
        }
    }
    Ok(findings)
}

/// Checks a sealed segment, and that the one behind it follows.
///
/// # Errors
/// When the disk fails; damage is a finding, not an error.
pub fn verify_sealed(disk: &dyn Disk, segment: &Path, next: &Path, watch: &mut Watch<'_>) -> Result<Findings, Error> {
    let mut findings = Findings::default();
    let mut is_whole = true;
    let mut told = |bytes, events| {
        let flow = watch(bytes, events);
        is_whole = flow.is_continue();
        flow
    };
    let checked = check(disk, segment, Ends::Sealed, None, &mut findings, &mut told);
    let end = keep_damage(&mut findings, checked)?.flatten();
    let next = keep_damage(&mut findings, Segment::open(disk, next, Open::Read))?;
    if let (Some(end), Some(next), true) = (end, next, is_whole)
        && !next.follows(&end)
    {
        findings.damage.push(next.damaged(0, NOT_FOLLOWING));
    }
    Ok(findings)
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

fn check(
    disk: &dyn Disk,
    path: &Path,
    ends: Ends,
    previous: Option<&End>,
    findings: &mut Findings,
    watch: &mut Watch<'_>,
) -> Result<Option<End>, Error> {
    let segment = Segment::open(disk, path, Open::Read)?;
    let bytes = match ends {
        Ends::Sealed | Ends::Torn(_) => segment.end(),
        Ends::Durable(bytes) => bytes,
    };
    findings.segments += 1;
    findings.bytes += bytes;
    let has_its_name = path.file_name().is_some_and(|name| *name == *segment.header.file_name());
    if !has_its_name || previous.is_some_and(|previous| !segment.follows(previous)) {
        findings.damage.push(segment.damaged(0, NOT_FOLLOWING));
    }
    walk(&segment, ends, bytes, findings, watch)
}

fn walk(
    segment: &Segment,
    ends: Ends,
    bytes: u64,
    findings: &mut Findings,
    watch: &mut Watch<'_>,
) -> Result<Option<End>, Error> {
    let mut hash = blake3::Hasher::new();
    hash.update(&segment.header_bytes()?);
    let mut flow = watch(HEADER_BYTES as u64, findings.events);
    let mut visit = |placed: Placed| {
        hash.update(placed.block.bytes());
        findings.count(&placed);
        flow = watch(placed.block.bytes().len() as u64, findings.events);
        flow
    };
    let mut blocks = segment.blocks_within(bytes);
    let walked = match ends {
        // Nobody ends the check of a log that nobody has open.
        Ends::Torn(mark) => examine(segment, &mut blocks, mark, &mut |placed| _ = visit(placed)),
        Ends::Sealed | Ends::Durable(_) => blocks.each(&mut visit).map(|()| Tail::Clean),
    };
    let left = blocks.file_bytes() - blocks.offset;
    if left > 0 && flow.is_continue() {
        flow = watch(left, findings.events);
    }
    if flow.is_break() {
        return Ok(None);
    }
    if walked? == Tail::Torn {
        findings.torn_bytes += left;
    }
    Ok(Some(blocks.end(hash.finalize().into())))
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
        names.retain(|name| name.ends_with(crate::log::segment::SUFFIX));
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
    fn a_log_beside_the_mark_of_another_is_refused_before_a_block_of_it_is_shown() {
        let ((disk, _), (other, _)) = (made(), made());
        for disk in [&disk, &other] {
            open(disk, LogOptions::default()).unwrap().close().unwrap();
        }
        disk.replace(&mark::path(Path::new(LOG)), &other.read(&mark::path(Path::new(LOG))).unwrap()).unwrap();
        assert!(!found(&disk).damage.is_empty());
        let mut visit = |_: &_, _| panic!("a block is shown");
        let refused =
            SegmentLog::open(Arc::new(disk), Path::new(LOG), Path::new("/aside"), LogOptions::default(), &mut visit);
        assert!(matches!(refused, Err(Error::Damaged { .. })), "{refused:?}");
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
