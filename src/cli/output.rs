//! Standard output, as text for people or as JSON lines for programs.
//!
//! Owns the choice of form for whatever a command prints. Nothing is seen before a flush; what is not
//! flushed when a command fails is lost.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use quipu_client::RecordedEvent;
use serde::Serialize;

use super::Error;
use super::columns::Columns;
use super::event_json::EventJson;

/// Standard output in one form.
pub(crate) struct Output {
    out: BufWriter<StdoutLock<'static>>,
    form: Form,
}

enum Form {
    Text(Columns),
    Json,
}

impl Output {
    /// Text; lines are cut to the width of the terminal, if it is one.
    pub(crate) fn text() -> Self {
        Self::new(Form::Text(Columns::new(terminal_width())))
    }

    /// One JSON value a line.
    pub(crate) fn json() -> Self {
        Self::new(Form::Json)
    }

    fn new(form: Form) -> Self {
        Self { out: BufWriter::new(io::stdout().lock()), form }
    }

    /// Prints an event.
    pub(crate) fn event(&mut self, event: &RecordedEvent) -> Result<(), Error> {
        match &mut self.form {
            Form::Text(columns) => writeln!(self.out, "{}", columns.event(event)).map_err(Error::stdout),
            Form::Json => self.json_line(&EventJson::readable(event)),
        }
    }

    /// Prints events and shows them at once.
    pub(crate) fn events(&mut self, events: &[RecordedEvent]) -> Result<(), Error> {
        events.iter().try_for_each(|event| self.event(event))?;
        self.flush()
    }

    /// Prints a value: itself as JSON, or what `text` makes of it.
    pub(crate) fn print(&mut self, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<(), Error> {
        match self.form {
            Form::Text(_) => writeln!(self.out, "{}", text()).map_err(Error::stdout),
            Form::Json => self.json_line(value),
        }
    }

    /// Shows what was printed.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        self.out.flush().map_err(Error::stdout)
    }

    fn json_line(&mut self, value: &impl Serialize) -> Result<(), Error> {
        write_json_line(&mut self.out, value).map_err(Error::stdout)
    }
}

/// Writes a value as one line of JSON.
pub(crate) fn write_json_line(out: &mut (impl Write + ?Sized), value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

fn terminal_width() -> Option<usize> {
    let stdout = io::stdout();
    if !stdout.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(&stdout).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}
