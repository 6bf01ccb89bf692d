//! Consumer groups under load: members that come and go, servers that are killed, and what holds through it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use quipu_client::proto::consumer_group_settings::{Order, Unordered};
use quipu_client::proto::{self, ConsumerGroupSettings};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::Code;

use crate::events::{append, events, head, spread};
use crate::member::{Api, Member, api, create, event_of, group, millis, parked, patient, position_of};
use crate::server::{TestServer, eventually, within};
use crate::wire::assert_refused;

const EVENTS: u64 = 3000;
const STREAMS: u64 = 40;

/// What became of each event, as all members together saw it.
#[derive(Debug, Default)]
struct Ledger {
    /// Who has an event, by their number.
    held: BTreeMap<u64, u64>,
    /// What was acknowledged, by a member that may not have heard of it.
    acked: BTreeSet<u64>,
    /// What a member heard is settled.
    confirmed: BTreeSet<u64>,
    streams: BTreeMap<String, BTreeSet<u64>>,
    repeated: u64,
}

impl Ledger {
    fn delivered(&mut self, member: u64, delivery: &proto::Delivery) {
        let (position, stream) = (position_of(delivery), event_of(delivery).stream.clone());
        assert!(!self.confirmed.contains(&position), "{position} comes again and is settled");
        assert_eq!(self.held.insert(position, member), None, "{position} is with two members");
        let of_stream = self.streams.entry(stream).or_default();
        let before = of_stream.range(..position).find(|earlier| !self.acked.contains(earlier));
        assert_eq!(before, None, "{position} comes before what is before it in its stream was dealt with");
        let later = of_stream.range(position + 1..).next();
        assert_eq!(later, None, "{position} comes after what is behind it in its stream");
        if !of_stream.insert(position) {
            self.repeated += 1;
            assert!(delivery.try_number > 1, "{position}");
        }
    }

    /// A member has gone: what it had may come again.
    fn gone(&mut self, member: u64) {
        self.held.retain(|_, holder| *holder != member);
    }
}

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

/// Takes part until everything is dealt with, or until chance ends it with what it has.
async fn take_part(api: Api, number: u64, ledger: Arc<Mutex<Ledger>>, done: Arc<watch::Sender<bool>>) {
    let mut chance = Chance(number);
    let credits = 1 + u32::try_from(chance.below(30)).unwrap();
    let mut member = Member::join(&api, "g", &format!("m-{number}"), credits).await.expect("it is let in");
    let mut watching = done.subscribe();
    loop {
        let answer = tokio::select! {
            answer = member.next() => answer.expect("the call goes on").expect("it does not end"),
            _ = watching.wait_for(|done| *done) => return,
        };
        let mut all = ledger.lock().unwrap();
        assert_eq!(answer.not_settled, []);
        all.confirmed.extend(&answer.settled);
        for delivery in &answer.deliveries {
            all.delivered(number, delivery);
        }
        let mut dies = false;
        for delivery in &answer.deliveries {
            dies |= chance.below(150) == 0;
            if !dies {
                let position = position_of(delivery);
                all.held.remove(&position);
                all.acked.insert(position);
                member.ack(&[position]);
            }
        }
        if dies {
            // Nobody gets what it has before the server has seen that it is gone.
            all.gone(number);
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_that_come_and_go_deal_with_every_event_in_the_order_of_its_stream() {
    let server = TestServer::start();
    let client = server.client().await;
    spread(&client, "s", STREAMS, EVENTS).await;
    let api = api(&client);
    create(&api, "g", patient()).await;
    let (ledger, done) = (Arc::<Mutex<Ledger>>::default(), Arc::new(watch::channel(false).0));
    let mut members = JoinSet::new();
    let mut number = 0;
    let mut enter = |members: &mut JoinSet<()>| {
        number += 1;
        members.spawn(take_part(api.clone(), number, ledger.clone(), done.clone()));
    };
    (0..5).for_each(|_| enter(&mut members));
    let all = async {
        while let Some(ended) = members.join_next().await {
            ended.expect("no member saw anything wrong");
            if !*done.borrow() {
                enter(&mut members);
            }
        }
    };
    // What the last member to go had acknowledged, nobody hears of.
    let watching = async {
        eventually("all is settled", async || group(&api, "g").await.settled_position == EVENTS).await;
        done.send_replace(true);
    };
    within("all events", async { tokio::join!(all, watching) }).await;
    {
        let ledger = ledger.lock().unwrap();
        assert!((1..=EVENTS).all(|position| ledger.acked.contains(&position)));
        assert!(ledger.repeated > 0, "nobody left with something: it proves little");
    }
    let now = group(&api, "g").await;
    assert_eq!((now.settled_position, now.outstanding, now.in_flight), (EVENTS, 0, 0));
    assert_eq!(parked(&api, "g").await, []);
}

#[tokio::test]
async fn what_was_confirmed_never_comes_again_however_often_the_server_is_killed() {
    let mut server = TestServer::start();
    let client = server.patient_client().await;
    spread(&client, "s", 20, 1000).await;
    let api = api(&client);
    create(&api, "g", patient()).await;
    let (mut confirmed, mut seen, mut open) = (BTreeSet::new(), BTreeMap::<u64, u64>::new(), 0);
    for until in [150, 400, 401, 700, usize::MAX] {
        let mut member = Member::join(&api, "g", "m", 30).await.unwrap();
        let before = confirmed.clone();
        let (mut streams, mut unheard) = (BTreeMap::new(), BTreeSet::new());
        // At the end there may be some of which nobody heard that they are settled.
        while confirmed.len() < until && !(unheard.is_empty() && group(&api, "g").await.settled_position == 1000) {
            let answer = within("an answer", member.next()).await.unwrap().unwrap();
            unheard.retain(|position| !answer.settled.contains(position));
            confirmed.extend(answer.settled);
            for delivery in &answer.deliveries {
                let position = position_of(delivery);
                assert!(!before.contains(&position), "{position} comes again and was confirmed");
                let last = streams.insert(event_of(delivery).stream.clone(), position);
                assert!(last < Some(position), "{position} comes after {last:?}");
                *seen.entry(position).or_default() += 1;
                unheard.insert(position);
                member.ack(&[position]);
            }
        }
        open += unheard.len();
        server.kill();
        server.run();
        head(&client).await;
    }
    assert!(seen.keys().copied().eq(1..=1000), "each comes at least once");
    let repeated = seen.values().filter(|count| **count > 1).count();
    assert!(repeated <= open, "only what was not confirmed comes again: {repeated} of {open}");
    let now = group(&api, "g").await;
    assert_eq!((now.settled_position, now.outstanding), (1000, 0));
}

#[tokio::test]
async fn a_group_is_where_it_was_after_its_views_are_lost() {
    let mut server = TestServer::start();
    let client = server.patient_client().await;
    spread(&client, "s", 5, 50).await;
    let api = api(&client);
    let made = create(&api, "g", patient()).await;
    create(&api, "gone", patient()).await;
    let mut member = Member::join(&api, "g", "m", 30).await.unwrap();
    member.deliveries(5).await;
    let park = crate::member::nack(3, proto::NackAction::Park, "why");
    member.settle(vec![1, 2], vec![park]);
    member.settled(3).await;
    drop(member);
    api.clone().delete(proto::ConsumersDeleteRequest { name: "gone".into() }).await.unwrap();
    for view in ["state", "index"] {
        server.kill();
        std::fs::remove_dir_all(server.data().join("tenants/default").join(view)).unwrap();
        server.run();
        head(&client).await;
        let now = group(&api, "g").await;
        assert_eq!((&now.settings, now.created_at), (&made.settings, made.created_at));
        assert_eq!((now.settled_position, now.parked), (3, 1), "without {view}");
        assert_eq!(parked(&api, "g").await[0].reason, "why");
        let gone = api.clone().get(proto::ConsumersGetRequest { name: "gone".into() }).await;
        assert_refused("gone", gone, Code::NotFound, "GROUP_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_group_of_whom_nobody_takes_the_events_waits_with_as_many_as_it_may() {
    let server = TestServer::start();
    let client = server.client().await;
    append(&client, "stuck", events(0..1)).await;
    append(&client, "s", events(0..30)).await;
    let api = api(&client);
    let order = Some(Order::Unordered(Unordered {}));
    create(&api, "g", ConsumerGroupSettings { max_outstanding: 4, order, ..patient() }).await;
    let mut member = Member::join(&api, "g", "m", 100).await.unwrap();
    assert_eq!(member.deliveries(4).await.len(), 4);
    for position in 2..=31 {
        let delivered = member.ack_durably(&[position]).await;
        if position <= 28 && delivered.is_empty() {
            assert_eq!(member.deliveries(1).await, [(position + 3, 1)]);
        }
    }
    assert_eq!(group(&api, "g").await.outstanding, 1);
    member.ack_durably(&[1]).await;
}

#[tokio::test]
async fn a_member_that_does_not_listen_is_waited_for_and_then_hears_everything() {
    let server = TestServer::start();
    let client = server.client().await;
    append(&client, "s", events(0..1)).await;
    let api = api(&client);
    create(&api, "g", patient()).await;
    let mut member = Member::join(&api, "g", "m", 1).await.unwrap();
    member.deliveries(1).await;
    for position in 1..=5000 {
        member.ack(&[position]);
    }
    member.half_close();
    let (settled, not_settled, _) = member.settled(5000).await;
    assert_eq!((settled, not_settled.len()), (vec![1], 4999));
    assert!(not_settled.iter().map(|it| it.position).eq(2..=5000), "in the order of asking");
    member.end().await.unwrap();
}

#[tokio::test]
async fn a_deleted_group_ends_its_members_and_whoever_waits() {
    let server = TestServer::start();
    let client = server.client().await;
    append(&client, "s", events(0..30)).await;
    let api = api(&client);
    for round in 0..10 {
        let order = Some(Order::Unordered(Unordered {}));
        create(&api, "g", ConsumerGroupSettings { order, max_outstanding: 20, ..patient() }).await;
        let mut members =
            [Member::join(&api, "g", "a", 5).await.unwrap(), Member::join(&api, "g", "b", 5).await.unwrap()];
        let held = members[0].deliveries(5).await;
        members[1].deliveries(5).await;
        let fetch = async |member: &str, max| {
            let request = proto::ConsumersFetchRequest {
                group: "g".into(),
                member: member.into(),
                max,
                timeout: Some(millis(600_000)),
            };
            api.clone().fetch(request).await.map(|it| it.into_inner().deliveries.len())
        };
        assert_eq!(fetch("c", 10).await.unwrap(), 10);
        let acking = async {
            let request = proto::ConsumersAckRequest {
                group: "g".into(),
                member: "a".into(),
                ack: held.iter().map(|(at, _)| *at).collect(),
                nack: Vec::new(),
            };
            api.clone().ack(request).await.map(|it| it.into_inner().settled.len())
        };
        let delete = async {
            if round % 2 == 0 {
                tokio::task::yield_now().await;
            }
            api.clone().delete(proto::ConsumersDeleteRequest { name: "g".into() }).await
        };
        let (waited, acked, deleted) = within("the end", async { tokio::join!(fetch("d", 1), acking, delete) }).await;
        deleted.unwrap();
        // They may have been faster.
        if !matches!(waited, Ok(1)) {
            assert_refused("a fetch", waited, Code::NotFound, "GROUP_NOT_FOUND");
        }
        if !matches!(acked, Ok(5)) {
            assert_refused("an ack", acked, Code::NotFound, "GROUP_NOT_FOUND");
        }
        for mut member in members {
            assert_refused("a member", member.end().await, Code::NotFound, "GROUP_NOT_FOUND");
        }
        let again = api.clone().delete(proto::ConsumersDeleteRequest { name: "g".into() }).await;
        assert_refused("again", again, Code::NotFound, "GROUP_NOT_FOUND");
    }
    assert_eq!(create(&api, "g", patient()).await.settled_position, 0, "a new one begins anew");
}

#[tokio::test]
async fn a_server_that_stops_ends_members_and_whoever_waits_with_unavailable() {
    let mut server = TestServer::start();
    let client = server.patient_client().await;
    append(&client, "s", events(0..1)).await;
    let api = api(&client);
    create(&api, "g", patient()).await;
    let mut member = Member::join(&api, "g", "m", 5).await.unwrap();
    member.deliveries(1).await;
    let mut idle = Member::join(&api, "g", "idle", 5).await.unwrap();
    // Opened, and nothing was said yet.
    let opened = tokio::spawn({
        let api = api.clone();
        async move { Member::open(&api).await?.end().await }
    });
    let fetching = tokio::spawn({
        let mut api = api.clone();
        let timeout = Some(millis(600_000));
        let request = proto::ConsumersFetchRequest { group: "g".into(), member: "f".into(), max: 1, timeout };
        async move { api.fetch(request).await }
    });
    eventually("three are in", async || group(&api, "g").await.members.len() == 3).await;
    server.stop().await;
    assert_refused("a member", member.end().await, Code::Unavailable, "SHUTTING_DOWN");
    assert_refused("an idle member", idle.end().await, Code::Unavailable, "SHUTTING_DOWN");
    assert_refused("a fetch", within("a fetch", fetching).await.unwrap(), Code::Unavailable, "SHUTTING_DOWN");
    assert_refused("a call", within("a call", opened).await.unwrap(), Code::Unavailable, "SHUTTING_DOWN");
    let late = server.log().into_iter().find(|line| line.contains("time to drain was over"));
    assert_eq!(late, None, "nothing keeps the server from stopping");
    server.run();
    head(&client).await;
    let mut member = Member::join(&api, "g", "m", 5).await.unwrap();
    assert_eq!(member.deliveries(1).await[0].0, 1);
}

#[tokio::test]
async fn a_tenant_with_a_group_closes_when_nobody_uses_it_and_goes_on_afterwards() {
    let server = TestServer::start_with(&["--tenant-idle-seconds", "1"]);
    let client = server.client_with_tenant("second").await;
    append(&client, "s", events(0..3)).await;
    let mut api = api(&server.client().await);
    let settings = Some(ConsumerGroupSettings { ack_timeout: Some(millis(100)), ..patient() });
    api.create(of_second(proto::ConsumersCreateRequest { name: "g".into(), settings, start: None })).await.unwrap();
    let closed = || server.log().iter().filter(|line| line.contains("closed an idle store")).count();
    for round in 1..=3_u64 {
        let (group, member) = ("g".to_owned(), "m".to_owned());
        let fetch =
            proto::ConsumersFetchRequest { group: group.clone(), member: member.clone(), max: 1, timeout: None };
        let got = api.fetch(of_second(fetch)).await.unwrap().into_inner().deliveries;
        assert_eq!(got.iter().map(position_of).collect::<Vec<_>>(), [round]);
        let ack = proto::ConsumersAckRequest { group, member, ack: vec![round], nack: Vec::new() };
        assert_eq!(api.ack(of_second(ack)).await.unwrap().into_inner().settled, [round]);
        eventually("the tenant is closed", async || closed() as u64 >= round).await;
    }
}

/// A request that speaks for a tenant of its own.
fn of_second<T>(message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("quipu-tenant", "second".parse().expect("a header's value"));
    request
}
