//! The stream-level guard of an append.

use std::fmt;

use super::Revision;

/// What a stream must look like for an append to go in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExpectedRevision {
    /// No condition.
    #[default]
    Any,
    /// The stream has no event yet.
    NoStream,
    /// The stream has at least one event.
    StreamExists,
    /// The stream's last event has exactly this revision.
    Exactly(Revision),
}

impl ExpectedRevision {
    /// Whether a stream whose last revision is `last` is as expected.
    pub fn holds(self, last: Option<Revision>) -> bool {
        match self {
            Self::Any => true,
            Self::NoStream => last.is_none(),
            Self::StreamExists => last.is_some(),
            Self::Exactly(revision) => last == Some(revision),
        }
    }
}

impl fmt::Display for ExpectedRevision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => formatter.write_str("anything"),
            Self::NoStream => formatter.write_str("no stream"),
            Self::StreamExists => formatter.write_str("a stream"),
            Self::Exactly(revision) => write!(formatter, "revision {revision}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ExpectedRevision::{Any, Exactly, NoStream, StreamExists};
    use super::*;

    #[test]
    fn each_expectation_against_no_stream_and_a_stream_at_revision_3() {
        for (expected, without, at_three) in [
            (Any, true, true),
            (NoStream, true, false),
            (StreamExists, false, true),
            (Exactly(Revision(3)), false, true),
            (Exactly(Revision(2)), false, false),
            (Exactly(Revision(4)), false, false),
        ] {
            assert_eq!(expected.holds(None), without, "{expected}");
            assert_eq!(expected.holds(Some(Revision(3))), at_three, "{expected}");
        }
    }
}
