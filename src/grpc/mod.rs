//! The doors: wire in, wire out.
//!
//! One file a service, one that turns wire values into values of the model (`convert`), one that turns
//! errors into statuses (`status`), one that says who calls (`caller`). A handler unwraps, asks the
//! store, and wraps. It holds no rule and never decodes an event. `umadb` is the same for a protocol
//! that is not ours.

mod caller;
mod checkpoints;
mod consumers;
mod convert;
mod event_store;
mod express;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod operations;
mod paging;
mod read_models;
mod server_info;
mod session;
mod snapshots;
pub mod status;
mod streams;
mod subscribing;
mod umadb;

pub use express::Express;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use tonic::Status;

use crate::metrics::Metrics;
use crate::proto::checkpoints_server::CheckpointsServer;
use crate::proto::consumers_server::ConsumersServer;
use crate::proto::event_store_server::EventStoreServer;
use crate::proto::operations_server::OperationsServer;
use crate::proto::read_models_server::ReadModelsServer;
use crate::proto::server_info_server::ServerInfoServer;
use crate::proto::snapshots_server::SnapshotsServer;
use crate::proto::streams_server::StreamsServer;
use crate::proto::umadb::dcb_server::DcbServer;
use crate::store::Tenants;

/// A stream of responses.
pub(crate) type Responses<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// What all doors share. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Doors {
    pub(crate) tenants: Arc<Tenants>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) heartbeat: Duration,
}

impl Doors {
    /// The doors to these stores; subscriptions get a sign of life every `heartbeat`.
    pub fn new(tenants: Arc<Tenants>, metrics: Arc<Metrics>, heartbeat: Duration) -> Self {
        Self { tenants, metrics, heartbeat }
    }

    /// The service of events.
    pub fn event_store(&self) -> EventStoreServer<Self> {
        EventStoreServer::new(self.clone())
            .max_decoding_message_size(self.request_bytes())
            .max_encoding_message_size(usize::MAX)
    }

    /// The service of snapshots.
    pub fn snapshots(&self) -> SnapshotsServer<Self> {
        SnapshotsServer::new(self.clone()).max_decoding_message_size(self.request_bytes())
    }

    /// The service of streams.
    pub fn streams(&self) -> StreamsServer<Self> {
        StreamsServer::new(self.clone())
    }

    /// The service of checkpoints.
    pub fn checkpoints(&self) -> CheckpointsServer<Self> {
        CheckpointsServer::new(self.clone())
    }

    /// The service of consumer groups.
    pub fn consumers(&self) -> ConsumersServer<Self> {
        ConsumersServer::new(self.clone()).max_encoding_message_size(usize::MAX)
    }

    /// The service of read models.
    pub fn read_models(&self) -> ReadModelsServer<Self> {
        ReadModelsServer::new(self.clone()).max_decoding_message_size(self.request_bytes())
    }

    /// The service for operators.
    pub fn operations(&self) -> OperationsServer<Self> {
        OperationsServer::new(self.clone())
    }

    /// The service that tells what this is.
    pub fn server_info(&self) -> ServerInfoServer<Self> {
        ServerInfoServer::new(self.clone())
    }

    /// The service for UmaDB's clients.
    pub fn dcb(&self) -> DcbServer<Self> {
        DcbServer::new(self.clone())
            .max_decoding_message_size(self.request_bytes())
            .max_encoding_message_size(usize::MAX)
    }

    fn request_bytes(&self) -> usize {
        self.tenants.options().limits.request_bytes()
    }
}
