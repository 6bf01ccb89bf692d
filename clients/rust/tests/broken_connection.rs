//! Connections that are refused or break, as the transport really reports them.
//!
//! The peers are bare sockets that speak no gRPC.

use std::time::Duration;

use quipu_client::{Client, Error, Expected, NewEvent, ReadAll, RetryPolicy, SubscribeAll};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

fn client(address: std::net::SocketAddr, retry: RetryPolicy) -> Client {
    Client::builder(format!("http://{address}")).retry(retry).connect_lazy().expect("an address")
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a free port")
}

#[tokio::test]
async fn nobody_listens() {
    let address = listener().await.local_addr().expect("bound");
    let refused = Client::connect(format!("http://{address}")).await;
    assert!(matches!(refused, Err(Error::Connect { .. })), "{refused:?}");

    let client = client(address, RetryPolicy::none());
    let refused = client.append("s", Expected::Any, vec![NewEvent::new("T", "{}")]).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
}

#[tokio::test]
async fn the_connection_breaks_in_mid_call() {
    let listener = listener().await;
    let client = client(
        listener.local_addr().expect("bound"),
        RetryPolicy { attempts: 3, initial_backoff: Duration::from_millis(1), max_backoff: Duration::from_millis(1) },
    );
    let peer = tokio::spawn(async move {
        for _ in 0..9 {
            let (mut socket, _) = listener.accept().await.expect("a connection");
            let mut some = [0; 64];
            let read = socket.read(&mut some).await.expect("the preface");
            assert!(read > 0);
        }
    });
    let broken = client.append("s", Expected::Any, vec![NewEvent::new("T", "{}")]).await;
    assert!(matches!(broken, Err(Error::Unavailable(_))), "{broken:?}");
    let broken = client.read_all(ReadAll::new()).await;
    assert!(matches!(broken, Err(Error::Unavailable(_))), "{broken:?}");
    let broken = client.subscribe_all(SubscribeAll::new()).await;
    assert!(matches!(broken, Err(Error::Unavailable(_))), "{broken:?}");
    // Three calls of three tries each, one connection a try.
    peer.await.expect("nine connections");
}

#[tokio::test]
async fn a_silent_server_is_a_broken_one() {
    let listener = listener().await;
    let client = client(listener.local_addr().expect("bound"), RetryPolicy::none());
    let subscribe = SubscribeAll::new().silence_timeout(Duration::from_millis(20));
    let silent = client.subscribe_all(subscribe).await;
    assert!(matches!(silent, Err(Error::Unavailable(_))), "{silent:?}");
}
