//! The rules: what may be appended, what is seen, and in which order.
//!
//! A [`Store`] is one tenant's log with everything that is derived from it. One thread writes; reads
//! and subscriptions take what is published and never wait for it.
//!
//! | file | owns |
//! |---|---|
//! | `store` | the façade: what the doors may ask |
//! | `writer` | the one writer: drain, decide, commit, publish, answer |
//! | `group` | one group commit in the making: the guards' verdict on each request |
//! | `idempotency` | which events were appended lately |
//! | `heads` | the last revision of each stream |
//! | `recent` | a ring of the newest blocks, shared by live subscribers |
//! | `read` | events by position, by revision, by id |
//! | `subscription` | the one loop behind every subscription |
//! | `snapshots` | snapshots: found by the directory, kept by the log |
//! | `open` | from a directory to a running store |
//! | `tenants` | which stores are open |
//! | `home` | the data directory: its lock and its format |

mod error;
mod group;
mod heads;
pub mod home;
mod idempotency;
mod open;
pub mod read;
mod recent;
mod snapshots;
#[allow(clippy::module_inception, reason = "the façade of the room bears its name")]
mod store;
mod subscription;
mod tenants;
mod writer;

#[cfg(test)]
mod tests;

pub use error::Error;
pub use home::Home;
pub use open::StoreOptions;
pub use snapshots::SnapshotInfo;
pub use store::{Append, Appended, Condition, Pending, Store, StreamInfo};
pub use subscription::{Message, Start, Subscribed, Subscription};
pub use tenants::{Absent, Tenants};
