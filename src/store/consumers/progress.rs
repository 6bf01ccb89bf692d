//! How far a group has got, as notes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::deliveries::{Deliveries, Parked};
use crate::model::{GivenName, GroupSettings, Position, Timestamp};
use crate::store::Error;
use crate::store::notes::{Note, key, parts};

const GROUP: &str = "group";
const PROGRESS: &str = "progress";
const PARKED: &str = "parked";

/// What a group's settings are noted as.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupNote {
    settings: GroupSettings,
    /// Seconds and nanoseconds.
    created_at: (u64, u32),
}

/// How far a group has got.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Progress {
    /// Everything up to here was read.
    pub(super) read: u64,
    pub(super) is_paused: bool,
    /// What of it is not settled, and how often it was delivered.
    pub(super) left: Vec<(u64, u32)>,
    #[serde(skip)]
    pub(super) parked: BTreeMap<Position, Parked>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ParkedNote {
    reason: String,
    tries: u32,
    /// Seconds and nanoseconds.
    parked_at: (u64, u32),
}

/// A group as it was noted.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) name: GivenName,
    pub(super) settings: GroupSettings,
    pub(super) created_at: Timestamp,
    pub(super) progress: Progress,
}

/// The note of a group's settings.
pub(super) fn group_note(name: &GivenName, settings: &GroupSettings, created_at: Timestamp) -> Note {
    let note = GroupNote { settings: settings.clone(), created_at: pair(created_at) };
    put(&[GROUP, name.as_str()], &note)
}

/// The note of a group that begins behind a position.
pub(super) fn first_note(name: &GivenName, read: Position) -> Note {
    put(&[PROGRESS, name.as_str()], &Progress { read: read.0, ..Progress::default() })
}

/// The notes of how far a group has got, those of some parked events among them.
pub(super) fn notes(name: &GivenName, deliveries: &Deliveries, parked: &BTreeSet<Position>) -> Vec<Note> {
    let (read, left) = deliveries.progress();
    let left = left.into_iter().map(|(position, tries)| (position.0, tries)).collect();
    let progress = Progress { read: read.0, is_paused: deliveries.is_paused, left, parked: BTreeMap::new() };
    let parked = parked.iter().map(|position| match deliveries.parked.get(position) {
        Some(parked) => {
            let (reason, parked_at) = (parked.reason.clone(), pair(parked.parked_at));
            put(&parked_key(name, *position), &ParkedNote { reason, tries: parked.tries, parked_at })
        }
        None => Note { key: key(&parked_key(name, *position)), value: None },
    });
    [put(&[PROGRESS, name.as_str()], &progress)].into_iter().chain(parked).collect()
}

/// The notes that take away all that was noted of a group.
pub(super) fn end_notes(name: &GivenName, parked: impl Iterator<Item = Position>) -> Vec<Note> {
    let parked = parked.map(|position| key(&parked_key(name, position)));
    let keys = [key(&[GROUP, name.as_str()]), key(&[PROGRESS, name.as_str()])].into_iter().chain(parked);
    keys.map(|key| Note { key, value: None }).collect()
}

/// All groups that were noted.
pub(super) fn find(notes: impl Fn(&str) -> Result<Vec<(String, Vec<u8>)>, Error>) -> Result<Vec<Found>, Error> {
    let mut found = Vec::new();
    for (of, bytes) in notes(&key(&[GROUP, ""]))? {
        let GroupNote { settings, created_at } = parse(&bytes)?;
        let name = GivenName::from_log(parts(&of).get(1).copied().unwrap_or_default());
        let progress = notes(&key(&[PROGRESS, name.as_str()]))?.into_iter();
        let progress = progress.filter(|(of, _)| parts(of).get(1) == Some(&name.as_str()));
        let mut progress: Progress = match progress.map(|(_, bytes)| bytes).next() {
            Some(bytes) => parse(&bytes)?,
            None => Progress::default(),
        };
        for (of, bytes) in notes(&key(&[PARKED, name.as_str(), ""]))? {
            let ParkedNote { reason, tries, parked_at } = parse(&bytes)?;
            let position = parts(&of).get(2).and_then(|position| position.parse().ok()).map(Position);
            let parked = Parked { reason, tries, parked_at: time(parked_at) };
            progress.parked.extend(position.map(|position| (position, parked)));
        }
        found.push(Found { name, settings, created_at: time(created_at), progress });
    }
    Ok(found)
}

fn parked_key(name: &GivenName, position: Position) -> [String; 3] {
    [PARKED.into(), name.to_string(), format!("{:020}", position.0)]
}

fn put<S: AsRef<str>>(parts: &[S], note: &impl Serialize) -> Note {
    let value = serde_json::to_vec(note).expect("a note has text keys and plain values");
    Note { key: key(parts), value: Some(value) }
}

fn parse<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(Error::internal)
}

fn pair(time: Timestamp) -> (u64, u32) {
    (time.seconds, time.nanos)
}

fn time((seconds, nanos): (u64, u32)) -> Timestamp {
    Timestamp { seconds, nanos }
}
