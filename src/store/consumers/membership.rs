//! What a member's door holds: its line to the group, given up when the door closes.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::deliveries::{Deliveries, Outcome};
use super::group::Group;
use super::members::{Ear, SETTLEMENTS_MAX, Told};
use crate::model::{GivenName, Position};
use crate::store::{Error, Store};

/// A member of a group that listens all the time. Dropping it gives back what it has.
#[derive(Debug)]
pub struct Membership {
    link: Link,
    ear: Ear,
}

/// What a member says. Cheap to clone; only [`Membership`] ends it.
#[derive(Debug, Clone)]
pub struct Link {
    group: Arc<Group>,
    store: Arc<Store>,
    member: GivenName,
    serial: u64,
    /// How many more settlements it may not have heard of.
    unheard: Arc<Semaphore>,
}

impl Membership {
    pub(super) fn new(group: Arc<Group>, store: Arc<Store>, member: GivenName, ear: Ear) -> Self {
        let unheard = Arc::new(Semaphore::new(SETTLEMENTS_MAX));
        Self { link: Link { group, store, member, serial: ear.serial, unheard }, ear }
    }

    /// How to say something.
    pub fn link(&self) -> Link {
        self.link.clone()
    }

    /// The next thing to hear; `None` when the member is out of the group and has heard everything.
    pub async fn next(&mut self) -> Option<Told> {
        let told = self.ear.next().await;
        // A member that has taken what was there may get more.
        self.link.group.changed.notify_one();
        told
    }
}

impl Link {
    /// Settles deliveries. What became of it is heard when it is durable. Waits while the member has not heard of
    /// many settlements.
    ///
    /// # Errors
    /// When the store stops, or the group is gone.
    pub async fn settle(&self, outcomes: Vec<(Position, Outcome)>) -> Result<(), Error> {
        let permit = self.unheard.clone().acquire_owned().await.map_err(Error::internal)?;
        self.group.settle(&self.store, &self.member, Some((self.serial, permit)), outcomes).map(drop)
    }

    /// Changes how many events the member wants to have in flight.
    ///
    /// # Errors
    /// As [`Self::settle`].
    pub fn set_credits(&self, credits: usize) -> Result<(), Error> {
        self.change(|deliveries| deliveries.members.set_credits(&self.member, credits))
    }

    /// Settles no more: what the member has is given back, and its line ends once it has heard everything.
    ///
    /// # Errors
    /// As [`Self::settle`].
    pub fn release(&self) -> Result<(), Error> {
        let (now, time) = (Instant::now(), self.store.clock.now());
        self.change(|deliveries| deliveries.release(&self.member, now, time))
    }

    /// Changes the group, as long as the member is in it.
    fn change(&self, change: impl FnOnce(&mut Deliveries)) -> Result<(), Error> {
        self.group.change(&self.store, |inner| {
            if inner.deliveries.members.is_there(&self.member, self.serial) {
                change(&mut inner.deliveries);
            }
        })
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let (now, time) = (Instant::now(), self.link.store.clock.now());
        // An error means that the store stops or the group is gone: then it has no members either.
        drop(self.link.change(|deliveries| deliveries.leave(&self.link.member, now, time)));
    }
}
