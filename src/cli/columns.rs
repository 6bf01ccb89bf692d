//! An event as one aligned line of text.
//!
//! Owns the columns: position, stream@revision, time of the commit, type, and data for the rest of the
//! line. A column widens as wider values come, up to a limit. Control characters of a payload do not
//! reach the terminal.

use std::borrow::Cow;

use quipu_client::RecordedEvent;

use super::payload::shown;
use super::time;

const PLACE_CHARS_MAX: usize = 40;
const TYPE_CHARS_MAX: usize = 32;

/// The widths of the columns, in characters.
pub(crate) struct Columns {
    position: usize,
    place: usize,
    event_type: usize,
    /// The width of the whole line; none when it is not limited.
    line: Option<usize>,
}

impl Columns {
    /// Columns for lines of at most `line` characters.
    pub(crate) fn new(line: Option<usize>) -> Self {
        Self { position: 6, place: 12, event_type: 12, line }
    }

    /// The line of an event.
    pub(crate) fn event(&mut self, event: &RecordedEvent) -> String {
        let position = event.position.to_string();
        let place = format!("{}@{}", event.stream, event.revision);
        self.position = self.position.max(position.len());
        self.place = self.place.max(place.chars().count().min(PLACE_CHARS_MAX));
        self.event_type = self.event_type.max(event.event_type.chars().count().min(TYPE_CHARS_MAX));
        let time = time::shown(event.recorded_at);
        let line = format!(
            "{position:>0$}  {place:<1$}  {time}  {2:<3$}  {4}",
            self.position,
            self.place,
            event.event_type,
            self.event_type,
            shown(&event.data, &event.content_type),
        );
        self.cut(without_controls(&line)).into_owned()
    }

    fn cut<'a>(&self, line: Cow<'a, str>) -> Cow<'a, str> {
        match self.line {
            Some(most) if line.chars().count() > most => {
                let kept = line.chars().take(most.saturating_sub(1));
                Cow::Owned(kept.chain(['…']).collect())
            }
            _ => line,
        }
    }
}

/// The text with a space for each control character, so that it stays on its line.
pub(crate) fn without_controls(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) { Cow::Owned(text.replace(char::is_control, " ")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::super::event_json::tests::sample;
    use super::*;

    #[test]
    fn lines_are_aligned_and_cut() {
        let mut event = sample();
        let mut columns = Columns::new(Some(70));
        let first = columns.event(&event);
        assert_eq!(first, "     7  order-1@0     2026-01-02T03:04:05.678Z  OrderPlaced   {\"total…");
        assert_eq!(first.chars().count(), 70);
        event.stream = "a-longer-stream-name".to_owned();
        let second = columns.event(&event);
        event.stream = "s".to_owned();
        let third = columns.event(&event);
        assert_eq!(second.find("2026"), third.find("2026"));
    }

    #[test]
    fn a_payload_cannot_steer_the_terminal() {
        let mut event = sample();
        event.data = "\"a\u{1b}[2Jb\nc\"".into();
        let line = Columns::new(None).event(&event);
        assert!(line.ends_with("\"a [2Jb c\""), "{line}");
    }
}
