//! The rules: what may be appended, what is seen, and in which order.
//!
//! A [`Store`] is one tenant's log with everything that is derived from it. One thread writes; reads
//! and subscriptions take what is published and never wait for it.
//!
//! | file | owns |
//! |---|---|
//! | `store` | the façade: what the doors may ask |
//! | `writer` | the one writer: drain, decide, commit, publish, answer |
//! | `transaction` | what can be asked to go in together |
//! | `group` | one group commit in the making: the verdict on each request |
//! | `bookkeeping` | the verdicts on snapshots, lives of streams, checkpoints and notes |
//! | `guards` | the one evaluator of guards |
//! | `staged` | what a group would change |
//! | `repeats` | requests whose events went in before |
//! | `idempotency` | which events were appended lately |
//! | `heads` | the last revision and the life of each stream |
//! | `checkpoints` | the positions of named consumers |
//! | `notes` | small values that the store keeps for services of its own |
//! | `consumers` | groups whose members share the work of one reactor |
//! | `recent` | a ring of the newest blocks, shared by live subscribers |
//! | `backup` | the log at one moment, for a copy elsewhere |
//! | `checking` | checks of the log while the store goes on |
//! | `read` | events by position, by revision, by id |
//! | `select` | events by query and by time |
//! | `life_cycle` | what a stream's metadata, deletion and tombstone hide |
//! | `folding` | the state of a stream, folded from its events |
//! | `policies` | snapshots that the store saves by itself |
//! | `read_models` | what projectors make of events |
//! | `watchers` | who waits for which events |
//! | `subscription` | the one loop behind every subscription |
//! | `controls` | snapshots and checkpoints on their way to the shelf |
//! | `open` | from a directory to a running store |
//! | `scrub` | reads sealed files that nobody reads |
//! | `tenants` | which stores are open |
//! | `home` | the data directory: its lock and its format |

mod backup;
mod bookkeeping;
mod checking;
mod checkpoints;
pub mod consumers;
mod controls;
mod error;
pub mod folding;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod group;
mod guards;
mod heads;
pub mod home;
mod idempotency;
mod life_cycle;
mod notes;
mod open;
mod policies;
pub mod read;
mod read_models;
mod recent;
mod repeats;
mod scrub;
pub mod select;
mod staged;
#[allow(clippy::module_inception, reason = "the façade of the room bears its name")]
mod store;
mod subscription;
mod tenants;
mod transaction;
mod watchers;
mod writer;

#[cfg(test)]
mod tests;

pub use backup::{Backup, Manifest, ManifestSegment, Part};
pub use checking::Check;
pub use controls::SnapshotInfo;
pub use error::{Actual, Error, Found};
pub use heads::StreamHead;
pub use home::Home;
pub use life_cycle::StreamView;
pub use open::StoreOptions;
pub use policies::check_policy;
pub use scrub::{Scrub, ScrubOptions};
pub use store::{Condition, Pending, Store, StreamInfo};
pub use subscription::{Message, Start, Subscription};
pub use tenants::{Absent, Tenants};
pub use transaction::{
    Append, Appended, Checkpoint, CheckpointAdvance, CheckpointChange, LifeChange, LifeEvent, Transacted, Transaction,
};
