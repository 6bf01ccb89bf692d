//! How a consumer group is doing.
//!
//! Owns [`ConsumerGroup`] with its parts, and their making from the wire.

use chrono::{DateTime, Utc};

use super::GroupSettings;
use crate::{Error, proto, timestamp};

/// A group as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerGroup {
    /// The group's name.
    pub name: String,
    /// How it works, with the server's defaults filled in.
    pub settings: GroupSettings,
    /// Server time of its making.
    pub created_at: DateTime<Utc>,
    /// Whether deliveries are stopped.
    pub is_paused: bool,
    /// Everything up to here, inclusive, is settled, parked or does not match.
    pub settled_position: u64,
    /// How far the group has read the log.
    pub read_position: u64,
    /// The head of the log.
    pub head: u64,
    /// Events read and not settled, those in flight among them.
    pub outstanding: u64,
    /// Events that a member has and has not settled.
    pub in_flight: u64,
    /// Events that wait for another try.
    pub retrying: u64,
    /// Events that are parked.
    pub parked: u64,
    /// The oldest event that is not settled; none when there is none among those read.
    pub oldest_unsettled: Option<OldestUnsettled>,
    /// The members, in the order of their names.
    pub members: Vec<GroupMember>,
    /// Counts since the server started.
    pub counts: GroupCounts,
}

/// The oldest event that is not settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OldestUnsettled {
    /// Its position.
    pub position: u64,
    /// When it was recorded: its age tells how far the group is behind.
    pub recorded_at: DateTime<Utc>,
    /// How often it was delivered.
    pub tries: u32,
}

/// Somebody who takes part in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMember {
    /// The member's name.
    pub name: String,
    /// How many events it wants to have in flight.
    pub credits: u32,
    /// How many it has.
    pub in_flight: u32,
}

/// What a group has done since the server started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupCounts {
    /// Deliveries, repeated ones among them.
    pub delivered: u64,
    /// Events acknowledged.
    pub acknowledged: u64,
    /// Events skipped.
    pub skipped: u64,
    /// Deliveries that were to be tried again, whose time was up, or whose member went away.
    pub retried: u64,
    /// Events parked.
    pub parked: u64,
}

impl TryFrom<proto::ConsumerGroup> for ConsumerGroup {
    type Error = Error;

    fn try_from(group: proto::ConsumerGroup) -> Result<Self, Error> {
        Ok(Self {
            name: group.name,
            settings: group.settings.unwrap_or_default().try_into()?,
            created_at: timestamp::required(group.created_at, "created_at")?,
            is_paused: group.is_paused,
            settled_position: group.settled_position,
            read_position: group.read_position,
            head: group.head,
            outstanding: group.outstanding,
            in_flight: group.in_flight,
            retrying: group.retrying,
            parked: group.parked,
            oldest_unsettled: group.oldest_unsettled.map(OldestUnsettled::try_from).transpose()?,
            members: group.members.into_iter().map(GroupMember::from).collect(),
            counts: group.counts.unwrap_or_default().into(),
        })
    }
}

impl TryFrom<proto::OldestUnsettled> for OldestUnsettled {
    type Error = Error;

    fn try_from(oldest: proto::OldestUnsettled) -> Result<Self, Error> {
        let recorded_at = timestamp::required(oldest.recorded_at, "recorded_at")?;
        Ok(Self { position: oldest.position, recorded_at, tries: oldest.tries })
    }
}

impl From<proto::ConsumerGroupMember> for GroupMember {
    fn from(member: proto::ConsumerGroupMember) -> Self {
        Self { name: member.name, credits: member.credits, in_flight: member.in_flight }
    }
}

impl From<proto::ConsumerGroupCounts> for GroupCounts {
    fn from(counts: proto::ConsumerGroupCounts) -> Self {
        Self {
            delivered: counts.delivered,
            acknowledged: counts.acknowledged,
            skipped: counts.skipped,
            retried: counts.retried,
            parked: counts.parked,
        }
    }
}
