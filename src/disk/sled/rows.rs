//! The rows that files are made of.
//!
//! ```text
//!   0  name                      ->  number     a file of this name, and the number of its bytes
//!   1  number (u32)  offset (u64) ->  bytes     a chunk: the bytes of a file from this offset on
//! ```
//!
//! Integers are big-endian. The chunks of a file lie side by side from 0 on, each of 1 to
//! [`CHUNK_BYTES_MAX`] bytes, so a file is as long as its last chunk reaches. A chunk begins where a write
//! began, or so many bytes behind it.

use std::ops::Range;

/// The most bytes of a chunk. sled puts a page of more than a quarter of a segment, 256 KiB, into a file of its own,
/// which it never syncs; a page has up to 17 rows, and 20 for a moment when rows are removed.
pub(super) const CHUNK_BYTES_MAX: usize = 6000;

const NAME: u8 = 0;
const CHUNK: u8 = 1;
const CHUNK_KEY_BYTES: usize = 13;

/// The key of a name.
pub(super) fn name_key(name: &str) -> Vec<u8> {
    [&[NAME], name.as_bytes()].concat()
}

/// The keys of all names.
pub(super) fn name_keys() -> [u8; 1] {
    [NAME]
}

/// The name that a key is of.
pub(super) fn name_of(key: &[u8]) -> String {
    String::from_utf8_lossy(key.get(1..).unwrap_or_default()).into_owned()
}

/// The number that a name's row holds.
pub(super) fn number_of(value: &[u8]) -> Option<u32> {
    value.try_into().ok().map(u32::from_be_bytes)
}

/// The key of a chunk.
pub(super) fn chunk_key(number: u32, offset: u64) -> [u8; CHUNK_KEY_BYTES] {
    let mut key = [CHUNK; CHUNK_KEY_BYTES];
    key[1..5].copy_from_slice(&number.to_be_bytes());
    key[5..].copy_from_slice(&offset.to_be_bytes());
    key
}

/// The keys of the chunks that begin within a range of a file.
pub(super) fn chunk_keys(number: u32, offsets: Range<u64>) -> Range<[u8; CHUNK_KEY_BYTES]> {
    chunk_key(number, offsets.start)..chunk_key(number, offsets.end)
}

/// The file's number and the offset in a chunk's key.
pub(super) fn place_of(key: &[u8]) -> Option<(u32, u64)> {
    let key: &[u8; CHUNK_KEY_BYTES] = key.try_into().ok()?;
    let (number, offset) = (key[1..].first_chunk()?, key[5..].first_chunk()?);
    (key[0] == CHUNK).then(|| (u32::from_be_bytes(*number), u64::from_be_bytes(*offset)))
}

/// Cuts bytes that begin at `offset` into chunks.
pub(super) fn chunks(bytes: &[u8], offset: u64) -> impl Iterator<Item = (u64, &[u8])> {
    let places = (offset..).step_by(CHUNK_BYTES_MAX);
    places.zip(bytes.chunks(CHUNK_BYTES_MAX))
}
