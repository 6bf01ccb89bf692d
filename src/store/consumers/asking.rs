//! What the doors may ask about consumer groups.

use std::sync::Arc;
use std::time::Duration;

use super::deliveries::{Counts, Deliveries, Delivery, Outcome, Parked};
use super::group::{Group, Inner, Settled};
use super::progress::{self, Progress};
use super::{GROUPS_MAX, Membership};
use crate::log::StoredEvent;
use crate::model::{GivenName, GroupSettings, Position, Timestamp};
use crate::store::subscription::Start;
use crate::store::{Error, Store};

/// How a group is doing.
#[derive(Debug, Clone)]
pub struct GroupInfo {
    /// The group's name.
    pub name: GivenName,
    /// How it works.
    pub settings: GroupSettings,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether deliveries are stopped.
    pub is_paused: bool,
    /// Everything up to here is settled, parked or does not match.
    pub settled: Position,
    /// How far the log was read.
    pub read: Position,
    /// The head of the log.
    pub head: Position,
    /// Events read and not settled.
    pub outstanding: usize,
    /// Those that a member has.
    pub in_flight: usize,
    /// Those that wait for another try.
    pub retrying: usize,
    /// Events that were parked.
    pub parked: usize,
    /// The oldest event that is not settled.
    pub oldest: Option<OldestUnsettled>,
    /// The members.
    pub members: Vec<MemberInfo>,
    /// What was done since the server started.
    pub counts: Counts,
}

/// The oldest event that is not settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OldestUnsettled {
    /// Its position.
    pub position: Position,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// How often it was delivered.
    pub tries: u32,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberInfo {
    /// Its name.
    pub name: GivenName,
    /// How many events it wants to have in flight.
    pub credits: usize,
    /// How many it has.
    pub in_flight: usize,
}

/// An event kept aside.
#[derive(Debug, Clone)]
pub struct ParkedEvent {
    /// The event.
    pub event: StoredEvent,
    /// Why, and since when.
    pub parked: Parked,
}

impl Store {
    /// Makes a group. One that is there with these settings is left as it is.
    ///
    /// # Errors
    /// When there is one with other settings, when there are too many, and when the start lies beyond the head.
    pub async fn create_group(
        self: &Arc<Self>,
        name: GivenName,
        settings: GroupSettings,
        start: Start,
    ) -> Result<GroupInfo, Error> {
        let _alone = self.consumers.changing.lock().await;
        if let Ok(there) = self.consumers.get(&name) {
            let is_same = there.lock().deliveries.settings == settings;
            return if is_same { Ok(self.info(&there)) } else { Err(Error::GroupExists(name)) };
        }
        if self.consumers.groups.read().expect("no panic under this lock").len() >= GROUPS_MAX {
            return Err(Error::TooManyGroups);
        }
        let read = self.group_start(start).await?;
        let created_at = self.clock.now();
        let notes = vec![progress::group_note(&name, &settings, created_at), progress::first_note(&name, read)];
        self.note(notes).await?;
        let progress = Progress { read: read.0, ..Progress::default() };
        let group = Arc::new(Group::new(name.clone(), settings, created_at, progress));
        self.consumers.groups.write().expect("no panic under this lock").insert(name, group.clone());
        Ok(self.info(&group))
    }

    /// Changes how a group works, but for its query and order.
    ///
    /// # Errors
    /// When there is none, or query or order are others.
    pub async fn update_group(self: &Arc<Self>, name: &GivenName, settings: GroupSettings) -> Result<GroupInfo, Error> {
        let _alone = self.consumers.changing.lock().await;
        let group = self.consumers.get(name)?;
        if !settings.continues(&group.lock().deliveries.settings) {
            return Err(Error::GroupExists(name.clone()));
        }
        self.note(vec![progress::group_note(name, &settings, group.created_at)]).await?;
        group.change(self, |inner| inner.deliveries.settings = settings)?;
        Ok(self.info(&group))
    }

    /// Deletes a group.
    ///
    /// # Errors
    /// When there is none.
    pub async fn delete_group(self: &Arc<Self>, name: &GivenName) -> Result<(), Error> {
        let _alone = self.consumers.changing.lock().await;
        let group = self.consumers.get(name)?;
        self.check_serving()?;
        group.end().await;
        let parked: Vec<_> = {
            let inner = group.lock();
            inner.deliveries.parked.keys().chain(&inner.deliveries.parked_changed).copied().collect()
        };
        if let Err(error) = self.note(progress::end_notes(name, parked.into_iter())).await {
            // Nothing of it is gone: the group goes on with the next who takes part.
            group.lock().is_deleted = false;
            return Err(error);
        }
        self.consumers.groups.write().expect("no panic under this lock").remove(name);
        Ok(())
    }

    /// How a group is doing.
    ///
    /// # Errors
    /// When there is none.
    pub fn group(&self, name: &GivenName) -> Result<GroupInfo, Error> {
        Ok(self.info(&*self.consumers.get(name)?))
    }

    /// Groups whose names begin with `prefix` and are not below `from`, sorted; at most `most`.
    pub fn group_page(&self, prefix: &str, from: &str, most: usize) -> Vec<GroupInfo> {
        let groups = self.consumers.groups.read().expect("no panic under this lock");
        let from = from.max(prefix);
        let rest = groups.range::<str, _>((std::ops::Bound::Included(from), std::ops::Bound::Unbounded));
        let page = rest.take_while(|(name, _)| name.as_str().starts_with(prefix)).take(most);
        page.map(|(_, group)| self.info(group)).collect()
    }

    /// Stops deliveries of a group, or goes on with them.
    ///
    /// # Errors
    /// When there is none.
    pub async fn pause_group(self: &Arc<Self>, name: &GivenName, is_paused: bool) -> Result<(), Error> {
        let group = self.consumers.get(name)?;
        let pause = |inner: &mut Inner| {
            if std::mem::replace(&mut inner.deliveries.is_paused, is_paused) == is_paused {
                return inner.version;
            }
            inner.touch()
        };
        let version = group.change(self, pause)?;
        group.durable(self, version).await
    }

    /// Has a group begin anew; returns behind which position.
    ///
    /// # Errors
    /// When there is none, and when the start lies beyond the head.
    pub async fn reset_group(self: &Arc<Self>, name: &GivenName, start: Start) -> Result<Position, Error> {
        let group = self.consumers.get(name)?;
        let read = self.group_start(start).await?;
        let reset = |inner: &mut Inner| {
            inner.generation += 1;
            inner.deliveries.reset(read);
            inner.touch()
        };
        let version = group.change(self, reset)?;
        group.durable(self, version).await?;
        Ok(read)
    }

    /// Takes part in a group.
    ///
    /// # Errors
    /// When there is none, or the name is taken.
    pub fn join_group(
        self: &Arc<Self>,
        name: &GivenName,
        member: GivenName,
        credits: usize,
    ) -> Result<Membership, Error> {
        let group = self.consumers.get(name)?;
        let ear = group.join(self, &member, credits)?;
        Ok(Membership::new(group, self.clone(), member, ear))
    }

    /// Asks for deliveries, at most `most`, and waits for the first so long.
    ///
    /// # Errors
    /// As [`Self::join_group`].
    pub async fn fetch(
        self: &Arc<Self>,
        name: &GivenName,
        member: &GivenName,
        most: usize,
        timeout: Duration,
    ) -> Result<Vec<Delivery>, Error> {
        let group = self.consumers.get(name)?;
        let mut asking = group.ask(self, member, most)?;
        let patience = async {
            tokio::time::sleep(timeout).await;
            group.looked().await;
        };
        tokio::select! {
            biased;
            // An error means that somebody else asks under this name now, or that nobody moves the group.
            found = &mut asking => found.or_else(|_| group.why_ended().map_or_else(|| Ok(Vec::new()), Err)),
            () = self.stopped() => Err(self.why_gone()),
            () = patience => {
                // What was sent up to here is with this member, and must not get lost.
                asking.close();
                let found = asking.try_recv().unwrap_or_default();
                // Lets the group see that nobody listens any more.
                group.changed.notify_one();
                Ok(found)
            }
        }
    }

    /// Settles deliveries, and waits until that is durable.
    ///
    /// # Errors
    /// When there is no such group, or the store stops.
    pub async fn settle(
        self: &Arc<Self>,
        name: &GivenName,
        member: &GivenName,
        outcomes: Vec<(Position, Outcome)>,
    ) -> Result<Settled, Error> {
        let group = self.consumers.get(name)?;
        let (version, settled) = group.settle(self, member, None, outcomes)?;
        group.durable(self, version).await?;
        Ok(settled)
    }

    /// Parked events from a position on, in the order of the log: at most `most`, and about so many bytes.
    /// Blocks on the disk.
    ///
    /// # Errors
    /// When there is no such group.
    pub fn parked_page(
        &self,
        name: &GivenName,
        from: Position,
        most: usize,
        bytes: usize,
    ) -> Result<Vec<ParkedEvent>, Error> {
        let group = self.consumers.get(name)?;
        let parked: Vec<_> = {
            let inner = group.lock();
            inner.deliveries.parked.range(from..).take(most).map(|(at, parked)| (*at, parked.clone())).collect()
        };
        let (mut page, mut size) = (Vec::new(), 0);
        for (position, parked) in parked {
            let event = self.reader.event_at(position)?;
            size += event.bytes().len();
            page.push(ParkedEvent { event, parked });
            if size >= bytes {
                break;
            }
        }
        Ok(page)
    }

    /// Has parked events delivered again: those at these positions, or all. Returns how many.
    ///
    /// # Errors
    /// When there is no such group, or one of the events is not parked: then none is.
    pub async fn replay_parked(self: &Arc<Self>, name: &GivenName, positions: Vec<Position>) -> Result<usize, Error> {
        self.change_parked(name, positions, Deliveries::replay).await
    }

    /// Forgets parked events: those at these positions, or all. Returns how many.
    ///
    /// # Errors
    /// As [`Self::replay_parked`].
    pub async fn discard_parked(self: &Arc<Self>, name: &GivenName, positions: Vec<Position>) -> Result<usize, Error> {
        self.change_parked(name, positions, Deliveries::discard).await
    }

    /// Behind which position a group begins.
    ///
    /// # Errors
    /// When the position lies beyond the head.
    async fn group_start(&self, start: Start) -> Result<Position, Error> {
        let head = self.head();
        self.reader.aside(move |reader| reader.cursor_at(start, head)).await
    }

    /// Changes events of a group that are parked, those at these positions or all; returns how many it changed.
    async fn change_parked(
        self: &Arc<Self>,
        name: &GivenName,
        positions: Vec<Position>,
        change: impl FnOnce(&mut Deliveries, &[Position]) -> usize,
    ) -> Result<usize, Error> {
        let group = self.consumers.get(name)?;
        let positions = parked_among(&group, positions)?;
        let change = |inner: &mut Inner| (change(&mut inner.deliveries, &positions), inner.touch());
        let (count, version) = group.change(self, change)?;
        group.durable(self, version).await?;
        Ok(count)
    }

    fn info(&self, group: &Group) -> GroupInfo {
        let inner = group.lock();
        let deliveries = &inner.deliveries;
        let oldest = deliveries.outstanding.first_key_value().map(|(position, outstanding)| OldestUnsettled {
            position: *position,
            recorded_at: outstanding.event.recorded_at(),
            tries: outstanding.tries,
        });
        // What was appended since and does not match is passed without anybody waking up for it.
        let head = self.head();
        let is_done = deliveries.outstanding.is_empty() && deliveries.unfetched.is_empty();
        let rest = deliveries.read.next()..=head;
        let passes = is_done && !self.reader.may_match(&deliveries.settings.query, &rest);
        let (settled, read) = if passes { (head, head) } else { (deliveries.settled(), deliveries.read) };
        let member = |(name, credits, in_flight): (&GivenName, usize, usize)| {
            let name = name.clone();
            MemberInfo { name, credits, in_flight }
        };
        GroupInfo {
            name: group.name.clone(),
            settings: deliveries.settings.clone(),
            created_at: group.created_at,
            is_paused: deliveries.is_paused,
            settled,
            read,
            head,
            outstanding: deliveries.outstanding.len() + deliveries.unfetched.len(),
            in_flight: deliveries.in_flight(),
            retrying: deliveries.retrying(),
            parked: deliveries.parked.len(),
            oldest,
            members: deliveries.members.list().map(member).collect(),
            counts: deliveries.counts,
        }
    }
}

/// The positions asked for, or of all parked events.
fn parked_among(group: &Group, positions: Vec<Position>) -> Result<Vec<Position>, Error> {
    let inner = group.lock();
    let parked = &inner.deliveries.parked;
    if positions.is_empty() {
        return Ok(parked.keys().copied().collect());
    }
    match positions.iter().find(|position| !parked.contains_key(*position)) {
        Some(position) => Err(Error::NotParked(group.name.clone(), *position)),
        None => Ok(positions),
    }
}
