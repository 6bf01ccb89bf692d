//! A consumer group under load: members come and go at random, one is slow, and everything is counted.
//!
//! Events are spread over many streams. Each member deals with what it gets in a way that is written down: so it
//! shows whether the order of a stream was ever broken, whether an event came again although its settlement had been
//! confirmed, and whether one is missing. `QUIPU_GROUP_EVENTS` and `QUIPU_GROUP_STREAMS` make it longer. A run that
//! fails says its seed.
#![allow(clippy::print_stdout, reason = "a run prints what it counted")]

#[allow(dead_code, reason = "this test draws numbers only")]
mod member;
#[path = "../it/server.rs"]
mod server;
mod witness;

use std::sync::Arc;
use std::time::{Duration, Instant};

use quipu::disk::simulated::chance::Chance;
use quipu_client::proto::consumers_client::ConsumersClient;
use quipu_client::proto::{ConsumerGroup, ConsumersCreateRequest, ConsumersGetRequest};
use quipu_client::{Client, Expected, NewEvent};
use tonic::transport::Channel;

use member::Member;
use server::TestServer;
use witness::Witness;

const GROUP: &str = "workers";

/// How many members there are at any time, the slow one not counted.
const MEMBERS: usize = 4;

/// How long the slow member takes over each event.
const SLOW: Duration = Duration::from_millis(20);

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(600);

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_that_come_and_go_deal_with_every_event_in_the_order_of_its_stream() {
    let events = number("QUIPU_GROUP_EVENTS", 5_000);
    let streams = number("QUIPU_GROUP_STREAMS", 500);
    let seed = number("QUIPU_GROUP_SEED", u64::from(std::process::id()));
    println!("seed {seed}");
    let mut chance = Chance::of(seed);
    let server = TestServer::start();
    let client = server.patient_client().await;
    fill(&client, events, streams, &mut chance).await;

    let mut consumers = ConsumersClient::new(server.channel().await);
    let create = ConsumersCreateRequest { name: GROUP.into(), ..Default::default() };
    consumers.create(create).await.expect("a group");
    let witness = Arc::new(Witness::new(streams));
    let began = Instant::now();
    let mut names = 0..;
    let mut join = |slow: Option<Duration>| {
        let name = format!("member-{}", names.next().expect("numbers do not end"));
        Member::begin(server.endpoint(), name, slow, witness.clone())
    };
    let slow = join(Some(SLOW));
    let mut members: Vec<Member> = (0..MEMBERS).map(|_| join(None)).collect();

    // A member goes, at random, each time about a fortieth of the events is done.
    let (mut gone, mut next) = (0, events / 40);
    while witness.events() < events {
        tokio::time::timeout(PATIENCE, witness.reached(next.min(events))).await.expect("the group goes on");
        next += 1 + chance.below(events / 20);
        let unlucky = usize::try_from(chance.below(MEMBERS as u64)).expect("a small number");
        members[unlucky].kill();
        members[unlucky] = join(None);
        gone += 1;
    }
    let took = began.elapsed();
    let group = settled(&mut consumers, events).await;
    members.into_iter().for_each(|mut member| member.kill());
    let by_slow = witness.by(&slow.name);
    drop(slow);
    print(&Run { events, streams, gone, by_slow, took }, &witness, &group);
    witness.assert_well(events);
    assert!(by_slow > 0, "the slow member had its share");
    let counts = group.counts.expect("they are told");
    assert_eq!((counts.acknowledged, counts.parked, group.outstanding), (events, 0, 0));
}

/// Appends the events, in random turns of the streams.
async fn fill(client: &Client, events: u64, streams: u64, chance: &mut Chance) {
    let (sender, mut receiver) = client.append_session().await.expect("a session").split();
    let turns: Vec<u64> = (0..events).map(|_| chance.below(streams)).collect();
    let sending = tokio::spawn(async move {
        for stream in turns {
            let event = NewEvent::new("Counted", "{}");
            sender.send(&format!("work-{stream}"), Expected::Any, vec![event]).await.expect("the session goes on");
        }
    });
    for _ in 0..events {
        receiver.next().await.expect("an answer").expect("the session goes on").expect("appended");
    }
    sending.await.expect("all were sent");
}

/// The group, once it has settled everything.
async fn settled(consumers: &mut ConsumersClient<Channel>, head: u64) -> ConsumerGroup {
    let get = || ConsumersGetRequest { name: GROUP.into() };
    let mut group = None;
    server::eventually("the group has settled everything", async || {
        group = consumers.get(get()).await.expect("the group is there").into_inner().group;
        group.as_ref().is_some_and(|group| group.settled_position == head)
    })
    .await;
    group.expect("it was just there")
}

/// What a run was made of.
struct Run {
    events: u64,
    streams: u64,
    gone: u64,
    by_slow: u64,
    took: Duration,
}

fn print(run: &Run, witness: &Witness, group: &ConsumerGroup) {
    let counts = group.counts.unwrap_or_default();
    let seconds = run.took.as_secs_f64();
    println!("events                          {} in {} streams", run.events, run.streams);
    println!("members                         {MEMBERS} and a slow one that takes {SLOW:?} an event");
    println!("members killed and replaced     {}", run.gone);
    println!("deliveries                      {}", counts.delivered);
    println!("acknowledged                    {}", counts.acknowledged);
    println!("dealt with more than once       {}", witness.repeated());
    println!("again after confirmation        {}", witness.after_confirmation());
    println!("order of a stream broken        {}", witness.out_of_order());
    println!("missing                         {}", run.events - witness.events());
    println!("by the slow member              {}", run.by_slow);
    println!("took                            {seconds:.2} s, {:.0} events/s", run.events as f64 / seconds);
}
