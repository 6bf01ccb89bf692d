//! A server's life: what it offers besides events, and how it comes to its end.

use std::io::{Read, Write};
use std::net::TcpStream;

use quipu_client::{Error, Expected, RetryPolicy};
use rustix::process::Signal;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_reflection::pb::{v1, v1alpha};

use crate::events::{append, assert_dense, event, events, log};
use crate::server::{PATIENCE, TestServer, within};

const SERVICES: [&str; 5] =
    ["quipu.v1.EventStore", "quipu.v1.Operations", "quipu.v1.ServerInfo", "quipu.v1.Snapshots", "quipu.v1.Streams"];

/// Asks in HTTP/1.1 and returns the whole answer.
fn get(server: &TestServer, path: &str) -> String {
    let mut socket = TcpStream::connect(server.address()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(socket, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test]
async fn health_is_told_for_the_server_and_for_each_service() {
    let mut server = TestServer::start();
    let mut health = HealthClient::new(server.channel().await);
    for service in [""].into_iter().chain(SERVICES) {
        let answer = health.check(HealthCheckRequest { service: service.to_owned() }).await.unwrap();
        assert_eq!(answer.into_inner().status(), ServingStatus::Serving, "{service}");
    }
    let unknown = health.check(HealthCheckRequest { service: "nobody".to_owned() }).await.unwrap_err();
    assert_eq!(unknown.code(), tonic::Code::NotFound);

    let mut watch = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    let status = |answer: Option<HealthCheckResponse>| answer.map(|answer| answer.status());
    assert_eq!(status(watch.message().await.unwrap()), Some(ServingStatus::Serving));
    server.signal(Signal::TERM);
    assert_eq!(status(within("news", watch.message()).await.unwrap()), Some(ServingStatus::NotServing));
    drop(watch);
    assert_eq!(server.exited().await.code(), Some(0));
}

#[tokio::test]
async fn reflection_lists_all_services_in_both_versions() {
    let server = TestServer::start();
    let channel = server.channel().await;
    let ask = v1::server_reflection_request::MessageRequest::ListServices(String::new());
    let request = v1::ServerReflectionRequest { host: String::new(), message_request: Some(ask) };
    let mut api = v1::server_reflection_client::ServerReflectionClient::new(channel.clone());
    let answers = api.server_reflection_info(tokio_stream::once(request)).await;
    let answer = answers.unwrap().into_inner().message().await.unwrap().unwrap();
    let Some(v1::server_reflection_response::MessageResponse::ListServicesResponse(list)) = answer.message_response
    else {
        panic!("no list")
    };
    let names: Vec<String> = list.service.into_iter().map(|service| service.name).collect();

    let ask = v1alpha::server_reflection_request::MessageRequest::ListServices(String::new());
    let request = v1alpha::ServerReflectionRequest { host: String::new(), message_request: Some(ask) };
    let mut api = v1alpha::server_reflection_client::ServerReflectionClient::new(channel);
    let answers = api.server_reflection_info(tokio_stream::once(request)).await;
    let answer = answers.unwrap().into_inner().message().await.unwrap().unwrap();
    let Some(v1alpha::server_reflection_response::MessageResponse::ListServicesResponse(list)) =
        answer.message_response
    else {
        panic!("no list")
    };
    let old_names: Vec<String> = list.service.into_iter().map(|service| service.name).collect();
    for service in SERVICES.into_iter().chain(["grpc.health.v1.Health"]) {
        assert!(names.iter().any(|name| name == service), "{service} is not in {names:?}");
        assert!(old_names.iter().any(|name| name == service), "{service} is not in {old_names:?}");
    }
}

#[tokio::test]
async fn healthz_and_metrics_answer_in_http_1() {
    let server = TestServer::start();
    let client = server.client().await;
    append(&client, "s", events(0..5)).await;
    client.append("s", Expected::NoStream, events(0..5)).await.expect_err("it is there");
    let health = get(&server, "/healthz");
    assert!(health.starts_with("HTTP/1.1 200") && health.ends_with("serving\n"), "{health}");
    let metrics = get(&server, "/metrics");
    for line in [
        "quipu_appended_events_total 5",
        "quipu_head_position 5",
        "quipu_appends_total{outcome=\"appended\"} 1",
        "quipu_appends_total{outcome=\"wrong_expected_revision\"} 1",
        "quipu_commits_total 1",
    ] {
        assert!(metrics.lines().any(|told| told == line), "{line} is not in\n{metrics}");
    }
    assert!(get(&server, "/nothing").starts_with("HTTP/1.1 "), "the server goes on");
}

/// Sends so many appends of three events over one session and a signal after the tenth answer, until
/// the session ends; returns how many were answered.
async fn append_until_the_end(server: &mut TestServer, most: u64, signal: Signal) -> u64 {
    let client = server.client().await;
    let (sender, mut receiver) = client.append_session().await.unwrap().split();
    let sending = tokio::spawn(async move {
        let mut sent = 0;
        while sent < most && sender.send("s", Expected::Any, events(0..3)).await.is_ok() {
            sent += 1;
        }
        sender
    });
    let mut answered = 0;
    let ended = loop {
        match within("an answer", receiver.next()).await.expect("it does not end cleanly") {
            Ok(appended) => assert_eq!(appended.unwrap().last_position, (answered + 1) * 3),
            Err(error) => break error,
        }
        answered += 1;
        if answered == 10 {
            server.signal(signal);
        }
    };
    match ended {
        Error::Unavailable(fault) => assert_eq!(fault.reason.as_deref(), Some("SHUTTING_DOWN"), "{fault:?}"),
        other => panic!("{other:?}"),
    }
    drop(receiver);
    drop(sending.await.unwrap());
    answered
}

/// Asserts that a server that is stopped in the middle of a session ends well, and that exactly what
/// was answered is there afterwards.
async fn assert_drains(most: u64, signal: Signal) {
    let mut server = TestServer::start();
    let answered = append_until_the_end(&mut server, most, signal).await;
    assert_eq!(server.exited().await.code(), Some(0), "{signal:?}: {:?}", server.log());
    server.run();
    let all = log(&server.client().await).await;
    assert_dense(&all);
    assert_eq!(all.len() as u64, answered * 3, "what went in was answered, and what was answered went in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_server_answers_what_it_took_and_ends_well() {
    for signal in [Signal::TERM, Signal::INT] {
        assert_drains(200, signal).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_server_answers_what_it_took_from_a_client_that_keeps_on_sending() {
    for signal in [Signal::TERM, Signal::INT, Signal::TERM, Signal::INT] {
        assert_drains(u64::MAX, signal).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn appends_at_the_moment_of_a_stop_are_acknowledged_or_unavailable() {
    let mut server = TestServer::start();
    let client = quipu_client::Client::builder(server.endpoint());
    let client = client.retry(RetryPolicy::none()).connect().await.unwrap();
    let appends: Vec<_> = (0..400)
        .map(|number| {
            let (client, new) = (client.clone(), event(number));
            tokio::spawn(async move { (new.id, client.append("s", Expected::Any, vec![new]).await) })
        })
        .collect();
    let mut acknowledged = Vec::new();
    for (append, number) in appends.into_iter().zip(0..) {
        match append.await.unwrap() {
            (id, Ok(_)) => acknowledged.push(id),
            (_, Err(Error::Unavailable(_))) => {}
            (_, Err(other)) => panic!("{other:?}"),
        }
        if number == 20 {
            server.signal(Signal::TERM);
        }
    }
    assert_eq!(server.exited().await.code(), Some(0));
    server.run();
    let client = server.client().await;
    assert!(acknowledged.len() > 20);
    for id in acknowledged {
        client.get_event_by_id(id).await.expect("it was acknowledged");
    }
}

#[tokio::test]
async fn a_stop_does_not_wait_for_clients_that_stay_connected() {
    let mut server = TestServer::start_with(&["--drain-seconds", "600"]);
    let idle = server.client().await;
    append(&idle, "s", events(0..2)).await;
    let mut subscription = idle.subscribe_all(quipu_client::SubscribeAll::new()).await.unwrap();
    assert_eq!(subscription.next_event().await.unwrap().position, 1);
    let silent = TcpStream::connect(server.address()).unwrap();
    server.stop().await;
    drop(silent);
}

#[tokio::test]
async fn a_second_stop_and_start_find_the_log_as_it_was() {
    let mut server = TestServer::start();
    let client = server.client().await;
    append(&client, "s", events(0..10)).await;
    let before = log(&client).await;
    for _ in 0..3 {
        server.restart().await;
        assert_eq!(log(&client).await, before);
    }
    let torn = server.data().join("tenants/default/quarantine");
    let is_empty = std::fs::read_dir(torn).map_or(true, |mut files| files.next().is_none());
    assert!(is_empty, "a clean end leaves nothing to set aside");
}
