//! Three rules that no single stream can keep, and the guards that keep them.
//!
//! [`enrolment`], [`user_names`] and [`transfer`] are made alike: `events.rs` says what may happen,
//! `decision.rs` decides, pure, and the file called after the deed talks to the store. `load.rs` has many
//! clients contend, and `check.rs` reads the log and looks whether the rule was ever broken. What the three
//! share is here: how an attempt ends, and how a load is run.

mod decided;
pub mod enrolment;
mod failure;
mod guarding;
mod load;
mod report;
pub mod transfer;
pub mod user_names;

pub use decided::{Decided, Decision};
pub use failure::Failure;
pub use guarding::Guarding;
pub use load::{Load, Tally};
pub use report::Report;
