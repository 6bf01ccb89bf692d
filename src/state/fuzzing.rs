//! What fuzzers feed the readers of rows on the shelf.

/// The rows of the directory.
pub mod state_rows {
    use crate::fuzzing::made;
    use crate::log::{Place, Slot};
    use crate::model::{Position, Revision, StreamName, Timestamp};
    use crate::state::keys;

    /// What is read is written again byte for byte; what is written is read the same.
    pub fn check(bytes: &[u8]) {
        if let Some((log_id, slot)) = keys::decode_applied(bytes) {
            assert_eq!(keys::encode_applied(log_id, slot), bytes);
        }
        if let Some((place, size, time)) = keys::decode_snapshot(bytes) {
            assert_eq!(keys::encode_snapshot(place, size, time), bytes);
        }
        if let Some((position, time)) = keys::decode_checkpoint(bytes) {
            assert_eq!(keys::encode_moment(position, time), bytes);
        }
        if let Some((position, time, rest)) = keys::decode_moment(bytes) {
            assert_eq!([&keys::encode_moment(position, time)[..], rest].concat(), bytes);
        }
        assert_eq!(keys::revision_of(bytes).is_some(), bytes.len() >= 8);
        let Some((stream, revision, numbers)) = made::<(&str, u64, [u32; 4])>(bytes) else { return };
        let (stream, revision) = (StreamName::from_log(stream), Revision(revision));
        assert_eq!(keys::revision_of(&keys::snapshot(&stream, revision)), Some(revision));
        let [segment, offset, size, nanos] = numbers;
        let row = (Place { segment, offset }, size, Timestamp { seconds: revision.0, nanos });
        assert_eq!(keys::decode_snapshot(&keys::encode_snapshot(row.0, row.1, row.2)), Some(row));
        let row = (Position(revision.0), row.2);
        assert_eq!(keys::decode_checkpoint(&keys::encode_moment(row.0, row.1)), Some(row));
        let row = (u128::from(revision.0) << 32, Slot(revision.0));
        assert_eq!(keys::decode_applied(&keys::encode_applied(row.0, row.1)), Some(row));
    }

    /// A row of each kind.
    pub fn seeds() -> Vec<Vec<u8>> {
        let time = Timestamp { seconds: 1 << 33, nanos: 9 };
        vec![
            keys::encode_applied(1 << 99, Slot(7)),
            keys::encode_snapshot(Place { segment: 3, offset: 77 }, 1000, time),
            keys::encode_moment(Position(1 << 40), time),
            keys::snapshot(&StreamName::from_log("order-1"), Revision(256)),
        ]
    }
}

/// The rows of read models.
pub mod read_model_rows {
    pub use crate::state::read_models::fuzzing::{check, seeds};
}
