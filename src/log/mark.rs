//! The low-water mark: how far the log is known to have been acknowledged.
//!
//! ```text
//!    0      4       8       24    32        40
//!    magic  format  log_id  slot  position  crc
//!    4      u32     16      u64   u64       u32
//! ```
//!
//! Written when a segment is complete and when the server stops. A log that ends before its mark has
//! lost something that was acknowledged, however clean its last bytes look.

use std::path::{Path, PathBuf};

use super::{Error, Slot};
use crate::disk::Disk;
use crate::model::Position;

const MAGIC: [u8; 4] = *b"QMRK";
const FORMAT: u32 = 1;
const BYTES: usize = 44;

/// What is known to have been acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) log_id: u128,
    pub(super) slot: Slot,
    pub(super) position: Position,
}

pub(super) fn path(directory: &Path) -> PathBuf {
    directory.join("mark")
}

impl Mark {
    /// Reads the mark; `None` when there is none yet.
    pub(super) fn read(disk: &dyn Disk, directory: &Path) -> Result<Option<Self>, Error> {
        let path = path(directory);
        if !disk.exists(&path)? {
            return Ok(None);
        }
        let bytes = disk.read(&path)?;
        Self::decode(&bytes).map(Some).ok_or(Error::Damaged { file: path, offset: 0, what: "the mark is damaged" })
    }

    /// Replaces the mark, durably.
    pub(super) fn write(&self, disk: &dyn Disk, directory: &Path) -> Result<(), Error> {
        Ok(disk.replace(&path(directory), &self.encode())?)
    }

    pub(super) fn encode(&self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..8].copy_from_slice(&FORMAT.to_be_bytes());
        bytes[8..24].copy_from_slice(&self.log_id.to_be_bytes());
        bytes[24..32].copy_from_slice(&self.slot.0.to_be_bytes());
        bytes[32..40].copy_from_slice(&self.position.0.to_be_bytes());
        let crc = crc32c::crc32c(&bytes[..40]);
        bytes[40..].copy_from_slice(&crc.to_be_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; BYTES] = bytes.try_into().ok()?;
        let u64_at = |at: usize| bytes[at..].first_chunk().map(|chunk| u64::from_be_bytes(*chunk));
        let whole = bytes[..4] == MAGIC && crc32c::crc32c(&bytes[..40]).to_be_bytes() == bytes[40..];
        let log_id = u128::from(u64_at(8)?) << 64 | u128::from(u64_at(16)?);
        whole.then_some(Self { log_id, slot: Slot(u64_at(24)?), position: Position(u64_at(32)?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_of_a_mark_is_seen() {
        let mark = Mark { log_id: 1 << 100 | 5, slot: Slot(3), position: Position(70) };
        let bytes = mark.encode();
        assert_eq!(Mark::decode(&bytes), Some(mark));
        for bit in 0..32 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(Mark::decode(&flipped), Some(mark), "bit {bit}");
        }
        for bit in 64..BYTES * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Mark::decode(&flipped), None, "bit {bit}");
        }
    }
}
