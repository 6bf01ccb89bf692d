//! What the platform promises beyond its read models, each shown against a server of its own.
//!
//! The server is the repository's, from `QUIPU_BINARY` or where cargo builds it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use quipu_client::{Client, Expected, Loaded, NewEvent, Reactor, ReadStream, SubscribeAll};
use uuid::Uuid;

use crate::contract;
use crate::driver::drive;
use crate::envelope::Context;
use crate::facts::{Assigned, Discovered, EffectFact, Noted, OpportunityFact};
use crate::opportunity::{Command, Opportunity, SNAPSHOT_EVERY};
use crate::replaying::Plan;
use crate::scenario::Stage;
use crate::valuation::Rates;
use crate::{alerts, archive, audit, health, notifier, parallel, replaying, valuation};

fn stage() -> Stage {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../target/debug/quipu");
    Stage::server(&std::env::var_os("QUIPU_BINARY").map_or(beside, PathBuf::from)).expect("the server starts")
}

fn context(number: u32) -> Context {
    let command_id = Uuid::from_u128(number.into());
    Context {
        command_id,
        user: "ana".to_owned(),
        source: "web".to_owned(),
        correlation_id: "case-1".to_owned(),
        causation_id: command_id,
        occurred_at: minute(number),
    }
}

fn minute(number: u32) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + 60 * i64::from(number), 0).expect("in range")
}

/// Has an opportunity discovered, by the first command.
async fn discover(client: &Client, stream: &str, number: u32, currency: &str) {
    let [title, priority, sector] = ["Bridge", "high", "rail"].map(str::to_owned);
    let it = Discovered { title, amount: 500, currency: currency.to_owned(), priority, sector };
    Opportunity::execute(client, stream, &Command::Discover(it), &context(number)).await.expect("discovered");
}

async fn note(client: &Client, stream: &str, number: u32) {
    let command = Command::Note(Noted { text: format!("note {number}") });
    Opportunity::execute(client, stream, &command, &context(number)).await.expect("noted");
}

/// Runs a reactor until so many effects of a kind are there, from the position on; returns them.
async fn effects(client: &Client, reactor: &Reactor, kind: &str, wanted: usize) -> Vec<EffectFact> {
    let running = tokio::spawn({
        let reactor = reactor.clone();
        async move { reactor.run().await }
    });
    let query = quipu_client::Query::item(quipu_client::QueryItem::new().categories([kind]));
    let mut log = client.subscribe_all(SubscribeAll::new().query(query)).await.expect("subscribed");
    let mut found = Vec::new();
    while found.len() < wanted {
        let next = tokio::time::timeout(Duration::from_secs(30), log.next_event()).await.expect("in time");
        found.extend(contract::read::<EffectFact>(&next.expect("an event")).expect("kept"));
    }
    reactor.stop();
    running.await.expect("no panic").expect("stopped");
    found
}

#[tokio::test]
async fn an_event_carries_all_that_surrounds_it_and_the_trail_tells_it_by_time() {
    let stage = stage();
    discover(&stage.client, "opportunity-1", 1, "EUR").await;
    for number in 2..=9 {
        note(&stage.client, "opportunity-1", number).await;
    }
    let trail = audit::trail(&stage.client, "opportunity-1", minute(3)..minute(6)).await.expect("read");
    let told: Vec<_> = trail.iter().map(|entry| (entry.sequence, entry.occurred_at)).collect();
    assert_eq!(told, [(3, minute(3)), (4, minute(4)), (5, minute(5))], "from is included, before is not");
    let entry = &trail[0];
    assert_eq!((entry.aggregate_type.as_str(), entry.aggregate_id.as_str()), ("opportunity", "1"));
    assert_eq!((entry.event_type.as_str(), entry.version.as_str()), ("OpportunityNoted", "1.0"));
    assert_eq!((entry.user.as_str(), entry.source.as_str(), entry.correlation_id.as_str()), ("ana", "web", "case-1"));
    let command = Uuid::from_u128(3).to_string();
    assert_eq!((&entry.command_id, &entry.causation_id), (&command, &command));
    assert_eq!(entry.payload["text"], "note 3");
}

#[tokio::test]
async fn a_command_issued_again_appends_nothing_again() {
    let stage = stage();
    let events = context(1).record(&[OpportunityFact::OpportunityNoted(Noted { text: "x".to_owned() })]).expect("kept");
    let first = stage.client.append("opportunity-1", Expected::Any, events.clone()).await.expect("appended");
    let again = stage.client.append("opportunity-1", Expected::Any, events).await.expect("recognised");
    assert!(again.deduplicated && again.last_position == first.last_position);
}

#[tokio::test]
async fn snapshots_come_behind_appends_three_are_kept_and_they_change_no_answer() {
    let stage = stage();
    let stream = "opportunity-1";
    discover(&stage.client, stream, 1, "EUR").await;
    for number in 2..=80 {
        note(&stage.client, stream, number).await;
    }
    let aggregate = Opportunity::aggregate(&stage.client, stream);
    let saved = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        loop {
            ticks.tick().await;
            let kept = stage.client.list_snapshots(stream).await.expect("listed");
            if kept.first().is_some_and(|newest| newest.revision >= 5 * SNAPSHOT_EVERY - 1) {
                return kept;
            }
        }
    };
    let kept = tokio::time::timeout(Duration::from_secs(30), saved).await.expect("saved in the background");
    assert_eq!(kept.len(), 3, "{kept:?}");
    let Loaded { state, revision, snapshot_revision } = aggregate.load().await.expect("loaded");
    assert_eq!(snapshot_revision, Some(kept[0].revision), "it begins with the newest");
    let whole = aggregate.load_without_snapshot().await.expect("loaded");
    assert_eq!((&whole.state, whole.revision, whole.snapshot_revision), (&state, revision, None));
    assert_eq!((state.notes, revision), (79, Some(79)));
}

#[tokio::test]
async fn what_cannot_be_handled_is_parked_with_the_reason_alerted_once_and_done_after_the_fix() {
    let stage = stage();
    let client = &stage.client;
    discover(client, "opportunity-1", 1, "XTS").await;
    discover(client, "opportunity-2", 2, "USD").await;
    let reactor = valuation::reactor(client, Rates::with([]));
    let converted = effects(client, &reactor, "valuation", 1).await;
    assert!(matches!(&converted[..], [EffectFact::AmountConverted(it)] if it.euro_cents == 450), "others go on");

    // Three tries are over only after the other one was done: the reactor goes on until the event is parked.
    let running = tokio::spawn({
        let reactor = valuation::reactor(client, Rates::with([]));
        async move { reactor.run().await }
    });
    let mut seen = (0, 0);
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    while seen.0 == 0 {
        ticks.tick().await;
        alerts::look(client, valuation::GROUP, &mut seen).await.expect("looked");
    }
    running.abort();
    alerts::look(client, valuation::GROUP, &mut (0, 0)).await.expect("a watcher that starts anew");
    let parked = client.group(valuation::GROUP).parked().collect().await.expect("listed");
    assert_eq!(parked.len(), 1);
    assert!(parked[0].reason.ends_with("there is no rate for XTS") && parked[0].tries == 3, "{parked:?}");
    let stream = ReadStream::new("alert-valuation");
    let raised = client.read_stream(stream).await.expect("there").collect().await.expect("read");
    assert_eq!(raised.len(), 1, "one alert for one event");
    assert_eq!(raised[0].causation_id, parked[0].event.id.to_string());

    assert_eq!(client.group(valuation::GROUP).replay_parked(&[]).await.expect("replayed"), 1);
    let mended = valuation::reactor(client, Rates::with([("XTS".to_owned(), 2000)]));
    let converted = effects(client, &mended, "valuation", 2).await;
    assert!(matches!(&converted[1], EffectFact::AmountConverted(it) if it.euro_cents == 1000), "{converted:?}");
    assert_eq!(client.group(valuation::GROUP).get().await.expect("asked").expect("there").parked, 0);
}

#[tokio::test]
async fn every_handler_of_a_type_is_called_and_one_that_cannot_tell_anybody_goes_on() {
    let stage = stage();
    discover(&stage.client, "opportunity-1", 1, "EUR").await;
    for (number, owner) in [(2, notifier::VACANT), (3, "ben")] {
        let command = Command::Assign(Assigned { owner: owner.to_owned() });
        Opportunity::execute(&stage.client, "opportunity-1", &command, &context(number)).await.expect("assigned");
    }
    let sent = effects(&stage.client, &notifier::reactor(&stage.client), "notification", 3).await;
    let mut told = Vec::new();
    for fact in sent {
        if let EffectFact::NotificationSent(it) = fact {
            told.push(it.recipient);
        }
    }
    assert_eq!(told, ["desk", "desk", "ben"]);
}

#[tokio::test]
async fn a_replay_takes_types_and_times_goes_on_behind_its_checkpoint_and_counts_each_event_once() {
    let stage = stage();
    let client = &stage.client;
    drive(client, 3, 150).await.expect("driven");
    let types = vec!["OpportunityNoted".to_owned(), "OpportunityScored".to_owned()];
    let plan = Plan { name: "scores".to_owned(), types: types.clone(), from: None, before: None, batch_size: 7 };
    let first = replaying::run(client, &plan).await.expect("replayed");
    let counts = health::counts(client).await.expect("counted");
    assert_eq!(counts.total, counts.by_type.values().sum::<u64>());
    assert_eq!(first.count, types.iter().map(|it| counts.by_type[it]).sum::<u64>());
    assert_eq!(replaying::run(client, &plan).await.expect("replayed"), first, "there is nothing new");

    // As after a kill between the write and the checkpoint: the batch comes again, and is not counted again.
    client.delete_checkpoint("scores").await.expect("deleted");
    assert_eq!(replaying::run(client, &plan).await.expect("replayed"), first);

    let middle = client.get_event_at(75).await.expect("there").recorded_at;
    let half =
        |name: &str, from, before| Plan { name: name.to_owned(), types: Vec::new(), from, before, ..plan.clone() };
    let old = replaying::run(client, &half("old", None, Some(middle))).await.expect("replayed");
    let new = replaying::run(client, &half("new", Some(middle), None)).await.expect("replayed");
    assert_eq!(old.count + new.count, counts.total);
    assert!(old.count > 0 && old.count < 75 && new.last_event.is_some(), "{old:?}");
}

#[tokio::test]
async fn aggregates_are_replayed_side_by_side_with_the_same_answer() {
    let stage = stage();
    drive(&stage.client, 5, 400).await.expect("driven");
    let one_by_one = parallel::states(&stage.client, 1, false).await.expect("folded");
    assert_eq!(one_by_one.len(), 6);
    assert_eq!(parallel::states(&stage.client, 16, false).await.expect("folded"), one_by_one);
    assert_eq!(parallel::states(&stage.client, 16, true).await.expect("folded"), one_by_one);
}

#[tokio::test]
async fn an_old_fact_is_lifted_as_it_is_read_and_stays_as_it_was_written() {
    let stage = stage();
    let old = NewEvent::new("OpportunityDiscovered", r#"{"name":"Bridge","amount":5,"sector":"rail"}"#);
    let old = old.with_schema_version("1.0");
    stage.client.append("opportunity-1", Expected::NoStream, vec![old.clone()]).await.expect("appended");
    let state = Opportunity::aggregate(&stage.client, "opportunity-1").load().await.expect("loaded").state;
    assert_eq!((state.title.as_str(), state.currency.as_str()), ("Bridge", "EUR"));
    let plain = Client::connect(&stage.endpoint).await.expect("connected");
    let stored = plain.get_event_at(1).await.expect("there");
    assert_eq!((stored.data, stored.schema_version.as_str()), (old.data, "1.0"));
}

#[tokio::test]
async fn health_tells_what_happened_lately_and_that_nobody_reacts() {
    let stage = stage();
    discover(&stage.client, "opportunity-1", 1, "EUR").await;
    let health = health::health(&stage.client, Utc::now(), chrono::Duration::minutes(5)).await.expect("asked");
    assert_eq!((health.head, health.recent_events, health.is_healthy), (1, 1, false));
    assert!(health.last_event_at.is_some() && health.reactors.is_empty(), "{health:?}");
    let later = Utc::now() + chrono::Duration::hours(1);
    let health = health::health(&stage.client, later, chrono::Duration::minutes(5)).await.expect("asked");
    assert_eq!(health.recent_events, 0);
}

#[tokio::test]
async fn an_archive_has_every_event_of_its_stream() {
    let stage = stage();
    discover(&stage.client, "opportunity-1", 1, "EUR").await;
    note(&stage.client, "opportunity-1", 2).await;
    let directory = tempfile::tempdir().expect("a directory");
    assert_eq!(archive::keep(&stage.client, "opportunity-1", directory.path()).await.expect("kept"), 2);
    let text = std::fs::read_to_string(directory.path().join("opportunity-1.jsonl")).expect("written");
    let lines: Vec<serde_json::Value> = text.lines().map(|it| serde_json::from_str(it).expect("JSON")).collect();
    assert_eq!(lines[1]["payload"]["text"], "note 2");
    assert_eq!(lines[1]["sequence"], 2);
}
