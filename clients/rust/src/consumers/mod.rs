//! Consumer groups: several members share the work of one reader.
//!
//! Owns [`Group`], the handle of one group, and the calls that make, change and look after it. What a group
//! is like is in `settings.rs` and `status.rs`, taking part in one in `consumer.rs`, `fetch.rs` and
//! `settlement.rs`, what it has set aside in `parked.rs`.

mod consumer;
mod fetch;
mod parked;
mod settings;
mod settlement;
mod status;

pub use consumer::{Consumer, ConsumerMessage, Settler};
pub use parked::ParkedEvent;
pub use settings::{GroupOrder, GroupSettings, GroupStart};
pub use settlement::{Delivery, Nack, NackAction, NotSettled, NotSettledReason, Settled, Settlement};
pub use status::{ConsumerGroup, GroupCounts, GroupMember, OldestUnsettled};

use crate::listing::{Listing, PAGE_SIZE, entries};
use crate::streams::next_page;
use crate::{Client, Error, proto};

/// One consumer group, by its name; it need not be there yet. Clones are cheap.
#[derive(Clone, Debug)]
pub struct Group {
    client: Client,
    name: String,
}

impl Client {
    /// The consumer group of this name, for all calls about it.
    pub fn group(&self, name: impl Into<String>) -> Group {
        Group { client: self.clone(), name: name.into() }
    }

    /// The consumer groups whose names begin with `prefix`, in the order of their names.
    pub fn groups(&self, prefix: impl Into<String>) -> Listing<ConsumerGroup> {
        let (client, prefix) = (self.clone(), prefix.into());
        Listing::new(move |page_token| {
            let request = proto::ConsumersListRequest { prefix: prefix.clone(), page_size: PAGE_SIZE, page_token };
            let client = client.clone();
            async move {
                let page = client.call(Client::consumers, request, |mut api, it| async move { api.list(it).await });
                let page = page.await?;
                Ok((entries(page.groups)?, next_page(page.next_page_token)))
            }
        })
    }
}

/// All calls are retried while the server is unavailable, and fail with [`Error::GroupNotFound`] when there is
/// no group of this name.
impl Group {
    /// The group's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes the group. One that is there with the same settings is left as it is. [`Error::GroupExists`] when
    /// its settings are others, [`Error::BeyondEnd`] when it is to begin beyond the head.
    pub async fn create(&self, settings: GroupSettings, start: GroupStart) -> Result<ConsumerGroup, Error> {
        let request = proto::ConsumersCreateRequest {
            name: self.name.clone(),
            settings: Some(settings.try_into()?),
            start: Some(start.into()),
        };
        let made = self.client.call(Client::consumers, request, |mut api, it| async move { api.create(it).await });
        there(made.await?.group)
    }

    /// Changes the group's settings, all of them; query and order must be as they were.
    pub async fn update(&self, settings: GroupSettings) -> Result<ConsumerGroup, Error> {
        let request = proto::ConsumersUpdateRequest { name: self.name.clone(), settings: Some(settings.try_into()?) };
        let changed = self.client.call(Client::consumers, request, |mut api, it| async move { api.update(it).await });
        there(changed.await?.group)
    }

    /// Deletes the group with what it has parked; the calls of its members end with
    /// [`Error::GroupNotFound`], which is also what a retry meets after a first try that worked.
    pub async fn delete(&self) -> Result<(), Error> {
        let request = proto::ConsumersDeleteRequest { name: self.name.clone() };
        self.client.call(Client::consumers, request, |mut api, it| async move { api.delete(it).await }).await?;
        Ok(())
    }

    /// How the group is doing; none when there is none of this name.
    pub async fn get(&self) -> Result<Option<ConsumerGroup>, Error> {
        let request = proto::ConsumersGetRequest { name: self.name.clone() };
        let found = self.client.call(Client::consumers, request, |mut api, it| async move { api.get(it).await });
        match found.await {
            Ok(answer) => there(answer.group).map(Some),
            Err(Error::GroupNotFound | Error::TenantNotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Stops deliveries. What is in flight may still be settled.
    pub async fn pause(&self) -> Result<(), Error> {
        let request = proto::ConsumersPauseRequest { name: self.name.clone() };
        self.client.call(Client::consumers, request, |mut api, it| async move { api.pause(it).await }).await?;
        Ok(())
    }

    /// Goes on with deliveries.
    pub async fn resume(&self) -> Result<(), Error> {
        let request = proto::ConsumersResumeRequest { name: self.name.clone() };
        self.client.call(Client::consumers, request, |mut api, it| async move { api.resume(it).await }).await?;
        Ok(())
    }

    /// Begins anew at another place; returns the position up to which everything counts as settled. What is in
    /// flight or waits for another try is forgotten, what is parked stays.
    pub async fn reset(&self, start: GroupStart) -> Result<u64, Error> {
        let request = proto::ConsumersResetRequest { name: self.name.clone(), start: Some(start.into()) };
        let begun = self.client.call(Client::consumers, request, |mut api, it| async move { api.reset(it).await });
        Ok(begun.await?.settled_position)
    }
}

fn there(group: Option<proto::ConsumerGroup>) -> Result<ConsumerGroup, Error> {
    group.ok_or_else(|| Error::InvalidResponse("the group is missing".to_owned()))?.try_into()
}
