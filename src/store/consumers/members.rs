//! The members of a group: how much each wants, what each has, and how to reach it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::deliveries::Delivery;
use super::group::Settled;
use crate::model::{GivenName, Position};
use crate::store::Error;

/// About how many bytes of events a member gets with one answer that asks.
const ANSWER_BYTES: usize = 1 << 20;

/// What a member is told.
#[derive(Debug)]
pub enum Told {
    /// Events to deal with.
    Deliveries(Vec<Delivery>),
    /// What became of a settlement, now that it is durable. As long as this lives, it counts among those that a
    /// member has not heard of.
    Settled(Settled, OwnedSemaphorePermit),
    /// The member's time is over.
    End(Error),
}

/// How many settlements a member may not have heard of.
pub(super) const SETTLEMENTS_MAX: usize = 256;

/// How many messages may wait for a member that listens: those of settlements always have room.
const TOLD_MAX: usize = 4 * SETTLEMENTS_MAX;

/// A member's end of its line.
#[derive(Debug)]
pub(super) struct Ear {
    receiver: mpsc::Receiver<Told>,
    untaken: Arc<AtomicUsize>,
    /// The member's serial number.
    pub(super) serial: u64,
}

impl Ear {
    /// The next thing to hear; `None` when the member is out of the group and has heard everything.
    pub(super) async fn next(&mut self) -> Option<Told> {
        let told = self.receiver.recv().await?;
        if let Told::Deliveries(deliveries) = &told {
            self.untaken.fetch_sub(deliveries.len(), Ordering::Relaxed);
        }
        Some(told)
    }

    /// Everything that is there to hear.
    #[cfg(test)]
    pub(super) fn hear(&mut self) -> Vec<Told> {
        std::iter::from_fn(|| futures_util::FutureExt::now_or_never(self.next()).flatten()).collect()
    }
}

/// How to reach a member.
#[derive(Debug)]
enum Line {
    /// It listens all the time. What it has not taken out of the channel counts against its credits, also when
    /// its time for that was up.
    Open(mpsc::Sender<Told>, Arc<AtomicUsize>),
    /// It asks, and listens while it waits for the answer.
    Asking(Option<oneshot::Sender<Vec<Delivery>>>),
}

#[derive(Debug)]
struct Member {
    /// Tells it from one that had its name before.
    serial: u64,
    line: Line,
    credits: usize,
    in_flight: BTreeSet<Position>,
    /// What it is given with the next message.
    given: Vec<Delivery>,
    given_bytes: usize,
    /// It goes as soon as it was told what became of its settlements.
    is_leaving: bool,
}

impl Member {
    fn new(serial: u64, line: Line, credits: usize) -> Self {
        let (in_flight, given) = (BTreeSet::new(), Vec::new());
        Self { serial, line, credits, in_flight, given, given_bytes: 0, is_leaving: false }
    }

    fn room(&self) -> usize {
        let in_flight = self.in_flight.len();
        match &self.line {
            Line::Open(sender, untaken) if !sender.is_closed() && sender.capacity() > SETTLEMENTS_MAX + 1 => {
                self.credits.saturating_sub(in_flight.max(untaken.load(Ordering::Relaxed)))
            }
            Line::Asking(Some(asking)) if !asking.is_closed() && self.given_bytes < ANSWER_BYTES => {
                self.credits.saturating_sub(in_flight)
            }
            Line::Open(..) | Line::Asking(_) => 0,
        }
    }
}

/// All members.
#[derive(Debug, Default)]
pub(super) struct Members {
    members: BTreeMap<GivenName, Member>,
    joined: u64,
}

impl Members {
    /// Lets a member in that listens all the time; `None` when the name is taken.
    pub(super) fn join(&mut self, name: &GivenName, credits: usize) -> Option<Ear> {
        if self.members.contains_key(name) {
            return None;
        }
        self.joined += 1;
        let serial = self.joined;
        let (sender, receiver) = mpsc::channel(TOLD_MAX);
        let untaken = Arc::<AtomicUsize>::default();
        self.members.insert(name.clone(), Member::new(serial, Line::Open(sender, untaken.clone()), credits));
        Some(Ear { receiver, untaken, serial })
    }

    /// Whether a member is still the one with this serial number.
    pub(super) fn is_there(&self, name: &GivenName, serial: u64) -> bool {
        self.members.get(name).is_some_and(|member| member.serial == serial)
    }

    /// Lets a member ask for at most `most` events beyond what it has; false when the name is one of a member
    /// that listens. Whoever asked before under this name gets nothing.
    pub(super) fn ask(&mut self, name: &GivenName, most: usize, reply: oneshot::Sender<Vec<Delivery>>) -> bool {
        let member = self.members.entry(name.clone()).or_insert_with(|| Member::new(0, Line::Asking(None), 0));
        if matches!(member.line, Line::Open(..)) {
            return false;
        }
        member.line = Line::Asking(Some(reply));
        member.credits = member.in_flight.len() + most;
        true
    }

    /// Changes how much a member wants.
    pub(super) fn set_credits(&mut self, name: &GivenName, credits: usize) {
        if let Some(member) = self.members.get_mut(name) {
            member.credits = credits;
        }
    }

    /// The member that wants most beyond what it has.
    pub(super) fn with_most_room(&self) -> Option<GivenName> {
        let with_room = self.members.iter().map(|(name, member)| (member.room(), name)).filter(|(room, _)| *room > 0);
        with_room.max_by_key(|(room, _)| *room).map(|(_, name)| name.clone())
    }

    /// Gives a member an event with the next message.
    pub(super) fn give(&mut self, name: &GivenName, position: Position, delivery: Delivery) {
        let member = self.members.get_mut(name).expect("who has room is a member");
        member.in_flight.insert(position);
        member.given_bytes += delivery.event.bytes().len();
        member.given.push(delivery);
    }

    /// Sends what was given; returns what did not get through.
    pub(super) fn send(&mut self) -> Vec<Position> {
        let mut lost = Vec::new();
        for member in self.members.values_mut().filter(|member| !member.given.is_empty()) {
            let given = std::mem::take(&mut member.given);
            member.given_bytes = 0;
            let back = match &mut member.line {
                Line::Open(sender, untaken) => {
                    untaken.fetch_add(given.len(), Ordering::Relaxed);
                    match sender.try_send(Told::Deliveries(given)).map_err(mpsc::error::TrySendError::into_inner) {
                        Err(Told::Deliveries(given)) => {
                            untaken.fetch_sub(given.len(), Ordering::Relaxed);
                            given
                        }
                        Ok(()) | Err(Told::Settled(..) | Told::End(_)) => Vec::new(),
                    }
                }
                Line::Asking(asking) => match asking.take() {
                    Some(asking) => asking.send(given).err().unwrap_or_default(),
                    None => given,
                },
            };
            lost.extend(back.iter().map(|delivery| delivery.event.position()));
        }
        lost
    }

    /// Tells a member that listens something else.
    pub(super) fn tell(&self, name: &GivenName, told: Told) {
        if let Some(Member { line: Line::Open(sender, _), .. }) = self.members.get(name) {
            // It may have gone away: then its end comes here as well.
            drop(sender.try_send(told));
        }
    }

    /// Ends all members.
    pub(super) fn end(&mut self, why: &Error) {
        for member in std::mem::take(&mut self.members).into_values() {
            if let Line::Open(sender, _) = member.line {
                drop(sender.try_send(Told::End(why.clone())));
            }
        }
    }

    /// A member no longer has an event. One that only asks is a member as long as it has some.
    pub(super) fn take(&mut self, name: &GivenName, position: Position) {
        let Some(member) = self.members.get_mut(name) else { return };
        member.in_flight.remove(&position);
        if member.in_flight.is_empty() && matches!(member.line, Line::Asking(None)) {
            self.members.remove(name);
        }
    }

    /// A member wants nothing more and gives up what it has, which is returned; it is still told something.
    pub(super) fn release(&mut self, name: &GivenName) -> BTreeSet<Position> {
        let Some(member) = self.members.get_mut(name) else { return BTreeSet::new() };
        member.credits = 0;
        member.is_leaving = true;
        std::mem::take(&mut member.in_flight)
    }

    /// Lets those go that are leaving, but for some.
    pub(super) fn let_go(&mut self, but: impl Fn(&GivenName) -> bool) {
        self.members.retain(|name, member| !member.is_leaving || but(name));
    }

    /// Lets a member go; returns what it has.
    pub(super) fn remove(&mut self, name: &GivenName) -> BTreeSet<Position> {
        self.members.remove(name).map(|member| member.in_flight).unwrap_or_default()
    }

    /// Nobody has anything any more.
    pub(super) fn forget_in_flight(&mut self) {
        self.members.values_mut().for_each(|member| member.in_flight.clear());
        self.members.retain(|_, member| !matches!(member.line, Line::Asking(None)));
    }

    /// Drops whoever asked and no longer listens for the answer, if it has nothing.
    pub(super) fn drop_gone(&mut self) {
        self.members.retain(|_, member| match &member.line {
            Line::Asking(Some(asking)) => !asking.is_closed() || !member.in_flight.is_empty(),
            Line::Asking(None) => !member.in_flight.is_empty(),
            Line::Open(..) => true,
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Each member: its name, what it wants, and how many events it has.
    pub(super) fn list(&self) -> impl Iterator<Item = (&GivenName, usize, usize)> {
        self.members.iter().map(|(name, member)| (name, member.credits, member.in_flight.len()))
    }
}
