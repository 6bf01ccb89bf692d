//! How a decision comes out, and how an attempt to act on it ended.
//!
//! Owns [`Decision`] and [`Decided`]. A rule's refusal is an answer and not an error: the reasons differ
//! from program to program, so both leave their type open.

/// What a rule says to an attempt, given the events so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision<R> {
    /// It may happen: append the events.
    Append,
    /// It has happened already: there is nothing left to do.
    Done,
    /// It may not.
    Refuse(R),
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decided<R> {
    /// Accepted, or why the rule refused.
    pub verdict: Result<(), R>,
    /// How often somebody was faster, so that it was decided again.
    pub conflicts: u64,
    /// How often it was repeated because the outcome was unknown.
    pub repeats: u64,
}

impl<R> Decided<R> {
    /// It is in the log, after so many conflicts.
    pub fn accepted(conflicts: u64) -> Self {
        Self { verdict: Ok(()), conflicts, repeats: 0 }
    }

    /// The rule refused, after so many conflicts.
    pub fn refused(refusal: R, conflicts: u64) -> Self {
        Self { verdict: Err(refusal), conflicts, repeats: 0 }
    }
}
