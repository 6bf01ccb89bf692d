//! The activity: a read model of agents and users, and of how much happens of what and when.
//!
//! Owns the projection [`Activity`] and its documents.

use quipu_client::{BoxError, Changes, Error, Projection, RecordedEvent};
use serde::{Deserialize, Serialize};

use crate::contract;
use crate::envelope::happened_at;
use crate::facts::{DirectoryFact, EffectFact};

/// The name of the read model.
pub(crate) const MODEL: &str = "activity";

/// The projection.
#[derive(Debug)]
pub(crate) struct Activity;

/// A document of type `agent`.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Agent {
    label: String,
    skills: Vec<String>,
    quota: u32,
    is_retired: bool,
}

/// A document of type `user`.
#[derive(Debug, Default, Serialize, Deserialize)]
struct User {
    name: String,
    role: String,
}

/// A document of type `type`, `day` or `inbox`: how many events of a type, on a day, or to a recipient.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Count {
    events: u64,
}

impl Projection for Activity {
    async fn apply(&self, event: &RecordedEvent, changes: &mut Changes) -> Result<(), BoxError> {
        count(changes, "type", &event.event_type).await?;
        count(changes, "day", &happened_at(event).format("%Y-%m-%d").to_string()).await?;
        if let Some(fact) = contract::read::<DirectoryFact>(event)? {
            directory(&event.stream, fact, changes).await?;
        }
        if let Some(EffectFact::NotificationSent(sent)) = contract::read::<EffectFact>(event)? {
            count(changes, "inbox", &sent.recipient).await?;
        }
        Ok(())
    }
}

async fn directory(stream: &str, fact: DirectoryFact, changes: &mut Changes) -> Result<(), Error> {
    match fact {
        DirectoryFact::AgentRegistered(it) => {
            let agent = Agent { label: it.label, skills: it.skills, quota: it.quota, is_retired: false };
            changes.upsert("agent", stream, &agent)
        }
        DirectoryFact::AgentRetired(_) => {
            let agent: Agent = changes.get("agent", stream).await?.unwrap_or_default();
            changes.upsert("agent", stream, &Agent { is_retired: true, ..agent })
        }
        DirectoryFact::UserInvited(it) => changes.upsert("user", stream, &User { name: it.name, role: it.role }),
        DirectoryFact::UserRoleChanged(it) => {
            let user: User = changes.get("user", stream).await?.unwrap_or_default();
            changes.upsert("user", stream, &User { role: it.role, ..user })
        }
        DirectoryFact::MemoryStored(_) | DirectoryFact::PolicyAdopted(_) => Ok(()),
    }
}

async fn count(changes: &mut Changes, doc_type: &str, id: &str) -> Result<(), Error> {
    let count: Count = changes.get(doc_type, id).await?.unwrap_or_default();
    changes.upsert(doc_type, id, &Count { events: count.events + 1 })
}
