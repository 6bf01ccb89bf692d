//! Where a subscription has got to, and so where it resumes.
//!
//! Owns [`Cursor`]: a position for the log, a revision for a stream. Signals carry positions of the
//! log, so they move the cursor of a log subscription only. It never moves back, and it moves only by
//! what has reached the client.

use crate::subscription::Message;

/// What is followed.
#[derive(Clone, Debug)]
pub(crate) enum Followed {
    /// The whole log, with or without system streams.
    Log { include_system: bool },
    /// The stream of this name.
    Stream(String),
}

/// Where to begin, or to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cursor {
    Start,
    End,
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
            Followed::Stream(_) => event.map(|event| event.revision),
        };
        match (self, reached) {
            (_, None) => self,
            (Self::After(before), Some(reached)) => Self::After(before.max(reached)),
            (Self::Start | Self::End, Some(reached)) => Self::After(reached),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RecordedEvent;

    const LOG: Followed = Followed::Log { include_system: false };

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
        let stream = Followed::Stream("s".to_owned());
        assert_eq!(Cursor::After(2).past(&message, &stream), Cursor::After(4));
    }

    #[test]
    fn signals_move_it_in_the_log_only() {
        let stream = Followed::Stream("s".to_owned());
        for message in [
            Message::CaughtUp { position: 9 },
            Message::FellBehind { position: 9, head: 20 },
            Message::Checkpoint { position: 9 },
            Message::Heartbeat { position: 9 },
        ] {
            assert_eq!(Cursor::End.past(&message, &LOG), Cursor::After(9), "{message:?}");
            assert_eq!(Cursor::After(1).past(&message, &stream), Cursor::After(1), "{message:?}");
        }
        assert_eq!(Cursor::End.past(&Message::Reconnected, &LOG), Cursor::End);
    }

    #[test]
    fn an_empty_log_is_a_place_to_resume_from() {
        let caught_up = Message::CaughtUp { position: 0 };
        assert_eq!(Cursor::End.past(&caught_up, &LOG), Cursor::After(0));
    }

    #[test]
    fn it_never_moves_back() {
        let heartbeat = Message::Heartbeat { position: 5 };
        assert_eq!(Cursor::After(8).past(&heartbeat, &LOG), Cursor::After(8));
    }
}
