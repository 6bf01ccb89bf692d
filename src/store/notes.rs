//! Notes: small values under keys, which the store keeps in the log for services of its own.
//!
//! A note is a control record: in order with the events, as durable, at no position. What was noted last under a
//! key counts. Whoever keeps notes reads them at start and knows them from then on.
//!
//! | key | note |
//! |---|---|
//! | `group`, name | a consumer group's settings |
//! | `progress`, name | how far a consumer group has got |
//! | `parked`, name, position | an event that a consumer group has parked |
//! | `policy`, category | when snapshots of a category are saved |
//!
//! The parts of a key are joined by a zero, which no name has.

use tokio::sync::oneshot;

use super::Error;
use super::group::Request;
use super::store::Store;
use crate::log::record::HEADER_BYTES;

/// A change of a note.
#[derive(Debug, Clone)]
pub(super) struct Note {
    pub(super) key: String,
    /// What is noted; `None` takes it away.
    pub(super) value: Option<Vec<u8>>,
}

impl Note {
    /// What it takes in the log.
    pub(super) fn bytes(&self) -> usize {
        HEADER_BYTES + self.key.len() + self.value.as_ref().map_or(0, Vec::len)
    }
}

/// A key made of parts.
pub(super) fn key<S: AsRef<str>>(parts: &[S]) -> String {
    parts.iter().map(AsRef::as_ref).collect::<Vec<_>>().join("\0")
}

/// The parts of a key.
pub(super) fn parts(key: &str) -> Vec<&str> {
    key.split('\0').collect()
}

impl Store {
    /// Notes all of these or none, and waits until they are durable.
    pub(super) async fn note(&self, notes: Vec<Note>) -> Result<(), Error> {
        self.check_serving()?;
        let (reply, answer) = oneshot::channel();
        self.ask(Request::Note { notes, reply }, answer).await
    }
}
