//! The writing side of the log: one proposer, local segments.
//!
//! An append is one write and one sync, into room that was written before: a file that grows costs the sync
//! nearly twice as much (`docs/adr/0011`). **Any** failure of a write, a sync or a new segment poisons
//! the log: what is on disk is not known any more, so nothing is written after it, and a sync is never
//! tried again. Only opening the log anew, which reads what is there, ends this.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::mark::Mark;
use super::recovery;
use super::segment::{FORMAT, HEADER_BYTES, Header, NOT_FOLLOWING, Segment, Step};
use super::segments::Reach;
use super::{Appended, CommitLog, Draft, Error, Place, Placed, Salts, Segments, Slot};
use crate::disk::{Disk, Open};
use crate::model::Position;
use crate::seeded::{Bug, is_planted};

/// The zeros behind the last block are as many as the segment has bytes, within these bounds, if the segment may have
/// so many.
const ROOM_BYTES_MIN: u64 = 64 << 10;
const ROOM_BYTES_MAX: u64 = 256 << 10;
static ZEROS: [u8; ROOM_BYTES_MAX as usize] = [0; ROOM_BYTES_MAX as usize];

/// A block of so many bytes costs much more than the length that is made durable with it.
const ROOM_BLOCK_BYTES_MAX: u64 = 64 << 10;

/// How a log is kept.
#[derive(Debug, Clone)]
pub struct LogOptions {
    /// A segment with this many bytes gets a successor.
    pub segment_bytes: u64,
    /// A segment with this many events gets a successor: bounds the part of the index in memory.
    pub segment_events: u64,
    /// Bytes of the disk that are left alone.
    pub disk_reserve_bytes: u64,
    /// Tells this log and its segments from all others.
    pub salts: Salts,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self { segment_bytes: 256 << 20, segment_events: 1 << 19, disk_reserve_bytes: 64 << 20, salts: Salts::random() }
    }
}

/// A log in segment files.
#[derive(Debug)]
pub struct SegmentLog {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    options: LogOptions,
    segments: Segments,
    active: Arc<Segment>,
    /// Where the next block goes in the active segment.
    offset: u64,
    /// How long the active segment's file is: from `offset` on it has zeros.
    file_bytes: u64,
    next_slot: Slot,
    next_position: Position,
    previous_block: u32,
    /// Of the active segment, as far as it is written.
    hash: blake3::Hasher,
    poisoned: bool,
}

impl SegmentLog {
    /// Opens the log in a directory, or makes it. Visits the blocks of the newest segment on the way.
    ///
    /// # Errors
    /// When acknowledged bytes are damaged; then nothing was changed.
    pub fn open(
        disk: Arc<dyn Disk>,
        directory: &Path,
        quarantine: &Path,
        options: LogOptions,
        visit: &mut dyn FnMut(&Segments, Placed),
    ) -> Result<Self, Error> {
        disk.create_dir(directory)?;
        let mark = Mark::read(&*disk, directory)?;
        let (segments, mut unfinished) = open_segments(&*disk, directory)?;
        let active = match (segments.newest(), mark) {
            (Some(active), _) => active,
            (None, Some(_)) => {
                let what = "there is a mark, but no segment";
                return Err(Error::Damaged { file: super::mark::path(directory), offset: 0, what });
            }
            (None, None) => {
                recovery::set_unfinished_aside(&*disk, unfinished.take(), quarantine)?;
                let made = Arc::new(Segment::create(&*disk, directory, first_header(&options.salts))?);
                segments.push(made.clone());
                made
            }
        };
        let mut hash = blake3::Hasher::new();
        hash.update(&active.header_bytes()?);
        let mut last = None;
        let blocks = recovery::recover(&*disk, &active, mark, quarantine, &mut |placed| {
            hash.update(placed.block.bytes());
            last = Some(placed.clone());
            visit(&segments, placed);
        })?;
        recovery::confirm(&*disk, directory, &active, last.as_ref())?;
        recovery::set_unfinished_aside(&*disk, unfinished.take(), quarantine)?;
        let slot = Slot(blocks.next_slot.0 - 1);
        segments.reach(Reach { bytes: blocks.offset, slot, position: blocks.next_position.before() });
        Ok(Self {
            offset: blocks.offset,
            file_bytes: active.file().len()?,
            next_slot: blocks.next_slot,
            next_position: blocks.next_position,
            previous_block: blocks.previous_block,
            directory: directory.into(),
            disk,
            options,
            segments,
            active: active.clone(),
            hash,
            poisoned: false,
        })
    }

    /// The segments, for readers.
    pub fn segments(&self) -> Segments {
        self.segments.clone()
    }

    /// The position that the next event gets.
    pub fn next_position(&self) -> Position {
        self.next_position
    }

    /// Identifies this log.
    pub fn id(&self) -> u128 {
        self.active.header.log_id
    }

    fn write(&mut self, draft: Draft) -> Result<Placed, Error> {
        let events = self.next_position.0 - self.active.header.first_position.0;
        let is_full = self.offset + draft.len() as u64 > self.options.segment_bytes
            || events >= self.options.segment_events
            || self.active.header.format != FORMAT;
        if is_full && self.offset > HEADER_BYTES as u64 {
            self.roll()?;
        } else if self.active.header.format != FORMAT {
            self.begin_again()?;
        }
        let durable_upto = self.next_slot.0 - 1;
        let block = draft.finish(self.active.header.salt, self.next_slot, durable_upto, self.previous_block);
        if is_planted(Bug::AckBeforeSync) {
            self.active.file().sync_data()?;
        }
        self.active.file().write_at(block.bytes(), self.offset)?;
        self.make_room(self.offset + block.bytes().len() as u64);
        if !is_planted(Bug::SyncDropped) && !is_planted(Bug::AckBeforeSync) {
            self.active.file().sync_data().or_else(|error| match is_planted(Bug::SyncRetried) {
                true => self.active.file().sync_data(),
                false => Err(error),
            })?;
        }

        let offset = u32::try_from(self.offset).expect("a segment is below 4 GiB");
        let place = Place { segment: self.active.header.number, offset };
        self.hash.update(block.bytes());
        self.offset += block.bytes().len() as u64;
        self.next_slot = self.next_slot.next();
        self.next_position = block.end_position();
        self.previous_block = block.header.crc;
        let position = self.next_position.before();
        self.segments.reach(Reach { bytes: self.offset, slot: block.header.slot, position });
        Ok(Placed { place, block: Arc::new(block) })
    }

    /// Sees to it that small blocks find room behind a block that ends here, and that a sync then has bytes to make
    /// durable and no new length. It is of use only: whatever becomes of it, nothing is lost.
    fn make_room(&mut self, end: u64) {
        let is_small = end - self.offset < ROOM_BLOCK_BYTES_MAX;
        let is_needed = end > self.file_bytes && is_small && self.disk.growing_is_dear();
        self.file_bytes = self.file_bytes.max(end);
        let room = end.clamp(ROOM_BYTES_MIN, ROOM_BYTES_MAX).min(self.options.segment_bytes.saturating_sub(end));
        if is_needed && room > 0 && self.active.file().write_at(&ZEROS[..room as usize], end).is_ok() {
            self.file_bytes = end + room;
        }
    }

    /// Cuts the room off that no block came for. The file is asked how long it is: zeros may have failed half way.
    fn give_room_back(&mut self) -> Result<(), Error> {
        if self.active.file().len()? > self.offset {
            self.active.file().set_len(self.offset)?;
            self.active.file().sync_data()?;
        }
        self.file_bytes = self.offset;
        Ok(())
    }

    fn roll(&mut self) -> Result<(), Error> {
        self.give_room_back()?;
        let header = Header {
            format: FORMAT,
            log_id: self.active.header.log_id,
            salt: self.options.salts.draw(),
            number: self.active.header.number + 1,
            first_slot: self.next_slot,
            first_position: self.next_position,
            previous_hash: self.hash.finalize().into(),
            previous_block: self.previous_block,
        };
        self.hash = blake3::Hasher::new();
        self.hash.update(&header.encode());
        self.active = Arc::new(Segment::create(&*self.disk, &self.directory, header)?);
        self.offset = HEADER_BYTES as u64;
        self.file_bytes = self.offset;
        self.segments.push(self.active.clone());
        // The mark's name is synced with the segment's.
        if is_planted(Bug::NameNotSynced) { Ok(()) } else { self.mark() }
    }

    /// Makes an empty segment of another format one of today's. It can have no successor, since a segment
    /// begins behind a block of the one before. To a start, a header torn here was being made.
    fn begin_again(&mut self) -> Result<(), Error> {
        let header = Header { format: FORMAT, ..self.active.header.clone() }.encode();
        self.active.file().write_at(&header, 0)?;
        self.active.file().sync_data()?;
        self.active = Arc::new(Segment::open(&*self.disk, &self.active.path, Open::Write)?);
        self.active.ends_at(self.offset);
        self.segments.replace_newest(self.active.clone());
        self.hash = blake3::Hasher::new();
        self.hash.update(&header);
        Ok(())
    }

    fn mark(&self) -> Result<(), Error> {
        let mark = Mark {
            log_id: self.active.header.log_id,
            slot: Slot(self.next_slot.0 - 1),
            position: self.next_position.before(),
        };
        mark.write(&*self.disk, &self.directory)
    }
}

impl CommitLog for SegmentLog {
    fn tail(&self) -> Slot {
        self.next_slot
    }

    fn append(&mut self, expected: Slot, draft: Draft) -> Result<Appended, Error> {
        assert_eq!(expected, self.next_slot, "a local log has one proposer");
        if self.poisoned {
            return Err(Error::Poisoned);
        }
        let written = self.write(draft);
        self.poisoned = written.is_err();
        written.map(Appended::Committed)
    }

    fn read(&self, from: Slot, visit: &mut dyn FnMut(Placed) -> bool) -> Result<(), Error> {
        let all = self.segments.all();
        let start = all.partition_point(|segment| segment.header.first_slot <= from).saturating_sub(1);
        for segment in &all[start..] {
            let mut blocks = segment.blocks();
            while blocks.next_slot < self.next_slot {
                match blocks.step()? {
                    Step::Block(placed) if placed.block.header.slot < from => {}
                    Step::Block(placed) => {
                        if !visit(placed) {
                            return Ok(());
                        }
                    }
                    Step::End => break,
                    Step::Bad(what) => return Err(segment.damaged(blocks.offset, what)),
                }
            }
        }
        Ok(())
    }

    fn available(&self) -> Result<u64, Error> {
        let room = self.file_bytes - self.offset;
        let available = self.disk.available(&self.directory)?.saturating_add(room);
        Ok(available.saturating_sub(self.options.disk_reserve_bytes))
    }

    fn close(&mut self) -> Result<(), Error> {
        if self.poisoned || self.next_slot == Slot::FIRST {
            return Ok(());
        }
        self.give_room_back()?;
        self.mark()
    }
}

fn first_header(salts: &Salts) -> Header {
    Header {
        format: FORMAT,
        log_id: salts.log_id(),
        salt: salts.draw(),
        number: 1,
        first_slot: Slot::FIRST,
        first_position: Position::ZERO.next(),
        previous_hash: [0; 32],
        previous_block: 0,
    }
}

/// Opens all segments of a directory and checks that each follows the one before. Also returns the
/// file of a segment that was being made when the power went.
fn open_segments(disk: &dyn Disk, directory: &Path) -> Result<(Segments, Option<PathBuf>), Error> {
    let (files, unfinished) = recovery::segment_files(disk, directory)?;
    let segments = Segments::default();
    for file in &files {
        let segment = Arc::new(Segment::open(disk, file, Open::Read)?);
        let follows = match segments.newest() {
            Some(previous) => follows(&segment.header, &previous.header),
            None => segment.header.number == 1,
        };
        if !follows || *file != directory.join(segment.header.file_name()) {
            return Err(segment.damaged(0, NOT_FOLLOWING));
        }
        segments.push(segment);
    }
    if let Some(newest) = segments.newest() {
        segments.replace_newest(Arc::new(Segment::open(disk, &newest.path, Open::Write)?));
    }
    Ok((segments, unfinished))
}

fn follows(next: &Header, previous: &Header) -> bool {
    next.number == previous.number + 1
        && next.log_id == previous.log_id
        && next.first_slot > previous.first_slot
        && next.first_position >= previous.first_position
}

#[cfg(test)]
mod tests {
    use super::super::verify::verify;
    use super::*;
    use crate::disk::memory::MemoryDisk;
    use crate::log::Kind;

    const LOG: &str = "/log";

    fn open(disk: &MemoryDisk) -> SegmentLog {
        let (log, aside) = (Path::new(LOG), Path::new("/quarantine"));
        SegmentLog::open(Arc::new(disk.clone()), log, aside, LogOptions::default(), &mut |_, _| {}).unwrap()
    }

    fn append(log: &mut SegmentLog) {
        let mut draft = Draft::new(log.next_position());
        draft.put_control(Kind::CheckpointDeleted, "reader", b"reader");
        assert!(matches!(log.append(log.tail(), draft), Ok(Appended::Committed(_))));
    }

    /// A log of one segment that another program began.
    fn begun_in(format: u16) -> MemoryDisk {
        let disk = MemoryDisk::default();
        disk.create_dir(Path::new(LOG)).unwrap();
        Segment::create(&disk, Path::new(LOG), Header { format, ..first_header(&Salts::random()) }).unwrap();
        disk
    }

    /// The bytes of the newest segment's file.
    fn newest_file(disk: &MemoryDisk) -> Vec<u8> {
        let files = super::super::segment::files(disk, Path::new(LOG)).unwrap();
        disk.read(files.last().unwrap()).unwrap()
    }

    #[test]
    fn small_blocks_find_room_that_is_synced_and_is_gone_when_the_log_is_closed() {
        let disk = MemoryDisk::default();
        let mut log = open(&disk);
        append(&mut log);
        let length = newest_file(&disk).len();
        assert_eq!(length as u64, log.offset + ROOM_BYTES_MIN);
        (0..10).for_each(|_| append(&mut log));
        assert_eq!(newest_file(&disk).len(), length, "they lie in the room");
        assert_eq!(log.active.end(), log.offset, "readers end where the blocks do");
        log.close().unwrap();
        assert_eq!(newest_file(&disk).len() as u64, log.offset);
    }

    #[test]
    fn a_segment_with_a_successor_has_no_room() {
        let disk = MemoryDisk::default();
        let options = LogOptions { segment_bytes: 500, ..LogOptions::default() };
        let (path, aside) = (Path::new(LOG), Path::new("/quarantine"));
        let mut log = SegmentLog::open(Arc::new(disk.clone()), path, aside, options, &mut |_, _| {}).unwrap();
        while log.segments().all().len() < 4 {
            append(&mut log);
            assert_eq!(newest_file(&disk).len(), 500, "as much as a segment may have");
        }
        let findings = verify(&disk, path, &mut |_, _| {}).unwrap();
        assert!(findings.damage.is_empty() && findings.segments == 4, "{findings:?}");
    }

    #[test]
    fn room_is_no_torn_tail_and_a_torn_block_in_it_is() {
        let disk = MemoryDisk::default();
        append(&mut open(&disk));
        let length = newest_file(&disk).len();
        let mut log = open(&disk);
        assert_eq!((newest_file(&disk).len(), log.tail()), (length, Slot(2)), "it is left as it is, and used");
        append(&mut log);
        assert_eq!(newest_file(&disk).len(), length);
        let (torn, file) = (log.offset, log.active.file().clone());
        append(&mut log);
        file.write_at(&[0; 20], log.offset - 20).unwrap();
        drop(log);
        let log = open(&disk);
        assert_eq!((log.tail(), log.offset, newest_file(&disk).len() as u64), (Slot(3), torn, torn));
        assert_eq!(disk.list(Path::new("/quarantine")).unwrap().len(), 1, "what is cut off is kept aside");
    }

    #[test]
    fn an_empty_segment_of_an_older_format_becomes_one_of_todays_when_it_is_written_into() {
        let disk = begun_in(1);
        let mut log = open(&disk);
        assert_eq!(log.segments().all()[0].header.format, 1, "opening alone changes nothing");
        append(&mut log);
        append(&mut log);
        let headers: Vec<_> = log.segments().all().iter().map(|segment| segment.header.format).collect();
        assert_eq!(headers, [FORMAT], "it could not have a successor");
        log.close().unwrap();
        assert_eq!(open(&disk).tail(), Slot(3));
        let findings = verify(&disk, Path::new(LOG), &mut |_, _| {}).unwrap();
        assert!(findings.damage.is_empty() && findings.blocks == 2, "{findings:?}");
    }

    #[test]
    fn a_header_with_more_in_it_than_is_read_here_is_kept_as_it_is() {
        let disk = begun_in(FORMAT);
        append(&mut open(&disk));
        let segment = open(&disk).active;
        // A later format that this program can read: another number, and something in the bytes set aside.
        let mut later = segment.header_bytes().unwrap().to_vec();
        later[8..10].copy_from_slice(&(FORMAT + 1).to_be_bytes());
        later[100] = 7;
        let crc = crc32c::crc32c(&later[..124]);
        later[124..].copy_from_slice(&crc.to_be_bytes());
        segment.file().write_at(&later, 0).unwrap();

        let mut log = open(&disk);
        append(&mut log);
        let all = log.segments().all();
        assert_eq!(all.iter().map(|segment| segment.header.format).collect::<Vec<_>>(), [FORMAT + 1, FORMAT]);
        assert_eq!(all[0].header_bytes().unwrap(), later);
        let findings = verify(&disk, Path::new(LOG), &mut |_, _| {}).unwrap();
        assert!(findings.damage.is_empty(), "{findings:?}");
    }

    #[test]
    fn a_header_torn_while_its_segment_became_one_of_todays_is_one_that_was_being_made() {
        let disk = begun_in(1);
        let segment = open(&disk).active;
        let header = Header { format: FORMAT, ..segment.header.clone() }.encode();
        segment.file().write_at(&header[..60], 0).unwrap();
        let mut log = open(&disk);
        append(&mut log);
        assert_eq!(log.segments().all().len(), 1);
        assert_eq!(open(&disk).tail(), Slot(2));
    }
}
