//! Filters of neighbouring parts, side by side: one question for 1, 8 or 64 of them.
//!
//! A question about what never was asks the filter of every part, and each lies elsewhere in memory: what
//! costs is to fetch. So eight filters are laid next to each other, bit by bit, and eight of those once more.
//! A *row* holds the same bit of each filter, and a question reads the rows of its bits and keeps what all of
//! them have:
//!
//! ```text
//!               parts of the log
//!               1 1 0 1 0 0 1 0   a row of the first bit
//!               0 1 0 1 1 0 1 0   a row of the second
//!               ...
//!               0 1 0 1 0 0 0 0   may have the term
//! ```

use std::sync::Arc;

use super::filter::{BLOCK_BITS, BLOCK_BYTES, bits_of, block_of};

/// How many sieves are put together to one.
pub(super) const TOGETHER: usize = 8;

/// How many columns the widest sieve has.
const MOST_COLUMNS: usize = 64;

const LINE: usize = 64;

/// As much as the processor fetches at once.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Line([u8; LINE]);

/// The filters of as many neighbouring parts as it has columns.
#[derive(Debug, Clone)]
pub(super) struct Sieve {
    columns: usize,
    lines: Arc<[Line]>,
}

impl Sieve {
    /// Of one filter; its length must be that of one.
    pub(super) fn of(filter: &[u8]) -> Self {
        Self { columns: 1, lines: filter.as_chunks().0.iter().map(|line| Line(*line)).collect() }
    }

    /// How many parts it is of: 1, 8 or 64.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// What it takes in memory, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        (self.lines.len() * LINE) as u64
    }

    /// Whether it may be put together with others.
    pub(super) fn can_grow(&self) -> bool {
        self.columns < MOST_COLUMNS
    }

    /// Which parts may have a term of this hash: a bit for each, the first part's is the lowest.
    pub(super) fn may_have(&self, hash: u64) -> u64 {
        let first = block_of(hash, self.blocks()) * BLOCK_BITS;
        // No branch between rows: the processor fetches them all at once.
        bits_of(hash).fold(u64::MAX, |all, bit| all & self.row(first + bit))
    }

    /// Sieves of neighbouring parts as one. All must have as many columns.
    pub(super) fn together(sieves: &[Self; TOGETHER]) -> Self {
        let blocks = sieves.iter().map(Self::blocks).max().expect("there are some");
        let columns = sieves[0].columns * TOGETHER;
        let chunks = BLOCK_BYTES * sieves[0].columns / 8;
        let line = |number: usize| {
            let (block, chunk) = (number / chunks, number % chunks);
            // A smaller one has one block in the place of several.
            let from = |sieve: &Self| sieve.chunk(block * sieve.blocks() / blocks * chunks + chunk);
            Line(interleaved(std::array::from_fn(|column| from(&sieves[column])), sieves[0].columns == 1))
        };
        Self { columns, lines: (0..blocks * chunks).map(line).collect() }
    }

    fn blocks(&self) -> usize {
        self.lines.len() * LINE / BLOCK_BYTES / self.columns
    }

    fn row(&self, row: usize) -> u64 {
        let at = row * self.columns / 8;
        let line = &self.lines[at / LINE].0;
        match self.columns {
            1 => u64::from(line[at % LINE] >> (row % 8) & 1),
            8 => u64::from(line[at % LINE]),
            _ => word(line.as_chunks().0[at % LINE / 8]),
        }
    }

    /// The bytes that a line is made of.
    fn chunk(&self, number: usize) -> [u8; 8] {
        self.lines[number / (LINE / 8)].0.as_chunks().0[number % (LINE / 8)]
    }
}

/// Rows of eight sieves as rows of one: byte next to byte, or bit next to bit where each has one column.
fn interleaved(chunks: [[u8; 8]; TOGETHER], is_bits: bool) -> [u8; LINE] {
    let mut line = [0; LINE];
    for (number, rows) in line.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        *rows = chunks.map(|chunk| chunk[number]);
        if is_bits {
            *rows = transposed(word(*rows)).swap_bytes().to_be_bytes();
        }
    }
    line
}

/// The first byte is the lowest: it is the first parts'.
fn word(bytes: [u8; 8]) -> u64 {
    u64::from_be_bytes(bytes).swap_bytes()
}

/// Eight by eight bits, rows for columns: blocks of one, two and four bits are swapped across the diagonal.
fn transposed(bits: u64) -> u64 {
    let swapped = |bits: u64, mask: u64, by: u32| {
        let differ = (bits ^ (bits >> by)) & mask;
        bits ^ differ ^ (differ << by)
    };
    let bits = swapped(bits, 0x00aa_00aa_00aa_00aa, 7);
    let bits = swapped(bits, 0x0000_cccc_0000_cccc, 14);
    swapped(bits, 0x0000_0000_f0f0_f0f0, 28)
}

#[cfg(test)]
mod tests {
    use super::super::filter;
    use super::*;
    use xxhash_rust::xxh3::xxh3_64;

    #[test]
    fn together_they_say_what_each_says_alone() {
        let hash = |part: usize, n: u64| xxh3_64(&[part as u64, n].map(u64::to_be_bytes).concat());
        // Of different sizes, empty ones among them.
        let terms = |part: usize| if part.is_multiple_of(5) { 0 } else { 1 << (part % 11) };
        let alone: Vec<Sieve> = (0..64)
            .map(|part| Sieve::of(&filter::build(&(0..terms(part)).map(|n| hash(part, n)).collect::<Vec<_>>())))
            .collect();
        let put = |sieves: &[Sieve]| -> Vec<Sieve> { sieves.as_chunks().0.iter().map(Sieve::together).collect() };
        let eights = put(&alone);
        let all = put(&eights);
        assert_eq!((eights.len(), all.len(), all[0].columns()), (8, 1, 64));
        assert!(!all[0].can_grow() && eights[0].can_grow());

        let mut let_through = 0;
        for part in 0..64 {
            for n in 0..1100 {
                let hash = hash(part, n);
                let each = alone.iter().rev().fold(0, |mask, sieve| mask << 1 | sieve.may_have(hash));
                let by_eights = eights.iter().rev().fold(0, |mask, sieve| mask << 8 | sieve.may_have(hash));
                assert_eq!((by_eights, all[0].may_have(hash)), (each, each));
                assert!(n >= terms(part) || each >> part & 1 == 1, "a term that is there is denied");
                let_through += each.count_ones();
            }
        }
        assert!(let_through < 64 * 1100, "{let_through}");
    }

    #[test]
    fn transposing_turns_rows_into_columns() {
        for (row, column) in (0..8).flat_map(|row| (0..8).map(move |column| (row, column))) {
            assert_eq!(transposed(1 << (row * 8 + column)), 1 << (column * 8 + row));
        }
    }
}
