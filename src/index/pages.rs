//! Files of checked pages.
//!
//! A page is 4,096 bytes on disk: 4,092 of content, and the CRC32C of the content, the file's salt (u64) and
//! the page's number (u64). So a page of another file or another place is no more believed than a flipped bit.
//! Content is addressed as if the checksums were not there. Every read checks the pages it touches, so damage
//! is seen where it lies and when it matters, without reading the whole file at start.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Error;
use crate::disk::{Disk, File, Open};

const PAGE: usize = 4096;
const CONTENT: usize = PAGE - 4;
const BUFFER: usize = 64 * PAGE;

fn checksum(content: &[u8], salt: u64, page: u64) -> [u8; 4] {
    let place = [salt.to_be_bytes(), page.to_be_bytes()].concat();
    crc32c::crc32c_append(crc32c::crc32c(content), &place).to_be_bytes()
}

/// Writes pages from front to back.
#[derive(Debug)]
pub(super) struct PageWriter {
    file: Arc<dyn File>,
    salt: u64,
    pending: Vec<u8>,
    sealed: Vec<u8>,
    /// How many bytes are in the file.
    written: u64,
}

impl PageWriter {
    /// Begins a file with this salt.
    pub(super) fn create(disk: &dyn Disk, path: &Path, salt: u64) -> Result<Self, Error> {
        let file = disk.open(path, Open::Create)?;
        Ok(Self { file, salt, pending: Vec::with_capacity(PAGE), sealed: Vec::with_capacity(BUFFER), written: 0 })
    }

    /// Adds content.
    pub(super) fn put(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(CONTENT - self.pending.len()));
            self.pending.extend_from_slice(now);
            bytes = later;
            if self.pending.len() == CONTENT {
                self.seal()?;
            }
        }
        Ok(())
    }

    fn seal(&mut self) -> Result<(), Error> {
        self.pending.resize(CONTENT, 0);
        let page = (self.written + self.sealed.len() as u64) / PAGE as u64;
        self.sealed.extend_from_slice(&self.pending);
        self.sealed.extend_from_slice(&checksum(&self.pending, self.salt, page));
        self.pending.clear();
        if self.sealed.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.file.write_at(&self.sealed, self.written)?;
        self.written += self.sealed.len() as u64;
        self.sealed.clear();
        Ok(())
    }

    /// Makes everything durable.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        if !self.pending.is_empty() {
            self.seal()?;
        }
        self.flush()?;
        Ok(self.file.sync_data()?)
    }
}

/// Reads pages.
#[derive(Debug, Clone)]
pub(super) struct Pages {
    file: Arc<dyn File>,
    path: PathBuf,
    salt: u64,
    length: u64,
}

impl Pages {
    /// Opens a file with this salt.
    pub(super) fn open(disk: &dyn Disk, path: &Path, salt: u64) -> Result<Self, Error> {
        let file = disk.open(path, Open::Read)?;
        let length = file.len()?;
        let pages = Self { file, path: path.into(), salt, length };
        if length == 0 || !length.is_multiple_of(PAGE as u64) {
            return Err(pages.damaged("the file is not made of whole pages"));
        }
        Ok(pages)
    }

    /// Says that this file is not what was written.
    pub(super) fn damaged(&self, what: &'static str) -> Error {
        Error::Damaged { file: self.path.clone(), what }
    }

    /// Reads content and checks the pages that it lies in.
    pub(super) fn read(&self, start: u64, length: usize) -> Result<Vec<u8>, Error> {
        if length == 0 {
            return Ok(Vec::new());
        }
        let end = start.checked_add(length as u64).ok_or_else(|| self.damaged("an address out of range"))?;
        let first = start / CONTENT as u64;
        let pages = end.div_ceil(CONTENT as u64) - first;
        if (first + pages) * PAGE as u64 > self.length {
            return Err(self.damaged("an address out of range"));
        }
        if pages == 1 {
            let mut page = [0; PAGE];
            self.file.read_at(&mut page, first * PAGE as u64)?;
            return self.copied(&page, first, start, length);
        }
        let mut raw = vec![0; pages as usize * PAGE];
        self.file.read_at(&mut raw, first * PAGE as u64)?;
        self.copied(&raw, first, start, length)
    }

    /// Checks pages, the `first` and those behind it, and copies content out of them.
    fn copied(&self, pages: &[u8], first: u64, start: u64, length: usize) -> Result<Vec<u8>, Error> {
        let mut content = Vec::with_capacity(length);
        let mut skip = (start - first * CONTENT as u64) as usize;
        for (page, number) in pages.chunks_exact(PAGE).zip(first..) {
            let (bytes, crc) = page.split_at(CONTENT);
            if checksum(bytes, self.salt, number) != crc {
                return Err(self.damaged("a page does not match its checksum"));
            }
            let wanted = (length - content.len()).min(CONTENT - skip);
            content.extend_from_slice(&bytes[skip..skip + wanted]);
            skip = 0;
        }
        Ok(content)
    }

    /// Reads and checks every page.
    pub(super) fn check(&self) -> Result<(), Error> {
        let content = self.length / PAGE as u64 * CONTENT as u64;
        let mut at = 0;
        while at < content {
            let length = (content - at).min(64 * CONTENT as u64);
            self.read(at, length as usize)?;
            at += length;
        }
        Ok(())
    }
}

#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod fuzzing {
    //! Checksums for pages that were made up.

    use super::{CONTENT, PAGE, checksum};

    /// Makes the checksum of every whole page right.
    pub(in super::super) fn sum(file: &mut [u8], salt: u64) {
        for (page, number) in file.chunks_exact_mut(PAGE).zip(0..) {
            let (content, crc) = page.split_at_mut(CONTENT);
            crc.copy_from_slice(&checksum(content, salt, number));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::memory::MemoryDisk;

    const SALT: u64 = 7;

    /// A file of 80,000 bytes of content.
    fn written(disk: &MemoryDisk, path: &Path) -> Vec<u8> {
        let content: Vec<u8> = (0..20_000_u32).flat_map(|n| n.to_be_bytes()).collect();
        let mut writer = PageWriter::create(disk, path, SALT).unwrap();
        content.chunks(77).try_for_each(|chunk| writer.put(chunk)).unwrap();
        writer.finish().unwrap();
        content
    }

    #[test]
    fn content_is_read_as_it_was_written_and_a_flipped_bit_is_seen() {
        let (disk, path) = (MemoryDisk::default(), Path::new("/index"));
        let content = written(&disk, path);
        let pages = Pages::open(&disk, path, SALT).unwrap();
        for (start, length) in [(0, 10), (4090, 4), (4092, 1), (100, 20_000), (79_999, 1)] {
            assert_eq!(pages.read(start as u64, length).unwrap(), content[start..start + length]);
        }
        assert!(pages.read(100_000, 1).is_err());

        let file = disk.open(path, Open::Write).unwrap();
        let mut byte = [0];
        file.read_at(&mut byte, 5000).unwrap();
        file.write_at(&[byte[0] ^ 1], 5000).unwrap();
        assert!(pages.read(0, 4000).is_ok());
        assert!(pages.read(4100, 1).is_err());
        assert!(pages.check().is_err());
    }

    #[test]
    fn a_good_page_at_another_place_or_of_another_file_is_seen() {
        let (disk, path) = (MemoryDisk::default(), Path::new("/index"));
        written(&disk, path);
        assert!(Pages::open(&disk, path, SALT + 1).unwrap().read(0, 1).is_err());

        let file = disk.open(path, Open::Write).unwrap();
        let mut page = [0; PAGE];
        file.read_at(&mut page, 3 * PAGE as u64).unwrap();
        file.write_at(&page, 2 * PAGE as u64).unwrap();
        let pages = Pages::open(&disk, path, SALT).unwrap();
        assert!(pages.read(3 * CONTENT as u64, 1).is_ok());
        assert!(pages.read(2 * CONTENT as u64, 1).is_err());
    }
}
