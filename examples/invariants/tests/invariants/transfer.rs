//! Transfers: no money is lost, no account is overdrawn, whatever happens to the server.

use std::time::Duration;

use invariants::transfer::{self, Transfer, open, settle};
use invariants::{Decided, Guarding, Load};
use quipu_client::{Client, Message, ReadStream, RetryPolicy, SubscribeAll, Subscription};
use uuid::Uuid;

use crate::lossy::lossy;
use crate::server::Server;
use crate::{LOAD, assert_breaks, assert_held};

const KILLS: u64 = 3;

/// Back at once when the server is, so that the next kill is not late.
const EAGER: RetryPolicy = RetryPolicy {
    attempts: u32::MAX,
    initial_backoff: Duration::from_millis(10),
    max_backoff: Duration::from_millis(50),
};

#[tokio::test(flavor = "multi_thread")]
async fn the_sum_of_money_is_constant_and_no_account_is_overdrawn() {
    let server = Server::in_memory();
    assert_held(&transfer::run(&server.endpoint(), LOAD, Guarding::On).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_guards_the_rule_of_transfer_breaks() {
    let server = Server::in_memory();
    let endpoint = server.endpoint();
    assert_breaks(|| transfer::run(&endpoint, LOAD, Guarding::Off)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_is_made_again_moves_the_money_once() {
    let server = Server::in_memory();
    let client = Client::connect(server.endpoint()).await.unwrap();
    open(&client, "ada", 50).await.unwrap();
    open(&client, "bob", 0).await.unwrap();
    let all = Transfer { id: Uuid::now_v7(), from: "ada".to_owned(), to: "bob".to_owned(), cents: 50 };
    for _ in 0..3 {
        assert_eq!(settle(&client, &all, Guarding::On).await.unwrap(), Decided::accepted(0));
    }
    let events = client.read_stream(ReadStream::new("account-ada")).await.unwrap().collect().await.unwrap();
    assert_eq!(events.len(), 2, "it was opened, and the money went away once");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sum_of_money_is_constant_when_the_server_is_killed_in_the_middle() {
    let mut server = Server::on_disk();
    let endpoint = server.endpoint();
    let follower = Client::builder(&endpoint).retry(EAGER).connect().await.unwrap();
    let mut subscription = follower.subscribe_all(SubscribeAll::new()).await.unwrap();
    let load = Load { attempts: 2 * LOAD.attempts, ..LOAD };
    let running = tokio::spawn(async move { transfer::run(&endpoint, load, Guarding::On).await });
    let mut seen = 0;
    for kill in 0..KILLS {
        reach(&mut subscription, &mut seen, 150 * (kill + 1)).await;
        server.kill_and_restart();
    }
    assert!(!running.is_finished(), "the load goes on when the last kill is over");
    let report = running.await.unwrap().unwrap();
    assert_eq!(report.tally.accepted + report.tally.refused, load.attempts as u64, "{report}");
    assert!(report.broken.is_empty(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_whose_outcome_is_unknown_is_made_again_and_moves_the_money_once() {
    let server = Server::in_memory();
    let client = Client::connect(server.endpoint()).await.unwrap();
    open(&client, "ada", 50).await.unwrap();
    open(&client, "bob", 0).await.unwrap();
    // The client retries nothing itself, so every lost answer is for the program to deal with.
    let lossy = Client::builder(lossy(server.address()).await).retry(RetryPolicy::none()).connect().await.unwrap();
    let mut unknown = 0;
    for _ in 0..50 {
        let cent = Transfer { id: Uuid::now_v7(), from: "ada".to_owned(), to: "bob".to_owned(), cents: 1 };
        let settled = loop {
            match settle(&lossy, &cent, Guarding::On).await {
                Err(failure) if failure.is_outcome_unknown() => unknown += 1,
                ended => break ended.unwrap(),
            }
        };
        assert_eq!(settled.verdict, Ok(()));
    }
    assert!(unknown > 0, "no answer was lost");
    for account in ["account-ada", "account-bob"] {
        let events = client.read_stream(ReadStream::new(account)).await.unwrap().collect().await.unwrap();
        assert_eq!(events.len(), 51, "{account} was opened, and each cent moved once; {unknown} answers were lost");
    }
}

/// Follows the log until a position has been seen.
async fn reach(subscription: &mut Subscription, seen: &mut u64, position: u64) {
    while *seen < position {
        if let Message::Events(events) = subscription.next().await.unwrap() {
            *seen = events.last().unwrap().position;
        }
    }
}
