//! Where in its stream each group belongs.
//!
//! Owns the expected revision of every append. A stream that had no event gets the file's lines from its
//! start. One that had some either holds lines of this file already, and then its first line says where
//! they begin, or is somebody else's, and then the lines go behind what is there.

use std::collections::HashMap;

use quipu_client::{Client, Error as ClientError, Expected, NewEvent};

use super::groups::Group;
use crate::cli::Error;

/// Where the lines of a stream belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The revision that its next line has or gets.
    next: u64,
    /// The revision after its last event before the import.
    end: u64,
}

/// The streams met so far.
#[derive(Debug, Default)]
pub(super) struct Places {
    streams: HashMap<String, Place>,
}

/// An append that is ready to be sent.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) stream: String,
    pub(super) expected: Expected,
    pub(super) events: Vec<NewEvent>,
    /// The numbers of the first and the last line.
    pub(super) lines: (u64, u64),
    /// How large it is, about.
    pub(super) bytes: usize,
    /// How many bytes of the file had been read with it.
    pub(super) bytes_read: u64,
    /// Whether an earlier import seems to have appended it.
    pub(super) is_old: bool,
}

/// Where a stream stands, for the group with its first line; none for later groups and when the stream
/// has no event.
pub(super) async fn locate(client: &Client, group: &Group) -> Result<Option<Place>, Error> {
    if group.ordinal > 0 {
        return Ok(None);
    }
    let Some((line, first)) = group.events.first() else { return Ok(None) };
    let failed = |source| refused((*line, *line), &group.stream, source);
    let info = client.stream(&group.stream).await.map_err(failed)?;
    let Some(end) = info.and_then(|info| info.head_revision).map(|head| head + 1) else { return Ok(None) };
    match client.get_event_by_id(first.id).await {
        Ok(event) if event.stream == group.stream => Ok(Some(Place { next: event.revision, end })),
        Ok(event) => {
            let conflict =
                ClientError::EventIdConflict { id: first.id, stream: event.stream, position: event.position };
            Err(failed(conflict))
        }
        Err(ClientError::EventNotFound) => Ok(Some(Place { next: end, end })),
        Err(source) => Err(failed(source)),
    }
}

/// The failure of an append, by its lines.
pub(super) fn refused((first, last): (u64, u64), stream: &str, source: ClientError) -> Error {
    let lines = if first == last { format!("line {first}") } else { format!("lines {first} to {last}") };
    Error::call(format!("cannot import {lines}, of stream {stream:?}"))(source)
}

impl Places {
    /// The appends of a group, which come in the order of the file: two when it is in part there already.
    pub(super) fn plan(&mut self, group: Group, place: Option<Place>) -> Vec<Planned> {
        let known = self.streams.entry(group.stream.clone());
        let known = known.or_insert_with(|| place.unwrap_or(Place { next: 0, end: 0 }));
        let (next, end) = (known.next, known.end);
        let events = group.events.len();
        known.next += events as u64;
        let old = usize::try_from(end.saturating_sub(next)).map_or(events, |old| old.min(events));
        let mut events = group.events;
        let new = events.split_off(old);
        let (bytes, bytes_read) = (group.bytes, group.bytes_read);
        let part = |revision: u64, events: Vec<(u64, NewEvent)>, is_old| {
            Some(Planned {
                stream: group.stream.clone(),
                expected: revision.checked_sub(1).map_or(Expected::NoStream, Expected::Revision),
                lines: (events.first()?.0, events.last()?.0),
                events: events.into_iter().map(|(_, event)| event).collect(),
                bytes,
                bytes_read,
                is_old,
            })
        };
        [part(next, events, true), part(next + old as u64, new, false)].into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(stream: &str, ordinal: u64, events: u64) -> Group {
        let event = |n| (n + 1, NewEvent::new("T", "{}"));
        Group {
            stream: stream.to_owned(),
            ordinal,
            events: (ordinal..ordinal + events).map(event).collect(),
            bytes: 1,
            bytes_read: 1,
        }
    }

    fn outline(planned: &[Planned]) -> Vec<(Expected, u64, usize, bool)> {
        planned.iter().map(|it| (it.expected, it.lines.0, it.events.len(), it.is_old)).collect()
    }

    #[test]
    fn a_new_stream_is_filled_from_its_start() {
        let mut places = Places::default();
        assert_eq!(outline(&places.plan(group("a", 0, 2), None)), [(Expected::NoStream, 1, 2, false)]);
        assert_eq!(outline(&places.plan(group("b", 0, 1), None)), [(Expected::NoStream, 1, 1, false)]);
        assert_eq!(outline(&places.plan(group("a", 2, 1), None)), [(Expected::Revision(1), 3, 1, false)]);
    }

    #[test]
    fn a_foreign_stream_is_appended_to() {
        let mut places = Places::default();
        let behind = Some(Place { next: 5, end: 5 });
        assert_eq!(outline(&places.plan(group("a", 0, 2), behind)), [(Expected::Revision(4), 1, 2, false)]);
        assert_eq!(outline(&places.plan(group("a", 2, 1), None)), [(Expected::Revision(6), 3, 1, false)]);
    }

    #[test]
    fn what_is_there_already_goes_in_an_append_of_its_own() {
        let mut places = Places::default();
        let begun = Some(Place { next: 2, end: 5 });
        assert_eq!(outline(&places.plan(group("a", 0, 2), begun)), [(Expected::Revision(1), 1, 2, true)]);
        let rest = places.plan(group("a", 2, 3), None);
        assert_eq!(outline(&rest), [(Expected::Revision(3), 3, 1, true), (Expected::Revision(4), 4, 2, false)]);
        assert_eq!(outline(&places.plan(group("a", 5, 1), None)), [(Expected::Revision(6), 6, 1, false)]);
    }
}
