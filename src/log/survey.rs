//! A walk over the files of a log that nobody has open, up to a place: what is good there, and can be kept.
//!
//! A log is cut between two blocks and nowhere else. An append lies wholly inside one block, and which of a
//! block's events belong to one append is not on disk: so a cut there leaves every append whole or out. All
//! events of a block have the same time.

use std::path::PathBuf;

use super::export::Hash;
use super::segment::{End, NOT_FOLLOWING, Segment, Step};
use super::{Block, Error, Slot};
use crate::disk::{Disk, Open};
use crate::model::{Position, Timestamp};

/// How far a log is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// All of it.
    Head,
    /// Up to this position, inclusive.
    Position(Position),
    /// Up to the last event that was committed at this time or before.
    Time(Timestamp),
}

impl Until {
    /// Whether a block has an event that is not wanted.
    fn is_passed_by(self, block: &Block) -> bool {
        match self {
            Self::Head => false,
            Self::Position(last) => block.header.events > 0 && block.end_position().before() > last,
            Self::Time(last) => block.events().any(|(_, event)| event.recorded_at() > last),
        }
    }
}

/// A segment that can be kept, or its beginning.
#[derive(Debug)]
pub struct Kept {
    /// The segment.
    pub segment: Segment,
    /// How much of it.
    pub bytes: u64,
    /// The hash of that.
    pub hash: Hash,
}

/// What a walk found.
#[derive(Debug)]
pub struct Survey {
    /// What can be kept.
    pub kept: Vec<Kept>,
    /// The slot of the last block that can be kept; 0 when there is none.
    pub slot: Slot,
    /// The position of the last event that can be kept.
    pub position: Position,
    /// When it was committed.
    pub last_recorded_at: Option<Timestamp>,
    /// Whether good blocks behind that are not wanted.
    pub is_cut: bool,
    /// Why the walk ended before the end.
    pub damage: Option<Error>,
}

impl Survey {
    /// How many bytes can be kept.
    pub fn bytes(&self) -> u64 {
        self.kept.iter().map(|kept| kept.bytes).sum()
    }

    /// Identifies the log; `None` when nothing can be kept.
    pub fn log_id(&self) -> Option<u128> {
        self.kept.first().map(|kept| kept.segment.header.log_id)
    }
}

/// Walks these files, each as if it had so many bytes. `progress` hears of bytes that were walked.
///
/// # Errors
/// When the disk fails; damage is what is found.
pub fn survey(
    disk: &dyn Disk,
    files: &[(PathBuf, u64)],
    until: Until,
    progress: &mut dyn FnMut(u64),
) -> Result<Survey, Error> {
    let mut survey = Survey {
        kept: Vec::new(),
        slot: Slot(0),
        position: Position::ZERO,
        last_recorded_at: None,
        is_cut: false,
        damage: None,
    };
    let mut previous = End::NOTHING;
    for (path, bytes) in files {
        let segment = match Segment::open(disk, path, Open::Read) {
            Ok(segment) => segment,
            Err(damage @ (Error::Damaged { .. } | Error::Newer { .. })) => {
                survey.damage = Some(damage);
                return Ok(survey);
            }
            Err(error) => return Err(error),
        };
        let is_of_this_log = survey.log_id().is_none_or(|log_id| log_id == segment.header.log_id);
        let has_its_name = path.file_name().is_some_and(|name| *name == *segment.header.file_name());
        if !is_of_this_log || !has_its_name || !segment.follows(&previous) {
            survey.damage = Some(segment.damaged(0, NOT_FOLLOWING));
            return Ok(survey);
        }
        previous = walk(segment, *bytes, until, &mut survey, progress)?;
        if survey.is_cut || survey.damage.is_some() {
            return Ok(survey);
        }
    }
    Ok(survey)
}

/// Walks a segment and keeps what is good and wanted. Returns where it ends.
fn walk(
    segment: Segment,
    bytes: u64,
    until: Until,
    survey: &mut Survey,
    progress: &mut dyn FnMut(u64),
) -> Result<End, Error> {
    let mut hash = blake3::Hasher::new();
    hash.update(&segment.header_bytes()?);
    let mut blocks = segment.blocks_within(bytes);
    let mut end = blocks.offset;
    loop {
        match blocks.step()? {
            Step::Block(placed) if until.is_passed_by(&placed.block) => {
                survey.is_cut = true;
                break;
            }
            Step::Block(placed) => {
                hash.update(placed.block.bytes());
                progress(blocks.offset - end);
                end = blocks.offset;
                survey.slot = placed.block.header.slot;
                survey.position = placed.block.end_position().before();
                let time = placed.block.events().last().map(|(_, event)| event.recorded_at());
                survey.last_recorded_at = time.or(survey.last_recorded_at);
            }
            Step::End => break,
            Step::Bad(what) => {
                survey.damage = Some(segment.damaged(end, what));
                break;
            }
        }
    }
    // A segment that would begin with nothing in it is left out, but for the first.
    let hash = hash.finalize().into();
    let ends = blocks.end(hash);
    let is_empty = end == super::segment::HEADER_BYTES as u64;
    let ends_early = survey.is_cut || survey.damage.is_some();
    if !(is_empty && ends_early && segment.header.number > 1) {
        survey.kept.push(Kept { bytes: end, hash, segment });
    }
    Ok(ends)
}
