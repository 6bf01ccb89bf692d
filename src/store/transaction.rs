//! What can be asked to go in together, and where it went.

use crate::model::{
    CheckpointName, ExpectedRevision, Guard, LifeCycle, Position, ProposedEvent, Revision, StreamMetadata, StreamName,
    Timestamp,
};

/// An append to one stream.
#[derive(Debug, Clone)]
pub struct Append {
    /// The stream.
    pub stream: StreamName,
    /// What it must look like.
    pub expected: ExpectedRevision,
    /// At least one event; no id twice.
    pub events: Vec<ProposedEvent>,
}

/// Appends to some streams, guards over everything, and checkpoints that move: all or nothing.
#[derive(Debug, Clone, Default)]
pub struct Transaction {
    /// No stream twice; no event id twice.
    pub appends: Vec<Append>,
    /// All must hold.
    pub guards: Vec<Guard>,
    /// No name twice.
    pub advances: Vec<CheckpointAdvance>,
}

/// A checkpoint that moves forwards.
#[derive(Debug, Clone)]
pub struct CheckpointAdvance {
    /// The consumer.
    pub name: CheckpointName,
    /// Where it moves: beyond where it is.
    pub position: Position,
}

/// Where an append went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The revision of its first event.
    pub first_revision: Revision,
    /// The revision of its last event.
    pub last_revision: Revision,
    /// The position of its first event.
    pub first_position: Position,
    /// The position of its last event.
    pub last_position: Position,
    /// Whether it had gone in before, and nothing was added.
    pub deduplicated: bool,
}

/// Where a transaction went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transacted {
    /// For each append, in the order of asking.
    pub appends: Vec<Appended>,
    /// Whether it had gone in before, and nothing was changed.
    pub deduplicated: bool,
}

/// A consumer's position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// Everything up to here was dealt with.
    pub position: Position,
    /// When it was set.
    pub updated_at: Timestamp,
}

/// A change of a checkpoint that comes alone.
#[derive(Debug, Clone)]
pub enum CheckpointChange {
    /// It moves, forwards or backwards.
    Set {
        /// The consumer.
        name: CheckpointName,
        /// Where it moves.
        position: Position,
        /// Where it must be for that: `Some(None)` means that it must not be.
        expected: Option<Option<Position>>,
    },
    /// It goes.
    Delete(CheckpointName),
}

/// A change of a stream's life.
#[derive(Debug, Clone)]
pub struct LifeChange {
    /// The stream.
    pub stream: StreamName,
    /// What it must look like.
    pub expected: ExpectedRevision,
    /// What happens to it.
    pub what: LifeEvent,
}

/// What can happen to a stream.
#[derive(Debug, Clone)]
pub enum LifeEvent {
    /// It gets other metadata.
    MetadataSet(StreamMetadata),
    /// It is deleted, until an append revives it.
    Deleted,
    /// It is deleted for good.
    Tombstoned,
}

impl Append {
    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.events.iter().map(|event| event.bytes.len() + size_of::<ProposedEvent>()).sum()
    }
}

impl Transaction {
    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.appends.iter().map(Append::bytes).sum()
    }

    /// All events, in order.
    pub(super) fn events(&self) -> impl Iterator<Item = &ProposedEvent> {
        self.appends.iter().flat_map(|append| &append.events)
    }
}

impl From<Append> for Transaction {
    fn from(append: Append) -> Self {
        Self { appends: vec![append], ..Self::default() }
    }
}

impl LifeEvent {
    /// The type of the event that tells it.
    pub(super) fn event_type(&self) -> &'static str {
        match self {
            Self::MetadataSet(_) => "$metadata-set",
            Self::Deleted => "$deleted",
            Self::Tombstoned => "$tombstoned",
        }
    }

    /// A stream's life after this, when it ends at `last`.
    pub(super) fn applied_to(&self, life: &LifeCycle, last: Option<Revision>) -> LifeCycle {
        let gone = Some(Revision::following(last).0);
        match self {
            Self::MetadataSet(metadata) => LifeCycle { metadata: metadata.clone(), ..life.clone() },
            Self::Deleted => LifeCycle { deleted_before: gone, ..life.clone() },
            Self::Tombstoned => LifeCycle { deleted_before: gone, is_tombstoned: true, ..life.clone() },
        }
    }
}
