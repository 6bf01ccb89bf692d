//! Migrators: facts of older editions in the shapes of today.
//!
//! Owns the upcasters that the platform's clients read with. They work on what is read, when it is read, one step
//! after the other; what is stored stays as it was written.

use quipu_client::{Client, Error, Upcasters};
use serde_json::{Value, json};

/// The same client, reading old facts in the shapes of today.
pub(crate) fn migrating(client: &Client) -> Result<Client, Error> {
    Ok(client.with_upcasters(migrators()?))
}

/// Every step there is.
pub(crate) fn migrators() -> Result<Upcasters, Error> {
    Upcasters::new()
        .add("OpportunityDiscovered", "1.0", "2.0", discovered_2_0)?
        .add("AgentRegistered", "1.0", "1.1", registered_1_1)?
        .add("AgentRegistered", "1.1", "2.0", registered_2_0)
}

/// The name became the title; currency and priority came up.
fn discovered_2_0(mut payload: Value) -> Value {
    rename(&mut payload, "name", "title");
    default(&mut payload, "currency", json!("EUR"));
    default(&mut payload, "priority", json!("normal"));
    payload
}

/// The text with commas became an array.
fn registered_1_1(mut payload: Value) -> Value {
    let skills = payload["skills"].as_str().unwrap_or_default();
    let skills: Vec<&str> = skills.split(',').map(str::trim).filter(|skill| !skill.is_empty()).collect();
    payload["skills"] = json!(skills);
    payload
}

/// The name became the label; the quota came up.
fn registered_2_0(mut payload: Value) -> Value {
    rename(&mut payload, "name", "label");
    default(&mut payload, "quota", json!(10));
    payload
}

fn rename(payload: &mut Value, from: &str, to: &str) {
    if let Some(fields) = payload.as_object_mut()
        && let Some(value) = fields.remove(from)
    {
        fields.insert(to.to_owned(), value);
    }
}

fn default(payload: &mut Value, field: &str, value: Value) {
    if let Some(fields) = payload.as_object_mut() {
        fields.entry(field).or_insert(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::recorded;

    fn migrated(event_type: &str, version: &str, data: &Value) -> (String, Value) {
        let event = recorded("agent-1", event_type, version, data.to_string().as_bytes());
        let event = migrators().expect("no loop").apply(event).expect("migrated");
        (event.schema_version.clone(), event.json().expect("JSON"))
    }

    #[test]
    fn a_field_is_renamed_and_others_come_with_defaults() {
        let (version, data) =
            migrated("OpportunityDiscovered", "1.0", &json!({ "name": "Bridge", "amount": 5, "sector": "rail" }));
        assert_eq!(version, "2.0");
        let today =
            json!({ "title": "Bridge", "amount": 5, "sector": "rail", "currency": "EUR", "priority": "normal" });
        assert_eq!(data, today);
    }

    #[test]
    fn a_comma_list_becomes_an_array_and_goes_on_to_the_next_version() {
        let (version, data) = migrated("AgentRegistered", "1.0", &json!({ "name": "Scout", "skills": "web, tenders" }));
        assert_eq!(version, "2.0", "1.0 to 1.1 to 2.0");
        assert_eq!(data, json!({ "label": "Scout", "skills": ["web", "tenders"], "quota": 10 }));
        let (version, again) =
            migrated("AgentRegistered", "1.1", &json!({ "name": "Scout", "skills": ["web", "tenders"] }));
        assert_eq!((version.as_str(), again), ("2.0", data), "from the middle of the chain");
    }

    #[test]
    fn a_fact_of_today_stays_as_it_is() {
        let data = json!({ "label": "Scout", "skills": [], "quota": 3 });
        assert_eq!(migrated("AgentRegistered", "2.0", &data), ("2.0".to_owned(), data));
    }
}
