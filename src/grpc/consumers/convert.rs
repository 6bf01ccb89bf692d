//! Consumer groups on the wire and in the store.

use std::time::Duration;

use super::super::convert::{duration, query_or_all, time, time_in};
use crate::model::consumer::check_wait;
use crate::model::{GroupSettings, GroupWishes, Invalid, Limits, NackAction, Order, Position, Query};
use crate::proto::consumer_group_settings::{ByStream, Order as WireOrder, Unordered};
use crate::proto::consumer_group_start::From as WireFrom;
use crate::proto::{self, NotSettledReason};
use crate::store::Start;
use crate::store::consumers::{Delivery, GroupInfo, NotSettled, Outcome, ParkedEvent, Settled};

pub(super) fn settings(wanted: proto::ConsumerGroupSettings, limits: &Limits) -> Result<GroupSettings, Invalid> {
    let given = |number: u32| (number > 0).then_some(number);
    GroupSettings::of(GroupWishes {
        query: query_or_all(wanted.query, false, limits)?,
        order: wanted.order.map(|order| match order {
            WireOrder::ByStream(_) => Order::ByStream,
            WireOrder::ByTagKey(key) => Order::ByTag(key),
            WireOrder::Unordered(_) => Order::Unordered,
        }),
        ack_timeout: wanted.ack_timeout.map(duration).transpose()?,
        max_tries: given(wanted.max_tries),
        backoff: wanted.backoff.map(duration).transpose()?,
        backoff_max: wanted.backoff_max.map(duration).transpose()?,
        max_outstanding: given(wanted.max_outstanding),
    })
}

pub(super) fn start(start: proto::ConsumerGroupStart) -> Result<Start, Invalid> {
    Ok(match start.from {
        None | Some(WireFrom::Start(_)) => Start::Beginning,
        Some(WireFrom::End(_)) => Start::End,
        Some(WireFrom::AfterPosition(position)) => Start::After(position),
        Some(WireFrom::FromTime(time)) => Start::At(time_in(time)?),
    })
}

/// What a member says became of its events. What is acknowledged and not at the same time is refused.
pub(super) fn outcomes(settle: proto::Settle) -> Result<Vec<(Position, Outcome)>, Invalid> {
    let mut outcomes: Vec<_> = settle.ack.into_iter().map(|position| (Position(position), Outcome::Ack)).collect();
    for proto::Nack { position, action, reason, delay } in settle.nack {
        let delay = delay.map(duration).transpose()?;
        delay.map_or(Ok(()), check_wait)?;
        let action = match proto::NackAction::try_from(action) {
            Ok(proto::NackAction::Unspecified | proto::NackAction::Retry) => NackAction::Retry(delay),
            Ok(proto::NackAction::Park) => NackAction::Park,
            Ok(proto::NackAction::Skip) => NackAction::Skip,
            Err(_) => return Err(Invalid::malformed("there is no such action on an event")),
        };
        outcomes.push((Position(position), Outcome::Nack(action, reason)));
    }
    Ok(outcomes)
}

pub(super) fn settled((settled, not_settled): Settled) -> (Vec<u64>, Vec<proto::NotSettled>) {
    let not_settled = not_settled.into_iter().map(|(position, why)| {
        let reason = match why {
            NotSettled::NotDelivered => NotSettledReason::NotDelivered,
            NotSettled::AlreadySettled => NotSettledReason::AlreadySettled,
            NotSettled::TooLate => NotSettledReason::TooLate,
        };
        proto::NotSettled { position: position.0, reason: reason.into() }
    });
    (settled.into_iter().map(|position| position.0).collect(), not_settled.collect())
}

pub(super) fn delivery(delivery: Delivery) -> proto::Delivery {
    proto::Delivery { event: delivery.event.into_bytes(), try_number: delivery.try_number }
}

pub(super) fn parked(ParkedEvent { event, parked }: ParkedEvent) -> proto::ParkedEvent {
    proto::ParkedEvent {
        event: event.into_bytes(),
        reason: parked.reason,
        tries: parked.tries,
        parked_at: Some(time(parked.parked_at)),
    }
}

pub(super) fn group(group: GroupInfo) -> proto::ConsumerGroup {
    let member = |member: crate::store::consumers::MemberInfo| proto::ConsumerGroupMember {
        name: member.name.to_string(),
        credits: member.credits as u32,
        in_flight: member.in_flight as u32,
    };
    proto::ConsumerGroup {
        name: group.name.to_string(),
        settings: Some(settings_out(group.settings)),
        created_at: Some(time(group.created_at)),
        is_paused: group.is_paused,
        settled_position: group.settled.0,
        read_position: group.read.0,
        head: group.head.0,
        outstanding: group.outstanding as u64,
        in_flight: group.in_flight as u64,
        retrying: group.retrying as u64,
        parked: group.parked as u64,
        oldest_unsettled: group.oldest.map(|oldest| proto::OldestUnsettled {
            position: oldest.position.0,
            recorded_at: Some(time(oldest.recorded_at)),
            tries: oldest.tries,
        }),
        members: group.members.into_iter().map(member).collect(),
        counts: Some(proto::ConsumerGroupCounts {
            delivered: group.counts.delivered,
            acknowledged: group.counts.acknowledged,
            skipped: group.counts.skipped,
            retried: group.counts.retried,
            parked: group.counts.parked,
        }),
    }
}

pub(super) fn settings_out(settings: GroupSettings) -> proto::ConsumerGroupSettings {
    proto::ConsumerGroupSettings {
        query: Some(query_out(&settings.query)),
        order: Some(match settings.order {
            Order::ByStream => WireOrder::ByStream(ByStream {}),
            Order::ByTag(key) => WireOrder::ByTagKey(key),
            Order::Unordered => WireOrder::Unordered(Unordered {}),
        }),
        ack_timeout: Some(duration_out(settings.ack_timeout)),
        max_tries: settings.max_tries,
        backoff: Some(duration_out(settings.backoff)),
        backoff_max: Some(duration_out(settings.backoff_max)),
        max_outstanding: settings.max_outstanding,
    }
}

pub(super) fn query_out(query: &Query) -> proto::Query {
    let item = |item: &crate::model::QueryItem| proto::QueryItem {
        types: item.types.clone(),
        tags: item.tags.clone(),
        categories: item.categories.clone(),
        stream_prefix: item.stream_prefix.clone().unwrap_or_default(),
        correlation_id: item.correlation_id.clone().unwrap_or_default(),
    };
    match query.items() {
        Some(items) => proto::Query { items: items.iter().map(item).collect(), all: None },
        None => proto::Query { items: Vec::new(), all: Some(proto::query::All {}) },
    }
}

fn duration_out(duration: Duration) -> prost_types::Duration {
    prost_types::Duration { seconds: duration.as_secs() as i64, nanos: duration.subsec_nanos() as i32 }
}
