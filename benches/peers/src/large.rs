//! One peer with a large log.
//!
//! Owns the turn that each peer has after the rounds: it fills an empty directory, reads all of it, reads short
//! streams of it while they are in memory, and reads such streams again from a server that was stopped and has started
//! over files of which the page cache has nothing.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::footprint::LargeFootprint;
use crate::lab::Lab;
use crate::machine::{bytes_on_disk, evict};
use crate::payload::PAYLOAD_BYTES;
use crate::peer::{Peer, Site};
use crate::server::Server;
use crate::table::{Column, rows_of};
use crate::workload::{FILL_CLIENTS, Kind, Row, STREAM_EVENTS, Sample};

/// How often each row but the fill is measured.
pub(crate) const SAMPLES: usize = 3;

const FILL: Row = Row { kind: Kind::Fill, load: FILL_CLIENTS };

const LARGE_LOG: Row = Row { kind: Kind::LargeLog, load: 1 };

/// One peer with a log of so many streams.
pub(crate) struct Turn<'a> {
    /// The peer.
    pub(crate) peer: &'a dyn Peer,
    /// Where it runs.
    pub(crate) site: &'a Site,
    /// How long reads of streams are measured each time.
    pub(crate) length: Duration,
    /// Streams that are made and read.
    pub(crate) streams: u64,
}

impl Turn<'_> {
    /// Measures the rows that concern a large log. What they need is done even if its own row is not chosen.
    pub(crate) async fn take(&self, rows: &[Row], column: &mut Column) -> Result<()> {
        let events = self.streams * STREAM_EVENTS as u64;
        let server = Server::start(self.peer, self.site, None).await?;
        let lab = self.lab(server).await?;
        note(rows, column, FILL, measure(&lab, FILL).await?);
        let filled = lab.server.memory();
        for _ in 0..SAMPLES {
            let sample = measure(&lab, LARGE_LOG).await?;
            ensure!(sample.events == Some(events), "{:?} events were read, {events} are there", sample.events);
            note(rows, column, LARGE_LOG, sample);
        }
        for (_, row) in rows_of(rows, Kind::Warm) {
            for _ in 0..SAMPLES {
                note(rows, column, *row, measure(&lab, *row).await?);
            }
        }
        let disk = bytes_on_disk(&self.site.data) as f64 / (events * PAYLOAD_BYTES as u64) as f64;
        let mut footprint = LargeFootprint { filled, read: lab.server.memory(), disk, starts: Vec::new() };
        lab.close().await?;
        for (_, row) in rows_of(rows, Kind::Cold) {
            for _ in 0..SAMPLES {
                evict(&self.site.data).context("evict")?;
                let start = Instant::now();
                let lab = self.lab(Server::start_again(self.peer, self.site).await?).await?;
                // Who listens does not yet answer.
                lab.read_one().await?;
                footprint.starts.push(start.elapsed().as_secs_f64());
                note(rows, column, *row, measure(&lab, *row).await?);
                lab.close().await?;
            }
        }
        column.large = Some(footprint);
        Ok(())
    }

    async fn lab(&self, server: Server) -> Result<Lab<'_>> {
        Lab::around(server, (self.peer, self.site), self.length, self.streams).await
    }
}

async fn measure(lab: &Lab<'_>, row: Row) -> Result<Sample> {
    let sample = lab.measure(row).await.with_context(|| row.label())?;
    eprintln!("  {}: {:.0} {}/s", row.label(), sample.per_second, row.unit());
    Ok(sample)
}

/// Takes down a figure, if its row is chosen.
fn note(rows: &[Row], column: &mut Column, row: Row, sample: Sample) {
    if let Some(number) = rows.iter().position(|other| *other == row) {
        column.samples.entry(number).or_default().push(sample);
    }
}
