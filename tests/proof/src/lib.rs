//! What all fault campaigns share: a history of what clients asked for, were told and were shown, and a checker
//! that judges it against the log that was found in the end.
//!
//! ```text
//!   a campaign, or a simulation          history                 checker
//!     clients ask, faults happen   -->   operations, views  -->  violations
//! ```

pub mod checker;
pub mod history;
