//! What belongs to an event type, by the version of the payload's shape.
//!
//! Owns [`Versioned`] and the rule of where to look: the exact version, then the major one (`2` for
//! `2.1`), then what was given for any version. That last step is logged, once for each type and
//! version, when other versions of the type have something of their own: then this one may have been
//! forgotten.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

/// The version of an event that names none.
const FIRST: &str = "1";

/// Things by event type and schema version.
#[derive(Debug)]
pub(crate) struct Versioned<T> {
    types: HashMap<String, Versions<T>>,
    told: Mutex<HashSet<(String, String)>>,
}

#[derive(Clone, Debug)]
struct Versions<T> {
    own: HashMap<String, T>,
    any: Option<T>,
}

/// The version that an event has, `1` when it names none.
pub(crate) fn version_of(schema_version: &str) -> &str {
    if schema_version.is_empty() { FIRST } else { schema_version }
}

/// The part of a version before its first dot, if it has one.
fn major(version: &str) -> Option<&str> {
    version.split_once('.').map(|(major, _)| major)
}

impl<T> Versioned<T> {
    /// Keeps something for one version of a type, or for any; returns what it replaces.
    pub(crate) fn insert(&mut self, event_type: &str, version: Option<&str>, thing: T) -> Option<T> {
        let versions = self.types.entry(event_type.to_owned()).or_default();
        match version {
            Some(version) => versions.own.insert(version.to_owned(), thing),
            None => versions.any.replace(thing),
        }
    }

    /// What was kept for a type and exactly this version, or exactly for any.
    pub(crate) fn exactly(&mut self, event_type: &str, version: Option<&str>) -> Option<&mut T> {
        let versions = self.types.get_mut(event_type)?;
        match version {
            Some(version) => versions.own.get_mut(version),
            None => versions.any.as_mut(),
        }
    }

    /// What belongs to an event of this type and version.
    pub(crate) fn find(&self, event_type: &str, version: &str) -> Option<&T> {
        self.find_if(event_type, version, |_| true)
    }

    /// As [`find`](Self::find), if what there is for any version is fit for this one.
    pub(crate) fn find_if(&self, event_type: &str, version: &str, is_fit: impl Fn(&T) -> bool) -> Option<&T> {
        let versions = self.types.get(event_type)?;
        let own = versions.own.get(version).or_else(|| versions.own.get(major(version)?));
        if own.is_some() {
            return own;
        }
        let any = versions.any.as_ref().filter(|any| is_fit(any))?;
        if !versions.own.is_empty() {
            self.tell_once(event_type, version);
        }
        Some(any)
    }

    fn tell_once(&self, event_type: &str, version: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.insert((event_type.to_owned(), version.to_owned())) {
            tracing::warn!(event_type, version, "nothing is registered for this version, taking what is for any");
        }
    }
}

impl<T> Default for Versioned<T> {
    fn default() -> Self {
        Self { types: HashMap::new(), told: Mutex::default() }
    }
}

impl<T> Default for Versions<T> {
    fn default() -> Self {
        Self { own: HashMap::new(), any: None }
    }
}

impl<T: Clone> Clone for Versioned<T> {
    fn clone(&self) -> Self {
        Self { types: self.types.clone(), told: Mutex::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exact_version_comes_before_the_major_one_before_any() {
        let mut versioned = Versioned::default();
        for (version, thing) in [(Some("2"), "major"), (Some("2.1"), "exact"), (None, "any")] {
            assert_eq!(versioned.insert("T", version, thing), None);
        }
        for (version, thing) in [("2.1", "exact"), ("2", "major"), ("2.7", "major"), ("1", "any"), ("20", "any")] {
            assert_eq!(versioned.find("T", version), Some(&thing), "{version}");
        }
        assert_eq!(versioned.find("U", "1"), None);
    }

    #[test]
    fn without_a_thing_for_any_version_there_may_be_none() {
        let mut versioned = Versioned::default();
        versioned.insert("T", Some("2"), ());
        assert!(versioned.find("T", "1").is_none() && versioned.find("T", "3.2").is_none());
    }

    #[test]
    fn an_event_without_version_is_of_the_first() {
        assert_eq!((version_of(""), version_of("2.1")), ("1", "2.1"));
    }
}
