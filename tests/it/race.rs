//! Many clients race for the end of one stream, with followers, while the server goes down twice.
//!
//! Each client appends at the exact revision that it believes to be the last, and learns from each
//! refusal. `QUIPU_TEST_RACE_APPENDS` and `QUIPU_TEST_RACE_SUBSCRIBERS` make the race longer.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::{Arc, Mutex};

use quipu_client::{Client, Error, Expected, SubscribeAll, SubscribeStream, Subscription};
use tokio::sync::watch;
use uuid::Uuid;

use crate::events::{assert_dense, event, ids, log};
use crate::server::TestServer;

const CLIENTS: usize = 32;
const STREAM: &str = "contested";

/// Who won which revision.
#[derive(Debug, Default)]
struct Wins {
    by_revision: Mutex<HashMap<u64, Uuid>>,
}

impl Wins {
    /// Enters a win. There is one winner for each revision.
    fn enter(&self, revision: u64, id: Uuid) -> usize {
        let mut wins = self.by_revision.lock().unwrap();
        let before = wins.insert(revision, id);
        assert_eq!(before, None, "revision {revision} was won twice");
        wins.len()
    }
}

fn setting<T: FromStr>(name: &str, default: T) -> T {
    std::env::var(name).map_or(default, |value| value.parse().ok().expect("a number"))
}

/// Appends at the end of the stream for as long as it is short of its goal.
async fn race(client: Client, goal: u64, wins: Arc<Wins>, progress: watch::Sender<usize>) {
    let mut last: Option<u64> = None;
    while last.is_none_or(|last| last + 1 < goal) {
        let expected = last.map_or(Expected::NoStream, Expected::Revision);
        let new = event(last.map_or(0, |last| last + 1));
        let id = new.id;
        match client.append(STREAM, expected, vec![new]).await {
            Ok(appended) => {
                assert_eq!(appended.first_revision, last.map_or(0, |last| last + 1), "where it was expected");
                let count = wins.enter(appended.last_revision, id);
                progress.send_if_modified(|best| std::mem::replace(best, count.max(*best)) < count);
                last = Some(appended.last_revision);
            }
            Err(Error::WrongExpectedRevision { actual, .. }) => {
                assert!(actual > last, "{actual:?} is not beyond {last:?}: a refusal without a cause");
                last = actual;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// Follows until all events are there; returns their ids.
async fn follow(mut subscription: Subscription, goal: u64) -> Vec<Uuid> {
    let mut came = Vec::new();
    while (came.len() as u64) < goal {
        let event = subscription.next_event().await.expect("it goes on");
        let place = came.len() as u64;
        assert_eq!((event.position, event.revision), (place + 1, place), "every event once and in order");
        came.push(event.id);
    }
    came
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_client_wins_each_revision_and_every_follower_sees_every_event_once() {
    let goal: u64 = setting("QUIPU_TEST_RACE_APPENDS", 2_000);
    let followers: usize = setting("QUIPU_TEST_RACE_SUBSCRIBERS", 20);
    let mut server = TestServer::start_with(&["--segment-events", "300"]);
    let wins = Arc::new(Wins::default());
    let (progress, mut progressed) = watch::channel(0);

    let mut following = Vec::new();
    for number in 0..followers {
        let client = server.patient_client().await;
        let subscription = if number % 2 == 0 {
            client.subscribe_all(SubscribeAll::new()).await.unwrap()
        } else {
            client.subscribe_stream(SubscribeStream::new(STREAM)).await.unwrap()
        };
        following.push(tokio::spawn(follow(subscription, goal)));
    }
    let mut racing = Vec::new();
    for _ in 0..CLIENTS {
        let client = server.patient_client().await;
        racing.push(tokio::spawn(race(client, goal, wins.clone(), progress.clone())));
    }
    drop(progress);

    for restart in 1..=2_u64 {
        let reached = usize::try_from(goal * restart / 3).unwrap();
        progressed.wait_for(|wins| *wins >= reached).await.unwrap();
        if restart == 1 {
            server.kill();
            server.run();
        } else {
            server.restart().await;
        }
    }
    for racer in racing {
        racer.await.unwrap();
    }
    let all = log(&server.client().await).await;
    assert_dense(&all);
    assert_eq!(all.len() as u64, goal);
    for (event, id) in all.iter().zip(ids(&all)) {
        assert_eq!(wins.by_revision.lock().unwrap().get(&event.revision), Some(&id), "its winner was told so");
    }
    for follower in following {
        assert_eq!(follower.await.unwrap(), ids(&all));
    }
}
