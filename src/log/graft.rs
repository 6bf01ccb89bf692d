//! Makes a log of what a survey kept.
//!
//! What was cut gets an id of its own: from the cut on its positions mean something else than in the log it
//! comes from, and nobody may take one for the other. All of it is written into a directory that no store opens.

use std::path::Path;

use super::export::PIECE_BYTES;
use super::mark::Mark;
use super::segment::{HEADER_BYTES, Header};
use super::survey::{Kept, Survey};
use super::{Error, Salts, Slot};
use crate::disk::{Disk, Open};

/// Writes what was kept into an empty directory, as a log with the same id, or with one that `salts` draws. It is
/// durable when this returns. `progress` hears of bytes that were written.
///
/// # Errors
/// When the disk fails, or a segment is no longer what was walked.
pub fn graft(
    disk: &dyn Disk,
    survey: &Survey,
    to: &Path,
    salts: Option<&Salts>,
    progress: &mut dyn FnMut(u64),
) -> Result<Option<u128>, Error> {
    let log_id = salts.map(Salts::log_id);
    disk.create_dir(to)?;
    let mut previous_hash = [0; 32];
    for kept in &survey.kept {
        let header = match log_id {
            Some(log_id) => Header { log_id, previous_hash, ..kept.segment.header.clone() }.encode().to_vec(),
            None => kept.segment.header_bytes()?.to_vec(),
        };
        previous_hash = copy(disk, kept, &header, to, progress)?;
    }
    let log_id = log_id.or(survey.log_id());
    if let Some(log_id) = log_id.filter(|_| survey.slot > Slot(0)) {
        Mark { log_id, slot: survey.slot, position: survey.position }.write(disk, to)?;
    }
    disk.sync_dir(to)?;
    Ok(log_id)
}

/// Copies a segment behind another header. Returns the hash of what was written.
fn copy(
    disk: &dyn Disk,
    kept: &Kept,
    header: &[u8],
    to: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<[u8; 32], Error> {
    let file = disk.open(&to.join(kept.segment.header.file_name()), Open::Create)?;
    let (mut read, mut written) = (blake3::Hasher::new(), blake3::Hasher::new());
    read.update(&kept.segment.header_bytes()?);
    written.update(header);
    file.write_at(header, 0)?;
    let mut offset = HEADER_BYTES as u64;
    while offset < kept.bytes {
        let bytes = kept.segment.read(offset, (kept.bytes - offset).min(PIECE_BYTES) as usize)?;
        read.update(&bytes);
        written.update(&bytes);
        file.write_at(&bytes, offset)?;
        offset += bytes.len() as u64;
        progress(bytes.len() as u64);
    }
    if read.finalize() != kept.hash {
        return Err(kept.segment.damaged(0, "the segment changed while it was copied"));
    }
    file.sync_data()?;
    Ok(written.finalize().into())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::disk::memory::MemoryDisk;
    use crate::log::export::{Export, Held, Piece};
    use crate::log::record::Stamp;
    use crate::log::survey::{Until, survey};
    use crate::log::verify::verify;
    use crate::log::{CommitLog, Draft, LogOptions, SegmentLog};
    use crate::model::{Limits, Position, ProposedEvent, Revision, Timestamp};

    fn open(disk: &MemoryDisk, directory: &str) -> SegmentLog {
        let options = LogOptions { segment_events: 6, ..LogOptions::default() };
        let (log, aside) = (Path::new(directory), Path::new("/aside"));
        SegmentLog::open(Arc::new(disk.clone()), log, aside, options, &mut |_, _| {}).unwrap()
    }

    /// Appends a block of two events.
    fn append(log: &mut SegmentLog) {
        let mut draft = Draft::new(log.next_position());
        for _ in 0..2 {
            let position = draft.next_position();
            let event = ProposedEvent::parse([0x12, 1, b'T'].to_vec().into(), &Limits::default()).unwrap();
            let recorded_at = Timestamp { seconds: draft.first_position().0, nanos: 0 };
            draft.put_event(&event, "s", &Stamp { revision: Revision(position.0 - 1), position, recorded_at });
        }
        log.append(log.tail(), draft).unwrap();
    }

    fn files(disk: &MemoryDisk) -> Vec<(std::path::PathBuf, u64)> {
        let names = disk.list(Path::new("/log")).unwrap().into_iter().filter(|name| name != "mark");
        let paths = names.map(|name| Path::new("/log").join(name));
        paths.map(|path| (path.clone(), disk.open(&path, Open::Read).unwrap().len().unwrap())).collect()
    }

    #[test]
    fn a_log_cut_at_any_place_opens_and_goes_on_under_an_id_of_its_own() {
        let disk = MemoryDisk::default();
        let mut log = open(&disk, "/log");
        (0..10).for_each(|_| append(&mut log));
        let untils = (0..=20).flat_map(|place| {
            let time = Timestamp { seconds: place, nanos: 0 };
            [Until::Position(Position(place)), Until::Time(time)]
        });
        for (number, until) in untils.enumerate() {
            let last = match until {
                Until::Position(Position(place)) => place / 2 * 2,
                Until::Time(time) => time.seconds.div_ceil(2) * 2,
                Until::Head => 20,
            };
            let surveyed = survey(&disk, &files(&disk), until, &mut |_| {}).unwrap();
            assert_eq!((surveyed.position, surveyed.is_cut), (Position(last), last < 20), "{until:?}");
            let to = format!("/copy-{number}");
            let salts = Salts::random();
            graft(&disk, &surveyed, Path::new(&to), surveyed.is_cut.then_some(&salts), &mut |_| {}).unwrap();
            let mut copy = open(&disk, &to);
            assert_eq!((copy.next_position(), copy.id() == log.id()), (Position(last + 1), last == 20), "{until:?}");
            append(&mut copy);
            copy.close().unwrap();
            let findings = verify(&disk, Path::new(&to), &mut |_, _| {}).unwrap();
            assert!(findings.damage.is_empty() && findings.events == last + 2, "{until:?}: {findings:?}");
        }
    }

    #[test]
    fn an_export_ends_where_it_was_pinned_and_leaves_out_what_is_held() {
        let disk = MemoryDisk::default();
        let mut log = open(&disk, "/log");
        (0..5).for_each(|_| append(&mut log));
        let pinned = log.segments().pin();
        (0..5).for_each(|_| append(&mut log));
        let run = |held: Vec<Held>| {
            let (mut export, mut sent) = (Export::new(pinned.clone(), held), vec![Vec::new(); pinned.segments.len()]);
            loop {
                match export.step().unwrap() {
                    Piece::Known => {}
                    Piece::Bytes { number, bytes, .. } => sent[number as usize - 1].extend_from_slice(&bytes),
                    Piece::End(hashes) => break (sent, hashes),
                }
            }
        };
        let (all, hashes) = run(Vec::new());
        for (index, (sent, hash)) in all.iter().zip(&hashes).enumerate() {
            let whole = disk.read(&pinned.segments[index].path).unwrap();
            assert_eq!(sent.len() as u64, pinned.bytes_of(index));
            assert!(whole.starts_with(sent) && blake3::hash(sent) == *hash);
        }
        let held = |number: u32, bytes: usize| {
            let held = &all[number as usize - 1][..bytes];
            Held { number, bytes: bytes as u64, hash: blake3::hash(held).into() }
        };
        let (last, length) = (all.len(), all[all.len() - 1].len());
        let (rest, again) = run(vec![held(1, all[0].len()), held(last as u32, length - 10)]);
        assert_eq!((rest[0].len(), rest[last - 1].len()), (0, 10));
        assert_eq!(again, hashes);
        let wrong = Held { hash: [7; 32], ..held(1, 200) };
        assert_eq!(run(vec![wrong]).0, all, "another beginning is sent anew");
    }
}
