//! Consumer groups: who gets which event, in which order, and what becomes of it.

use quipu_client::proto::consumer_group_settings::{Order, Unordered};
use quipu_client::proto::consumer_group_start::From;
use quipu_client::proto::consumers_consume_request::Kind;
use quipu_client::proto::{self, ConsumerGroupSettings, End, NackAction, NotSettledReason, Start};
use quipu_client::{Client, Expected, NewEvent};
use tonic::Code;

use crate::events::{append, event, events, head, log, spread};
use crate::member::{
    Api, Member, api, create, create_from, event_of, group, millis, nack, parked, patient, position_of, positions_in,
};
use crate::server::{TestServer, eventually, within};
use crate::wire::{assert_refused, detail};

async fn start() -> (TestServer, Client, Api) {
    let server = TestServer::start();
    let client = server.patient_client().await;
    let api = api(&client);
    (server, client, api)
}

/// Kills the server, and is back when it serves again.
async fn crash(server: &mut TestServer, client: &Client) {
    server.kill();
    server.run();
    head(client).await;
}

fn reasons(not_settled: &[proto::NotSettled]) -> Vec<(u64, NotSettledReason)> {
    not_settled.iter().map(|it| (it.position, it.reason())).collect()
}

async fn reset(api: &Api, name: &str, from: From) -> Result<u64, tonic::Status> {
    let start = Some(proto::ConsumerGroupStart { from: Some(from) });
    let request = proto::ConsumersResetRequest { name: name.into(), start };
    api.clone().reset(request).await.map(|it| it.into_inner().settled_position)
}

async fn pause(api: &Api, name: &str) {
    api.clone().pause(proto::ConsumersPauseRequest { name: name.into() }).await.unwrap();
}

async fn resume(api: &Api, name: &str) {
    api.clone().resume(proto::ConsumersResumeRequest { name: name.into() }).await.unwrap();
}

async fn replay(api: &Api, group: &str, positions: Vec<u64>) -> Result<u64, tonic::Status> {
    let request = proto::ConsumersReplayParkedRequest { group: group.into(), positions };
    api.clone().replay_parked(request).await.map(|it| it.into_inner().replayed)
}

#[tokio::test]
async fn streams_go_side_by_side_and_each_in_its_order() {
    let (_server, client, api) = start().await;
    spread(&client, "s", 5, 100).await;
    let all = log(&client).await;
    create(&api, "g", patient()).await;
    let mut member = Member::join(&api, "g", "m", 100).await.unwrap();
    let firsts: Vec<_> = (0..5).map(|number| positions_in(&all, &format!("s-{number}"))[0]).collect();
    let mut sorted: Vec<_> = firsts.iter().map(|position| (*position, 1)).collect();
    sorted.sort_unstable();
    assert_eq!(member.deliveries(5).await, sorted, "the first of each stream, and no more");

    // One stream to its end, while the others stand.
    for pair in positions_in(&all, "s-3").windows(2) {
        member.ack(&pair[..1]);
        let (settled, _, mut delivered) = member.settled(1).await;
        assert_eq!(settled, &pair[..1]);
        if delivered.is_empty() {
            delivered = member.deliveries(1).await;
        }
        assert_eq!(delivered, [(pair[1], 1)]);
    }
    let now = group(&api, "g").await;
    assert_eq!((now.in_flight, now.settled_position), (5, firsts.iter().min().unwrap() - 1));
    assert_eq!((now.outstanding, now.read_position, now.head), (100 - 19, 100, 100));
    assert_eq!(now.oldest_unsettled.unwrap().position, *firsts.iter().min().unwrap());
    let it = &now.members[0];
    assert_eq!((now.members.len(), it.name.as_str(), it.credits, it.in_flight), (1, "m", 100, 5));
    let counts = now.counts.unwrap();
    assert_eq!((counts.delivered, counts.acknowledged, counts.retried, counts.parked), (24, 19, 0, 0));
}

#[tokio::test]
async fn without_an_order_a_stream_goes_out_at_once_and_by_tag_streams_wait_for_each_other() {
    let (_server, client, api) = start().await;
    let tagged = |tag: &str| event(0).with_tag(tag);
    append(&client, "a", vec![tagged("customer:1"), tagged("customer:1"), tagged("customer:2")]).await;
    append(&client, "b", vec![tagged("customer:1"), tagged("else:1")]).await;
    create(&api, "free", ConsumerGroupSettings { order: Some(Order::Unordered(Unordered {})), ..patient() }).await;
    create(&api, "tags", ConsumerGroupSettings { order: Some(Order::ByTagKey("customer".into())), ..patient() }).await;
    let mut free = Member::join(&api, "free", "m", 100).await.unwrap();
    assert_eq!(free.deliveries(5).await, [(1, 1), (2, 1), (3, 1), (4, 1), (5, 1)]);
    let mut tags = Member::join(&api, "tags", "m", 100).await.unwrap();
    assert_eq!(tags.deliveries(3).await, [(1, 1), (3, 1), (5, 1)]);
    tags.ack(&[1, 3, 5]);
    let seen: Vec<_> = tags.drain(5).await.into_iter().map(|(_, at)| at).collect();
    assert_eq!(seen, [2, 4]);
}

#[tokio::test]
async fn a_slow_member_does_not_hold_up_the_others() {
    let (_server, client, api) = start().await;
    spread(&client, "s", 10, 200).await;
    let all = log(&client).await;
    create(&api, "g", patient()).await;
    let mut slow = Member::join(&api, "g", "slow", 1).await.unwrap();
    let held = slow.deliveries(1).await[0].0;
    let stream = all.iter().find(|event| event.position == held).unwrap().stream.clone();
    let mut quick = Member::join(&api, "g", "quick", 7).await.unwrap();
    let seen = quick.drain(180).await;
    assert!(seen.iter().all(|(of, _)| *of != stream), "the others' streams only");
    let now = group(&api, "g").await;
    assert_eq!((now.outstanding, now.in_flight, now.settled_position), (20, 1, held - 1));
    slow.say(Some(Kind::Credits(0)));
    slow.ack_durably(&[held]).await;
    let seen = quick.drain(19).await;
    assert_eq!(seen.into_iter().map(|(_, at)| at).collect::<Vec<_>>(), positions_in(&all, &stream)[1..]);
    assert_eq!(group(&api, "g").await.settled_position, 200);
}

#[tokio::test]
async fn an_event_that_always_fails_is_parked_with_its_reason_and_a_replay_delivers_it_once() {
    let (mut server, client, api) = start().await;
    append(&client, "s", events(0..5)).await;
    append(&client, "t", events(0..5)).await;
    create(&api, "g", ConsumerGroupSettings { max_tries: 3, ..patient() }).await;
    let mut member = Member::join(&api, "g", "m", 100).await.unwrap();
    let (mut tries, mut done, mut settled) = (Vec::new(), Vec::new(), 0);
    while settled < 9 + 3 {
        let answer = within("an answer", member.next()).await.unwrap().unwrap();
        assert_eq!(answer.not_settled, []);
        settled += answer.settled.len();
        for delivery in &answer.deliveries {
            let position = position_of(delivery);
            if position == 2 {
                tries.push(delivery.try_number);
                member.settle(Vec::new(), vec![nack(2, NackAction::Retry, &format!("no {}", tries.len()))]);
            } else {
                done.push(position);
                member.ack(&[position]);
            }
        }
    }
    assert_eq!((done.len(), tries), (9, vec![1, 2, 3]));
    assert_eq!(group(&api, "g").await.settled_position, 10, "the others have passed it");
    for _ in 0..2 {
        let found = parked(&api, "g").await;
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].reason.as_str(), found[0].tries), ("no 3", 3));
        assert_eq!(found[0].event.as_ref().unwrap().position, 2);
        assert!(found[0].parked_at.is_some());
        crash(&mut server, &client).await;
    }
    let mut member = Member::join(&api, "g", "m", 100).await.unwrap();
    assert_refused("another", replay(&api, "g", vec![2, 3]).await, Code::NotFound, "NOT_PARKED");
    assert_eq!(replay(&api, "g", Vec::new()).await.unwrap(), 1);
    assert_eq!(member.deliveries(1).await, [(2, 1)], "its tries are counted anew");
    assert_eq!(group(&api, "g").await.settled_position, 1);
    member.ack_durably(&[2]).await;
    assert_eq!((parked(&api, "g").await.len(), group(&api, "g").await.settled_position), (0, 10));
    assert_refused("again", replay(&api, "g", vec![2]).await, Code::NotFound, "NOT_PARKED");
    assert_eq!(replay(&api, "g", Vec::new()).await.unwrap(), 0);
    append(&client, "s", events(5..6)).await;
    assert_eq!(member.deliveries(1).await, [(11, 1)], "and nothing of before");
}

#[tokio::test]
async fn what_is_parked_at_once_can_be_discarded_and_skipped_events_are_settled() {
    let (mut server, client, api) = start().await;
    append(&client, "s", events(0..4)).await;
    create(&api, "g", ConsumerGroupSettings { order: Some(Order::Unordered(Unordered {})), ..patient() }).await;
    let mut member = Member::join(&api, "g", "m", 100).await.unwrap();
    member.deliveries(4).await;
    let long = "ü".repeat(3000);
    member.settle(vec![1], vec![nack(2, NackAction::Park, &long), nack(3, NackAction::Skip, "skipped")]);
    assert_eq!(member.settled(3).await.0, [1, 2, 3]);
    let kept = parked(&api, "g").await;
    assert_eq!((kept.len(), kept[0].reason.as_str(), kept[0].tries), (1, &long[..4096], 1));
    let counts = group(&api, "g").await.counts.unwrap();
    assert_eq!((counts.acknowledged, counts.skipped, counts.parked), (1, 1, 1));
    let discard = async |positions| {
        let request = proto::ConsumersDiscardParkedRequest { group: "g".into(), positions };
        api.clone().discard_parked(request).await.map(|it| it.into_inner().discarded)
    };
    assert_refused("another", discard(vec![2, 1]).await, Code::NotFound, "NOT_PARKED");
    assert_eq!(discard(vec![2]).await.unwrap(), 1);
    crash(&mut server, &client).await;
    assert_eq!(parked(&api, "g").await, []);
    let mut member = Member::join(&api, "g", "m", 100).await.unwrap();
    assert_eq!(member.deliveries(1).await, [(4, 2)]);
}

#[tokio::test]
async fn a_page_of_parked_events_goes_on_where_the_one_before_ended() {
    let (_server, client, api) = start().await;
    append(&client, "s", events(0..25)).await;
    create(&api, "g", ConsumerGroupSettings { order: Some(Order::Unordered(Unordered {})), ..patient() }).await;
    let mut member = Member::join(&api, "g", "m", 100).await.unwrap();
    member.deliveries(25).await;
    member.settle(Vec::new(), (1..=25).map(|at| nack(at, NackAction::Park, "p")).collect());
    member.settled(25).await;
    for page_size in [1, 7, 24, 25, 26, 0] {
        let (mut found, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = proto::ConsumersListParkedRequest { group: "g".into(), page_size, page_token };
            let page = api.clone().list_parked(request).await.unwrap().into_inner();
            assert!(page_size == 0 || page.events.len() <= page_size as usize);
            found.extend(page.events.iter().map(|it| it.event.as_ref().unwrap().position));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert!(found.iter().copied().eq(1..=25), "by {page_size}: {found:?}");
    }
}

#[tokio::test]
async fn large_parked_events_come_in_pages_of_about_a_mebibyte() {
    let (_server, client, api) = start().await;
    for _ in 0..6 {
        append(&client, "s", vec![NewEvent::new("Large", vec![b'1'; 600_000])]).await;
    }
    create(&api, "g", ConsumerGroupSettings { order: Some(Order::Unordered(Unordered {})), ..patient() }).await;
    let mut member = Member::join(&api, "g", "m", 100).await.unwrap();
    member.deliveries(6).await;
    member.settle(Vec::new(), (1..=6).map(|at| nack(at, NackAction::Park, "p")).collect());
    member.settled(6).await;
    let (mut found, mut page_token) = (Vec::new(), String::new());
    for _ in 0..3 {
        let request = proto::ConsumersListParkedRequest { group: "g".into(), page_size: 0, page_token };
        let page = api.clone().list_parked(request).await.unwrap().into_inner();
        assert_eq!(page.events.len(), 2);
        found.extend(page.events.iter().map(|it| it.event.as_ref().unwrap().position));
        page_token = page.next_page_token;
    }
    assert_eq!(found, [1, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn a_paused_group_delivers_nothing_and_takes_what_is_settled() {
    let (mut server, client, api) = start().await;
    append(&client, "s", events(0..3)).await;
    create(&api, "g", patient()).await;
    let mut member = Member::join(&api, "g", "m", 100).await.unwrap();
    assert_eq!(member.deliveries(1).await, [(1, 1)]);
    pause(&api, "g").await;
    pause(&api, "g").await;
    assert_eq!(member.ack_durably(&[1]).await, []);
    append(&client, "t", events(0..1)).await;
    let now = group(&api, "g").await;
    assert!(now.is_paused);
    assert_eq!((now.in_flight, now.counts.unwrap().delivered), (0, 1));
    crash(&mut server, &client).await;
    assert!(group(&api, "g").await.is_paused, "also after a crash");
    let mut member = Member::join(&api, "g", "m", 100).await.unwrap();
    resume(&api, "g").await;
    resume(&api, "g").await;
    assert_eq!(member.deliveries(2).await, [(2, 1), (4, 1)]);
    assert!(!group(&api, "g").await.is_paused);
}

#[tokio::test]
async fn a_group_that_is_reset_begins_anew_there_and_keeps_what_is_parked() {
    let (mut server, client, api) = start().await;
    append(&client, "s", events(0..4)).await;
    let all = log(&client).await;
    create(&api, "g", patient()).await;
    let mut member = Member::join(&api, "g", "m", 100).await.unwrap();
    assert_eq!(member.deliveries(1).await, [(1, 1)]);
    member.settle(Vec::new(), vec![nack(1, NackAction::Park, "later")]);
    assert_eq!(member.settled(1).await.0, [1]);
    // What the member has is forgotten.
    eventually("the next is with the member", async || group(&api, "g").await.in_flight == 1).await;
    assert_eq!(reset(&api, "g", From::AfterPosition(2)).await.unwrap(), 2);
    eventually("the third is with it", async || group(&api, "g").await.counts.unwrap().delivered == 3).await;
    member.ack(&[2]);
    let (settled, not_settled, _) = member.settled(1).await;
    assert_eq!((settled, reasons(&not_settled)), (vec![], vec![(2, NotSettledReason::NotDelivered)]));
    member.ack_durably(&[3]).await;

    // From the beginning: what is parked stays aside, also over a crash.
    assert_eq!(reset(&api, "g", From::Start(Start {})).await.unwrap(), 0);
    crash(&mut server, &client).await;
    let mut member = Member::join(&api, "g", "m", 100).await.unwrap();
    let seen: Vec<_> = member.drain(3).await.into_iter().map(|(_, at)| at).collect();
    assert_eq!((seen, parked(&api, "g").await.len()), (vec![2, 3, 4], 1));
    assert_eq!(replay(&api, "g", vec![1]).await.unwrap(), 1);
    assert_eq!(member.deliveries(1).await, [(1, 1)]);
    member.ack_durably(&[1]).await;

    let time = all[2].recorded_at;
    let time = prost_types::Timestamp { seconds: time.timestamp(), nanos: time.timestamp_subsec_nanos().cast_signed() };
    let first = all.iter().find(|event| event.recorded_at >= all[2].recorded_at).unwrap().position;
    assert_eq!(reset(&api, "g", From::FromTime(time)).await.unwrap(), first - 1);
    assert_eq!(member.deliveries(1).await, [(first, 1)]);
    assert_eq!(reset(&api, "g", From::End(End {})).await.unwrap(), 4);
    append(&client, "s", events(0..1)).await;
    assert_eq!(member.deliveries(1).await, [(5, 1)]);
    let refused = reset(&api, "g", From::AfterPosition(6)).await;
    let beyond: proto::BeyondEnd = detail(refused.as_ref().unwrap_err(), "BeyondEnd");
    assert_eq!((beyond.asked, beyond.last), (6, Some(5)));
    assert_refused("beyond", refused, Code::OutOfRange, "BEYOND_END");
}

/// Once, replaying an event that lay beyond where a group was after a reset moved the group there, and what lay
/// between was lost with the next restart.
#[tokio::test]
async fn a_replay_after_a_reset_loses_nothing_over_a_crash() {
    let (mut server, client, api) = start().await;
    append(&client, "s", events(0..50)).await;
    create(&api, "g", ConsumerGroupSettings { order: Some(Order::Unordered(Unordered {})), ..patient() }).await;
    let mut member = Member::join(&api, "g", "m", 100).await.unwrap();
    member.deliveries(50).await;
    member.settle((1..50).collect(), vec![nack(50, NackAction::Park, "later")]);
    member.settled(50).await;
    drop(member);
    pause(&api, "g").await;
    reset(&api, "g", From::Start(Start {})).await.unwrap();
    assert_eq!(replay(&api, "g", vec![50]).await.unwrap(), 1);
    crash(&mut server, &client).await;
    resume(&api, "g").await;
    let mut member = Member::join(&api, "g", "m", 100).await.unwrap();
    assert!(member.deliveries(50).await.into_iter().eq((1..=50).map(|at| (at, 1))));
}

#[tokio::test]
async fn a_group_begins_where_it_is_told() {
    let (_server, client, api) = start().await;
    for number in 0..5 {
        append(&client, "s", vec![event(number)]).await;
    }
    let time = log(&client).await[3].recorded_at;
    let at = |seconds, nanos| From::FromTime(prost_types::Timestamp { seconds, nanos });
    let nanos = time.timestamp_subsec_nanos().cast_signed();
    let starts = [
        (None, Some(1)),
        (Some(From::Start(Start {})), Some(1)),
        (Some(From::AfterPosition(0)), Some(1)),
        (Some(From::AfterPosition(4)), Some(5)),
        (Some(From::AfterPosition(5)), None),
        (Some(From::End(End {})), None),
        (Some(at(time.timestamp(), nanos)), Some(4)),
        (Some(at(0, 0)), Some(1)),
        (Some(at(-5, 0)), Some(1)),
        (Some(at(time.timestamp() + 1000, 0)), None),
    ];
    let mut members = Vec::new();
    for (number, (from, first)) in starts.into_iter().enumerate() {
        let name = format!("g{number}");
        let made = create_from(&api, &name, patient(), from).await.unwrap();
        assert_eq!(made.settled_position, first.map_or(5, |first| first - 1), "{from:?}");
        let mut member = Member::join(&api, &name, "m", 100).await.unwrap();
        if let Some(first) = first {
            assert_eq!(member.deliveries(1).await, [(first, 1)], "{from:?}");
        }
        members.push((member, first));
    }
    append(&client, "t", events(0..1)).await;
    for (mut member, _) in members {
        assert_eq!(member.deliveries(1).await, [(6, 1)]);
    }
    let beyond = create_from(&api, "beyond", patient(), Some(From::AfterPosition(7))).await;
    assert_refused("beyond", beyond, Code::OutOfRange, "BEYOND_END");
}

#[tokio::test]
async fn a_group_with_a_rare_query_gets_its_events_and_passes_the_rest() {
    let (mut server, client, api) = start().await;
    for number in 0..10 {
        append(&client, "s", events(0..300)).await;
        append(&client, "rare", vec![NewEvent::new("Rare", "{}").with_tag(format!("n:{number}"))]).await;
    }
    let item = proto::QueryItem { types: vec!["Rare".into()], ..Default::default() };
    let query = Some(proto::Query { items: vec![item], all: None });
    let settings = ConsumerGroupSettings { query, ..patient() };
    create(&api, "g", settings).await;
    let mut member = Member::join(&api, "g", "m", 100).await.unwrap();
    let seen = member.drain(10).await;
    let wanted: Vec<_> = (1..=10).map(|number| ("rare".to_owned(), number * 301)).collect();
    assert_eq!(seen, wanted);
    append(&client, "rare", vec![NewEvent::new("Other", "{}"), NewEvent::new("Rare", "{}")]).await;
    assert_eq!(member.deliveries(1).await, [(3012, 1)]);
    crash(&mut server, &client).await;
    let mut member = Member::join(&api, "g", "m", 100).await.unwrap();
    let (at, _) = member.deliveries(1).await[0];
    assert_eq!(at, 3012, "nothing settled comes again");
    member.ack_durably(&[3012]).await;
    assert_eq!(group(&api, "g").await.settled_position, 3012);
}

#[tokio::test]
async fn a_group_is_made_once_and_updated_but_for_what_its_deliveries_rest_on() {
    let (mut server, client, api) = start().await;
    append(&client, "s", events(0..2)).await;
    let made = create(&api, "g", ConsumerGroupSettings::default()).await;
    let settings = made.settings.clone().unwrap();
    assert_eq!(settings.ack_timeout, Some(millis(30_000)));
    assert_eq!((settings.backoff, settings.backoff_max), (Some(millis(200)), Some(millis(30_000))));
    assert_eq!((settings.max_tries, settings.max_outstanding), (10, 10_000));
    assert!(matches!(settings.order, Some(Order::ByStream(_))) && settings.query.unwrap().all.is_some());
    let again = create(&api, "g", made.settings.clone().unwrap()).await;
    assert_eq!(again, made);
    let other = ConsumerGroupSettings { max_tries: 11, ..Default::default() };
    assert_refused("other", create_from(&api, "g", other.clone(), None).await, Code::AlreadyExists, "GROUP_EXISTS");

    let update = async |name: &str, settings| {
        let request = proto::ConsumersUpdateRequest { name: name.into(), settings: Some(settings) };
        api.clone().update(request).await.map(|it| it.into_inner().group.unwrap())
    };
    let changed = update("g", other.clone()).await.unwrap();
    assert_eq!(changed.settings.as_ref().unwrap().max_tries, 11);
    assert_eq!(changed.created_at, made.created_at);
    let reordered = ConsumerGroupSettings { order: Some(Order::Unordered(Unordered {})), ..other.clone() };
    assert_refused("reordered", update("g", reordered).await, Code::AlreadyExists, "GROUP_EXISTS");
    let item = proto::QueryItem { types: vec!["T".into()], ..Default::default() };
    let asked = ConsumerGroupSettings { query: Some(proto::Query { items: vec![item], all: None }), ..other.clone() };
    assert_refused("asked", update("g", asked).await, Code::AlreadyExists, "GROUP_EXISTS");
    assert_refused("unknown", update("h", other).await, Code::NotFound, "GROUP_NOT_FOUND");
    crash(&mut server, &client).await;
    assert_eq!(group(&api, "g").await.settings, changed.settings);

    // It holds at once, for members that are in.
    let mut member = Member::join(&api, "g", "m", 1).await.unwrap();
    assert_eq!(member.deliveries(1).await, [(1, 1)]);
    let strict = ConsumerGroupSettings { max_tries: 1, ..Default::default() };
    update("g", strict).await.unwrap();
    member.settle(Vec::new(), vec![nack(1, NackAction::Retry, "no")]);
    member.settled(1).await;
    assert_eq!(parked(&api, "g").await.len(), 1);
}

#[tokio::test]
async fn a_member_that_says_no_more_hears_what_became_of_its_settlements_and_gives_back_the_rest() {
    let (_server, client, api) = start().await;
    spread(&client, "s", 3, 3).await;
    create(&api, "g", patient()).await;
    let mut member = Member::join(&api, "g", "m", 100).await.unwrap();
    assert_eq!(member.deliveries(3).await.len(), 3);
    member.ack(&[2]);
    member.half_close();
    let (settled, not_settled, delivered) = member.settled(1).await;
    assert_eq!((settled, not_settled, delivered), (vec![2], vec![], vec![]));
    member.end().await.unwrap();
    let mut other = Member::join(&api, "g", "m", 100).await.unwrap();
    assert_eq!(other.deliveries(2).await, [(1, 2), (3, 2)]);
    other.half_close();
    other.end().await.unwrap();
    assert_eq!(group(&api, "g").await.members, []);
}

#[tokio::test]
async fn a_member_gets_as_much_as_it_wants() {
    let (_server, client, api) = start().await;
    spread(&client, "s", 50, 50).await;
    create(&api, "g", patient()).await;
    let mut member = Member::join(&api, "g", "m", 0).await.unwrap();
    eventually("the log is read", async || group(&api, "g").await.outstanding == 50).await;
    assert_eq!(group(&api, "g").await.in_flight, 0);
    for (credits, had) in [(3, 0), (10, 3)] {
        member.say(Some(Kind::Credits(credits)));
        member.deliveries(credits as usize - had).await;
        assert_eq!(group(&api, "g").await.in_flight, u64::from(credits));
    }
    member.say(Some(Kind::Credits(2)));
    eventually("it wants less", async || group(&api, "g").await.members[0].credits == 2).await;
    assert_eq!(member.ack_durably(&[1, 2, 3, 4, 5, 6, 7, 8]).await, [], "it still has as much as it wants");
    member.ack(&[9]);
    let (_, _, delivered) = member.settled(1).await;
    let delivered = if delivered.is_empty() { member.deliveries(1).await } else { delivered };
    assert_eq!(delivered, [(11, 1)]);
    assert_eq!(group(&api, "g").await.in_flight, 2);
}

#[tokio::test]
async fn an_event_that_is_not_settled_in_time_comes_again_and_a_late_ack_is_taken() {
    let (_server, client, api) = start().await;
    append(&client, "s", events(0..2)).await;
    create(&api, "g", ConsumerGroupSettings { ack_timeout: Some(millis(100)), ..patient() }).await;
    let mut late = Member::join(&api, "g", "late", 1).await.unwrap();
    assert_eq!(late.deliveries(1).await, [(1, 1)]);
    late.say(Some(Kind::Credits(0)));
    eventually("its time is up", async || group(&api, "g").await.in_flight == 0).await;
    let mut other = Member::join(&api, "g", "other", 1).await.unwrap();
    assert_eq!(other.deliveries(1).await, [(1, 2)]);
    late.settle(Vec::new(), vec![nack(1, NackAction::Park, "too late")]);
    let (settled, not_settled, _) = late.settled(1).await;
    assert_eq!((settled, reasons(&not_settled)), (vec![], vec![(1, NotSettledReason::TooLate)]));
    late.ack(&[1]);
    let (settled, not_settled, _) = late.settled(1).await;
    assert_eq!((settled, reasons(&not_settled)), (vec![], vec![(1, NotSettledReason::TooLate)]), "another has it");
    other.say(Some(Kind::Credits(0)));
    eventually("its time is up as well", async || group(&api, "g").await.in_flight == 0).await;
    late.ack(&[1]);
    assert_eq!(late.settled(1).await.0, [1], "nobody has it");
    other.ack(&[1]);
    let (settled, not_settled, _) = other.settled(1).await;
    assert_eq!((settled, reasons(&not_settled)), (vec![], vec![(1, NotSettledReason::AlreadySettled)]));
    assert_eq!(group(&api, "g").await.settled_position, 1);
    assert_eq!(parked(&api, "g").await, []);
}

#[tokio::test]
async fn what_was_not_delivered_is_not_settled() {
    let (_server, client, api) = start().await;
    append(&client, "s", events(0..3)).await;
    create(&api, "g", patient()).await;
    let mut member = Member::join(&api, "g", "m", 100).await.unwrap();
    member.deliveries(1).await;
    member.settle(vec![1, 1, 0, 2, 77, u64::MAX], vec![nack(1, NackAction::Park, "")]);
    let (settled, not_settled, _) = member.settled(7).await;
    assert_eq!(settled, [1]);
    use NotSettledReason::{AlreadySettled, NotDelivered};
    let why = [
        (1, AlreadySettled),
        (0, NotDelivered),
        (2, NotDelivered),
        (77, NotDelivered),
        (u64::MAX, NotDelivered),
        (1, AlreadySettled),
    ];
    assert_eq!(reasons(&not_settled), why);
}

#[tokio::test]
async fn content_is_delivered_byte_for_byte() {
    let (_server, client, api) = start().await;
    let sent =
        NewEvent::new("Bytes", vec![0, 255, 128]).with_tag("t:1").with_metadata("k", "v").with_correlation_id("c");
    append(&client, "s", vec![sent.clone()]).await;
    create(&api, "g", patient()).await;
    let mut member = Member::join(&api, "g", "m", 1).await.unwrap();
    let answer = within("a delivery", member.next()).await.unwrap().unwrap();
    let got = event_of(&answer.deliveries[0]);
    assert_eq!((got.id.clone(), &got.data[..]), (sent.id.to_string(), &[0, 255, 128][..]));
    assert_eq!((got.stream.as_str(), got.revision, got.position), ("s", Some(0), 1));
    assert_eq!((got.tags.clone(), got.correlation_id.as_str()), (vec!["t:1".to_owned()], "c"));
}

#[tokio::test]
async fn groups_are_listed_in_order_by_any_page_size() {
    let (mut server, client, api) = start().await;
    let names: Vec<String> = (0..25).map(|number| format!("g-{number:02}")).collect();
    for name in names.iter().rev().map(String::as_str).chain(["a", "h"]) {
        create(&api, name, patient()).await;
    }
    for _ in 0..2 {
        for page_size in [1, 7, 24, 25, 26, 0] {
            let (mut found, mut page_token) = (Vec::new(), String::new());
            loop {
                let request = proto::ConsumersListRequest { prefix: "g-".into(), page_size, page_token };
                let page = api.clone().list(request).await.unwrap().into_inner();
                found.extend(page.groups.into_iter().map(|it| it.name));
                page_token = page.next_page_token;
                if page_token.is_empty() {
                    break;
                }
            }
            assert_eq!(found, names, "by {page_size}");
        }
        server.restart().await;
        head(&client).await;
    }
}

#[tokio::test]
async fn system_events_are_not_delivered() {
    let (_server, client, api) = start().await;
    append(&client, "s", events(0..1)).await;
    client.delete_stream("s", Expected::Any).await.unwrap();
    append(&client, "s", events(0..1)).await;
    create(&api, "g", patient()).await;
    let mut member = Member::join(&api, "g", "m", 10).await.unwrap();
    let seen: Vec<_> = member.drain(2).await.into_iter().map(|(_, at)| at).collect();
    assert_eq!((seen, head(&client).await), (vec![1, 3], 3), "the log hides nothing but the store's own streams");
}
