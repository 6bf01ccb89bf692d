//! The workload: what people and agents do on the platform, the same for the same seed.
//!
//! Owns [`Workload`] and [`Order`]. It knows nothing of the store, and little of what is allowed: some commands are
//! refused, as in life. One producer in three is of an older edition and writes the shapes of then.

use chrono::{DateTime, Duration, Utc};
use quipu_client::NewEvent;
use serde_json::json;
use uuid::Uuid;

use crate::envelope::Context;
use crate::facts::{
    AgentRegistered, Assigned, DirectoryFact, Discovered, Enriched, MemoryStored, Noted, PolicyAdopted, Proposed,
    Reason, Repriced, Scored, UserInvited, UserRoleChanged, Validated,
};
use crate::notifier::VACANT;
use crate::opportunity::Command;

/// Users, and whom opportunities are assigned to.
const USERS: [&str; 5] = ["ana", "ben", "cleo", "dan", "eva"];

/// How many agents there are.
const AGENTS: u64 = 9;

/// How many events an opportunity has in the end, about.
const EVENTS_OF_ONE: u64 = 60;

/// One thing to do.
#[derive(Debug)]
pub(crate) enum Order {
    /// A decision of an opportunity.
    Decide { stream: String, command: Command, context: Context },
    /// A fact that nobody decides on.
    Note { stream: String, fact: DirectoryFact, context: Context },
    /// An event of an older producer, which begins its stream.
    Old { stream: String, event: NewEvent },
}

/// Orders without end. The first ones fill the directory.
#[derive(Debug)]
pub(crate) struct Workload {
    chance: Chance,
    /// Which opportunities are discovered.
    discovered: Vec<bool>,
    issued: u64,
}

/// Numbers that look like chance and are the same for the same seed.
#[derive(Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[usize::try_from(self.below(all.len() as u64)).expect("an index")]
    }
}

impl Workload {
    /// The workload of about so many events.
    pub(crate) fn new(seed: u64, events: u64) -> Self {
        let opportunities = usize::try_from((events / EVENTS_OF_ONE).max(3)).expect("few enough");
        Self { chance: Chance::new(seed), discovered: vec![false; opportunities], issued: 0 }
    }

    /// Whom and what the platform knows from the start: orders that may go in together.
    pub(crate) fn directory(&mut self) -> Vec<Order> {
        let mut orders: Vec<Order> = USERS
            .into_iter()
            .map(|name| {
                let fact = UserInvited { name: name.to_uppercase(), role: "scout".to_owned() };
                self.note(format!("user-{name}"), DirectoryFact::UserInvited(fact))
            })
            .collect();
        orders.extend((0..AGENTS).map(|agent| self.agent(agent)));
        let policy = PolicyAdopted { title: "Worth a look".to_owned(), minimum_score: 40 };
        orders.push(self.note("policy-worth".to_owned(), DirectoryFact::PolicyAdopted(policy)));
        orders
    }

    /// An agent, by a producer of each edition in turn.
    fn agent(&mut self, agent: u64) -> Order {
        let (stream, name) = (format!("agent-{agent}"), format!("Scout {agent}"));
        let (version, data) = match agent % 3 {
            0 => ("1.0", json!({ "name": name, "skills": "web, tenders,phone" })),
            1 => ("1.1", json!({ "name": name, "skills": ["web"] })),
            _ => {
                let fact = AgentRegistered { label: name, skills: vec!["tenders".to_owned()], quota: 25 };
                return self.note(stream, DirectoryFact::AgentRegistered(fact));
            }
        };
        let context = self.context("registry");
        let event = NewEvent::new("AgentRegistered", data.to_string()).with_schema_version(version);
        Order::Old { stream, event: context.surround(event, 0) }
    }

    fn note(&mut self, stream: String, fact: DirectoryFact) -> Order {
        let context = self.context("registry");
        Order::Note { stream, fact, context }
    }

    /// The context of the next order. A thing happens every seven minutes.
    fn context(&mut self, case: &str) -> Context {
        self.issued += 1;
        let command_id = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("command/{}", self.issued).as_bytes());
        let begin = DateTime::<Utc>::from_timestamp(1_767_225_600, 0).expect("in range");
        Context {
            command_id,
            user: self.chance.one_of(&USERS).to_owned(),
            source: self.chance.one_of(&["web", "api", "scout"]).to_owned(),
            correlation_id: format!("case-{case}"),
            causation_id: command_id,
            occurred_at: begin + Duration::minutes(7 * i64::try_from(self.issued).unwrap_or(i64::MAX / 7)),
        }
    }

    fn discover(&mut self, stream: String, name: &str) -> Order {
        let context = self.context(&stream);
        let (amount, sector) =
            (1_000 * (1 + self.chance.below(900)), self.chance.one_of(&["rail", "health", "energy"]));
        if self.chance.below(3) == 0 {
            let data = json!({ "name": name, "amount": amount, "sector": sector });
            let event = NewEvent::new("OpportunityDiscovered", data.to_string()).with_schema_version("1.0");
            return Order::Old { stream, event: context.surround(event, 0) };
        }
        let [title, sector] = [name, sector].map(str::to_owned);
        let (currency, priority) = (self.currency(), self.chance.one_of(&["low", "normal", "high"]).to_owned());
        let command = Command::Discover(Discovered { title, amount, currency, priority, sector });
        Order::Decide { stream, command, context }
    }

    /// Now and then one that has no rate.
    fn currency(&mut self) -> String {
        if self.chance.below(12) == 0 { "XTS" } else { self.chance.one_of(&["EUR", "USD", "GBP"]) }.to_owned()
    }

    fn command(&mut self) -> Command {
        let text = format!("text {}", self.issued);
        match self.chance.below(20) {
            0..=3 => {
                Command::Enrich(Enriched { field: self.chance.one_of(&["site", "size", "buyer"]).to_owned(), text })
            }
            4..=6 => {
                let score = u8::try_from(self.chance.below(101)).expect("at most 100");
                Command::Score(Scored { score, model: "fit-3".to_owned() })
            }
            7..=8 => Command::Validate(Validated { policy: "worth".to_owned() }),
            9 => Command::Reject(Reason { reason: text }),
            10..=11 => {
                let owner = if self.chance.below(6) == 0 { VACANT } else { self.chance.one_of(&USERS) };
                Command::Assign(Assigned { owner: owner.to_owned() })
            }
            12..=13 => {
                let amount = 1_000 * (1 + self.chance.below(900));
                Command::Reprice(Repriced { amount, currency: self.currency() })
            }
            14..=15 => Command::Note(Noted { text }),
            16 => Command::Propose(Proposed { document: text }),
            17 => Command::Win,
            18 => Command::Lose(Reason { reason: text }),
            _ => Command::Reopen(Reason { reason: text }),
        }
    }

    /// Something that happens besides opportunities.
    fn beside(&mut self) -> Order {
        match self.chance.below(4) {
            0 => {
                let role = self.chance.one_of(&["scout", "lead", "partner"]).to_owned();
                let user = self.chance.one_of(&USERS);
                self.note(format!("user-{user}"), DirectoryFact::UserRoleChanged(UserRoleChanged { role }))
            }
            1 if self.chance.below(10) == 0 => {
                let agent = self.chance.below(AGENTS);
                let reason = Reason { reason: "replaced".to_owned() };
                self.note(format!("agent-{agent}"), DirectoryFact::AgentRetired(reason))
            }
            _ => {
                let about = format!("opportunity-{}", self.chance.below(self.discovered.len() as u64));
                let text = format!("memory {}", self.issued);
                self.note(format!("memory-{about}"), DirectoryFact::MemoryStored(MemoryStored { about, text }))
            }
        }
    }
}

impl Iterator for Workload {
    type Item = Order;

    fn next(&mut self) -> Option<Order> {
        if self.chance.below(15) == 0 {
            return Some(self.beside());
        }
        let number = usize::try_from(self.chance.below(self.discovered.len() as u64)).expect("an index");
        let stream = format!("opportunity-{number}");
        if !std::mem::replace(&mut self.discovered[number], true) {
            return Some(self.discover(stream, &format!("Opportunity {number}")));
        }
        let context = self.context(&stream);
        Some(Order::Decide { stream, command: self.command(), context })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An order in words, ids and times among them.
    fn told(order: &Order) -> String {
        match order {
            Order::Decide { .. } | Order::Note { .. } => format!("{order:?}"),
            // Its metadata has no order.
            Order::Old { stream, event } => format!("{stream} {} {:?} {:?}", event.id, event.data, event.occurred_at),
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_orders_and_another_seed_others() {
        let orders = |seed| {
            let mut workload = Workload::new(seed, 600);
            let mut orders = workload.directory();
            orders.extend(workload.take(500));
            orders.iter().map(told).collect::<Vec<_>>()
        };
        assert_eq!(orders(1), orders(1));
        assert_ne!(orders(1), orders(2));
    }
}
