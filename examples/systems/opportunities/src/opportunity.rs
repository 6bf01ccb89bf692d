//! The opportunity: what it is after its events, and what may happen to it next.
//!
//! Owns [`Opportunity`] with its fold, and [`Command`] with the decision on it. Both are pure; the client's
//! aggregate loads, appends, decides again when somebody was faster, and saves snapshots behind the append.

use quipu_client::{Aggregate, AggregateState, Client, Error, RecordedEvent};
use serde::{Deserialize, Serialize};

use crate::contract::{self, Broken};
use crate::envelope::Context;
use crate::facts::{
    Assigned, Discovered, Enriched, Noted, OpportunityFact, Proposed, Reason, Repriced, Scored, Validated, Won,
};

/// After how many events of a stream its snapshot is renewed.
pub(crate) const SNAPSHOT_EVERY: u64 = 15;

/// Below this score nothing is validated.
const MINIMUM_SCORE: u8 = 40;

/// Where an opportunity is on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stage {
    /// Nobody has heard of it.
    #[default]
    Unknown,
    Discovered,
    Validated,
    Proposed,
    Won,
    Lost,
    Rejected,
}

/// An opportunity's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Opportunity {
    pub(crate) title: String,
    pub(crate) stage: Stage,
    pub(crate) amount: u64,
    pub(crate) currency: String,
    pub(crate) owner: Option<String>,
    pub(crate) score: Option<u8>,
    pub(crate) notes: u64,
    pub(crate) enriched: Vec<String>,
}

/// What somebody wants to happen to an opportunity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Discover(Discovered),
    Enrich(Enriched),
    Score(Scored),
    Validate(Validated),
    Reject(Reason),
    Assign(Assigned),
    Reprice(Repriced),
    Note(Noted),
    Propose(Proposed),
    Win,
    Lose(Reason),
    Reopen(Reason),
}

/// Why a command is not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// The opportunity is not where the command would need it.
    #[error("not at this stage: {0:?}")]
    Stage(Stage),
    /// Nothing speaks for it yet.
    #[error("the score is below {MINIMUM_SCORE}")]
    Score,
    /// A proposal needs somebody who stands for it.
    #[error("nobody owns it")]
    Owner,
    /// A fact would break its contract.
    #[error(transparent)]
    Contract(#[from] Broken),
    /// The store did not answer, or not well.
    #[error(transparent)]
    Store(#[from] Error),
}

impl Opportunity {
    /// The aggregate of a stream.
    pub(crate) fn aggregate(client: &Client, stream: &str) -> Aggregate<Self> {
        Aggregate::new(client, stream).snapshot_every(SNAPSHOT_EVERY)
    }

    /// Has the command done in this context; returns how many events came of it.
    pub(crate) async fn execute(
        client: &Client,
        stream: &str,
        command: &Command,
        context: &Context,
    ) -> Result<u64, Refused> {
        let decide = |state: &Self| Ok(context.record(&state.decide(command.clone())?)?);
        let appended = Self::aggregate(client, stream).execute::<Refused>(decide).await?;
        Ok(appended.map_or(0, |appended| appended.last_revision - appended.first_revision + 1))
    }

    /// What comes of a command; nothing when it is so already.
    pub(crate) fn decide(&self, command: Command) -> Result<Vec<OpportunityFact>, Refused> {
        let at = |stages: &[Stage]| if stages.contains(&self.stage) { Ok(()) } else { Err(Refused::Stage(self.stage)) };
        let open = [Stage::Discovered, Stage::Validated, Stage::Proposed];
        let fact = match command {
            Command::Discover(it) => {
                at(&[Stage::Unknown])?;
                OpportunityFact::OpportunityDiscovered(it)
            }
            Command::Enrich(it) => {
                at(&open)?;
                OpportunityFact::OpportunityEnriched(it)
            }
            Command::Score(it) => {
                at(&open)?;
                return Ok(self.scored(it));
            }
            Command::Validate(it) => {
                at(&[Stage::Discovered])?;
                if self.score.is_none_or(|score| score < MINIMUM_SCORE) {
                    return Err(Refused::Score);
                }
                OpportunityFact::OpportunityValidated(it)
            }
            Command::Reject(it) => {
                at(&[Stage::Discovered, Stage::Validated])?;
                OpportunityFact::OpportunityRejected(it)
            }
            Command::Assign(it) => {
                at(&open)?;
                if self.owner.as_ref() == Some(&it.owner) {
                    return Ok(Vec::new());
                }
                OpportunityFact::OpportunityAssigned(it)
            }
            Command::Reprice(it) => {
                at(&open)?;
                OpportunityFact::OpportunityRepriced(it)
            }
            Command::Note(it) => {
                if self.stage == Stage::Unknown {
                    return Err(Refused::Stage(self.stage));
                }
                OpportunityFact::OpportunityNoted(it)
            }
            Command::Propose(it) => {
                at(&[Stage::Validated])?;
                self.owner.as_ref().ok_or(Refused::Owner)?;
                OpportunityFact::OpportunityProposed(it)
            }
            Command::Win => {
                at(&[Stage::Proposed])?;
                OpportunityFact::OpportunityWon(Won { amount: self.amount })
            }
            Command::Lose(it) => {
                at(&[Stage::Proposed])?;
                OpportunityFact::OpportunityLost(it)
            }
            Command::Reopen(it) => {
                at(&[Stage::Won, Stage::Lost, Stage::Rejected])?;
                OpportunityFact::OpportunityReopened(it)
            }
        };
        Ok(vec![fact])
    }

    /// A score that is far too low rejects at once: both go in, or neither.
    fn scored(&self, scored: Scored) -> Vec<OpportunityFact> {
        let hopeless = scored.score < 5 && self.stage == Stage::Discovered;
        let mut facts = vec![OpportunityFact::OpportunityScored(scored)];
        if hopeless {
            facts.push(OpportunityFact::OpportunityRejected(Reason { reason: "hopeless score".to_owned() }));
        }
        facts
    }

    /// Lays a fact over the state.
    fn fold(&mut self, fact: OpportunityFact) {
        match fact {
            OpportunityFact::OpportunityDiscovered(it) => {
                (self.title, self.amount, self.currency) = (it.title, it.amount, it.currency);
                self.stage = Stage::Discovered;
            }
            OpportunityFact::OpportunityEnriched(it) => self.enriched.push(it.field),
            OpportunityFact::OpportunityScored(it) => self.score = Some(it.score),
            OpportunityFact::OpportunityValidated(_) => self.stage = Stage::Validated,
            OpportunityFact::OpportunityRejected(_) => self.stage = Stage::Rejected,
            OpportunityFact::OpportunityAssigned(it) => self.owner = Some(it.owner),
            OpportunityFact::OpportunityRepriced(it) => (self.amount, self.currency) = (it.amount, it.currency),
            OpportunityFact::OpportunityNoted(_) => self.notes += 1,
            OpportunityFact::OpportunityProposed(_) => self.stage = Stage::Proposed,
            OpportunityFact::OpportunityWon(_) => self.stage = Stage::Won,
            OpportunityFact::OpportunityLost(_) => self.stage = Stage::Lost,
            OpportunityFact::OpportunityReopened(_) => self.stage = Stage::Discovered,
        }
    }
}

impl AggregateState for Opportunity {
    fn apply(&mut self, event: &RecordedEvent) -> Result<(), Error> {
        let broken = |broken: Broken| Error::HandlerFailed { position: event.position, source: broken.into() };
        if let Some(fact) = contract::read(event).map_err(broken)? {
            self.fold(fact);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(commands: impl IntoIterator<Item = Command>) -> Opportunity {
        let mut state = Opportunity::default();
        for command in commands {
            for fact in state.decide(command).expect("allowed") {
                state.fold(fact);
            }
        }
        state
    }

    fn discover() -> Command {
        let [title, currency, priority, sector] = ["Bridge", "EUR", "high", "rail"].map(str::to_owned);
        Command::Discover(Discovered { title, amount: 500, currency, priority, sector })
    }

    fn score(score: u8) -> Command {
        Command::Score(Scored { score, model: "m".to_owned() })
    }

    fn validate() -> Command {
        Command::Validate(Validated { policy: "p".to_owned() })
    }

    fn propose() -> Command {
        Command::Propose(Proposed { document: "d".to_owned() })
    }

    fn assign() -> Command {
        Command::Assign(Assigned { owner: "ana".to_owned() })
    }

    #[test]
    fn an_opportunity_goes_from_discovery_to_a_win() {
        let won = after([discover(), score(80), validate(), assign(), propose(), Command::Win]);
        assert_eq!((won.stage, won.amount, won.owner.as_deref()), (Stage::Won, 500, Some("ana")));
    }

    #[test]
    fn what_is_not_there_or_was_there_before_is_refused() {
        assert!(matches!(Opportunity::default().decide(validate()), Err(Refused::Stage(Stage::Unknown))));
        assert!(matches!(after([discover()]).decide(discover()), Err(Refused::Stage(Stage::Discovered))));
    }

    #[test]
    fn a_low_score_does_not_pass_and_a_hopeless_one_rejects_at_once() {
        assert!(matches!(after([discover(), score(39)]).decide(validate()), Err(Refused::Score)));
        assert_eq!(after([discover(), score(4)]).stage, Stage::Rejected);
    }

    #[test]
    fn a_proposal_needs_an_owner_and_an_owner_is_assigned_once() {
        assert!(matches!(after([discover(), score(80), validate()]).decide(propose()), Err(Refused::Owner)));
        assert_eq!(after([discover(), assign()]).decide(assign()).expect("allowed"), Vec::new());
    }
}
