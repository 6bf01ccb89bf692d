//! How to get at a server.
//!
//! Owns [`ClientBuilder`] and the settings of the connection. The windows are large since reads are
//! long, and idle connections are probed, since a subscription may wait for hours. One connection
//! serves all calls; it is made anew by itself whenever it breaks.

use std::time::Duration;

use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tower::ServiceExt;
use tower::util::MapResponse;

use crate::client::Shared;
use crate::shared_session::SharedSession;
use crate::{Client, Corked, Error, RetryPolicy};

const STREAM_WINDOW_BYTES: u32 = 8 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(20);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const MESSAGE_BYTES: usize = 64 << 20;

/// Settings of a client before it connects.
#[derive(Clone, Debug)]
pub struct ClientBuilder {
    endpoint: String,
    tenant: Option<String>,
    retry: RetryPolicy,
    connect_timeout: Duration,
    call_timeout: Option<Duration>,
    max_message_bytes: usize,
    appends_by_call: bool,
}

impl ClientBuilder {
    pub(crate) fn new(endpoint: String) -> Self {
        Self {
            endpoint,
            tenant: None,
            retry: RetryPolicy::default(),
            connect_timeout: CONNECT_TIMEOUT,
            call_timeout: None,
            max_message_bytes: MESSAGE_BYTES,
            appends_by_call: true,
        }
    }

    /// Speaks for this tenant in every call. Without it, the tenant is `default`.
    #[must_use]
    pub fn tenant(mut self, name: impl Into<String>) -> Self {
        self.tenant = Some(name.into());
        self
    }

    /// How calls are retried while the server is unavailable.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// How long making a connection may take; 5 s by default.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long one try of a call may take, of one that has one answer and does not wait for something; without
    /// limit by default, since a server that is gone is noticed within 30 s anyway. A try that takes longer
    /// counts as one that found the server unavailable.
    #[must_use]
    pub fn call_timeout(mut self, timeout: Duration) -> Self {
        self.call_timeout = Some(timeout);
        self
    }

    /// The largest message sent or taken, in bytes; 64 MiB by default.
    #[must_use]
    pub fn max_message_bytes(mut self, bytes: usize) -> Self {
        self.max_message_bytes = bytes;
        self
    }

    /// Appends that run side by side share a session, which is several times faster. Without this, each append is a
    /// call of its own.
    #[must_use]
    pub fn share_session(mut self) -> Self {
        self.appends_by_call = false;
        self
    }

    /// A client that connects with its first call. [`Error::InvalidEndpoint`] when the endpoint is no
    /// address, [`Error::InvalidArgument`] when the tenant's name does not fit in a header.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn connect_lazy(self) -> Result<Client, Error> {
        let endpoint = self.to_endpoint()?;
        let channel = match self.is_local() {
            true => endpoint.connect_lazy(),
            false => endpoint.connect_with_connector_lazy(corked(self.connect_timeout)),
        };
        let tenant = self.to_header()?;
        Ok(self.client(channel, tenant))
    }

    /// A connected client. Fails as [`connect_lazy`](Self::connect_lazy) does, and with
    /// [`Error::Connect`] when the server is not reached within the timeout; this is not retried.
    pub async fn connect(self) -> Result<Client, Error> {
        let tenant = self.to_header()?;
        let unreached = |source| Error::Connect { endpoint: self.endpoint.clone(), source };
        let endpoint = self.to_endpoint()?;
        let channel = match self.is_local() {
            true => endpoint.connect().await,
            false => endpoint.connect_with_connector(corked(self.connect_timeout)).await,
        };
        let channel = channel.map_err(unreached)?;
        Ok(self.client(channel, tenant))
    }

    fn client(&self, channel: Channel, tenant: Option<MetadataValue<Ascii>>) -> Client {
        let Self { retry, call_timeout, max_message_bytes, appends_by_call, .. } = *self;
        let session = SharedSession::default();
        Client::new(Shared { channel, tenant, retry, call_timeout, max_message_bytes, appends_by_call, session })
    }

    fn to_endpoint(&self) -> Result<Endpoint, Error> {
        let invalid = || Error::InvalidEndpoint(self.endpoint.clone());
        // Without a scheme it still parses, and then every connection fails.
        if !self.endpoint.contains("://") && !self.is_local() {
            return Err(invalid());
        }
        let endpoint = Endpoint::from_shared(self.endpoint.clone()).map_err(|_| invalid())?;
        Ok(endpoint
            .connect_timeout(self.connect_timeout)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .keep_alive_while_idle(true))
    }

    /// Whether the server is behind a Unix socket.
    fn is_local(&self) -> bool {
        self.endpoint.starts_with("unix:")
    }

    fn to_header(&self) -> Result<Option<MetadataValue<Ascii>>, Error> {
        let Some(name) = &self.tenant else {
            return Ok(None);
        };
        name.parse()
            .map(Some)
            .map_err(|_| Error::InvalidArgument(format!("tenant name {name:?} does not fit in a header")))
    }
}

type CorkedConnector = MapResponse<HttpConnector, fn(TokioIo<TcpStream>) -> TokioIo<Corked<TcpStream>>>;

/// Connects by TCP, and gathers what is written. The addresses of a host share the time there is.
fn corked(timeout: Duration) -> CorkedConnector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(timeout));
    tcp.map_response(|stream| TokioIo::new(Corked::new(stream.into_inner())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn refuses_an_endpoint_without_scheme() {
        for endpoint in ["127.0.0.1:2113", "", "http://", "http://a b"] {
            let refused = Client::builder(endpoint).connect_lazy();
            assert!(matches!(refused, Err(Error::InvalidEndpoint(_))), "{endpoint}: {refused:?}");
        }
    }

    #[tokio::test]
    async fn refuses_a_tenant_that_is_no_header() {
        let refused = Client::builder("http://localhost:1").tenant("a\nb").connect_lazy();
        assert!(matches!(refused, Err(Error::InvalidArgument(_))), "{refused:?}");
    }
}
