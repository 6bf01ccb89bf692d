//! The life of a stream: what its owner says about it, and whether it was deleted.
//!
//! ```text
//!   append ----> alive --- delete ---> deleted --- append ---> alive again, revisions go on
//!                  |                      |
//!                  +----- tombstone ------+------> gone, for good
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Invalid, Limits, Revision};

/// What is to be done with a stream's events, and what its owner notes about it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamMetadata {
    /// Events older than this are hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Duration>,
    /// Only so many of the newest events are shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_count: Option<u64>,
    /// Events before this revision are hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncate_before: Option<u64>,
    /// Free text.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
}

/// What a change of a stream's life leaves behind: the whole of it, so that the last one counts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LifeCycle {
    /// What its owner says about it.
    #[serde(default)]
    pub metadata: StreamMetadata,
    /// The revision that follows the last deletion: what was before is hidden for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_before: Option<u64>,
    /// Whether nothing may be appended any more.
    #[serde(default)]
    pub is_tombstoned: bool,
}

impl StreamMetadata {
    /// Checks what a client says.
    ///
    /// # Errors
    /// When a bound hides everything, or the properties are too large.
    pub fn check(&self, limits: &Limits) -> Result<(), Invalid> {
        if self.max_age == Some(Duration::ZERO) {
            return Err(Invalid::malformed("max_age is zero; delete the stream to hide all of it"));
        }
        if self.max_count == Some(0) {
            return Err(Invalid::malformed("max_count is zero; delete the stream to hide all of it"));
        }
        let bytes = self.properties.iter().map(|(key, value)| key.len() + value.len()).sum();
        Invalid::check("metadata_bytes", limits.metadata_bytes, bytes)
    }
}

impl LifeCycle {
    /// Whether a stream that ends at `last` is deleted: nothing was appended since.
    pub fn is_deleted(&self, last: Option<Revision>) -> bool {
        let next = Revision::following(last).0;
        self.is_tombstoned || self.deleted_before.is_some_and(|before| next <= before)
    }

    /// The first revision that deletion, truncation and count leave, of a stream that ends at `last`. It may
    /// lie behind the end.
    pub fn first_revision(&self, last: Revision) -> Revision {
        let kept = self.metadata.max_count.map_or(0, |count| (last.0 + 1).saturating_sub(count));
        let truncated = self.metadata.truncate_before.unwrap_or(0);
        let first = kept.max(truncated).max(self.deleted_before.unwrap_or(0));
        Revision(first.min(last.0 + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deleted_stream_lives_again_with_its_next_event() {
        let life = LifeCycle { deleted_before: Some(5), ..LifeCycle::default() };
        assert!(life.is_deleted(Some(Revision(4))));
        assert!(!life.is_deleted(Some(Revision(5))));
        assert_eq!(life.first_revision(Revision(6)), Revision(5));
        let gone = LifeCycle { is_tombstoned: true, ..LifeCycle::default() };
        assert!(gone.is_deleted(None) && gone.is_deleted(Some(Revision(9))));
    }

    #[test]
    fn the_strictest_bound_counts_and_never_reaches_beyond_the_end() {
        let bounds = |max_count, truncate_before| LifeCycle {
            metadata: StreamMetadata { max_count, truncate_before, ..StreamMetadata::default() },
            deleted_before: Some(2),
            ..LifeCycle::default()
        };
        assert_eq!(bounds(None, None).first_revision(Revision(9)), Revision(2));
        assert_eq!(bounds(Some(3), None).first_revision(Revision(9)), Revision(7));
        assert_eq!(bounds(Some(3), Some(8)).first_revision(Revision(9)), Revision(8));
        assert_eq!(bounds(Some(30), Some(u64::MAX)).first_revision(Revision(9)), Revision(10));
    }
}
