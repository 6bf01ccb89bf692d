//! A session: appends go in as they come and are answered in the order of asking.

use quipu_client::{Client, Error, Expected, NewEvent};

use crate::events::{append, assert_dense, event, events, head, log, stream};
use crate::server::{TestServer, within};

#[tokio::test]
async fn appends_of_a_session_are_answered_in_the_order_of_asking() {
    let server = TestServer::start();
    let client = server.client().await;
    let (sender, mut receiver) = client.append_session().await.unwrap().split();
    let sending = tokio::spawn(async move {
        for number in 0..300_u64 {
            let count = number % 3 + 1;
            sender.send(&format!("s-{}", number % 5), Expected::Any, events(0..count)).await.unwrap();
        }
    });
    let mut next = 1;
    for number in 0..300_u64 {
        let appended = within("an answer", receiver.next()).await.unwrap().unwrap().unwrap();
        assert_eq!((appended.first_position, appended.last_position), (next, next + number % 3));
        next += number % 3 + 1;
    }
    sending.await.unwrap();
    assert!(within("the end", receiver.next()).await.is_none());
    assert_dense(&log(&client).await);
}

#[tokio::test]
async fn appends_of_a_session_build_on_each_other_before_they_are_answered() {
    let server = TestServer::start();
    let client = server.client().await;
    let (sender, mut receiver) = client.append_session().await.unwrap().split();
    sender.send("s", Expected::NoStream, vec![event(0)]).await.unwrap();
    for revision in 0..100 {
        sender.send("s", Expected::Revision(revision), vec![event(revision + 1)]).await.unwrap();
    }
    drop(sender);
    let mut revision = 0;
    while let Some(answer) = within("an answer", receiver.next()).await {
        assert_eq!(answer.unwrap().unwrap().last_revision, revision);
        revision += 1;
    }
    assert_eq!(revision, 101);
}

#[tokio::test]
async fn one_failing_append_does_not_end_the_session() {
    let server = TestServer::start();
    let client = server.client().await;
    let taken = event(0);
    append(&client, "other", vec![taken.clone()]).await;
    let failing: Vec<(&str, Expected, Vec<NewEvent>)> = vec![
        ("s", Expected::Revision(77), vec![event(1)]),
        ("s", Expected::Any, vec![taken]),
        ("", Expected::Any, vec![event(1)]),
        ("s", Expected::Any, Vec::new()),
        ("s", Expected::Any, events(0..10_001)),
    ];
    let (sender, mut receiver) = client.append_session().await.unwrap().split();
    let mut failures = Vec::new();
    for (revision, (stream, expected, batch)) in failing.into_iter().enumerate() {
        sender.send("s", Expected::Any, vec![event(0)]).await.unwrap();
        sender.send(stream, expected, batch).await.unwrap();
        let good = within("an answer", receiver.next()).await.unwrap().unwrap().unwrap();
        assert_eq!(good.last_revision, revision as u64);
        failures.push(within("an answer", receiver.next()).await.unwrap().unwrap().unwrap_err());
    }
    let expected = Expected::Revision(77);
    assert!(
        matches!(&failures[0], Error::WrongExpectedRevision { expected: e, actual: Some(0), .. } if *e == expected)
    );
    assert!(matches!(&failures[1], Error::EventIdConflict { position: 1, .. }), "{:?}", failures[1]);
    assert!(matches!(&failures[2], Error::InvalidArgument(_)), "{:?}", failures[2]);
    assert!(matches!(&failures[3], Error::InvalidArgument(_)), "{:?}", failures[3]);
    assert!(matches!(&failures[4], Error::LimitExceeded { actual: 10_001, .. }), "{:?}", failures[4]);
    assert_eq!(head(&client).await, 6);
}

#[tokio::test]
async fn a_retry_in_a_session_is_recognised() {
    let server = TestServer::start();
    let client = server.client().await;
    let batch = events(0..3);
    let first = append(&client, "s", batch.clone()).await;
    let (sender, mut receiver) = client.append_session().await.unwrap().split();
    for _ in 0..10 {
        sender.send("s", Expected::Any, batch.clone()).await.unwrap();
        sender.send("s", Expected::NoStream, batch.clone()).await.unwrap();
    }
    drop(sender);
    while let Some(answer) = within("an answer", receiver.next()).await {
        let appended = answer.unwrap().unwrap();
        assert_eq!((appended.first_position, appended.deduplicated), (first.first_position, true));
    }
    assert_eq!(head(&client).await, 3);
}

#[tokio::test]
async fn a_client_that_vanishes_leaves_whole_appends_and_a_healthy_server() {
    let server = TestServer::start();
    for round in 0..5_u64 {
        let client = server.client().await;
        let (sender, mut receiver) = client.append_session().await.unwrap().split();
        for number in 0..100 {
            sender.send(&format!("s-{round}-{number}"), Expected::NoStream, events(0..3)).await.unwrap();
        }
        for _ in 0..=round * 10 {
            within("an answer", receiver.next()).await.unwrap().unwrap().unwrap();
        }
        drop((sender, receiver, client));
        let client = server.client().await;
        append(&client, "after", events(0..3)).await;
        let all = log(&client).await;
        assert_dense(&all);
        for append in all.chunks(3) {
            assert!(append.len() == 3 && append.iter().all(|event| event.stream == append[0].stream), "{append:?}");
        }
    }
    assert_eq!(stream(&server.client().await, "after").await.len(), 15);
}

#[tokio::test]
async fn a_server_that_stops_ends_the_session_and_says_so() {
    let mut server = TestServer::start();
    let client = server.client().await;
    let (sender, mut receiver) = client.append_session().await.unwrap().split();
    sender.send("s", Expected::Any, vec![event(0)]).await.unwrap();
    within("an answer", receiver.next()).await.unwrap().unwrap().unwrap();
    let (ended, ()) = tokio::join!(within("the end", receiver.next()), server.stop());
    match ended {
        Some(Err(Error::Unavailable(fault))) => assert_eq!(fault.reason.as_deref(), Some("SHUTTING_DOWN")),
        other => panic!("{other:?}"),
    }
    drop(sender);
}

#[tokio::test]
async fn a_request_over_the_receive_limit_ends_its_session_only() {
    let server = TestServer::start();
    let client = server.client().await;
    let (sender, mut receiver) = client.append_session().await.unwrap().split();
    sender.send("s", Expected::Any, vec![event(0)]).await.unwrap();
    within("an answer", receiver.next()).await.unwrap().unwrap().unwrap();
    sender.send("s", Expected::Any, vec![NewEvent::new("Huge", vec![0; 40 << 20])]).await.unwrap();
    let ended = within("the end", receiver.next()).await.unwrap();
    assert!(matches!(ended, Err(Error::LimitExceeded { .. })), "{ended:?}");
    append(&client, "s", vec![event(1)]).await;
    assert_eq!(head(&client).await, 2);
}

/// Sends so many appends and takes all answers; returns the last position.
async fn pipeline(client: Client, stream: String, count: u64) -> u64 {
    let (sender, mut receiver) = client.append_session().await.unwrap().split();
    let sending = tokio::spawn(async move {
        for number in 0..count {
            sender.send(&stream, Expected::Any, vec![event(number)]).await.unwrap();
        }
    });
    let mut answered = Vec::new();
    while let Some(answer) = within("an answer", receiver.next()).await {
        answered.push(answer.unwrap().unwrap());
    }
    sending.await.unwrap();
    let revisions: Vec<u64> = answered.iter().map(|appended| appended.last_revision).collect();
    assert_eq!(revisions, (0..count).collect::<Vec<_>>());
    answered.last().unwrap().last_position
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_appends_over_one_session_leave_no_gap() {
    let server = TestServer::start();
    let client = server.client().await;
    assert_eq!(pipeline(client.clone(), "s".to_owned(), 5_000).await, 5_000);
    let all = log(&client).await;
    assert_eq!(all.len(), 5_000);
    assert_dense(&all);
    for (event, number) in all.iter().zip(0_u64..) {
        assert_eq!(event.data, format!("{{\"number\":{number}}}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_side_by_side_do_not_disturb_each_other() {
    let server = TestServer::start();
    let client = server.client().await;
    let sessions: Vec<_> = (0..8).map(|n| tokio::spawn(pipeline(client.clone(), format!("s-{n}"), 300))).collect();
    for session in sessions {
        session.await.unwrap();
    }
    let all = log(&client).await;
    assert_eq!(all.len(), 2_400);
    assert_dense(&all);
}
