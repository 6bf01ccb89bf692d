//! What a backup consists of, as it is written beside the segments.
//!
//! A backup is what its manifest says: files that it does not name, and bytes behind those that it counts, are
//! of a later backup that did not come to its end.

use std::path::Path;

use chrono::{DateTime, Utc};
use quipu_client::proto;
use serde::{Deserialize, Serialize};

use crate::disk::{self, Disk};
use crate::log::export::Hash;
use crate::log::segment::SUFFIX;

/// The name of the manifest's file.
pub(in crate::cli) const FILE: &str = "manifest.json";

/// The edition of the manifest that this program writes and reads.
const EDITION: u32 = 1;

/// Why there is no manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The disk refused.
    #[error(transparent)]
    Disk(#[from] disk::Error),
    /// It is not JSON, or says something else.
    #[error("the manifest is damaged")]
    Malformed(#[from] serde_json::Error),
    /// A newer program wrote it.
    #[error("the manifest is of edition {0}, this program reads up to {EDITION}")]
    Newer(u32),
    /// Something in it can not be.
    #[error("the manifest is damaged: {0}")]
    Wrong(&'static str),
}

/// What a backup consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct Manifest {
    /// The edition of the manifest.
    quipu_backup: u32,
    /// Identifies the log.
    pub(in crate::cli) log_id: String,
    /// Whose log it is.
    pub(in crate::cli) tenant: String,
    /// The newest format of its segments.
    pub(in crate::cli) format: u32,
    /// The position of the last event.
    pub(in crate::cli) head: u64,
    /// The slot of the last block.
    pub(in crate::cli) slot: u64,
    /// When the last event was committed, if there is one.
    pub(in crate::cli) last_recorded_at: Option<DateTime<Utc>>,
    /// The segments, oldest first.
    pub(in crate::cli) segments: Vec<Segment>,
}

/// A segment of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct Segment {
    /// Its number.
    pub(in crate::cli) number: u32,
    /// Its file's name.
    pub(in crate::cli) name: String,
    /// How much of the file belongs to the backup.
    pub(in crate::cli) bytes: u64,
    /// The BLAKE3 hash of that, in hexadecimal digits.
    hash: String,
}

impl Segment {
    /// The hash of its bytes.
    pub(in crate::cli) fn hash(&self) -> Option<Hash> {
        blake3::Hash::from_hex(&self.hash).ok().map(Hash::from)
    }
}

impl Manifest {
    /// What a server told; without hashes it is a plan.
    pub(super) fn of(told: &proto::BackupManifest) -> Result<Self, ManifestError> {
        let time = told.last_recorded_at.map(|time| {
            let nanos = u32::try_from(time.nanos).ok();
            nanos.and_then(|nanos| DateTime::from_timestamp(time.seconds, nanos))
        });
        let segment = |segment: &proto::BackupSegment| Segment {
            number: segment.number,
            name: segment.name.clone(),
            bytes: segment.bytes,
            hash: blake3::Hash::from_slice(&segment.hash).map_or(String::new(), |hash| hash.to_hex().to_string()),
        };
        let manifest = Self {
            quipu_backup: EDITION,
            log_id: told.log_id.clone(),
            tenant: told.tenant.clone(),
            format: told.format,
            head: told.head,
            slot: told.slot,
            last_recorded_at: time.map(|time| time.ok_or(ManifestError::Wrong("a time out of range"))).transpose()?,
            segments: told.segments.iter().map(segment).collect(),
        };
        manifest.check()?;
        Ok(manifest)
    }

    /// Reads the manifest of a directory; `None` when there is none.
    pub(in crate::cli) fn read(disk: &dyn Disk, directory: &Path) -> Result<Option<Self>, ManifestError> {
        let path = directory.join(FILE);
        if !disk.exists(&path)? {
            return Ok(None);
        }
        let manifest: Self = serde_json::from_slice(&disk.read(&path)?)?;
        if manifest.quipu_backup > EDITION {
            return Err(ManifestError::Newer(manifest.quipu_backup));
        }
        manifest.check()?;
        if manifest.segments.iter().any(|segment| segment.hash().is_none()) {
            return Err(ManifestError::Wrong("a segment without a hash"));
        }
        Ok(Some(manifest))
    }

    /// Writes it: there as a whole or not at all, and durable.
    pub(super) fn write(&self, disk: &dyn Disk, directory: &Path) -> Result<(), ManifestError> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(disk.replace(&directory.join(FILE), &bytes)?)
    }

    /// How many bytes all of its segments have.
    pub(in crate::cli) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Whether segments are numbered from 1 on, and their names are names of segments and nothing else.
    fn check(&self) -> Result<(), ManifestError> {
        for (segment, number) in self.segments.iter().zip(1..) {
            if segment.number != number || number_of(&segment.name) != Some(number) {
                return Err(ManifestError::Wrong("a segment that is not the next one"));
            }
        }
        Ok(())
    }
}

/// The number of the segment whose file has this name.
pub(super) fn number_of(name: &str) -> Option<u32> {
    let (number, position) = name.strip_suffix(SUFFIX)?.split_once('-')?;
    let is_number = |text: &str, digits| text.len() >= digits && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(number, 6) && is_number(position, 20)).then(|| number.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_segments_have_a_number() {
        assert_eq!(number_of("000012-00000000000000000099.seg"), Some(12));
        for name in ["", "../../../etc/passwd", "000012-00000000000000000099.seg.part", "12-99.seg", "+00012-99.seg"] {
            assert_eq!(number_of(name), None, "{name}");
        }
    }
}
