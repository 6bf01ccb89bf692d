//! Consumer groups: members share the work of one reactor.
//!
//! | file | owns |
//! |---|---|
//! | `deliveries` | which event is where: the state of a group |
//! | `lanes` | what must be dealt with one after the other |
//! | `members` | how much each member wants, what it has, how to reach it |
//! | `group` | the state behind its lock, and whoever asks for a change |
//! | `runner` | what moves a group: reading, time, notes |
//! | `progress` | how far a group has got, as notes |
//! | `membership` | what a member's door holds |
//! | `asking` | what the doors may ask about groups |
//!
//! A group's settings and progress are notes in the log. All groups are known in memory; one costs a task as
//! long as somebody takes part in it.

mod asking;
mod deliveries;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod fuzzing;
mod group;
mod lanes;
mod members;
mod membership;
mod progress;
mod runner;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use self::group::Group;
use super::Error;
use super::controls::Controls;
use crate::model::GivenName;

pub use asking::{GroupInfo, MemberInfo, OldestUnsettled, ParkedEvent};
pub use deliveries::{Counts, Delivery, NotSettled, Outcome, PARKED_MAX, Parked};
pub use group::Settled;
pub use members::Told;
pub use membership::{Link, Membership};

/// How many groups there may be.
pub const GROUPS_MAX: usize = 1000;

/// The groups of a store.
#[derive(Debug, Default)]
pub(super) struct Consumers {
    groups: RwLock<BTreeMap<GivenName, Arc<Group>>>,
    /// Held while a group is made, changed or deleted.
    changing: tokio::sync::Mutex<()>,
}

impl Consumers {
    /// The groups that were noted.
    pub(super) fn find(controls: &Controls) -> Result<Self, Error> {
        let found = progress::find(|prefix| controls.notes(prefix))?.into_iter();
        let groups = found.map(|found| {
            let group = Group::new(found.name.clone(), found.settings, found.created_at, found.progress);
            (found.name, Arc::new(group))
        });
        Ok(Self { groups: RwLock::new(groups.collect()), changing: tokio::sync::Mutex::default() })
    }

    fn get(&self, name: &GivenName) -> Result<Arc<Group>, Error> {
        let groups = self.groups.read().expect("no panic under this lock");
        groups.get(name).cloned().ok_or_else(|| Error::GroupNotFound(name.clone()))
    }
}
