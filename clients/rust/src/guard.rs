//! What must hold for events to go in, beyond the expected revision.
//!
//! Owns [`Guard`]. The server judges it against everything committed before the request; nothing is
//! checked here. What is so when a guard does not hold is in `conflict.rs`.

use crate::proto::guard::{self, Kind};
use crate::{Expected, Query, proto};

/// What must hold for an append or a transaction to go in.
#[derive(Clone, Debug, PartialEq)]
pub struct Guard {
    kind: Kind,
}

impl Guard {
    /// A stream, not necessarily one that is appended to, is as expected.
    pub fn stream(name: impl Into<String>, expected: Expected) -> Self {
        Self { kind: Kind::Stream(guard::Stream { stream: name.into(), expected: Some(expected.into()) }) }
    }

    /// No event matches.
    #[must_use]
    pub fn none_match(query: Query) -> Self {
        Self { kind: Kind::NoneMatch(guard::Match { query: Some(query.into()), after_position: 0 }) }
    }

    /// At least one event matches.
    #[must_use]
    pub fn some_match(query: Query) -> Self {
        Self { kind: Kind::SomeMatch(guard::Match { query: Some(query.into()), after_position: 0 }) }
    }

    /// The checkpoint of this name is at this position exactly, or there is none.
    pub fn checkpoint(name: impl Into<String>, position: Option<u64>) -> Self {
        Self { kind: Kind::Checkpoint(guard::Checkpoint { name: name.into(), position }) }
    }

    /// Only events after this position count, exclusive: the head up to which the caller has read. For
    /// guards over events; it changes nothing of others.
    #[must_use]
    pub fn after(mut self, position: u64) -> Self {
        match &mut self.kind {
            Kind::NoneMatch(events) | Kind::SomeMatch(events) => events.after_position = position,
            Kind::Stream(_) | Kind::Checkpoint(_) => {}
        }
        self
    }
}

impl From<Guard> for proto::Guard {
    fn from(guard: Guard) -> Self {
        Self { kind: Some(guard.kind) }
    }
}

/// Guards as they go over the wire, in their order.
pub(crate) fn all(guards: Vec<Guard>) -> Vec<proto::Guard> {
    guards.into_iter().map(proto::Guard::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::QueryItem;

    #[test]
    fn a_guard_over_events_counts_from_a_position() {
        let query = || Query::item(QueryItem::new().types(["SeatTaken"]));
        let events = |after_position| guard::Match { query: Some(query().into()), after_position };
        assert_eq!(Guard::none_match(query()).kind, Kind::NoneMatch(events(0)));
        assert_eq!(Guard::none_match(query()).after(7).kind, Kind::NoneMatch(events(7)));
        assert_eq!(Guard::some_match(query()).after(7).kind, Kind::SomeMatch(events(7)));
    }

    #[test]
    fn other_guards_know_no_position_to_count_from() {
        let stream = Guard::stream("s", Expected::Revision(3));
        assert_eq!(stream.clone().after(7), stream);
        let expected = Some(proto::ExpectedRevision::from(Expected::Revision(3)));
        assert_eq!(stream.kind, Kind::Stream(guard::Stream { stream: "s".to_owned(), expected }));
        for position in [None, Some(0), Some(9)] {
            let checkpoint = Guard::checkpoint("c", position);
            assert_eq!(checkpoint.kind, Kind::Checkpoint(guard::Checkpoint { name: "c".to_owned(), position }));
        }
    }
}
