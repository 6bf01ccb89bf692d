//! Unique user names: no two users have the same name at the same time.
//!
//! Each user has a stream, and the events of a name carry its tag, whoever they belong to. The newest of
//! them says who has the name, so a guard that no newer one has come is all that uniqueness takes. For a
//! name that nobody ever had this is a guard that there is none at all: claiming it needs no read.

mod check;
mod claim;
mod decision;
mod events;
mod load;

pub use claim::{claim, release, rename};
pub use decision::{Refusal, Standing};
pub use events::Event;
pub use load::run;
