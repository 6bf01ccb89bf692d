//! Places: of an event in the whole log, and in its stream.
//!
//! ```text
//!   position        1     2     3     4     5        0 = before the first
//!   log             A0    B0    A1    A2    B1       head = 5
//!   revision of A   0           1     2              first is 0
//!   from 3          inclusive   ^---------------
//!   after 3         exclusive         ^---------
//! ```
//!
//! Both are dense: no gaps, none twice.

use std::fmt;

/// An event's place in the tenant's whole log. The first is 1; 0 is the place before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Position(pub u64);

impl Position {
    /// The place before the first event.
    pub const ZERO: Self = Self(0);

    /// The place after this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The place before this one; zero stays zero.
    pub fn before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Which way a read walks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walk {
    /// Oldest first.
    Forwards,
    /// Newest first.
    Backwards,
}

/// An event's place in its stream. The first is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Revision(pub u64);

impl Revision {
    /// The place of a stream's first event.
    pub const FIRST: Self = Self(0);

    /// The revision that follows the last one, or the first when there is none.
    pub fn following(last: Option<Self>) -> Self {
        last.map_or(Self::FIRST, |revision| Self(revision.0.saturating_add(1)))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
