//! What a crash left behind: a torn tail, or damage.
//!
//! A block that was being written when the power went is bytes that were never acknowledged: they are
//! cut off, and kept aside. Bytes that were acknowledged and no longer fit are **damage**: the log
//! refuses to open and touches nothing. Bad bytes are damage when
//!
//! * a later segment exists, or
//! * a good block of the same segment lies behind them: it was only written after they were durable, or
//! * the mark says that more than what is before them was acknowledged.
//!
//! Everything else is a torn tail.
//!
//! A block that looks good may still not be on disk: the process died between its write and its sync,
//! or the sync failed and left pages that only look clean. At most the last one can be such, since a
//! block is written only after the one before it was synced. So before anybody sees it, the last block
//! is written again and synced, with the segment's header and name.

use std::path::{Path, PathBuf};

use super::block::{HEADER_BYTES as BLOCK_HEADER_BYTES, Header as BlockHeader, MAGIC};
use super::mark::Mark;
use super::segment::{self, Blocks, HEADER_BYTES, Segment, Step};
use super::{Error, Placed};
use crate::disk::{Disk, Open};
use crate::seeded::{Bug, is_planted};

/// How much is searched at once for a block behind bad bytes.
const SEARCH_BYTES: usize = 1 << 20;

/// How the newest segment ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// With a good block, or with room for more behind it: zeros.
    Clean,
    /// With bytes that were never acknowledged.
    Torn,
}

/// Walks the newest segment to its end, cuts a torn tail, and returns the walk, which then stands at
/// the place of the next block.
pub(super) fn recover<'a>(
    disk: &dyn Disk,
    segment: &'a Segment,
    mark: Option<Mark>,
    quarantine: &Path,
    visit: &mut dyn FnMut(Placed),
) -> Result<Blocks<'a>, Error> {
    let mut blocks = segment.blocks();
    match examine(segment, &mut blocks, mark, visit)? {
        Tail::Clean => {}
        Tail::Torn => cut(disk, segment, &blocks, quarantine)?,
    }
    Ok(blocks)
}

/// Walks the newest segment to its end and judges what is there. Changes nothing.
///
/// # Errors
/// When acknowledged bytes are damaged.
pub(super) fn examine(
    segment: &Segment,
    blocks: &mut Blocks<'_>,
    mark: Option<Mark>,
    visit: &mut dyn FnMut(Placed),
) -> Result<Tail, Error> {
    // Before anybody is shown a block: views would be made anew of a log that is refused.
    if mark.is_some_and(|mark| mark.log_id != segment.header.log_id) {
        return Err(segment.damaged(0, "the mark beside this segment belongs to another log"));
    }
    let bad = loop {
        match blocks.step()? {
            Step::Block(placed) => visit(placed),
            Step::End => break None,
            Step::Bad(what) => break Some(what),
        }
    };
    if mark.is_some_and(|mark| mark.slot >= blocks.next_slot) && !is_planted(Bug::DamageCutOff) {
        return Err(segment.damaged(blocks.offset, "the log ends before what was acknowledged"));
    }
    match bad {
        Some(_) if is_planted(Bug::DamageCutOff) => Ok(Tail::Torn),
        None => Ok(Tail::Clean),
        Some(_) if is_room(blocks)? => Ok(Tail::Clean),
        Some(what) if good_block_behind(segment, blocks)? => Err(segment.damaged(blocks.offset, what)),
        Some(_) => Ok(Tail::Torn),
    }
}

/// Makes durable what the newest segment shows: its name, its header, and its last block.
pub(super) fn confirm(
    disk: &dyn Disk,
    directory: &Path,
    segment: &Segment,
    last: Option<&Placed>,
) -> Result<(), Error> {
    if is_planted(Bug::TailNotConfirmed) {
        return Ok(());
    }
    segment.file().write_at(&segment.header_bytes()?, 0)?;
    if let Some(last) = last {
        segment.file().write_at(last.block.bytes(), u64::from(last.place.offset))?;
    }
    segment.file().sync_data()?;
    Ok(disk.sync_dir(directory)?)
}

/// Moves a segment that was being made out of the log.
pub(super) fn set_unfinished_aside(
    disk: &dyn Disk,
    unfinished: Option<PathBuf>,
    quarantine: &Path,
) -> Result<(), Error> {
    let Some(path) = unfinished else { return Ok(()) };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    keep_aside(disk, quarantine, &format!("{name}.torn"), &disk.read(&path)?)?;
    tracing::warn!(file = %path.display(), "set a segment aside that was being made");
    disk.remove(&path)?;
    Ok(disk.sync_dir(path.parent().unwrap_or(Path::new(".")))?)
}

/// The files of a log's segments, oldest first, and that of one that was being made when the power went.
pub(super) fn segment_files(disk: &dyn Disk, directory: &Path) -> Result<(Vec<PathBuf>, Option<PathBuf>), Error> {
    let mut files = segment::files(disk, directory)?;
    let unfinished = match files.last() {
        Some(newest) if was_being_made(disk, newest)? => files.pop(),
        Some(_) | None => None,
    };
    Ok((files, unfinished))
}

/// Whether the newest segment is one that was being made: it has no good header, and nothing behind it.
fn was_being_made(disk: &dyn Disk, path: &Path) -> Result<bool, Error> {
    match Segment::open(disk, path, Open::Read) {
        Err(Error::Damaged { .. }) => Ok(disk.open(path, Open::Read)?.len()? <= HEADER_BYTES as u64),
        Ok(_) | Err(Error::Newer { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether nothing but zeros lies behind the good blocks.
fn is_room(blocks: &mut Blocks<'_>) -> Result<bool, Error> {
    let mut offset = blocks.offset;
    while offset < blocks.file_bytes() {
        let length = (blocks.file_bytes() - offset).min(SEARCH_BYTES as u64);
        let bytes = blocks.bytes(offset, length as usize)?.expect("within the file");
        if bytes.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        offset += length;
    }
    Ok(true)
}

fn good_block_behind(segment: &Segment, blocks: &mut Blocks<'_>) -> Result<bool, Error> {
    let mut offset = blocks.offset + 1;
    while offset + BLOCK_HEADER_BYTES as u64 <= blocks.file_bytes() {
        let length = (blocks.file_bytes() - offset).min(SEARCH_BYTES as u64) as usize;
        let bytes = blocks.bytes(offset, length)?.expect("within the file");
        for at in 0..=length - BLOCK_HEADER_BYTES {
            if bytes[at] == MAGIC[0] && bytes[at..].starts_with(&MAGIC) {
                let header = bytes[at..].first_chunk().and_then(BlockHeader::decode);
                let ours = |header: &BlockHeader| header.salt == segment.header.salt && header.slot > blocks.next_slot;
                if header.as_ref().is_some_and(ours) {
                    return Ok(true);
                }
            }
        }
        offset += (length - BLOCK_HEADER_BYTES + 1) as u64;
    }
    Ok(false)
}

fn cut(disk: &dyn Disk, segment: &Segment, blocks: &Blocks<'_>, quarantine: &Path) -> Result<(), Error> {
    let length = (blocks.file_bytes() - blocks.offset) as usize;
    let tail = segment.read(blocks.offset, length)?;
    keep_aside(disk, quarantine, &format!("{}.{}.torn", segment.header.file_name(), blocks.offset), &tail)?;
    tracing::warn!(file = %segment.path.display(), offset = blocks.offset, bytes = length, "cut a torn tail");
    segment.file().set_len(blocks.offset)?;
    segment.file().sync_data()?;
    Ok(())
}

/// Keeps bytes that leave the log in the quarantine directory.
pub(super) fn keep_aside(disk: &dyn Disk, quarantine: &Path, name: &str, bytes: &[u8]) -> Result<(), Error> {
    disk.create_dir(quarantine)?;
    disk.replace(&quarantine.join(name), bytes)?;
    Ok(())
}
