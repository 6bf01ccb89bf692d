//! Where Quipu differs from UmaDB on purpose, and what the two kinds of clients see of each other. Not
//! run against UmaDB's own server.

use std::process::Command;

use futures::StreamExt;
use tokio::time::timeout;
use umadb_client::{AsyncUmaDbClient, UmaDbClient};
use umadb_dcb::{DcbAppendCondition, DcbError, DcbEvent, DcbEventStoreAsync, DcbQuery, DcbQueryItem};
use umadb_script::{PATIENCE, Server, binary};
use uuid::Uuid;

async fn start() -> (Server, AsyncUmaDbClient) {
    let server = Server::start();
    let client = UmaDbClient::new(server.url()).connect_async().await.expect("a connection");
    (server, client)
}

fn event(event_type: &str) -> DcbEvent {
    DcbEvent::new().event_type(event_type).data(b"{}")
}

/// What one of our own commands prints.
fn quipu(server: &Server, arguments: &[&str]) -> String {
    let output = Command::new(binary()).args(arguments).args(["--endpoint", &server.url()]).output().expect("run");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test]
async fn a_position_beyond_the_head_is_refused_with_the_head() {
    let (_server, client) = start().await;
    client.append(vec![event("A"), event("B")], None, None).await.expect("an append");
    let condition = DcbAppendCondition::new(DcbQuery::new()).after(Some(3));
    let refused = client.append(vec![event("C")], Some(condition), None).await;
    assert!(matches!(refused, Err(DcbError::InvalidArgument(text)) if text.contains('2')));
    assert!(matches!(client.subscribe(None, Some(3)).await, Err(DcbError::InvalidArgument(_))));
    assert!(client.subscribe(None, Some(2)).await.is_ok());
}

#[tokio::test]
async fn a_uuid_is_of_one_event_also_without_a_condition() {
    let (_server, client) = start().await;
    let first = event("A").uuid(Uuid::new_v4());
    assert_eq!(client.append(vec![first.clone()], None, None).await.expect("an append"), 1);
    assert_eq!(client.append(vec![first.clone()], None, None).await.expect("the first answer"), 1);
    let refused = client.append(vec![first.data(b"other")], None, None).await;
    assert!(matches!(refused, Err(DcbError::IntegrityError(_))));
    assert_eq!(client.head().await.expect("a head"), Some(1));
}

#[tokio::test]
async fn repeated_tags_are_dropped_and_what_we_can_not_hold_is_refused() {
    let (_server, client) = start().await;
    client.append(vec![event("A").tags(["b", "a", "b"])], None, None).await.expect("an append");
    let (events, _) = client.read_with_head(None, None, false, None).await.expect("a read");
    assert_eq!(events[0].event.tags, ["b", "a"]);
    for refused in [
        vec![],
        vec![event("")],
        vec![event("A\n")],
        vec![event(&"x".repeat(257))],
        vec![event("A").tags([""])],
        vec![event("A").tags(["x".repeat(257)])],
        vec![event("A").tags((0..65).map(|tag| tag.to_string()))],
        vec![event("A").metadata_entry("$umadb.tracking", "1 a")],
        vec![event("A").metadata_entry("k", "v".repeat(64 << 10))],
        vec![event("A").data(vec![0; (4 << 20) + 1])],
    ] {
        let outcome = client.append(refused, None, None).await;
        assert!(matches!(outcome, Err(DcbError::InvalidArgument(_))), "{outcome:?}");
    }
    assert_eq!(client.head().await.expect("a head"), Some(1));
}

#[tokio::test]
async fn both_protocols_see_the_same_log() {
    let (server, client) = start().await;
    client.append(vec![event("Theirs").tags(["order:1"])], None, None).await.expect("an append");
    quipu(&server, &["append", "order-1", "--type", "Ours", "--tag", "order:1", "--meta", "k=v"]);
    assert!(quipu(&server, &["read", "dcb"]).contains("Theirs"));

    let query = DcbQuery::new().item(DcbQueryItem::new().tags(["order:1"]));
    let (events, head) = client.read_with_head(Some(query.clone()), None, false, None).await.expect("a read");
    let types: Vec<&str> = events.iter().map(|event| event.event.event_type.as_str()).collect();
    assert_eq!((types, head), (vec!["Theirs", "Ours"], Some(2)));
    assert_eq!(events[1].event.metadata, [("k".to_owned(), "v".to_owned())]);
    assert!(events[1].event.uuid.is_some(), "every event of ours has an id");
    let condition = DcbAppendCondition::new(query).after(Some(1));
    let refused = client.append(vec![event("C")], Some(condition), None).await;
    assert!(matches!(refused, Err(DcbError::IntegrityError(_))), "an event of ours is in the way");
}

#[tokio::test]
async fn a_server_that_stops_is_a_broken_connection_to_a_subscription() {
    let (server, client) = start().await;
    let mut subscription = client.subscribe(None, None).await.expect("a subscription");
    client.append(vec![event("A")], None, None).await.expect("an append");
    assert_eq!(subscription.next().await.expect("an event").expect("an event").position, 1);
    server.ask_to_stop();
    let ended = timeout(PATIENCE, subscription.next()).await.expect("the subscription notices");
    assert!(matches!(ended, Some(Err(DcbError::TransportError(_)))), "{ended:?}");
}
