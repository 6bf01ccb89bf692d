//! What the read models must be: a plain fold over the log as it is stored.
//!
//! Owns [`portfolio`], [`activity`] and [`types`]. It shares nothing with the projections, contracts or migrators: it
//! works on JSON, and knows the old shapes itself.

use std::collections::BTreeMap;

use quipu_client::RecordedEvent;
use serde_json::{Value, json};

use super::Documents;

/// The documents of the portfolio.
pub(crate) fn portfolio(log: &[RecordedEvent]) -> Documents {
    let mut all: BTreeMap<&str, Value> = BTreeMap::new();
    for event in log.iter().filter(|event| event.stream.starts_with("opportunity-")) {
        let data = data(event);
        let empty = || json!({ "owner": null, "score": null, "notes": 0, "reopened": 0 });
        let it = all.entry(&event.stream).or_insert_with(empty);
        it["events"] = json!(it["events"].as_u64().unwrap_or(0) + 1);
        match event.event_type.trim_start_matches("Opportunity") {
            "Discovered" => {
                it["title"] = data.get("title").unwrap_or(&data["name"]).clone();
                it["amount"] = data["amount"].clone();
                it["currency"] = data.get("currency").cloned().unwrap_or(json!("EUR"));
                it["priority"] = data.get("priority").cloned().unwrap_or(json!("normal"));
                it["stage"] = json!("discovered");
            }
            "Repriced" => {
                it["amount"] = data["amount"].clone();
                it["currency"] = data["currency"].clone();
            }
            "Scored" => it["score"] = data["score"].clone(),
            "Assigned" => it["owner"] = data["owner"].clone(),
            "Noted" => it["notes"] = json!(it["notes"].as_u64().unwrap_or(0) + 1),
            "Reopened" => {
                it["stage"] = json!("discovered");
                it["reopened"] = json!(it["reopened"].as_u64().unwrap_or(0) + 1);
            }
            stage @ ("Validated" | "Rejected" | "Proposed" | "Won" | "Lost") => {
                it["stage"] = json!(stage.to_lowercase());
            }
            _ => {}
        }
    }
    let mut documents = Documents::new();
    for (stream, it) in all {
        for field in ["stage", "owner"] {
            if let Some(value) = it[field].as_str() {
                let count = documents.entry(key(field, value)).or_insert(json!({ "opportunities": 0 }));
                count["opportunities"] = json!(count["opportunities"].as_u64().unwrap_or(0) + 1);
            }
        }
        documents.insert(key("opportunity", stream), it);
    }
    documents
}

/// The documents of the activity.
pub(crate) fn activity(log: &[RecordedEvent]) -> Documents {
    let mut documents = Documents::new();
    for event in log {
        let data = data(event);
        count(&mut documents, "type", &event.event_type);
        let day = event.occurred_at.unwrap_or(event.recorded_at).date_naive();
        count(&mut documents, "day", &day.to_string());
        match event.event_type.as_str() {
            "AgentRegistered" => {
                let skills = match data["skills"].as_str() {
                    Some(list) => json!(list.split(',').map(str::trim).collect::<Vec<_>>()),
                    None => data["skills"].clone(),
                };
                let label = data.get("label").unwrap_or(&data["name"]);
                let quota = data.get("quota").cloned().unwrap_or(json!(10));
                let agent = json!({ "label": label, "skills": skills, "quota": quota, "is_retired": false });
                documents.insert(key("agent", &event.stream), agent);
            }
            "AgentRetired" => {
                documents.entry(key("agent", &event.stream)).and_modify(|it| it["is_retired"] = json!(true));
            }
            "UserInvited" => drop(documents.insert(key("user", &event.stream), data)),
            "UserRoleChanged" => {
                documents.entry(key("user", &event.stream)).and_modify(|it| it["role"] = data["role"].clone());
            }
            "NotificationSent" => count(&mut documents, "inbox", data["recipient"].as_str().unwrap_or_default()),
            _ => {}
        }
    }
    documents
}

/// How many events there are of each type.
pub(crate) fn types(log: &[RecordedEvent]) -> Documents {
    let mut documents = Documents::new();
    for event in log {
        let count = documents.entry(key("type", &event.event_type)).or_insert(json!(0));
        *count = json!(count.as_u64().unwrap_or(0) + 1);
    }
    documents
}

fn count(documents: &mut Documents, doc_type: &str, id: &str) {
    let count = documents.entry(key(doc_type, id)).or_insert(json!({ "events": 0 }));
    count["events"] = json!(count["events"].as_u64().unwrap_or(0) + 1);
}

fn key(doc_type: &str, id: &str) -> (String, String) {
    (doc_type.to_owned(), id.to_owned())
}

fn data(event: &RecordedEvent) -> Value {
    serde_json::from_slice(&event.data).unwrap_or_default()
}
