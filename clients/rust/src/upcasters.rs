//! Lifting old events to the shapes of today, as they are read.
//!
//! Owns [`Upcasters`]: functions by event type and schema version, chained until none applies. The
//! stored event stays as it is. Nothing is swallowed: a function that fails, or a chain that goes in a
//! circle, is an error that names the event.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::versioned::{Versioned, version_of};
use crate::{BoxError, Client, Error, RecordedEvent};

type Lift = dyn Fn(RecordedEvent) -> Result<RecordedEvent, BoxError> + Send + Sync;

/// Functions that lift events from one version of their payload's shape to another.
///
/// For an event, a function is looked up by its exact version, then by the major one (`2` for `2.1`), then
/// the one for any version. An event that names no version has version `1`.
#[derive(Clone, Debug, Default)]
pub struct Upcasters {
    steps: Arc<Versioned<Step>>,
}

#[derive(Clone)]
struct Step {
    to: String,
    lift: Arc<Lift>,
}

impl Upcasters {
    /// No functions yet: every event stays as it is.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lifts JSON payloads of this type from one version to another; the last function given for a version
    /// counts. [`Error::UpcastLoop`] when the chain would come back to a version that it has been at.
    pub fn add<A, B>(
        self,
        event_type: &str,
        from: &str,
        to: &str,
        lift: impl Fn(A) -> B + Send + Sync + 'static,
    ) -> Result<Self, Error>
    where
        A: DeserializeOwned,
        B: Serialize,
    {
        self.try_add(event_type, from, to, move |payload: A| Ok::<B, BoxError>(lift(payload)))
    }

    /// As [`add`](Self::add), for a function that may fail.
    pub fn try_add<A, B, E>(
        self,
        event_type: &str,
        from: &str,
        to: &str,
        lift: impl Fn(A) -> Result<B, E> + Send + Sync + 'static,
    ) -> Result<Self, Error>
    where
        A: DeserializeOwned,
        B: Serialize,
        E: Into<BoxError>,
    {
        self.try_add_event(event_type, Some(from), to, move |mut event| {
            let lifted = lift(serde_json::from_slice(&event.data)?).map_err(Into::into)?;
            event.data = serde_json::to_vec(&lifted)?.into();
            Ok::<_, BoxError>(event)
        })
    }

    /// Lifts whole events, from one version or, without it, from any that has no function of its own. The
    /// function may change anything, the type among it; the version is set for it.
    pub fn try_add_event<E: Into<BoxError>>(
        mut self,
        event_type: &str,
        from: Option<&str>,
        to: &str,
        lift: impl Fn(RecordedEvent) -> Result<RecordedEvent, E> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let lift: Arc<Lift> = Arc::new(move |event| lift(event).map_err(Into::into));
        Arc::make_mut(&mut self.steps).insert(event_type, from, Step { to: to.to_owned(), lift });
        self.check(event_type, from.unwrap_or(to))?;
        Ok(self)
    }

    /// The event in the shape of today. [`Error::UpcastFailed`] when a function fails,
    /// [`Error::UpcastLoop`] when the chain goes in a circle.
    pub fn apply(&self, mut event: RecordedEvent) -> Result<RecordedEvent, Error> {
        let mut been_at = Vec::new();
        while let Some(step) = self.step(&event.event_type, version_of(&event.schema_version)) {
            let at = (event.event_type.clone(), version_of(&event.schema_version).to_owned());
            if been_at.contains(&at) {
                return Err(Error::UpcastLoop { event_type: at.0, version: at.1 });
            }
            let position = event.position;
            event = (step.lift)(event).map_err(|source| Error::UpcastFailed {
                event_type: at.0.clone(),
                version: at.1.clone(),
                position,
                source,
            })?;
            event.schema_version.clone_from(&step.to);
            been_at.push(at);
        }
        Ok(event)
    }

    /// Lifts events up to the first that fails: those before it, and its error.
    pub(crate) fn apply_all(&self, events: Vec<RecordedEvent>) -> (Vec<RecordedEvent>, Option<Error>) {
        let mut lifted = Vec::with_capacity(events.len());
        for event in events {
            match self.apply(event) {
                Ok(event) => lifted.push(event),
                Err(error) => return (lifted, Some(error)),
            }
        }
        (lifted, None)
    }

    fn step(&self, event_type: &str, version: &str) -> Option<&Step> {
        // What lifts any version has nothing to do for the one it lifts to.
        self.steps.find_if(event_type, version, |step| step.to != version)
    }

    /// Follows the chain from a version, as far as it stays with its type.
    fn check(&self, event_type: &str, from: &str) -> Result<(), Error> {
        let mut been_at = vec![from];
        while let Some(step) = self.step(event_type, been_at[been_at.len() - 1]) {
            if been_at.contains(&step.to.as_str()) {
                return Err(Error::UpcastLoop { event_type: event_type.to_owned(), version: step.to.clone() });
            }
            been_at.push(&step.to);
        }
        Ok(())
    }
}

impl Client {
    /// The same connection with these upcasters: whatever reads or follows events by it sees them in the
    /// shapes of today. Deliveries of consumer groups stay as they are: see [`upcast`](Self::upcast).
    #[must_use]
    pub fn with_upcasters(&self, upcasters: Upcasters) -> Self {
        let mut client = self.clone();
        client.upcasters = upcasters;
        client
    }

    /// The event in the shape of today, by the client's upcasters.
    pub fn upcast(&self, event: RecordedEvent) -> Result<RecordedEvent, Error> {
        self.upcasters.apply(event)
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "to {}", self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto;
    use serde_json::{Value, json};

    fn event(version: &str) -> RecordedEvent {
        let wire = proto::RecordedEvent {
            id: uuid::Uuid::nil().to_string(),
            r#type: "Placed".to_owned(),
            data: "{}".into(),
            schema_version: version.to_owned(),
            revision: Some(0),
            position: 7,
            recorded_at: Some(prost_types::Timestamp::default()),
            ..Default::default()
        };
        wire.try_into().expect("complete")
    }

    /// A function that notes in the payload that it was there.
    fn noting(mark: &'static str) -> impl Fn(Value) -> Value {
        move |mut payload| {
            payload[mark] = json!(true);
            payload
        }
    }

    fn chain() -> Upcasters {
        let first = Upcasters::new().add("Placed", "1", "2", noting("a")).expect("no loop");
        first.add("Placed", "2", "3", noting("b")).expect("no loop")
    }

    #[test]
    fn functions_are_chained_until_none_applies() {
        for (version, payload) in [
            ("", json!({"a": true, "b": true})),
            ("1", json!({"a": true, "b": true})),
            ("2.4", json!({"b": true})),
            ("3", json!({})),
        ] {
            let lifted = chain().apply(event(version)).expect("nothing fails");
            assert_eq!(lifted.json::<Value>().expect("JSON"), payload, "{version}");
            assert_eq!(lifted.schema_version, "3");
        }
    }

    #[test]
    fn what_has_no_function_stays_as_it_is() {
        let other = Upcasters::new().add("Paid", "1", "2", noting("a")).expect("no loop");
        assert_eq!(other.apply(event("")).expect("nothing to do"), event(""));
        assert_eq!(Upcasters::new().apply(event("9")).expect("nothing to do"), event("9"));
    }

    #[test]
    fn a_function_for_any_version_lifts_all_but_its_own() {
        let any = |event: RecordedEvent| Ok::<_, BoxError>(event);
        let upcasters = chain().try_add_event("Placed", None, "3", any).expect("no loop");
        for version in ["0", "1", "7.2", "3"] {
            assert_eq!(upcasters.apply(event(version)).expect("nothing fails").schema_version, "3");
        }
    }

    #[test]
    fn a_circle_is_refused_when_it_is_registered() {
        for (from, to) in [("3", "1"), ("3", "2"), ("4", "4"), ("3", "1.2")] {
            let refused = chain().add("Placed", from, to, noting("c"));
            assert!(matches!(refused, Err(Error::UpcastLoop { .. })), "{from} to {to}: {refused:?}");
        }
        let any = |event: RecordedEvent| Ok::<_, BoxError>(event);
        let refused = chain().try_add_event("Placed", None, "2", any);
        assert!(matches!(refused, Err(Error::UpcastLoop { .. })), "{refused:?}");
    }

    #[test]
    fn a_circle_over_types_is_refused_when_it_is_met() {
        let renamed = |to: &'static str| {
            move |mut event: RecordedEvent| {
                to.clone_into(&mut event.event_type);
                Ok::<_, BoxError>(event)
            }
        };
        let circle = Upcasters::new().try_add_event("Placed", Some("1"), "2", renamed("Ordered")).expect("not seen");
        let circle = circle.try_add_event("Ordered", Some("2"), "1", renamed("Placed")).expect("not seen");
        let refused = circle.apply(event("1"));
        let Err(Error::UpcastLoop { event_type, version }) = refused else { panic!("{refused:?}") };
        assert_eq!((event_type.as_str(), version.as_str()), ("Placed", "1"));
    }

    #[test]
    fn a_failure_names_the_event() {
        let failing = |_: Value| Err::<Value, _>("no currency");
        let upcasters = chain().try_add("Placed", "3", "4", failing).expect("no loop");
        let error = upcasters.apply(event("")).expect_err("it fails");
        let words = "the upcaster of \"Placed\" version 3 failed for the event at position 7";
        assert_eq!(error.to_string(), words);
        assert_eq!(std::error::Error::source(&error).map(ToString::to_string).as_deref(), Some("no currency"));
        let (before, failure) = upcasters.apply_all(vec![event("9"), event("1"), event("9")]);
        assert_eq!((before.len(), failure.is_some()), (1, true));
    }
}
