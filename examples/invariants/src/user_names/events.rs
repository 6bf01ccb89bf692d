//! What happens to names, and under which tag.
//!
//! Owns [`Event`], its way into the store and out of it, and the query for the events of a name.

use quipu_client::{NewEvent, Query, QueryItem, RecordedEvent};
use serde::{Deserialize, Serialize};

use crate::Failure;

const CLAIMED: &str = "NameClaimed";
const RELEASED: &str = "NameReleased";

/// Something that happened to a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// From now on the user has the name.
    Claimed {
        /// Who.
        user: String,
        /// Which name.
        name: String,
    },
    /// From now on the name is free.
    Released {
        /// Who had it.
        user: String,
        /// Which name.
        name: String,
    },
}

/// The payload of both.
#[derive(Serialize, Deserialize)]
struct Naming {
    user: String,
    name: String,
}

/// The user has the name.
pub(super) fn claimed(user: &str, name: &str) -> Result<NewEvent, Failure> {
    event(CLAIMED, user, name)
}

/// The user has the name no longer.
pub(super) fn released(user: &str, name: &str) -> Result<NewEvent, Failure> {
    event(RELEASED, user, name)
}

fn event(event_type: &str, user: &str, name: &str) -> Result<NewEvent, Failure> {
    let naming = Naming { user: user.to_owned(), name: name.to_owned() };
    Ok(NewEvent::json(event_type, &naming)?.with_tag(tag(name)))
}

impl TryFrom<&RecordedEvent> for Event {
    type Error = Failure;

    fn try_from(event: &RecordedEvent) -> Result<Self, Failure> {
        let Naming { user, name } = event.json()?;
        match event.event_type.as_str() {
            CLAIMED => Ok(Self::Claimed { user, name }),
            RELEASED => Ok(Self::Released { user, name }),
            other => Err(Failure::Foreign(other.to_owned())),
        }
    }
}

/// The events of a name.
pub(super) fn of_name(name: &str) -> Query {
    Query::item(QueryItem::new().types([CLAIMED, RELEASED]).tags([tag(name)]))
}

/// The events of all names.
pub(super) fn everything() -> Query {
    Query::item(QueryItem::new().types([CLAIMED, RELEASED]))
}

fn tag(name: &str) -> String {
    format!("username:{name}")
}
