//! Calls in raw bytes, and what a failure says.
//!
//! A client library sends only what is well formed and shows only what it understands. Here requests
//! are whatever bytes a test likes, and answers are the bytes that came.

use bytes::{Buf, BufMut, Bytes};
use prost::Message;
use quipu_client::proto;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

pub(crate) const APPEND: &str = "/quipu.v1.EventStore/Append";
pub(crate) const TRANSACT: &str = "/quipu.v1.EventStore/Transact";
pub(crate) const READ_ALL: &str = "/quipu.v1.EventStore/ReadAll";
pub(crate) const READ_STREAM: &str = "/quipu.v1.EventStore/ReadStream";
pub(crate) const GET_EVENT: &str = "/quipu.v1.EventStore/GetEvent";
pub(crate) const STREAMS_GET: &str = "/quipu.v1.Streams/Get";
pub(crate) const STREAMS_LIST: &str = "/quipu.v1.Streams/List";
pub(crate) const SNAPSHOTS_SAVE: &str = "/quipu.v1.Snapshots/Save";
pub(crate) const SNAPSHOTS_GET: &str = "/quipu.v1.Snapshots/Get";
pub(crate) const SNAPSHOTS_LIST: &str = "/quipu.v1.Snapshots/List";

/// An append whose name and events are any bytes.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RawAppend {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) stream: Vec<u8>,
    #[prost(message, optional, tag = "2")]
    pub(crate) expected: Option<proto::ExpectedRevision>,
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub(crate) events: Vec<Vec<u8>>,
}

/// A request that has nothing but a name, of any bytes.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RawName {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) stream: Vec<u8>,
}

/// Answers with events of undecoded bytes: to a read, and to a question for one.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RawEvents {
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub(crate) events: Vec<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct BytesCodec;

impl Codec for BytesCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put(item);
        Ok(())
    }
}

impl Decoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, message: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(message.copy_to_bytes(message.remaining())))
    }
}

/// Makes a call and returns the bytes of all answers.
pub(crate) async fn call(channel: &Channel, path: &'static str, request: &[u8]) -> Result<Vec<Bytes>, Status> {
    let mut grpc = tonic::client::Grpc::new(channel.clone()).max_decoding_message_size(usize::MAX);
    grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let request = Request::new(Bytes::copy_from_slice(request));
    let answers = grpc.server_streaming(request, PathAndQuery::from_static(path), BytesCodec).await?;
    let mut answers = answers.into_inner();
    let mut all = Vec::new();
    while let Some(answer) = answers.message().await? {
        all.push(answer);
    }
    Ok(all)
}

/// The same for a message and one answer.
pub(crate) async fn ask<T: Message + Default>(
    channel: &Channel,
    path: &'static str,
    request: &impl Message,
) -> Result<T, Status> {
    let answers = call(channel, path, &request.encode_to_vec()).await?;
    assert_eq!(answers.len(), 1, "{path} has one answer");
    Ok(T::decode(answers[0].clone()).expect("an answer of this type"))
}

/// The code and the reason of a failure, which must come from Quipu.
pub(crate) fn reason(status: &Status) -> (Code, String) {
    let info = status.get_details_error_info().unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
    assert_eq!(info.domain, "quipu", "{status:?}");
    (status.code(), info.reason)
}

/// The typed detail of a failure: a message of `errors.proto`.
pub(crate) fn detail<T: Message + Default>(status: &Status, name: &str) -> T {
    let told = tonic_types::pb::Status::decode(status.details()).expect("a google.rpc.Status");
    assert_eq!((told.code, told.message.as_str()), (status.code() as i32, status.message()), "{status:?}");
    let url = format!("type.googleapis.com/quipu.v1.{name}");
    let found = told.details.iter().find(|any| any.type_url == url);
    let found = found.unwrap_or_else(|| panic!("no {name} in {told:?}"));
    T::decode(found.value.as_slice()).expect("a message of its type")
}

/// Asserts why a call failed.
#[track_caller]
pub(crate) fn assert_refused<T: std::fmt::Debug>(what: &str, outcome: Result<T, Status>, code: Code, why: &str) {
    match outcome {
        Ok(_) => panic!("{what}: it is not refused"),
        Err(status) => assert_eq!(reason(&status), (code, why.to_owned()), "{what}: {status:?}"),
    }
}
