//! What is called for an event.
//!
//! Owns [`Handlers`], which finds those of an event and calls them one after the other, and [`Tried`], what has
//! come of it. A handler that panics has failed, and takes nothing else down.

use std::any::Any;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Failure;
use crate::versioned::{Versioned, version_of};
use crate::{Client, RecordedEvent};

type Handling = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// A handler, known by its place in the order of registration.
struct Handler {
    place: usize,
    call: Box<dyn Fn(Arc<RecordedEvent>) -> Handling + Send + Sync>,
}

/// Handlers by event type and schema version.
#[derive(Default)]
pub(super) struct Handlers {
    by_type: Versioned<Vec<Handler>>,
    count: usize,
}

/// What is to become of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Handled,
    Unhandled,
    Failed(Failure),
}

/// What came of a try.
#[derive(Debug)]
pub(super) struct Tried {
    pub(super) event_type: String,
    pub(super) verdict: Verdict,
    /// The handlers that have succeeded, in this try or before.
    pub(super) done: BTreeSet<usize>,
    /// How long each call took.
    pub(super) times: Vec<Duration>,
}

impl Handlers {
    /// Adds a handler for one version of a type, or for all that have none of their own.
    pub(super) fn add<Fut>(
        &mut self,
        event_type: &str,
        version: Option<&str>,
        call: impl Fn(Arc<RecordedEvent>) -> Fut + Send + Sync + 'static,
    ) where
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let call = Box::new(move |event| -> Handling { Box::pin(call(event)) });
        let handler = Handler { place: self.count, call };
        self.count += 1;
        match self.by_type.exactly(event_type, version) {
            Some(handlers) => handlers.push(handler),
            None => drop(self.by_type.insert(event_type, version, vec![handler])),
        }
    }

    /// Calls the handlers of an event that are not done with it yet. One that wants it tried again does not
    /// keep the others from their work; one that has it parked or skipped ends it.
    pub(super) async fn handle(&self, client: &Client, event: RecordedEvent, done: BTreeSet<usize>) -> Tried {
        let event_type = event.event_type.clone();
        let mut tried = Tried { event_type, verdict: Verdict::Handled, done, times: Vec::new() };
        let event = match client.upcast(event) {
            Ok(event) => Arc::new(event),
            Err(error) => {
                tried.verdict = Verdict::Failed(error.into());
                return tried;
            }
        };
        let Some(handlers) = self.by_type.find(&event.event_type, version_of(&event.schema_version)) else {
            tried.verdict = Verdict::Unhandled;
            return tried;
        };
        for handler in handlers {
            if tried.done.contains(&handler.place) {
                continue;
            }
            let begun = Instant::now();
            let outcome = without_panic(|| (handler.call)(Arc::clone(&event))).await;
            tried.times.push(begun.elapsed());
            match outcome {
                Ok(()) => drop(tried.done.insert(handler.place)),
                Err(failure @ (Failure::Park { .. } | Failure::Skip)) => {
                    tried.verdict = Verdict::Failed(failure);
                    return tried;
                }
                // The first reason is the one that is told.
                Err(failure) if tried.verdict == Verdict::Handled => tried.verdict = Verdict::Failed(failure),
                Err(_) => {}
            }
        }
        tried
    }
}

/// What a handler answers; a panic is a failure like any other.
async fn without_panic(call: impl FnOnce() -> Handling) -> Result<(), Failure> {
    let mut handling = catch_unwind(AssertUnwindSafe(call)).map_err(panicked)?;
    // After a panic the future is not polled again, so nobody sees what it left half done.
    std::future::poll_fn(move |cx| match catch_unwind(AssertUnwindSafe(|| handling.as_mut().poll(cx))) {
        Ok(progress) => progress,
        Err(payload) => std::task::Poll::Ready(Err(panicked(payload))),
    })
    .await
}

#[expect(clippy::needless_pass_by_value, reason = "it is what a panic leaves")]
fn panicked(payload: Box<dyn Any + Send>) -> Failure {
    let words = payload.downcast_ref::<&str>().copied();
    let words = words.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    Failure::retry(format_args!("panic: {}", words.unwrap_or("without words")))
}
