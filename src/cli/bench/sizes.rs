//! How large payloads are, as it is typed.
//!
//! Owns [`Sizes`]: a number of bytes, or a range of which every size is as likely as any other.

use std::fmt;
use std::str::FromStr;

use super::payload::PAYLOAD_BYTES_MIN;

/// The sizes of payloads in bytes; both ends are included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    smallest: usize,
    largest: usize,
}

impl Sizes {
    /// One size.
    pub(super) fn exactly(bytes: usize) -> Self {
        Self { smallest: bytes, largest: bytes }
    }

    /// The smallest of them.
    pub(super) fn smallest(self) -> usize {
        self.smallest
    }

    /// The largest of them.
    pub(super) fn largest(self) -> usize {
        self.largest
    }

    /// One of so many sizes with equal distances, from the smallest to the largest.
    pub(super) fn spread(self, turn: usize, turns: usize) -> usize {
        self.smallest + (self.largest - self.smallest) * turn / (turns - 1).max(1)
    }
}

impl FromStr for Sizes {
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, String> {
        let (smallest, largest) = typed.split_once("..").unwrap_or((typed, typed));
        let bytes =
            |typed: &str| typed.trim().parse().map_err(|_| "expected bytes, such as 256 or 100..4000".to_owned());
        let sizes = Self { smallest: bytes(smallest)?, largest: bytes(largest)? };
        if sizes.smallest < PAYLOAD_BYTES_MIN {
            return Err(format!("payloads are JSON and have at least {PAYLOAD_BYTES_MIN} bytes"));
        }
        if sizes.largest < sizes.smallest {
            return Err("a range goes from the smaller to the larger".to_owned());
        }
        Ok(sizes)
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.smallest == self.largest {
            true => write!(f, "{}", self.smallest),
            false => write!(f, "{}..{}", self.smallest, self.largest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_or_a_range_is_understood() {
        for (typed, expected) in [("256", (256, 256)), ("11..4000", (11, 4000)), ("64..64", (64, 64))] {
            let sizes: Sizes = typed.parse().expect(typed);
            assert_eq!((sizes.smallest, sizes.largest), expected, "{typed}");
        }
        assert_eq!("11..4000".parse::<Sizes>().map(|sizes| sizes.to_string()), Ok("11..4000".to_owned()));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for typed in ["", "x", "10", "..", "5..300", "300..200", "100..", "-1", "100...200", "1e3"] {
            assert!(typed.parse::<Sizes>().is_err(), "{typed:?}");
        }
    }

    #[test]
    fn a_range_is_spread_from_end_to_end() {
        let sizes = Sizes { smallest: 100, largest: 400 };
        assert_eq!([0, 1, 2, 3].map(|turn| sizes.spread(turn, 4)), [100, 200, 300, 400]);
        assert_eq!(Sizes::exactly(7).spread(3, 4), 7);
    }
}
