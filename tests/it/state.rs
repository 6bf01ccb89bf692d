//! Folded states of streams, and the snapshots that the server saves of them by itself.

use quipu_client::proto::snapshots_client::SnapshotsClient;
use quipu_client::proto::snapshots_get_state_request::At;
use quipu_client::proto::{
    self, SnapshotPolicy, SnapshotsDeletePolicyRequest, SnapshotsGetStateRequest, SnapshotsListPoliciesRequest,
    SnapshotsSetPolicyRequest,
};
use quipu_client::{Client, Expected, NewEvent, SnapshotToSave, StreamMetadata};
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::events::{append, event, head, stream};
use crate::server::{TestServer, eventually};
use crate::wire::{assert_refused, detail};

type Api = SnapshotsClient<Channel>;

async fn start() -> (TestServer, Client, Api) {
    let server = TestServer::start();
    let client = server.patient_client().await;
    let api = SnapshotsClient::new(client.channel()).max_decoding_message_size(64 << 20);
    (server, client, api)
}

fn patch(json: &str) -> NewEvent {
    NewEvent::new("Patched", json.to_owned())
}

/// A state: what it is, after which revision, which snapshot it began with, and how many events were folded in.
type State = (String, u64, Option<u64>, u64);

async fn ask(api: &Api, stream: &str, at: Option<At>, without_snapshot: bool) -> Result<State, Status> {
    let request = SnapshotsGetStateRequest { stream: stream.into(), at, without_snapshot };
    let it = api.clone().get_state(request).await?.into_inner();
    let data = String::from_utf8(it.data.to_vec()).expect("JSON");
    Ok((data, it.revision.expect("a revision"), it.snapshot_revision, it.events))
}

/// The state now.
async fn state(api: &Api, stream: &str) -> Result<State, Status> {
    ask(api, stream, None, false).await
}

async fn state_at(api: &Api, stream: &str, revision: u64) -> Result<State, Status> {
    ask(api, stream, Some(At::Revision(revision)), false).await
}

async fn set_policy(api: &Api, category: &str, every_events: u32) -> Result<(), Status> {
    let policy = Some(SnapshotPolicy { category: category.into(), every_events });
    api.clone().set_policy(SnapshotsSetPolicyRequest { policy }).await.map(drop)
}

async fn delete_policy(api: &Api, category: &str) -> Result<(), Status> {
    api.clone().delete_policy(SnapshotsDeletePolicyRequest { category: category.into() }).await.map(drop)
}

async fn policies(api: &Api) -> Vec<(String, u32)> {
    let all = api.clone().list_policies(SnapshotsListPoliciesRequest {}).await.expect("policies").into_inner();
    all.policies.into_iter().map(|it| (it.category, it.every_events)).collect()
}

/// The revisions of a stream's snapshots, newest first.
async fn saved(api: &Api, stream: &str) -> Vec<u64> {
    let listed = api.clone().list(proto::SnapshotsListRequest { stream: stream.into() }).await.expect("a list");
    listed.into_inner().snapshots.into_iter().map(|it| it.revision.expect("a revision")).collect()
}

#[tokio::test]
async fn a_state_is_what_its_events_laid_over_each_other_give_at_any_revision_and_time() {
    let (mut server, client, api) = start().await;
    assert_refused("nothing", state(&api, "s").await, Code::NotFound, "STREAM_NOT_FOUND");
    let steps = [
        (
            r#"{"name":"Ada","address":{"city":"London","zip":"1"}}"#,
            r#"{"address":{"city":"London","zip":"1"},"name":"Ada"}"#,
        ),
        (r#"{"address":{"zip":null},"tags":[1,2]}"#, r#"{"address":{"city":"London"},"name":"Ada","tags":[1,2]}"#),
        (r#"{"tags":[{"a":null}]}"#, r#"{"address":{"city":"London"},"name":"Ada","tags":[{"a":null}]}"#),
        ("7", "7"),
        (
            r#"{"n":12345678901234567890123456789.10e-5,"f":0.1}"#,
            r#"{"f":0.1,"n":12345678901234567890123456789.10e-5}"#,
        ),
        ("{}", r#"{"f":0.1,"n":12345678901234567890123456789.10e-5}"#),
        (r#"{"f":-0.0,"n":null}"#, r#"{"f":-0.0}"#),
    ];
    for (json, _) in steps {
        append(&client, "s", vec![patch(json)]).await;
        append(&client, "other", vec![patch("1")]).await;
    }
    let times: Vec<_> = stream(&client, "s").await.into_iter().map(|event| event.recorded_at).collect();
    let timestamp = |time: chrono::DateTime<chrono::Utc>, nanos: i32| {
        let at = time.timestamp_subsec_nanos().cast_signed() + nanos;
        At::Time(prost_types::Timestamp { seconds: time.timestamp(), nanos: at })
    };
    for with_snapshots in [false, true] {
        for (revision, (_, expected)) in (0..).zip(steps) {
            for without in [false, true] {
                let at = ask(&api, "s", Some(At::Revision(revision)), without).await.unwrap();
                assert_eq!((at.0.as_str(), at.1), (expected, revision));
                let by_time = ask(&api, "s", Some(timestamp(times[revision as usize], 0)), without).await.unwrap();
                assert_eq!(by_time, at, "the time of an event has the event in it");
                let snapshot = [1, 4].into_iter().filter(|snapshot| *snapshot <= revision).max();
                let began = snapshot.filter(|_| with_snapshots && !without);
                assert_eq!((at.2, at.3), (began, began.map_or(revision + 1, |began| revision - began)));
            }
        }
        assert_eq!(state(&api, "s").await.unwrap(), state_at(&api, "s", 6).await.unwrap());
        let future = At::Time(prost_types::Timestamp { seconds: i64::MAX, nanos: 999_999_999 });
        assert_eq!(ask(&api, "s", Some(future), false).await.unwrap(), state(&api, "s").await.unwrap());
        let before = ask(&api, "s", Some(timestamp(times[0], -1)), false).await;
        assert_refused("before it began", before, Code::NotFound, "STREAM_NOT_FOUND");
        for revision in [1, 4] {
            let data = steps[revision as usize].1;
            client.save_snapshot(SnapshotToSave::new("s", revision, data)).await.unwrap();
        }
        server.restart().await;
        head(&client).await;
    }
    let beyond = state_at(&api, "s", 7).await;
    let told: proto::BeyondEnd = detail(beyond.as_ref().unwrap_err(), "BeyondEnd");
    assert_eq!((told.asked, told.last), (7, Some(6)));
    assert_refused("beyond", beyond, Code::OutOfRange, "BEYOND_END");
    assert_refused("far", state_at(&api, "s", u64::MAX).await, Code::OutOfRange, "BEYOND_END");
}

#[tokio::test]
async fn a_long_stream_folds_over_many_pages() {
    let (_server, client, api) = start().await;
    for chunk in 0..10 {
        let events = (0..500).map(|number| {
            let text = "x".repeat(1000);
            patch(&format!(r#"{{"k{}":{chunk},"last":{number},"text":"{text}"}}"#, number % 100))
        });
        append(&client, "s", events.collect()).await;
    }
    let (data, revision, _, events) = state(&api, "s").await.unwrap();
    let folded: serde_json::Value = serde_json::from_str(&data).unwrap();
    assert_eq!((revision, events, folded.as_object().unwrap().len()), (4999, 5000, 102));
    assert_eq!((&folded["k7"], &folded["last"]), (&9.into(), &499.into()));
}

#[tokio::test]
async fn a_state_shows_what_its_stream_does() {
    let (_server, client, api) = start().await;
    let steps = [r#"{"a":1}"#, r#"{"b":2}"#, r#"{"c":3}"#, r#"{"d":4}"#];
    append(&client, "cut", steps.map(patch).to_vec()).await;
    let metadata = StreamMetadata { truncate_before: Some(2), ..StreamMetadata::default() };
    client.set_stream_metadata("cut", metadata, Expected::Any).await.unwrap();
    assert_eq!(state(&api, "cut").await.unwrap(), (r#"{"c":3,"d":4}"#.into(), 3, None, 2));
    assert_refused("hidden", state_at(&api, "cut", 1).await, Code::NotFound, "EVENT_NOT_FOUND");
    client.save_snapshot(SnapshotToSave::new("cut", 1, r#"{"a":1,"b":2}"#)).await.unwrap();
    assert_eq!(state(&api, "cut").await.unwrap(), (r#"{"a":1,"b":2,"c":3,"d":4}"#.into(), 3, Some(1), 2));
    assert_eq!(state_at(&api, "cut", 1).await.unwrap(), (r#"{"a":1,"b":2}"#.into(), 1, Some(1), 0));
    let without = ask(&api, "cut", None, true).await.unwrap();
    assert_eq!(without, (r#"{"c":3,"d":4}"#.into(), 3, None, 2));
}

/// Once, a state as of a time before the end of its stream was still told, and one as of a revision that a
/// deletion hides was `null`.
#[tokio::test]
async fn what_a_deletion_hides_is_in_no_state() {
    let (mut server, client, api) = start().await;
    for name in ["deleted", "ended"] {
        append(&client, name, vec![patch(r#"{"a":1}"#), patch(r#"{"b":2}"#)]).await;
        client.save_snapshot(SnapshotToSave::new(name, 0, r#"{"a":1}"#)).await.unwrap();
    }
    let time = stream(&client, "ended").await[1].recorded_at;
    let then = || {
        let nanos = time.timestamp_subsec_nanos().cast_signed();
        Some(At::Time(prost_types::Timestamp { seconds: time.timestamp(), nanos }))
    };
    client.delete_stream("deleted", Expected::Any).await.unwrap();
    client.tombstone_stream("ended", Expected::Any).await.unwrap();
    for _ in 0..2 {
        for (name, why) in [("deleted", "STREAM_DELETED"), ("ended", "STREAM_TOMBSTONED")] {
            for at in [None, Some(At::Revision(0)), Some(At::Revision(1)), then()] {
                for without in [false, true] {
                    let refused = ask(&api, name, at, without).await;
                    assert_refused(&format!("{name} {at:?}"), refused, Code::NotFound, why);
                }
            }
        }
        server.restart().await;
        head(&client).await;
    }
    append(&client, "deleted", vec![patch(r#"{"c":3}"#)]).await;
    assert_eq!(state(&api, "deleted").await.unwrap(), (r#"{"c":3}"#.into(), 2, None, 1));
    assert_refused("before", state_at(&api, "deleted", 1).await, Code::NotFound, "EVENT_NOT_FOUND");
    assert_refused("then", ask(&api, "deleted", then(), false).await, Code::NotFound, "EVENT_NOT_FOUND");
}

#[tokio::test]
async fn what_is_not_json_is_told_with_its_revision() {
    let (_server, client, api) = start().await;
    let not_foldable = |outcome: Result<State, Status>, revision, is_snapshot| {
        let told: proto::NotFoldable = detail(outcome.as_ref().unwrap_err(), "NotFoldable");
        assert_eq!((told.stream.as_str(), told.revision, told.is_snapshot), ("s", revision, is_snapshot));
        assert_refused("not JSON", outcome, Code::FailedPrecondition, "NOT_FOLDABLE");
    };
    append(&client, "s", vec![patch(r#"{"a":1}"#), NewEvent::new("Bytes", vec![0, 255]), patch(r#"{"b":2}"#)]).await;
    assert_eq!(state_at(&api, "s", 0).await.unwrap().0, r#"{"a":1}"#);
    not_foldable(state(&api, "s").await, 1, false);
    client.save_snapshot(SnapshotToSave::new("s", 1, r#"{"mended":true}"#)).await.unwrap();
    assert_eq!(state(&api, "s").await.unwrap(), (r#"{"b":2,"mended":true}"#.into(), 2, Some(1), 1));
    client.save_snapshot(SnapshotToSave::new("s", 2, vec![1, 2, 3])).await.unwrap();
    not_foldable(state(&api, "s").await, 2, true);
    assert_eq!(state_at(&api, "s", 1).await.unwrap().0, r#"{"mended":true}"#);
    for (revision, bad) in (3_u64..).zip(["", "{", "{} {}", "nul", r#"{"a":}"#, "\u{feff}{}", "NaN", "01"]) {
        append(&client, "s", vec![patch(bad)]).await;
        client.save_snapshot(SnapshotToSave::new("s", revision - 1, "{}")).await.unwrap();
        not_foldable(state(&api, "s").await, revision, false);
    }
}

#[tokio::test]
async fn deep_nesting_is_folded_or_refused_and_harms_nobody() {
    let (_server, client, api) = start().await;
    let nested = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    append(&client, "deep", vec![patch(&nested(100)), patch(&nested(99).replace('1', r#"{"b":2}"#))]).await;
    assert_eq!(state(&api, "deep").await.unwrap().0, nested(99).replace('1', r#"{"a":1,"b":2}"#));
    for depth in [200, 100_000] {
        append(&client, "abyss", vec![patch(&nested(depth)), patch(&"[".repeat(depth))]).await;
        assert_refused("too deep", state(&api, "abyss").await, Code::FailedPrecondition, "NOT_FOLDABLE");
    }
    assert_eq!(state_at(&api, "deep", 0).await.unwrap().0, nested(100));
}

#[tokio::test]
async fn snapshots_are_saved_at_every_multiple_and_the_last_three_are_kept() {
    let (mut server, client, api) = start().await;
    set_policy(&api, "order", 5).await.unwrap();
    let count = |from: u64, to: u64| (from..to).map(|n| patch(&format!(r#"{{"n":{n},"k{}":1}}"#, n % 3))).collect();
    append(&client, "order-1", count(0, 4)).await;
    append(&client, "orders-1", count(0, 10)).await;
    append(&client, "order", count(0, 10)).await;
    append(&client, "order-1", count(4, 7)).await;
    eventually("the first", async || saved(&api, "order-1").await == [4]).await;
    append(&client, "order-1", count(7, 23)).await;
    eventually("the next", async || saved(&api, "order-1").await == [19, 14, 9]).await;
    append(&client, "order-2", count(0, 5)).await;
    eventually("another stream", async || saved(&api, "order-2").await == [4]).await;
    assert_eq!(saved(&api, "orders-1").await, [0; 0], "of another category");
    assert_eq!(saved(&api, "order").await, [0; 0], "of no category");
    for _ in 0..2 {
        let folded = state(&api, "order-1").await.unwrap();
        assert_eq!(folded, (r#"{"k0":1,"k1":1,"k2":1,"n":22}"#.into(), 22, Some(19), 3));
        let plain = ask(&api, "order-1", None, true).await.unwrap();
        assert_eq!((plain.0, plain.1, plain.2, plain.3), (folded.0, 22, None, 23));
        let snapshot = client.get_snapshot("order-1", Some(14)).await.unwrap().unwrap();
        assert_eq!((snapshot.revision, &snapshot.data[..]), (14, &br#"{"k0":1,"k1":1,"k2":1,"n":14}"#[..]));
        assert_eq!(policies(&api).await, [("order".to_owned(), 5)]);
        server.kill();
        server.run();
        head(&client).await;
        assert_eq!(saved(&api, "order-1").await, [19, 14, 9]);
    }
    append(&client, "order-1", count(23, 25)).await;
    eventually("one after the crash", async || saved(&api, "order-1").await == [24, 19, 14]).await;

    delete_policy(&api, "order").await.unwrap();
    assert_refused("again", delete_policy(&api, "order").await, Code::NotFound, "POLICY_NOT_FOUND");
    assert_eq!(policies(&api).await, []);
    // A policy of another category shows when the time for one of this had come.
    set_policy(&api, "sign", 2).await.unwrap();
    append(&client, "order-1", count(25, 40)).await;
    append(&client, "sign-1", count(0, 2)).await;
    eventually("the sign", async || saved(&api, "sign-1").await == [1]).await;
    assert_eq!(saved(&api, "order-1").await, [24, 19, 14]);
    server.restart().await;
    head(&client).await;
    assert_eq!(policies(&api).await, [("sign".to_owned(), 2)]);
}

#[tokio::test]
async fn a_policy_is_replaced_and_all_are_listed_in_order() {
    let (mut server, client, api) = start().await;
    for (category, every) in [("b", 7), ("a", 2), ("ü", 1_000_000), ("b", 3)] {
        set_policy(&api, category, every).await.unwrap();
    }
    for _ in 0..2 {
        assert_eq!(policies(&api).await, [("a".into(), 2), ("b".into(), 3), ("ü".to_owned(), 1_000_000)]);
        server.restart().await;
        head(&client).await;
    }
    append(&client, "b-1", (0..7).map(|_| patch("{}")).collect()).await;
    eventually("by the newer one", async || saved(&api, "b-1").await == [5, 2]).await;
}

#[tokio::test]
async fn a_stream_that_can_not_be_folded_gets_no_snapshot_and_harms_nobody() {
    let (_server, client, api) = start().await;
    set_policy(&api, "s", 2).await.unwrap();
    append(&client, "s-bytes", (0..10).map(|_| NewEvent::new("Bytes", vec![0])).collect()).await;
    append(&client, "s-gone", vec![event(0)]).await;
    client.delete_stream("s-gone", Expected::Any).await.unwrap();
    let large = format!("{{\"t\":\"{}\"}}", "x".repeat(3 << 20));
    append(&client, "s-large", vec![patch(&large.replace('t', "u")), patch(&large)]).await;
    append(&client, "s-good", vec![event(0), event(1)]).await;
    eventually("the good one", async || saved(&api, "s-good").await == [1]).await;
    assert_eq!(saved(&api, "s-bytes").await, [0; 0]);
    assert_eq!(saved(&api, "s-large").await, [0; 0], "a state beyond the limit of a snapshot is not saved");
    assert_eq!(state(&api, "s-large").await.unwrap().3, 2);
    append(&client, "s-good", vec![event(2), event(3)]).await;
    eventually("and on", async || saved(&api, "s-good").await == [3, 1]).await;
}

#[tokio::test]
async fn a_policy_that_makes_no_sense_is_refused_and_makes_no_tenant() {
    let (server, client, api) = start().await;
    let fresh = |category: &str, every_events| {
        let policy = Some(SnapshotPolicy { category: category.into(), every_events });
        let mut request = tonic::Request::new(SnapshotsSetPolicyRequest { policy });
        request.metadata_mut().insert("quipu-tenant", "fresh".parse().unwrap());
        request
    };
    let long = "x".repeat(2049);
    for (category, every, why) in [
        ("", 2, "INVALID_ARGUMENT"),
        ("a-b", 2, "INVALID_ARGUMENT"),
        ("-", 2, "INVALID_ARGUMENT"),
        ("a\0", 2, "INVALID_ARGUMENT"),
        ("$streams", 2, "INVALID_ARGUMENT"),
        (&long, 2, "LIMIT_EXCEEDED"),
        ("a", 0, "INVALID_ARGUMENT"),
        ("a", 1, "INVALID_ARGUMENT"),
        ("a", 1_000_001, "INVALID_ARGUMENT"),
        ("a", u32::MAX, "INVALID_ARGUMENT"),
    ] {
        let refused = set_policy(&api, category, every).await;
        assert_refused(&format!("{category:.5} {every}"), refused, Code::InvalidArgument, why);
        let refused = api.clone().set_policy(fresh(category, every)).await;
        assert_refused("fresh", refused, Code::InvalidArgument, why);
    }
    let unset = api.clone().set_policy(SnapshotsSetPolicyRequest { policy: None }).await;
    assert_refused("none", unset, Code::InvalidArgument, "INVALID_ARGUMENT");
    for name in ["", "a\0b"] {
        assert_refused("a name", state(&api, name).await, Code::InvalidArgument, "INVALID_ARGUMENT");
    }
    let time = At::Time(prost_types::Timestamp { seconds: 0, nanos: -1 });
    assert_refused("a time", ask(&api, "s", Some(time), false).await, Code::InvalidArgument, "INVALID_ARGUMENT");
    for unknown in ["", "a", "a-b"] {
        assert_refused("unknown", delete_policy(&api, unknown).await, Code::NotFound, "POLICY_NOT_FOUND");
    }
    assert_eq!(policies(&api).await, []);
    assert_eq!(std::fs::read_dir(server.data().join("tenants")).unwrap().count(), 1);
    set_policy(&api, &"x".repeat(500), 2).await.unwrap();
    append(&client, &format!("{}-1", "x".repeat(500)), vec![event(0), event(1)]).await;
    eventually("a long one", async || saved(&api, &format!("{}-1", "x".repeat(500))).await == [1]).await;
}
