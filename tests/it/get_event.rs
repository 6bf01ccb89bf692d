//! One event, by its id or by its position.

use quipu_client::proto::get_event_request::Key;
use quipu_client::{Error, proto};
use tonic::Code;
use uuid::Uuid;

use crate::events::{append, event, events, log, spread};
use crate::server::TestServer;
use crate::wire::{self, assert_refused};

#[tokio::test]
async fn every_event_is_found_by_its_id_and_by_its_position() {
    let mut server = TestServer::start_with(&["--segment-events", "16"]);
    let client = server.client().await;
    spread(&client, "s", 5, 100).await;
    append(&client, "batch", events(0..20)).await;
    for _ in 0..2 {
        let all = log(&client).await;
        assert_eq!(all.len(), 120);
        for event in &all {
            assert_eq!(&client.get_event_at(event.position).await.unwrap(), event);
            assert_eq!(&client.get_event_by_id(event.id).await.unwrap(), event);
        }
        server.restart().await;
    }
}

#[tokio::test]
async fn an_event_is_found_as_soon_as_it_is_acknowledged() {
    let server = TestServer::start();
    let client = server.client().await;
    for number in 0..100 {
        let new = event(number);
        let appended = append(&client, "s", vec![new.clone()]).await;
        assert_eq!(client.get_event_by_id(new.id).await.unwrap().position, appended.first_position);
    }
}

#[tokio::test]
async fn an_event_that_is_not_there_is_not_found() {
    let mut server = TestServer::start();
    let client = server.client().await;
    append(&client, "s", events(0..5)).await;
    for _ in 0..2 {
        for position in [0, 6, 7, u64::MAX] {
            let missing = client.get_event_at(position).await;
            assert!(matches!(missing, Err(Error::EventNotFound)), "{position}: {missing:?}");
        }
        for id in [Uuid::nil(), Uuid::max(), Uuid::now_v7()] {
            let missing = client.get_event_by_id(id).await;
            assert!(matches!(missing, Err(Error::EventNotFound)), "{id}: {missing:?}");
        }
        server.restart().await;
    }
}

#[tokio::test]
async fn an_id_that_is_no_uuid_is_refused() {
    let server = TestServer::start();
    let channel = server.channel().await;
    for id in ["", "1", "order-1", "0192f0c1-2345-7abc-8def-0123456789a", "0192f0c1-2345-7abc-8def-0123456789abc"] {
        let request = proto::GetEventRequest { key: Some(Key::Id(id.to_owned())) };
        let outcome: Result<proto::GetEventResponse, _> = wire::ask(&channel, wire::GET_EVENT, &request).await;
        assert_refused(id, outcome, Code::InvalidArgument, "INVALID_ARGUMENT");
    }
}

#[tokio::test]
async fn a_refused_event_is_not_found_by_its_id() {
    let server = TestServer::start();
    let client = server.client().await;
    append(&client, "s", events(0..2)).await;
    let refused = event(0);
    let stale = quipu_client::Expected::Revision(0);
    client.append("s", stale, vec![refused.clone()]).await.expect_err("stale");
    let missing = client.get_event_by_id(refused.id).await;
    assert!(matches!(missing, Err(Error::EventNotFound)), "{missing:?}");
}
