//! What an append tracked, kept in a pair of metadata of each of its events.
//!
//! UmaDB shows it with the events. The pair's name is one that no client of this door can use, and the
//! door takes the pair out again. How far a source has got is kept elsewhere, in a checkpoint.

use crate::model::Invalid;
use crate::model::wire::{Field, Fields, put_bytes};
use crate::proto::umadb::TrackingInfo;

/// What the names of pairs begin with that are this door's own.
const RESERVED_PREFIX: &[u8] = b"$umadb.";

/// The name of the pair. It holds the position, a space, and the source.
const TRACKING_KEY: &[u8] = b"$umadb.tracking";

/// Refuses a client's pair that has a name of ours.
pub(super) fn check_pair(pair: &[u8]) -> Result<(), Invalid> {
    if key_and_value(pair)?.0.starts_with(RESERVED_PREFIX) {
        return Err(Invalid::malformed("metadata keys that start with `$umadb.` are reserved"));
    }
    Ok(())
}

/// What was tracked, as a pair.
pub(super) fn to_pair(tracking: &TrackingInfo) -> Vec<u8> {
    let mut pair = Vec::new();
    put_bytes(&mut pair, 1, TRACKING_KEY);
    put_bytes(&mut pair, 2, format!("{} {}", tracking.position, tracking.source).as_bytes());
    pair
}

/// What was tracked, if this is the pair that holds it.
pub(super) fn of_pair(pair: &[u8]) -> Result<Option<TrackingInfo>, Invalid> {
    let (key, value) = key_and_value(pair)?;
    if key != TRACKING_KEY {
        return Ok(None);
    }
    let parts = std::str::from_utf8(value).ok().and_then(|text| text.split_once(' '));
    let tracked = parts.and_then(|(position, source)| Some((position.parse().ok()?, source.to_owned())));
    Ok(tracked.map(|(position, source)| TrackingInfo { source, position }))
}

/// The key and value of a pair of metadata.
fn key_and_value(pair: &[u8]) -> Result<(&[u8], &[u8]), Invalid> {
    let (mut key, mut text): (&[u8], &[u8]) = (&[], &[]);
    for field in Fields::of(pair) {
        let Field { number, value } = field?;
        match number {
            1 => key = value.bytes()?,
            2 => text = value.bytes()?,
            _ => {}
        }
    }
    Ok((key, text))
}
