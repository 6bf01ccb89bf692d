//! A set of places in the list of parts.

use std::ops::{BitAndAssign, BitOrAssign, Range};

use crate::model::Walk;

const BITS: usize = u64::BITS as usize;

/// Places, a bit for each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Places {
    words: Vec<u64>,
}

impl Places {
    /// All places of a range.
    pub(super) fn all(range: Range<usize>) -> Self {
        let mut words = vec![u64::MAX; range.end.div_ceil(BITS)];
        words[..range.start / BITS].fill(0);
        if let Some(word) = words.get_mut(range.start / BITS) {
            *word &= u64::MAX << (range.start % BITS);
        }
        if !range.end.is_multiple_of(BITS) {
            *words.last_mut().expect("there is a last place") &= u64::MAX >> (BITS - range.end % BITS);
        }
        Self { words }
    }

    /// Keeps, of the places from `first` on, as many as `columns`, only those whose bit is set. A word of the
    /// set must hold all of them.
    pub(super) fn keep(&mut self, first: usize, columns: usize, set: u64) {
        if let Some(word) = self.words.get_mut(first / BITS) {
            let columns = u64::MAX >> (BITS - columns);
            *word &= (set & columns) << (first % BITS) | !(columns << (first % BITS));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// The places, in the order of a walk.
    pub(super) fn in_order(&self, walk: Walk) -> Vec<usize> {
        let of_word = |(number, word): (usize, &u64)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let lowest = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
                rest &= rest - 1;
                Some(number * BITS + lowest)
            })
        };
        let mut places: Vec<usize> = self.words.iter().enumerate().flat_map(of_word).collect();
        if walk == Walk::Backwards {
            places.reverse();
        }
        places
    }
}

impl BitAndAssign<&Self> for Places {
    fn bitand_assign(&mut self, other: &Self) {
        self.words.resize(self.words.len().min(other.words.len()), 0);
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= other);
    }
}

impl BitOrAssign<&Self> for Places {
    fn bitor_assign(&mut self, other: &Self) {
        self.words.resize(self.words.len().max(other.words.len()), 0);
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_its_places_and_no_others() {
        for range in [0..0, 0..1, 3..64, 5..5, 64..65, 60..130, 128..128, 0..192] {
            let places = Places::all(range.clone());
            assert_eq!(places.is_empty(), range.is_empty());
            assert_eq!(places.in_order(Walk::Forwards), range.clone().collect::<Vec<_>>());
            assert_eq!(places.in_order(Walk::Backwards), range.rev().collect::<Vec<_>>());
        }
    }

    #[test]
    fn places_are_kept_within_their_columns_only() {
        let mut places = Places::all(2..140);
        places.keep(0, 1, 1);
        places.keep(2, 1, 0);
        places.keep(8, 8, 0b1001_0000);
        places.keep(64, 64, 1 << 63 | 1);
        places.keep(1000, 8, 0);
        let expected: Vec<usize> = (3..8).chain([12, 15]).chain(16..64).chain([64, 127]).chain(128..140).collect();
        assert_eq!(places.in_order(Walk::Forwards), expected);

        let mut both = places.clone();
        both &= &Places::all(10..70);
        assert_eq!(both.in_order(Walk::Forwards), [&[12, 15][..], &(16..65).collect::<Vec<_>>()].concat());
        both |= &Places::all(139..140);
        assert_eq!(both.in_order(Walk::Backwards).first(), Some(&139));
        both |= &places;
        assert_eq!(both, places);
    }
}
