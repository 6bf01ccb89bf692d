//! What surrounds every fact: who wanted it, from where, by which command, and what it belongs to.
//!
//! Owns [`Context`] and how it goes into an event and comes out again. Event ids are made of the command's id, so
//! a command that is issued again appends nothing again.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use quipu_client::{NewEvent, RecordedEvent};
use serde::Serialize;
use uuid::Uuid;

use crate::contract::{Broken, Facts, into_event};

/// Where facts come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Context {
    /// The command that led to the facts.
    pub(crate) command_id: Uuid,
    /// On whose behalf.
    pub(crate) user: String,
    /// The part of the platform that appended them.
    pub(crate) source: String,
    /// What the whole conversation shares.
    pub(crate) correlation_id: String,
    /// The command or event that led to the facts.
    pub(crate) causation_id: Uuid,
    /// When it happened.
    pub(crate) occurred_at: DateTime<Utc>,
}

/// An event with everything around it, as the audit trail tells it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Envelope {
    pub(crate) id: String,
    #[serde(rename = "type")]
    pub(crate) event_type: String,
    pub(crate) version: String,
    pub(crate) occurred_at: DateTime<Utc>,
    pub(crate) aggregate_type: String,
    pub(crate) aggregate_id: String,
    /// Counted from 1.
    pub(crate) sequence: u64,
    pub(crate) correlation_id: String,
    pub(crate) causation_id: String,
    pub(crate) user: String,
    pub(crate) source: String,
    pub(crate) command_id: String,
    pub(crate) payload: serde_json::Value,
}

impl Context {
    /// The context of what `source` does about an event: its command is named after the event, so that it is the
    /// same however often the event is delivered.
    pub(crate) fn reaction(event: &RecordedEvent, source: &str, what: &str) -> Self {
        Self {
            command_id: Uuid::new_v5(&event.id, format!("{source}/{what}").as_bytes()),
            user: "system".to_owned(),
            source: source.to_owned(),
            correlation_id: event.correlation_id.clone(),
            causation_id: event.id,
            occurred_at: happened_at(event),
        }
    }

    /// The facts as events to append, checked against their contracts.
    pub(crate) fn record<F: Facts>(&self, facts: &[F]) -> Result<Vec<NewEvent>, Broken> {
        facts.iter().enumerate().map(|(at, fact)| Ok(self.surround(into_event(fact)?, at))).collect()
    }

    /// Puts the context around the event at this place of the command's.
    pub(crate) fn surround(&self, event: NewEvent, at: usize) -> NewEvent {
        event
            .with_id(Uuid::new_v5(&self.command_id, at.to_string().as_bytes()))
            .with_correlation_id(&self.correlation_id)
            .with_causation_id(self.causation_id)
            .with_metadata("user", &self.user)
            .with_metadata("source", &self.source)
            .with_metadata("command_id", self.command_id)
            .with_tag(format!("user:{}", self.user))
            .occurred_at(self.occurred_at)
    }
}

impl Envelope {
    /// Everything about an event.
    pub(crate) fn of(event: &RecordedEvent) -> Result<Self, quipu_client::Error> {
        let (aggregate_type, aggregate_id) = event.stream.split_once('-').unwrap_or(("", &event.stream));
        let text = |metadata: &HashMap<String, String>, key| metadata.get(key).cloned().unwrap_or_default();
        Ok(Self {
            id: event.id.to_string(),
            event_type: event.event_type.clone(),
            version: event.schema_version.clone(),
            occurred_at: happened_at(event),
            aggregate_type: aggregate_type.to_owned(),
            aggregate_id: aggregate_id.to_owned(),
            sequence: event.revision + 1,
            correlation_id: event.correlation_id.clone(),
            causation_id: event.causation_id.clone(),
            user: text(&event.metadata, "user"),
            source: text(&event.metadata, "source"),
            command_id: text(&event.metadata, "command_id"),
            payload: event.json()?,
        })
    }
}

/// When it happened, which is when it was recorded for events that do not say.
pub(crate) fn happened_at(event: &RecordedEvent) -> DateTime<Utc> {
    event.occurred_at.unwrap_or(event.recorded_at)
}
