//! Builds the file of a sealed part from what memory holds.
//!
//! The file appears under its name only when it is whole and durable.

use std::path::Path;

use super::Error;
use super::active::State;
use super::filter;
use super::pages::PageWriter;
use super::sealed::{Header, LIST, NAMES_PER_MILESTONE, bucket};
use crate::disk::Disk;
use crate::log::segment::Segment;
use crate::model::Timestamp;
use crate::seeded::{Bug, is_planted};

/// About how many terms share a bucket.
const TERMS_PER_BUCKET: usize = 8;

/// Writes the index file of a complete segment.
pub(super) fn build(disk: &dyn Disk, path: &Path, segment: &Segment, state: &State) -> Result<(), Error> {
    let (directory, entries, lists, bucket_bits) = term_table(state);
    let filter = filter::build(&filtered_hashes(state));
    let controls: Vec<u8> = state.controls.iter().flat_map(control_bytes).collect();
    let (milestones, names) = name_list(state);
    let times: Vec<u8> = state.times.iter().flat_map(time_bytes).collect();
    let tally = state.tally.encode();
    let sections = [&directory[..], &entries, &lists, &filter, &controls, &milestones, &names, &times, &tally];
    let header = Header {
        log_id: segment.header.log_id,
        salt: segment.header.salt,
        segment: segment.header.number,
        first_position: segment.header.first_position,
        events: state.offsets.len() as u32,
        bucket_bits,
        first_time: state.times.first().copied().unwrap_or_default(),
        lengths: sections.map(|section| section.len() as u64),
        last_block: state.last_block,
    };

    let draft = path.with_extension("idx.tmp");
    if disk.exists(&draft)? {
        disk.remove(&draft)?;
    }
    let mut writer = PageWriter::create(disk, &draft, segment.header.salt)?;
    writer.put(&header.encode())?;
    for offset in &state.offsets {
        writer.put(&offset.to_be_bytes())?;
    }
    for section in sections {
        writer.put(section)?;
    }
    writer.finish()?;
    disk.rename(&draft, path)?;
    Ok(disk.sync_dir(path.parent().expect("an index lies in a directory"))?)
}

/// The terms that the filter must let through. A term whose hash collides with the id of an older event was
/// not noted as new, but then it has a list.
fn filtered_hashes(state: &State) -> Vec<u64> {
    let listed = state.hashes().filter(|hash| state.ordinals(*hash).len() > 1);
    let mut hashes: Vec<u64> = state.filtered.iter().copied().chain(listed).collect();
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

fn term_table(state: &State) -> (Vec<u8>, Vec<u8>, Vec<u8>, u32) {
    let mut hashes: Vec<u64> = state.hashes().collect();
    hashes.sort_unstable();
    if is_planted(Bug::TermLost) {
        hashes.pop();
    }
    let bucket_bits = (hashes.len() / TERMS_PER_BUCKET).checked_ilog2().unwrap_or(0);

    let mut counts = vec![0_u32; 1 << bucket_bits];
    let mut entries = Vec::with_capacity(hashes.len() * 8);
    let mut lists = Vec::new();
    for terms in hashes.chunk_by(|one, next| bucket(*one, bucket_bits) == bucket(*next, bucket_bits)) {
        for (index, hash) in terms.iter().enumerate() {
            // An entry is found by its bucket and the low half of its hash: terms that share both share one.
            let is_same = |other: &&u64| **other as u32 == *hash as u32;
            if terms[..index].iter().any(|other| is_same(&other)) {
                continue;
            }
            let same = terms[index..].iter().filter(is_same);
            let mut ordinals: Vec<u32> = same.flat_map(|hash| state.ordinals(*hash)).copied().collect();
            ordinals.sort_unstable();
            ordinals.dedup();
            counts[bucket(*hash, bucket_bits)] += 1;
            entries.extend_from_slice(&(*hash as u32).to_be_bytes());
            entries.extend_from_slice(&posting(&ordinals, &mut lists).to_be_bytes());
        }
    }

    let mut before = 0;
    let mut directory = Vec::with_capacity(counts.len() * 4 + 4);
    for count in counts {
        directory.extend_from_slice(&u32::to_be_bytes(before));
        before += count;
    }
    directory.extend_from_slice(&before.to_be_bytes());
    (directory, entries, lists, bucket_bits)
}

/// The value of an entry: the one ordinal, or where the list begins that is added to `lists`.
fn posting(ordinals: &[u32], lists: &mut Vec<u8>) -> u32 {
    if let [ordinal] = ordinals {
        return *ordinal;
    }
    let at = (lists.len() / 4) as u32;
    lists.extend_from_slice(&(ordinals.len() as u32).to_be_bytes());
    lists.extend(ordinals.iter().flat_map(|ordinal| ordinal.to_be_bytes()));
    LIST | at
}

fn control_bytes((slot, offset): &(crate::log::Slot, u32)) -> Vec<u8> {
    [&slot.0.to_be_bytes()[..], &offset.to_be_bytes()].concat()
}

fn time_bytes(time: &Timestamp) -> Vec<u8> {
    [&time.seconds.to_be_bytes()[..], &time.nanos.to_be_bytes()].concat()
}

fn name_list(state: &State) -> (Vec<u8>, Vec<u8>) {
    let (mut milestones, mut names) = (Vec::new(), Vec::new());
    for (index, name) in state.names.iter().enumerate() {
        if index % NAMES_PER_MILESTONE == 0 {
            milestones.extend_from_slice(&(names.len() as u32).to_be_bytes());
        }
        names.extend_from_slice(&(name.as_str().len() as u16).to_be_bytes());
        names.extend_from_slice(name.as_str().as_bytes());
    }
    (milestones, names)
}
