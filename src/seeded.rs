//! Bugs that are planted on purpose: what does not find them proves nothing.
//!
//! They are in builds with the feature `seeded-bugs` only, and even there asleep until one is planted: by the
//! environment variable `QUIPU_SEEDED_BUG` in a server, by `plant` in a simulation. In every other build
//! [`is_planted`] is `false` at compile time, and nothing of them is left.

/// A bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// Blocks are not synced.
    SyncDropped,
    /// A block is synced only when the next one is written: answers come before.
    AckBeforeSync,
    /// A sync that failed is tried again, and then believed.
    SyncRetried,
    /// The name of a new segment is not made durable.
    NameNotSynced,
    /// A start does not write the last block again.
    TailNotConfirmed,
    /// Bytes that were acknowledged and no longer fit are cut off like a torn tail.
    DamageCutOff,
    /// Checksums of blocks and records are not looked at.
    ChecksumIgnored,
    /// The revision that an append expects is not looked at.
    RevisionUnchecked,
    /// Guards are not looked at.
    GuardSkipped,
    /// What was appended between the judgement of a guard and its decision is not looked at.
    GuardNotLookedAtAgain,
    /// An append that was sent again goes in again.
    RepeatTakenAsNew,
    /// Of a transaction only the first part goes in.
    TransactionHalved,
    /// A subscription leaves an event out when it goes on behind a page.
    CursorOffByOne,
    /// A part of the index loses a term when it is sealed.
    TermLost,
    /// Checkpoints are kept in memory only.
    CheckpointNotLogged,
    /// A snapshot of a revision that is not there is taken.
    SnapshotAhead,
    /// A start does not enter what the shelf has not.
    ViewsNotCaughtUp,
    /// The time of the commit follows the machine's clock back.
    TimeRunsBack,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::SyncDropped,
        Self::AckBeforeSync,
        Self::SyncRetried,
        Self::NameNotSynced,
        Self::TailNotConfirmed,
        Self::DamageCutOff,
        Self::ChecksumIgnored,
        Self::RevisionUnchecked,
        Self::GuardSkipped,
        Self::GuardNotLookedAtAgain,
        Self::RepeatTakenAsNew,
        Self::TransactionHalved,
        Self::CursorOffByOne,
        Self::TermLost,
        Self::CheckpointNotLogged,
        Self::SnapshotAhead,
        Self::ViewsNotCaughtUp,
        Self::TimeRunsBack,
    ];

    /// The name that it is planted by, such as `sync-dropped`.
    pub fn name(self) -> String {
        let mut name = String::new();
        for letter in format!("{self:?}").chars() {
            if letter.is_ascii_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.push(letter.to_ascii_lowercase());
        }
        name
    }

    /// The bug of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|bug| bug.name() == name)
    }
}

#[cfg(not(feature = "seeded-bugs"))]
/// Whether this bug is planted: it is not.
#[inline]
pub const fn is_planted(_: Bug) -> bool {
    false
}

#[cfg(feature = "seeded-bugs")]
pub use planted::{is_planted, plant};

#[cfg(feature = "seeded-bugs")]
mod planted {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::Bug;

    const NOT_ASKED: usize = usize::MAX;
    const NONE: usize = usize::MAX - 1;

    static PLANTED: AtomicUsize = AtomicUsize::new(NOT_ASKED);

    /// Whether this bug is planted.
    pub fn is_planted(bug: Bug) -> bool {
        let mut planted = PLANTED.load(Ordering::Relaxed);
        if planted == NOT_ASKED {
            let named = std::env::var("QUIPU_SEEDED_BUG").ok();
            plant(named.map(|name| Bug::named(&name).unwrap_or_else(|| panic!("no bug is called {name}"))));
            planted = PLANTED.load(Ordering::Relaxed);
        }
        planted == bug as usize
    }

    /// Plants a bug in this process, in the place of the one before.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.store(bug.map_or(NONE, |bug| bug as usize), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bug_is_found_by_its_name() {
        for bug in Bug::ALL {
            assert_eq!(Bug::named(&bug.name()), Some(bug));
        }
        assert_eq!(Bug::SyncDropped.name(), "sync-dropped");
    }
}
