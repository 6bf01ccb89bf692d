//! The audit trail: everything that happened to an aggregate in a range of time, and by whose doing.
//!
//! Owns [`trail`].

use std::ops::Range;

use chrono::{DateTime, Utc};
use quipu_client::{Client, Error, ReadStream};

use crate::envelope::{Envelope, happened_at};

/// The stream's events that happened in the range, in their order, each with all that surrounds it.
pub(crate) async fn trail(client: &Client, stream: &str, range: Range<DateTime<Utc>>) -> Result<Vec<Envelope>, Error> {
    let mut reading = client.read_stream(ReadStream::new(stream)).await?;
    let mut trail = Vec::new();
    while let Some(event) = reading.next().await {
        let event = event?;
        if range.contains(&happened_at(&event)) {
            trail.push(Envelope::of(&event)?);
        }
    }
    Ok(trail)
}
