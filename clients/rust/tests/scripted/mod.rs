//! A server that answers from a script.
//!
//! Owns a gRPC service, under the names of two of Quipu's, that plays one scripted answer a call, whatever is
//! asked, and keeps what it was asked. It knows nothing of events: the test writes the messages. A script that has run out
//! fails the call with UNIMPLEMENTED, which no client retries.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use prost::Message;
use quipu_client::{Client, ClientBuilder, RetryPolicy};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_stream::{Stream, StreamExt};
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::server::{Grpc, NamedService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

type Answers<A> = Pin<Box<dyn Stream<Item = Result<A, Status>> + Send>>;

/// What happens in one call.
#[derive(Clone)]
pub(crate) struct Call<A> {
    /// The messages sent.
    pub(crate) messages: Vec<A>,
    /// How it ends; without it, the call stays open.
    pub(crate) end: Option<Result<(), Status>>,
}

/// A running server; `Q` is what it is asked and `A` what it answers.
pub(crate) struct Scripted<Q> {
    /// A client of it, for the tenant `acme`.
    pub(crate) client: Client,
    asked: Arc<Mutex<Vec<Q>>>,
}

impl<Q: Message + Default + Clone + 'static> Scripted<Q> {
    /// Starts a server on a free port, with a script of calls.
    pub(crate) async fn start<A: Message + Default + Clone + 'static>(script: Vec<Call<A>>) -> Self {
        Self::start_with(script, |builder| builder).await
    }

    /// The same, with a client that is set up by `settings`.
    pub(crate) async fn start_with<A: Message + Default + Clone + 'static>(
        script: Vec<Call<A>>,
        settings: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let script = Arc::new(Mutex::new(VecDeque::from(script)));
        let service = EventStore { script, asked: Arc::clone(&asked) };
        let serving = tonic::transport::Server::builder()
            .add_service(Checkpoints(service.clone()))
            .add_service(service)
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(serving);
        let builder = Client::builder(format!("http://{address}")).tenant("acme").retry(RetryPolicy {
            attempts: 3,
            initial_backoff: std::time::Duration::from_millis(1),
            max_backoff: std::time::Duration::from_millis(1),
        });
        let client = settings(builder).connect().await.expect("it listens");
        Self { client, asked }
    }

    /// What it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Q> {
        self.asked.lock().expect("not poisoned").clone()
    }
}

struct EventStore<Q, A> {
    script: Arc<Mutex<VecDeque<Call<A>>>>,
    asked: Arc<Mutex<Vec<Q>>>,
}

impl<Q, A> Clone for EventStore<Q, A> {
    fn clone(&self) -> Self {
        Self { script: Arc::clone(&self.script), asked: Arc::clone(&self.asked) }
    }
}

impl<Q, A> NamedService for EventStore<Q, A> {
    const NAME: &'static str = "quipu.v1.EventStore";
}

/// The same under another name.
struct Checkpoints<Q, A>(EventStore<Q, A>);

impl<Q, A> Clone for Checkpoints<Q, A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<Q, A> NamedService for Checkpoints<Q, A> {
    const NAME: &'static str = "quipu.v1.Checkpoints";
}

impl<Q, A> Service<http::Request<Body>> for Checkpoints<Q, A>
where
    Q: Message + Default + Clone + 'static,
    A: Message + Default + Clone + 'static,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        self.0.call(request)
    }
}

/// The transport's side.
impl<Q, A> Service<http::Request<Body>> for EventStore<Q, A>
where
    Q: Message + Default + Clone + 'static,
    A: Message + Default + Clone + 'static,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let service = Method(self.clone());
        Box::pin(async move {
            // A unary answer looks the same on the wire as a stream of one message.
            let mut grpc = Grpc::new(ProstCodec::<A, Q>::default());
            Ok(grpc.server_streaming(service, request).await)
        })
    }
}

/// The messages' side.
struct Method<Q, A>(EventStore<Q, A>);

impl<Q, A> Service<Request<Q>> for Method<Q, A>
where
    A: Message + 'static,
{
    type Response = Response<Answers<A>>;
    type Error = Status;
    type Future = Ready<Result<Self::Response, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let tenant = request.metadata().get("quipu-tenant").map(|it| it.as_bytes());
        if tenant != Some(b"acme".as_slice()) {
            return ready(Err(Status::permission_denied("the tenant header is missing")));
        }
        self.0.asked.lock().expect("not poisoned").push(request.into_inner());
        let Some(call) = self.0.script.lock().expect("not poisoned").pop_front() else {
            return ready(Err(Status::unimplemented("the script has run out")));
        };
        let messages = tokio_stream::iter(call.messages).map(Ok);
        let answers: Answers<A> = match call.end {
            Some(Ok(())) => Box::pin(messages),
            Some(Err(status)) => Box::pin(messages.chain(tokio_stream::once(Err(status)))),
            None => Box::pin(messages.chain(tokio_stream::pending())),
        };
        ready(Ok(Response::new(answers)))
    }
}
