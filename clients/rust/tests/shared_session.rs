//! Appends that share a session, before a server that the test plays itself.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use quipu_client::proto::append_session_response::Outcome;
use quipu_client::{Appended, Client, ClientBuilder, Error, Expected, Guard, NewEvent, Query, RetryPolicy, proto};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::server::{Grpc, NamedService};
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

type Answer = Result<proto::AppendSessionResponse, Status>;

/// One session, as the server has it.
struct Session {
    requests: Streaming<proto::AppendSessionRequest>,
    answers: mpsc::Sender<Answer>,
}

impl Session {
    /// The stream that the next append is for.
    async fn asked(&mut self) -> String {
        self.asked_whole().await.stream
    }

    async fn asked_whole(&mut self) -> proto::AppendRequest {
        let request = within("an append", self.requests.message()).await.expect("the client goes on");
        let request = request.expect("it has more to ask");
        request.append.expect("every message has an append")
    }

    async fn answer(&self, answer: Answer) {
        self.answers.send(answer).await.expect("the client listens");
    }

    /// Answers an append with where it went.
    async fn appended(&self, position: u64) {
        let (revision, position) = (Some(position - 1), position);
        let appended = proto::AppendResponse {
            first_revision: revision,
            last_revision: revision,
            first_position: position,
            last_position: position,
            deduplicated: false,
        };
        self.answer(Ok(proto::AppendSessionResponse { outcome: Some(Outcome::Appended(appended)) })).await;
    }

    /// Refuses an append.
    async fn refused(&self, code: Code) {
        let failure = proto::AppendFailure { code: code as i32, message: "no".to_owned(), ..Default::default() };
        self.answer(Ok(proto::AppendSessionResponse { outcome: Some(Outcome::Failed(failure)) })).await;
    }
}

/// A server whose sessions the test plays; it refuses appends that are calls of their own, and counts them.
struct Stage {
    client: Client,
    sessions: mpsc::Receiver<Session>,
    calls: Arc<AtomicUsize>,
}

impl Stage {
    async fn new(settings: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (begun, sessions) = mpsc::channel(8);
        let calls = Arc::new(AtomicUsize::new(0));
        let service = Played { begun, calls: Arc::clone(&calls) };
        let server = tonic::transport::Server::builder().add_service(service);
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        let pause = Duration::from_millis(1);
        let retry = RetryPolicy { attempts: 3, initial_backoff: pause, max_backoff: pause };
        let builder = settings(Client::builder(format!("http://{address}")).retry(retry).share_session());
        let client = builder.connect().await.expect("it listens");
        Self { client, sessions, calls }
    }

    /// Begins an append, and sees it arrive.
    async fn append(&self, session: &mut Session, stream: &'static str) -> JoinHandle<Result<Appended, Error>> {
        let appending = self.begin(stream);
        assert_eq!(session.asked().await, stream);
        appending
    }

    fn begin(&self, stream: &'static str) -> JoinHandle<Result<Appended, Error>> {
        let client = self.client.clone();
        tokio::spawn(async move { client.append(stream, Expected::Any, vec![NewEvent::new("T", "{}")]).await })
    }

    /// The next session.
    async fn session(&mut self) -> Session {
        within("a session", self.sessions.recv()).await.expect("the server runs")
    }
}

/// What an append came to.
async fn outcome(appending: JoinHandle<Result<Appended, Error>>) -> Result<Appended, Error> {
    within("an outcome", appending).await.expect("no panic")
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(Duration::from_secs(30), future).await;
    done.unwrap_or_else(|_| panic!("{what} does not come"))
}

#[tokio::test]
async fn each_append_has_its_own_answer() {
    let mut stage = Stage::new(|builder| builder).await;
    let first = stage.begin("a");
    let mut session = stage.session().await;
    assert_eq!(session.asked().await, "a");
    let second = stage.append(&mut session, "b").await;
    let third = stage.append(&mut session, "c").await;
    session.appended(7).await;
    session.refused(Code::ResourceExhausted).await;
    session.appended(8).await;
    assert_eq!(outcome(first).await.expect("appended").last_position, 7);
    let refused = outcome(second).await.expect_err("refused");
    assert_eq!(refused.code(), Some(Code::ResourceExhausted));
    assert_eq!(outcome(third).await.expect("appended").last_position, 8);
    assert!(stage.sessions.try_recv().is_err(), "all went in one session");
    assert_eq!(stage.calls.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_caller_that_goes_away_takes_nobody_elses_answer() {
    let mut stage = Stage::new(|builder| builder).await;
    let gone = stage.begin("gone");
    let mut session = stage.session().await;
    assert_eq!(session.asked().await, "gone");
    gone.abort();
    assert!(gone.await.expect_err("it was aborted").is_cancelled());
    let here = stage.append(&mut session, "here").await;
    session.appended(1).await;
    session.appended(2).await;
    assert_eq!(outcome(here).await.expect("appended").last_position, 2);
}

#[tokio::test]
async fn appends_without_an_answer_go_in_the_next_session() {
    let mut stage = Stage::new(|builder| builder).await;
    let answered = stage.begin("answered");
    let mut session = stage.session().await;
    assert_eq!(session.asked().await, "answered");
    let (one, other) = (stage.append(&mut session, "one").await, stage.append(&mut session, "other").await);
    session.appended(1).await;
    assert_eq!(outcome(answered).await.expect("appended").last_position, 1);
    drop(session);
    let mut session = stage.session().await;
    let mut asked = [session.asked().await, session.asked().await];
    asked.sort();
    assert_eq!(asked, ["one", "other"]);
    session.appended(2).await;
    session.appended(3).await;
    let mut positions = Vec::new();
    for appending in [one, other] {
        positions.push(outcome(appending).await.expect("appended").last_position);
    }
    positions.sort_unstable();
    assert_eq!(positions, [2, 3]);
}

#[tokio::test]
async fn an_append_without_an_answer_is_the_same_when_it_is_sent_again() {
    let mut stage = Stage::new(|builder| builder).await;
    let appending = stage.begin("s");
    let first = stage.session().await.asked_whole().await;
    let mut session = stage.session().await;
    assert_eq!(session.asked_whole().await, first, "its event has the same id");
    assert!(!first.events[0].id.is_empty());
    session.appended(1).await;
    assert_eq!(outcome(appending).await.expect("appended").last_position, 1);
}

#[tokio::test]
async fn a_status_about_one_append_is_told_to_it_alone() {
    let mut stage = Stage::new(|builder| builder).await;
    let faulty = stage.begin("faulty");
    let mut session = stage.session().await;
    assert_eq!(session.asked().await, "faulty");
    let behind = stage.append(&mut session, "behind").await;
    session.answer(Err(Status::invalid_argument("what is that?"))).await;
    let refused = outcome(faulty).await;
    assert_eq!(refused.expect_err("refused").code(), Some(Code::InvalidArgument));
    let mut session = stage.session().await;
    assert_eq!(session.asked().await, "behind");
    session.appended(1).await;
    assert_eq!(outcome(behind).await.expect("appended").last_position, 1);
}

#[tokio::test]
async fn a_server_that_is_away_is_told_to_everybody_who_waits() {
    let mut stage = Stage::new(|builder| builder.retry(RetryPolicy::none())).await;
    let one = stage.begin("one");
    let mut session = stage.session().await;
    assert_eq!(session.asked().await, "one");
    let other = stage.append(&mut session, "other").await;
    session.answer(Err(Status::unavailable("stopping"))).await;
    for appending in [one, other] {
        let away = outcome(appending).await;
        assert!(matches!(&away, Err(Error::Unavailable(fault)) if fault.message == "stopping"), "{away:?}");
    }
}

#[tokio::test]
async fn large_and_guarded_appends_are_calls() {
    let mut stage = Stage::new(|builder| builder).await;
    let large = vec![NewEvent::new("T", vec![b' '; 64 << 10])];
    let refused = stage.client.append("s", Expected::Any, large).await.expect_err("calls are refused");
    assert_eq!(refused.code(), Some(Code::Unimplemented));
    let guards = vec![Guard::none_match(Query::all())];
    let event = vec![NewEvent::new("T", "{}")];
    let refused = stage.client.append_guarded("s", Expected::Any, event, guards).await;
    assert_eq!(refused.expect_err("calls are refused").code(), Some(Code::Unimplemented));
    assert_eq!(stage.calls.load(Ordering::Relaxed), 2);
    assert!(stage.sessions.try_recv().is_err(), "no session has begun");
}

#[derive(Clone)]
struct Played {
    begun: mpsc::Sender<Session>,
    calls: Arc<AtomicUsize>,
}

impl NamedService for Played {
    const NAME: &'static str = "quipu.v1.EventStore";
}

/// The transport's side.
impl Service<http::Request<Body>> for Played {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        if request.uri().path() != "/quipu.v1.EventStore/AppendSession" {
            self.calls.fetch_add(1, Ordering::Relaxed);
            return Box::pin(ready(Ok(Status::unimplemented("only sessions").into_http())));
        }
        let sessions = Sessions(self.begun.clone());
        Box::pin(async move {
            let mut grpc = Grpc::new(ProstCodec::<proto::AppendSessionResponse, _>::default());
            Ok(grpc.streaming(sessions, request).await)
        })
    }
}

/// The messages' side.
struct Sessions(mpsc::Sender<Session>);

impl Service<Request<Streaming<proto::AppendSessionRequest>>> for Sessions {
    type Response = Response<ReceiverStream<Answer>>;
    type Error = Status;
    type Future = Ready<Result<Self::Response, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Streaming<proto::AppendSessionRequest>>) -> Self::Future {
        let (answers, answered) = mpsc::channel(8);
        let begun = self.0.try_send(Session { requests: request.into_inner(), answers });
        ready(
            begun
                .map(|()| Response::new(ReceiverStream::new(answered)))
                .map_err(|_| Status::internal("the test is over")),
        )
    }
}
