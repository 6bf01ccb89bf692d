//! Which event is where: the state of a group, without a clock, a disk or a network of its own.
//!
//! ```text
//!                          deliver                      ack, skip
//!   take in ──▶ waiting ───────────▶ with a member ───────────────▶ settled
//!                  ▲                    │    │  park, or the last try
//!                  │  after a while     │    └──────────────────▶ parked
//!                  └────────────────────┘                            │ replay
//!                  ▲    retry, time up, member gone                  │
//!                  └─────────────────────────────────────────────────┘
//! ```
//!
//! What is durable of this is how far the log was read, what of it is not settled, and what is parked. A
//! settlement is told to whoever asked when that is.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tokio::time::Instant;

use super::lanes::{Lane, Lanes};
use super::members::Members;
use crate::log::StoredEvent;
use crate::model::consumer::REASON_BYTES_MAX;
use crate::model::{GivenName, GroupSettings, NackAction, Position, Timestamp};

/// How many bytes of events a group holds that are not settled, about.
const OUTSTANDING_BYTES: usize = 32 << 20;

/// How many events of a group may be parked. Beyond that, events are tried on and on.
pub const PARKED_MAX: usize = 100_000;

/// How many settled positions are remembered, to tell who settles one twice.
const SETTLED_REMEMBERED: usize = 10_000;

/// An event on its way to a member.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The event.
    pub event: StoredEvent,
    /// Which try this is, from 1.
    pub try_number: u32,
}

/// An event kept aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// Why.
    pub reason: String,
    /// How often it was delivered.
    pub tries: u32,
    /// When it was parked.
    pub parked_at: Timestamp,
}

/// What a member says became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was dealt with.
    Ack,
    /// It was not; what is to be done, and why.
    Nack(NackAction, String),
}

/// Why a position could not be settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotSettled {
    /// It was not delivered.
    NotDelivered,
    /// It is settled already.
    AlreadySettled,
    /// Its time was up, and somebody else may have it.
    TooLate,
}

/// What a group has done since the server started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Deliveries, repeated ones among them.
    pub delivered: u64,
    /// Events acknowledged.
    pub acknowledged: u64,
    /// Events skipped.
    pub skipped: u64,
    /// Deliveries that come again.
    pub retried: u64,
    /// Events parked.
    pub parked: u64,
}

/// An event that is not settled.
#[derive(Debug)]
pub(super) struct Outstanding {
    pub(super) event: StoredEvent,
    lane: Lane,
    pub(super) tries: u32,
    state: State,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// It may go out when it is the first of its lane.
    Waiting,
    /// It may go out at this time.
    Delayed(Instant),
    /// A member has it, until then.
    With(GivenName, Instant),
}

/// The state of a group.
#[derive(Debug)]
pub(super) struct Deliveries {
    pub(super) settings: GroupSettings,
    pub(super) is_paused: bool,
    /// Everything up to here was read.
    pub(super) read: Position,
    pub(super) outstanding: BTreeMap<Position, Outstanding>,
    /// Events that were read and are not in memory, with their tries: those that were not settled when the group
    /// began again, and those that are replayed. They are fetched before more is read.
    pub(super) unfetched: BTreeMap<Position, u32>,
    pub(super) parked: BTreeMap<Position, Parked>,
    pub(super) members: Members,
    pub(super) counts: Counts,
    /// Parked events that came or went since they were last noted.
    pub(super) parked_changed: BTreeSet<Position>,
    /// The last position that was ever delivered or settled: what lies beyond is as if it were not read.
    touched: Position,
    lanes: Lanes,
    /// What may go out now, if a member wants it.
    ready: BTreeSet<Position>,
    /// When something is to be looked at again.
    timers: BTreeSet<(Instant, Position)>,
    settled_lately: VecDeque<Position>,
    settled_known: BTreeSet<Position>,
    in_flight: usize,
    outstanding_bytes: usize,
}

impl Deliveries {
    /// A group that begins behind a position.
    pub(super) fn new(settings: GroupSettings, read: Position) -> Self {
        Self {
            settings,
            is_paused: false,
            read,
            outstanding: BTreeMap::new(),
            unfetched: BTreeMap::new(),
            parked: BTreeMap::new(),
            members: Members::default(),
            counts: Counts::default(),
            parked_changed: BTreeSet::new(),
            touched: read,
            lanes: Lanes::default(),
            ready: BTreeSet::new(),
            timers: BTreeSet::new(),
            settled_lately: VecDeque::new(),
            settled_known: BTreeSet::new(),
            in_flight: 0,
            outstanding_bytes: 0,
        }
    }

    /// How many more events may be read.
    pub(super) fn room(&self) -> usize {
        if self.outstanding_bytes >= OUTSTANDING_BYTES {
            return 0;
        }
        (self.settings.max_outstanding as usize).saturating_sub(self.outstanding.len())
    }

    /// Takes an event in that is not settled and was delivered so often before.
    pub(super) fn take_in(&mut self, event: StoredEvent, tries: u32) {
        let position = event.position();
        self.unfetched.remove(&position);
        self.read = self.read.max(position);
        // What a group reads again after a reset may have been parked before: that stays aside.
        if self.parked.contains_key(&position) {
            return;
        }
        let lane = Lane::of(&self.settings.order, &event);
        if tries > 0 {
            self.touched = self.touched.max(position);
        }
        self.outstanding_bytes += event.bytes().len();
        if let Some(later) = self.lanes.enter(&lane, position) {
            self.ready.remove(&later);
        }
        self.outstanding.insert(position, Outstanding { event, lane: lane.clone(), tries, state: State::Waiting });
        self.offer(&lane);
    }

    /// Hands events to members as long as there are both.
    pub(super) fn deliver(&mut self, now: Instant) {
        loop {
            self.give(now);
            let lost = self.members.send();
            if lost.is_empty() {
                return;
            }
            // Whoever did not get them has no room any more; somebody else may have.
            lost.into_iter().for_each(|position| self.give_back(position));
        }
    }

    fn give(&mut self, now: Instant) {
        while !self.is_paused
            && let Some(position) = self.ready.first().copied()
            && let Some(member) = self.members.with_most_room()
        {
            self.ready.remove(&position);
            let until = now + self.settings.ack_timeout;
            let event = self.outstanding.get_mut(&position).expect("what is ready is outstanding");
            event.tries += 1;
            event.state = State::With(member.clone(), until);
            self.lanes.set_busy(&event.lane, true);
            self.timers.insert((until, position));
            self.touched = self.touched.max(position);
            self.in_flight += 1;
            self.counts.delivered += 1;
            let delivery = Delivery { event: event.event.clone(), try_number: event.tries };
            self.members.give(&member, position, delivery);
        }
    }

    /// Settles an event, or says why not.
    pub(super) fn settle(
        &mut self,
        member: &GivenName,
        position: Position,
        outcome: Outcome,
        now: Instant,
        time: Timestamp,
    ) -> Result<(), NotSettled> {
        let Some(event) = self.outstanding.get(&position) else {
            return self.settle_unfetched(position, &outcome);
        };
        if event.tries == 0 {
            return Err(NotSettled::NotDelivered);
        }
        let (has_it, has_another) = match &event.state {
            State::With(holder, _) => (holder == member, holder != member),
            State::Waiting | State::Delayed(_) => (false, false),
        };
        match outcome {
            // Whoever has it is still at it: what comes next must wait for that.
            Outcome::Ack if has_another => return Err(NotSettled::TooLate),
            // Also when it comes late: the work is done, and better not done again.
            Outcome::Ack => {
                self.counts.acknowledged += 1;
                self.remove(position);
            }
            Outcome::Nack(..) if !has_it => return Err(NotSettled::TooLate),
            Outcome::Nack(NackAction::Skip, _) => {
                self.counts.skipped += 1;
                self.remove(position);
            }
            Outcome::Nack(NackAction::Park, reason) => self.park(position, reason, now, time),
            Outcome::Nack(NackAction::Retry(delay), reason) => {
                self.fail(position, reason, delay.map(|delay| now + delay), now, time);
            }
        }
        Ok(())
    }

    /// Settles an event that was delivered before the group began again, and was not fetched since.
    fn settle_unfetched(&mut self, position: Position, outcome: &Outcome) -> Result<(), NotSettled> {
        let was_delivered = self.unfetched.get(&position).is_some_and(|tries| *tries > 0);
        let is_known = self.settled_known.contains(&position) || self.parked.contains_key(&position);
        match outcome {
            Outcome::Ack if was_delivered => {
                self.unfetched.remove(&position);
                self.counts.acknowledged += 1;
                self.remember_settled(position);
                Ok(())
            }
            Outcome::Nack(..) if was_delivered => Err(NotSettled::TooLate),
            Outcome::Ack | Outcome::Nack(..) if is_known => Err(NotSettled::AlreadySettled),
            Outcome::Ack | Outcome::Nack(..) => Err(NotSettled::NotDelivered),
        }
    }

    /// Looks at everything whose time has come.
    pub(super) fn pass(&mut self, now: Instant, time: Timestamp) {
        while let Some((at, position)) = self.timers.first().copied().filter(|(at, _)| *at <= now) {
            self.timers.remove(&(at, position));
            let Some(event) = self.outstanding.get_mut(&position) else { continue };
            match &event.state {
                State::Delayed(until) if *until == at => {
                    event.state = State::Waiting;
                    let lane = event.lane.clone();
                    self.offer(&lane);
                }
                State::With(member, until) if *until == at => {
                    let reason = format!("`{member}` did not settle it within {:?}", self.settings.ack_timeout);
                    self.fail(position, reason, None, now, time);
                }
                State::Waiting | State::Delayed(_) | State::With(..) => {}
            }
        }
    }

    /// When something is to be looked at again.
    pub(super) fn next_timer(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Lets a member go whose line is closed; what it has comes again, to somebody else if there is one.
    pub(super) fn leave(&mut self, member: &GivenName, now: Instant, time: Timestamp) {
        let held = self.members.remove(member);
        self.come_again(member, held, now, time);
    }

    /// A member settles no more: what it has comes again, and it stays as long as it is to be told something.
    pub(super) fn release(&mut self, member: &GivenName, now: Instant, time: Timestamp) {
        let held = self.members.release(member);
        self.come_again(member, held, now, time);
    }

    fn come_again(&mut self, member: &GivenName, held: BTreeSet<Position>, now: Instant, time: Timestamp) {
        for position in held {
            let reason = format!("`{member}` went away with it");
            self.fail(position, reason, Some(now), now, time);
        }
    }

    /// Has events delivered again that are parked, with their tries counted anew; returns how many.
    pub(super) fn replay(&mut self, positions: &[Position]) -> usize {
        let mut count = 0;
        for position in positions {
            if self.parked.remove(position).is_none() {
                continue;
            }
            self.parked_changed.insert(*position);
            self.settled_known.remove(position);
            // What lies further comes with the rest of the log, which the group reads again after a reset.
            if *position <= self.read {
                self.unfetched.insert(*position, 0);
                self.touched = self.touched.max(*position);
            }
            count += 1;
        }
        count
    }

    /// Forgets events that are parked; returns how many.
    pub(super) fn discard(&mut self, positions: &[Position]) -> usize {
        let mut count = 0;
        for position in positions {
            if self.parked.remove(position).is_some() {
                self.parked_changed.insert(*position);
                // What lies further is read again, as after any reset.
                if *position <= self.read {
                    self.remember_settled(*position);
                    self.touched = self.touched.max(*position);
                }
                count += 1;
            }
        }
        count
    }

    /// Begins anew behind a position. What is parked stays.
    pub(super) fn reset(&mut self, read: Position) {
        self.members.forget_in_flight();
        let parked = std::mem::take(&mut self.parked);
        let members = std::mem::take(&mut self.members);
        let parked_changed = std::mem::take(&mut self.parked_changed);
        let (is_paused, counts) = (self.is_paused, self.counts);
        *self = Self { parked, members, parked_changed, is_paused, counts, ..Self::new(self.settings.clone(), read) };
    }

    /// How many events members have.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// How many events wait for another try.
    pub(super) fn retrying(&self) -> usize {
        let is_retrying = |event: &&Outstanding| event.tries > 0 && !matches!(event.state, State::With(..));
        self.outstanding.values().filter(is_retrying).count()
    }

    /// Everything up to here is settled, parked or was never meant.
    pub(super) fn settled(&self) -> Position {
        let unfetched = self.unfetched.keys().next();
        let oldest = self.outstanding.keys().next().into_iter().chain(unfetched).min();
        oldest.map_or(self.read, |position| position.before())
    }

    /// How far the log counts as read when the group begins again, and what of it is not settled, with its tries.
    pub(super) fn progress(&self) -> (Position, BTreeMap<Position, u32>) {
        let read = if self.outstanding.is_empty() { self.read } else { self.touched };
        let mut left = self.unfetched.clone();
        left.extend(self.outstanding.range(..=read).map(|(position, event)| (*position, event.tries)));
        (read, left)
    }

    /// An event could not be dealt with: it comes again at `at`, or after the group's backoff, unless that was
    /// its last try.
    fn fail(&mut self, position: Position, reason: String, at: Option<Instant>, now: Instant, time: Timestamp) {
        let Some(tries) = self.outstanding.get(&position).map(|event| event.tries) else { return };
        if tries >= self.settings.max_tries {
            return self.park(position, reason, now, time);
        }
        self.delay(position, at.unwrap_or_else(|| now + self.settings.backoff_after(tries)));
    }

    fn delay(&mut self, position: Position, at: Instant) {
        let Some(event) = self.outstanding.get_mut(&position) else { return };
        self.counts.retried += 1;
        let (held, lane) = (std::mem::replace(&mut event.state, State::Delayed(at)), event.lane.clone());
        self.timers.insert((at, position));
        self.take_from(held, &lane, position);
    }

    /// An event did not get to its member: nobody has tried.
    fn give_back(&mut self, position: Position) {
        let Some(event) = self.outstanding.get_mut(&position) else { return };
        event.tries -= 1;
        self.counts.delivered -= 1;
        let (held, lane) = (std::mem::replace(&mut event.state, State::Waiting), event.lane.clone());
        self.take_from(held, &lane, position);
    }

    /// Keeps an event aside, as long as there is room for it.
    fn park(&mut self, position: Position, mut reason: String, now: Instant, time: Timestamp) {
        let Some(tries) = self.outstanding.get(&position).map(|event| event.tries) else { return };
        if self.parked.len() >= PARKED_MAX {
            return self.delay(position, now + self.settings.backoff_max);
        }
        self.remove(position);
        reason.truncate(reason.floor_char_boundary(REASON_BYTES_MAX));
        self.counts.parked += 1;
        self.parked.insert(position, Parked { reason, tries, parked_at: time });
        self.parked_changed.insert(position);
    }

    /// Ends an event's time here, and lets the next of its lane go out.
    fn remove(&mut self, position: Position) {
        let Some(event) = self.outstanding.remove(&position) else { return };
        self.outstanding_bytes -= event.event.bytes().len();
        self.ready.remove(&position);
        if let State::Delayed(at) = event.state {
            self.timers.remove(&(at, position));
        }
        self.lanes.leave(&event.lane, position);
        self.take_from(event.state, &event.lane, position);
        self.remember_settled(position);
    }

    /// Nobody has the event any more, if somebody had: its lane may go on.
    fn take_from(&mut self, held: State, lane: &Lane, position: Position) {
        if let State::With(member, until) = held {
            self.in_flight -= 1;
            self.timers.remove(&(until, position));
            self.members.take(&member, position);
            self.lanes.set_busy(lane, false);
        }
        self.offer(lane);
    }

    /// Lets the next of a lane go out, unless it waits for its time.
    fn offer(&mut self, lane: &Lane) {
        if let Some(next) = self.lanes.next(lane)
            && self.outstanding.get(&next).is_some_and(|event| event.state == State::Waiting)
        {
            self.ready.insert(next);
        }
    }

    fn remember_settled(&mut self, position: Position) {
        if self.settled_known.insert(position) {
            self.settled_lately.push_back(position);
        }
        if self.settled_lately.len() > SETTLED_REMEMBERED
            && let Some(oldest) = self.settled_lately.pop_front()
        {
            self.settled_known.remove(&oldest);
        }
    }
}

#[cfg(test)]
impl Deliveries {
    /// Checks everything that is kept twice against what it is made from.
    pub(super) fn check(&self) {
        let with = |event: &&Outstanding| matches!(event.state, State::With(..));
        assert_eq!(self.in_flight, self.outstanding.values().filter(with).count(), "in flight");
        let bytes = self.outstanding.values().map(|event| event.event.bytes().len()).sum::<usize>();
        assert_eq!(self.outstanding_bytes, bytes, "bytes");
        let mut lanes = std::collections::HashMap::<&Lane, Vec<(Position, &State)>>::new();
        let mut timers = BTreeSet::new();
        for (position, event) in &self.outstanding {
            assert!(!self.parked.contains_key(position) && !self.unfetched.contains_key(position), "{position} twice");
            lanes.entry(&event.lane).or_default().push((*position, &event.state));
            if let State::Delayed(at) | State::With(_, at) = &event.state {
                timers.insert((*at, *position));
            }
        }
        assert!(!self.unfetched.keys().any(|position| self.parked.contains_key(position)), "left and parked");
        assert_eq!(self.timers, timers, "timers");
        let mut ready = BTreeSet::new();
        for (lane, events) in &lanes {
            let busy = events.iter().filter(|(_, state)| matches!(state, State::With(..))).count();
            assert!(busy <= 1, "{busy} events of {lane:?} are with members");
            let positions: Vec<_> = events.iter().map(|(position, _)| *position).collect();
            assert_eq!(self.lanes.of(lane), Some((positions, busy == 1)), "{lane:?}");
            ready.extend((busy == 0 && events[0].1 == &State::Waiting).then_some(events[0].0));
        }
        assert_eq!(self.lanes.len(), lanes.len(), "lanes without events");
        assert_eq!(self.ready, ready, "ready");
        let held: usize = self.members.list().map(|(_, _, in_flight)| in_flight).sum();
        assert_eq!(held, self.in_flight, "what members have");
    }
}
