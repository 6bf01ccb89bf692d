//! The notifier: a reactor that tells people what concerns them.
//!
//! Owns the group [`GROUP`] and its handlers, two of them for the same type. A notice is an event whose id is made of
//! the event that it is about, so however often that is delivered, there is one. A recipient who cannot be told, as
//! the desk that nobody sits at, is passed over: this handler's errors go on.

use std::sync::Arc;
use std::time::Duration;

use quipu_client::{Client, Expected, Failure, GroupSettings, Query, QueryItem, Reactor, RecordedEvent};

use crate::contract;
use crate::envelope::Context;
use crate::facts::{EffectFact, NotificationSent, OpportunityFact};

/// The consumer group.
pub(crate) const GROUP: &str = "notifier";

/// An owner without a person.
pub(crate) const VACANT: &str = "vacant";

/// The desk that hears of every assignment and every win.
const DESK: &str = "desk";

/// What handlers are called for.
const TYPES: [&str; 2] = ["OpportunityAssigned", "OpportunityWon"];

/// The group's events.
pub(crate) fn query() -> Query {
    Query::item(QueryItem::new().types(TYPES))
}

/// The reactor, not running yet.
pub(crate) fn reactor(client: &Client) -> Reactor {
    let settings = GroupSettings::new()
        .query(query())
        .ack_timeout(Duration::from_secs(5))
        .backoff(Duration::from_millis(50), Duration::from_secs(1));
    let mut builder = Reactor::builder(client, GROUP).settings(settings);
    // The desk hears first: what passes an event over ends it.
    for event_type in TYPES {
        let to_desk = client.clone();
        builder = builder.on(event_type, move |event| tell_desk(to_desk.clone(), event));
    }
    let to_owner = client.clone();
    builder.on("OpportunityAssigned", move |event| tell_owner(to_owner.clone(), event)).build()
}

async fn tell_owner(client: Client, event: Arc<RecordedEvent>) -> Result<(), Failure> {
    match contract::read::<OpportunityFact>(&event)? {
        Some(OpportunityFact::OpportunityAssigned(it)) if it.owner == VACANT => Err(Failure::Skip),
        Some(OpportunityFact::OpportunityAssigned(it)) => tell(&client, &event, &it.owner, "it is yours").await,
        _ => Err(Failure::park("it has no owner")),
    }
}

async fn tell_desk(client: Client, event: Arc<RecordedEvent>) -> Result<(), Failure> {
    tell(&client, &event, DESK, &event.event_type).await
}

async fn tell(client: &Client, event: &RecordedEvent, recipient: &str, subject: &str) -> Result<(), Failure> {
    let sent =
        NotificationSent { recipient: recipient.to_owned(), subject: subject.to_owned(), about: event.id.to_string() };
    let context = Context::reaction(event, GROUP, recipient);
    let events = context.record(&[EffectFact::NotificationSent(sent)])?;
    client.append(&format!("notification-{recipient}"), Expected::Any, events).await?;
    Ok(())
}
