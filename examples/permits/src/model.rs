//! The read model and the fold that makes it.
//!
//! Owns [`Model`]: what is known of each permit and each activity, and up to which position. The fold
//! is pure: the same facts in the same order give the same model, whoever reads them from wherever.
//! Maps are sorted, so the same model is the same bytes. Nothing here reads, writes or waits.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What happened to one permit: what the fold sees of an event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fact<'a> {
    /// The permit, which is the stream.
    pub(crate) permit: &'a str,
    /// The activity, which is the event's type.
    pub(crate) activity: &'a str,
    /// When it happened.
    pub(crate) at: DateTime<Utc>,
}

/// Everything that is known, up to a position of one log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Model {
    /// The log that the position belongs to.
    pub(crate) log_id: String,
    /// Everything up to here, inclusive, is folded in.
    pub(crate) position: u64,
    /// The permits by name.
    pub(crate) permits: BTreeMap<String, Permit>,
    /// How often each activity happened.
    pub(crate) activities: BTreeMap<String, u64>,
}

/// What is known of one permit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Permit {
    /// How many events there are so far.
    pub(crate) events: u64,
    /// What happened first.
    pub(crate) first_activity: String,
    /// When it happened.
    pub(crate) first_at: DateTime<Utc>,
    /// What happened last.
    pub(crate) last_activity: String,
    /// When it happened.
    pub(crate) last_at: DateTime<Utc>,
    /// Whole days from the first to the last activity.
    pub(crate) days: i64,
}

impl Model {
    /// Folds one fact in.
    pub(crate) fn fold(&mut self, fact: Fact<'_>) {
        match self.permits.get_mut(fact.permit) {
            Some(permit) => permit.fold(fact),
            None => {
                self.permits.insert(fact.permit.to_owned(), Permit::begun_by(fact));
            }
        }
        match self.activities.get_mut(fact.activity) {
            Some(count) => *count += 1,
            None => {
                self.activities.insert(fact.activity.to_owned(), 1);
            }
        }
    }

    /// Folds in the fact at `position`, once: a position that is folded in already changes nothing.
    pub(crate) fn fold_at(&mut self, position: u64, fact: Fact<'_>) {
        if position > self.position {
            self.fold(fact);
            self.position = position;
        }
    }
}

impl Permit {
    fn begun_by(fact: Fact<'_>) -> Self {
        Self {
            events: 1,
            first_activity: fact.activity.to_owned(),
            first_at: fact.at,
            last_activity: fact.activity.to_owned(),
            last_at: fact.at,
            days: 0,
        }
    }

    fn fold(&mut self, fact: Fact<'_>) {
        self.events += 1;
        if self.last_activity != fact.activity {
            fact.activity.clone_into(&mut self.last_activity);
        }
        self.last_at = fact.at;
        self.days = (self.last_at - self.first_at).num_days();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact<'a>(permit: &'a str, activity: &'a str, hour: i64) -> Fact<'a> {
        Fact { permit, activity, at: DateTime::from_timestamp(hour * 3600, 0).expect("in range") }
    }

    #[test]
    fn a_permit_has_its_first_and_last_activity() {
        let mut model = Model::default();
        for (activity, hour) in [("Asked", 1), ("Checked", 20), ("Granted", 73)] {
            model.fold(fact("a", activity, hour));
        }
        let permit = &model.permits["a"];
        assert_eq!((permit.first_activity.as_str(), permit.last_activity.as_str()), ("Asked", "Granted"));
        assert_eq!((permit.events, permit.days), (3, 3));
        assert_eq!(permit.last_at, fact("a", "", 73).at);
    }

    #[test]
    fn activities_are_counted_over_all_permits() {
        let mut model = Model::default();
        for permit in ["a", "b", "c"] {
            model.fold(fact(permit, "Asked", 1));
        }
        model.fold(fact("b", "Granted", 2));
        assert_eq!(model.activities["Asked"], 3);
        assert_eq!(model.activities["Granted"], 1);
        assert_eq!(model.permits.len(), 3);
    }

    #[test]
    fn a_position_is_folded_in_once() {
        let mut model = Model::default();
        for position in [1, 2, 2, 1] {
            model.fold_at(position, fact("a", "Asked", 1));
        }
        assert_eq!((model.position, model.activities["Asked"]), (2, 2));
    }

    #[test]
    fn the_same_facts_make_the_same_bytes() {
        let bytes = |permits: [&str; 3]| {
            let mut model = Model::default();
            for permit in permits {
                model.fold(fact(permit, permit, 1));
            }
            serde_json::to_vec(&model).expect("a model has a JSON form")
        };
        assert_eq!(bytes(["a", "b", "c"]), bytes(["c", "b", "a"]));
    }
}
