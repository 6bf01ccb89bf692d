//! Subscriptions: opened anywhere, read until they are caught up, and read on after more went in.

use std::sync::Arc;
use std::time::Duration;

use quipu::log::StoredEvent;
use quipu::model::{Query, StreamName};
use quipu::store::{Error, Message, Start, Store, Subscription};

use crate::appends::any_stream;
use crate::checked::{Checked, holds, same};
use crate::plain::{Entry, Plain};
use crate::run::Run;

/// How many subscriptions are open at once.
const FOLLOWERS: usize = 4;

/// What is followed.
#[derive(Debug, Clone)]
pub(crate) enum Subscribed {
    /// The whole log, also system streams or not.
    All { include_system: bool },
    /// One stream.
    Stream(StreamName),
}

impl Subscribed {
    fn open(&self, store: &Arc<Store>, start: Start, page_bytes: usize) -> Result<Subscription, Error> {
        match self {
            Self::All { include_system } => {
                store.subscribe(Query::all().with_system(*include_system), start, page_bytes, Duration::ZERO)
            }
            Self::Stream(name) => store.subscribe_stream(name.clone(), Vec::new(), start, page_bytes, Duration::ZERO),
        }
    }
}

/// Somebody who follows the log or a stream.
pub(crate) struct Follower {
    subscription: Subscription,
    to: Subscribed,
    page_bytes: usize,
    /// How many events of the list were delivered or passed.
    passed: usize,
    is_caught_up: bool,
}

impl Follower {
    fn wants(&self, entry: &Entry) -> bool {
        match &self.to {
            Subscribed::All { include_system } => *include_system || !entry.stream.starts_with('$'),
            Subscribed::Stream(name) => entry.stream == name.as_str(),
        }
    }

    /// Takes all that is due. With `until_quiet`, also asks what comes when nothing is due.
    async fn read_on(&mut self, plain: &Plain, until_quiet: bool) -> Checked {
        let places = (self.passed..plain.log.len()).filter(|at| self.wants(&plain.log[*at]));
        let wanted: Vec<usize> = places.collect();
        let mut rest = &wanted[..];
        while until_quiet || !self.is_caught_up || !rest.is_empty() {
            let message = self.subscription.next().await.map_err(|error| format!("a subscription ended: {error:?}"))?;
            match message {
                Message::Events(page) => rest = self.take(plain, &page, rest)?,
                Message::CaughtUp(position) => {
                    holds(!self.is_caught_up, || "caught up twice".into())?;
                    holds(rest.is_empty(), || format!("caught up at {position} without {rest:?}"))?;
                    same("where it is caught up", &position.0, &plain.head())?;
                    self.is_caught_up = true;
                }
                Message::FellBehind { position, head } => {
                    holds(self.is_caught_up, || "fell behind before it had caught up".into())?;
                    let is_right = rest.first().is_none_or(|at| position.0 <= *at as u64);
                    holds(is_right, || format!("fell behind at {position} without {rest:?}"))?;
                    same("the head when it fell behind", &head.0, &plain.head())?;
                    self.is_caught_up = false;
                }
                Message::Heartbeat(position) => {
                    holds(self.is_caught_up && rest.is_empty(), || format!("a heartbeat before {rest:?}"))?;
                    same("where a heartbeat comes", &position.0, &plain.head())?;
                    break;
                }
                Message::Checkpoint(position) => return Err(format!("a checkpoint at {position}")),
            }
        }
        self.passed = plain.log.len();
        Ok(())
    }

    fn take<'a>(&self, plain: &Plain, page: &[StoredEvent], rest: &'a [usize]) -> Result<&'a [usize], String> {
        holds(!page.is_empty(), || "a message without events".into())?;
        holds(page.len() <= rest.len(), || format!("{} events, {rest:?} are due", page.len()))?;
        for (event, at) in page.iter().zip(rest) {
            plain.is_at(*at, event)?;
        }
        let bytes: usize = page[..page.len() - 1].iter().map(|event| event.bytes().len()).sum();
        holds(bytes < self.page_bytes, || format!("a message with {bytes} bytes and more, {}", self.page_bytes))?;
        Ok(&rest[page.len()..])
    }
}

impl Run {
    /// Opens a subscription.
    pub(crate) fn follow(&mut self) -> Checked {
        let name = any_stream(&mut self.chance);
        let to = match self.chance.below(4) {
            0 => Subscribed::All { include_system: true },
            1 => Subscribed::All { include_system: false },
            _ => Subscribed::Stream(StreamName::from_log(&name)),
        };
        let (places, last): (Vec<usize>, _) = match &to {
            Subscribed::All { .. } => ((0..=self.plain.log.len()).collect(), Some(self.plain.head())),
            Subscribed::Stream(_) => {
                let places = self.plain.stream(&name);
                (places.iter().map(|at| at + 1).collect(), self.plain.last(&name).map(|last| last.0))
            }
        };
        let (start, passed) = match self.chance.below(6) {
            0 => (Start::Beginning, 0),
            1 => (Start::End, self.plain.log.len()),
            2 => {
                let asked = last.map_or(0, |last| last + 1) + self.chance.below(3);
                self.note(format!("follow {to:?} after {asked}, which is beyond the end"));
                let refused = to.open(&self.store, Start::After(asked), 1).err();
                let is_right =
                    matches!(&refused, Some(Error::BeyondEnd { asked: it, last: end }) if (*it, *end) == (asked, last));
                return holds(is_right, || format!("beyond the end, {last:?}: {refused:?}"));
            }
            _ if places.is_empty() => (Start::Beginning, 0),
            _ => {
                let after = self.chance.below(places.len() as u64);
                (Start::After(after), places[after as usize])
            }
        };
        self.follow_from(to, start, passed)
    }

    fn follow_from(&mut self, to: Subscribed, start: Start, passed: usize) -> Checked {
        let page_bytes = [1, 150, 500, 1 << 20][self.chance.below(4) as usize];
        self.note(format!("follow {to:?} from {start:?}, {page_bytes} bytes a message"));
        let subscription = to.open(&self.store, start, page_bytes);
        let subscription = subscription.map_err(|error| format!("not subscribed: {error:?}"))?;
        if self.followers.len() == FOLLOWERS {
            self.followers.remove(0);
        }
        self.followers.push(Follower { subscription, to, page_bytes, passed, is_caught_up: false });
        Ok(())
    }

    /// Lets some followers, or all, read what is due.
    pub(crate) fn read_on(&mut self, all: bool) -> Checked {
        self.note("followers read on".into());
        for follower in &mut self.followers {
            if all || !self.chance.once_in(3) {
                let until_quiet = all || self.chance.once_in(6);
                self.runtime.block_on(follower.read_on(&self.plain, until_quiet))?;
            }
        }
        Ok(())
    }

    /// The store was closed: subscriptions end. Says where they had got.
    pub(crate) fn dismiss(&mut self) -> Result<Vec<(Subscribed, usize)>, String> {
        let mut left = Vec::new();
        for mut follower in std::mem::take(&mut self.followers) {
            let ended = self.runtime.block_on(follower.subscription.next());
            holds(matches!(ended, Err(Error::ShuttingDown)), || format!("a closed store says {ended:?}"))?;
            left.push((follower.to, follower.passed));
        }
        Ok(left)
    }

    /// Followers come back, after the last event that they have.
    pub(crate) fn resume(&mut self, left: Vec<(Subscribed, usize)>) -> Checked {
        for (to, passed) in left {
            let start = match &to {
                Subscribed::All { .. } => Start::After(passed as u64),
                Subscribed::Stream(name) => {
                    let has = self.plain.stream(name.as_str()).iter().filter(|at| **at < passed).count();
                    has.checked_sub(1).map_or(Start::Beginning, |last| Start::After(last as u64))
                }
            };
            self.follow_from(to, start, passed)?;
        }
        Ok(())
    }
}
