//! Whether the log keeps the money.
//!
//! Owns [`broken`], which goes through all events of all accounts in the order of the log. Pure.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::events::Event;

/// Where the events break the rule, a line each. Each event comes with its stream.
pub(super) fn broken(events: &[(&str, Event)]) -> Vec<String> {
    let mut balances: BTreeMap<&str, i64> = BTreeMap::new();
    let mut moves: BTreeMap<Uuid, Vec<i64>> = BTreeMap::new();
    let (mut opened, mut broken) = (0, Vec::new());
    for (account, event) in events {
        let balance = balances.entry(account).or_default();
        *balance += event.change();
        if *balance < 0 {
            broken.push(format!("{account} is at {balance} cents"));
        }
        match event.transfer() {
            Some(transfer) => moves.entry(transfer).or_default().push(event.change()),
            None => opened += event.change(),
        }
    }
    for (transfer, moves) in moves {
        if !matches!(moves[..], [withdrawn, deposited] if withdrawn <= 0 && withdrawn + deposited == 0) {
            broken.push(format!("transfer {transfer} moved {moves:?}"));
        }
    }
    let sum: i64 = balances.values().sum();
    if sum != opened {
        broken.push(format!("all accounts together have {sum} cents, and had {opened}"));
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::events::Move;

    #[test]
    fn every_way_to_break_the_rule_is_seen() {
        let moved = |cents| Move { transfer: Uuid::nil(), cents };
        let start = [("a", Event::Opened(5)), ("b", Event::Opened(0))];
        let with = |more: &[(&'static str, Event)]| broken(&[&start, more].concat());
        let (withdrawn, deposited) = (("a", Event::Withdrawn(moved(5))), ("b", Event::Deposited(moved(5))));
        assert!(with(&[withdrawn, deposited]).is_empty());

        let half = with(&[withdrawn]);
        assert!(half[0].ends_with("moved [-5]") && half[1].ends_with("have 0 cents, and had 5"), "{half:?}");
        let twice = with(&[withdrawn, deposited, withdrawn, deposited]);
        assert!(twice[0] == "a is at -5 cents" && twice[1].ends_with("moved [-5, 5, -5, 5]"), "{twice:?}");
        assert_eq!(twice.len(), 2);
    }
}
