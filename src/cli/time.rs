//! Times and spans of time, as they are typed and shown.
//!
//! Owns the two notations of a moment, a date or RFC 3339, and the one of a span: a number and a unit.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};

/// The units of a span, in seconds.
const UNITS: [(&str, u64); 5] = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400), ("w", 604_800)];

/// The moment that an argument names: of a date, its midnight in UTC.
pub(super) fn moment(argument: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(date) = argument.parse::<NaiveDate>() {
        return Ok(date.and_time(NaiveTime::MIN).and_utc());
    }
    DateTime::parse_from_rfc3339(argument)
        .map(|time| time.to_utc())
        .map_err(|_| "expected a date such as 2011-03-01, or a time such as 2011-03-01T08:30:00Z".to_owned())
}

/// The span that an argument names, such as `30d`; never none at all.
pub(super) fn span(argument: &str) -> Result<Duration, String> {
    let digits = argument.find(|c: char| !c.is_ascii_digit()).unwrap_or(argument.len());
    let (number, unit) = argument.split_at(digits);
    let unit = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, seconds)| *seconds);
    let seconds = number.parse::<u64>().ok().zip(unit).and_then(|(number, unit)| number.checked_mul(unit));
    seconds
        .filter(|seconds| *seconds > 0)
        .map(Duration::from_secs)
        .ok_or_else(|| "expected a number above 0 and s, m, h, d or w, such as 90s or 30d".to_owned())
}

/// A moment for people.
pub(super) fn shown(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_date_or_a_time() {
        let cases = [
            ("2011-03-01", "2011-03-01T00:00:00.000Z"),
            ("2011-03-01T08:30:00Z", "2011-03-01T08:30:00.000Z"),
            ("2011-03-01T08:30:00.25+02:00", "2011-03-01T06:30:00.250Z"),
        ];
        for (argument, meaning) in cases {
            assert_eq!(moment(argument).map(shown).as_deref(), Ok(meaning));
        }
        for argument in ["", "2011", "2011-02-30", "2011-03-01T08:30:00", "yesterday", "-1"] {
            assert!(moment(argument).is_err(), "{argument:?}");
        }
    }

    #[test]
    fn a_span_is_a_number_and_a_unit() {
        for (argument, seconds) in [("90s", 90), ("5m", 300), ("2h", 7_200), ("30d", 2_592_000), ("1w", 604_800)] {
            assert_eq!(span(argument), Ok(Duration::from_secs(seconds)));
        }
        for argument in ["", "d", "30", "0d", "-1d", "1.5h", "1 d", "3y", "18446744073709551615w"] {
            assert!(span(argument).is_err(), "{argument:?}");
        }
    }
}
