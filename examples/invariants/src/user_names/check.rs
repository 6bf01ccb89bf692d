//! Whether the log keeps names unique.
//!
//! Owns [`broken`], which goes through all events of all names in the order of the log. Pure.

use std::collections::HashMap;

use super::events::Event;

/// Where the events break the rule, a line each.
pub(super) fn broken(events: &[Event]) -> Vec<String> {
    let mut holders: HashMap<&str, &str> = HashMap::new();
    let mut broken = Vec::new();
    for event in events {
        match event {
            Event::Claimed { user, name } => {
                if let Some(holder) = holders.insert(name, user) {
                    broken.push(format!("{name} is {holder}'s and was given to {user}"));
                }
            }
            Event::Released { user, name } => {
                let holder = holders.remove(name.as_str());
                if holder != Some(user) {
                    broken.push(format!("{name} was given up by {user} and is {}'s", holder.unwrap_or("nobody")));
                }
            }
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_break_the_rule_is_seen() {
        let (name, ada, bob) = ("quipu".to_owned(), "ada".to_owned(), "bob".to_owned());
        let claimed = |user: &String| Event::Claimed { user: user.clone(), name: name.clone() };
        let released = |user: &String| Event::Released { user: user.clone(), name: name.clone() };
        assert!(broken(&[claimed(&ada), released(&ada), claimed(&bob), released(&bob)]).is_empty());
        assert_eq!(broken(&[claimed(&ada), claimed(&bob)]), ["quipu is ada's and was given to bob"]);
        assert_eq!(broken(&[claimed(&ada), released(&bob)]), ["quipu was given up by bob and is ada's"]);
        assert_eq!(broken(&[released(&ada)]), ["quipu was given up by ada and is nobody's"]);
    }
}
