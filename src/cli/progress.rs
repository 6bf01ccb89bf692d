//! How far a long command has got, on a terminal.
//!
//! Owns the bar on standard error. Where that is no terminal, nothing is drawn.

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

const BYTES: &str = "{wide_bar} {bytes}/{total_bytes}  {msg}  {eta} left";
const EVENTS: &str = "{wide_bar} {msg}  {eta} left";
const UNKNOWN: &str = "{spinner} {bytes}  {msg}";
const LINE: &str = "{elapsed}  {msg}";

/// A progress bar.
pub(super) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Progress through so many bytes, or through an unknown number.
    pub(super) fn bytes(total: Option<u64>) -> Self {
        match total {
            Some(total) => Self::new(ProgressBar::new(total), BYTES),
            None => Self::new(ProgressBar::new_spinner(), UNKNOWN),
        }
    }

    /// Progress through so many events.
    pub(super) fn events(total: u64) -> Self {
        Self::new(ProgressBar::new(total), EVENTS)
    }

    /// A line of words beside the time that went by.
    pub(super) fn line() -> Self {
        Self::new(ProgressBar::new_spinner(), LINE)
    }

    /// No progress to be seen.
    pub(super) fn none() -> Self {
        Self { bar: ProgressBar::hidden() }
    }

    fn new(bar: ProgressBar, template: &str) -> Self {
        let style = ProgressStyle::with_template(template);
        Self { bar: bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())) }
    }

    /// Takes note of a place in the file, and of how many events were dealt with.
    pub(super) fn reached(&self, place: u64, events: u64) {
        if self.bar.is_hidden() {
            return;
        }
        let seconds = self.bar.elapsed().as_secs_f64().max(0.001);
        let rate = (events as f64 / seconds) as u64;
        self.bar.set_message(format!("{} events, {}/s", HumanCount(events), HumanCount(rate)));
        self.bar.set_position(place);
    }

    /// Takes note of a place, where no events are counted.
    pub(super) fn at(&self, place: u64) {
        self.bar.set_position(place);
    }

    /// Whether anybody sees it.
    pub(super) fn is_seen(&self) -> bool {
        !self.bar.is_hidden()
    }

    /// Changes the words.
    pub(super) fn say(&self, words: String) {
        self.bar.set_message(words);
        self.bar.tick();
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
