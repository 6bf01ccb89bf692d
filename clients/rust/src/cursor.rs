//! Where a subscription has got to, and so where it resumes.
//!
//! Owns [`Cursor`]: a position for the log, a revision for a stream. Signals carry positions of the
//! log, so they move the cursor of a log subscription only. It never moves back, and it moves only by
//! what has reached the client.

use chrono::{DateTime, Utc};

use crate::Query;
use crate::subscription::Message;

/// What is followed.
#[derive(Clone, Debug)]
pub(crate) enum Followed {
    /// The whole log, with or without system streams; of it, what matches.
    Log { include_system: bool, query: Option<Query> },
    /// The stream of this name; of it, these types, or all when none is named.
    Stream { name: String, types: Vec<String> },
}

/// Where to begin, or to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cursor {
    Start,
    End,
    /// With the first event of the log recorded at this time or later.
    Time(DateTime<Utc>),
    /// With the first event after this position or revision.
    After(u64),
}

impl Cursor {
    /// The cursor once `message` has come.
    pub(crate) fn past(self, message: &Message, followed: &Followed) -> Self {
        let (event, signal) = match message {
            Message::Events(events) => (events.last(), None),
            Message::CaughtUp { position }
            | Message::FellBehind { position, .. }
            | Message::Checkpoint { position }
            | Message::Heartbeat { position } => (None, Some(*position)),
            Message::Reconnected => (None, None),
        };
        let reached = match followed {
            Followed::Log { .. } => event.map(|event| event.position).or(signal),
            Followed::Stream { .. } => event.map(|event| event.revision),
        };
        match (self, reached) {
            (_, None) => self,
            (Self::After(before), Some(reached)) => Self::After(before.max(reached)),
            (Self::Start | Self::End | Self::Time(_), Some(reached)) => Self::After(reached),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RecordedEvent;

    const LOG: Followed = Followed::Log { include_system: false, query: None };
    const STREAM: Followed = Followed::Stream { name: String::new(), types: Vec::new() };

    fn event(revision: u64, position: u64) -> RecordedEvent {
        let wire = crate::proto::RecordedEvent {
            id: uuid::Uuid::nil().to_string(),
            revision: Some(revision),
            position,
            recorded_at: Some(prost_types::Timestamp::default()),
            ..Default::default()
        };
        wire.try_into().expect("complete")
    }

    #[test]
    fn events_move_it_by_position_or_revision() {
        let message = Message::Events(vec![event(3, 70), event(4, 80)]);
        assert_eq!(Cursor::Start.past(&message, &LOG), Cursor::After(80));
        assert_eq!(Cursor::After(2).past(&message, &STREAM), Cursor::After(4));
    }

    #[test]
    fn signals_move_it_in_the_log_only() {
        for message in [
            Message::CaughtUp { position: 9 },
            Message::FellBehind { position: 9, head: 20 },
            Message::Checkpoint { position: 9 },
            Message::Heartbeat { position: 9 },
        ] {
            assert_eq!(Cursor::End.past(&message, &LOG), Cursor::After(9), "{message:?}");
            assert_eq!(Cursor::After(1).past(&message, &STREAM), Cursor::After(1), "{message:?}");
        }
        assert_eq!(Cursor::End.past(&Message::Reconnected, &LOG), Cursor::End);
    }

    #[test]
    fn an_empty_log_is_a_place_to_resume_from() {
        let caught_up = Message::CaughtUp { position: 0 };
        assert_eq!(Cursor::End.past(&caught_up, &LOG), Cursor::After(0));
    }

    #[test]
    fn a_time_is_left_for_the_first_position() {
        let begun = Cursor::Time(DateTime::UNIX_EPOCH);
        assert_eq!(begun.past(&Message::Events(vec![event(0, 6)]), &LOG), Cursor::After(6));
        assert_eq!(begun.past(&Message::Checkpoint { position: 5 }, &LOG), Cursor::After(5));
        assert_eq!(begun.past(&Message::Reconnected, &LOG), begun);
    }

    #[test]
    fn it_never_moves_back() {
        let heartbeat = Message::Heartbeat { position: 5 };
        assert_eq!(Cursor::After(8).past(&heartbeat, &LOG), Cursor::After(8));
    }
}
