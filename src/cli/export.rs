//! `quipu export`: all events of the log as JSON lines, in its order.
//!
//! Importing them elsewhere gives equal events, with their ids. A read that breaks is begun again after
//! the last event that came.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};

use quipu_client::{Client, ReadAll};

use super::event_json::EventJson;
use super::output::write_json_line;
use super::progress::Progress;
use super::{ConnectionArgs, Error};

const BUFFER_BYTES: usize = 256 << 10;

/// The arguments of `export`.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// The file to write, in place of one that is there; - for standard output.
    #[arg(long, default_value = "-", value_name = "FILE|-")]
    out: String,
    /// The position to begin with.
    #[arg(long, default_value_t = 1, value_name = "POSITION")]
    from: u64,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Where the lines go.
struct Target {
    name: String,
    out: BufWriter<Box<dyn Write>>,
    file: Option<File>,
}

/// Exports everything there is when the command begins.
pub(super) async fn run(args: ExportArgs) -> Result<(), Error> {
    let client = args.connection.connect().await?;
    let head = client.server_info().await.map_err(Error::call("cannot ask the server"))?.head;
    let mut target = Target::open(&args.out)?;
    let is_among_lines = args.out == "-" && io::stdout().is_terminal();
    let events = (head + 1).saturating_sub(args.from);
    let progress = if is_among_lines { Progress::none() } else { Progress::events(events) };
    let written = write(&client, args.from, &mut target, &progress).await;
    progress.finish();
    let finished = target.finish();
    written.and(finished)
}

async fn write(client: &Client, from: u64, target: &mut Target, progress: &Progress) -> Result<(), Error> {
    let (mut next, mut events) = (from.max(1), 0);
    loop {
        let begun_at = next;
        let failed = |next| Error::call(format!("cannot read the log from position {next}"));
        let reading = client.read_all(ReadAll::new().from_position(begun_at)).await;
        let mut reading = reading.map_err(failed(begun_at))?;
        loop {
            let batch = match reading.next_batch().await {
                None => return Ok(()),
                Some(Err(error)) if error.is_retryable() && next > begun_at => break,
                Some(Err(error)) => return Err(failed(next)(error)),
                Some(Ok(batch)) => batch,
            };
            for event in &batch {
                target.write(|out| write_json_line(out, &EventJson::exact(event)))?;
                next = event.position + 1;
            }
            events += batch.len() as u64;
            progress.reached(events, events);
        }
    }
}

impl Target {
    fn open(path: &str) -> Result<Self, Error> {
        let (name, out, file): (_, Box<dyn Write>, _) = if path == "-" {
            ("standard output", Box::new(io::stdout().lock()), None)
        } else {
            let output = |source| Error::Output { to: path.to_owned(), source };
            let file = File::create(path).map_err(output)?;
            (path, Box::new(file.try_clone().map_err(output)?), Some(file))
        };
        Ok(Self { name: name.to_owned(), out: BufWriter::with_capacity(BUFFER_BYTES, out), file })
    }

    fn write(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Error> {
        write(&mut self.out).map_err(|source| Error::Output { to: self.name.clone(), source })
    }

    /// Writes out what is left; a file is on disk afterwards.
    fn finish(&mut self) -> Result<(), Error> {
        let written = self.out.flush().and_then(|()| match &self.file {
            Some(file) if file.metadata()?.is_file() => file.sync_all(),
            _ => Ok(()),
        });
        written.map_err(|source| Error::Output { to: self.name.clone(), source })
    }
}
