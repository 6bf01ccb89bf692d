//! The lives of streams: metadata, deletion, revival, tombstone, and what they hide from readers.

use std::time::Duration;

use quipu::model::{ExpectedRevision, LifeCycle, Position, Revision, StreamMetadata, StreamName, Timestamp};
use quipu::store::{Error, LifeChange, LifeEvent};

use crate::appends::{any_expected, any_stream};
use crate::chance::Chance;
use crate::checked::{Checked, holds, same};
use crate::guards::is_refused;
use crate::plain::Plain;
use crate::run::{Run, Wrong};
use crate::verdicts::Refusal;
use crate::wanted::Signs;

const NANOS: u128 = 1_000_000_000;

/// Why a stream cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hidden {
    Missing,
    Deleted,
    Gone,
}

fn nanos(time: Timestamp) -> u128 {
    u128::from(time.seconds) * NANOS + u128::from(time.nanos)
}

/// What an owner may say.
fn any_metadata(chance: &mut Chance) -> StreamMetadata {
    let ages = [1, 40, 300, 3_000_000_000].map(Duration::from_secs);
    let mut metadata = StreamMetadata::default();
    if chance.once_in(2) {
        metadata.max_count = Some(1 + chance.below(6));
    }
    if chance.once_in(3) {
        metadata.max_age = Some(ages[chance.below(4) as usize] + Duration::from_nanos(chance.below(3)));
    }
    if chance.once_in(3) {
        metadata.truncate_before = Some(if chance.once_in(6) { u64::MAX } else { chance.below(9) });
    }
    if chance.once_in(4) {
        metadata.properties.insert("owner".into(), chance.below(3).to_string());
    }
    metadata
}

impl Plain {
    /// A stream's life as it is.
    pub(crate) fn life(&self, stream: &str) -> LifeCycle {
        self.life_at(stream, self.head())
    }

    /// A stream's life as it was when the log ended at a position.
    fn life_at(&self, stream: &str, until: u64) -> LifeCycle {
        let mut told = self.lives.get(stream).into_iter().flatten();
        told.rfind(|(at, _)| (*at as u64) < until).map(|(_, life)| life.clone()).unwrap_or_default()
    }

    /// Whether a stream was deleted and not appended to since.
    pub(crate) fn is_deleted(&self, stream: &str) -> bool {
        self.is_deleted_at(stream, self.head())
    }

    fn is_deleted_at(&self, stream: &str, until: u64) -> bool {
        if self.wrong == Wrong::Deleted {
            return false;
        }
        let (life, length) = (self.life_at(stream, until), self.length_at(stream, until));
        life.is_tombstoned || life.deleted_before.is_some_and(|before| length <= before)
    }

    fn length_at(&self, stream: &str, until: u64) -> u64 {
        self.stream(stream).iter().filter(|at| (**at as u64) < until).count() as u64
    }

    /// The first revision that a reader at `now` sees of a stream in a log that ends at `until`, and how many
    /// there are with those that are hidden.
    pub(crate) fn view(&self, stream: &str, until: u64, now: Timestamp) -> Result<(u64, u64), Hidden> {
        let (life, length) = (self.life_at(stream, until), self.length_at(stream, until));
        if life.is_tombstoned && self.wrong != Wrong::Deleted {
            return Err(Hidden::Gone);
        }
        if length == 0 {
            return Err(Hidden::Missing);
        }
        if self.is_deleted_at(stream, until) {
            return Err(Hidden::Deleted);
        }
        let StreamMetadata { max_age, max_count, truncate_before, .. } = life.metadata;
        let is_shown = |revision: &u64| {
            let at = self.log[self.stream(stream)[*revision as usize]].at;
            *revision >= life.deleted_before.unwrap_or(0)
                && *revision >= truncate_before.unwrap_or(0)
                && max_count.is_none_or(|count| length - *revision <= count)
                && max_age.is_none_or(|age| nanos(at) + age.as_nanos() >= nanos(now))
        };
        Ok(((0..length).find(is_shown).unwrap_or(length), length))
    }

    /// Decides a turn in a stream's life, and takes it in; returns the position of the event that tells it.
    fn live(&mut self, stream: &str, expected: ExpectedRevision, what: &LifeEvent) -> Result<u64, Refusal> {
        let mut life = self.life(stream);
        let told = self.lives.get(stream).and_then(|told| told.last()).map(|(at, _)| *at as u64 + 1);
        let is_so_already = match what {
            LifeEvent::MetadataSet(metadata) => !life.is_tombstoned && life.metadata == *metadata,
            LifeEvent::Deleted => !life.is_tombstoned && self.is_deleted(stream),
            LifeEvent::Tombstoned => life.is_tombstoned,
        };
        if let Some(told) = told.filter(|_| is_so_already) {
            return Ok(told);
        }
        self.is_as_expected(stream, expected)?;
        self.is_not_gone(stream)?;
        let length = self.stream(stream).len() as u64;
        let event_type = match what {
            LifeEvent::MetadataSet(metadata) => {
                life.metadata = metadata.clone();
                "$metadata-set"
            }
            LifeEvent::Deleted if length == 0 => return Err(Refusal::Missing(stream.to_owned())),
            LifeEvent::Deleted => "$deleted",
            LifeEvent::Tombstoned => {
                life.is_tombstoned = true;
                "$tombstoned"
            }
        };
        if !matches!(what, LifeEvent::MetadataSet(_)) {
            life.deleted_before = Some(length);
            self.snapshots.remove(stream);
        }
        let data = serde_json::to_vec(&life).expect("plain data");
        let signs = Signs { event_type: event_type.to_owned(), ..Signs::default() };
        let sent = crate::offers::encoded(&[], &signs, &[(3, &data)]);
        self.lives.entry(stream.to_owned()).or_default().push((self.log.len(), life));
        self.put(&format!("$streams-{stream}"), 0, &signs, &data, &sent);
        Ok(self.head())
    }
}

/// A change that is asked for, and the model's answer.
pub(crate) type Lived = (LifeChange, Result<u64, Refusal>);

/// Compares an answer with the model's.
pub(crate) fn compare_life((change, model): &Lived, answer: &Result<Position, Error>) -> Checked {
    match (answer, model) {
        (Ok(position), Ok(model)) => same("where a turn of a life is told", &position.0, model),
        (Err(error), Err(refusal)) if is_refused(error, refusal) => Ok(()),
        _ => Err(format!("{change:?}: the store says {answer:?}, the model {model:?}")),
    }
}

impl Run {
    /// A stream; often one of whose life something was told, such as its end.
    pub(crate) fn any_lived(&mut self) -> String {
        let is_end = self.chance.once_in(2);
        let is_meant = |name: &&String| !is_end || self.plain.life(name).is_tombstoned;
        let lived: Vec<&String> = self.plain.lives.keys().filter(is_meant).collect();
        if lived.is_empty() || !self.chance.once_in(3) {
            return any_stream(&mut self.chance);
        }
        lived[self.chance.below(lived.len() as u64) as usize].clone()
    }

    /// A change of some stream's life, and what the model makes of it.
    pub(crate) fn any_life(&mut self) -> Lived {
        let mut name = any_stream(&mut self.chance);
        while name.starts_with('$') {
            name = any_stream(&mut self.chance);
        }
        let what = match self.chance.below(20) {
            0..6 if name.starts_with("n-") || ["A", "a-2"].contains(&&*name) => LifeEvent::Tombstoned,
            0..8 => LifeEvent::Deleted,
            8 if self.plain.life(&name).is_tombstoned => LifeEvent::Tombstoned,
            8 => LifeEvent::Deleted,
            9 => LifeEvent::MetadataSet(self.plain.life(&name).metadata),
            10 => LifeEvent::MetadataSet(StreamMetadata::default()),
            _ => LifeEvent::MetadataSet(any_metadata(&mut self.chance)),
        };
        let expected = match self.chance.below(3) {
            0 => any_expected(&mut self.chance, self.plain.last(&name)),
            _ => ExpectedRevision::Any,
        };
        self.note(format!("{what:?} `{name}` expecting {expected}"));
        self.plain.tick(self.time.now());
        let model = self.plain.live(&name, expected, &what);
        (LifeChange { stream: StreamName::from_log(&name), expected, what }, model)
    }

    /// A turn in a stream's life.
    pub(crate) fn live(&mut self) -> Checked {
        let lived = self.any_life();
        let answer = self.runtime.block_on(self.store.change_life(lived.0.clone()));
        compare_life(&lived, &answer)?;
        self.learn_ids()?;
        let name = lived.0.stream.as_str();
        self.view(name, self.plain.head())?;
        self.snapshots_of(name)
    }

    /// The store gave some events their ids.
    pub(crate) fn learn_ids(&mut self) -> Checked {
        let id = |position| {
            let event = self.store.event_at(Position(position)).map_err(|error| format!("no event: {error:?}"))?;
            event.id().ok_or_else(|| format!("the event at {position} has no id"))
        };
        self.plain.learn_ids(id)
    }

    /// Compares what a reader sees of a stream in a log that ended at a position.
    pub(crate) fn view(&self, name: &str, until: u64) -> Checked {
        let view = self.store.stream_view(&StreamName::from_log(name), Position(until));
        let model = self.plain.view(name, until, self.time.now());
        let what = || format!("`{name}` until {until}: the store shows {view:?}, the model {model:?}");
        match (&view, model) {
            (Ok(view), Ok((first, length))) => {
                let last = self.plain.stream(name)[length as usize - 1] as u64 + 1;
                let is_right = view.first == Revision(first) && view.head.revision == Revision(length - 1);
                holds(is_right && view.head.position == Position(last), what)?;
                let metadata = view.life.as_ref().map(|life| life.metadata.clone()).unwrap_or_default();
                same("a stream's metadata", &metadata, &self.plain.life_at(name, until).metadata)
            }
            (Err(error), Err(hidden)) => holds(is_hidden(error, name, hidden), what),
            _ => Err(what()),
        }
    }
}

/// Whether an error says why a stream cannot be read.
pub(crate) fn is_hidden(error: &Error, name: &str, hidden: Hidden) -> bool {
    match (error, hidden) {
        (Error::StreamNotFound(stream), Hidden::Missing)
        | (Error::StreamDeleted(stream), Hidden::Deleted)
        | (Error::StreamGone(stream), Hidden::Gone) => stream.as_str() == name,
        _ => false,
    }
}
