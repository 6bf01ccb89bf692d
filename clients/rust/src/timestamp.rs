//! Times on the wire and in the program.
//!
//! Owns the conversion between protobuf timestamps and `chrono` times. A time that the server must
//! set and that is missing or out of range is an invalid response.

use chrono::{DateTime, Utc};
use prost_types::Timestamp;

use crate::Error;

/// A time that must be set; `what` names it in the error.
pub(crate) fn required(time: Option<Timestamp>, what: &str) -> Result<DateTime<Utc>, Error> {
    optional(time, what)?.ok_or_else(|| Error::InvalidResponse(format!("{what} is missing")))
}

/// A time that may be unset; `what` names it in the error.
pub(crate) fn optional(time: Option<Timestamp>, what: &str) -> Result<Option<DateTime<Utc>>, Error> {
    let Some(time) = time else { return Ok(None) };
    u32::try_from(time.nanos)
        .ok()
        .and_then(|nanos| DateTime::from_timestamp(time.seconds, nanos))
        .map(Some)
        .ok_or_else(|| Error::InvalidResponse(format!("{what} is out of range")))
}

/// A time as it goes over the wire.
pub(crate) fn to_wire(time: DateTime<Utc>) -> Timestamp {
    // A leap second has up to 1,999,999,999 ns in chrono, which protobuf does not allow.
    let nanos = time.timestamp_subsec_nanos().min(999_999_999);
    Timestamp { seconds: time.timestamp(), nanos: i32::try_from(nanos).expect("less than 10^9 fits") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_over_the_wire_and_back() {
        for (seconds, nanos) in [(0, 0), (-1, 999_999_999), (1_700_000_000, 123_456_789)] {
            let wire = Timestamp { seconds, nanos };
            let time = required(Some(wire), "time").expect("in range");
            assert_eq!(to_wire(time), wire);
        }
    }

    #[test]
    fn refuses_what_is_no_time() {
        assert!(required(None, "time").is_err());
        assert!(optional(Some(Timestamp { seconds: 0, nanos: -1 }), "time").is_err());
        assert!(optional(Some(Timestamp { seconds: i64::MAX, nanos: 0 }), "time").is_err());
    }
}
