//! The signposts: from a term to the places of events.
//!
//! An event yields terms (its stream, its id); each segment of the log has one part of the index that
//! lists, for each term, which of the segment's events have it. The newest part lives in memory; the
//! others are immutable files beside the log, checked page by page as they are read.
//!
//! **The index is never the truth.** It can be deleted at any time, is made again from the segments
//! when it is missing or damaged, and a term is only a hash: whoever follows a signpost checks the
//! name on the event it leads to. Collisions cost time, never correctness.

mod active;
mod build;
mod candidates;
mod error;
mod filter;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod lookup;
#[cfg(test)]
mod made;
mod pages;
mod part;
mod parts;
mod places;
mod plan;
mod sealed;
mod sieve;
mod tally;
pub mod term;
#[cfg(test)]
mod tests;
mod walker;

pub use candidates::Candidates;
pub use error::Error;
pub use lookup::{Index, Located, Spread};
pub use plan::Plan;
pub use tally::{Counts, Tally};
pub use term::{Term, TermKind, Terms};
