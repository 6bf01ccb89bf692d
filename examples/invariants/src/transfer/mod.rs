//! Transfers: money moves between two accounts, none is lost, and no account is overdrawn.
//!
//! Each account is a stream. A transfer appends to both in one transaction, so it is there as a whole or not
//! at all, and expects each to be as it was when it was read. Its events have ids that follow from its own,
//! so one whose outcome is unknown can be made again and moves the money once.

mod check;
mod decision;
mod events;
mod load;
mod settle;

pub use decision::{Account, Refusal, Transfer, decide};
pub use events::Event;
pub use load::run;
pub use settle::{open, settle};
