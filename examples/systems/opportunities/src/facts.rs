//! All that can happen on the platform: 18 types of facts, and 3 that its reactors add.
//!
//! Owns the families [`OpportunityFact`], [`DirectoryFact`] and [`EffectFact`] with their payloads, and the rules
//! that go beyond the payloads' shapes. Amounts are in cents.

use serde::{Deserialize, Serialize};

use crate::contract::Facts;

/// Declares payloads: plain data that takes no unknown field.
macro_rules! payloads {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ty),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub(crate) struct $name { $(pub(crate) $field: $kind),* }
        )*
    };
}

/// What happens to an opportunity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
#[expect(clippy::enum_variant_names, reason = "the names are the event types")]
pub(crate) enum OpportunityFact {
    OpportunityDiscovered(Discovered),
    OpportunityEnriched(Enriched),
    OpportunityScored(Scored),
    OpportunityValidated(Validated),
    OpportunityRejected(Reason),
    OpportunityAssigned(Assigned),
    OpportunityRepriced(Repriced),
    OpportunityNoted(Noted),
    OpportunityProposed(Proposed),
    OpportunityWon(Won),
    OpportunityLost(Reason),
    OpportunityReopened(Reason),
}

/// What happens to agents, users, memories and policies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub(crate) enum DirectoryFact {
    AgentRegistered(AgentRegistered),
    AgentRetired(Reason),
    UserInvited(UserInvited),
    UserRoleChanged(UserRoleChanged),
    MemoryStored(MemoryStored),
    PolicyAdopted(PolicyAdopted),
}

/// What the reactors add.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub(crate) enum EffectFact {
    NotificationSent(NotificationSent),
    AmountConverted(AmountConverted),
    AlertRaised(AlertRaised),
}

payloads! {
    /// Version 2.0. In 1.0 the title was a `name`, and there were neither currency nor priority.
    Discovered { title: String, amount: u64, currency: String, priority: String, sector: String }
    Enriched { field: String, text: String }
    /// From 0 to 100.
    Scored { score: u8, model: String }
    Validated { policy: String }
    Reason { reason: String }
    Assigned { owner: String }
    Repriced { amount: u64, currency: String }
    Noted { text: String }
    Proposed { document: String }
    Won { amount: u64 }

    /// Version 2.0. In 1.1 the label was a `name`, and there was no quota; in 1.0 the skills were one text with
    /// commas.
    AgentRegistered { label: String, skills: Vec<String>, quota: u32 }
    UserInvited { name: String, role: String }
    UserRoleChanged { role: String }
    MemoryStored { about: String, text: String }
    PolicyAdopted { title: String, minimum_score: u8 }

    /// Of which event, and to whom.
    NotificationSent { recipient: String, subject: String, about: String }
    AmountConverted { euro_cents: u64, rate_per_mille: u64, about: String }
    /// An event that a consumer group has given up.
    AlertRaised { group: String, about: String, reason: String }
}

impl Facts for OpportunityFact {
    const CATEGORIES: &[&str] = &["opportunity"];

    fn version(&self) -> &'static str {
        if matches!(self, Self::OpportunityDiscovered(_)) { "2.0" } else { "1.0" }
    }

    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::OpportunityDiscovered(it) => {
                filled(&it.title, "the title is empty").and_then(|()| code(&it.currency))
            }
            Self::OpportunityEnriched(it) => filled(&it.field, "the field is empty"),
            Self::OpportunityScored(it) if it.score > 100 => Err("a score is at most 100"),
            Self::OpportunityScored(it) => filled(&it.model, "the model is empty"),
            Self::OpportunityValidated(it) => filled(&it.policy, "the policy is empty"),
            Self::OpportunityRejected(it) | Self::OpportunityLost(it) | Self::OpportunityReopened(it) => {
                filled(&it.reason, "the reason is empty")
            }
            Self::OpportunityAssigned(it) => filled(&it.owner, "the owner is empty"),
            Self::OpportunityRepriced(it) => code(&it.currency),
            Self::OpportunityNoted(it) => filled(&it.text, "the text is empty"),
            Self::OpportunityProposed(it) => filled(&it.document, "the document is empty"),
            Self::OpportunityWon(_) => Ok(()),
        }
    }
}

impl Facts for DirectoryFact {
    const CATEGORIES: &[&str] = &["agent", "user", "memory", "policy"];

    fn version(&self) -> &'static str {
        if matches!(self, Self::AgentRegistered(_)) { "2.0" } else { "1.0" }
    }

    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::AgentRegistered(it) if it.skills.iter().any(String::is_empty) => Err("a skill has a name"),
            Self::AgentRegistered(it) => filled(&it.label, "the label is empty"),
            Self::AgentRetired(it) => filled(&it.reason, "the reason is empty"),
            Self::UserInvited(it) => {
                filled(&it.name, "the name is empty").and_then(|()| filled(&it.role, "the role is empty"))
            }
            Self::UserRoleChanged(it) => filled(&it.role, "the role is empty"),
            Self::MemoryStored(it) => filled(&it.text, "the text is empty"),
            Self::PolicyAdopted(it) if it.minimum_score > 100 => Err("a score is at most 100"),
            Self::PolicyAdopted(it) => filled(&it.title, "the title is empty"),
        }
    }
}

impl Facts for EffectFact {
    const CATEGORIES: &[&str] = &["notification", "valuation", "alert"];

    fn version(&self) -> &'static str {
        "1.0"
    }

    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::NotificationSent(it) => filled(&it.recipient, "the recipient is empty"),
            Self::AmountConverted(it) if it.rate_per_mille == 0 => Err("a rate is not zero"),
            Self::AmountConverted(_) => Ok(()),
            Self::AlertRaised(it) => filled(&it.group, "the group is empty"),
        }
    }
}

fn filled(text: &str, rule: &'static str) -> Result<(), &'static str> {
    if text.is_empty() { Err(rule) } else { Ok(()) }
}

fn code(currency: &str) -> Result<(), &'static str> {
    let is_code = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase());
    if is_code { Ok(()) } else { Err("a currency is three capital letters") }
}
