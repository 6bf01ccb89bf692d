//! Consumer groups and what makes no sense: each field is refused with a typed error, and changes nothing.

use quipu_client::proto::consumer_group_settings::Order;
use quipu_client::proto::consumers_consume_request::{Join, Kind};
use quipu_client::proto::{self, ConsumerGroupSettings, Nack};
use tonic::{Code, Status};

use crate::events::{append, events};
use crate::member::{Api, Member, api, create, create_from, group, millis, patient};
use crate::server::{TestServer, within};
use crate::wire::{assert_refused, detail};

/// Names that nobody may give, and why.
fn bad_names() -> [(String, &'static str); 5] {
    [
        (String::new(), "INVALID_ARGUMENT"),
        ("$mine".into(), "INVALID_ARGUMENT"),
        ("a\nb".into(), "INVALID_ARGUMENT"),
        ("a\0b".into(), "INVALID_ARGUMENT"),
        ("x".repeat(257), "LIMIT_EXCEEDED"),
    ]
}

async fn start() -> (TestServer, Api) {
    let server = TestServer::start();
    let client = server.client().await;
    append(&client, "s", events(0..3)).await;
    (server, api(&client))
}

/// Every request that names a group, and what comes of it.
async fn all_with_group(api: &Api, name: &str) -> Vec<(&'static str, Result<(), Status>)> {
    let group = || name.to_owned();
    let settings = Some(patient());
    let mut it = api.clone();
    let fetch = proto::ConsumersFetchRequest { group: group(), member: "m".into(), ..Default::default() };
    let ack = proto::ConsumersAckRequest { group: group(), member: "m".into(), ..Default::default() };
    let list = proto::ConsumersListParkedRequest { group: group(), ..Default::default() };
    let replay = proto::ConsumersReplayParkedRequest { group: group(), positions: Vec::new() };
    let discard = proto::ConsumersDiscardParkedRequest { group: group(), positions: Vec::new() };
    vec![
        ("update", it.update(proto::ConsumersUpdateRequest { name: group(), settings }).await.map(drop)),
        ("delete", it.delete(proto::ConsumersDeleteRequest { name: group() }).await.map(drop)),
        ("get", it.get(proto::ConsumersGetRequest { name: group() }).await.map(drop)),
        ("pause", it.pause(proto::ConsumersPauseRequest { name: group() }).await.map(drop)),
        ("resume", it.resume(proto::ConsumersResumeRequest { name: group() }).await.map(drop)),
        ("reset", it.reset(proto::ConsumersResetRequest { name: group(), start: None }).await.map(drop)),
        ("fetch", it.fetch(fetch).await.map(drop)),
        ("ack", it.ack(ack).await.map(drop)),
        ("list parked", it.list_parked(list).await.map(drop)),
        ("replay", it.replay_parked(replay).await.map(drop)),
        ("discard", it.discard_parked(discard).await.map(drop)),
        ("join", Member::join(api, name, "m", 1).await.map(drop)),
    ]
}

#[tokio::test]
async fn a_group_name_that_is_no_name_or_unknown_is_refused_by_every_request() {
    let (_server, api) = start().await;
    for (name, why) in bad_names() {
        for (what, outcome) in all_with_group(&api, &name).await {
            assert_refused(&format!("{what} {name:?}"), outcome, Code::InvalidArgument, why);
        }
        let made = create_from(&api, &name, patient(), None).await;
        assert_refused(&format!("create {name:?}"), made, Code::InvalidArgument, why);
    }
    for (what, outcome) in all_with_group(&api, "unknown").await {
        assert_refused(what, outcome, Code::NotFound, "GROUP_NOT_FOUND");
    }
    let longest = "é".repeat(128);
    create(&api, &longest, patient()).await;
    let all = api.clone().list(proto::ConsumersListRequest::default()).await.unwrap().into_inner().groups;
    assert_eq!(all.into_iter().map(|it| it.name).collect::<Vec<_>>(), [longest]);
}

#[tokio::test]
async fn a_member_name_that_is_no_name_is_refused() {
    let (_server, api) = start().await;
    create(&api, "g", patient()).await;
    for (member, why) in bad_names() {
        let joined = Member::join(&api, "g", &member, 1).await;
        assert_refused(&format!("join {member:?}"), joined, Code::InvalidArgument, why);
        let fetch = proto::ConsumersFetchRequest { group: "g".into(), member: member.clone(), ..Default::default() };
        assert_refused("fetch", api.clone().fetch(fetch).await, Code::InvalidArgument, why);
        let ack = proto::ConsumersAckRequest { group: "g".into(), member, ..Default::default() };
        assert_refused("ack", api.clone().ack(ack).await, Code::InvalidArgument, why);
    }
    assert_eq!(group(&api, "g").await.members, []);
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused() {
    let (_server, api) = start().await;
    let plain = ConsumerGroupSettings::default;
    let query = |query| ConsumerGroupSettings { query: Some(query), ..plain() };
    let item = |types: Vec<String>| proto::QueryItem { types, ..Default::default() };
    let raw = |seconds, nanos| Some(prost_types::Duration { seconds, nanos });
    let key = |key: &str| ConsumerGroupSettings { order: Some(Order::ByTagKey(key.into())), ..plain() };
    let bad = [
        (ConsumerGroupSettings { ack_timeout: Some(millis(99)), ..plain() }, "INVALID_ARGUMENT"),
        (ConsumerGroupSettings { ack_timeout: Some(millis(43_200_001)), ..plain() }, "INVALID_ARGUMENT"),
        (ConsumerGroupSettings { ack_timeout: raw(-1, 0), ..plain() }, "INVALID_ARGUMENT"),
        (ConsumerGroupSettings { ack_timeout: raw(i64::MIN, i32::MIN), ..plain() }, "INVALID_ARGUMENT"),
        (ConsumerGroupSettings { ack_timeout: raw(i64::MAX, 999_999_999), ..plain() }, "INVALID_ARGUMENT"),
        (ConsumerGroupSettings { backoff: raw(0, -1), ..plain() }, "INVALID_ARGUMENT"),
        (ConsumerGroupSettings { backoff: raw(0, 1_000_000_000), ..plain() }, "INVALID_ARGUMENT"),
        (ConsumerGroupSettings { backoff: Some(millis(43_200_001)), ..plain() }, "INVALID_ARGUMENT"),
        (ConsumerGroupSettings { backoff_max: Some(millis(43_200_001)), ..plain() }, "INVALID_ARGUMENT"),
        (ConsumerGroupSettings { max_tries: 1001, ..plain() }, "LIMIT_EXCEEDED"),
        (ConsumerGroupSettings { max_tries: u32::MAX, ..plain() }, "LIMIT_EXCEEDED"),
        (ConsumerGroupSettings { max_outstanding: 100_001, ..plain() }, "LIMIT_EXCEEDED"),
        (key(""), "INVALID_ARGUMENT"),
        (key("a:b"), "INVALID_ARGUMENT"),
        (key(&"k".repeat(257)), "LIMIT_EXCEEDED"),
        (query(proto::Query::default()), "INVALID_ARGUMENT"),
        (query(proto::Query { items: vec![item(Vec::new())], all: None }), "INVALID_ARGUMENT"),
        (query(proto::Query { items: vec![item(vec!["t".into(); 65])], all: None }), "LIMIT_EXCEEDED"),
        (query(proto::Query { items: vec![item(vec!["t".into()]); 33], all: None }), "LIMIT_EXCEEDED"),
    ];
    create(&api, "there", plain()).await;
    for (settings, why) in bad {
        let made = create_from(&api, "g", settings.clone(), None).await;
        assert_refused(&format!("{settings:?}"), made, Code::InvalidArgument, why);
        let request = proto::ConsumersUpdateRequest { name: "there".into(), settings: Some(settings.clone()) };
        let updated = api.clone().update(request).await;
        assert_refused(&format!("{settings:?}"), updated, Code::InvalidArgument, why);
    }
    let from = proto::consumer_group_start::From::FromTime(prost_types::Timestamp { seconds: 1, nanos: -1 });
    let made = create_from(&api, "g", plain(), Some(from)).await;
    assert_refused("a time", made, Code::InvalidArgument, "INVALID_ARGUMENT");
    let good = ConsumerGroupSettings {
        ack_timeout: Some(millis(43_200_000)),
        max_tries: 1000,
        backoff: Some(millis(0)),
        backoff_max: Some(millis(43_200_000)),
        max_outstanding: 100_000,
        ..key(&"k".repeat(256))
    };
    assert_eq!(create(&api, "g", good.clone()).await.settings.unwrap().order, good.order);
}

#[tokio::test]
async fn a_member_that_talks_nonsense_is_out_and_what_it_had_comes_again() {
    let (_server, api) = start().await;
    create(&api, "g", patient()).await;
    let join = |credits| Kind::Join(Join { group: "g".into(), member: "m".into(), credits: Some(credits) });
    let settle = |nack| Kind::Settle(proto::Settle { ack: vec![1], nack: vec![nack] });
    let raw = |seconds, nanos| Some(prost_types::Duration { seconds, nanos });
    for (first, why) in [
        (None, "INVALID_ARGUMENT"),
        (Some(Kind::Credits(1)), "INVALID_ARGUMENT"),
        (Some(settle(Nack::default())), "INVALID_ARGUMENT"),
        (Some(join(10_001)), "LIMIT_EXCEEDED"),
    ] {
        let mut member = Member::open(&api).await.unwrap();
        member.say(first.clone());
        assert_refused(&format!("{first:?}"), member.end().await, Code::InvalidArgument, why);
    }
    let mut silent = Member::open(&api).await.unwrap();
    silent.half_close();
    silent.end().await.unwrap();

    let mut tries = 0;
    for (said, why) in [
        (None, "INVALID_ARGUMENT"),
        (Some(join(1)), "INVALID_ARGUMENT"),
        (Some(Kind::Credits(10_001)), "LIMIT_EXCEEDED"),
        (Some(settle(Nack { action: 77, position: 1, ..Default::default() })), "INVALID_ARGUMENT"),
        (Some(settle(Nack { delay: raw(-1, 0), position: 1, ..Default::default() })), "INVALID_ARGUMENT"),
        (Some(settle(Nack { delay: raw(43_201, 0), position: 1, ..Default::default() })), "INVALID_ARGUMENT"),
        (Some(settle(Nack { delay: raw(i64::MAX, 0), position: 1, ..Default::default() })), "INVALID_ARGUMENT"),
    ] {
        tries += 1;
        let mut member = within("its turn", async {
            loop {
                // The one before may not be out yet.
                match Member::join(&api, "g", "m", 10_000).await {
                    Ok(member) => return member,
                    Err(status) => assert_refused::<()>("in", Err(status), Code::AlreadyExists, "MEMBER_EXISTS"),
                }
            }
        })
        .await;
        assert_eq!(member.deliveries(1).await, [(1, tries)], "nothing of the nonsense was taken");
        member.say(said.clone());
        assert_refused(&format!("{said:?}"), member.end().await, Code::InvalidArgument, why);
    }
    assert_eq!(group(&api, "g").await.settled_position, 0);
}

#[tokio::test]
async fn requests_that_make_no_sense_are_refused() {
    let (_server, api) = start().await;
    create(&api, "g", patient()).await;
    let raw = |seconds, nanos| Some(prost_types::Duration { seconds, nanos });
    let fetch = |max, timeout| proto::ConsumersFetchRequest { group: "g".into(), member: "m".into(), max, timeout };
    for (request, why) in [
        (fetch(10_001, None), "LIMIT_EXCEEDED"),
        (fetch(u32::MAX, None), "LIMIT_EXCEEDED"),
        (fetch(1, raw(601, 0)), "INVALID_ARGUMENT"),
        (fetch(1, raw(600, 1)), "INVALID_ARGUMENT"),
        (fetch(1, raw(-1, 0)), "INVALID_ARGUMENT"),
        (fetch(1, raw(0, i32::MAX)), "INVALID_ARGUMENT"),
        (fetch(1, raw(i64::MAX, 0)), "INVALID_ARGUMENT"),
    ] {
        let outcome = api.clone().fetch(request.clone()).await;
        if let Err(status) = &outcome
            && why == "LIMIT_EXCEEDED"
        {
            let limit: proto::LimitExceeded = detail(status, "LimitExceeded");
            assert_eq!((limit.limit.as_str(), limit.maximum, limit.actual), ("credits", 10_000, request.max.into()));
        }
        assert_refused(&format!("{request:?}"), outcome, Code::InvalidArgument, why);
    }
    for nack in [
        Nack { action: -1, ..Default::default() },
        Nack { action: 4, ..Default::default() },
        Nack { delay: raw(43_200, 1), ..Default::default() },
    ] {
        let request = proto::ConsumersAckRequest {
            group: "g".into(),
            member: "m".into(),
            ack: vec![1],
            nack: vec![nack.clone()],
        };
        let outcome = api.clone().ack(request).await;
        assert_refused(&format!("{nack:?}"), outcome, Code::InvalidArgument, "INVALID_ARGUMENT");
    }
    for page_token in ["x", "-1", "1.5", "g", "99999999999999999999999"] {
        let request =
            proto::ConsumersListParkedRequest { group: "g".into(), page_size: 1, page_token: page_token.into() };
        let outcome = api.clone().list_parked(request).await;
        assert_refused(page_token, outcome, Code::InvalidArgument, "INVALID_ARGUMENT");
    }
    let request = proto::ConsumersListRequest { prefix: "a".into(), page_size: 1, page_token: "g".into() };
    assert_refused("a list", api.clone().list(request).await, Code::InvalidArgument, "INVALID_ARGUMENT");
    let now = group(&api, "g").await;
    assert_eq!((now.in_flight, now.counts), (0, Some(proto::ConsumerGroupCounts::default())));
}
