//! The handle that every call starts from.
//!
//! Owns [`Client`]: the connection, the tenant header, the retry policy and the size limit, shared by
//! all clones. The calls themselves live next to what they are about: `append.rs`, `transact.rs`,
//! `session.rs`, `read.rs`, `subscribe.rs`, `checkpoints.rs`, `snapshot.rs`, `streams.rs`,
//! `state.rs`, `stream_life.rs`, `statistics.rs`, `operations.rs`, `server_info.rs`, `consumers`, `read_models`.

use std::sync::Arc;
use std::time::Duration;

use prost::Message;
use tokio::time;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use crate::proto::checkpoints_client::CheckpointsClient;
use crate::proto::consumers_client::ConsumersClient;
use crate::proto::event_store_client::EventStoreClient;
use crate::proto::operations_client::OperationsClient;
use crate::proto::read_models_client::ReadModelsClient;
use crate::proto::server_info_client::ServerInfoClient;
use crate::proto::snapshots_client::SnapshotsClient;
use crate::proto::streams_client::StreamsClient;
use crate::shared_session::SharedSession;
use crate::{Appended, ClientBuilder, Error, RetryPolicy, Upcasters, proto};

const TENANT_HEADER: &str = "quipu-tenant";

/// An append that takes more bytes than this is a call of its own.
const SHARED_APPEND_BYTES_MAX: usize = 64 << 10;

/// A connection to a server, for one tenant. Clones are cheap and share the connection.
#[derive(Clone, Debug)]
pub struct Client {
    shared: Arc<Shared>,
    pub(crate) upcasters: Upcasters,
}

/// What all clones of a client share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) channel: Channel,
    pub(crate) tenant: Option<MetadataValue<Ascii>>,
    pub(crate) retry: RetryPolicy,
    pub(crate) call_timeout: Option<Duration>,
    pub(crate) max_message_bytes: usize,
    pub(crate) appends_by_call: bool,
    pub(crate) session: SharedSession,
}

impl Client {
    /// Connects with the default settings to an address such as `http://127.0.0.1:2113`. See
    /// [`ClientBuilder::connect`] for the errors.
    pub async fn connect(endpoint: impl Into<String>) -> Result<Self, Error> {
        Self::builder(endpoint).connect().await
    }

    /// Settings for a client of this address.
    pub fn builder(endpoint: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(endpoint.into())
    }

    /// The connection itself, for raw use with [`proto`]. It adds no tenant header.
    #[must_use]
    pub fn channel(&self) -> Channel {
        self.shared.channel.clone()
    }

    pub(crate) fn new(shared: Shared) -> Self {
        Self { shared: Arc::new(shared), upcasters: Upcasters::new() }
    }

    /// A message on its way, under the tenant's name.
    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(tenant) = &self.shared.tenant {
            request.metadata_mut().insert(TENANT_HEADER, tenant.clone());
        }
        request
    }

    /// Makes one call that is safe to repeat, under the client's retry policy.
    pub(crate) async fn call<S, M, T, F, Fut>(&self, stub: fn(&Self) -> S, message: M, mut call: F) -> Result<T, Error>
    where
        M: Clone,
        F: FnMut(S, Request<M>) -> Fut,
        Fut: Future<Output = Result<Response<T>, Status>>,
    {
        self.retry(|| {
            let answer = call(stub(self), self.request(message.clone()));
            async move { Ok(self.in_time(answer).await??.into_inner()) }
        })
        .await
    }

    /// Appends by a message of the shared session; safe to repeat.
    pub(crate) async fn append_in_session(&self, append: proto::AppendRequest) -> Result<Appended, Error> {
        self.in_time(self.shared.session.append(self, append)).await?
    }

    /// Whether an append goes in the shared session: what is large, or has guards that may be looked up on the disk,
    /// would keep others waiting there.
    pub(crate) fn shares(&self, append: &proto::AppendRequest) -> bool {
        let is_light = append.guards.is_empty() && append.encoded_len() <= SHARED_APPEND_BYTES_MAX;
        is_light && !self.shared.appends_by_call
    }

    /// Waits for one try, as long as one may take.
    async fn in_time<F: Future>(&self, answer: F) -> Result<F::Output, Error> {
        match self.shared.call_timeout {
            Some(timeout) => time::timeout(timeout, answer).await.map_err(|_| too_slow(timeout)),
            None => Ok(answer.await),
        }
    }

    /// How calls are retried.
    pub(crate) fn retry_policy(&self) -> RetryPolicy {
        self.shared.retry
    }

    /// Does something that is safe to repeat, under the client's retry policy.
    pub(crate) async fn retry<T, F, Fut>(&self, attempt: F) -> Result<T, Error>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, Error>>,
    {
        self.shared.retry.run(attempt).await
    }

    pub(crate) fn events(&self) -> EventStoreClient<Channel> {
        EventStoreClient::new(self.channel())
            .max_decoding_message_size(self.shared.max_message_bytes)
            .max_encoding_message_size(self.shared.max_message_bytes)
    }

    pub(crate) fn snapshots(&self) -> SnapshotsClient<Channel> {
        SnapshotsClient::new(self.channel())
            .max_decoding_message_size(self.shared.max_message_bytes)
            .max_encoding_message_size(self.shared.max_message_bytes)
    }

    pub(crate) fn stream_names(&self) -> StreamsClient<Channel> {
        StreamsClient::new(self.channel())
            .max_decoding_message_size(self.shared.max_message_bytes)
            .max_encoding_message_size(self.shared.max_message_bytes)
    }

    pub(crate) fn checkpoints(&self) -> CheckpointsClient<Channel> {
        CheckpointsClient::new(self.channel())
            .max_decoding_message_size(self.shared.max_message_bytes)
            .max_encoding_message_size(self.shared.max_message_bytes)
    }

    pub(crate) fn consumers(&self) -> ConsumersClient<Channel> {
        ConsumersClient::new(self.channel())
            .max_decoding_message_size(self.shared.max_message_bytes)
            .max_encoding_message_size(self.shared.max_message_bytes)
    }

    pub(crate) fn models(&self) -> ReadModelsClient<Channel> {
        ReadModelsClient::new(self.channel())
            .max_decoding_message_size(self.shared.max_message_bytes)
            .max_encoding_message_size(self.shared.max_message_bytes)
    }

    pub(crate) fn operators(&self) -> OperationsClient<Channel> {
        OperationsClient::new(self.channel())
            .max_decoding_message_size(self.shared.max_message_bytes)
            .max_encoding_message_size(self.shared.max_message_bytes)
    }

    pub(crate) fn facts(&self) -> ServerInfoClient<Channel> {
        ServerInfoClient::new(self.channel())
    }
}

fn too_slow(timeout: Duration) -> Error {
    Error::unavailable(format!("there was no answer within {timeout:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Expected, ExpectedCheckpoint, ReadAll, ReadStream, SnapshotToSave, Transaction};
    use crate::{StreamMetadata, SubscribeAll, SubscribeStream};

    #[derive(Default, serde::Serialize, serde::Deserialize)]
    struct Nothing;

    impl crate::AggregateState for Nothing {
        fn apply(&mut self, _: &crate::RecordedEvent) -> Result<(), Error> {
            Ok(())
        }
    }

    impl crate::Projection for Nothing {
        async fn apply(&self, _: &crate::RecordedEvent, _: &mut crate::Changes) -> Result<(), crate::BoxError> {
            Ok(())
        }
    }

    /// Every future of the client can be given to `tokio::spawn`.
    #[test]
    fn calls_can_be_spawned() {
        fn sendable(_: impl Send) {}
        fn all(client: &Client) {
            sendable(Client::connect("http://127.0.0.1:2113"));
            sendable(client.append("s", Expected::Any, Vec::new()));
            sendable(client.append_guarded("s", Expected::Any, Vec::new(), Vec::new()));
            sendable(client.append_session());
            sendable(client.transact(Transaction::new()));
            sendable(client.read_stream(ReadStream::new("s")));
            sendable(client.read_all(ReadAll::new()));
            sendable(client.get_event_at(1));
            sendable(client.subscribe_all(SubscribeAll::new()));
            sendable(client.subscribe_stream(SubscribeStream::new("s")));
            sendable(client.save_snapshot(SnapshotToSave::new("s", 0, "{}")));
            sendable(client.get_snapshot("s", None));
            sendable(client.all_streams(""));
            sendable(client.set_stream_metadata("s", StreamMetadata::default(), Expected::Any));
            sendable(client.tombstone_stream("s", Expected::Any));
            sendable(client.event_types("", 0, None));
            sendable(client.statistics());
            sendable(client.set_checkpoint("c", 1, ExpectedCheckpoint::Any));
            sendable(client.wait_for_checkpoint("c", 1, Duration::ZERO));
            sendable(client.server_info());
            sendable(client.read_with_head(crate::Query::all()));
            sendable(client.get_state(crate::GetState::new("s")));
            sendable(client.groups("").collect());
        }
        fn in_a_group(group: &crate::Group, mut consumer: crate::Consumer) {
            sendable(group.create(crate::GroupSettings::new(), crate::GroupStart::Start));
            sendable(group.fetch("m", 1, Duration::ZERO));
            sendable(group.settle("m", crate::Settlement::new()));
            sendable(group.consume("m", 1));
            sendable(group.parked().next());
            sendable(consumer.next());
        }
        fn by_a_model(model: &crate::ReadModel) {
            sendable(model.write(crate::ReadModelWrite::new(0, 1)));
            sendable(model.list(crate::ListDocuments::new()).collect());
        }
        fn at_work(
            client: &Client,
            aggregate: &crate::Aggregate<Nothing>,
            projector: &crate::Projector<Nothing>,
            reactor: &crate::Reactor,
        ) {
            sendable(aggregate.execute(|_| Ok::<_, Error>(Vec::new())));
            sendable(reactor.run());
            sendable(crate::Replay::new(client, "r").run(async |_| Ok::<_, Error>(())));
            sendable(projector.run());
            sendable(projector.rebuild());
        }
        fn following(mut subscription: crate::Subscription) {
            sendable(subscription.next());
            sendable(subscription.next_event());
        }
        let _: fn(&Client) = all;
        let _: fn(&crate::Group, crate::Consumer) = in_a_group;
        let _: fn(&crate::ReadModel) = by_a_model;
        let _: fn(&Client, &_, &_, &_) = at_work;
        let _: fn(crate::Subscription) = following;
    }
}
