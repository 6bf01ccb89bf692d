//! Folded state of a stream, as a client hands it in.

use bytes::Bytes;

use super::{Revision, StreamName};

/// A snapshot to save.
#[derive(Debug, Clone)]
pub struct ProposedSnapshot {
    /// The stream whose state it is.
    pub stream: StreamName,
    /// The revision of the last event folded in.
    pub revision: Revision,
    /// An encoded `quipu.v1.Snapshot` without `saved_at`, which the store puts behind it.
    pub bytes: Bytes,
}

/// The field number of `Snapshot.saved_at`.
pub const SAVED_AT_FIELD: u8 = 7;
