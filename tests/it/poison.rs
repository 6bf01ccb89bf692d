//! A disk that fails under a running server: everyone is told, and nothing acknowledged is lost.
//!
//! `strace` lets the server's syncs fail; where it is missing, the test says that it is skipped.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use quipu_client::{Client, Error, Expected, NewEvent, RetryPolicy};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::server::{TestServer, within};

/// Lets every sync of a process fail from now on; `None` where there is no `strace`.
fn fail_syncs(pid: u32) -> Option<Child> {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO"]);
    let mut child = strace.args(["-p", &pid.to_string()]).stderr(Stdio::piped()).spawn().ok()?;
    let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    let attached = lines.next().expect("strace says what it does").expect("text");
    assert!(attached.contains("attached"), "{attached}");
    Some(child)
}

#[tokio::test]
#[allow(clippy::print_stdout, reason = "a test that is skipped says so")]
async fn a_failed_sync_ends_the_server_with_an_error_and_everyone_is_told() {
    let mut server = TestServer::start();
    let client = Client::builder(server.endpoint()).retry(RetryPolicy::none()).connect().await.unwrap();
    client.append("s", Expected::NoStream, vec![NewEvent::new("Before", "{}")]).await.unwrap();
    let mut health = HealthClient::new(server.channel().await);
    let mut watching = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(watching.message().await.unwrap().unwrap().status(), ServingStatus::Serving);

    let Some(mut strace) = fail_syncs(server.id()) else {
        println!("skipped: strace is not installed");
        return;
    };
    let event = NewEvent::new("During", "{}");
    let failed = client.append("s", Expected::Revision(0), vec![event.clone()]).await.unwrap_err();
    assert!(matches!(failed, Error::Unavailable(_)), "{failed:?}");
    assert_eq!(failed.reason().as_deref(), Some("POISONED"), "{failed:?}");
    let told = within("health to change", watching.message()).await.unwrap().unwrap();
    assert_eq!(told.status(), ServingStatus::NotServing);
    drop((client, watching, health));
    assert_eq!(server.exited().await.code(), Some(1), "{}", server.log().join("\n"));
    strace.wait().unwrap();

    server.run();
    let client = server.client().await;
    let again = client.append("s", Expected::Revision(0), vec![event]).await.unwrap();
    assert_eq!((again.first_revision, again.first_position), (1, 2), "a retry settles what was not known");
    assert_eq!(client.get_event_at(1).await.unwrap().event_type, "Before");
}
