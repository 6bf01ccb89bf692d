//! What the UmaDB API documents, said by its Rust client: each test is a sentence of it.
//!
//! `script.py` says the same with the Python client.

use std::time::Duration;

use futures::StreamExt;
use tokio::time::timeout;
use umadb_client::{AsyncUmaDbClient, ServingStatus, UmaDbClient};
use umadb_dcb::{
    DcbAppendCondition, DcbError, DcbEvent, DcbEventStoreAsync, DcbQuery, DcbQueryItem, DcbSequencedEvent,
    DcbSubscriptionAsync, TrackingInfo,
};
use umadb_script::{PATIENCE, Server};
use uuid::Uuid;

type Subscription = Box<dyn DcbSubscriptionAsync + Send>;

async fn connect(server: &Server) -> AsyncUmaDbClient {
    UmaDbClient::new(server.url()).connect_async().await.expect("a connection")
}

fn event(event_type: &str, tags: &[&str]) -> DcbEvent {
    DcbEvent::new().event_type(event_type).tags(tags.iter().copied()).data(event_type.as_bytes())
}

fn item(types: &[&str], tags: &[&str]) -> DcbQueryItem {
    DcbQueryItem::new().types(types.iter().copied()).tags(tags.iter().copied())
}

fn tracked(source: &str, position: u64) -> Option<TrackingInfo> {
    Some(TrackingInfo { source: source.into(), position })
}

fn positions(events: &[DcbSequencedEvent]) -> Vec<u64> {
    events.iter().map(|event| event.position).collect()
}

/// The positions that a read gives, and its head.
async fn read(
    client: &AsyncUmaDbClient,
    query: Option<DcbQuery>,
    start: Option<u64>,
    backwards: bool,
    limit: Option<u32>,
) -> (Vec<u64>, Option<u64>) {
    let (events, head) = client.read_with_head(query, start, backwards, limit).await.expect("a read");
    (positions(&events), head)
}

/// The next events of a subscription, so many of them.
async fn next(subscription: &mut Subscription, count: usize) -> Vec<u64> {
    let events = subscription.by_ref().take(count).map(|event| event.expect("an event").position).collect();
    timeout(PATIENCE, events).await.expect("the events come")
}

fn is_integrity_error<T>(result: &Result<T, DcbError>) -> bool {
    matches!(result, Err(DcbError::IntegrityError(_)))
}

/// Two types over three tags: at 1 A x, 2 B x y, 3 A y, 4 B z, 5 A x y.
async fn five_events(client: &AsyncUmaDbClient) {
    let events = [("A", &["x"][..]), ("B", &["x", "y"]), ("A", &["y"]), ("B", &["z"]), ("A", &["x", "y"])];
    let events = events.map(|(event_type, tags)| event(event_type, tags)).to_vec();
    assert_eq!(client.append(events, None, None).await.expect("an append"), 5, "the position of the last event");
}

#[tokio::test]
async fn an_empty_store_has_no_head_and_reads_as_nothing() {
    let server = Server::start();
    let client = connect(&server).await;
    assert_eq!(client.head().await.expect("a head"), None);
    for limit in [None, Some(0), Some(1)] {
        for backwards in [false, true] {
            assert_eq!(read(&client, None, None, backwards, limit).await, (vec![], None));
        }
    }
    assert_eq!(client.get_tracking_info("source").await.expect("an answer"), None);
}

#[tokio::test]
async fn an_event_comes_back_as_it_was_appended() {
    let server = Server::start();
    let client = connect(&server).await;
    let uuid = Uuid::new_v4();
    let pairs = [("b", "2"), ("a", "1"), ("", "")];
    let full = event("Full", &["one", "two"]).data(vec![0, 255, 10]).uuid(uuid).metadata(pairs);
    let bare = DcbEvent::new().event_type("Bare");
    assert_eq!(client.append(vec![full, bare], None, None).await.expect("an append"), 2);
    assert_eq!(client.head().await.expect("a head"), Some(2));

    let (events, head) = client.read_with_head(None, None, false, None).await.expect("a read");
    assert_eq!((positions(&events), head), (vec![1, 2], Some(2)));
    let [full, bare] = [&events[0].event, &events[1].event];
    assert_eq!((full.event_type.as_str(), full.data.as_slice()), ("Full", &[0, 255, 10][..]));
    assert_eq!((&full.tags, full.uuid), (&vec!["one".to_owned(), "two".to_owned()], Some(uuid)));
    let pairs: Vec<(String, String)> = pairs.map(|(key, value)| (key.into(), value.into())).into();
    assert_eq!(full.metadata, pairs, "stored and returned unchanged");
    assert_eq!((bare.event_type.as_str(), bare.data.len(), bare.tags.len()), ("Bare", 0, 0));
    assert_eq!(bare.uuid, None, "an event without a uuid stays without one");
    assert!(bare.metadata.is_empty() && events.iter().all(|event| event.tracking_info.is_none()));
}

#[tokio::test]
async fn a_read_selects_by_types_and_tags_from_a_place_in_either_direction() {
    let server = Server::start();
    let client = connect(&server).await;
    five_events(&client).await;
    let all = Some(5);
    // Types are alternatives, tags are needed together, items are alternatives.
    for (items, found) in [
        (vec![item(&["A"], &[])], vec![1, 3, 5]),
        (vec![item(&["A", "B"], &[])], vec![1, 2, 3, 4, 5]),
        (vec![item(&[], &["x"])], vec![1, 2, 5]),
        (vec![item(&[], &["y", "x"])], vec![2, 5]),
        (vec![item(&["A"], &["x", "y"])], vec![5]),
        (vec![item(&["B"], &["z"]), item(&["A"], &["x"])], vec![1, 4, 5]),
        (vec![item(&["C"], &[]), item(&[], &["none"])], vec![]),
        (vec![], vec![1, 2, 3, 4, 5]),
        (vec![item(&["C"], &[]), item(&[], &[])], vec![1, 2, 3, 4, 5]),
    ] {
        let query = Some(DcbQuery::with_items(items));
        assert_eq!(read(&client, query.clone(), None, false, None).await, (found.clone(), all), "{query:?}");
        let backwards: Vec<u64> = found.into_iter().rev().collect();
        assert_eq!(read(&client, query.clone(), None, true, None).await, (backwards, all), "{query:?} backwards");
    }
    // The start is inclusive; what lies beyond the head is not there.
    for (start, backwards, found) in [
        (0, false, vec![1, 2, 3, 4, 5]),
        (4, false, vec![4, 5]),
        (6, false, vec![]),
        (900, false, vec![]),
        (2, true, vec![2, 1]),
        (900, true, vec![5, 4, 3, 2, 1]),
        (0, true, vec![]),
    ] {
        assert_eq!(read(&client, None, Some(start), backwards, None).await, (found, all), "{start} {backwards}");
    }
    let x = Some(DcbQuery::new().item(item(&[], &["x"])));
    assert_eq!(read(&client, x.clone(), Some(2), false, None).await, (vec![2, 5], all));
    assert_eq!(read(&client, x, Some(4), true, None).await, (vec![2, 1], all));
}

#[tokio::test]
async fn a_limited_read_tells_its_last_position_as_the_head() {
    let server = Server::start();
    let client = connect(&server).await;
    five_events(&client).await;
    assert_eq!(read(&client, None, None, false, Some(2)).await, (vec![1, 2], Some(2)));
    assert_eq!(read(&client, None, None, true, Some(2)).await, (vec![5, 4], Some(4)));
    assert_eq!(read(&client, None, Some(4), false, Some(9)).await, (vec![4, 5], Some(5)));
    assert_eq!(read(&client, None, Some(6), false, Some(9)).await, (vec![], None));
    assert_eq!(read(&client, None, None, false, Some(0)).await, (vec![], None));
    let y = Some(DcbQuery::new().item(item(&[], &["y"])));
    assert_eq!(read(&client, y, None, false, Some(2)).await, (vec![2, 3], Some(3)));
}

#[tokio::test]
async fn an_append_goes_in_unless_an_event_matches_its_condition() {
    let server = Server::start();
    let client = connect(&server).await;
    let x = DcbQuery::new().item(item(&[], &["x"]));
    let unless = |query: &DcbQuery, after| Some(DcbAppendCondition::new(query.clone()).after(after));
    let append = |name, condition| client.append(vec![event(name, &["x"])], condition, None);
    assert_eq!(append("A", unless(&x, None)).await.expect("nothing matches yet"), 1);
    assert!(is_integrity_error(&append("B", unless(&x, None)).await), "there is one now");
    assert!(is_integrity_error(&append("B", unless(&x, Some(0))).await), "it lies after 0");
    assert_eq!(append("B", unless(&x, Some(1))).await.expect("events up to `after` are ignored"), 2);
    assert!(is_integrity_error(&append("C", unless(&x, Some(1))).await));
    let other = DcbQuery::new().item(item(&["Z"], &["x"]));
    assert_eq!(append("C", unless(&other, None)).await.expect("nothing is a Z"), 3);
    // A query without items matches every event.
    assert!(is_integrity_error(&append("D", unless(&DcbQuery::new(), Some(2))).await));
    assert_eq!(append("D", unless(&DcbQuery::new(), Some(3))).await.expect("nothing came after"), 4);
    assert_eq!(client.head().await.expect("a head"), Some(4), "what was refused left nothing");
}

#[tokio::test]
async fn of_many_appends_on_the_same_ground_one_goes_in() {
    let server = Server::start();
    let client = connect(&server).await;
    for round in 0..5 {
        let head = client.head().await.expect("a head");
        let condition = DcbAppendCondition::new(DcbQuery::new().item(item(&["A"], &["x"]))).after(head);
        let appends = (0..20).map(|_| client.append(vec![event("A", &["x"])], Some(condition.clone()), None));
        let outcomes = futures::future::join_all(appends).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "round {round}");
        assert_eq!(outcomes.iter().filter(|outcome| is_integrity_error(outcome)).count(), 19, "round {round}");
    }
    assert_eq!(client.head().await.expect("a head"), Some(5));
}

#[tokio::test]
async fn a_conditional_append_with_uuids_may_be_sent_again() {
    let mut server = Server::start();
    let client = connect(&server).await;
    let x = DcbQuery::new().item(item(&[], &["x"]));
    let condition = Some(DcbAppendCondition::new(x));
    let events = vec![event("A", &["x"]).uuid(Uuid::new_v4()), event("B", &["x"]).uuid(Uuid::new_v4())];
    let tracking = tracked("source", 7);
    let append = |events| client.append(events, condition.clone(), tracking.clone());
    assert_eq!(append(events.clone()).await.expect("an append"), 2);
    assert_eq!(append(events.clone()).await.expect("the first answer again"), 2);
    assert!(is_integrity_error(&append(vec![event("A", &["x"]).uuid(Uuid::new_v4())]).await), "another uuid");
    assert!(is_integrity_error(&append(vec![event("A", &["x"])]).await), "no uuid");
    assert_eq!(client.append(vec![event("C", &[])], None, None).await.expect("an append"), 3);
    assert_eq!(append(events.clone()).await.expect("the first answer still"), 2);
    server.kill_and_restart();
    let client = connect(&server).await;
    assert_eq!(client.append(events, condition, tracking).await.expect("the first answer still"), 2);
    assert_eq!(client.head().await.expect("a head"), Some(3));
}

#[tokio::test]
async fn a_tracked_position_increases_with_an_append_and_only_so() {
    let mut server = Server::start();
    let client = connect(&server).await;
    let (longest, longer) = ("s".repeat(255), "s".repeat(256));
    let append = |source, position| client.append(vec![event("A", &[])], None, tracked(source, position));
    assert_eq!(client.get_tracking_info("up").await.expect("an answer"), None);
    // A position in another log: greater than any here.
    assert_eq!(append("up", 500).await.expect("an append"), 1);
    assert_eq!(client.get_tracking_info("up").await.expect("an answer"), Some(500));
    for stale in [500, 499, 0] {
        assert!(is_integrity_error(&append("up", stale).await), "{stale}");
    }
    assert_eq!(append("up", 501).await.expect("an append"), 2);
    assert_eq!(append("down", 0).await.expect("another source"), 3);
    assert!(matches!(append(&longer, 1).await, Err(DcbError::InvalidArgument(_))));
    assert_eq!(append(&longest, 1).await.expect("the longest name"), 4);
    // A condition that does not hold tracks nothing.
    let refused = client.append(vec![event("A", &[])], Some(DcbAppendCondition::default()), tracked("up", 502)).await;
    assert!(is_integrity_error(&refused));

    server.kill_and_restart();
    let client = connect(&server).await;
    assert_eq!(client.get_tracking_info("up").await.expect("an answer"), Some(501));
    assert_eq!(client.get_tracking_info("down").await.expect("an answer"), Some(0));
    assert!(is_integrity_error(&client.append(vec![event("A", &[])], None, tracked("up", 501)).await));
    let (events, head) = client.read_with_head(None, None, false, None).await.expect("a read");
    let shown: Vec<_> = events.into_iter().take(3).map(|event| event.tracking_info).collect();
    assert_eq!(shown, [tracked("up", 500), tracked("up", 501), tracked("down", 0)], "told with the events");
    assert_eq!(head, Some(4));
}

#[tokio::test]
async fn a_subscription_goes_on_after_its_last_position_when_the_server_was_killed() {
    let mut server = Server::start();
    let client = connect(&server).await;
    five_events(&client).await;
    let x = DcbQuery::new().item(item(&[], &["x"]));
    let mut all = client.subscribe(None, None).await.expect("a subscription");
    let mut some = client.subscribe(Some(x.clone()), Some(1)).await.expect("a subscription");
    assert_eq!(next(&mut all, 5).await, [1, 2, 3, 4, 5], "what is there");
    assert_eq!(next(&mut some, 2).await, [2, 5], "`after` is exclusive");
    client.append(vec![event("A", &["x"]), event("B", &[])], None, None).await.expect("an append");
    assert_eq!(next(&mut all, 2).await, [6, 7], "what comes");
    assert_eq!(next(&mut some, 1).await, [6]);

    server.kill_and_restart();
    let ended = timeout(PATIENCE, all.next()).await.expect("the subscription notices");
    assert!(!matches!(ended, Some(Ok(_))), "no event comes out of a broken connection");
    let client = connect(&server).await;
    let mut all = client.subscribe(None, Some(7)).await.expect("a subscription");
    let mut some = client.subscribe(Some(x), Some(6)).await.expect("a subscription");
    let silence = all.next_batch_timeout(Duration::from_millis(100)).await;
    assert!(matches!(silence, Err(DcbError::Timeout())), "nothing comes twice, and nothing ends");
    assert_eq!(client.append(vec![event("B", &[]), event("A", &["x"])], None, None).await.expect("an append"), 9);
    assert_eq!(next(&mut all, 2).await, [8, 9]);
    assert_eq!(next(&mut some, 1).await, [9]);
}

#[tokio::test]
async fn a_batch_is_as_large_as_asked_for_and_a_message_as_large_as_the_client_takes() {
    let server = Server::start();
    let client = UmaDbClient::new(server.url()).batch_size(2).connect_async().await.expect("a connection");
    five_events(&client).await;
    let mut response = client.read(None, None, false, None).await.expect("a read");
    let mut sizes = Vec::new();
    for _ in 0..3 {
        sizes.push(response.next_batch().await.expect("a batch").len());
        assert_eq!(response.head().await.expect("a head"), Some(5), "each batch tells the head");
    }
    assert_eq!(sizes, [2, 2, 1]);
    assert!(response.next_batch().await.expect("an end").is_empty());

    let client = connect(&server).await;
    for _ in 0..6 {
        client.append(vec![event("Large", &[]).data(vec![7; 2 << 20])], None, None).await.expect("an append");
    }
    assert_eq!(read(&client, None, Some(5), false, None).await, ((5..=11).collect(), Some(11)));
    let mut subscription = client.subscribe(None, Some(4)).await.expect("a subscription");
    assert_eq!(next(&mut subscription, 7).await, [5, 6, 7, 8, 9, 10, 11]);
}

#[tokio::test]
async fn health_is_told_for_the_server_and_for_the_service() {
    let server = Server::start();
    let client = connect(&server).await;
    for service in ["", "umadb.v1.DCB"] {
        assert_eq!(client.check_health(service).await.expect("an answer"), ServingStatus::Serving);
        let mut watch = client.watch_health(service).await.expect("a watch");
        assert_eq!(watch.next().await.expect("an answer"), Some(ServingStatus::Serving));
    }
}
