//! The handle that every call starts from.
//!
//! Owns [`Client`]: the connection, the tenant header, the retry policy and the size limit, shared by
//! all clones. The calls themselves live next to what they are about: `append.rs`, `transact.rs`,
//! `session.rs`, `read.rs`, `subscribe.rs`, `checkpoints.rs`, `snapshot.rs`, `streams.rs`,
//! `stream_life.rs`, `statistics.rs`, `server_info.rs`.

use std::sync::Arc;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use crate::proto::checkpoints_client::CheckpointsClient;
use crate::proto::event_store_client::EventStoreClient;
use crate::proto::server_info_client::ServerInfoClient;
use crate::proto::snapshots_client::SnapshotsClient;
use crate::proto::streams_client::StreamsClient;
use crate::{ClientBuilder, Error, RetryPolicy};

const TENANT_HEADER: &str = "quipu-tenant";

/// A connection to a server, for one tenant. Clones are cheap and share the connection.
#[derive(Clone, Debug)]
pub struct Client {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    channel: Channel,
    tenant: Option<MetadataValue<Ascii>>,
    retry: RetryPolicy,
    max_message_bytes: usize,
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

    /// The connection itself, for raw use with [`proto`](crate::proto). It adds no tenant header.
    #[must_use]
    pub fn channel(&self) -> Channel {
        self.shared.channel.clone()
    }

    pub(crate) fn new(
        channel: Channel,
        tenant: Option<MetadataValue<Ascii>>,
        retry: RetryPolicy,
        max_message_bytes: usize,
    ) -> Self {
        Self { shared: Arc::new(Shared { channel, tenant, retry, max_message_bytes }) }
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
            async move { Ok(answer.await?.into_inner()) }
        })
        .await
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

    pub(crate) fn facts(&self) -> ServerInfoClient<Channel> {
        ServerInfoClient::new(self.channel())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Expected, ExpectedCheckpoint, ReadAll, ReadStream, SnapshotToSave, Transaction};
    use crate::{StreamMetadata, SubscribeAll, SubscribeStream};

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
            sendable(client.wait_for_checkpoint("c", 1, std::time::Duration::ZERO));
            sendable(client.server_info());
        }
        fn following(mut subscription: crate::Subscription) {
            sendable(subscription.next());
            sendable(subscription.next_event());
        }
        let _: fn(&Client) = all;
        let _: fn(crate::Subscription) = following;
    }
}
