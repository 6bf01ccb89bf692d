//! What fuzzers feed the readers of control records and notes.

/// Control records, as what they do to the directory.
pub mod control_records {
    use crate::fuzzing::made;
    use crate::log::{Kind, Place};
    use crate::model::{CheckpointName, Position, Revision, StreamName, Timestamp};
    use crate::state::ControlChange;
    use crate::store::controls::{decode, encode_checkpoint, encode_deleted};
    use crate::store::transaction::Checkpoint;

    const PLACE: Place = Place { segment: 1, offset: 128 };

    /// What is read says no more than its bytes; what is written is read the same.
    pub fn check(bytes: &[u8]) {
        if let Some(([kind, high, low], record)) = bytes.split_first_chunk()
            && let Some(kind) = Kind::of(*kind)
            && let Some(change) = decode(kind, u16::from_be_bytes([*high, *low]), record, PLACE)
        {
            let said = match change {
                ControlChange::Saved(stream, row) => {
                    assert_eq!((row.place, row.size as usize), (PLACE, record.len()));
                    stream.as_str().len()
                }
                ControlChange::Deleted(stream, revision) => stream.as_str().len() + revision.map_or(0, |_| 8),
                ControlChange::CheckpointSet(name, ..) => name.as_str().len() + 8 + 14,
                ControlChange::CheckpointDeleted(name) => name.as_str().len(),
                ControlChange::NoteSet(key, note) => key.len() + note.len(),
                ControlChange::NoteDeleted(key) => key.len(),
            };
            assert!(said <= record.len(), "{said} bytes are said by {}", record.len());
        }
        let Some((name, position, seconds, nanos)) = made::<(&str, u64, u32, u32)>(bytes) else { return };
        let updated_at = Timestamp { seconds: u64::from(seconds), nanos };
        let (checkpoint, position) = (CheckpointName::from_log(name), Position(position));
        let record = encode_checkpoint(&checkpoint, Checkpoint { position, updated_at });
        let change = ControlChange::CheckpointSet(checkpoint, position, updated_at);
        assert_eq!(decode(Kind::CheckpointSet, name.len() as u16, &record, PLACE), Some(change));
        for revision in [None, Some(Revision(position.0))] {
            let stream = StreamName::from_log(name);
            let record = encode_deleted(&stream, revision);
            let found = u16::try_from(name.len())
                .ok()
                .map(|length| decode(Kind::SnapshotsDeleted, length, &record, PLACE))
                .unwrap_or_else(|| Some(ControlChange::Deleted(stream.clone(), revision)));
            assert_eq!(found, Some(ControlChange::Deleted(stream, revision)));
        }
    }

    /// A record of each kind, behind its kind and the length of its name.
    pub fn seeds() -> Vec<Vec<u8>> {
        let name = CheckpointName::from_log("reader");
        let updated_at = Timestamp { seconds: 1_795_000_000, nanos: 5 };
        let set = encode_checkpoint(&name, Checkpoint { position: Position(7), updated_at });
        let stream = StreamName::from_log("reader");
        let saved = [b"\x0a\x06reader\x10\x07".as_slice(), &updated_at.encode_field(7)].concat();
        let records = [
            (Kind::SnapshotSaved, saved),
            (Kind::SnapshotsDeleted, encode_deleted(&stream, Some(Revision(3)))),
            (Kind::SnapshotsDeleted, encode_deleted(&stream, None)),
            (Kind::CheckpointSet, set),
            (Kind::CheckpointDeleted, b"reader".to_vec()),
            (Kind::NoteSet, b"{}reader".to_vec()),
            (Kind::NoteDeleted, b"reader".to_vec()),
        ];
        records.map(|(kind, record)| [&[kind as u8, 0, 6], &record[..]].concat()).to_vec()
    }
}

/// Notes of how far groups have got.
pub mod group_notes {
    pub use crate::store::consumers::fuzzing::{check, seeds};
}
