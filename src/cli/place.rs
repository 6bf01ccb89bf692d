//! Positions and revisions, as they are typed.

/// The place that an argument names.
pub(super) fn place(argument: &str) -> Result<u64, String> {
    argument.parse().map_err(|_| "expected a whole number, 0 or above".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_whole_number() {
        assert_eq!((place("0"), place("18446744073709551615")), (Ok(0), Ok(u64::MAX)));
        for argument in ["", "-1", "1.5", "x", "18446744073709551616"] {
            assert!(place(argument).is_err(), "{argument:?}");
        }
    }
}
