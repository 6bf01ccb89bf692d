//! Tenants: each has a log of its own, and nothing of the others.

use quipu_client::{
    Client, Error, Expected, ExpectedCheckpoint, ListStreams, ReadAll, ReadStream, SnapshotToSave, StreamMetadata,
    SubscribeAll, Transaction,
};
use tonic::Code;

use crate::events::{append, event, events, head, ids, log, stream};
use crate::server::{TestServer, engine, within};

#[tokio::test]
async fn tenants_see_nothing_of_each_other() {
    let mut server = TestServer::start_with(&["--segment-events", "16"]);
    let tenants = ["default", "acme", "acme-2", "0_x"];
    let shared = event(0);
    let mut clients = Vec::new();
    for (tenant, count) in tenants.into_iter().zip([1_u64, 20, 30, 40]) {
        let client = server.client_with_tenant(tenant).await;
        let first = append(&client, "same-name", vec![shared.clone()]).await;
        assert_eq!((first.first_position, first.first_revision, first.deduplicated), (1, 0, false));
        append(&client, &format!("only-{tenant}"), events(0..count)).await;
        client.save_snapshot(SnapshotToSave::new("same-name", 0, format!("\"{tenant}\""))).await.unwrap();
        clients.push((tenant, count, client));
    }
    for _ in 0..2 {
        for (tenant, count, client) in &clients {
            let own = format!("only-{tenant}");
            assert_eq!(log(client).await.len() as u64, count + 1);
            assert_eq!(client.all_streams("").await.unwrap(), [own.clone(), "same-name".to_owned()]);
            assert_eq!(ids(&stream(client, "same-name").await), [shared.id]);
            let state = client.get_snapshot("same-name", None).await.unwrap().unwrap().data;
            assert_eq!(state, format!("\"{tenant}\""));
            let foreign = if *tenant == "acme" { "only-acme-2" } else { "only-acme" };
            let missing = client.read_stream(ReadStream::new(foreign)).await;
            assert!(matches!(missing, Err(Error::StreamNotFound)), "{tenant}: {missing:?}");
        }
        server.restart().await;
    }
}

#[tokio::test]
async fn a_client_that_names_no_tenant_speaks_for_the_default_one() {
    let server = TestServer::start();
    append(&server.client().await, "s", events(0..3)).await;
    assert_eq!(log(&server.client_with_tenant("default").await).await.len(), 3);
}

#[tokio::test]
async fn a_subscriber_hears_of_its_own_tenant_only() {
    let server = TestServer::start();
    let (one, other) = (server.client_with_tenant("one").await, server.client_with_tenant("other").await);
    append(&one, "s", vec![event(0)]).await;
    append(&other, "s", vec![event(0)]).await;
    let mut subscription = one.subscribe_all(SubscribeAll::new()).await.unwrap();
    for number in 1..20 {
        append(&other, "s", events(0..5)).await;
        let sent = event(number);
        append(&one, "s", vec![sent.clone()]).await;
        loop {
            let came = within("an event", subscription.next_event()).await.unwrap();
            assert_eq!(came.position, came.revision + 1);
            if came.id == sent.id {
                break;
            }
            assert_eq!(came.revision, 0, "only the first event comes before");
        }
    }
}

/// Asserts that a question about a tenant that holds nothing is answered so.
fn assert_absent<T: std::fmt::Debug>(outcome: Result<T, Error>) {
    match outcome {
        Err(error) => {
            assert!(matches!(error, Error::TenantNotFound), "{error:?}");
            assert_eq!(error.code(), Some(Code::NotFound));
        }
        Ok(there) => panic!("{there:?}"),
    }
}

#[tokio::test]
async fn a_tenant_that_holds_nothing_is_not_found_until_the_first_append_makes_it() {
    let server = TestServer::start();
    let client = server.client_with_tenant("new").await;
    assert_absent(client.read_stream(ReadStream::new("s")).await);
    assert_absent(client.read_all(ReadAll::new()).await);
    assert_absent(client.subscribe_all(SubscribeAll::new()).await);
    assert_absent(client.get_event_at(1).await);
    assert_absent(client.streams(ListStreams::new()).await);
    assert_absent(client.list_snapshots("s").await);
    assert_absent(client.save_snapshot(SnapshotToSave::new("s", 0, "{}")).await);
    let info = client.server_info().await.unwrap();
    assert_eq!((info.tenant.as_str(), info.head, info.log_id.as_str()), ("new", 0, ""));
    assert!(!server.data().join("tenants/new").exists(), "asking makes nothing");
    append(&client, "s", vec![event(0)]).await;
    assert_eq!(log(&client).await.len(), 1);
}

#[tokio::test]
async fn a_refused_append_does_not_count_as_one() {
    let server = TestServer::start();
    let client = server.client_with_tenant("new").await;
    let refused = client.append("s", Expected::StreamExists, vec![event(0)]).await;
    assert!(matches!(refused, Err(Error::WrongExpectedRevision { actual: None, .. })), "{refused:?}");
    assert_eq!(head(&client).await, 0);
}

#[tokio::test]
async fn the_servers_facts_are_told_for_each_tenant() {
    let mut server = TestServer::start();
    let (one, other) = (server.client_with_tenant("one").await, server.client_with_tenant("other").await);
    append(&one, "s", events(0..3)).await;
    append(&other, "s", events(0..5)).await;
    let facts = async |client: &Client| {
        let info = client.server_info().await.unwrap();
        assert_eq!((info.engine.as_str(), info.durability.as_str()), (engine().as_str(), "synced"));
        assert_eq!(info.version, env!("CARGO_PKG_VERSION"));
        assert!(uuid::Uuid::try_parse(&info.log_id).is_ok());
        (info.tenant, info.head, info.log_id)
    };
    let before = (facts(&one).await, facts(&other).await);
    assert_eq!((before.0.0.as_str(), before.0.1), ("one", 3));
    assert_eq!((before.1.0.as_str(), before.1.1), ("other", 5));
    assert_ne!(before.0.2, before.1.2, "each log is another");
    server.restart().await;
    assert_eq!((facts(&one).await, facts(&other).await), before, "a log stays the one it is");
}

#[tokio::test]
async fn more_tenants_than_may_be_open_are_refused_and_the_others_go_on() {
    let mut server = TestServer::start_with(&["--tenants-open-max", "2"]);
    let default = server.client().await;
    let second = server.client_with_tenant("second").await;
    let third = server.client_with_tenant("third").await;
    append(&default, "s", vec![event(0)]).await;
    append(&second, "s", vec![event(0)]).await;
    match third.append("s", Expected::Any, vec![event(0)]).await {
        Err(Error::ResourceExhausted(fault)) => assert_eq!(fault.reason.as_deref(), Some("TOO_MANY_TENANTS")),
        other => panic!("{other:?}"),
    }
    append(&default, "s", vec![event(1)]).await;
    append(&second, "s", vec![event(1)]).await;
    server.restart().await;
    append(&third, "s", vec![event(0)]).await;
    match second.read_all(ReadAll::new()).await {
        Err(Error::ResourceExhausted(fault)) => assert_eq!(fault.reason.as_deref(), Some("TOO_MANY_TENANTS")),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_idle_tenant_is_closed_and_opens_again_when_it_is_asked_for() {
    let server = TestServer::start_with(&["--tenants-open-max", "2", "--tenant-idle-seconds", "1"]);
    let second = server.client_with_tenant("second").await;
    let third = server.client_with_tenant("third").await;
    append(&second, "s", events(0..3)).await;
    // There is room for another one only once the second has been closed.
    crate::server::eventually("the idle tenant makes room", async || {
        third.append("s", Expected::Any, vec![event(0)]).await.is_ok()
    })
    .await;
    crate::server::eventually("the other makes room again", async || second.read_all(ReadAll::new()).await.is_ok())
        .await;
    assert_eq!(log(&second).await.len(), 3);
}

/// Once, a store was opened for a request before the request was looked at: whoever sent nonsense under new
/// names filled the data directory and the table of open tenants.
#[tokio::test]
async fn a_malformed_request_makes_no_tenant() {
    let server = TestServer::start();
    append(&server.client().await, "s", events(0..1)).await;
    for number in 0..3 {
        let client = server.client_with_tenant(&format!("fresh-{number}")).await;
        let refused = [
            client.append("s", Expected::Any, Vec::new()).await.map(drop),
            client.append("$s", Expected::Any, events(0..1)).await.map(drop),
            client.transact(Transaction::new()).await.map(drop),
            client.set_stream_metadata("", StreamMetadata::default(), Expected::Any).await.map(drop),
            client.tombstone_stream("$s", Expected::Any).await.map(drop),
            client.set_checkpoint("", 0, ExpectedCheckpoint::Any).await.map(drop),
        ];
        for outcome in refused {
            assert!(matches!(outcome, Err(Error::InvalidArgument(_))), "{outcome:?}");
        }
        let absent = client.read_all(ReadAll::new()).await.unwrap_err();
        assert!(matches!(absent, Error::TenantNotFound), "{absent:?}");
        assert!(matches!(client.delete_stream("s", Expected::Any).await, Err(Error::TenantNotFound)));
    }
    assert_eq!(std::fs::read_dir(server.data().join("tenants")).unwrap().count(), 1);
}
