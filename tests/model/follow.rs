//! Subscriptions: opened anywhere, read until they are caught up, and read on after more went in.

use std::sync::Arc;
use std::time::Duration;

use quipu::log::StoredEvent;
use quipu::model::StreamName;
use quipu::store::{Error, Message, Start, Store, Subscription};

use crate::checked::{Checked, holds, same};
use crate::lives::Hidden;
use crate::offers::TYPES;
use crate::plain::Plain;
use crate::run::Run;
use crate::wanted::Wanted;

/// How many subscriptions are open at once.
const FOLLOWERS: usize = 5;

/// Longer than any test runs.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

/// What is followed.
#[derive(Debug, Clone)]
pub(crate) enum Subscribed {
    /// The events of the log that match.
    Log(Wanted),
    /// One stream, or its events of some types.
    Stream(String, Vec<String>),
}

impl Subscribed {
    fn open(
        &self,
        store: &Arc<Store>,
        start: Start,
        page_bytes: usize,
        quiet: Duration,
    ) -> Result<Subscription, Error> {
        match self {
            Self::Log(wanted) => store.subscribe(wanted.query(), start, page_bytes, quiet),
            Self::Stream(name, types) => {
                store.subscribe_stream(StreamName::from_log(name), types.clone(), start, page_bytes, quiet)
            }
        }
    }

    fn wanted(&self) -> Wanted {
        match self {
            Self::Log(wanted) => wanted.clone(),
            Self::Stream(name, types) => Wanted::of_stream(name, types.clone()),
        }
    }
}

/// Somebody who follows the log or a stream.
pub(crate) struct Follower {
    pub(crate) subscription: Subscription,
    pub(crate) to: Subscribed,
    pub(crate) wanted: Wanted,
    page_bytes: usize,
    /// How many events of the list were delivered or passed.
    pub(crate) passed: usize,
    is_caught_up: bool,
    /// Whether it hears at once that nothing happens; otherwise never.
    pub(crate) has_heartbeats: bool,
}

impl Follower {
    /// Takes all that is due. With `until_quiet`, also asks what comes when nothing is due.
    pub(crate) async fn read_on(&mut self, plain: &Plain, until_quiet: bool) -> Checked {
        let due: Vec<usize> = plain.meant(&self.wanted).filter(|at| *at >= self.passed).collect();
        let mut rest = &due[..];
        let until_quiet = until_quiet && self.has_heartbeats;
        while until_quiet || !self.is_caught_up || !rest.is_empty() {
            let next = tokio::time::timeout(Duration::from_secs(30), self.subscription.next()).await;
            let message = next.map_err(|_| format!("{:?}: nothing comes, due are {rest:?}", self.to))?;
            let message = message.map_err(|error| format!("a subscription ended: {error:?}"))?;
            if matches!(message, Message::Heartbeat(_)) {
                self.hear(plain, &message, rest)?;
                break;
            }
            rest = self.hear(plain, &message, rest)?;
        }
        self.passed = plain.log.len();
        Ok(())
    }

    /// Compares a message with what is due; returns what is due after it.
    pub(crate) fn hear<'a>(
        &mut self,
        plain: &Plain,
        message: &Message,
        rest: &'a [usize],
    ) -> Result<&'a [usize], String> {
        match message {
            Message::Events(page) => return self.take(plain, page, rest),
            Message::CaughtUp(position) => {
                holds(!self.is_caught_up, || "caught up twice".into())?;
                holds(rest.is_empty(), || format!("{:?}: caught up at {position} without {rest:?}", self.to))?;
                same("where it is caught up", &position.0, &plain.head())?;
                self.is_caught_up = true;
            }
            Message::FellBehind { position, head } => {
                holds(self.is_caught_up, || "fell behind before it had caught up".into())?;
                let is_right = rest.first().is_none_or(|at| position.0 <= *at as u64);
                holds(is_right, || format!("{:?}: fell behind at {position} without {rest:?}", self.to))?;
                same("the head when it fell behind", &head.0, &plain.head())?;
                self.is_caught_up = false;
            }
            Message::Heartbeat(position) => {
                let is_right = self.is_caught_up && rest.is_empty() && self.has_heartbeats;
                holds(is_right, || format!("{:?}: a heartbeat before {rest:?}", self.to))?;
                same("where a heartbeat comes", &position.0, &plain.head())?;
            }
            Message::Checkpoint(position) => return Err(format!("a checkpoint at {position}")),
        }
        Ok(rest)
    }

    fn take<'a>(&mut self, plain: &Plain, page: &[StoredEvent], rest: &'a [usize]) -> Result<&'a [usize], String> {
        holds(!page.is_empty(), || "a message without events".into())?;
        holds(page.len() <= rest.len(), || format!("{:?}: {} events, {rest:?} are due", self.to, page.len()))?;
        for (event, at) in page.iter().zip(rest) {
            plain.is_at(*at, event)?;
            self.passed = at + 1;
        }
        let bytes: usize = page[..page.len() - 1].iter().map(|event| event.bytes().len()).sum();
        holds(bytes < self.page_bytes, || format!("a message with {bytes} bytes and more, {}", self.page_bytes))?;
        Ok(&rest[page.len()..])
    }
}

/// Why a subscription does not begin.
#[derive(Debug)]
enum Refused {
    Beyond(u64, Option<u64>),
    Gone,
}

impl Run {
    /// How many events are passed where a subscription begins.
    fn begins(&self, to: &Subscribed, start: Start) -> Result<usize, Refused> {
        let (plain, end) = (&self.plain, self.plain.log.len());
        let name = match (to, start) {
            (Subscribed::Stream(name, _), _) => name,
            (_, Start::Beginning) => return Ok(0),
            (_, Start::End) => return Ok(end),
            (_, Start::After(after)) if after > end as u64 => return Err(Refused::Beyond(after, Some(end as u64))),
            (_, Start::After(after)) => return Ok(after as usize),
            (_, Start::At(time)) => return Ok(plain.log.iter().position(|entry| entry.at >= time).unwrap_or(end)),
        };
        let last = plain.last(name).map(|last| last.0);
        let from = match start {
            Start::After(after) if last.is_none_or(|last| after > last) => return Err(Refused::Beyond(after, last)),
            Start::After(after) => after + 1,
            Start::Beginning | Start::At(_) => 0,
            Start::End => u64::MAX,
        };
        match plain.view(name, plain.head(), self.time.now()) {
            Ok((first, _)) => Ok(plain.stream(name).get(from.max(first) as usize).copied().unwrap_or(end)),
            Err(Hidden::Missing | Hidden::Deleted) => Ok(end),
            Err(Hidden::Gone) => Err(Refused::Gone),
        }
    }

    /// Opens a subscription.
    pub(crate) fn follow(&mut self) -> Checked {
        let name = self.any_lived();
        let to = match self.chance.below(8) {
            0 => Subscribed::Log(Wanted { items: None, has_system: true, any_tag_will_do: false }),
            1..5 => Subscribed::Log(self.any_wanted()),
            5 => Subscribed::Stream(name.clone(), vec![TYPES[0].to_owned(), TYPES[2].to_owned()]),
            _ => Subscribed::Stream(name.clone(), Vec::new()),
        };
        let length = match &to {
            Subscribed::Log(_) => self.plain.head() + 1,
            Subscribed::Stream(..) => self.plain.stream(&name).len() as u64,
        };
        let start = match self.chance.below(8) {
            0..2 => Start::Beginning,
            2 => Start::End,
            3 => Start::After(length + self.chance.below(3)),
            4 if matches!(to, Subscribed::Log(_)) => Start::At(self.any_time()),
            _ => Start::After(self.chance.below(length.max(1))),
        };
        self.follow_from(to, start)
    }

    fn follow_from(&mut self, to: Subscribed, start: Start) -> Checked {
        let page_bytes = [1, 150, 500, 1 << 20][self.chance.below(4) as usize];
        let has_heartbeats = self.chance.once_in(2);
        self.note(format!("follow {to:?} from {start:?}, {page_bytes} bytes a message"));
        let quiet = if has_heartbeats { Duration::ZERO } else { NEVER };
        let subscription = to.open(&self.store, start, page_bytes, quiet);
        let passed = self.begins(&to, start);
        match (subscription, passed) {
            (Ok(subscription), Ok(passed)) => {
                if self.followers.len() == FOLLOWERS {
                    self.followers.remove(0);
                }
                let wanted = to.wanted();
                self.followers.push(Follower {
                    subscription,
                    to,
                    wanted,
                    page_bytes,
                    passed,
                    is_caught_up: false,
                    has_heartbeats,
                });
                Ok(())
            }
            (Err(Error::BeyondEnd { asked, last }), Err(Refused::Beyond(after, end))) => {
                same("what lies beyond the end", &(asked, last), &(after, end))
            }
            (Err(Error::StreamGone(_)), Err(Refused::Gone)) => Ok(()),
            (subscription, passed) => Err(format!("the store says {:?}, the model {passed:?}", subscription.err())),
        }
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
                Subscribed::Log(_) => Start::After(passed as u64),
                Subscribed::Stream(name, _) => {
                    let has = self.plain.stream(name).iter().filter(|at| **at < passed).count();
                    has.checked_sub(1).map_or(Start::Beginning, |last| Start::After(last as u64))
                }
            };
            self.follow_from(to, start)?;
        }
        Ok(())
    }
}
