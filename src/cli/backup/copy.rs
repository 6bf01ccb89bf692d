//! The directory that a tenant's backup is in.
//!
//! New segments are received under a temporary name. What grows is the segment that was the newest: behind the
//! bytes that the manifest counts, so that the backup of before is whole at every moment. The new manifest comes
//! last, when everything that it names is durable.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use quipu_client::HeldSegment;

use super::BackupError;
use super::manifest::{Manifest, number_of};
use crate::disk::real::RealDisk;
use crate::disk::{Disk, File, Lock, Open};
use crate::log::export::{Hash, PIECE_BYTES};

/// The ending of a file that is being received.
const PART: &str = ".part";

/// A backup's directory, which is ours while this lives.
#[derive(Debug)]
pub(super) struct Copy {
    disk: RealDisk,
    directory: PathBuf,
    /// The backup of before.
    manifest: Option<Manifest>,
    held: Vec<HeldSegment>,
    /// Those of them that are files under a temporary name.
    parts: Vec<u32>,
    receiving: Option<Receiving>,
    /// Segments with bytes of this run.
    touched: Vec<u32>,
    _lock: Box<dyn Lock>,
}

/// A segment that is being received.
#[derive(Debug)]
struct Receiving {
    number: u32,
    file: Arc<dyn File>,
    offset: u64,
    is_part: bool,
}

impl Copy {
    /// Takes a directory, makes it if need be, and finds out what is there. What the manifest counts is believed,
    /// unless all of it is to be read.
    pub(super) fn open(directory: &Path, reads_all: bool) -> Result<Self, BackupError> {
        let disk = RealDisk;
        disk.create_dir(directory)?;
        let lock = disk.lock(&directory.join("LOCK"))?.ok_or_else(|| BackupError::Locked(directory.into()))?;
        let manifest = Manifest::read(&disk, directory)?;
        let mut copy = Self {
            disk,
            directory: directory.into(),
            manifest,
            held: Vec::new(),
            parts: Vec::new(),
            receiving: None,
            touched: Vec::new(),
            _lock: lock,
        };
        for name in disk.list(directory)? {
            if let Some(held) = copy.look_at(&name, reads_all)? {
                copy.held.push(held);
                copy.parts.extend(name.ends_with(PART).then_some(held.number));
            }
        }
        Ok(copy)
    }

    /// What is here.
    pub(super) fn held(&self) -> &[HeldSegment] {
        &self.held
    }

    /// What is here of the segment in a file.
    fn look_at(&self, name: &str, reads_all: bool) -> Result<Option<HeldSegment>, BackupError> {
        let Some(number) = number_of(name.strip_suffix(PART).unwrap_or(name)) else { return Ok(None) };
        let file = self.disk.open(&self.directory.join(name), Open::Write)?;
        let known = self.manifest.iter().flat_map(|manifest| &manifest.segments).find(|known| known.name == name);
        let Some((known, hash)) = known.and_then(|known| Some((known, known.hash()?))) else {
            let bytes = file.len()?;
            if bytes == 0 || self.held.iter().any(|held| held.number == number) {
                return Ok(None);
            }
            return Ok(Some(HeldSegment { number, bytes, hash: hash_of(&*file, bytes)? }));
        };
        if file.len()? < known.bytes || (reads_all && hash_of(&*file, known.bytes)? != hash) {
            return Ok(None);
        }
        file.set_len(known.bytes)?;
        Ok(Some(HeldSegment { number, bytes: known.bytes, hash }))
    }

    /// Refuses a log that does not go on where this backup ends.
    pub(super) fn check(&self, plan: &Manifest) -> Result<(), BackupError> {
        match &self.manifest {
            Some(before) if before.log_id != plan.log_id || before.slot > plan.slot => {
                Err(BackupError::AnotherLog(self.directory.clone()))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Takes bytes of a segment in.
    pub(super) fn receive(
        &mut self,
        plan: &Manifest,
        number: u32,
        offset: u64,
        data: &Bytes,
    ) -> Result<(), BackupError> {
        let planned = plan.segments.iter().find(|segment| segment.number == number);
        let planned = planned.ok_or(BackupError::Unplanned)?;
        let receiving = match self.receiving.take().filter(|receiving| receiving.number == number) {
            Some(receiving) => receiving,
            None => self.begin(&planned.name, number, offset)?,
        };
        let end = offset + data.len() as u64;
        if receiving.offset != offset || end > planned.bytes {
            return Err(BackupError::Unplanned);
        }
        receiving.file.write_at(data, offset)?;
        if end < planned.bytes {
            self.receiving = Some(Receiving { offset: end, ..receiving });
            return Ok(());
        }
        receiving.file.sync_data()?;
        if receiving.is_part {
            let path = self.directory.join(&planned.name);
            self.disk.rename(&with_part(&path), &path)?;
            self.disk.sync_dir(&self.directory)?;
        }
        Ok(())
    }

    fn begin(&mut self, name: &str, number: u32, offset: u64) -> Result<Receiving, BackupError> {
        let path = self.directory.join(name);
        self.touched.push(number);
        let held = self.held.iter().find(|held| held.number == number);
        let is_counted = self.manifest.iter().flat_map(|manifest| &manifest.segments).any(|known| known.name == name);
        if offset == 0 {
            if is_counted && held.is_some() {
                return Err(BackupError::AnotherLog(self.directory.clone()));
            }
            let part = with_part(&path);
            if self.disk.exists(&part)? {
                self.disk.remove(&part)?;
            }
            let file = self.disk.open(&part, Open::Create)?;
            return Ok(Receiving { number, file, offset, is_part: true });
        }
        if held.is_none_or(|held| held.bytes != offset) {
            return Err(BackupError::Unplanned);
        }
        let is_part = self.parts.contains(&number);
        let path = if is_part { with_part(&path) } else { path };
        Ok(Receiving { number, file: self.disk.open(&path, Open::Write)?, offset, is_part })
    }

    /// Completes the backup: everything is read once more that came, and the manifest is written.
    pub(super) fn complete(self, manifest: &Manifest) -> Result<(), BackupError> {
        for segment in &manifest.segments {
            let path = self.directory.join(&segment.name);
            // Nothing was missing of it but its name.
            if !self.disk.exists(&path)? && self.parts.contains(&segment.number) {
                self.disk.open(&with_part(&path), Open::Write)?.sync_data()?;
                self.disk.rename(&with_part(&path), &path)?;
            }
            let file = self.disk.open(&path, Open::Read)?;
            let known = self.held.iter().find(|held| held.number == segment.number);
            let is_known = known.is_some_and(|held| held.bytes == segment.bytes && Some(held.hash) == segment.hash());
            let is_whole = file.len()? == segment.bytes
                && ((is_known && !self.touched.contains(&segment.number))
                    || Some(hash_of(&*file, segment.bytes)?) == segment.hash());
            if !is_whole {
                return Err(BackupError::NotWhatWasSent(path));
            }
        }
        self.disk.sync_dir(&self.directory)?;
        manifest.write(&self.disk, &self.directory)?;
        let names = self.disk.list(&self.directory)?;
        let is_left_over = |name: &&String| {
            number_of(name.strip_suffix(PART).unwrap_or(name)).is_some()
                && !manifest.segments.iter().any(|segment| segment.name == **name)
        };
        for name in names.iter().filter(is_left_over) {
            self.disk.remove(&self.directory.join(name))?;
        }
        Ok(())
    }
}

fn with_part(path: &Path) -> PathBuf {
    path.with_added_extension(&PART[1..])
}

/// The hash of the first bytes of a file.
pub(in crate::cli) fn hash_of(file: &dyn File, bytes: u64) -> Result<Hash, BackupError> {
    let mut hash = blake3::Hasher::new();
    let mut buffer = vec![0; PIECE_BYTES as usize];
    let mut offset = 0;
    while offset < bytes {
        let piece = &mut buffer[..(bytes - offset).min(PIECE_BYTES) as usize];
        file.read_at(piece, offset)?;
        hash.update(piece);
        offset += piece.len() as u64;
    }
    Ok(hash.finalize().into())
}
