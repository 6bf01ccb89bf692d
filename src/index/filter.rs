//! A filter: says for sure that a term is not there, or that it may be.
//!
//! A blocked bloom filter: a hash chooses a block of 512 bits, then seven bits in it. At fourteen bits a term
//! and more, at most about one absent term in three hundred is let through: a log of fifty million events asks
//! a hundred filters, and most questions about what never was must end there. The number of blocks is a power
//! of two, so that filters of different sizes can stand side by side: see `sieve.rs`.

pub(super) const BLOCK_BYTES: usize = BLOCK_BITS / 8;
pub(super) const BLOCK_BITS: usize = 512;
const MIN_BITS_PER_TERM: usize = 14;
const PROBES: u32 = 7;

/// The filter of these hashes.
pub(super) fn build(hashes: &[u64]) -> Vec<u8> {
    let blocks = (hashes.len() * MIN_BITS_PER_TERM).div_ceil(BLOCK_BITS).next_power_of_two();
    let mut filter = vec![0; blocks * BLOCK_BYTES];
    for hash in hashes {
        let block = block_of(*hash, blocks) * BLOCK_BYTES;
        bits_of(*hash).for_each(|bit| filter[block + bit / 8] |= 1 << (bit % 8));
    }
    filter
}

/// Whether a filter can have so many bytes.
pub(super) fn is_length(bytes: u64) -> bool {
    bytes >= BLOCK_BYTES as u64 && bytes.is_power_of_two()
}

/// The block of a hash in a filter of so many blocks: the top of what the hash is mixed to, so that a filter
/// of twice the blocks has two in the place of each.
pub(super) fn block_of(hash: u64, blocks: usize) -> usize {
    ((u128::from(mixed(hash)) * blocks as u128) >> 64) as usize
}

/// Whether the hash may be in the set, by its block.
pub(super) fn block_may_have(block: &[u8], hash: u64) -> bool {
    bits_of(hash).all(|bit| block[bit / 8] & (1 << (bit % 8)) != 0)
}

/// The bits of a hash in its block.
pub(super) fn bits_of(hash: u64) -> impl Iterator<Item = usize> {
    let bits = (hash ^ mixed(hash).rotate_left(29)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    (0..PROBES).map(move |probe| (bits >> (probe * 9 + 1)) as usize % BLOCK_BITS)
}

fn mixed(hash: u64) -> u64 {
    hash.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use xxhash_rust::xxh3::xxh3_64;

    fn may_have(filter: &[u8], hash: u64) -> bool {
        let block = block_of(hash, filter.len() / BLOCK_BYTES) * BLOCK_BYTES;
        block_may_have(&filter[block..block + BLOCK_BYTES], hash)
    }

    #[test]
    fn nothing_that_is_there_is_denied_and_little_that_is_not_is_let_through() {
        // As many terms as fill a filter up to the least bits a term.
        let terms = 256 * BLOCK_BITS / MIN_BITS_PER_TERM;
        let hashes: Vec<u64> = (0..2 * terms as u64).map(|n| xxh3_64(&n.to_be_bytes())).collect();
        let (inside, outside) = hashes.split_at(terms);
        let filter = build(inside);
        assert_eq!(filter.len(), 256 * BLOCK_BYTES);
        assert!(inside.iter().all(|hash| may_have(&filter, *hash)));
        let wrong = outside.iter().filter(|hash| may_have(&filter, **hash)).count();
        assert!(wrong * 200 < outside.len(), "{wrong} of {} absent terms were let through", outside.len());
    }

    #[test]
    fn a_filter_has_the_length_of_one() {
        for terms in [0, 1, 36, 37, 5000] {
            let hashes: Vec<u64> = (0..terms).map(|n: u64| xxh3_64(&n.to_be_bytes())).collect();
            assert!(is_length(build(&hashes).len() as u64));
        }
        assert!([0, 1, 32, 63, 65, 192].into_iter().all(|bytes| !is_length(bytes)));
    }
}
