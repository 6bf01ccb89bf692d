//! What clients asked for, what they were told, and what they were shown. Values, and nothing else: neither
//! files nor connections, so that every kind of run can record into it.
//!
//! A *moment* is a number that only grows, nanoseconds or a counter; only the order of moments counts. An
//! operation has the moment before it was sent and the moment after its answer came. One without an answer may
//! have happened at any time until the server that it was sent to was gone: [`History::ends`].

use std::hash::{DefaultHasher, Hasher};

/// The moment of an answer that did not come.
pub const NEVER: u64 = u64::MAX;

/// An event at its place, as a reader was shown it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its place in the log, from 1.
    pub position: u64,
    /// Its place in its stream, from 0.
    pub revision: u64,
    /// Its stream.
    pub stream: String,
    /// Its id.
    pub id: u128,
    /// The digest of its bytes.
    pub digest: u64,
    /// What happened.
    pub event_type: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// When it was committed, by the server's clock.
    pub recorded_at: u64,
}

/// An event as a client proposes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// Its id.
    pub id: u128,
    /// The digest of its bytes.
    pub digest: u64,
    /// What happened.
    pub event_type: String,
    /// Its tags.
    pub tags: Vec<String>,
}

/// What a stream must look like for an append to go in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// No condition.
    Any,
    /// It has no event.
    NoStream,
    /// It has an event.
    StreamExists,
    /// The revision of its last event.
    Revision(u64),
}

/// Which events are meant: those that match one of the items.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Query {
    /// The alternatives; `None` means every event.
    pub items: Option<Vec<QueryItem>>,
    /// Whether events of system streams are meant as well.
    pub include_system: bool,
}

/// An event matches when it meets every field that says something.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct QueryItem {
    /// Its type is one of these; empty means any.
    pub types: Vec<String>,
    /// It has all of these tags.
    pub tags: Vec<String>,
    /// Its stream's name up to the first `-` is one of these; empty means any.
    pub categories: Vec<String>,
    /// Its stream's name begins with this.
    pub stream_prefix: Option<String>,
}

/// What else must hold for an append to go in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    /// A stream is as expected.
    Stream {
        /// Its name.
        stream: String,
        /// What it must look like.
        expected: Expected,
    },
    /// No event behind a position matches.
    NoneMatch {
        /// Which events.
        query: Query,
        /// Only those behind this position.
        after: u64,
    },
    /// Some event behind a position matches.
    SomeMatch {
        /// Which events.
        query: Query,
        /// Only those behind this position.
        after: u64,
    },
    /// A checkpoint is there exactly, or is not there.
    Checkpoint {
        /// Its name.
        name: String,
        /// Where it must be.
        position: Option<u64>,
    },
}

/// One stream's share of an append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The stream.
    pub stream: String,
    /// What it must look like.
    pub expected: Expected,
    /// What goes there.
    pub events: Vec<Proposed>,
}

/// Events that go in together or not at all, and every attempt to have them in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Append {
    /// Its streams, in the order of asking.
    pub parts: Vec<Part>,
    /// What must hold.
    pub guards: Vec<Guard>,
    /// Checkpoints that move with it: name and position.
    pub advances: Vec<(String, u64)>,
    /// Its tries. The ids are the same in all of them.
    pub attempts: Vec<Attempt>,
}

/// One try of an append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The moment before it was sent.
    pub invoked: u64,
    /// The moment after its answer, [`NEVER`] without one.
    pub returned: u64,
    /// The answer.
    pub outcome: Outcome<Placed>,
}

/// What a client knows of its request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<T> {
    /// It happened.
    Ok(T),
    /// It did not happen, and this try never will.
    Refused(Refusal),
    /// Nobody knows.
    Unknown,
}

/// Where an append went, as its answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// For each part, the revision and the position of its first event.
    pub firsts: Vec<(u64, u64)>,
    /// Whether the answer says that it was in already.
    pub deduplicated: bool,
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// A stream is not as expected.
    WrongRevision {
        /// Which.
        stream: String,
        /// The revision of its last event.
        actual: Option<u64>,
        /// The head that this was judged against.
        head: u64,
    },
    /// A guard does not hold.
    Guard {
        /// Its place among the guards.
        index: usize,
        /// What is so instead.
        actual: Actual,
        /// The head that this was judged against.
        head: u64,
    },
    /// A checkpoint is somewhere else.
    WrongCheckpoint {
        /// Its name.
        name: String,
        /// Where it is.
        actual: Option<u64>,
    },
    /// The queue or the disk was full. Nothing was judged, so it says nothing of an earlier try.
    NoRoom,
    /// The request itself is wrong, in the server's words.
    Invalid(String),
}

/// What is so where a guard wanted something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actual {
    /// The revision of the stream's last event.
    Stream(Option<u64>),
    /// The newest event that matches is here.
    Event(u64),
    /// No event matches.
    NoEvent,
    /// The checkpoint is here.
    Checkpoint(Option<u64>),
}

/// A snapshot that somebody saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotSave {
    /// Its stream.
    pub stream: String,
    /// The last revision folded in.
    pub revision: u64,
    /// The digest of the state.
    pub digest: u64,
    /// The moment before it was sent.
    pub invoked: u64,
    /// The moment after its answer.
    pub returned: u64,
    /// The answer.
    pub outcome: Outcome<()>,
}

/// A snapshot that somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotView {
    /// Its stream.
    pub stream: String,
    /// No newer than this revision.
    pub at_or_before: u64,
    /// The moment before the question.
    pub invoked: u64,
    /// The moment after the answer.
    pub returned: u64,
    /// Its revision and the digest of its state.
    pub found: Option<(u64, u64)>,
}

/// A checkpoint that somebody set or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointMove {
    /// Its name.
    pub name: String,
    /// Where it is from then on; `None`: it is gone.
    pub to: Option<u64>,
    /// Where it had to be before, if that was a condition.
    pub expected: Option<Option<u64>>,
    /// The moment before it was sent.
    pub invoked: u64,
    /// The moment after its answer.
    pub returned: u64,
    /// The answer.
    pub outcome: Outcome<()>,
}

/// A checkpoint that somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointView {
    /// Its name.
    pub name: String,
    /// The moment before the question.
    pub invoked: u64,
    /// The moment after the answer.
    pub returned: u64,
    /// Where it is.
    pub found: Option<u64>,
}

/// Which events a reader asked for. The *place* of an event is its position, and in its stream its revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All of the log.
    All,
    /// One stream.
    Stream(String),
    /// What matches.
    Query(Query),
}

/// How a reader went through its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walk {
    /// A read, oldest first.
    Forwards,
    /// A read, newest first.
    Backwards,
    /// A subscription, resumptions included.
    Following,
}

/// What a reader or subscriber was shown: everything that it asked for from one place until another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Who, in words.
    pub reader: String,
    /// The moment before it asked.
    pub invoked: u64,
    /// The moment after the last answer.
    pub returned: u64,
    /// What it asked for.
    pub scope: Scope,
    /// How.
    pub walk: Walk,
    /// The first place, inclusive.
    pub from: u64,
    /// The end, exclusive: behind the last place that it was shown or told to have passed.
    pub until: u64,
    /// Whether `until` lies just behind a head that it was told.
    pub is_pinned: bool,
    /// In the order of showing.
    pub events: Vec<Event>,
}

/// An attempt that waits for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "the answer is recorded with it"]
pub struct Ticket {
    append: usize,
    attempt: usize,
}

/// Everything that happened to the clients of one log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// Appends in the order of their first tries.
    pub appends: Vec<Append>,
    /// Snapshots saved.
    pub saves: Vec<SnapshotSave>,
    /// Snapshots asked for.
    pub snapshots: Vec<SnapshotView>,
    /// How many snapshots of a stream are kept.
    pub snapshots_kept: usize,
    /// Checkpoints moved.
    pub moves: Vec<CheckpointMove>,
    /// Checkpoints asked for.
    pub checkpoints: Vec<CheckpointView>,
    /// What readers were shown.
    pub views: Vec<View>,
    /// Moments at which a server was gone: what it had not done by then, it never did. Ascending.
    pub ends: Vec<u64>,
}

impl History {
    /// Takes down an append before its first try; returns its place.
    pub fn propose(&mut self, append: Append) -> usize {
        self.appends.push(append);
        self.appends.len() - 1
    }

    /// Takes down a try before it is sent.
    pub fn invoke(&mut self, append: usize, at: u64) -> Ticket {
        let attempts = &mut self.appends[append].attempts;
        attempts.push(Attempt { invoked: at, returned: NEVER, outcome: Outcome::Unknown });
        Ticket { append, attempt: attempts.len() - 1 }
    }

    /// Takes down the answer to a try.
    pub fn answer(&mut self, ticket: Ticket, at: u64, outcome: Outcome<Placed>) {
        let attempt = &mut self.appends[ticket.append].attempts[ticket.attempt];
        let is_known = !matches!(outcome, Outcome::Unknown);
        (attempt.returned, attempt.outcome) = (if is_known { at } else { NEVER }, outcome);
    }

    /// Takes down that the server is gone.
    pub fn ended(&mut self, at: u64) {
        self.ends.push(at);
    }

    /// The moment until which something may have happened: its answer, or the end of its server.
    #[must_use]
    pub fn bound(&self, invoked: u64, returned: u64) -> u64 {
        if returned != NEVER {
            return returned;
        }
        let next = self.ends.partition_point(|end| *end < invoked);
        self.ends.get(next).copied().unwrap_or(NEVER)
    }
}

impl Append {
    /// All of its events, in the order of asking.
    pub fn events(&self) -> impl Iterator<Item = &Proposed> {
        self.parts.iter().flat_map(|part| &part.events)
    }

    /// Its first answer that says that it is in.
    #[must_use]
    pub fn placed(&self) -> Option<&Placed> {
        self.attempts.iter().find_map(|attempt| match &attempt.outcome {
            Outcome::Ok(placed) => Some(placed),
            Outcome::Refused(_) | Outcome::Unknown => None,
        })
    }
}

impl Refusal {
    /// Whether the server looked at the request, and would have known it had it been in.
    #[must_use]
    pub fn is_judged(&self) -> bool {
        match self {
            Self::WrongRevision { .. } | Self::Guard { .. } | Self::WrongCheckpoint { .. } | Self::Invalid(_) => true,
            Self::NoRoom => false,
        }
    }
}

impl Expected {
    /// Whether a stream with this last revision is as expected.
    #[must_use]
    pub fn holds(self, last: Option<u64>) -> bool {
        match self {
            Self::Any => true,
            Self::NoStream => last.is_none(),
            Self::StreamExists => last.is_some(),
            Self::Revision(revision) => last == Some(revision),
        }
    }
}

/// The digest of some bytes, the same all through one process.
#[must_use]
pub fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}
