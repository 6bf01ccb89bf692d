//! The portfolio: a read model of opportunities, how many there are at each stage, and who owns what.
//!
//! Owns the projection [`Portfolio`] and its documents. What an opportunity's document says is changed together with
//! what is counted of it, in one write with the position.

use quipu_client::{BoxError, Changes, Error, Projection, RecordedEvent};
use serde::{Deserialize, Serialize};

use crate::contract;
use crate::facts::OpportunityFact;
use crate::opportunity::Stage;

/// The name of the read model.
pub(crate) const MODEL: &str = "portfolio";

/// The projection.
#[derive(Debug)]
pub(crate) struct Portfolio;

/// A document of type `opportunity`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Entry {
    title: String,
    stage: Stage,
    amount: u64,
    currency: String,
    priority: String,
    owner: Option<String>,
    score: Option<u8>,
    notes: u64,
    reopened: u64,
    events: u64,
}

/// A document of type `stage`, or of type `owner`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Count {
    opportunities: u64,
}

impl Projection for Portfolio {
    async fn apply(&self, event: &RecordedEvent, changes: &mut Changes) -> Result<(), BoxError> {
        let Some(fact) = contract::read::<OpportunityFact>(event)? else { return Ok(()) };
        let before: Entry = changes.get("opportunity", &event.stream).await?.unwrap_or_default();
        let after = Entry { events: before.events + 1, ..before.clone() }.with(fact);
        if before.stage != after.stage {
            if before.stage != Stage::Unknown {
                count(changes, "stage", &name(before.stage), -1).await?;
            }
            count(changes, "stage", &name(after.stage), 1).await?;
        }
        if before.owner != after.owner {
            for (owner, by) in [(&before.owner, -1), (&after.owner, 1)] {
                if let Some(owner) = owner {
                    count(changes, "owner", owner, by).await?;
                }
            }
        }
        changes.upsert("opportunity", &event.stream, &after)?;
        Ok(())
    }
}

impl Entry {
    fn with(mut self, fact: OpportunityFact) -> Self {
        match fact {
            OpportunityFact::OpportunityDiscovered(it) => {
                (self.title, self.amount, self.currency) = (it.title, it.amount, it.currency);
                (self.priority, self.stage) = (it.priority, Stage::Discovered);
            }
            OpportunityFact::OpportunityEnriched(_) => {}
            OpportunityFact::OpportunityScored(it) => self.score = Some(it.score),
            OpportunityFact::OpportunityValidated(_) => self.stage = Stage::Validated,
            OpportunityFact::OpportunityRejected(_) => self.stage = Stage::Rejected,
            OpportunityFact::OpportunityAssigned(it) => self.owner = Some(it.owner),
            OpportunityFact::OpportunityRepriced(it) => (self.amount, self.currency) = (it.amount, it.currency),
            OpportunityFact::OpportunityNoted(_) => self.notes += 1,
            OpportunityFact::OpportunityProposed(_) => self.stage = Stage::Proposed,
            OpportunityFact::OpportunityWon(_) => self.stage = Stage::Won,
            OpportunityFact::OpportunityLost(_) => self.stage = Stage::Lost,
            OpportunityFact::OpportunityReopened(_) => {
                (self.stage, self.reopened) = (Stage::Discovered, self.reopened + 1)
            }
        }
        self
    }
}

/// A stage as documents name it.
fn name(stage: Stage) -> String {
    format!("{stage:?}").to_lowercase()
}

/// Counts a document up or down; it goes with the last one counted.
async fn count(changes: &mut Changes, doc_type: &str, id: &str, by: i64) -> Result<(), Error> {
    let count: Count = changes.get(doc_type, id).await?.unwrap_or_default();
    let opportunities = count.opportunities.saturating_add_signed(by);
    if opportunities == 0 {
        changes.delete(doc_type, id);
        return Ok(());
    }
    changes.upsert(doc_type, id, &Count { opportunities })
}
