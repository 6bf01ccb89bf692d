//! What a stream must look like, as it is typed.
//!
//! Owns the argument `--expect` of the commands that change a stream.

use quipu_client::Expected;

/// The condition on a stream.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct ExpectArgs {
    /// What the stream must look like: any, none (no event yet), exists, or the revision of its last event.
    #[arg(long, default_value = "any", value_name = "any|none|exists|N", value_parser = expected)]
    pub(super) expect: Expected,
}

fn expected(text: &str) -> Result<Expected, String> {
    match text {
        "any" => Ok(Expected::Any),
        "none" => Ok(Expected::NoStream),
        "exists" => Ok(Expected::StreamExists),
        revision => revision
            .parse()
            .map(Expected::Revision)
            .map_err(|_| "expected any, none, exists, or the revision of the stream's last event".to_owned()),
    }
}

#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod fuzzing {
    //! What is asserted of any text that is given for an expectation.

    use super::{Expected, expected};

    pub(in crate::cli) fn expectation(text: &str) {
        let words = ["any", "none", "exists"].contains(&text);
        let number = text.parse().ok().map(Expected::Revision);
        assert_eq!(expected(text).ok().filter(|_| !words), number);
        assert!(!words || expected(text).is_ok());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expectation_is_a_word_or_a_revision() {
        let cases = [
            ("any", Expected::Any),
            ("none", Expected::NoStream),
            ("exists", Expected::StreamExists),
            ("0", Expected::Revision(0)),
            ("18446744073709551615", Expected::Revision(u64::MAX)),
        ];
        for (text, meaning) in cases {
            assert_eq!(expected(text), Ok(meaning));
        }
        for text in ["", "-1", "None", "18446744073709551616"] {
            assert!(expected(text).is_err(), "{text:?}");
        }
    }
}
