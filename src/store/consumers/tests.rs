//! The state of a group against a plain list of what became of each event, over random sequences of everything
//! that can happen to it; and its rules one by one.
#![allow(clippy::wildcard_enum_match_arm, reason = "whatever else it is, it is not this")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::PARKED_MAX;
use super::deliveries::{Deliveries, Delivery, NotSettled, Outcome, Parked};
use super::members::{Ear, Told};
use crate::log::StoredEvent;
use crate::log::record::{HEADER_BYTES, Stamp, put_event};
use crate::model::wire::put_bytes;
use crate::model::{
    GivenName, GroupSettings, GroupWishes, Limits, NackAction, Order, Position, ProposedEvent, Revision, Timestamp,
};

const ACK_TIMEOUT: Duration = Duration::from_millis(1000);
const NO_TIME: Timestamp = Timestamp { seconds: 0, nanos: 0 };

/// An event of a stream, with tags.
fn stored(position: u64, stream: &str, tags: &[&str]) -> StoredEvent {
    let mut bytes = Vec::new();
    put_bytes(&mut bytes, 2, b"Happened");
    tags.iter().for_each(|tag| put_bytes(&mut bytes, 9, tag.as_bytes()));
    let event = ProposedEvent::parse(bytes.into(), &Limits::default()).unwrap();
    let stamp = Stamp { revision: Revision(position), position: Position(position), recorded_at: NO_TIME };
    let mut record = Vec::new();
    put_event(&mut record, &event, stream, &stamp);
    StoredEvent::new(record.split_off(HEADER_BYTES).into(), stream.len() as u16).unwrap()
}

fn settings(order: Order, max_tries: u32, max_outstanding: u32) -> GroupSettings {
    GroupSettings::of(GroupWishes {
        order: Some(order),
        ack_timeout: Some(ACK_TIMEOUT),
        max_tries: Some(max_tries),
        backoff: Some(Duration::from_millis(100)),
        backoff_max: Some(Duration::from_millis(300)),
        max_outstanding: Some(max_outstanding),
        ..GroupWishes::default()
    })
    .unwrap()
}

fn name(number: u64) -> GivenName {
    GivenName::from_log(&format!("m{number}"))
}

/// SplitMix64: the same numbers from the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        (!all.is_empty()).then(|| all[self.below(all.len() as u64) as usize])
    }
}

/// What became of an event that was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    Left(Left),
    Settled,
    Parked { tries: u32 },
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Left {
    tries: u32,
    /// Who has it, and until when.
    holder: Option<(GivenName, Instant)>,
    not_before: Instant,
    /// Whether it was parked before: then it may come out of turn.
    is_replayed: bool,
    /// Whether a try ended with the process, not with its member: then it is tried once more.
    is_cut_short: bool,
}

enum Line {
    Listens(Ear),
    Asks(oneshot::Receiver<Vec<Delivery>>),
}

/// The state of a group as it was noted, and what was known then.
struct Noted {
    read: Position,
    left: BTreeMap<Position, u32>,
    parked: BTreeMap<Position, Parked>,
    is_paused: bool,
    fates: BTreeMap<u64, Fate>,
}

/// A group, and the plain list.
struct Run {
    chance: Chance,
    log: BTreeMap<u64, (StoredEvent, String)>,
    deliveries: Deliveries,
    now: Instant,
    fates: BTreeMap<u64, Fate>,
    lines: BTreeMap<GivenName, (Line, usize)>,
    noted: Noted,
    heard: usize,
}

const LOG_END: u64 = 60;

impl Run {
    fn new(seed: u64) -> Self {
        let mut chance = Chance(seed);
        let order = match chance.below(4) {
            0 => Order::Unordered,
            1 => Order::ByTag("t".into()),
            _ => Order::ByStream,
        };
        let mut log = BTreeMap::new();
        for position in (1..=LOG_END).filter(|_| chance.below(5) > 0).collect::<Vec<_>>() {
            let (stream, tag) = (format!("s-{}", chance.below(3)), format!("t:{}", chance.below(3)));
            let tags: Vec<&str> = if chance.below(4) > 0 { vec!["u:1", &tag] } else { vec!["tt:1"] };
            let lane = match &order {
                Order::ByStream => stream.clone(),
                Order::ByTag(_) if tags.len() > 1 => tag.clone(),
                Order::ByTag(_) | Order::Unordered => position.to_string(),
            };
            log.insert(position, (stored(position, &stream, &tags), lane));
        }
        let settings = settings(order, 1 + chance.below(4) as u32, 2 + chance.below(10) as u32);
        let noted = Noted {
            read: Position::ZERO,
            left: BTreeMap::new(),
            parked: BTreeMap::new(),
            is_paused: false,
            fates: BTreeMap::new(),
        };
        let deliveries = Deliveries::new(settings, Position::ZERO);
        let (now, fates, lines) = (Instant::now(), BTreeMap::new(), BTreeMap::new());
        Self { chance, log, deliveries, now, fates, lines, noted, heard: 0 }
    }

    fn step(&mut self) {
        match self.chance.below(60) {
            0..14 => self.read(),
            14..26 => self.turn(),
            26..42 => self.settle(),
            42..46 => self.time_passes(),
            46..49 => self.join(),
            49 => self.ask(),
            50 => self.go(),
            51 => self.want(),
            52 => self.deliveries.is_paused = true,
            53..56 => self.deliveries.is_paused = false,
            56 => self.replay(),
            57 => self.note(),
            _ => match self.chance.below(6) {
                0 => self.reset(),
                1 | 2 => self.restart(),
                3 => self.discard(),
                _ => self.replay(),
            },
        }
        self.deliveries.check();
        self.check();
    }

    /// Reads on, as the runner does: what is left first, then the log.
    fn read(&mut self) {
        let room = self.deliveries.room();
        if room == 0 {
            return;
        }
        if self.deliveries.unfetched.is_empty() {
            let next = self.deliveries.read.0 + 1;
            if let Some((event, _)) = self.log.get(&next) {
                self.deliveries.take_in(event.clone(), 0);
                let is_parked = matches!(self.fates.get(&next), Some(Fate::Parked { .. }));
                if !is_parked {
                    let left =
                        Left { tries: 0, holder: None, not_before: self.now, is_replayed: false, is_cut_short: false };
                    self.fates.insert(next, Fate::Left(left));
                }
            } else {
                self.deliveries.read = Position(next.min(LOG_END));
            }
            return;
        }
        let most = room.min(1 + self.chance.below(3) as usize);
        let some: Vec<_> = self.deliveries.unfetched.iter().take(most).map(|(at, tries)| (*at, *tries)).collect();
        for (position, tries) in some {
            self.deliveries.take_in(self.log[&position.0].0.clone(), tries);
        }
    }

    /// What a runner does in one go: looks at the time, and hands out what is ready.
    fn turn(&mut self) {
        self.deliveries.pass(self.now, NO_TIME);
        self.expire();
        self.deliveries.members.drop_gone();
        self.deliveries.deliver(self.now);
        self.hear();
        let room = self.deliveries.members.list().any(|(name, credits, in_flight)| {
            in_flight < credits && matches!(self.lines.get(name), Some((Line::Listens(_), _)))
        });
        let (room, unfetched) = (room && !self.deliveries.is_paused, &self.deliveries.unfetched);
        let mut lanes = BTreeSet::new();
        for (position, fate) in self.fates.iter().filter(|(at, _)| !unfetched.contains_key(&Position(**at))) {
            let Fate::Left(left) = fate else { continue };
            if lanes.insert(&self.log[position].1) && left.holder.is_none() && left.not_before <= self.now {
                let is_busy = self.is_busy(&self.log[position].1);
                assert!(is_busy || !room, "{position} may go out and does not");
            }
        }
    }

    fn is_busy(&self, lane: &str) -> bool {
        self.with_members().iter().any(|(position, _)| self.log[position].1 == lane)
    }

    /// What members have, and who.
    fn with_members(&self) -> Vec<(u64, GivenName)> {
        let holder = |fate: &Fate| match fate {
            Fate::Left(Left { holder: Some((holder, _)), .. }) => Some(holder.clone()),
            _ => None,
        };
        self.fates.iter().filter_map(|(position, fate)| holder(fate).map(|holder| (*position, holder))).collect()
    }

    fn held(&self, name: &GivenName) -> usize {
        self.with_members().iter().filter(|(_, holder)| holder == name).count()
    }

    /// Takes what members got, and judges it.
    fn hear(&mut self) {
        let mut got = Vec::new();
        let mut answered = Vec::new();
        for (name, (line, _)) in &mut self.lines {
            let deliveries = match line {
                Line::Listens(ear) => ear.hear().into_iter().flat_map(told_deliveries).collect(),
                Line::Asks(asking) => asking.try_recv().inspect(|_| answered.push(name.clone())).unwrap_or_default(),
            };
            got.extend(deliveries.into_iter().map(|delivery| (name.clone(), delivery)));
        }
        for (name, delivery) in got {
            self.judge(&name, &delivery);
        }
        for (name, (_, credits)) in &self.lines {
            assert!(self.held(name) <= *credits, "{name} has more than it wants");
        }
        answered.iter().for_each(|name| drop(self.lines.remove(name)));
    }

    fn judge(&mut self, name: &GivenName, delivery: &Delivery) {
        let (position, lane) = (delivery.event.position().0, &self.log[&delivery.event.position().0].1);
        assert!(!self.deliveries.is_paused, "{position} is delivered while the group is paused");
        for (earlier, fate) in self.fates.range(..position) {
            let is_exempt =
                |left: &Left| left.is_replayed && self.deliveries.unfetched.contains_key(&Position(*earlier));
            if let Fate::Left(left) = fate
                && self.log[earlier].1 == *lane
            {
                assert!(is_exempt(left), "{position} is delivered before {earlier}");
            }
        }
        let until = self.now + ACK_TIMEOUT;
        match self.fates.get_mut(&position) {
            Some(Fate::Left(left)) => {
                assert_eq!(left.holder, None, "{position} is with two members");
                assert_eq!(delivery.try_number, left.tries + 1, "{position}");
                let may_try = left.tries < self.deliveries.settings.max_tries;
                assert!(may_try || std::mem::take(&mut left.is_cut_short), "{position} is tried too often");
                assert!(left.not_before <= self.now, "{position} is delivered before its time");
                (left.tries, left.holder) = (left.tries + 1, Some((name.clone(), until)));
            }
            other => panic!("{position} is delivered and is {other:?}"),
        }
        self.heard += 1;
    }

    /// An event was not dealt with.
    fn failed(&mut self, position: u64, not_before: Option<Instant>) {
        let max_tries = self.deliveries.settings.max_tries;
        let Some(Fate::Left(left)) = self.fates.get(&position).cloned() else { return };
        let tries = left.tries;
        let not_before = not_before.unwrap_or_else(|| self.now + self.deliveries.settings.backoff_after(tries));
        let again = Fate::Left(Left { holder: None, not_before, ..left });
        self.fates.insert(position, if tries >= max_tries { Fate::Parked { tries } } else { again });
    }

    fn expire(&mut self) {
        let is_over = |fate: &Fate| match fate {
            Fate::Left(Left { holder: Some((_, until)), .. }) => *until <= self.now,
            _ => false,
        };
        let over: Vec<_> = self.fates.iter().filter(|(_, fate)| is_over(fate)).map(|(at, _)| *at).collect();
        over.into_iter().for_each(|position| self.failed(position, None));
    }

    fn settle(&mut self) {
        // Mostly what somebody has, else anything.
        let held = self.with_members();
        let chosen = self.chance.below(1 + held.len() as u64) as usize;
        let (position, member) = match held.get(chosen) {
            Some(held) if self.chance.below(6) > 0 => held.clone(),
            _ => (self.chance.below(LOG_END + 3), name(self.chance.below(4))),
        };
        let delay = [None, Some(Duration::ZERO), Some(Duration::from_millis(700))];
        let outcome = match self.chance.below(8) {
            0..4 => Outcome::Ack,
            4..6 => Outcome::Nack(NackAction::Retry(delay[self.chance.below(3) as usize]), "again".into()),
            6 => Outcome::Nack(NackAction::Park, "parked".into()),
            _ => Outcome::Nack(NackAction::Skip, String::new()),
        };
        let told = self.deliveries.settle(&member, Position(position), outcome.clone(), self.now, NO_TIME);
        let Some(Fate::Left(left)) = self.fates.get(&position).cloned() else {
            let why =
                if self.fates.contains_key(&position) { NotSettled::AlreadySettled } else { NotSettled::NotDelivered };
            // What was settled before the group began again is not known for ever.
            assert!(told == Err(why) || told == Err(NotSettled::NotDelivered), "{position}: {told:?}");
            return;
        };
        let is_held = left.holder.is_some();
        let has_it = left.holder.is_some_and(|(holder, _)| holder == member);
        let expected = match &outcome {
            _ if left.tries == 0 => Err(NotSettled::NotDelivered),
            // Whoever has it is still at it.
            Outcome::Ack if is_held && !has_it => Err(NotSettled::TooLate),
            Outcome::Nack(..) if !has_it => Err(NotSettled::TooLate),
            _ => Ok(()),
        };
        assert_eq!(told, expected, "{position} {outcome:?}");
        match outcome {
            _ if told.is_err() => {}
            Outcome::Ack | Outcome::Nack(NackAction::Skip, _) => drop(self.fates.insert(position, Fate::Settled)),
            Outcome::Nack(NackAction::Park, _) => {
                self.fates.insert(position, Fate::Parked { tries: left.tries });
            }
            Outcome::Nack(NackAction::Retry(delay), _) => self.failed(position, delay.map(|delay| self.now + delay)),
        }
    }

    fn time_passes(&mut self) {
        self.now += Duration::from_millis([1, 90, 400, 1100][self.chance.below(4) as usize]);
        self.turn();
    }

    fn join(&mut self) {
        let (name, credits) = (name(self.chance.below(4)), self.chance.below(5) as usize);
        let is_known = self.deliveries.members.list().any(|(known, ..)| *known == name);
        match self.deliveries.members.join(&name, credits) {
            Some(ear) => {
                assert!(!is_known, "{name} is in twice");
                self.lines.insert(name, (Line::Listens(ear), credits));
            }
            None => assert!(is_known, "{name} is not let in"),
        }
    }

    fn ask(&mut self) {
        let (name, most) = (name(self.chance.below(4)), 1 + self.chance.below(3) as usize);
        let (reply, asking) = oneshot::channel();
        let is_listening = matches!(self.lines.get(&name), Some((Line::Listens(_), _)));
        let held = self.held(&name);
        if self.deliveries.members.ask(&name, most, reply) {
            assert!(!is_listening, "{name} listens and asks");
            self.lines.insert(name, (Line::Asks(asking), held + most));
        }
        self.turn();
    }

    /// A member goes: it vanishes, or says that it settles no more.
    fn go(&mut self) {
        let names: Vec<_> = self.lines.keys().cloned().collect();
        let Some(name) = self.chance.one_of(&(0..names.len()).collect::<Vec<_>>()).map(|at| names[at].clone()) else {
            return;
        };
        let is_listening = matches!(self.lines.get(&name), Some((Line::Listens(_), _)));
        let is_gentle = is_listening && self.chance.below(2) == 0;
        if is_gentle {
            self.deliveries.release(&name, self.now, NO_TIME);
        }
        let vanished = self.lines.remove(&name);
        drop(vanished);
        self.deliveries.leave(&name, self.now, NO_TIME);
        if is_listening {
            let its = self.with_members().into_iter().filter(|(_, holder)| *holder == name);
            let its: Vec<_> = its.map(|(position, _)| position).collect();
            its.into_iter().for_each(|position| self.failed(position, Some(self.now)));
        }
        self.deliveries.members.let_go(|_| false);
    }

    fn want(&mut self) {
        let wanted = self.chance.below(6) as usize;
        let held: BTreeMap<_, _> = self.lines.keys().map(|name| (name.clone(), self.held(name))).collect();
        for (name, (line, credits)) in &mut self.lines {
            if matches!(line, Line::Listens(_)) {
                self.deliveries.members.set_credits(name, wanted);
                // What it has already, it may have beyond that.
                *credits = wanted.max(held[name]);
            }
        }
    }

    fn parked(&mut self) -> Vec<Position> {
        let parked: Vec<_> = self.deliveries.parked.keys().copied().collect();
        parked.into_iter().filter(|_| self.chance.below(2) == 0).collect()
    }

    fn replay(&mut self) {
        let positions = self.parked();
        assert_eq!(self.deliveries.replay(&positions), positions.len());
        for position in positions {
            let left = Left { tries: 0, holder: None, not_before: self.now, is_replayed: true, is_cut_short: false };
            if position <= self.deliveries.read {
                self.fates.insert(position.0, Fate::Left(left));
            } else {
                self.fates.remove(&position.0);
            }
        }
    }

    fn discard(&mut self) {
        let positions = self.parked();
        assert_eq!(self.deliveries.discard(&positions), positions.len());
        for position in positions {
            if position <= self.deliveries.read {
                self.fates.insert(position.0, Fate::Settled);
            } else {
                self.fates.remove(&position.0);
            }
        }
    }

    fn reset(&mut self) {
        let read = Position(self.chance.below(LOG_END + 1));
        self.deliveries.reset(read);
        self.fates.retain(|position, fate| *position <= read.0 || matches!(fate, Fate::Parked { .. }));
        let forgotten = self.fates.values_mut().filter(|fate| matches!(fate, Fate::Left(_)));
        forgotten.for_each(|fate| *fate = Fate::Settled);
        self.note();
    }

    fn note(&mut self) {
        let (read, left) = self.deliveries.progress();
        let (parked, fates) = (self.deliveries.parked.clone(), self.fates.clone());
        for (position, fate) in &fates {
            let noted = left.get(&Position(*position));
            match fate {
                Fate::Left(left) if *position <= read.0 => assert_eq!(noted, Some(&left.tries), "{position} is lost"),
                Fate::Left(left) => assert_eq!(left.tries, 0, "it is not noted how often {position} was tried"),
                Fate::Settled => assert!(*position <= read.0 && noted.is_none(), "{position} would come again"),
                Fate::Parked { tries } => assert_eq!(parked[&Position(*position)].tries, *tries, "{position}"),
            }
        }
        let is_paused = self.deliveries.is_paused;
        self.noted = Noted { read, left, parked, is_paused, fates };
    }

    fn restart(&mut self) {
        let Noted { read, left, parked, is_paused, fates } = &self.noted;
        self.deliveries = Deliveries::new(self.deliveries.settings.clone(), *read);
        self.deliveries.is_paused = *is_paused;
        self.deliveries.unfetched = left.clone();
        self.deliveries.parked = parked.clone();
        self.fates = fates.clone();
        self.fates.retain(|position, fate| *position <= read.0 || matches!(fate, Fate::Parked { .. }));
        for fate in self.fates.values_mut() {
            if let Fate::Left(left) = fate {
                left.is_cut_short = true;
                (left.holder, left.not_before) = (None, self.now);
            }
        }
        self.lines.clear();
    }

    fn check(&self) {
        let settled = self.deliveries.settled();
        assert!(settled <= self.deliveries.read);
        let oldest = self.fates.iter().find(|(_, fate)| matches!(fate, Fate::Left(_))).map(|(at, _)| at - 1);
        assert_eq!(settled.0, oldest.unwrap_or(self.deliveries.read.0), "settled up to");
        assert!(self.deliveries.outstanding.len() <= self.deliveries.settings.max_outstanding as usize);
        for (position, fate) in &self.fates {
            let at = Position(*position);
            let is_left = self.deliveries.outstanding.contains_key(&at) || self.deliveries.unfetched.contains_key(&at);
            let is_parked = self.deliveries.parked.contains_key(&at);
            assert_eq!(is_left, matches!(fate, Fate::Left(_)), "{position} is {fate:?}");
            assert_eq!(is_parked, matches!(fate, Fate::Parked { .. }), "{position} is {fate:?}");
        }
    }

    /// Lets one member deal with all that is left.
    fn end(mut self) {
        self.lines.clear();
        for number in 0..4 {
            self.deliveries.leave(&name(number), self.now, NO_TIME);
        }
        self.now += ACK_TIMEOUT;
        self.deliveries.pass(self.now, NO_TIME);
        self.restart();
        self.deliveries.is_paused = false;
        let ear = self.deliveries.members.join(&name(9), 5).unwrap();
        self.lines.insert(name(9), (Line::Listens(ear), 5));
        while self.deliveries.settled().0 < LOG_END {
            self.now += Duration::from_millis(100);
            self.read();
            self.turn();
            for (position, _) in self.with_members() {
                self.deliveries.settle(&name(9), Position(position), Outcome::Ack, self.now, NO_TIME).unwrap();
                self.fates.insert(position, Fate::Settled);
            }
            self.deliveries.check();
            self.check();
        }
        assert!(self.deliveries.outstanding.is_empty() && self.deliveries.unfetched.is_empty());
        assert_eq!((self.deliveries.next_timer(), self.deliveries.in_flight()), (None, 0));
        assert_eq!(self.deliveries.progress(), (Position(LOG_END), BTreeMap::new()));
    }
}

fn told_deliveries(told: Told) -> Vec<Delivery> {
    match told {
        Told::Deliveries(deliveries) => deliveries,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_group_deals_with_each_event_as_a_plain_list_says_over_any_sequence() {
    let mut heard = 0;
    for seed in 0..250 {
        let outcome = std::panic::catch_unwind(|| {
            let mut run = Run::new(seed);
            (0..800).for_each(|_| run.step());
            let heard = run.heard;
            run.end();
            heard
        });
        heard += outcome.unwrap_or_else(|_| panic!("seed {seed}"));
    }
    assert!(heard > 15_000, "so few deliveries prove little: {heard}");
}

/// A group with a member, for rules that are looked at one by one.
struct One {
    deliveries: Deliveries,
    ear: Ear,
    now: Instant,
}

impl One {
    fn new(settings: GroupSettings, credits: usize) -> Self {
        let mut deliveries = Deliveries::new(settings, Position::ZERO);
        let ear = deliveries.members.join(&name(0), credits).unwrap();
        Self { deliveries, ear, now: Instant::now() }
    }

    /// Takes events in: their streams and tags.
    fn with(mut self, events: &[(&str, &[&str])]) -> Self {
        for (position, (stream, tags)) in (1..).zip(events) {
            self.deliveries.take_in(stored(position, stream, tags), 0);
        }
        self
    }

    /// The next events that the member gets: their positions and which try this is.
    fn turn(&mut self) -> Vec<(u64, u32)> {
        self.deliveries.pass(self.now, NO_TIME);
        self.deliveries.deliver(self.now);
        self.deliveries.check();
        let deliveries = self.ear.hear().into_iter().flat_map(told_deliveries);
        deliveries.map(|delivery| (delivery.event.position().0, delivery.try_number)).collect()
    }

    fn settle(&mut self, position: u64, outcome: Outcome) -> Result<(), NotSettled> {
        self.deliveries.settle(&name(0), Position(position), outcome, self.now, NO_TIME)
    }

    fn fail(&mut self, position: u64) {
        self.settle(position, Outcome::Nack(NackAction::Retry(None), format!("try {position}"))).unwrap();
    }
}

#[test]
fn events_with_the_same_value_of_a_tag_go_out_one_after_the_other_whatever_their_streams() {
    let events: [(&str, &[&str]); 6] = [
        ("a", &["customer:1"]),
        ("b", &["x:1", "customer:1"]),
        ("a", &["customer:2"]),
        ("a", &["customers:1"]),
        ("a", &[]),
        ("c", &["customer:1", "customer:2"]),
    ];
    let mut one = One::new(settings(Order::ByTag("customer".into()), 3, 100), 100).with(&events);
    assert_eq!(one.turn(), [(1, 1), (3, 1), (4, 1), (5, 1)]);
    one.settle(3, Outcome::Ack).unwrap();
    assert_eq!(one.turn(), [], "the first of its tags says where an event stands");
    one.settle(1, Outcome::Ack).unwrap();
    assert_eq!(one.turn(), [(2, 1)]);
    one.settle(2, Outcome::Ack).unwrap();
    assert_eq!(one.turn(), [(6, 1)]);
}

#[test]
fn without_an_order_all_events_go_out_side_by_side() {
    let mut one = One::new(settings(Order::Unordered, 3, 100), 100).with(&[("a", &[]), ("a", &[]), ("a", &[])]);
    assert_eq!(one.turn(), [(1, 1), (2, 1), (3, 1)]);
    let mut one = One::new(settings(Order::ByStream, 3, 100), 100).with(&[("a", &[]), ("a", &[]), ("b", &[])]);
    assert_eq!(one.turn(), [(1, 1), (3, 1)]);
}

#[test]
fn an_event_that_fails_waits_longer_each_time_and_is_parked_after_its_last_try() {
    let mut one = One::new(settings(Order::ByStream, 4, 100), 100).with(&[("a", &[]), ("a", &[])]);
    for (try_number, wait) in [(1, 100), (2, 200), (3, 300)] {
        assert_eq!(one.turn(), [(1, try_number)]);
        one.fail(1);
        one.now += Duration::from_millis(wait - 1);
        assert_eq!(one.turn(), [], "{wait} milliseconds are not over");
        assert_eq!(one.deliveries.next_timer(), Some(one.now + Duration::from_millis(1)));
        one.now += Duration::from_millis(1);
    }
    assert_eq!(one.turn(), [(1, 4)]);
    one.now += ACK_TIMEOUT;
    assert_eq!(one.turn(), [(2, 1)], "what follows goes on");
    let parked = &one.deliveries.parked[&Position(1)];
    assert_eq!((parked.tries, parked.reason.as_str()), (4, "`m0` did not settle it within 1s"));
    assert_eq!((one.deliveries.counts.parked, one.deliveries.counts.retried), (1, 3));
    assert_eq!(one.settle(1, Outcome::Ack), Err(NotSettled::AlreadySettled));
}

#[test]
fn a_reason_is_cut_between_characters() {
    let mut one = One::new(settings(Order::ByStream, 4, 100), 100).with(&[("a", &[])]);
    assert_eq!(one.turn(), [(1, 1)]);
    one.settle(1, Outcome::Nack(NackAction::Park, "x".to_owned() + &"é".repeat(4000))).unwrap();
    let reason = &one.deliveries.parked[&Position(1)].reason;
    assert_eq!((reason.len(), reason.chars().count()), (4095, 2048));
}

#[test]
fn when_as_many_events_are_parked_as_may_be_the_next_is_tried_on_until_there_is_room() {
    let mut one = One::new(settings(Order::ByStream, 1, 100), 100).with(&[("a", &[]), ("a", &[])]);
    let parked = Parked { reason: String::new(), tries: 1, parked_at: NO_TIME };
    let others = (1..=PARKED_MAX as u64).map(|number| (Position(1000 + number), parked.clone()));
    one.deliveries.parked = others.collect();
    for try_number in 1..4 {
        assert_eq!(one.turn(), [(1, try_number)]);
        one.fail(1);
        one.now += Duration::from_millis(300);
    }
    assert_eq!(one.deliveries.discard(&[Position(1001)]), 1);
    assert_eq!(one.turn(), [(1, 4)]);
    one.fail(1);
    assert_eq!(one.turn(), [(2, 1)]);
    assert_eq!(one.deliveries.parked.len(), PARKED_MAX);
}

/// Once, a member that was connected and took nothing got the same events again each time that its time was up:
/// they piled up in its channel, and in the end all were parked unseen.
#[test]
fn a_member_that_takes_nothing_gets_no_more_than_it_wants() {
    let streams: Vec<String> = (0..20).map(|number| format!("s-{number}")).collect();
    let events: Vec<(&str, &[&str])> = streams.iter().map(|stream| (stream.as_str(), &[][..])).collect();
    let mut one = One::new(settings(Order::ByStream, 3, 100), 5).with(&events);
    for _ in 0..50 {
        one.deliveries.pass(one.now, NO_TIME);
        one.deliveries.deliver(one.now);
        one.now += ACK_TIMEOUT;
    }
    assert_eq!((one.deliveries.counts.delivered, one.deliveries.parked.len()), (5, 0));
    let taken: Vec<_> = one.ear.hear().into_iter().flat_map(told_deliveries).collect();
    assert_eq!(taken.len(), 5);
    assert_eq!(one.turn().len(), 5, "from then on it gets more");
}

/// Once, what was sent to a member that had just gone away waited until something else happened, although
/// another member would have taken it.
#[test]
fn what_does_not_get_through_to_one_member_goes_to_another() {
    let mut one = One::new(settings(Order::ByStream, 3, 100), 1).with(&[("a", &[]), ("b", &[])]);
    let (reply, asking) = oneshot::channel();
    assert!(one.deliveries.members.ask(&name(1), 5, reply));
    drop(asking);
    assert_eq!(one.turn(), [(1, 1)]);
    assert_eq!(one.deliveries.counts.delivered, 1);
}

/// Once, a group that was reset read an event again that it had parked: it was outstanding and parked at the same
/// time, and a replay put it there twice.
#[test]
fn what_is_parked_stays_aside_when_the_group_reads_it_again() {
    let mut one = One::new(settings(Order::ByStream, 1, 100), 100).with(&[("a", &[]), ("a", &[]), ("a", &[])]);
    assert_eq!(one.turn(), [(1, 1)]);
    one.fail(1);
    one.deliveries.reset(Position::ZERO);
    let mut one = one.with(&[("a", &[]), ("a", &[])]);
    assert_eq!(one.turn(), [(2, 1)]);
    assert_eq!(one.deliveries.replay(&[Position(1), Position(1)]), 1);
    one.deliveries.take_in(stored(1, "a", &[]), 0);
    one.settle(2, Outcome::Ack).unwrap();
    assert_eq!(one.turn(), [(1, 1)]);
}

/// Once, the replay of an event that lay beyond what a group had read since it was reset moved the group there:
/// after a restart, everything before it was taken for read.
#[test]
fn a_replay_does_not_pass_what_was_not_read_since_a_reset() {
    let mut one = One::new(settings(Order::ByStream, 1, 100), 100).with(&[("a", &[]), ("b", &[]), ("c", &[])]);
    assert_eq!(one.turn(), [(1, 1), (2, 1), (3, 1)]);
    one.fail(3);
    one.deliveries.reset(Position::ZERO);
    assert_eq!(one.deliveries.replay(&[Position(3)]), 1);
    assert_eq!((one.deliveries.progress(), one.deliveries.settled()), ((Position::ZERO, BTreeMap::new()), Position(0)));
    let mut one = one.with(&[("a", &[]), ("b", &[]), ("c", &[])]);
    assert_eq!(one.turn(), [(1, 1), (2, 1), (3, 1)]);
}

/// Once, an acknowledgement that came after a restart of the server was refused, and the event delivered again,
/// when the group had not fetched it yet.
#[test]
fn an_ack_is_taken_also_before_the_event_was_fetched_after_a_restart() {
    let mut one = One::new(settings(Order::ByStream, 3, 100), 100);
    one.deliveries.read = Position(9);
    one.deliveries.unfetched = BTreeMap::from([(Position(4), 1), (Position(5), 0), (Position(6), 2)]);
    assert_eq!(one.settle(5, Outcome::Ack), Err(NotSettled::NotDelivered));
    assert_eq!(one.settle(4, Outcome::Nack(NackAction::Skip, String::new())), Err(NotSettled::TooLate));
    assert_eq!(one.settle(4, Outcome::Ack), Ok(()));
    assert_eq!(one.settle(4, Outcome::Ack), Err(NotSettled::AlreadySettled));
    assert_eq!(one.deliveries.progress(), (Position(9), BTreeMap::from([(Position(5), 0), (Position(6), 2)])));
    assert_eq!(one.deliveries.settled(), Position(4));
}

#[test]
fn an_answer_to_one_who_asks_has_about_a_mebibyte() {
    let mut deliveries = Deliveries::new(settings(Order::Unordered, 3, 100), Position::ZERO);
    let large = "x".repeat(250);
    for position in 1..=40 {
        let tags: Vec<String> = (0..200).map(|number| format!("{number}{large}")).collect();
        let mut bytes = Vec::new();
        put_bytes(&mut bytes, 2, b"Happened");
        put_bytes(&mut bytes, 3, tags.concat().as_bytes());
        let event = ProposedEvent::parse(bytes.into(), &Limits::default()).unwrap();
        let stamp = Stamp { revision: Revision(0), position: Position(position), recorded_at: NO_TIME };
        let mut record = Vec::new();
        put_event(&mut record, &event, "s", &stamp);
        deliveries.take_in(StoredEvent::new(record.split_off(HEADER_BYTES).into(), 1).unwrap(), 0);
    }
    let (reply, mut asking) = oneshot::channel();
    assert!(deliveries.members.ask(&name(0), 100, reply));
    deliveries.deliver(Instant::now());
    let bytes: usize = asking.try_recv().unwrap().iter().map(|delivery| delivery.event.bytes().len()).sum();
    assert!((1 << 20..(1 << 20) + 100_000).contains(&bytes), "{bytes}");
}
