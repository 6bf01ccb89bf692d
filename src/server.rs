//! Assembles the doors and serves them on one port.
//!
//! gRPC, reflection, health and a little HTTP/1.1 share a listener. A server begins with its default
//! tenant open and ends in one of two ways: it is asked to, or its log fails. Asked, it refuses new
//! appends, ends subscriptions, answers what was asked before, and closes the log. When the log fails,
//! health says so at once and the process ends with an error.

use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::routing::get;
use futures_util::{Stream, TryStreamExt};
use quipu_client::Corked;
use thiserror::Error as ThisError;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::config::Config;
use crate::disk::Disk;
use crate::disk::memory::MemoryDisk;
use crate::disk::real::RealDisk;
use crate::grpc::{Doors, Express, status};
use crate::metrics::Metrics;
use crate::model::TenantId;
use crate::proto::FILE_DESCRIPTORS;
use crate::proto::checkpoints_server::CheckpointsServer;
use crate::proto::consumers_server::ConsumersServer;
use crate::proto::event_store_server::EventStoreServer;
use crate::proto::operations_server::OperationsServer;
use crate::proto::read_models_server::ReadModelsServer;
use crate::proto::server_info_server::ServerInfoServer;
use crate::proto::snapshots_server::SnapshotsServer;
use crate::proto::streams_server::StreamsServer;
use crate::proto::umadb::dcb_server::DcbServer;
use crate::store::home::{Engine, HomeError};
use crate::store::{self, Absent, Condition, Home, Scrub, Tenants};

/// How often unused tenants are looked for.
const IDLE_CHECK: Duration = Duration::from_secs(30);

/// How much a client may send ahead on one request, and on one connection, in bytes.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;

/// How many requests of one connection may be in progress.
const STREAMS_PER_CONNECTION: u32 = 4096;

/// Why a server ended that should not.
#[derive(Debug, ThisError)]
pub enum Error {
    /// The data directory can not be used.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The default tenant's store can not be opened.
    #[error("the store can not be opened")]
    Open(#[source] store::Error),
    /// The metrics can not be registered.
    #[error("the metrics can not be registered")]
    Metrics(#[from] prometheus::Error),
    /// Reflection can not be offered.
    #[error("reflection can not be offered")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The transport failed.
    #[error("the transport failed")]
    Transport(#[from] tonic::transport::Error),
    /// The log failed while the server ran.
    #[error("the log failed; nothing that was acknowledged is lost; start again once the disk is well")]
    Poisoned,
}

/// The settings of the transport, the same for every server of ours.
pub fn transport() -> Server {
    Server::builder()
        .accept_http1(true)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(STREAMS_PER_CONNECTION)
        .http2_keepalive_interval(Some(Duration::from_secs(30)))
        .http2_keepalive_timeout(Some(Duration::from_secs(20)))
}

/// The connections that a listener gets, the same for every server of ours.
pub fn incoming(listener: TcpListener) -> impl Stream<Item = io::Result<Corked<TcpStream>>> {
    TcpIncoming::from(listener).with_nodelay(Some(true)).map_ok(Corked::new)
}

/// Serves a listener until `shutdown` resolves or the log fails.
///
/// # Errors
/// When the data directory can not be used, or the log fails.
pub async fn run(config: Config, listener: TcpListener, shutdown: impl Future<Output = ()>) -> Result<(), Error> {
    let disk: Arc<dyn Disk> = if config.in_memory { Arc::new(MemoryDisk::default()) } else { Arc::new(RealDisk) };
    let data = if config.in_memory { Path::new("/memory") } else { &config.data };
    let home = Home::take_with(disk, data, config.log)?;
    warn_of_limits(config.log);
    let metrics = Arc::new(Metrics::new()?);
    let tenants = Tenants::new(home, config.store.clone(), metrics.clone(), config.tenants_open_max);
    tenants.get(&TenantId::default(), Absent::Create).await.map_err(Error::Open)?;
    let scrub = Scrub::begin(tenants.clone(), config.scrub);
    let idle = tokio::spawn(close_idle(tenants.clone(), config.tenant_idle));

    let doors = Doors::new(tenants.clone(), metrics.clone(), config.heartbeat);
    let (health, routes) = routes(&doors)?;
    report(&health, ServingStatus::Serving).await;
    let address = listener.local_addr().map_or_else(|_| config.listen.to_string(), |address| address.to_string());
    tracing::info!(address, config = %config, version = env!("CARGO_PKG_VERSION"), "listening");

    let (stopping, stopped) = watch::channel(false);
    let mut ended = stopped.clone();
    let serving = transport().layer(Express::new(&doors)).add_routes(routes).serve_with_incoming_shutdown(
        incoming(listener),
        async move {
            // An error means that the sender is gone: the server is ending anyway.
            drop(ended.wait_for(|stopping| *stopping).await);
        },
    );
    let mut serving = std::pin::pin!(serving);

    let mut condition = tenants.condition();
    let is_poisoned = tokio::select! {
        ended = &mut serving => return ended.map_err(Error::from),
        () = shutdown => false,
        _ = condition.wait_for(|condition| *condition == Condition::Poisoned) => true,
    };
    tracing::info!(is_poisoned, "stopping");
    report(&health, ServingStatus::NotServing).await;
    tenants.stop();
    stopping.send_replace(true);
    if tokio::time::timeout(config.drain, serving).await.is_err() {
        tracing::warn!("requests were still in progress when the time to drain was over");
    }
    idle.abort();
    let closing = tokio::task::spawn_blocking(move || {
        scrub.into_iter().for_each(Scrub::end);
        tenants.close();
    });
    if closing.await.is_err() {
        tracing::error!("closing the stores panicked");
    }
    tracing::info!("stopped");
    if is_poisoned { Err(Error::Poisoned) } else { Ok(()) }
}

/// Says what the server can not promise.
fn warn_of_limits(engine: Engine) {
    match engine {
        Engine::Segments => {}
        Engine::Sled => tracing::warn!(
            "the log lies in sled: its memory and the time of a start grow with the log, damage to its file behind the \
             last complete segment may go unnoticed, and power cuts are not simulated in its tests: see docs/sled.md"
        ),
    }
}

/// All services but those of events, which [`Express`] has.
fn routes(doors: &Doors) -> Result<(HealthReporter, Routes), Error> {
    let (health, health_service) = tonic_health::server::health_reporter();
    let reflection = || {
        let builder = tonic_reflection::server::Builder::configure();
        builder
            .register_encoded_file_descriptor_set(FILE_DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
    };
    let mut routes = Routes::builder();
    routes
        .add_service(doors.snapshots())
        .add_service(doors.streams())
        .add_service(doors.checkpoints())
        .add_service(doors.consumers())
        .add_service(doors.read_models())
        .add_service(doors.operations())
        .add_service(doors.server_info())
        .add_service(health_service)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?);
    let (tenants, metrics) = (doors.tenants.clone(), doors.metrics.clone());
    let measured = tenants.clone();
    let router = routes
        .routes()
        .into_axum_router()
        .layer(axum::middleware::map_response(async |response: axum::response::Response| status::of_response(response)))
        .route("/healthz", get(move || healthz(tenants.condition())))
        .route("/metrics", get(async move || metrics.text(&measured.groups(), measured.options().clock.now())));
    Ok((health, Routes::from(router)))
}

async fn healthz(condition: watch::Receiver<Condition>) -> (axum::http::StatusCode, &'static str) {
    match *condition.borrow() {
        Condition::Serving => (axum::http::StatusCode::OK, "serving\n"),
        Condition::Stopping => (axum::http::StatusCode::SERVICE_UNAVAILABLE, "stopping\n"),
        Condition::Poisoned => (axum::http::StatusCode::SERVICE_UNAVAILABLE, "the log failed\n"),
    }
}

/// Reports a status for the server as a whole and for each of its services.
async fn report(health: &HealthReporter, status: ServingStatus) {
    let services = [
        "",
        EventStoreServer::<Doors>::NAME,
        SnapshotsServer::<Doors>::NAME,
        StreamsServer::<Doors>::NAME,
        CheckpointsServer::<Doors>::NAME,
        ConsumersServer::<Doors>::NAME,
        ReadModelsServer::<Doors>::NAME,
        OperationsServer::<Doors>::NAME,
        ServerInfoServer::<Doors>::NAME,
        DcbServer::<Doors>::NAME,
    ];
    for service in services {
        health.set_service_status(service, status).await;
    }
}

async fn close_idle(tenants: Arc<Tenants>, idle: Duration) {
    let mut checks = tokio::time::interval(IDLE_CHECK.min(idle.max(Duration::from_secs(1))));
    loop {
        checks.tick().await;
        tenants.close_idle(idle).await;
    }
}
