//! What fuzzers feed the readers of groups' notes.

use super::group::Group;
use super::progress::{self, Found};
use crate::model::{GivenName, GroupSettings, GroupWishes, Position, Timestamp};
use crate::store::notes::{Note, key};

/// A group that is read can be made and goes on; its settings are noted and read the same.
pub fn check(bytes: &[u8]) {
    // The notes of the group, of its progress, and of an event that it has parked.
    let mut parts = bytes.splitn(3, |byte| *byte == 0).map(<[u8]>::to_vec);
    let group = [("group", "billing"), ("progress", "billing"), ("parked", "billing\x0000000000000000000007")];
    let notes: Vec<_> = group
        .iter()
        .map_while(|(kind, rest)| Some((key(&[kind, rest]), parts.next()?)))
        .filter(|(_, note)| !note.is_empty())
        .collect();
    let Some(found) = find(&notes) else { return };
    let note = progress::group_note(&found.name, &found.settings, found.created_at);
    let again = find(&[row(note)]).expect("what was noted is read");
    assert_eq!((again.name, again.settings), (found.name.clone(), found.settings.clone()));
    assert_eq!(again.created_at, found.created_at);
    let (read, parked) = (found.progress.read, found.progress.parked.clone());
    let group = Group::new(found.name.clone(), found.settings, found.created_at, found.progress);
    let inner = group.lock();
    let positions = inner.deliveries.parked.keys().copied().collect();
    let notes: Vec<_> = progress::notes(&found.name, &inner.deliveries, &positions).into_iter().map(row).collect();
    let note = progress::group_note(
        &found.name,
        &GroupSettings::of(GroupWishes::default()).expect("defaults"),
        found.created_at,
    );
    let again = find(&[&notes[..], &[row(note)]].concat()).expect("what was noted is read");
    assert_eq!((again.progress.read, again.progress.parked.len()), (read, parked.len()));
}

fn row(note: Note) -> (String, Vec<u8>) {
    (note.key, note.value.unwrap_or_default())
}

fn find(notes: &[(String, Vec<u8>)]) -> Option<Found> {
    let with = |prefix: &str| Ok(notes.iter().filter(|(key, _)| key.starts_with(prefix)).cloned().collect());
    progress::find(with).ok()?.pop()
}

/// A group that has got nowhere, and one that has parked an event.
pub fn seeds() -> Vec<Vec<u8>> {
    let name = GivenName::from_log("billing");
    let settings = GroupSettings::of(GroupWishes::default()).expect("the defaults are good");
    let created_at = Timestamp { seconds: 1_795_000_000, nanos: 5 };
    let group = row(progress::group_note(&name, &settings, created_at)).1;
    let first = row(progress::first_note(&name, Position(3))).1;
    let later = b"{\"read\":9,\"is_paused\":true,\"left\":[[4,1],[5,2]]}".to_vec();
    let parked = b"{\"reason\":\"bad\",\"tries\":3,\"parked_at\":[1795000000,7]}".to_vec();
    vec![group.clone(), [group.clone(), first].join(&0), [group, later, parked].join(&0)]
}
