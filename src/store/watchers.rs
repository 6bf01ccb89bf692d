//! Who waits for which events.
//!
//! Somebody who follows a query sleeps until an event with one of its terms is committed, so what does not
//! match costs nobody a wake-up. The writer looks up the terms of each block here while somebody waits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use foldhash::fast::RandomState;
use tokio::sync::Notify;

use crate::index::Term;

type Waiting = HashMap<u64, Vec<Arc<Notify>>, RandomState>;

/// Those who wait, by the hash of a term.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    waiting: Mutex<Waiting>,
}

/// Somebody who waits, as long as this lives.
#[derive(Debug)]
pub(super) struct Watch {
    watchers: Arc<Watchers>,
    terms: Vec<Term>,
    notify: Arc<Notify>,
}

/// Those to be woken for a block.
pub(super) struct Woken<'a> {
    watchers: &'a Watchers,
    /// `None` when nobody waited when the block was shown.
    waiting: Option<MutexGuard<'a, Waiting>>,
    woken: Vec<Arc<Notify>>,
}

impl Watchers {
    /// Waits for events with one of these terms, from now on.
    pub(super) fn watch(self: &Arc<Self>, terms: Vec<Term>) -> Watch {
        let notify = Arc::new(Notify::new());
        let mut waiting = self.lock();
        for term in &terms {
            waiting.entry(term.hash).or_default().push(notify.clone());
        }
        Watch { watchers: self.clone(), terms, notify }
    }

    /// Those who wait now, to be shown the terms of a block.
    pub(super) fn awaiting(&self) -> Woken<'_> {
        let waiting = Some(self.lock()).filter(|waiting| !waiting.is_empty());
        Woken { watchers: self, waiting, woken: Vec::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().expect("no panic under this lock")
    }
}

impl Woken<'_> {
    /// Notes who waits for a term.
    pub(super) fn see(&mut self, term: Term) {
        if let Some(found) = self.waiting.as_ref().and_then(|waiting| waiting.get(&term.hash)) {
            self.woken.extend(found.iter().cloned());
        }
    }

    /// Wakes everyone who was noted. Called once the events are visible.
    pub(super) fn wake(self) {
        if self.waiting.is_none() {
            // Whoever came since may have looked before the events were visible.
            let late = self.watchers.lock();
            late.values().flatten().for_each(|one| one.notify_one());
            return;
        }
        drop(self.waiting);
        // Whoever is woken twice before looking is woken once.
        self.woken.iter().for_each(|one| one.notify_one());
    }
}

impl Watch {
    /// Waits for the next event with one of the terms; at once when one came since the last wait.
    pub(super) async fn woken(&self) {
        self.notify.notified().await;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut waiting = self.watchers.lock();
        for term in &self.terms {
            if let Some(others) = waiting.get_mut(&term.hash) {
                others.retain(|other| !Arc::ptr_eq(other, &self.notify));
                if others.is_empty() {
                    waiting.remove(&term.hash);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::index::Terms;

    /// The first to follow a query could come while the writer showed a block to nobody, look for it before it
    /// was visible, and then sleep until the next heartbeat.
    #[test]
    fn whoever_comes_while_a_block_is_shown_to_nobody_is_woken_for_it() {
        let term = Terms::seeded(7).stream("s");
        let watchers = Arc::new(Watchers::default());
        let mut woken = watchers.awaiting();
        let watch = watchers.watch(vec![term]);
        woken.see(term);
        woken.wake();
        assert!(watch.woken().now_or_never().is_some());
        assert!(watch.woken().now_or_never().is_none(), "once");
    }
}
