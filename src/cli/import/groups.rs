//! From lines to groups: consecutive lines of one stream, to be appended together.
//!
//! Owns the ids of lines that have none. Such an id follows from the stream, the line's ordinal within
//! its stream and the line's bytes; from nothing else, so the same file gives the same ids everywhere.
//! Which lines share a group follows from the file alone too.

use std::collections::HashMap;

use quipu_client::NewEvent;
use quipu_client::proto::Limits;
use uuid::{Uuid, uuid};

use crate::cli::Error;
use crate::cli::event_line::{EventLine, LineError};
use crate::cli::input::Lines;

/// Where the ids of imported lines come from. Never changed: a second import would not know its first.
const NAMESPACE: Uuid = uuid!("6848fe53-f1e4-458f-ad36-3f70b688b9aa");

const EVENTS_MAX: usize = 500;
const BYTES_MAX: usize = 1 << 20;

/// What an event takes in an append beyond its line, at the very most: field tags, lengths and the id.
const OVERHEAD_BYTES: usize = 128;

/// How large a group may get.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    events: usize,
    bytes: usize,
}

/// Lines of one stream that follow each other.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) stream: String,
    /// The ordinal of the first event among the stream's lines in this file.
    pub(super) ordinal: u64,
    /// Each with the number of its line.
    pub(super) events: Vec<(u64, NewEvent)>,
    /// How large it is, about.
    pub(super) bytes: usize,
    /// How many bytes of the file had been read with it.
    pub(super) bytes_read: u64,
}

impl Bounds {
    /// The bounds of this program, or narrower ones of the server.
    pub(super) fn within(limits: &Limits) -> Self {
        let least = |ours: usize, theirs: u64| match usize::try_from(theirs) {
            Ok(theirs) if theirs > 0 => ours.min(theirs),
            _ => ours,
        };
        Self { events: least(EVENTS_MAX, limits.append_events), bytes: least(BYTES_MAX, limits.append_bytes) }
    }
}

/// A line that is well formed, and what became of it.
struct Line {
    number: u64,
    stream: String,
    ordinal: u64,
    event: NewEvent,
    bytes: usize,
    bytes_read: u64,
}

impl Group {
    fn of(line: Line) -> Self {
        Self {
            stream: line.stream,
            ordinal: line.ordinal,
            events: vec![(line.number, line.event)],
            bytes: line.bytes,
            bytes_read: line.bytes_read,
        }
    }

    fn takes(&self, line: &Line, bounds: Bounds) -> bool {
        let fits = self.events.len() < bounds.events && self.bytes + line.bytes <= bounds.bytes;
        fits && self.stream == line.stream
    }

    fn put(&mut self, line: Line) {
        self.events.push((line.number, line.event));
        self.bytes += line.bytes;
        self.bytes_read = line.bytes_read;
    }
}

/// Reads to the end or to the first fault, which comes last; `give` says whether more is wanted.
pub(super) fn read(mut lines: Lines, bounds: Bounds, mut give: impl FnMut(Result<Group, Error>) -> bool) {
    let mut ordinals = HashMap::new();
    let mut open: Option<Group> = None;
    loop {
        match next(&mut lines, &mut ordinals) {
            Ok(Some(line)) => {
                let full = match &mut open {
                    Some(group) if group.takes(&line, bounds) => {
                        group.put(line);
                        None
                    }
                    _ => open.replace(Group::of(line)),
                };
                if full.is_some_and(|group| !give(Ok(group))) {
                    return;
                }
            }
            end => {
                let wanted = open.is_none_or(|group| give(Ok(group)));
                if let (true, Err(fault)) = (wanted, end) {
                    give(Err(fault));
                }
                return;
            }
        }
    }
}

/// The next line, with its place in its stream and its id.
fn next(lines: &mut Lines, ordinals: &mut HashMap<String, u64>) -> Result<Option<Line>, Error> {
    let Some((number, text)) = lines.next()? else { return Ok(None) };
    let fault = |source| Error::Line { line: number, source };
    let EventLine { stream, id_is_given, mut event } = EventLine::parse(text).map_err(fault)?;
    let stream = stream.ok_or(fault(LineError::NoStream))?;
    let ordinal = match ordinals.get_mut(&stream) {
        Some(count) => {
            *count += 1;
            *count
        }
        None => {
            ordinals.insert(stream.clone(), 0);
            0
        }
    };
    if !id_is_given {
        event.id = id_of(&stream, ordinal, text);
    }
    let bytes = text.len() + OVERHEAD_BYTES;
    Ok(Some(Line { number, stream, ordinal, event, bytes, bytes_read: lines.bytes_read() }))
}

/// The id of a line that has none.
fn id_of(stream: &str, ordinal: u64, line: &[u8]) -> Uuid {
    // No stream's name holds a zero byte, so different parts never make the same name.
    let name = [stream.as_bytes(), ordinal.to_string().as_bytes(), line].join(&0);
    Uuid::new_v5(&NAMESPACE, &name)
}

#[cfg(test)]
mod tests {
    use super::super::super::input::tests::lines;
    use super::*;

    const BOUNDS: Bounds = Bounds { events: 3, bytes: 10_000 };

    fn groups(text: &str, bounds: Bounds) -> Vec<Result<Group, Error>> {
        let mut groups = Vec::new();
        read(lines(text.as_bytes()), bounds, |group| {
            groups.push(group);
            true
        });
        groups
    }

    fn line(stream: &str, n: u64) -> String {
        format!("{{\"stream\":\"{stream}\",\"type\":\"T\",\"data\":{n}}}\n")
    }

    /// Stream, first ordinal, and the numbers of the lines.
    fn outline(groups: &[Result<Group, Error>]) -> Vec<(&str, u64, Vec<u64>)> {
        let whole = groups.iter().flatten();
        let numbers = |group: &Group| group.events.iter().map(|(number, _)| *number).collect();
        whole.map(|group| (group.stream.as_str(), group.ordinal, numbers(group))).collect()
    }

    #[test]
    fn neighbours_of_one_stream_share_a_group_within_the_bounds() {
        let text: String = "aaaabba".chars().zip(1..).map(|(stream, n)| line(&stream.to_string(), n)).collect();
        let found = groups(&text, BOUNDS);
        let expected = [("a", 0, vec![1, 2, 3]), ("a", 3, vec![4]), ("b", 0, vec![5, 6]), ("a", 4, vec![7])];
        assert_eq!(outline(&found), expected);
        let one_each = groups(&text, Bounds { bytes: 1, ..BOUNDS });
        assert_eq!(one_each.len(), 7, "a line that is too large for any group still gets one");
    }

    #[test]
    fn a_fault_comes_last_after_all_that_was_before_it() {
        let text = format!("{}{}nonsense\n{}", line("a", 1), line("b", 2), line("c", 3));
        let found = groups(&text, BOUNDS);
        assert_eq!(outline(&found), [("a", 0, vec![1]), ("b", 0, vec![2])]);
        assert!(matches!(found.last(), Some(Err(Error::Line { line: 3, .. }))), "{found:?}");
        let nameless = groups("{\"type\":\"T\",\"data\":1}", BOUNDS);
        assert!(matches!(nameless[..], [Err(Error::Line { line: 1, source: LineError::NoStream })]), "{nameless:?}");
    }

    #[test]
    fn the_id_follows_from_stream_ordinal_and_line() {
        let id = id_of("a", 0, b"{}");
        assert_eq!(id, uuid!("d60baeac-6d16-5485-bd8f-48470d9c89cc"));
        assert_eq!(id.get_version_num(), 5);
        for other in [id_of("b", 0, b"{}"), id_of("a", 1, b"{}"), id_of("a", 0, b"{ }")] {
            assert_ne!(id, other);
        }
        let twice = groups(&(line("a", 1) + &line("a", 1)), BOUNDS);
        let ids: Vec<_> = twice.iter().flatten().flat_map(|group| &group.events).map(|(_, event)| event.id).collect();
        assert_eq!(ids.len(), 2);
        assert_ne!(ids[0], ids[1], "equal lines are different events");
    }

    #[test]
    fn an_id_that_is_given_stays() {
        let text = r#"{"stream":"a","type":"T","data":1,"id":"0190163d-8694-739b-aea5-966c26f8ad91"}"#;
        let found = groups(text, BOUNDS);
        let event = &found[0].as_ref().expect("a group").events[0].1;
        assert_eq!(event.id, uuid!("0190163d-8694-739b-aea5-966c26f8ad91"));
    }
}
