//! A filter: says for sure that a term is not there, or that it may be.
//!
//! A blocked bloom filter: a hash chooses 64 bytes, then seven bits in them. At sixteen bits a term about
//! one absent term in five hundred is let through: a log of fifty million events asks a hundred filters, and
//! most questions about what never was must end there. Blocks are independent, so each costs one cache line.

use std::sync::Arc;

pub(super) const BLOCK_BYTES: usize = 64;
const BITS_PER_TERM: usize = 16;
const PROBES: u32 = 7;

/// A set of hashes that may say yes too often, never no.
#[derive(Debug)]
pub(super) struct Filter {
    bytes: Arc<[u8]>,
}

impl Filter {
    /// The filter of these hashes.
    pub(super) fn of(hashes: &[u64]) -> Self {
        let blocks = (hashes.len() * BITS_PER_TERM).div_ceil(BLOCK_BYTES * 8).max(1);
        let mut bytes = vec![0; blocks * BLOCK_BYTES];
        for hash in hashes {
            let block = block_of(*hash, bytes.len() as u64) as usize;
            bits_of(*hash).for_each(|(byte, bit)| bytes[block + byte] |= bit);
        }
        Self { bytes: bytes.into() }
    }

    /// Takes stored bytes; `None` when they are no filter's.
    pub(super) fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        is_length(bytes.len() as u64).then(|| Self { bytes: bytes.into() })
    }

    /// The bytes: what is stored, and what [`may_have`] is asked about.
    pub(super) fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }
}

/// Whether the hash may be in the set, by the bytes of its filter.
pub(super) fn may_have(bytes: &[u8], hash: u64) -> bool {
    let block = block_of(hash, bytes.len() as u64) as usize;
    block_may_have(&bytes[block..block + BLOCK_BYTES], hash)
}

/// Whether a filter can have so many bytes.
pub(super) fn is_length(bytes: u64) -> bool {
    bytes > 0 && bytes.is_multiple_of(BLOCK_BYTES as u64)
}

/// Where the block of a hash begins in a filter of so many bytes.
pub(super) fn block_of(hash: u64, filter_bytes: u64) -> u64 {
    let blocks = u128::from(filter_bytes / BLOCK_BYTES as u64);
    ((u128::from(mixed(hash)) * blocks) >> 64) as u64 * BLOCK_BYTES as u64
}

/// Whether the hash may be in the set, by its block. All bits are looked at, without a branch between them:
/// so the processor fetches the block of the next filter while it waits for this one's.
pub(super) fn block_may_have(block: &[u8], hash: u64) -> bool {
    bits_of(hash).fold(true, |has_all, (byte, bit)| has_all & (block[byte] & bit != 0))
}

fn mixed(hash: u64) -> u64 {
    hash.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The bits of a hash in its block.
fn bits_of(hash: u64) -> impl Iterator<Item = (usize, u8)> {
    let bits = (hash ^ mixed(hash).rotate_left(29)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    (0..PROBES).map(move |probe| {
        let bit = (bits >> (probe * 9 + 1)) as usize % (BLOCK_BYTES * 8);
        (bit / 8, 1 << (bit % 8))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use xxhash_rust::xxh3::xxh3_64;

    #[test]
    fn nothing_that_is_there_is_denied_and_little_that_is_not_is_let_through() {
        let hashes: Vec<u64> = (0..20_000_u64).map(|n| xxh3_64(&n.to_be_bytes())).collect();
        let (inside, outside) = hashes.split_at(10_000);
        let filter = Filter::of(inside);
        assert!(inside.iter().all(|hash| may_have(filter.bytes(), *hash)));
        let wrong = outside.iter().filter(|hash| may_have(filter.bytes(), **hash)).count();
        assert!(wrong < 60, "{wrong} of 10,000 absent terms were let through");
    }

    #[test]
    fn a_block_read_alone_says_what_the_whole_filter_says() {
        for terms in [0, 1, 42, 43, 5000] {
            let hashes: Vec<u64> = (0..2 * terms).map(|n: u64| xxh3_64(&n.to_be_bytes())).collect();
            let filter = Filter::of(&hashes[..terms as usize]);
            assert!(is_length(filter.bytes().len() as u64));
            let again = Filter::from_bytes(filter.bytes().to_vec()).unwrap();
            for hash in hashes.into_iter().chain([0, u64::MAX]) {
                let at = block_of(hash, filter.bytes().len() as u64) as usize;
                let alone = block_may_have(&filter.bytes()[at..at + BLOCK_BYTES], hash);
                assert_eq!(
                    (alone, may_have(again.bytes(), hash)),
                    (may_have(filter.bytes(), hash), may_have(filter.bytes(), hash))
                );
            }
        }
    }
}
