//! Contracts: what an event of a type must look like, checked before it is appended and when it is read.
//!
//! Owns [`Facts`], what a family of event types says about itself, and the way into events and out of them. The
//! schema of a type is its struct, which takes no field it does not know, its version, and its rules.

use quipu_client::{NewEvent, RecordedEvent};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The event types of some kinds of aggregates. In JSON: `{"type": …, "data": …}`.
pub(crate) trait Facts: Serialize + DeserializeOwned {
    /// The kinds of aggregates that they are about: the categories of their streams.
    const CATEGORIES: &[&str];

    /// The version of the payload's shape.
    fn version(&self) -> &'static str;

    /// What the shape alone does not say; the rule that is broken.
    fn check(&self) -> Result<(), &'static str>;
}

/// Why an event is not what its contract says.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    /// The payload has another shape, or nobody knows the type.
    #[error("an event of type {event_type} is not of the shape of its type")]
    Shape {
        event_type: String,
        #[source]
        source: serde_json::Error,
    },
    /// The payload is of another edition than this program.
    #[error("an event of type {event_type} has version {found}, expected {expected}")]
    Version { event_type: String, found: String, expected: &'static str },
    /// A value is out of its range.
    #[error("an event of type {event_type} breaks a rule: {rule}")]
    Rule { event_type: String, rule: &'static str },
}

/// The fact as an event without surroundings, if it keeps its contract.
pub(crate) fn into_event<F: Facts>(fact: &F) -> Result<NewEvent, Broken> {
    let shape = |source| Broken::Shape { event_type: "unknown".to_owned(), source };
    let tagged = serde_json::to_value(fact).map_err(shape)?;
    let event_type = tagged["type"].as_str().unwrap_or_default().to_owned();
    if let Err(rule) = fact.check() {
        return Err(Broken::Rule { event_type, rule });
    }
    Ok(NewEvent::new(event_type, tagged["data"].to_string()).with_schema_version(fact.version()))
}

/// The fact that an event holds, if it keeps its contract; none for an event of another family.
pub(crate) fn read<F: Facts>(event: &RecordedEvent) -> Result<Option<F>, Broken> {
    let category = event.stream.split_once('-').map_or("", |(category, _)| category);
    if !F::CATEGORIES.contains(&category) {
        return Ok(None);
    }
    let event_type = event.event_type.clone();
    let fact = serde_json::from_slice::<Value>(&event.data)
        .and_then(|data| serde_json::from_value::<F>(json!({ "type": event_type, "data": data })));
    let fact = match fact {
        Ok(fact) => fact,
        Err(source) => return Err(Broken::Shape { event_type, source }),
    };
    if fact.version() != event.schema_version {
        let (found, expected) = (event.schema_version.clone(), fact.version());
        return Err(Broken::Version { event_type, found, expected });
    }
    match fact.check() {
        Ok(()) => Ok(Some(fact)),
        Err(rule) => Err(Broken::Rule { event_type, rule }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Assigned, OpportunityFact, Scored};
    use crate::sample::recorded;

    #[test]
    fn an_event_that_breaks_a_rule_is_not_made() {
        let scored = OpportunityFact::OpportunityScored(Scored { score: 101, model: "m".to_owned() });
        assert!(matches!(into_event(&scored), Err(Broken::Rule { .. })));
    }

    #[test]
    fn an_event_comes_back_as_the_fact_it_was_made_of() {
        let assigned = OpportunityFact::OpportunityAssigned(Assigned { owner: "ana".to_owned() });
        let event = into_event(&assigned).expect("kept");
        let event = recorded("opportunity-1", &event.event_type, &event.schema_version, &event.data);
        assert_eq!(read::<OpportunityFact>(&event).expect("kept"), Some(assigned));
    }

    #[test]
    fn an_event_of_another_shape_version_or_range_is_refused() {
        let read = |event_type, version, data: &str| {
            read::<OpportunityFact>(&recorded("opportunity-1", event_type, version, data.as_bytes()))
        };
        assert!(matches!(read("OpportunityAssigned", "1.0", "{}"), Err(Broken::Shape { .. })));
        assert!(matches!(read("OpportunityForgotten", "1.0", "{}"), Err(Broken::Shape { .. })));
        let surplus = r#"{"owner":"ana","colour":"red"}"#;
        assert!(matches!(read("OpportunityAssigned", "1.0", surplus), Err(Broken::Shape { .. })));
        assert!(matches!(read("OpportunityAssigned", "9.0", r#"{"owner":"ana"}"#), Err(Broken::Version { .. })));
        assert!(matches!(read("OpportunityAssigned", "1.0", r#"{"owner":""}"#), Err(Broken::Rule { .. })));
    }
}
