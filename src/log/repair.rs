//! What can be done about a log that a start refuses, and what that would cost.
//!
//! Owns the diagnosis. A mark that is damaged is made anew; anything else is mended by a cut before the first bad
//! block. What lies behind a cut is looked through block by block, to tell what is lost.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::block::{HEADER_BYTES as BLOCK_HEADER_BYTES, Header as BlockHeader, MAGIC};
use super::mark::{self, Mark};
use super::record::{HEADER_BYTES as RECORD_HEADER_BYTES, Header as RecordHeader};
use super::recovery;
use super::segment::{HEADER_BYTES, Segment};
use super::survey::{Survey, Until, survey};
use super::{Block, Error, Kind, StoredEvent};
use crate::disk::{Disk, Open};
use crate::model::Position;

/// What is wrong with a log.
#[derive(Debug)]
pub enum Verdict {
    /// Nothing that a start would not mend by itself.
    Sound,
    /// Only the mark: it is to be made anew.
    Mark(Error),
    /// Acknowledged bytes: the log is to be cut before them.
    Cut(Error, Lost),
}

/// What is lost with a cut.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// The position of the first lost event.
    pub first: Position,
    /// The last position that is known to have been there; before `first` when none is known.
    pub last: Position,
    /// The streams of those events that can still be read, and how many events of each are lost.
    pub streams: BTreeMap<String, u64>,
}

/// A log that was looked at.
#[derive(Debug)]
pub struct Diagnosis {
    /// What of it is good.
    pub survey: Survey,
    /// What is wrong.
    pub verdict: Verdict,
}

/// Looks at the log in a directory. Changes nothing.
///
/// # Errors
/// When the disk fails, or a segment is of a newer format.
pub fn diagnose(disk: &dyn Disk, directory: &Path, progress: &mut dyn FnMut(u64)) -> Result<Diagnosis, Error> {
    // A segment that was being made is set aside by the next start.
    let (paths, _) = recovery::segment_files(disk, directory)?;
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        let bytes = disk.open(&path, Open::Read)?.len()?;
        files.push((path, bytes));
    }
    let mut survey = survey(disk, &files, Until::Head, progress)?;
    let (mark, mark_damage) = match Mark::read(disk, directory) {
        Ok(mark) => (mark, None),
        Err(damage @ Error::Damaged { .. }) => (None, Some(damage)),
        Err(error) => return Err(error),
    };
    let foreign = mark.filter(|mark| survey.log_id().is_some_and(|log_id| log_id != mark.log_id));
    let mark = if foreign.is_some() { None } else { mark };
    let damage = match survey.damage.take() {
        Some(newer @ Error::Newer { .. }) => return Err(newer),
        damage => damage_of(disk, damage, &files, mark, directory)?,
    };
    let verdict = match (damage, mark_damage, foreign) {
        (Some(damage), ..) => Verdict::Cut(damage, lost(disk, &survey, &files, mark)?),
        (None, Some(damage), _) => Verdict::Mark(damage),
        (None, None, Some(_)) => Verdict::Mark(Error::Damaged {
            file: mark::path(directory),
            offset: 0,
            what: "the mark belongs to another log",
        }),
        (None, None, None) => Verdict::Sound,
    };
    Ok(Diagnosis { survey, verdict })
}

/// What a start would refuse: not a torn tail, but a log that ends before its mark.
fn damage_of(
    disk: &dyn Disk,
    damage: Option<Error>,
    files: &[(PathBuf, u64)],
    mark: Option<Mark>,
    directory: &Path,
) -> Result<Option<Error>, Error> {
    let Some((path, _)) = files.last() else {
        let what = "there is a mark, but no segment";
        return Ok(mark.map(|_| Error::Damaged { file: mark::path(directory), offset: 0, what }));
    };
    let is_a_block_of_the_newest =
        |damage: &Error| matches!(damage, Error::Damaged { file, offset, .. } if file == path && *offset > 0);
    if !damage.as_ref().is_none_or(is_a_block_of_the_newest) {
        return Ok(damage);
    }
    let newest = Segment::open(disk, path, Open::Read)?;
    match recovery::examine(&newest, &mut newest.blocks(), mark, &mut |_| {}) {
        Ok(recovery::Tail::Clean | recovery::Tail::Torn) => Ok(None),
        Err(damage @ Error::Damaged { .. }) => Ok(Some(damage)),
        Err(error) => Err(error),
    }
}

/// Makes the mark anew, from what the log has. What was there is kept aside.
///
/// # Errors
/// When the disk fails.
pub fn remake_mark(disk: &dyn Disk, directory: &Path, quarantine: &Path, survey: &Survey) -> Result<(), Error> {
    let bytes = disk.read(&mark::path(directory))?;
    recovery::keep_aside(disk, quarantine, &format!("mark.{}.damaged", survey.slot), &bytes)?;
    let Some(log_id) = survey.log_id() else { return Ok(()) };
    Mark { log_id, slot: survey.slot, position: survey.position }.write(disk, directory)
}

/// Looks through what lies behind the good blocks.
fn lost(disk: &dyn Disk, survey: &Survey, files: &[(PathBuf, u64)], mark: Option<Mark>) -> Result<Lost, Error> {
    let first = survey.position.next();
    let acknowledged = mark.map_or(survey.position, |mark| mark.position);
    let mut lost = Lost { first, last: acknowledged.max(survey.position), streams: BTreeMap::new() };
    for (index, (path, bytes)) in files.iter().enumerate() {
        let from = match survey.kept.get(index) {
            Some(kept) => kept.bytes,
            None => HEADER_BYTES as u64,
        };
        let file = disk.open(path, Open::Read)?;
        let mut rest = vec![0; bytes.saturating_sub(from) as usize];
        file.read_at(&mut rest, from)?;
        look_through(&Bytes::from(rest), &mut lost);
    }
    Ok(lost)
}

/// Finds blocks in bytes that are not all good, and events in them.
fn look_through(bytes: &Bytes, lost: &mut Lost) {
    let mut at = 0;
    while at + BLOCK_HEADER_BYTES <= bytes.len() {
        let header = bytes[at..].first_chunk().filter(|_| bytes[at..].starts_with(&MAGIC));
        let Some(header) = header.and_then(BlockHeader::decode) else {
            at += 1;
            continue;
        };
        let end = header.first_position.0 + u64::from(header.events);
        lost.last = lost.last.max(Position(end).before());
        let length = BLOCK_HEADER_BYTES + header.length as usize;
        let block = bytes.slice(at..bytes.len().min(at + length));
        match Block::parse(header, block.clone()) {
            Ok(good) => {
                good.events().for_each(|(_, event)| lost.count(&event));
                at += length;
            }
            Err(_) => {
                each_record(&block, lost);
                at += BLOCK_HEADER_BYTES;
            }
        }
    }
}

/// Finds the records of a damaged block that are good by themselves.
fn each_record(block: &Bytes, lost: &mut Lost) {
    let mut at = BLOCK_HEADER_BYTES;
    while let Some(header) = block.get(at..).and_then(|rest| RecordHeader::decode(rest.first_chunk()?)) {
        let body = at + RECORD_HEADER_BYTES;
        let end = body + header.length as usize;
        if end > block.len() {
            return;
        }
        let bytes = block.slice(body..end);
        if header.kind == Kind::Event && header.matches(&bytes) {
            StoredEvent::new(bytes, header.name_bytes).iter().for_each(|event| lost.count(event));
        }
        at = end;
    }
}

impl Lost {
    fn count(&mut self, event: &StoredEvent) {
        if event.position() >= self.first {
            *self.streams.entry(event.stream().to_owned()).or_default() += 1;
        }
    }
}
