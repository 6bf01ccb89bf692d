//! What the reactors must have done: each thing once, whatever was killed.
//!
//! Owns [`differences`]. What must have come of an event is told from the log as it is stored.

use std::collections::{BTreeMap, BTreeSet};

use quipu_client::{BoxError, Client, RecordedEvent};
use serde_json::Value;

use crate::valuation;

/// What was done, about which event.
type Effect = (String, String);

/// Where what was done is not what must have been, a line each.
pub(crate) async fn differences(client: &Client, log: &[RecordedEvent]) -> Result<Vec<String>, BoxError> {
    let (mut wanted, mut unconverted) = (BTreeSet::new(), BTreeSet::new());
    let mut done = BTreeMap::<Effect, u64>::new();
    for event in log {
        let data: Value = serde_json::from_slice(&event.data)?;
        let id = event.id.to_string();
        let mut want = |what: String| wanted.insert((what, id.clone()));
        let text = |field: &str| data[field].as_str().unwrap_or_default().to_owned();
        let did = match event.event_type.as_str() {
            "OpportunityAssigned" => {
                want("tell desk".to_owned());
                if text("owner") != "vacant" {
                    want(format!("tell {}", text("owner")));
                }
                continue;
            }
            "OpportunityWon" => {
                want("tell desk".to_owned());
                continue;
            }
            "OpportunityDiscovered" | "OpportunityRepriced" => {
                if text("currency") == "XTS" {
                    want("alert valuation".to_owned());
                    unconverted.insert(id.clone());
                } else {
                    want("convert".to_owned());
                }
                continue;
            }
            "NotificationSent" => format!("tell {}", text("recipient")),
            "AmountConverted" => "convert".to_owned(),
            "AlertRaised" => format!("alert {}", text("group")),
            _ => continue,
        };
        *done.entry((did, text("about"))).or_default() += 1;
    }
    let parked = client.group(valuation::GROUP).parked().collect().await?;
    let parked: BTreeSet<String> = parked.iter().map(|it| it.event.id.to_string()).collect();
    let missing = wanted.iter().filter(|effect| !done.contains_key(effect)).map(|it| format!("not done: {it:?}"));
    let surplus = done.iter().filter(|(effect, times)| **times > 1 || !wanted.contains(effect));
    let surplus = surplus.map(|(effect, times)| format!("done {times} times: {effect:?}"));
    let aside = parked.symmetric_difference(&unconverted).map(|id| format!("parked or not, wrongly: {id}"));
    Ok(missing.chain(surplus).chain(aside).collect())
}
