//! The switch of the tests.
//!
//! Owns [`Guarding`]: with it, a test takes the guards away and sees the rule broken, which shows that the
//! guards are what keeps it. A program of your own has no such switch.

use quipu_client::{Expected, Guard};

/// Whether guards go along with what is appended. `Off` exists for tests only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guarding {
    /// As it should be.
    On,
    /// Nothing is guarded, and the rule breaks.
    Off,
}

impl Guarding {
    /// These guards.
    pub(crate) fn guards<const N: usize>(self, guards: [Guard; N]) -> Vec<Guard> {
        match self {
            Self::On => guards.into(),
            Self::Off => Vec::new(),
        }
    }

    /// This expectation.
    pub(crate) fn expected(self, expected: Expected) -> Expected {
        match self {
            Self::On => expected,
            Self::Off => Expected::Any,
        }
    }
}
