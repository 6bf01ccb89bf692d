//! Lines of a file or of standard input, gzipped or not.
//!
//! Owns [`Lines`]: one line at a time with its number, and how much of the file has been read, for the
//! progress. What is gzipped is told by its first bytes, so it may come through a pipe too.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use super::Error;
use super::event_line::LineError;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// No event of a server with default limits comes near it.
const LINE_BYTES_MAX: usize = 64 << 20;

const BUFFER_BYTES: usize = 256 << 10;

/// The lines of an input.
pub(super) struct Lines {
    name: String,
    reader: Box<dyn BufRead + Send>,
    read: Arc<AtomicU64>,
    size: Option<u64>,
    number: u64,
    line: Vec<u8>,
}

impl Lines {
    /// Opens a file, or standard input for `-`.
    pub(super) fn open(path: &str) -> Result<Self, Error> {
        if path == "-" {
            return Self::new("standard input", Box::new(io::stdin()), None);
        }
        let input = |source| Error::Input { from: path.to_owned(), source };
        let file = File::open(path).map_err(input)?;
        let metadata = file.metadata().map_err(input)?;
        let size = metadata.is_file().then_some(metadata.len());
        Self::new(path, Box::new(file), size)
    }

    fn new(name: &str, source: Box<dyn Read + Send>, size: Option<u64>) -> Result<Self, Error> {
        let read = Arc::new(AtomicU64::new(0));
        let counted = Counted { source, read: Arc::clone(&read) };
        let mut plain = BufReader::with_capacity(BUFFER_BYTES, counted);
        let input = |source| Error::Input { from: name.to_owned(), source };
        let is_gzip = plain.fill_buf().map_err(input)?.starts_with(&GZIP_MAGIC);
        let reader: Box<dyn BufRead + Send> = if is_gzip {
            Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(plain)))
        } else {
            Box::new(plain)
        };
        Ok(Self { name: name.to_owned(), reader, read, size, number: 0, line: Vec::new() })
    }

    /// The size of the file in bytes, as it lies on disk; none when it is not a file.
    pub(super) fn size(&self) -> Option<u64> {
        self.size
    }

    /// How many bytes of the file have been read, with what is read ahead.
    pub(super) fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// The next line that is not blank, with its number and without its line break.
    pub(super) fn next(&mut self) -> Result<Option<(u64, &[u8])>, Error> {
        loop {
            self.line.clear();
            let limited = (&mut self.reader).take(LINE_BYTES_MAX as u64 + 1).read_until(b'\n', &mut self.line);
            limited.map_err(|source| Error::Input { from: self.name.clone(), source })?;
            if self.line.is_empty() {
                return Ok(None);
            }
            self.number += 1;
            if self.line.len() > LINE_BYTES_MAX {
                return Err(Error::Line { line: self.number, source: LineError::TooLong(LINE_BYTES_MAX) });
            }
            if !self.line.iter().all(u8::is_ascii_whitespace) {
                break;
            }
        }
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        Ok(Some((self.number, line.strip_suffix(b"\r").unwrap_or(line))))
    }
}

/// Counts what is read from a source.
struct Counted {
    source: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.source.read(buffer)?;
        self.read.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(bytes)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write;

    use super::*;

    pub(in crate::cli) fn lines(bytes: &[u8]) -> Lines {
        Lines::new("a test", Box::new(io::Cursor::new(bytes.to_vec())), None).expect("memory can be read")
    }

    fn all(mut lines: Lines) -> Vec<(u64, String)> {
        let mut all = Vec::new();
        while let Some((number, line)) = lines.next().expect("readable") {
            all.push((number, String::from_utf8(line.to_vec()).expect("text")));
        }
        all
    }

    #[test]
    fn blank_lines_are_counted_and_passed_over() {
        let found = all(lines(b"a\n\n \r\nb\r\nc"));
        assert_eq!(found, [(1, "a".to_owned()), (4, "b".to_owned()), (5, "c".to_owned())]);
    }

    #[test]
    fn gzip_is_told_by_its_first_bytes() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(b"a\nb\n").expect("memory");
        let mut twice = encoder.finish().expect("memory");
        twice.extend_from_within(..);
        assert_eq!(all(lines(&twice)).len(), 4);
        twice.truncate(twice.len() - 4);
        let mut cut = lines(&twice);
        let fault = loop {
            match cut.next() {
                Ok(line) => assert!(line.is_some(), "the end is missing, and nobody says so"),
                Err(fault) => break fault,
            }
        };
        assert!(matches!(fault, Error::Input { .. }), "{fault:?}");
    }
}
