//! The do-nothing server: what the way to the store costs without the store.
//!
//! Owns `quipu bench-null`, a hidden command. It takes the same requests over the same stack as
//! `quipu serve`, in a process of its own, and answers each append at once. So its calls a second are
//! the ceiling of what any store behind this stack could do on this machine.

use std::io::{self, Write};
use std::net::SocketAddr;

use clap::Args;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_stream::Empty;
use tonic::{Request, Response, Status, Streaming};

use super::Error;
use super::error::refused;
use crate::proto::event_store_server::{EventStore, EventStoreServer};
use crate::proto::expected_revision::Kind;
use crate::proto::{
    AppendRequest, AppendResponse, AppendSessionRequest, AppendSessionResponse, GetEventRequest, GetEventResponse,
    ReadAllRequest, ReadAllResponse, ReadStreamRequest, ReadStreamResponse, SubscribeAllRequest, SubscribeAllResponse,
    SubscribeStreamRequest, SubscribeStreamResponse, TransactRequest, TransactResponse,
};
use crate::{cli, server};

/// Settings of the do-nothing server.
#[derive(Debug, Args)]
pub struct NullArgs {
    /// Where to listen; port 0 takes any.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

/// Answers appends until the process is ended. Says where on standard error, as `quipu serve` does
/// with `--log-format json`.
pub async fn run(args: NullArgs) -> Result<(), cli::Error> {
    Ok(serve(args).await?)
}

async fn serve(args: NullArgs) -> Result<(), Error> {
    let listener = TcpListener::bind(args.listen).await.map_err(refused(format!("listen on {}", args.listen)))?;
    let address = listener.local_addr().map_err(refused("learn the own address"))?;
    let line = json!({"level": "INFO", "fields": {"message": "listening", "address": address.to_string()}});
    writeln!(io::stderr(), "{line}").map_err(refused("say the own address"))?;
    server::transport()
        .add_service(EventStoreServer::new(Nothing))
        .serve_with_incoming(server::incoming(listener))
        .await
        .map_err(Error::Serve)
}

/// An event store without a store.
#[derive(Clone, Copy, Debug)]
struct Nothing;

fn not_here<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("the do-nothing server only answers Append"))
}

#[tonic::async_trait]
impl EventStore for Nothing {
    type AppendSessionStream = Empty<Result<AppendSessionResponse, Status>>;
    type ReadStreamStream = Empty<Result<ReadStreamResponse, Status>>;
    type ReadAllStream = Empty<Result<ReadAllResponse, Status>>;
    type SubscribeAllStream = Empty<Result<SubscribeAllResponse, Status>>;
    type SubscribeStreamStream = Empty<Result<SubscribeStreamResponse, Status>>;

    async fn append(&self, request: Request<AppendRequest>) -> Result<Response<AppendResponse>, Status> {
        let request = request.into_inner();
        let first = match request.expected.and_then(|expected| expected.kind) {
            Some(Kind::Revision(revision)) => revision + 1,
            Some(Kind::Any(_) | Kind::NoStream(_) | Kind::StreamExists(_)) | None => 0,
        };
        let last = first + request.events.len().saturating_sub(1) as u64;
        Ok(Response::new(AppendResponse {
            first_revision: Some(first),
            last_revision: Some(last),
            first_position: first + 1,
            last_position: last + 1,
            deduplicated: false,
        }))
    }

    async fn transact(&self, _: Request<TransactRequest>) -> Result<Response<TransactResponse>, Status> {
        not_here()
    }

    async fn append_session(
        &self,
        _: Request<Streaming<AppendSessionRequest>>,
    ) -> Result<Response<Self::AppendSessionStream>, Status> {
        not_here()
    }

    async fn read_stream(&self, _: Request<ReadStreamRequest>) -> Result<Response<Self::ReadStreamStream>, Status> {
        not_here()
    }

    async fn read_all(&self, _: Request<ReadAllRequest>) -> Result<Response<Self::ReadAllStream>, Status> {
        not_here()
    }

    async fn subscribe_all(
        &self,
        _: Request<SubscribeAllRequest>,
    ) -> Result<Response<Self::SubscribeAllStream>, Status> {
        not_here()
    }

    async fn subscribe_stream(
        &self,
        _: Request<SubscribeStreamRequest>,
    ) -> Result<Response<Self::SubscribeStreamStream>, Status> {
        not_here()
    }

    async fn get_event(&self, _: Request<GetEventRequest>) -> Result<Response<GetEventResponse>, Status> {
        not_here()
    }
}
