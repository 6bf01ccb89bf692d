//! The log as it was at one moment, for a copy elsewhere, while the store goes on.
//!
//! Nothing is held up: what is copied is durable and never changes again, and each piece is read when somebody
//! wants it. A copy that is not read on costs open files and no thread.

use std::sync::Arc;

use super::Error;
use super::store::Store;
use crate::log::Pinned;
use crate::log::export::{Export, Hash, Held, Piece};
use crate::model::{Position, Timestamp};

/// What a copy of the log consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Identifies the log.
    pub log_id: u128,
    /// The newest format of its segments.
    pub format: u16,
    /// The position of the last event.
    pub head: Position,
    /// The slot of the last block; 0 when there is none.
    pub slot: u64,
    /// When the last event was committed, if there is one.
    pub last_recorded_at: Option<Timestamp>,
    /// The segments, oldest first.
    pub segments: Vec<ManifestSegment>,
}

/// A segment of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestSegment {
    /// Its number.
    pub number: u32,
    /// Its file's name.
    pub name: String,
    /// How much of it belongs to the copy.
    pub bytes: u64,
    /// The hash of that, once it is known.
    pub hash: Option<Hash>,
}

/// What comes next of a copy.
#[derive(Debug)]
pub enum Part {
    /// Bytes of a segment: its number, where they belong, and they themselves.
    Bytes(u32, u64, bytes::Bytes),
    /// The end: what the copy consists of, with all hashes.
    Manifest(Manifest),
}

/// A copy in the making.
#[derive(Debug)]
pub struct Backup {
    store: Arc<Store>,
    plan: Manifest,
    /// `None` when it has come to its end.
    export: Option<Export>,
}

impl Store {
    /// Begins a copy of the log up to here, for somebody who has these parts of it.
    ///
    /// # Errors
    /// When the store stops, or its disk fails.
    pub async fn backup(self: &Arc<Self>, held: Vec<Held>) -> Result<Backup, Error> {
        let pinned = self.pin().await?;
        let head = pinned.reach.position;
        let last = self.reader.aside(move |reader| Ok((head > Position::ZERO).then(|| reader.event_at(head))));
        let last_recorded_at = last.await?.transpose()?.map(|event| event.recorded_at());
        let plan = plan(&pinned, self.log_id, last_recorded_at);
        Ok(Backup { store: self.clone(), plan, export: Some(Export::new(pinned, held)) })
    }

    /// The log as it is now, once everybody may see its last event.
    pub(super) async fn pin(&self) -> Result<Pinned, Error> {
        let pinned = self.reader.pin();
        let mut head = self.head.clone();
        // A block is durable before it is shown, and its events can be asked for only then.
        tokio::select! {
            shown = head.wait_for(|head| *head >= pinned.reach.position) => {
                drop(shown.map_err(|_| self.why_gone())?);
                Ok(pinned)
            }
            () = self.stopped() => Err(self.why_gone()),
        }
    }
}

fn plan(pinned: &Pinned, log_id: u128, last_recorded_at: Option<Timestamp>) -> Manifest {
    let segment = |(index, segment): (usize, &Arc<crate::log::segment::Segment>)| {
        let (number, name) = (segment.header.number, segment.header.file_name());
        ManifestSegment { number, name, bytes: pinned.bytes_of(index), hash: None }
    };
    Manifest {
        log_id,
        format: pinned.segments.iter().map(|segment| segment.header.format).max().unwrap_or_default(),
        head: pinned.reach.position,
        slot: pinned.reach.slot.0,
        last_recorded_at,
        segments: pinned.segments.iter().enumerate().map(segment).collect(),
    }
}

impl Backup {
    /// What the copy will consist of.
    pub fn plan(&self) -> &Manifest {
        &self.plan
    }

    /// The next part; `None` behind the manifest.
    ///
    /// # Errors
    /// When the store stops, its disk fails, or a segment is damaged. Nothing comes after that.
    pub async fn next(&mut self) -> Result<Option<Part>, Error> {
        while let Some(mut export) = self.export.take() {
            self.store.check_serving()?;
            let step = self.store.reader.aside(move |_| {
                let piece = export.step()?;
                Ok((export, piece))
            });
            let (export, piece) = step.await?;
            match piece {
                Piece::Known => self.export = Some(export),
                Piece::Bytes { number, offset, bytes } => {
                    self.export = Some(export);
                    return Ok(Some(Part::Bytes(number, offset, bytes)));
                }
                Piece::End(hashes) => {
                    let mut manifest = self.plan.clone();
                    for (segment, hash) in manifest.segments.iter_mut().zip(hashes) {
                        segment.hash = Some(hash);
                    }
                    return Ok(Some(Part::Manifest(manifest)));
                }
            }
        }
        Ok(None)
    }
}
