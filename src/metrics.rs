//! What is counted, in the text form of Prometheus.

use std::time::Duration;

use prometheus::{
    Encoder, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

use crate::log::Block;
use crate::model::{Position, TenantId, Timestamp};
use crate::store::consumers::GroupInfo;
use crate::store::{Error, Transacted};

/// The counters of a server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    appends: IntCounterVec,
    appended_events: IntCounter,
    appended_bytes: IntCounter,
    commits: IntCounter,
    commit_seconds: Histogram,
    commit_events: Histogram,
    delivered_events: IntCounter,
    subscriptions: IntGauge,
    head: IntGauge,
    groups: Groups,
    scrub: Scrub,
}

/// What the scrub counts.
#[derive(Debug)]
struct Scrub {
    bytes: IntCounter,
    segments: IntCounter,
    damage: IntCounter,
    last_pass: IntGauge,
}

impl Scrub {
    fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let scrub = Self {
            bytes: IntCounter::new("quipu_scrub_bytes_total", "Bytes of sealed files read to find damage.")?,
            segments: IntCounter::new("quipu_scrub_segments_total", "Sealed segments read to find damage.")?,
            damage: IntCounter::new("quipu_scrub_damage_total", "Places of damage that the scrub has met.")?,
            last_pass: IntGauge::new(
                "quipu_scrub_last_pass_timestamp_seconds",
                "When the scrub last came to the end of all sealed files; 0 when it has not.",
            )?,
        };
        for counter in [&scrub.bytes, &scrub.segments, &scrub.damage] {
            registry.register(Box::new(counter.clone()))?;
        }
        registry.register(Box::new(scrub.last_pass.clone()))?;
        Ok(scrub)
    }
}

/// What is told of each consumer group when somebody asks.
#[derive(Debug)]
struct Groups {
    behind: IntGaugeVec,
    outstanding: IntGaugeVec,
    in_flight: IntGaugeVec,
    parked: IntGaugeVec,
    oldest: IntGaugeVec,
}

impl Groups {
    fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str| {
            let gauge = IntGaugeVec::new(Opts::new(name, help), &["tenant", "group"])?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        Ok(Self {
            behind: gauge("quipu_group_behind_positions", "Positions between what is settled and the head.")?,
            outstanding: gauge("quipu_group_outstanding", "Events read and not settled.")?,
            in_flight: gauge("quipu_group_in_flight", "Events that members have and have not settled.")?,
            parked: gauge("quipu_group_parked", "Events parked.")?,
            oldest: gauge("quipu_group_oldest_unsettled_seconds", "Age of the oldest event that is not settled.")?,
        })
    }

    fn all(&self) -> [&IntGaugeVec; 5] {
        [&self.behind, &self.outstanding, &self.in_flight, &self.parked, &self.oldest]
    }
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let commit_seconds = HistogramOpts::new("quipu_commit_seconds", "Time to write and sync one group of appends.")
            .buckets(prometheus::exponential_buckets(0.000_05, 2.0, 16)?);
        let commit_events = HistogramOpts::new("quipu_commit_events", "Events in one group of appends.")
            .buckets(prometheus::exponential_buckets(1.0, 4.0, 8)?);
        let outcomes = Opts::new("quipu_appends_total", "Answered appends, by outcome.");
        let metrics = Self {
            appends: IntCounterVec::new(outcomes, &["outcome"])?,
            appended_events: IntCounter::new("quipu_appended_events_total", "Events made durable.")?,
            appended_bytes: IntCounter::new("quipu_appended_bytes_total", "Bytes made durable in the log.")?,
            commits: IntCounter::new("quipu_commits_total", "Groups of appends written and synced.")?,
            commit_seconds: Histogram::with_opts(commit_seconds)?,
            commit_events: Histogram::with_opts(commit_events)?,
            delivered_events: IntCounter::new(
                "quipu_delivered_events_total",
                "Events sent to readers and subscribers.",
            )?,
            subscriptions: IntGauge::new("quipu_subscriptions", "Open subscriptions.")?,
            head: IntGauge::new("quipu_head_position", "The newest head among the open tenants.")?,
            groups: Groups::new(&registry)?,
            scrub: Scrub::new(&registry)?,
            registry,
        };
        let all: [Box<dyn prometheus::core::Collector>; 9] = [
            Box::new(metrics.appends.clone()),
            Box::new(metrics.appended_events.clone()),
            Box::new(metrics.appended_bytes.clone()),
            Box::new(metrics.commits.clone()),
            Box::new(metrics.commit_seconds.clone()),
            Box::new(metrics.commit_events.clone()),
            Box::new(metrics.delivered_events.clone()),
            Box::new(metrics.subscriptions.clone()),
            Box::new(metrics.head.clone()),
        ];
        all.into_iter().try_for_each(|collector| metrics.registry.register(collector))?;
        Ok(metrics)
    }

    /// All of them, and how these consumer groups are doing at this time, as text.
    pub fn text(&self, groups: &[(TenantId, GroupInfo)], now: Timestamp) -> String {
        // A group that is gone is told no more.
        self.groups.all().into_iter().for_each(IntGaugeVec::reset);
        for (tenant, group) in groups {
            let age = group.oldest.map_or(0, |oldest| now.seconds.saturating_sub(oldest.recorded_at.seconds));
            let values = [
                group.head.0.saturating_sub(group.settled.0),
                group.outstanding as u64,
                group.in_flight as u64,
                group.parked as u64,
                age,
            ];
            for (gauge, value) in self.groups.all().into_iter().zip(values) {
                let gauge = gauge.with_label_values(&[tenant.as_str(), group.name.as_str()]);
                gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
            }
        }
        let mut text = Vec::new();
        match TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            Ok(()) => String::from_utf8(text).unwrap_or_default(),
            Err(error) => format!("# {error}\n"),
        }
    }

    /// A group was made durable.
    pub fn committed(&self, block: &Block, took: Duration) {
        self.commits.inc();
        self.appended_events.inc_by(u64::from(block.header.events));
        self.appended_bytes.inc_by(block.bytes().len() as u64);
        self.commit_seconds.observe(took.as_secs_f64());
        self.commit_events.observe(f64::from(block.header.events));
    }

    /// An append or a transaction was answered.
    pub fn answered(&self, verdict: &Result<Transacted, Error>) {
        let outcome = match verdict {
            Ok(Transacted { deduplicated: false, .. }) => "appended",
            Ok(Transacted { deduplicated: true, .. }) => "deduplicated",
            Err(Error::WrongExpectedRevision { .. }) => "wrong_expected_revision",
            Err(Error::GuardNotMet { .. }) => "guard_not_met",
            Err(_) => "failed",
        };
        self.appends.with_label_values(&[outcome]).inc();
    }

    /// Events were handed to a reader or subscriber.
    pub fn delivered(&self, events: usize) {
        self.delivered_events.inc_by(events as u64);
    }

    /// A subscription began; it ends when the guard is dropped.
    pub fn subscribed(&self) -> SubscriptionGuard {
        self.subscriptions.inc();
        SubscriptionGuard(self.subscriptions.clone())
    }

    /// The scrub has read so much.
    pub fn scrubbed_bytes(&self, bytes: u64) {
        self.scrub.bytes.inc_by(bytes);
    }

    /// The scrub has come to the end of a segment.
    pub fn scrubbed_segment(&self) {
        self.scrub.segments.inc();
    }

    /// The scrub has come to the end of everything.
    pub fn scrubbed_all(&self, now: Timestamp) {
        self.scrub.last_pass.set(now.seconds.cast_signed());
    }

    /// The scrub has met damage that it had not met before.
    pub fn scrub_damage(&self) {
        self.scrub.damage.inc();
    }

    /// The head moved.
    pub fn head(&self, head: Position) {
        self.head.set(head.0.cast_signed().max(self.head.get()));
    }
}

/// Counts a subscription while it lives.
#[derive(Debug)]
pub struct SubscriptionGuard(IntGauge);

impl Drop for SubscriptionGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}
