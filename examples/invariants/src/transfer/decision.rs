//! Whether a transfer may be made.
//!
//! Owns [`Transfer`], [`Account`] and the rule, [`decide`]. Pure: the same events in the same order give the
//! same decision.

use uuid::Uuid;

use super::events::Event;
use crate::Decision;

/// Money to be moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Made by whoever wants it, before the first try, and kept until the outcome is known.
    pub id: Uuid,
    /// The account that it leaves.
    pub from: String,
    /// The account that it goes to.
    pub to: String,
    /// How much.
    pub cents: u64,
}

/// Why a transfer is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// One of the accounts was never opened.
    NoSuchAccount,
    /// It leaves the account that it goes to.
    SameAccount,
    /// There is not that much money.
    NotEnough,
}

/// What a transfer needs to know of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    cents: i64,
    last_revision: Option<u64>,
    knows_transfer: bool,
}

impl Account {
    /// One more event of the account is known.
    pub fn apply(&mut self, transfer: &Transfer, event: &Event, revision: u64) {
        self.cents += event.change();
        self.last_revision = Some(revision);
        self.knows_transfer |= event.transfer() == Some(transfer.id);
    }

    /// How far the account is known: the revision of its last event.
    #[must_use]
    pub fn last_revision(&self) -> Option<u64> {
        self.last_revision
    }
}

/// The rule.
#[must_use]
pub fn decide(transfer: &Transfer, from: &Account, to: &Account) -> Decision<Refusal> {
    if from.knows_transfer {
        // An earlier try went in. It counts, whatever the balance is now.
        Decision::Done
    } else if transfer.from == transfer.to {
        Decision::Refuse(Refusal::SameAccount)
    } else if from.last_revision.is_none() || to.last_revision.is_none() {
        Decision::Refuse(Refusal::NoSuchAccount)
    } else if i64::try_from(transfer.cents).is_ok_and(|cents| cents <= from.cents) {
        Decision::Append
    } else {
        Decision::Refuse(Refusal::NotEnough)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::events::Move;

    fn transfer(cents: u64) -> Transfer {
        Transfer { id: Uuid::from_u128(1), from: "ada".to_owned(), to: "bob".to_owned(), cents }
    }

    fn other(cents: u64) -> Move {
        Move { transfer: Uuid::from_u128(2), cents }
    }

    /// The decision on a transfer of so much, between accounts with these events.
    fn decision(cents: u64, from: &[Event], to: &[Event]) -> Decision<Refusal> {
        let account = |events: &[Event]| {
            let mut account = Account::default();
            (0..).zip(events).for_each(|(revision, event)| account.apply(&transfer(cents), event, revision));
            account
        };
        decide(&transfer(cents), &account(from), &account(to))
    }

    #[test]
    fn what_is_there_may_be_moved_and_no_more() {
        let from = [Event::Opened(50), Event::Deposited(other(30)), Event::Withdrawn(other(20))];
        assert_eq!(decision(60, &from, &[Event::Opened(0)]), Decision::Append);
        assert_eq!(decision(61, &from, &[Event::Opened(0)]), Decision::Refuse(Refusal::NotEnough));
        assert_eq!(decision(u64::MAX, &from, &[Event::Opened(0)]), Decision::Refuse(Refusal::NotEnough));
    }

    #[test]
    fn both_accounts_must_be_there() {
        assert_eq!(decision(0, &[], &[Event::Opened(0)]), Decision::Refuse(Refusal::NoSuchAccount));
        assert_eq!(decision(0, &[Event::Opened(0)], &[]), Decision::Refuse(Refusal::NoSuchAccount));
    }

    #[test]
    fn an_account_does_not_pay_itself() {
        let account = Account { cents: 9, last_revision: Some(0), knows_transfer: false };
        let itself = Transfer { to: "ada".to_owned(), ..transfer(1) };
        assert_eq!(decide(&itself, &account, &account), Decision::Refuse(Refusal::SameAccount));
    }

    #[test]
    fn a_transfer_that_went_in_is_done_even_when_the_money_is_gone() {
        let moved = Move { transfer: transfer(50).id, cents: 50 };
        let from = [Event::Opened(50), Event::Withdrawn(moved)];
        assert_eq!(decision(50, &from, &[Event::Opened(0), Event::Deposited(moved)]), Decision::Done);
    }
}
